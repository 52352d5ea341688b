//! Requests over pooled HTTP.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::ClientConfig;

use super::error::RequestError;
use super::operation::{Operation, Repeat};
use super::verdict::verdict;
use crate::config::Config;
use crate::connection::{ConnectError, no_client};
use crate::url::{BaseUrl, Scheme};

/// A pool of connections to one Asterisk.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    base: BaseUrl,
    permits: Semaphore,
    request_timeout: Duration,
}

impl Http {
    /// A pool for the Asterisk at `base`.
    pub(super) fn new(config: &Config, base: &BaseUrl) -> Result<Self, ConnectError> {
        let tls = match base.scheme() {
            Scheme::Http => no_client(),
            Scheme::Https => ClientConfig::clone(&*config.tls_client()?),
        };
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, config.authorization());
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(headers)
            // The credentials go to Asterisk, and nowhere that a proxy variable or a redirect points.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(config.connect_timeout)
            .timeout(config.request_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(config.max_connections)
            .build()
            .map_err(|error| ConnectError::Handshake {
                url: base.to_string(),
                cause: causes(error),
            })?;
        Ok(Self {
            client,
            base: base.clone(),
            permits: Semaphore::new(config.max_connections),
            request_timeout: config.request_timeout,
        })
    }

    /// The body of a successful reply, empty for 204.
    pub(super) async fn reply(&self, operation: &Operation) -> Result<Vec<u8>, RequestError> {
        let permit = timeout(self.request_timeout, self.permits.acquire()).await;
        let _permit = permit.map_err(|_| RequestError::NotSent {
            operation: operation.name.clone(),
            cause: format!("no connection was free for {:?}", self.request_timeout),
        })?;
        match self.attempt(operation).await {
            Err(RequestError::NotSent { .. }) if operation.repeat == Repeat::Safe => {
                sleep(RETRY_AFTER).await;
                self.attempt(operation).await
            }
            outcome => outcome,
        }
    }

    /// Keeps one connection from going idle, so that the next request finds it open. Runs until dropped.
    pub(super) async fn keep_warm(&self) {
        loop {
            let ping = Operation::new("ping", reqwest::Method::GET, &["asterisk", "ping"])
                .repeat(Repeat::Unsafe);
            if let Err(error) = self.reply(&ping).await {
                tracing::debug!(%error, "the connection for requests is cold");
            }
            sleep(WARM_EVERY).await;
        }
    }

    async fn attempt(&self, operation: &Operation) -> Result<Vec<u8>, RequestError> {
        let name = || operation.name.clone();
        let not_sent = |cause| RequestError::NotSent { operation: name(), cause };
        let url = self.base.http(operation.uri()?);
        let mut request = self.client.request(operation.method().clone(), url);
        if let Some(body) = operation.json() {
            request = request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.to_string());
        }
        let response = request.send().await.map_err(|error| {
            // Only a connection that never stood proves that nothing was sent. A pooled one that was closed
            // before the request went out is replaced by the HTTP library, with the same proof.
            let unsent = error.is_connect() || error.is_builder();
            let cause = causes(error);
            if unsent {
                not_sent(cause)
            } else {
                RequestError::OutcomeUnknown { operation: name(), cause }
            }
        })?;
        let status = response.status();
        match response.bytes().await {
            Ok(body) => verdict(operation, status.as_u16(), body.into()),
            Err(error) if status.is_success() => {
                Err(RequestError::UnreadableReply { operation: name(), cause: causes(error) })
            }
            Err(_) => verdict(operation, status.as_u16(), Vec::new()),
        }
    }
}

/// Asterisk closes an idle connection after 15 s (`session_keep_alive`); ours go well before, so that a request
/// does not meet a closing one.
const POOL_IDLE: Duration = Duration::from_secs(9);

/// Under [`POOL_IDLE`] with room for a slow ping.
const WARM_EVERY: Duration = Duration::from_secs(5);

/// Long enough for a listener that restarts, short enough for a caller who waits.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// An error with all that lies beneath it, since the HTTP library's outermost text says little.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        below = cause.source();
    }
    text
}
