//! Parameters of a request: from the query string, a form or a JSON body, whichever the client chose.

use crate::reply::Refusal;
use serde_json::{Map, Value};

/// The parameters of one request. A field of the JSON body wins over the query string; one of the
/// wrong type counts as absent, as in Asterisk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    query: Vec<(String, String)>,
    body: Map<String, Value>,
}

impl Params {
    /// # Errors
    /// 400 when the body is not a JSON object.
    pub(crate) fn new(query: &str, content_type: &str, body: &[u8]) -> Result<Params, Refusal> {
        let mut params = Params { query: pairs(query), body: Map::new() };
        if body.is_empty() {
            return Ok(params);
        }
        if content_type.starts_with("application/x-www-form-urlencoded") {
            params.query.extend(pairs(&String::from_utf8_lossy(body)));
        } else if content_type.starts_with("application/json") {
            let refused = || Refusal::new(400, "Unable to parse request body");
            params.body = serde_json::from_slice(body).map_err(|_| refused())?;
        }
        Ok(params)
    }

    /// A parameter that is present and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let text = match self.body.get(name) {
            Some(value) => value.as_str(),
            None => self.queried(name),
        };
        text.filter(|text| !text.is_empty())
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.body.get(name) {
            Some(value) => value.as_i64(),
            None => self.queried(name)?.trim().parse().ok(),
        }
    }

    /// A parameter of several values: repeated, separated by commas, or a JSON list.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let split = |text: &str| text.split(',').map(|part| part.trim().to_owned()).collect();
        let parts: Vec<String> = match self.body.get(name) {
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(value) => value.as_str().map(split).unwrap_or_default(),
            None => self
                .query
                .iter()
                .filter(|(key, _)| key == name)
                .flat_map(|(_, text)| -> Vec<String> { split(text) })
                .collect(),
        };
        parts.into_iter().filter(|part| !part.is_empty()).collect()
    }

    /// The channel variables of the JSON field `variables`.
    ///
    /// # Errors
    /// 400 when a value is neither a string nor an object with a `value`.
    pub(crate) fn variables(&self) -> Result<Vec<(String, String)>, Refusal> {
        let Some(Value::Object(variables)) = self.body.get("variables") else {
            return Ok(Vec::new());
        };
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Object(fields) => {
                fields.get("value").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
                    let words =
                        "Each object value in 'variables' must include string field 'value'";
                    Refusal::new(400, words)
                })
            }
            _ => Err(Refusal::new(
                400,
                "Each value in 'variables' must be a string or an object with 'value' and optional 'report_events'",
            )),
        };
        variables.iter().map(|(name, value)| Ok((name.clone(), text(value)?))).collect()
    }

    fn queried(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, text)| text.as_str())
    }
}

/// Decodes a percent-encoded piece, form style: `+` is a space, in paths too.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = match rest {
            [b'%', high, low, ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                digit(*high).zip(digit(*low)).map(|(high, low)| (high * 16 + low) as u8)
            }
            _ => None,
        };
        match hex {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_wins_and_a_wrong_type_counts_as_absent() {
        let body = br#"{"app":"b","timeout":"30","channel":["x","y"]}"#;
        let params =
            Params::new("app=a&timeout=5&endpoint=PJSIP%2Fhelp+desk", "application/json", body);
        let params = params.unwrap();
        assert_eq!(params.text("app"), Some("b"));
        assert_eq!(params.integer("timeout"), None);
        assert_eq!(params.text("endpoint"), Some("PJSIP/help desk"));
        assert_eq!(params.list("channel"), ["x", "y"]);
        assert_eq!(params.text("absent"), None);
    }

    #[test]
    fn lists_come_repeated_or_with_commas() {
        let params = Params::new("channel=a,b&channel=c", "", b"").unwrap();
        assert_eq!(params.list("channel"), ["a", "b", "c"]);
    }

    #[test]
    fn a_body_that_is_no_json_is_refused() {
        let refusal = Params::new("", "application/json", b"{").unwrap_err();
        assert_eq!(refusal.status, 400);
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        assert_eq!(decode("a%2Bb%zz%4"), "a+b%zz%4");
    }
}
