//! Opening the event socket.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::http::{Request, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::tls::TlsError;
use crate::config::{Config, ConfigError, Scope};
use crate::url::{BaseUrl, Scheme};

/// Why the event socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing listens there, or the name does not resolve.
    #[error(
        "cannot reach {address}: {cause}; is Asterisk running, with enabled=yes, bindaddr and bindport in http.conf?"
    )]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// Something listens there and does not answer.
    #[error(
        "{address} did not answer within {after:?}; is the host right, and no firewall between?"
    )]
    TimedOut {
        /// Host and port.
        address: String,
        /// The limit.
        after: Duration,
    },
    /// TLS was not agreed on: its certificate is not trusted, or names another host.
    #[error(
        "no TLS with {address}: {cause}; is its certificate signed by a root that is trusted here, and made out to that name?"
    )]
    Tls {
        /// Host and port.
        address: String,
        /// What went wrong.
        cause: String,
    },
    /// The files of the TLS configuration cannot be used.
    #[error(transparent)]
    TlsFiles(#[from] TlsError),
    /// The configuration forbids it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The client was made for sockets that Asterisk opens.
    #[error("there is no ARI url to connect to")]
    NoUrl,
    /// 401: the user or password is wrong.
    #[error("{url} refused user {username}; compare the user name and password with ari.conf")]
    Unauthorized {
        /// Where ARI is served.
        url: String,
        /// The user that was refused.
        username: String,
    },
    /// 404: ARI is not served there.
    #[error(
        "there is no ARI at {url}; load res_ari_events.so, set enabled=yes in ari.conf, and check the url's path"
    )]
    NotFound {
        /// Where ARI was looked for.
        url: String,
    },
    /// Another HTTP status, 403 when an access list forbids our address, 503 while Asterisk starts.
    #[error("{url} refused the event socket with HTTP status {status}")]
    Refused {
        /// Where ARI is served.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The other end does not speak WebSocket as it should.
    #[error("{url} did not open an event socket: {cause}; is it Asterisk that listens there?")]
    Handshake {
        /// Where ARI is served.
        url: String,
        /// What went wrong.
        cause: String,
    },
}

/// Bytes both ways, in clear text or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl fmt::Debug for dyn Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

/// An event socket, whoever opened it.
pub(crate) type Socket = WebSocketStream<Box<dyn Stream>>;

/// Opens the event socket of the configured application.
pub(crate) async fn dial(config: &Config) -> Result<Socket, ConnectError> {
    config.check_clear_text()?;
    let base = config.base().ok_or(ConnectError::NoUrl)?;
    match timeout(config.connect_timeout, open(config, base)).await {
        Ok(result) => result,
        Err(_) => Err(ConnectError::TimedOut {
            address: base.authority().to_owned(),
            after: config.connect_timeout,
        }),
    }
}

async fn open(config: &Config, base: &BaseUrl) -> Result<Socket, ConnectError> {
    let request = upgrade_request(config, base)?;
    // No extension is ever offered: Asterisk has none, and its outgoing side takes one for an error.
    let stream = stream(config, base).await?;
    let upgraded = client_async_with_config(request, stream, Some(websocket())).await;
    upgraded.map(|(socket, _)| socket).map_err(|error| refused(config, base, error))
}

/// How event sockets are read. The WebSocket library clears its buffer before each read, and an event keeps the buffer
/// that it lies in: both cost less if it holds a few events and not its default of a hundred.
pub(super) fn websocket() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(8 * 1024)
}

/// Opens a connection to where Asterisk serves ARI, for as long as that takes.
pub(crate) async fn stream(
    config: &Config,
    base: &BaseUrl,
) -> Result<Box<dyn Stream>, ConnectError> {
    let address = || base.authority().to_owned();
    let unreachable = |cause| ConnectError::Unreachable { address: address(), cause };
    let stream = TcpStream::connect(base.authority()).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    match base.scheme() {
        Scheme::Http => Ok(Box::new(stream)),
        Scheme::Https => {
            let failed = |cause: String| ConnectError::Tls { address: address(), cause };
            let connector = TlsConnector::from(config.tls_client()?);
            let name = ServerName::try_from(base.host().to_owned());
            let name = name.map_err(|error| failed(error.to_string()))?;
            let stream = connector.connect(name, stream).await;
            Ok(Box::new(stream.map_err(|error| failed(error.to_string()))?))
        }
    }
}

/// The upgrade request, with the credentials in its header and nowhere else.
fn upgrade_request(config: &Config, base: &BaseUrl) -> Result<Request<()>, ConnectError> {
    let mut url = base.events(config.app());
    if config.scope == Scope::Everything {
        url.push_str("&subscribeAll=true");
    }
    let mut request = url.into_client_request().map_err(|error| refused(config, base, error))?;
    request.headers_mut().insert(AUTHORIZATION, config.authorization());
    Ok(request)
}

fn refused(config: &Config, base: &BaseUrl, error: WsError) -> ConnectError {
    let url = base.to_string();
    match error {
        WsError::Http(response) => match response.status() {
            StatusCode::UNAUTHORIZED => {
                ConnectError::Unauthorized { url, username: config.username().to_owned() }
            }
            StatusCode::NOT_FOUND => ConnectError::NotFound { url },
            status => ConnectError::Refused { url, status: status.as_u16() },
        },
        other => ConnectError::Handshake { url, cause: other.to_string() },
    }
}
