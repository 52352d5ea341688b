//! Requests over pooled HTTP.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::error::RequestError;
use super::operation::{Operation, Repeat};
use super::pool::{Connection, Exchange, Pool};
use super::verdict::verdict;
use crate::config::Config;
use crate::connection::ConnectError;
use crate::url::{BaseUrl, Scheme};

/// Requests to one Asterisk, several at a time.
#[derive(Debug)]
pub(super) struct Http {
    config: Arc<Config>,
    base: BaseUrl,
    host: HeaderValue,
    authorization: HeaderValue,
    pool: Pool,
    permits: Semaphore,
}

impl Http {
    /// Requests to the Asterisk at `base`.
    ///
    /// # Errors
    /// When the files of the TLS configuration cannot be used.
    pub(super) fn new(config: &Arc<Config>, base: &BaseUrl) -> Result<Self, ConnectError> {
        if base.scheme() == Scheme::Https {
            config.tls_client()?;
        }
        Ok(Self {
            host: HeaderValue::from_str(base.authority()).expect("a parsed URL's host is ASCII"),
            authorization: config.authorization(),
            base: base.clone(),
            pool: Pool::default(),
            permits: Semaphore::new(config.max_connections),
            config: Arc::clone(config),
        })
    }

    /// The body of a successful reply, empty for 204.
    pub(super) async fn reply(
        &self,
        operation: &Operation,
        deadline: Instant,
    ) -> Result<Bytes, RequestError> {
        let permit = timeout_at(deadline, self.permits.acquire()).await;
        let _permit = permit.map_err(|_| RequestError::NotSent {
            operation: operation.name.clone(),
            cause: "every connection to Asterisk was in use until the request's time was over"
                .into(),
        })?;
        match self.attempt(operation, deadline).await {
            Err(RequestError::NotSent { .. }) if operation.repeat == Repeat::Safe => {
                sleep(RETRY_AFTER).await;
                self.attempt(operation, deadline).await
            }
            outcome => outcome,
        }
    }

    /// Keeps one connection from going idle, so that the next request finds it open. Runs until dropped.
    pub(super) async fn keep_warm(&self) {
        loop {
            let ping =
                Operation::new("ping", Method::GET, &["asterisk", "ping"]).repeat(Repeat::Unsafe);
            let deadline = Instant::now() + self.config.request_timeout;
            if let Err(error) = self.reply(&ping, deadline).await {
                tracing::debug!(%error, "the connection for requests is cold");
            }
            self.pool.tidy();
            sleep(WARM_EVERY).await;
        }
    }

    /// Uses no connection again that is open now.
    pub(super) fn renew(&self) {
        self.pool.renew();
    }

    async fn attempt(
        &self,
        operation: &Operation,
        deadline: Instant,
    ) -> Result<Bytes, RequestError> {
        let name = || operation.name.clone();
        let mut request = self.request(operation)?;
        loop {
            let (mut connection, pooled) = match self.pool.take() {
                Some(connection) => (connection, true),
                None => (self.connected(operation).await?, false),
            };
            match timeout_at(deadline, connection.exchange(request)).await {
                Ok(Exchange::Reply(status, body)) => {
                    self.pool.keep(connection);
                    return match body {
                        Ok(body) => verdict(operation, status.as_u16(), body),
                        Err(error) if status.is_success() => Err(RequestError::UnreadableReply {
                            operation: name(),
                            cause: causes(&error),
                        }),
                        Err(_) => verdict(operation, status.as_u16(), Bytes::new()),
                    };
                }
                Ok(Exchange::Unsent(again)) if pooled => request = *again,
                Ok(Exchange::Unsent(_)) => {
                    let cause = format!("{} closes new connections at once", self.base.authority());
                    return Err(RequestError::NotSent { operation: name(), cause });
                }
                Ok(Exchange::Unknown(error)) => {
                    return Err(RequestError::OutcomeUnknown {
                        operation: name(),
                        cause: causes(&error),
                    });
                }
                Err(_) => {
                    let cause = format!("no reply within {:?}", self.config.request_timeout);
                    return Err(RequestError::OutcomeUnknown { operation: name(), cause });
                }
            }
        }
    }

    async fn connected(&self, operation: &Operation) -> Result<Connection, RequestError> {
        let not_sent = |cause| RequestError::NotSent { operation: operation.name.clone(), cause };
        let patience = self.config.connect_timeout;
        match timeout(patience, self.pool.open(&self.config, &self.base)).await {
            Ok(opened) => opened.map_err(|error| not_sent(error.to_string())),
            Err(_) => Err(not_sent(format!(
                "{} took no connection for {patience:?}",
                self.base.authority()
            ))),
        }
    }

    fn request(&self, operation: &Operation) -> Result<Request<Full<Bytes>>, RequestError> {
        let mut request = Request::builder()
            .method(operation.method().clone())
            .uri(self.base.target(operation.uri()?))
            .header(HOST, self.host.clone())
            .header(AUTHORIZATION, self.authorization.clone());
        let body = operation.json();
        if body.is_some() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let body = Full::new(body.map_or_else(Bytes::new, |body| body.to_owned().into()));
        request.body(body).map_err(|error| RequestError::NotSent {
            operation: operation.name.clone(),
            cause: error.to_string(),
        })
    }
}

/// Half of what an idle connection may last, with room for a slow ping.
const WARM_EVERY: Duration = Duration::from_secs(5);

/// Long enough for a listener that restarts, short enough for a caller who waits.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// An error with all that lies beneath it, since the outermost text says little.
fn causes(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        below = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn listening() -> (TcpListener, Http) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ari", listener.local_addr().unwrap());
        let config = Arc::new(Config::new(&url, "desk", "secret", "frontdesk").unwrap());
        let http = Http::new(&config, config.base().unwrap()).unwrap();
        (listener, http)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    /// What may not be done twice.
    fn ring() -> Operation {
        Operation::new("ring", Method::POST, &["channels", "c", "ring"])
    }

    async fn answers(stream: &mut TcpStream) {
        let mut request = [0; 1000];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_is_used_again_until_it_is_closed() {
        let (listener, http) = listening().await;
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            answers(&mut stream).await;
            answers(&mut stream).await;
            stream
        };
        let (first, stream) = tokio::join!(
            async { (http.reply(&ring(), soon()).await, http.reply(&ring(), soon()).await) },
            server
        );
        assert_eq!(first, (Ok(Bytes::new()), Ok(Bytes::new())));
        drop(stream);
        // Once round the reactor, which tells that the connection was closed.
        tokio::task::yield_now().await;
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            answers(&mut stream).await;
        };
        let again = tokio::join!(async { http.reply(&ring(), soon()).await }, server);
        assert_eq!(again.0, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn a_reply_that_does_not_come_leaves_the_outcome_unknown() {
        let (listener, http) = listening().await;
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1000];
            assert!(stream.read(&mut request).await.unwrap() > 0);
        };
        let (outcome, ()) = tokio::join!(async { http.reply(&ring(), soon()).await }, server);
        assert!(matches!(outcome, Err(RequestError::OutcomeUnknown { .. })), "{outcome:?}");
    }

    #[tokio::test]
    async fn what_was_open_is_not_used_after_a_renewal() {
        let (listener, http) = listening().await;
        let server = async {
            let (mut first, _) = listener.accept().await.unwrap();
            answers(&mut first).await;
            // Mute from here on.
            let (mut second, _) = listener.accept().await.unwrap();
            answers(&mut second).await;
            first
        };
        let client = async {
            let first = http.reply(&ring(), soon()).await;
            http.renew();
            (first, http.reply(&ring(), soon()).await)
        };
        let (_, replies) = tokio::join!(server, client);
        assert_eq!(replies, (Ok(Bytes::new()), Ok(Bytes::new())));
    }
}
