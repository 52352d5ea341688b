//! Connections to one Asterisk that are kept open between requests.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::config::Config;
use crate::connection::{ConnectError, Stream, stream};
use crate::url::BaseUrl;

/// The connections that wait for their next request, the one used last on top.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    idle: Vec<Connection>,
    /// Connections of an earlier generation do not come back.
    generation: u64,
}

/// One connection. Whoever has it drives it: no task stands between a request and the socket.
#[derive(Debug)]
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// Runs the connection; none once it has ended.
    driver: Option<Box<Driver>>,
    generation: u64,
    used: Instant,
}

type Driver = http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>;

/// What came of a request.
pub(super) enum Exchange {
    /// A reply, and its body if that came whole.
    Reply(StatusCode, Result<Bytes, hyper::Error>),
    /// The connection was closed before anything was written to it. Here is the request again.
    Unsent(Box<Request<Full<Bytes>>>),
    /// The connection failed, and the request may have been done.
    Unknown(hyper::Error),
}

/// Asterisk closes an idle connection after 15 s (`session_keep_alive`); ours go well before, so that a request
/// does not meet a closing one.
const IDLE: Duration = Duration::from_secs(9);

impl Pool {
    /// A connection that is open, if one is.
    pub(super) fn take(&self) -> Option<Connection> {
        let youngest = self.shelf().idle.pop()?;
        youngest.is_fresh().then_some(youngest)
    }

    /// Opens a connection.
    pub(super) async fn open(
        &self,
        config: &Config,
        base: &BaseUrl,
    ) -> Result<Connection, ConnectError> {
        let generation = self.shelf().generation;
        let stream = stream(config, base).await?;
        let (requests, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| {
            ConnectError::Handshake { url: base.to_string(), cause: error.to_string() }
        })?;
        let driver = Some(Box::new(driver));
        Ok(Connection { requests, driver, generation, used: Instant::now() })
    }

    /// Keeps a connection for the next request.
    pub(super) fn keep(&self, connection: Connection) {
        let mut shelf = self.shelf();
        if connection.generation == shelf.generation && connection.requests.is_ready() {
            shelf.idle.push(connection);
        }
    }

    /// Closes what nobody has used for long.
    pub(super) fn tidy(&self) {
        self.shelf().idle.retain(Connection::is_fresh);
    }

    /// Uses no connection again that is open now: the way to Asterisk was lost, and they may be mute.
    pub(super) fn renew(&self) {
        let mut shelf = self.shelf();
        shelf.generation += 1;
        shelf.idle.clear();
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

impl Connection {
    fn is_fresh(&self) -> bool {
        self.used.elapsed() < IDLE
    }

    /// Sends a request and reads its reply to the end. Dropped before, it leaves a connection of no further use.
    pub(super) async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Exchange {
        let Self { requests, driver, .. } = self;
        let mut exchange = pin!(async {
            let reply: Response<Incoming> = match requests.try_send_request(request).await {
                Ok(reply) => reply,
                Err(mut error) => {
                    return match error.take_message() {
                        Some(request) => Exchange::Unsent(Box::new(request)),
                        None => Exchange::Unknown(error.into_error()),
                    };
                }
            };
            let status = reply.status();
            let body = reply.into_body().collect().await.map(|body| body.to_bytes());
            if body.is_ok() {
                // Now it is known whether the connection stays open.
                let _ = requests.ready().await;
            }
            Exchange::Reply(status, body)
        });
        let done = poll_fn(|context| {
            if let Poll::Ready(done) = exchange.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            if driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(context).is_ready()) {
                // What went wrong, if anything did, is told to the request.
                *driver = None;
            }
            // What the connection has just read may be all that the exchange waits for.
            exchange.as_mut().poll(context)
        })
        .await;
        self.used = Instant::now();
        done
    }
}
