//! Inbound numbers: which flow answers which number.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Audit, By, Json};

/// Which called numbers are meant: `5550100` that one, `555*` all that begin so, `*` every other.
///
/// Numbers are compared as Asterisk gives them (`${EXTEN}`): `+1555` and `1555` are two numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pattern {
    /// This number.
    Exact(String),
    /// Every number that begins so.
    Prefix(String),
    /// Every number that no other pattern means.
    Default,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no pattern of inbound numbers\nmend: write a number (5550100), the beginning of numbers and a star \
     (555*), or a star alone for every other number"
)]
pub struct PatternError(pub String);

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Pattern, PatternError> {
        let (digits, open) = match text.strip_suffix('*') {
            Some(digits) => (digits, true),
            None => (text, false),
        };
        let odd = |c: char| c == '*' || c.is_whitespace() || c.is_control();
        match (digits, open) {
            ("", true) => Ok(Pattern::Default),
            ("", false) => Err(PatternError(text.to_owned())),
            _ if digits.contains(odd) => Err(PatternError(text.to_owned())),
            (_, true) => Ok(Pattern::Prefix(digits.to_owned())),
            (_, false) => Ok(Pattern::Exact(digits.to_owned())),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Exact(number) => f.write_str(number),
            Pattern::Prefix(digits) => write!(f, "{digits}*"),
            Pattern::Default => f.write_str("*"),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Pattern, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.to_string()
    }
}

/// What a call to a number begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundNumber {
    /// Which numbers.
    pub pattern: Pattern,
    /// The name of the flow that answers.
    pub flow: String,
    /// The language to speak first, such as `en`.
    pub language: Option<String>,
    /// What to say first.
    pub greeting: Option<String>,
    /// The name of the hours that hold.
    pub hours: Option<String>,
    /// The name of the destination for callers whom the flow fails.
    pub fallback: Option<String>,
}

/// All inbound numbers, for looking one up. As JSON it is their list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<InboundNumber>", into = "Vec<InboundNumber>")]
pub struct Directory {
    exact: HashMap<String, Arc<InboundNumber>>,
    /// The longest first.
    prefixes: Vec<(String, Arc<InboundNumber>)>,
    default: Option<Arc<InboundNumber>>,
}

impl Directory {
    /// What holds for a call to `called`: the number itself, else the longest prefix, else the default.
    #[must_use]
    pub fn find(&self, called: &str) -> Option<&Arc<InboundNumber>> {
        let prefix = || {
            let mut prefixes = self.prefixes.iter();
            prefixes.find(|(digits, _)| called.starts_with(digits)).map(|(_, number)| number)
        };
        self.exact.get(called).or_else(prefix).or(self.default.as_ref())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<InboundNumber>> {
        let prefixes = self.prefixes.iter().map(|(_, number)| number);
        self.exact.values().chain(prefixes).chain(&self.default)
    }
}

impl FromIterator<InboundNumber> for Directory {
    fn from_iter<I: IntoIterator<Item = InboundNumber>>(numbers: I) -> Directory {
        let mut directory = Directory::default();
        for number in numbers.into_iter().map(Arc::new) {
            match &number.pattern {
                Pattern::Exact(digits) => {
                    directory.exact.insert(digits.clone(), number);
                }
                Pattern::Prefix(digits) => directory.prefixes.push((digits.clone(), number)),
                Pattern::Default => directory.default = Some(number),
            }
        }
        directory.prefixes.sort_by_key(|(digits, _)| std::cmp::Reverse(digits.len()));
        directory
    }
}

impl From<Vec<InboundNumber>> for Directory {
    fn from(numbers: Vec<InboundNumber>) -> Directory {
        numbers.into_iter().collect()
    }
}

impl From<Directory> for Vec<InboundNumber> {
    fn from(directory: Directory) -> Vec<InboundNumber> {
        let prefixes = directory.prefixes.into_iter().map(|(_, number)| number);
        let all = directory.exact.into_values().chain(prefixes).chain(directory.default);
        all.map(Arc::unwrap_or_clone).collect()
    }
}

/// The audit row of a number that was added or changed.
pub(crate) fn set(by: &By, before: Option<&InboundNumber>, after: &InboundNumber) -> Audit {
    let audit = Audit::new(&by.author, "number.set").about(after.pattern.to_string());
    let after = Reasoned { number: Some(after), reason: &by.reason };
    audit.change(before.map(json), Some(json(&after)))
}

/// The audit row of a number that was removed.
pub(crate) fn removed(by: &By, before: &InboundNumber) -> Audit {
    let audit = Audit::new(&by.author, "number.remove").about(before.pattern.to_string());
    let after = Reasoned { number: None, reason: &by.reason };
    audit.change(Some(json(before)), Some(json(&after)))
}

/// What is there now, and why.
#[derive(Serialize)]
struct Reasoned<'a> {
    #[serde(flatten)]
    number: Option<&'a InboundNumber>,
    reason: &'a str,
}

fn json(value: &impl Serialize) -> Json {
    Json::new(value).expect("strings are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_match_wins() {
        let number = |pattern: &str, flow: &str| InboundNumber {
            pattern: pattern.parse().unwrap(),
            flow: flow.to_owned(),
            language: None,
            greeting: None,
            hours: None,
            fallback: None,
        };
        let directory: Directory = [
            number("*", "everybody"),
            number("555*", "town"),
            number("55501*", "house"),
            number("5550100", "desk"),
        ]
        .into_iter()
        .collect();
        let flow = |called: &str| directory.find(called).map(|number| number.flow.clone()).unwrap();
        assert_eq!(flow("5550100"), "desk");
        assert_eq!(flow("55501001"), "house", "an exact number is no prefix");
        assert_eq!(flow("5559"), "town");
        assert_eq!(flow("anonymous"), "everybody");
        assert_eq!(flow(""), "everybody");
        assert!(Directory::default().find("5550100").is_none());
    }

    #[test]
    fn patterns_are_what_they_print() {
        for text in ["5550100", "555*", "*", "+1555*", "support"] {
            assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
        }
        for text in ["", "5*5", "**", "555 01", "5\n*"] {
            assert_eq!(text.parse::<Pattern>(), Err(PatternError(text.to_owned())));
        }
    }
}
