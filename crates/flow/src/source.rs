//! A document's text as a tree of plain values, in which every place is found again in the text.

mod json;

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

/// The tree of a document.
pub(crate) struct Source {
    /// TOML and JSON alike.
    pub(crate) tree: Value,
    /// The line, from 1, of every place.
    lines: BTreeMap<Vec<String>, usize>,
    /// Keys that stand twice; only JSON lets them through.
    pub(crate) twice: Vec<Vec<String>>,
}

/// The text is not even TOML or JSON.
pub(crate) struct Unreadable {
    /// Line, from 1.
    pub(crate) line: usize,
    pub(crate) cause: String,
}

impl Source {
    /// Reads JSON if the text begins with a brace, and TOML otherwise.
    pub(crate) fn read(text: &str) -> Result<Self, Unreadable> {
        match text.trim_start().starts_with('{') {
            true => json::read(text),
            false => toml(text),
        }
    }

    /// The line of a place, or of the nearest place around it.
    pub(crate) fn line(&self, at: &[String]) -> usize {
        let around = (0..=at.len()).rev().map(|length| &at[..length]);
        around.into_iter().find_map(|at| self.lines.get(at)).copied().unwrap_or(1)
    }
}

fn toml(text: &str) -> Result<Source, Unreadable> {
    let document = DeTable::parse(text).map_err(|error| Unreadable {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        cause: error.message().to_owned(),
    })?;
    let mut reader = Toml { text, at: Vec::new(), lines: BTreeMap::new() };
    let tree = reader.table(document.get_ref());
    Ok(Source { tree, lines: reader.lines, twice: Vec::new() })
}

struct Toml<'t> {
    text: &'t str,
    at: Vec<String>,
    lines: BTreeMap<Vec<String>, usize>,
}

impl Toml<'_> {
    fn table(&mut self, table: &DeTable<'_>) -> Value {
        let mut map = Map::new();
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let value = self.below(&name, key.span().start, value.get_ref());
            map.insert(name, value);
        }
        Value::Object(map)
    }

    fn below(&mut self, name: &str, offset: usize, value: &DeValue<'_>) -> Value {
        self.at.push(name.to_owned());
        self.lines.insert(self.at.clone(), line_of(self.text, offset));
        let value = self.value(value);
        self.at.pop();
        value
    }

    fn value(&mut self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| Value::String(number.as_str().to_owned()), Value::from),
            DeValue::Float(number) => {
                let parsed = number.as_str().parse().ok().and_then(Number::from_f64);
                parsed.map_or_else(|| Value::String(number.as_str().to_owned()), Value::Number)
            }
            DeValue::Boolean(yes) => Value::Bool(*yes),
            // As people write it in a string, with a space before the time.
            DeValue::Datetime(moment) => Value::String(moment.to_string().replace('T', " ")),
            DeValue::Array(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(index, item)| {
                    self.below(&index.to_string(), item.span().start, item.get_ref())
                });
                Value::Array(items.collect())
            }
            DeValue::Table(table) => self.table(table),
        }
    }
}

/// The line, from 1, in which the byte `offset` of `text` stands.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn read(text: &str) -> Source {
        Source::read(text).unwrap_or_else(|error| panic!("{}: {}", error.line, error.cause))
    }

    #[test]
    fn toml_and_json_are_the_same_tree_with_their_own_lines() {
        let toml = read(
            "a = 1\n[node.greet]\nsay = { prompt = \"x\" }\nlist = [\n 1,\n 2.5,\n]\nday = 2026-05-01\n",
        );
        let json = read(
            "{\n\"a\": 1,\n\"node\": {\"greet\": {\n \"say\": {\"prompt\": \"x\"},\n\
             \"list\": [1,\n2.5], \"day\": \"2026-05-01\"}}}",
        );
        assert_eq!(toml.tree, json.tree);
        for (path, in_toml, in_json) in [
            ("", 1, 1),
            ("a", 1, 2),
            ("node/greet", 2, 3),
            ("node/greet/say/prompt", 3, 4),
            ("node/greet/say/promt", 3, 4),
            ("node/greet/list/1", 6, 6),
            ("nothing", 1, 1),
        ] {
            assert_eq!(toml.line(&at(path)), in_toml, "TOML {path}");
            assert_eq!(json.line(&at(path)), in_json, "JSON {path}");
        }
    }

    #[test]
    fn what_is_no_document_is_told_with_its_line() {
        for (text, line) in [("a = 1\nb = \n", 2), ("{\n\"a\": 1,\n}", 3), ("a = 1\na = 2\n", 2)] {
            let error = Source::read(text).err().expect(text);
            assert_eq!(error.line, line, "{text}: {}", error.cause);
        }
        assert_eq!(read("{\"a\": {\"b\": 1,\n\"b\": 2}}").twice, [at("a/b")]);
    }
}
