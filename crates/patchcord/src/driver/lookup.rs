//! Lookups: a flow asks an address over HTTP, within a budget.

use std::collections::BTreeMap;

use bytes::Bytes;
use call::Input;
use flow::{CardItem, Method, Reply, Request, Secret};
use reqwest::header::{CONTENT_TYPE, HeaderName};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use zeroize::Zeroizing;

/// By this a server knows a request that it has had before (draft-ietf-httpapi-idempotency-key-header, section 2): what was
/// charged is not charged twice because its answer was lost. The draft would have the key in quotation marks, payment servers
/// take it as it is.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
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

    /// What the flow is told. No other call has the name `call`.
    pub(super) async fn ask(self, request: Request, call: String) -> Input {
        let asked = match request.method {
            Method::Get => self.0.get(&request.url),
            Method::Post => self.post(&request, &call).json(&request.send),
        };
        told(&request, asked).await
    }

    /// The same for a payment, which sends a card along. What was sent is wiped as soon as it is on its way, as far as
    /// it is ours: the connection copies it once to encrypt it.
    pub(super) async fn pay(
        self,
        request: Request,
        card: Vec<(CardItem, Secret)>,
        call: String,
    ) -> Input {
        let asked = match with_card(&request.send, &card) {
            Ok(body) => self.post(&request, &call).body(Bytes::from_owner(body)),
            Err(cause) => return Input::LookedUp(Reply::Failed(cause)),
        };
        drop(card);
        told(&request, asked.header(CONTENT_TYPE, "application/json")).await
    }

    fn post(&self, request: &Request, call: &str) -> RequestBuilder {
        self.0.post(&request.url).header(IDEMPOTENCY_KEY, key(request, call))
    }
}

/// The same for what is asked again because no answer came.
fn key(request: &Request, call: &str) -> String {
    format!("{call}-{}-{}", request.lookup.escape_default(), request.answered)
}

/// The body of a payment.
fn with_card(
    send: &BTreeMap<String, String>,
    card: &[(CardItem, Secret)],
) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut all: BTreeMap<&str, &str> =
        send.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    all.extend(card.iter().map(|(item, secret)| (item.name(), secret.reveal())));
    // As long as it can become, so that no copy stays behind where it grew: an escape takes six bytes.
    let longest: usize = all.iter().map(|(name, text)| 6 * (name.len() + text.len()) + 6).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(longest + 2));
    serde_json::to_writer(&mut *body, &all).map_err(|error| format!("no JSON: {error}"))?;
    Ok(body)
}

async fn told(request: &Request, asked: RequestBuilder) -> Input {
    let (timeout, name) = (request.timeout, &request.lookup);
    let reply = match tokio::time::timeout(timeout, reply(request, asked)).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(cause)) => Reply::Failed(format!("lookup {name}: {cause}")),
        Err(_) => Reply::TimedOut,
    };
    Input::LookedUp(reply)
}

async fn reply(request: &Request, asked: RequestBuilder) -> Result<Reply, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_is_one_json_object_with_the_card_in_it() {
        let send = BTreeMap::from([("invoice".to_owned(), "10042 \"x\"\u{1}".to_owned())]);
        let card = [
            (CardItem::Number, Secret::new(CardItem::Number, "4111111111111111")),
            (CardItem::Cvc, Secret::new(CardItem::Cvc, "123")),
        ];
        let body = with_card(&send, &card).expect("it can be written");
        let read: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON");
        assert_eq!(read["card"], "4111111111111111");
        assert_eq!((&read["cvc"], &read["invoice"]), (&"123".into(), &"10042 \"x\"\u{1}".into()));
        let grown = body.capacity();
        assert!(body.len() <= grown && grown <= 6 * 64, "it was long enough from the beginning");
    }
}
