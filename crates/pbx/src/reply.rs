//! What an operation answers.

use serde_json::{Value, json};

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Reply {
        Reply { status: 200, body: Some(body) }
    }

    pub(crate) fn no_content() -> Reply {
        Reply { status: 204, body: None }
    }
}

/// A request that was turned down, in Asterisk's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// The field of the body that holds the message.
    field: &'static str,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Refusal {
        Refusal { status, message: message.into(), field: "message" }
    }

    /// What Asterisk answers whenever a channel cannot be made.
    pub(crate) fn allocation_failed() -> Refusal {
        Refusal { field: "error", ..Refusal::new(500, "Allocation failed") }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Reply {
        Reply { status: refusal.status, body: Some(json!({ refusal.field: refusal.message })) }
    }
}
