//! Lookups: a flow asks an address over HTTP, within a budget.

use call::Input;
use flow::{Method, Reply, Request};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

/// Answers are not longer than this, in bytes.
const LONGEST: usize = 1 << 20;

/// Asks on connections that are kept. One for all calls.
#[derive(Clone)]
pub(crate) struct Lookups(Client);

impl Lookups {
    /// # Errors
    /// In words: the system has no certificates, for example.
    pub(crate) fn new() -> Result<Self, String> {
        // An address that leads elsewhere would be one that nobody has written into the flow.
        let cannot = |why: &dyn std::fmt::Display| format!("lookups cannot be made: {why}");
        let tls = engines::tls::config().map_err(|error| cannot(&error))?;
        let client =
            Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none()).build();
        client.map(Self).map_err(|error| cannot(&error))
    }

    /// What the flow is told.
    pub(super) async fn ask(self, request: Request) -> Input {
        let timeout = request.timeout;
        let name = request.lookup.clone();
        let reply = match tokio::time::timeout(timeout, self.reply(&request)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(cause)) => Reply::Failed(format!("lookup {name}: {cause}")),
            Err(_) => Reply::TimedOut,
        };
        Input::LookedUp(reply)
    }

    async fn reply(&self, request: &Request) -> Result<Reply, String> {
        let asked = match request.method {
            Method::Get => self.0.get(&request.url),
            Method::Post => self.0.post(&request.url).json(&request.send),
        };
        // An address may hold what a caller said; it stays out of the record.
        let words = |error: reqwest::Error| error.without_url().to_string();
        let mut answer = asked.send().await.map_err(words)?;
        match answer.status() {
            StatusCode::NOT_FOUND
            | StatusCode::UNAUTHORIZED
            | StatusCode::PAYMENT_REQUIRED
            | StatusCode::FORBIDDEN => return Ok(Reply::NotFound),
            status if !status.is_success() => return Err(format!("HTTP status {status}")),
            _ => {}
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(words)? {
            if body.len() + part.len() > LONGEST {
                return Err(format!("the answer is longer than {LONGEST} bytes"));
            }
            body.extend_from_slice(&part);
        }
        if request.fields.is_empty() {
            return Ok(Reply::Found(request.found(&serde_json::Value::Null)));
        }
        let answer = serde_json::from_slice(&body).map_err(|e| format!("no JSON: {e}"))?;
        Ok(Reply::Found(request.found(&answer)))
    }
}
