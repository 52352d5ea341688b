//! Words with names in them: `Your balance is {lookup.account.balance}.`

use crate::expression::{Expression, Name, Names, ParseError, Problem};
use crate::value::Value;

/// A text in which `{expressions}` stand for what they come to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Value(Expression),
}

impl Template {
    /// Parses a template; the place in an error counts the bytes of `text`.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseError> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(found) = text[at..].find(['{', '}']) {
            let open = at + found;
            let close = text[open..].find('}').filter(|length| *length > 0);
            let Some(close) = close.map(|length| open + length) else {
                let problem = Problem::Expected("a name between { and }");
                return Err(ParseError { at: open, problem });
            };
            if found > 0 {
                pieces.push(Piece::Text(text[at..open].to_owned()));
            }
            let expression = Expression::parse(&text[open + 1..close])
                .map_err(|error| ParseError { at: open + 1 + error.at, ..error })?;
            pieces.push(Piece::Value(expression));
            at = close + 1;
        }
        if at < text.len() {
            pieces.push(Piece::Text(text[at..].to_owned()));
        }
        Ok(Self(pieces))
    }

    /// A text without names.
    pub(crate) fn constant(text: &str) -> Self {
        Self(vec![Piece::Text(text.to_owned())])
    }

    /// The text, with every expression replaced by what it comes to.
    pub(crate) fn text(&self, names: &impl Names) -> String {
        self.text_with(names, |value| value.to_string())
    }

    /// The text as an address: what comes from an expression is percent-encoded (RFC 3986, section 2.1), or left out if
    /// it is "." or ".." (section 3.3), so that nothing that a caller says can change what is asked.
    pub(crate) fn address(&self, names: &impl Names) -> String {
        self.text_with(names, |value| percent_encoded(&value.to_string()))
    }

    /// The names in it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        let values = self.0.iter().filter_map(|piece| match piece {
            Piece::Value(expression) => Some(expression.names()),
            Piece::Text(_) => None,
        });
        values.flatten()
    }

    /// The text before the first expression.
    pub(crate) fn beginning(&self) -> &str {
        match self.0.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    fn text_with(&self, names: &impl Names, write: impl Fn(&Value) -> String) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Value(expression) => text.push_str(&write(&expression.value(names))),
            }
        }
        text
    }
}

fn percent_encoded(text: &str) -> String {
    if text == "." || text == ".." {
        return String::new();
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                encoded.push('%');
                for half in [byte >> 4, byte & 15] {
                    let digit = char::from_digit(u32::from(half), 16).expect("half a byte");
                    encoded.push(digit.to_ascii_uppercase());
                }
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ann;

    impl Names for Ann {
        fn value(&self, name: &str) -> Value {
            if name == "caller.name" { "Ann & Bo/é".into() } else { Value::Nothing }
        }
    }

    #[test]
    fn names_become_their_values() {
        let template = Template::parse("Hello {caller.name}, {first(caller.name, 3)}{slots.x}!");
        let template = template.expect("good");
        assert_eq!(template.text(&Ann), "Hello Ann & Bo/é, Ann!");
        assert_eq!(template.address(&Ann), "Hello Ann%20%26%20Bo%2F%C3%A9, Ann!");
        assert_eq!(template.names().count(), 3);
    }

    #[test]
    fn an_address_cannot_be_led_astray() {
        let address = |value: &str| {
            let template = Template::parse(&format!("/customers/{{{value}}}/x")).expect("good");
            template.address(&Ann)
        };
        assert_eq!(address("\"..\""), "/customers//x");
        assert_eq!(address("\"../y?z#\""), "/customers/..%2Fy%3Fz%23/x");
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, at) in [("a {b", 2), ("a } b", 2), ("a {} b", 3), ("a {b c} d", 5)] {
            assert_eq!(Template::parse(text).expect_err(text).at, at, "{text}");
        }
    }
}
