//! Reads a journal, whole or cut off, and refuses what is none.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use super::scribe::CARD;
use super::{Bar, Check, End, Header, MASKED, VERSION};
use crate::words::Input;

/// A journal that has been read.
#[derive(Debug, Clone)]
pub struct Journal {
    /// Its first line.
    pub header: Header,
    pub(super) lines: Vec<Line>,
    pub(super) end: Option<End>,
}

/// A line and its number.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    In(Duration, Box<Input>),
    /// As it stands there.
    Out(String),
    Mark(Bar),
}

/// Why a journal cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum JournalError {
    /// It is another kind of file.
    #[error(
        "this is no journal: {0}\n  mend: name a file that a call wrote, CHANNEL.journal, in the folder of the key journals"
    )]
    NotOne(String),
    /// A newer program wrote it.
    #[error(
        "it is written in version {0} of the format, and this program reads up to {VERSION}\n  mend: replay it with the program that wrote it, or a newer one"
    )]
    Newer(u64),
    /// A line makes no sense.
    #[error(
        "line {line}: {cause}\n  mend: the file is damaged or was changed; take it from a backup"
    )]
    Line {
        /// Which, from 1.
        line: usize,
        /// Why.
        cause: String,
    },
    /// It is not as it was written.
    #[error(
        "the file is not as it was written: it has {lines} lines with check {check}, and its last line says {said}\n  mend: take it from a backup"
    )]
    Altered {
        /// The lines before the last.
        lines: usize,
        /// Their check.
        check: String,
        /// What the last line says.
        said: String,
    },
}

#[derive(Deserialize)]
struct Kind {
    journal: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    at: Option<Duration>,
    r#in: Option<Box<Input>>,
    out: Option<serde::de::IgnoredAny>,
    mark: Option<Bar>,
    end: Option<End>,
}

impl Journal {
    /// Reads a journal. Of a line that was cut off nothing is kept.
    ///
    /// # Errors
    /// [`JournalError`], with the line.
    pub fn read(bytes: &[u8]) -> Result<Self, JournalError> {
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut check = Check::new();
        let mut lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate();
        let first = lines.next().map(|(_, line)| line);
        let header = header(first.unwrap_or(bytes))?;
        check.add(first.unwrap_or_default());
        if first.is_none() {
            return Err(JournalError::NotOne("its first line has no end".to_owned()));
        }
        let mut journal = Self { header, lines: Vec::new(), end: None };
        for (before, bytes) in lines {
            let number = before + 1;
            let wrong = |cause: String| JournalError::Line { line: number, cause };
            if journal.end.is_some() {
                return Err(wrong("it stands behind the last one".to_owned()));
            }
            let text = std::str::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
            let text = text.trim_end_matches('\n');
            if has_a_time_beyond_all_calls(text) {
                return Err(wrong("no call lasts so long".to_owned()));
            }
            let written: Written =
                serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
            let what = match written {
                Written { at: Some(at), r#in: Some(input), out: None, mark: None, end: None } => {
                    What::In(at, input)
                }
                Written { at: None, r#in: None, out: Some(_), mark: None, end: None } => {
                    What::Out(text.to_owned())
                }
                Written { at: None, r#in: None, out: None, mark: Some(mark), end: None } => {
                    What::Mark(mark)
                }
                Written { at: None, r#in: None, out: None, mark: None, end: Some(end) } => {
                    let check = end.check(check);
                    if (end.lines, &end.check) != (before, &check) {
                        let said = format!("{} lines with check {}", end.lines, end.check);
                        return Err(JournalError::Altered { lines: before, check, said });
                    }
                    journal.end = Some(end);
                    continue;
                }
                _ => {
                    return Err(wrong(
                        "it is none of an input, a command, a mark and the end".to_owned(),
                    ));
                }
            };
            check.add(bytes);
            journal.lines.push(Line { number, what });
        }
        // Only a program that was killed leaves half a line.
        if journal.end.is_some() && whole < bytes.len() {
            let line = journal.lines.len() + 3;
            let cause = "it stands behind the last one".to_owned();
            return Err(JournalError::Line { line, cause });
        }
        Ok(journal)
    }

    /// Whether it has its last line.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.end.is_some()
    }

    /// How many lines it has.
    #[must_use]
    pub fn lines(&self) -> usize {
        1 + self.lines.len() + usize::from(self.is_whole())
    }

    /// What the call was told, and when.
    pub fn inputs(&self) -> impl Iterator<Item = (Duration, &Input)> {
        self.lines.iter().filter_map(|line| match &line.what {
            What::In(at, input) => Some((*at, &**input)),
            _ => None,
        })
    }

    /// The commands, as they are written.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| match &line.what {
            What::Out(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The first line with a part of a card that was not kept, if there is one.
    pub(super) fn first_masked(&self) -> Option<usize> {
        let masked = |line: &&Line| match &line.what {
            What::In(_, input) => match &**input {
                Input::Digit(key) => *key == MASKED,
                Input::Heard(heard) => heard.text == CARD,
                Input::CardTaken(_) => true,
                _ => false,
            },
            _ => false,
        };
        self.lines.iter().find(masked).map(|line| line.number)
    }
}

fn header(line: &[u8]) -> Result<Header, JournalError> {
    let kind: Kind =
        serde_json::from_slice(line).map_err(|error| JournalError::NotOne(error.to_string()))?;
    if kind.journal > u64::from(VERSION) {
        return Err(JournalError::Newer(kind.journal));
    }
    serde_json::from_slice(line)
        .map_err(|error| JournalError::Line { line: 1, cause: error.to_string() })
}

/// Whether a line holds so many seconds that sums of them would overflow.
fn has_a_time_beyond_all_calls(line: &str) -> bool {
    const DIGITS: usize = 10;
    line.split("\"secs\"").skip(1).any(|rest| {
        let number = rest.trim_start_matches([':', ' ', '\t']);
        number.bytes().take_while(u8::is_ascii_digit).count() > DIGITS
    })
}
