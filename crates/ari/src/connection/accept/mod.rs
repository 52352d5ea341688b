//! Sockets that Asterisk opens to us (`outbound_websocket` in ari.conf).
//!
//! [`gate`] decides who may come in; [`host`] keeps each client alive over the sockets that come for it.

mod gate;
mod host;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes, http};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use self::gate::Gate;
pub use self::gate::Refusal;
use self::host::{Host, Visit};
use super::dial::{Socket, Stream, websocket};
use super::{ConnectError, Identity, TlsError};
use crate::client::Client;
use crate::config::{Config, ConfigError};
use crate::routing::Arrivals;
use crate::secret::Secret;

/// Whom to let in, and what the clients are like. Made by [`AcceptConfig::new`]; the public fields have working
/// defaults.
#[derive(Clone, Debug)]
pub struct AcceptConfig {
    gate: Gate,
    /// What each client is configured with, but for its application, which Asterisk names. Default
    /// [`Config::accepted`], whose requests take the socket; one made by [`Config::new`] has HTTP as well.
    pub client: Config,
    /// How long a connection may take until its first event is here. Default 5 s.
    pub handshake_timeout: Duration,
    /// How many connections may be on their way in at once; more wait outside. Default 64.
    pub max_handshakes: usize,
}

/// How a listener speaks TLS.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// Our certificate.
    pub identity: Identity,
    /// A PEM file of roots. Given, only an Asterisk that shows a certificate signed by one of them comes in.
    pub clients: Option<PathBuf>,
}

/// Why nobody can be let in.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be used.
    #[error("cannot listen: {0}; is the address of this machine, and the port free?")]
    Address(#[from] io::Error),
    /// The files of the TLS configuration cannot be used.
    #[error(transparent)]
    TlsFiles(#[from] TlsError),
}

/// Takes the sockets that Asterisk opens, and makes clients of them. Cheap to clone.
///
/// Either let it [`listen`](Self::listen) by itself, or use it in an HTTP server of your own: answer the upgrade
/// request with what [`check`](Self::check) says, and [`admit`](Self::admit) the upgraded connection.
///
/// A connection of type `persistent` is one client for as long as both live: when Asterisk comes back, the same client
/// goes on, and gets first what Asterisk kept for it. Give such a connection one application. A connection of type
/// `per_call_config` is a client for each call, whose [`Config::app`] is Asterisk's own name for it,
/// `application:channel`; further channels of the call must be given that name.
#[derive(Clone, Debug)]
pub struct Acceptor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: AcceptConfig,
    known: Registry,
    clients: mpsc::UnboundedSender<(Client, Arrivals)>,
}

/// The clients that Asterisk opened sockets for, new ones only.
#[derive(Debug)]
pub struct Clients(mpsc::UnboundedReceiver<(Client, Arrivals)>);

/// An open port. Closes when dropped; the clients stay.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    task: AbortHandle,
}

impl AcceptConfig {
    /// `path` is that of `uri` in websocket_client.conf, and `username` and `password` stand there too: they are not
    /// those of an ARI user.
    ///
    /// # Errors
    /// Names the first mistake and its mend.
    pub fn new(
        path: &str,
        username: &str,
        password: impl Into<Secret>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            gate: Gate::new(path, username, &password.into())?,
            client: Config::accepted(),
            handshake_timeout: Duration::from_secs(5),
            max_handshakes: 64,
        })
    }
}

impl Acceptor {
    /// An acceptor, and where its clients come out.
    ///
    /// # Errors
    /// What is wrong with [`AcceptConfig::client`].
    pub fn new(config: AcceptConfig) -> Result<(Self, Clients), ConnectError> {
        config.client.check_clear_text()?;
        config.client.prepare_tls()?;
        let (clients_in, clients) = mpsc::unbounded_channel();
        let inner = Inner { config, known: Registry::default(), clients: clients_in };
        Ok((Self(Arc::new(inner)), Clients(clients)))
    }

    /// Opens a port, with TLS or in clear text. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ListenError`]
    pub async fn listen(
        &self,
        address: impl ToSocketAddrs,
        tls: Option<&ServerTls>,
    ) -> Result<Listener, ListenError> {
        let tls = match tls {
            None => None,
            Some(tls) => {
                let config = tls.identity.server(tls.clients.as_deref())?;
                Some(TlsAcceptor::from(Arc::new(config)))
            }
        };
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(self.clone().take_all(listener, tls)).abort_handle();
        Ok(Listener { address, task })
    }

    /// What to answer an upgrade request with: the response that accepts it, or why it is refused.
    ///
    /// # Errors
    /// [`Refusal`], which knows its HTTP status.
    pub fn check<T>(&self, request: &http::Request<T>) -> Result<http::Response<()>, Refusal> {
        self.0.config.gate.check(request)
    }

    /// Takes a connection whose upgrade request was [checked](Self::check) and answered. Returns when its first event
    /// is here and it has been given to its client, or has failed to come.
    pub async fn admit(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let stream: Box<dyn Stream> = Box::new(stream);
        let socket =
            WebSocketStream::from_raw_socket(stream, Role::Server, Some(websocket())).await;
        let limit = self.0.config.handshake_timeout;
        if timeout(limit, self.introduce(socket)).await.is_err() {
            tracing::warn!(?limit, "a socket from Asterisk said nothing");
        }
    }

    async fn take_all(self, listener: TcpListener, tls: Option<TlsAcceptor>) {
        let room = Arc::new(Semaphore::new(self.0.config.max_handshakes));
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let (stream, from) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(AFTER_FAILURE).await;
                    continue;
                }
            };
            let (acceptor, tls) = (self.clone(), tls.clone());
            tokio::spawn(async move {
                let limit = acceptor.0.config.handshake_timeout;
                match timeout(limit, acceptor.take(stream, tls)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(cause)) => tracing::warn!(%from, cause, "a connection was refused"),
                    Err(_) => tracing::warn!(%from, ?limit, "a connection took too long"),
                }
                drop(place);
            });
        }
    }

    async fn take(&self, stream: TcpStream, tls: Option<TlsAcceptor>) -> Result<(), String> {
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(tls) => Box::new(tls.accept(stream).await.map_err(|error| error.to_string())?),
        };
        #[expect(clippy::result_large_err, reason = "the WebSocket library's own signature")]
        let check = |request: &http::Request<()>, _| {
            self.check(request).map_err(|refusal| refusal.response().map(Some))
        };
        let socket = accept_hdr_async_with_config(stream, check, Some(websocket())).await;
        let socket = socket.map_err(|error| error.to_string())?;
        self.introduce(socket).await;
        Ok(())
    }

    /// Waits for the first event, which says what application the socket is for, and gives the socket to its client.
    async fn introduce(&self, mut socket: Socket) {
        let Some(text) = first_text(&mut socket).await else { return };
        let Ok(name) = serde_json::from_str::<Name>(&text) else {
            tracing::warn!("a socket from Asterisk began with something else than an event");
            return;
        };
        let Some(visit) = self.0.known.deliver(&name, Visit { socket, text }) else { return };
        let app = name.application.clone();
        match self.host(name, visit) {
            Ok(pair) => {
                // Nobody may be waiting for clients any more: then this one ends here.
                let _ = self.0.clients.send(pair);
            }
            Err(error) => tracing::error!(app, %error, "a socket from Asterisk cannot be served"),
        }
    }

    /// Makes a client that goes on for as long as sockets come for it.
    fn host(&self, name: Name, first: Visit) -> Result<(Client, Arrivals), ConnectError> {
        let config = self.0.config.client.for_app(name.application.clone());
        let (client, arrivals, parts) = Client::accepted(config)?;
        let (visits_in, visits) = mpsc::channel(1);
        self.0.known.names().insert(name.clone(), visits_in);
        let host = Host { parts, visits, stays: name.stays() };
        let acceptor = self.clone();
        tokio::spawn(async move {
            host.run(first).await;
            acceptor.0.known.forget(&name);
        });
        Ok((client, arrivals))
    }
}

impl Clients {
    /// The next new client; `None` when the acceptor and everything that listens for it are gone.
    /// May be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Option<(Client, Arrivals)> {
        self.0.recv().await
    }
}

impl Listener {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Such as when no file descriptor is free.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What an event says about the socket that it came by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
struct Name {
    application: String,
    /// Which Asterisk: several may use one application name.
    asterisk_id: Option<String>,
}

impl Name {
    fn stays(&self) -> Stays {
        match self.application.split_once(':') {
            // A channel's name begins with its technology and a slash.
            Some((_, channel)) if channel.contains('/') => Stays::ForOneCall,
            _ => Stays::ForEver,
        }
    }
}

/// How long Asterisk opens sockets for one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stays {
    ForEver,
    ForOneCall,
}

/// The clients that live, and how a further socket reaches each.
#[derive(Debug, Default)]
struct Registry(Mutex<HashMap<Name, mpsc::Sender<Visit>>>);

impl Registry {
    /// Gives a socket to the client of that name, or back if there is none.
    fn deliver(&self, name: &Name, visit: Visit) -> Option<Visit> {
        let mut names = self.names();
        let Some(visits) = names.get(name) else { return Some(visit) };
        match visits.try_send(visit) {
            Ok(()) => None,
            // It has a socket waiting already, and takes that.
            Err(mpsc::error::TrySendError::Full(_)) => None,
            Err(mpsc::error::TrySendError::Closed(visit)) => {
                names.remove(name);
                Some(visit)
            }
        }
    }

    /// Removes a client that has ended, unless another has its name by now.
    fn forget(&self, name: &Name) {
        let mut names = self.names();
        if names.get(name).is_some_and(mpsc::Sender::is_closed) {
            names.remove(name);
        }
    }

    fn names(&self) -> MutexGuard<'_, HashMap<Name, mpsc::Sender<Visit>>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

async fn first_text(socket: &mut Socket) -> Option<Utf8Bytes> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return Some(text),
            // Pings are answered by the library.
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "a socket from Asterisk failed before its first event");
                return None;
            }
        }
    }
}
