//! Writes lines, and holds back those that may give a card away.

use std::collections::VecDeque;
use std::time::Duration;

use intent::is_card_number;
use serde::Serialize;

use super::{Bar, Check, End, Header, MASKED};
use crate::record::Record;
use crate::words::{Command, Input};

/// Keys of a row that are written as they are: so many digits of a card anybody may see (PCI DSS 4.0.1, 3.4.1).
const SHOWN: usize = 6;
/// The longest number of a card.
const LONGEST: usize = 19;
/// And the shortest.
const SHORTEST: usize = 13;
/// Keys that lie further apart belong to no number together.
const GAP: Duration = Duration::from_secs(30);
/// Digits in a command that are taken for a part of a card's if they are one.
const PART: usize = SHOWN + 1;

/// What one call leaves behind, line by line.
#[derive(Debug)]
pub(super) struct Scribe {
    ready: String,
    lines: usize,
    check: Check,
    held: VecDeque<Held>,
    row: Row,
    over: bool,
}

/// A line that waits.
#[derive(Debug)]
enum Held {
    Line(String),
    Key { at: Duration, key: char },
}

/// Digits that were pressed one after the other, whatever else happened between.
#[derive(Debug, Default)]
struct Row {
    count: usize,
    /// The last of them.
    digits: VecDeque<char>,
    last: Duration,
    /// The digits of the card that was found, all of them.
    card: String,
}

#[derive(Serialize)]
struct In<'a> {
    at: Duration,
    r#in: &'a Input,
}

#[derive(Serialize)]
struct Out<'a> {
    out: &'a Command,
}

impl Scribe {
    pub(super) fn begin(header: &Header) -> Self {
        let mut scribe = Self {
            ready: String::new(),
            lines: 0,
            check: Check::new(),
            held: VecDeque::new(),
            row: Row::default(),
            over: false,
        };
        scribe.put(&line(header));
        scribe
    }

    pub(super) fn written(&mut self) -> String {
        std::mem::take(&mut self.ready)
    }

    pub(super) fn input(&mut self, at: Duration, input: &Input) {
        if self.row.count > 0 && at.saturating_sub(self.row.last) > GAP {
            self.release(self.held.len());
            self.row = Row::default();
        }
        match *input {
            Input::Digit(key) if key.is_ascii_digit() => self.key(at, key),
            // What was keyed in is complete.
            Input::Digit('#') => {
                self.release(self.held.len());
                self.row = Row::default();
                self.later(line(&In { at, r#in: input }));
            }
            _ => self.later(line(&In { at, r#in: input })),
        }
    }

    pub(super) fn command(&mut self, command: &Command) {
        self.later(out(command));
    }

    pub(super) fn mark(&mut self, mark: Bar) {
        #[derive(Serialize)]
        struct Line {
            mark: Bar,
        }
        self.later(line(&Line { mark }));
    }

    /// The last line; nothing is written behind it.
    pub(super) fn end(&mut self, record: &Record) {
        self.release(self.held.len());
        let (outcome, ended) = (record.outcome, record.ended);
        let mut last = End { outcome, ended, lines: self.lines, check: String::new() };
        last.check = last.check(self.check);
        self.put(&end(&last));
        self.over = true;
    }

    fn key(&mut self, at: Duration, key: char) {
        let row = &mut self.row;
        row.count += 1;
        row.last = at;
        row.digits.push_back(key);
        if row.digits.len() > LONGEST {
            row.digits.pop_front();
        }
        if row.count <= SHOWN {
            return self.put(&key_line(at, key));
        }
        self.held.push_back(Held::Key { at, key });
        let digits: Vec<char> = self.row.digits.iter().copied().collect();
        for from in 0..digits.len().saturating_sub(SHORTEST - 1) {
            let number: String = digits[from..].iter().collect();
            if is_card_number(&number) {
                self.mask(number.len());
                self.row.card.push_str(&number);
                self.row.card.push(' ');
            }
        }
        // Nineteen that wait, and the first of them can be part of nothing that is still to come.
        while self.held.iter().filter(|held| matches!(held, Held::Key { .. })).count() >= LONGEST {
            let next = self.held.iter().skip(1).position(|held| matches!(held, Held::Key { .. }));
            self.release(next.map_or(self.held.len(), |next| next + 1));
        }
    }

    /// Hides the last keys that wait.
    fn mask(&mut self, most: usize) {
        let keys = self.held.iter_mut().rev().filter_map(|held| match held {
            Held::Key { key, .. } => Some(key),
            Held::Line(_) => None,
        });
        keys.take(most).for_each(|key| *key = MASKED);
    }

    /// Writes a line as soon as those before it are written.
    fn later(&mut self, line: String) {
        match self.held.is_empty() {
            true => self.put(&line),
            false => self.held.push_back(Held::Line(line)),
        }
    }

    fn release(&mut self, count: usize) {
        let released: Vec<Held> = self.held.drain(..count).collect();
        for held in released {
            match held {
                Held::Key { at, key } => self.put(&key_line(at, key)),
                Held::Line(line) if self.row.card.is_empty() => self.put(&line),
                Held::Line(line) => self.put(&without(&self.row.card, &line)),
            }
        }
    }

    fn put(&mut self, line: &str) {
        if self.over {
            return;
        }
        self.lines += 1;
        for part in [line, "\n"] {
            self.check.add(part.as_bytes());
            self.ready.push_str(part);
        }
    }
}

fn key_line(at: Duration, key: char) -> String {
    line(&In { at, r#in: &Input::Digit(key) })
}

/// The line of a command.
pub(super) fn out(command: &Command) -> String {
    line(&Out { out: command })
}

/// The last line.
pub(super) fn end(end: &End) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        end: &'a End,
    }
    line(&Line { end })
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("every map of it has strings for keys")
}

/// A line of JSON whose strings hold no part of a card's digits, grouped or not.
fn without(cards: &str, line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut kept = chars.clone();
    let (mut at, mut quoted) = (0, false);
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 1,
            '"' => quoted = !quoted,
            digit if quoted && digit.is_ascii_digit() => {
                let goes_on = |c: &&char| c.is_ascii_digit() || " -".contains(**c);
                let run = chars[at..].iter().take_while(goes_on).count();
                let digits: String =
                    chars[at..at + run].iter().filter(|c| c.is_ascii_digit()).collect();
                if digits.len() >= PART && cards.contains(&digits) {
                    let shown = kept[at..at + run].iter_mut().filter(|c| c.is_ascii_digit());
                    shown.for_each(|digit| *digit = MASKED);
                }
                at += run - 1;
            }
            _ => {}
        }
        at += 1;
    }
    kept.into_iter().collect()
}
