//! Writes lines, and holds back those that may give a card away.

use std::collections::VecDeque;
use std::time::Duration;

use intent::{card_at_end, ends_in_digits};
use serde::Serialize;

use super::{Bar, Check, End, Header, MASKED};
use crate::record::Record;
use crate::words::{Command, Heard, Input};

/// Keys of a row that are written as they are: so many digits of a card anybody may see (PCI DSS 4.0.1, 3.4.1).
const SHOWN: usize = 6;
/// The longest number of a card.
const LONGEST: usize = 19;
/// Keys that lie further apart belong to no number together, nor do digits that are said.
const GAP: Duration = Duration::from_secs(30);
/// Digits in a command that are taken for a part of a card's if they are one.
const PART: usize = SHOWN + 1;

/// Digits in a row, in what a call was told or commands, that are taken for a part of a card that was said in groups.
const GROUP: usize = 3;
/// What stands for a card that was said.
pub(super) const CARD: &str = "[card]";

/// What one call leaves behind, line by line.
#[derive(Debug)]
pub(super) struct Scribe {
    ready: String,
    lines: usize,
    check: Check,
    held: VecDeque<Held>,
    row: Row,
    /// When the caller last said digits with which a card's number may go on.
    saying: Option<Duration>,
    over: bool,
}

/// A line that waits.
#[derive(Debug)]
enum Held {
    Line(String),
    Key { at: Duration, key: char },
    Heard { at: Duration, heard: Box<Heard> },
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
            saying: None,
            over: false,
        };
        scribe.put(&line(header));
        scribe
    }

    pub(super) fn written(&mut self) -> String {
        std::mem::take(&mut self.ready)
    }

    pub(super) fn input(&mut self, at: Duration, input: &Input) {
        let is_past = |last: Duration| at.saturating_sub(last) > GAP;
        if self.saying.is_some_and(is_past) {
            self.saying = None;
            self.release_said();
        }
        if self.row.count > 0 && is_past(self.row.last) {
            self.end_row();
        }
        match input {
            Input::Digit(key) if key.is_ascii_digit() => return self.key(at, *key),
            Input::Heard(heard) if ends_in_digits(&heard.text) => {
                self.saying = Some(at);
                let heard = Box::new(heard.clone());
                return self.held.push_back(Held::Heard { at, heard });
            }
            // What was keyed in is complete.
            Input::Digit('#') => self.end_row(),
            // Who begins before the zone has begun is at a card's number.
            Input::CardKey => self.mask(self.held.len()),
            _ => {}
        }
        self.later(line(&In { at, r#in: input }));
    }

    /// What was said in the turns that wait belongs to a card's number.
    pub(super) fn hide_said(&mut self) {
        for held in &mut self.held {
            match held {
                Held::Heard { heard, .. } => {
                    CARD.clone_into(&mut heard.text);
                    let is_digit = |c: char| c.is_ascii_digit();
                    let told = heard.slots.iter_mut().filter(|slot| slot.value.contains(is_digit));
                    told.for_each(|slot| CARD.clone_into(&mut slot.value));
                }
                Held::Line(line) => *line = masked(line, |digits| digits.len() >= GROUP),
                Held::Key { .. } => {}
            }
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
        self.saying = None;
        self.end_row();
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
        if row.count <= SHOWN && self.held.is_empty() {
            return self.put(&key_line(at, key));
        }
        self.held.push_back(Held::Key { at, key });
        let digits: Vec<char> = self.row.digits.iter().copied().collect();
        if let Some(length) = card_at_end(&digits) {
            self.mask(length);
            self.row.card.extend(&digits[digits.len() - length..]);
            self.row.card.push(' ');
        }
        // Nineteen that wait, and the first of them can be part of nothing that is still to come.
        while self.saying.is_none()
            && self.held.iter().filter(|held| matches!(held, Held::Key { .. })).count() >= LONGEST
        {
            let next = self.held.iter().skip(1).position(|held| matches!(held, Held::Key { .. }));
            self.release(next.map_or(self.held.len(), |next| next + 1));
        }
    }

    /// Hides the last keys that wait.
    fn mask(&mut self, most: usize) {
        let keys = self.held.iter_mut().rev().filter_map(|held| match held {
            Held::Key { key, .. } => Some(key),
            Held::Line(_) | Held::Heard { .. } => None,
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

    /// No key that comes belongs to those that wait.
    fn end_row(&mut self) {
        if self.saying.is_none() {
            self.release(self.held.len());
        }
        self.row = Row::default();
    }

    /// No word that comes belongs to those that wait.
    fn release_said(&mut self) {
        if !self.held.iter().any(|held| matches!(held, Held::Key { .. })) {
            self.release(self.held.len());
        }
    }

    fn release(&mut self, count: usize) {
        let released: Vec<Held> = self.held.drain(..count).collect();
        for held in released {
            match held {
                Held::Key { at, key } => self.put(&key_line(at, key)),
                Held::Heard { at, heard } => {
                    let input = Input::Heard(*heard);
                    self.put(&line(&In { at, r#in: &input }));
                }
                Held::Line(line) if self.row.card.is_empty() => self.put(&line),
                Held::Line(line) => {
                    let card = &self.row.card;
                    let is_part = |digits: &str| digits.len() >= PART && card.contains(digits);
                    self.put(&masked(&line, is_part));
                }
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

/// A line of JSON in whose strings the digits are masked that `hides`, grouped or not.
fn masked(line: &str, hides: impl Fn(&str) -> bool) -> String {
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
                if hides(&digits) {
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
