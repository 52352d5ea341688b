//! The journal of a call: all that it was told and all that it commanded, in one file that replays by itself.
//!
//! A journal is text in UTF-8, one JSON object a line, each line ended by a line feed. Its name is the channel's id and
//! `.journal`. It holds what callers say and who they are: files are for their owner alone.
//!
//! | line | fields |
//! |---|---|
//! | the first | [`Header`]: `journal` ([`VERSION`]), `program`, `call`, `began`, `capture`, `facts`, `receptionist`, `fallback`, `flows` |
//! | an input | `at`: the moment at which the call was told, since its arrival; `in`: the [`Input`] |
//! | a command | `out`: the [`Command`] |
//! | a mark | `mark`: a bar of the waterfall that the driver has timed, with its `stage`, `start` and `end` |
//! | the last | `end`: `outcome` and `ended` as the [`Record`] has them, `lines`: how many stand before this one, `check`: the FNV-1a hash of 64 bits, in hexadecimal, of all bytes before this line and of this line with an empty `check` |
//!
//! Lines stand in the order in which it happened. Commands that were there when the call began follow the first line.
//!
//! - A time or span is `{"secs": 2, "nanos": 31000000}`, since the call's arrival; `began` alone is the clock on the wall
//!   (RFC 3339).
//! - Variants and fields are called as in [`Input`], [`Command`], [`flow::Facts`] and [`flow::Reply`], where each is
//!   explained. A variant without fields is a string, such as `"in":"Answered"`; one with a value is an object with one
//!   field, such as `"in":{"Digit":"2"}`.
//! - What the recogniser and the classifier made of the caller's words is the input `Heard`. Sounds are named, not
//!   contained; the packets are in the file that `capture` names, if there is one. The question of `Listen` is its name.
//! - `receptionist` and `flows` hold the whole documents, the flow that calls begin with first and then those that it goes
//!   through: a journal needs no other file to be replayed.
//! - A card is never written. Keys that make up the number of a card are [`MASKED`] from the seventh on, as are these
//!   digits in commands; lines from the seventh key of a row on are held back until that is known. A secret in a reply
//!   is a count, and whether it may be what was asked for. Card numbers in what was heard have been taken out before
//!   the call was told of it.
//!
//! A journal without its last line was cut off, by a kill or a crash; it replays up to there. A reader refuses versions
//! that it does not know, and fields that it does not know. A change that old readers would misread gets a new version.

mod reading;
mod replaying;
mod retelling;
mod scribe;

use std::time::Duration;

use flow::Facts;
use serde::{Deserialize, Serialize};

use crate::budget::Stage;
use crate::call::Call;
use crate::record::{Outcome, Record};
use crate::words::{Command, Input};

pub use reading::{Journal, JournalError};
pub use replaying::{Difference, Replay};
use scribe::Scribe;

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// What stands for a key that belongs to the number of a card.
pub const MASKED: char = '•';

/// The first line: what a call needs to be replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`VERSION`].
    pub journal: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The call: its channel's id.
    pub call: String,
    /// When it arrived, on the clock on the wall (RFC 3339).
    pub began: String,
    /// The file with the call's packets, beside which the journal need not lie; none if they are not kept.
    pub capture: Option<String>,
    /// What was known of the caller.
    pub facts: Facts,
    /// The receptionist's file.
    pub receptionist: Document,
    /// Who takes the callers whom the flow fails: the receptionist's choice, or that of the number which was called.
    pub fallback: String,
    /// The flow that calls begin with and those that it goes through; none if the receptionist's file says it all.
    pub flows: Vec<Document>,
}

/// A document as it was when the call arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What messages call it: a receptionist's path, a flow's name. Flows go through each other by these names.
    pub file: String,
    /// All of it.
    pub text: String,
}

/// A call that is written down as it goes on, or one that is not: a [`Call`] to the one who drives it.
#[derive(Debug)]
pub struct Journaled {
    call: Call,
    scribe: Option<Scribe>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bar {
    stage: Stage,
    start: Duration,
    end: Duration,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    outcome: Option<Outcome>,
    ended: Option<Duration>,
    lines: usize,
    check: String,
}

impl End {
    /// The check of a journal that ends so, and has `before` in front of it.
    fn check(&self, mut before: Check) -> String {
        before.add(scribe::end(&Self { check: String::new(), ..self.clone() }).as_bytes());
        before.name()
    }
}

impl Journaled {
    /// A call that has just arrived, to be written down if there is a header.
    #[must_use]
    pub fn new(call: Call, header: Option<&Header>) -> Self {
        Self { call, scribe: header.map(Scribe::begin) }
    }

    /// As [`Call::handle`].
    pub fn handle(&mut self, now: Duration, input: Input) {
        if let Some(scribe) = &mut self.scribe {
            scribe.input(now, &input);
        }
        self.call.handle(now, input);
    }

    /// As [`Call::poll`].
    pub fn poll(&mut self) -> Option<Command> {
        let command = self.call.poll()?;
        if let Some(scribe) = &mut self.scribe {
            scribe.command(&command);
            if command == Command::Finish {
                scribe.end(self.call.record());
            }
        }
        Some(command)
    }

    /// As [`Call::mark`].
    pub fn mark(&mut self, stage: Stage, start: Duration, end: Duration) {
        if let Some(scribe) = &mut self.scribe {
            scribe.mark(Bar { stage, start, end });
        }
        self.call.mark(stage, start, end);
    }

    /// As [`Call::deadline`].
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.call.deadline()
    }

    /// As [`Call::record`].
    #[must_use]
    pub fn record(&self) -> &Record {
        self.call.record()
    }

    /// Takes what has been written since the last look, whole lines.
    pub fn written(&mut self) -> String {
        self.scribe.as_mut().map(Scribe::written).unwrap_or_default()
    }

    /// The words of the last turns, which ended in digits, belong to the number of a card: as far as they are not written
    /// yet, they never are.
    pub fn hide_said(&mut self) {
        if let Some(scribe) = &mut self.scribe {
            scribe.hide_said();
        }
    }

    /// Writes nothing more.
    pub fn give_up_writing(&mut self) {
        self.scribe = None;
    }
}

/// FNV-1a, 64 bits: a slip of the disk or the pen shows, a forger is not kept out.
#[derive(Debug, Clone, Copy)]
struct Check(u64);

impl Check {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn name(self) -> String {
        format!("{:016x}", self.0)
    }
}
