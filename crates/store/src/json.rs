//! A document that somebody else understands.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// A JSON document, kept to the byte.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The document of a value.
    ///
    /// # Errors
    /// When the value has no JSON, for example a map with keys that are not strings.
    pub fn new(value: &(impl Serialize + ?Sized)) -> Result<Json, serde_json::Error> {
        to_raw_value(value).map(Json)
    }

    /// A document that is text already.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn parse(text: String) -> Result<Json, serde_json::Error> {
        RawValue::from_string(text).map(Json)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
