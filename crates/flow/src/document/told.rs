//! What serde finds wrong, in words for the author of a flow.

use crate::finding::meant;

const EXPLAINED: &str = "see assets/flows, where every key is explained";

/// A mistake in words.
pub(super) struct Told {
    /// The key that is not known, if that is the mistake.
    pub(super) key: Option<String>,
    pub(super) cause: String,
    pub(super) mend: String,
}

/// What serde says, in words for the author of a flow.
pub(super) fn told(message: &str) -> Told {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let unknown = ["unknown field", "unknown variant"];
    if unknown.iter().any(|beginning| message.starts_with(beginning))
        && let Some((key, known)) = quoted.split_first()
    {
        return Told {
            key: Some((*key).to_owned()),
            cause: format!("\"{key}\" is not known here"),
            mend: meant(key, known.iter().copied(), "take it out"),
        };
    }
    if message.starts_with("missing field")
        && let Some(key) = quoted.first()
    {
        let cause = format!("\"{key}\" is missing");
        return Told { key: None, cause, mend: format!("add {key} = ...; {EXPLAINED}") };
    }
    if let Some((found, wanted)) = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.split_once(", expected "))
    {
        let found = found_words(found);
        let (wanted, example) = wanted_words(wanted);
        return Told {
            key: None,
            cause: format!("{found} stands where {wanted} should"),
            mend: format!("write {wanted}{example}"),
        };
    }
    if message.starts_with("write ") {
        let cause = "what stands here cannot be read".to_owned();
        return Told { key: None, cause, mend: message.to_owned() };
    }
    Told { key: None, cause: message.to_owned(), mend: EXPLAINED.to_owned() }
}

/// What serde wants, in words, and how that is written.
fn wanted_words(wanted: &str) -> (&str, &'static str) {
    match wanted {
        "a string" => ("a text", ", in quotes"),
        "u32" | "u64" | "usize" => ("a whole number", ", without quotes"),
        "f64" => ("a number", ", without quotes"),
        "a boolean" => ("true or false", ", without quotes"),
        "a sequence" => ("a list", ": [ ... ]"),
        "a map" => ("a table", ": { name = ... }"),
        wanted if wanted.starts_with("struct ") => ("a table", ": { name = ... }"),
        wanted => (wanted, ""),
    }
}

/// What serde found, in words.
fn found_words(found: &str) -> String {
    match found {
        "map" => "a table".to_owned(),
        "sequence" => "a list".to_owned(),
        found => match found.split_once(' ') {
            Some(("string", text)) => format!("the text {text}"),
            Some((_, value)) => value.trim_matches('`').to_owned(),
            None => found.to_owned(),
        },
    }
}
