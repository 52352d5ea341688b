//! What a reply means, whichever road it came by.

use hyper::body::Bytes;

use super::error::RequestError;
use super::operation::Operation;

/// The body of a reply of success, or the refusal.
pub(super) fn verdict(
    operation: &Operation,
    status: u16,
    body: Bytes,
) -> Result<Bytes, RequestError> {
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let message = message(&body);
    let reason = operation.reason(status, &message);
    Err(RequestError::Rejected { operation: operation.name.clone(), status, reason, message })
}

/// What Asterisk says in the body of a refusal: `{"message": "…"}`, or a page from its HTTP server.
fn message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        #[serde(alias = "error")]
        message: String,
    }
    let text = match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => refusal.message,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    text.chars().take(300).collect()
}
