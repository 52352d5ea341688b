//! A journal in virtual time: the same inputs, and the first command that is not the same.

use std::fmt;
use std::time::Duration;

use super::reading::{Journal, Line, What};
use super::{End, scribe};
use crate::call::Call;
use crate::record::Record;

/// What became of a journal that was replayed.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The call's record, up to the first difference.
    pub record: Record,
    /// The first difference, if there is one.
    pub difference: Option<Difference>,
}

/// Where a replay goes another way than its journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The line, from 1.
    pub line: usize,
    /// When, since the call's arrival.
    pub at: Duration,
    /// What stands there.
    pub expected: String,
    /// What the replay came to.
    pub came: String,
    /// Whether keys of a card that nobody kept were pressed before: then the replay cannot know better.
    pub after_card: bool,
}

impl Journal {
    /// Replays it with a call that has just arrived at the same documents, or others, with the header's facts.
    #[must_use]
    pub fn replay(&self, mut call: Call) -> Replay {
        let difference = self.first_difference(&mut call);
        Replay { record: call.record().clone(), difference }
    }

    fn first_difference(&self, call: &mut Call) -> Option<Difference> {
        let mut now = Duration::ZERO;
        let differs = |line: usize, at: Duration, expected: &str, came: Option<&str>| {
            let after_card = self.first_masked().is_some_and(|masked| masked < line);
            let came = came.map_or("nothing", bare).to_owned();
            Difference { line, at, expected: bare(expected).to_owned(), came, after_card }
        };
        for Line { number, what } in &self.lines {
            match what {
                What::In(at, input) => {
                    now = *at;
                    call.handle(now, (**input).clone());
                }
                What::Mark(mark) => call.mark(mark.stage, mark.start, mark.end),
                What::Out(expected) => {
                    let came = call.poll().map(|command| scribe::out(&command));
                    if came.as_ref() != Some(expected) {
                        return Some(differs(*number, now, expected, came.as_deref()));
                    }
                }
            }
        }
        let end = self.end.as_ref()?;
        let number = self.lines();
        if let Some(command) = call.poll() {
            let came = scribe::out(&command);
            return Some(differs(number, now, "the end of the call", Some(&came)));
        }
        let record = call.record();
        let came = End { outcome: record.outcome, ended: record.ended, ..end.clone() };
        (came != *end).then(|| differs(number, now, &scribe::end(end), Some(&scribe::end(&came))))
    }
}

/// A command without the words around it.
fn bare(line: &str) -> &str {
    let inner = line.strip_prefix("{\"out\":").and_then(|rest| rest.strip_suffix('}'));
    inner.unwrap_or(line)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, at, expected, came, after_card } = self;
        write!(f, "line {line}, {:.3} s into the call", at.as_secs_f64())?;
        if *after_card {
            f.write_str(", after keys of a card, which are not kept")?;
        }
        write!(f, "\n  expected: {expected}\n  came:     {came}")
    }
}
