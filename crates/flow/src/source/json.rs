//! JSON, with the places that its parser forgets.

use std::collections::BTreeMap;

use super::{Source, Unreadable};

/// Reads JSON.
pub(super) fn read(text: &str) -> Result<Source, Unreadable> {
    let tree = serde_json::from_str(text).map_err(|error| {
        let told = error.to_string();
        let cause = told.split(" at line ").next().unwrap_or(&told).to_owned();
        Unreadable { line: error.line().max(1), cause }
    })?;
    let mut scanner = Scanner { rest: text.as_bytes(), line: 1, ..Scanner::default() };
    scanner.value();
    Ok(Source { tree, lines: scanner.lines, twice: scanner.twice })
}

/// Goes once through a text that is known to be JSON.
#[derive(Default)]
struct Scanner<'t> {
    rest: &'t [u8],
    line: usize,
    at: Vec<String>,
    lines: BTreeMap<Vec<String>, usize>,
    twice: Vec<Vec<String>>,
}

impl Scanner<'_> {
    fn value(&mut self) {
        match self.next() {
            Some(b'{') => self.several(b'}', |scanner, _| scanner.string()),
            Some(b'[') => self.several(b']', |_, index| index.to_string()),
            Some(b'"') => {
                self.string();
            }
            _ => {
                while self.rest.first().is_some_and(|byte| !b",]} \n\r\t".contains(byte)) {
                    self.skip();
                }
            }
        }
    }

    /// What stands between brackets; `name` says what each is called.
    fn several(&mut self, close: u8, name: impl Fn(&mut Self, usize) -> String) {
        self.skip();
        for index in 0.. {
            match self.next() {
                None => return,
                Some(byte) if byte == close => return self.skip(),
                Some(b',') => self.skip(),
                Some(_) => {}
            }
            self.next();
            let line = self.line;
            let name = name(self, index);
            if self.next() == Some(b':') {
                self.skip();
            }
            self.at.push(name);
            if self.lines.insert(self.at.clone(), line).is_some() {
                self.twice.push(self.at.clone());
            }
            self.value();
            self.at.pop();
        }
    }

    /// A string, without its quotes.
    fn string(&mut self) -> String {
        let from = self.rest;
        self.skip();
        while let Some(byte) = self.rest.first() {
            match byte {
                b'"' => break,
                b'\\' => self.skip(),
                _ => {}
            }
            self.skip();
        }
        self.skip();
        let written = &from[..from.len() - self.rest.len()];
        serde_json::from_slice(written).unwrap_or_default()
    }

    /// The next byte that is no space.
    fn next(&mut self) -> Option<u8> {
        while self.rest.first().is_some_and(u8::is_ascii_whitespace) {
            self.skip();
        }
        self.rest.first().copied()
    }

    fn skip(&mut self) {
        if let Some((first, rest)) = self.rest.split_first() {
            self.line += usize::from(*first == b'\n');
            self.rest = rest;
        }
    }
}
