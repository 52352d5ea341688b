//! What callers may say, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pattern::PatternError;

/// Everything that callers may say: intents with their patterns, and the slots that the patterns name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// What callers may want.
    pub intents: Vec<IntentPatterns>,
    /// The slots, by name.
    #[serde(default)]
    pub slots: BTreeMap<String, SlotKind>,
}

/// An intent and how callers say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntentPatterns {
    /// Its name.
    pub name: String,
    /// Patterns: `(get|give) me [a] [{size}; {roast}] {drink}`. Round brackets choose between words, square
    /// ones leave out; with semicolons they stand for things in any order, each at most once. Words like
    /// "um" and "please" need not be written: what else callers say is passed over, at a cost.
    pub patterns: Vec<String>,
}

/// What may stand in a slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotKind {
    /// One of these.
    Values(Vec<Choice>),
    /// One of these people, given as "first last". Callers may also say the last name alone, with or without
    /// "mister" and the like, or the first name alone; whom they mean may then be open ([`Slot::others`]).
    ///
    /// [`Slot::others`]: super::Slot::others
    People(Vec<Choice>),
    /// Digits as in account and telephone numbers: "four oh double two", "forty twenty-one". The value has
    /// only digits: "4022".
    Digits(Length),
    /// Letters and digits, spelled: "a b one seven", "s as in sierra". The value is "AB17".
    Code(Length),
    /// A whole number below a billion: "a hundred and five" is "105".
    Number,
    /// A sum of money: "twenty pounds fifty" is "20.50 pounds".
    Money,
    /// A day: "the third of may" is "--05-03" (ISO 8601 without the year that nobody said), "may third
    /// twenty twenty-six" is "2026-05-03"; others stay words: "next friday", "tomorrow".
    Date,
    /// A time of day: "half past three" is "3:30", "three thirty pm" is "15:30".
    Time,
}

/// How many characters a value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Length {
    /// At least.
    pub least: usize,
    /// At most.
    pub most: usize,
}

/// A value and what callers call it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RawChoice")]
pub struct Choice {
    /// The value, which is also something that callers say.
    pub value: String,
    /// What else they say.
    pub also: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawChoice {
    Value(String),
    Full {
        value: String,
        #[serde(default)]
        also: Vec<String>,
    },
}

impl From<RawChoice> for Choice {
    fn from(raw: RawChoice) -> Choice {
        match raw {
            RawChoice::Value(value) => Choice { value, also: Vec::new() },
            RawChoice::Full { value, also } => Choice { value, also },
        }
    }
}

impl From<&str> for Choice {
    fn from(value: &str) -> Choice {
        Choice { value: value.to_owned(), also: Vec::new() }
    }
}

/// A domain that nobody can speak to.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GrammarError {
    /// There is no pattern at all.
    #[error("no intent has a pattern: give at least one to one of them")]
    Empty,
    /// A pattern cannot be read.
    #[error("intent \"{intent}\", pattern \"{pattern}\": {cause}")]
    Pattern {
        /// The intent.
        intent: String,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        cause: PatternError,
    },
    /// A pattern names a slot that there is not.
    #[error(
        "intent \"{intent}\" names the slot \"{slot}\", which there is not: add it to the slots, or correct its name"
    )]
    NoSlot {
        /// The intent.
        intent: String,
        /// The slot.
        slot: String,
    },
    /// A slot can have no value.
    #[error("slot \"{slot}\" has no value: give it at least one, or a length from 1 to 32")]
    NoValue {
        /// The slot.
        slot: String,
    },
    /// A word cannot be spoken.
    #[error("nobody can say \"{word}\" (in {place}): write it as it is spoken, in latin letters")]
    Unspeakable {
        /// The word.
        word: String,
        /// Where it stands.
        place: String,
    },
    /// Too many things that may come in any order.
    #[error(
        "intent \"{intent}\" has more than 32 things in any order: write fewer in [square brackets; with semicolons]"
    )]
    TooManyOrders {
        /// The intent.
        intent: String,
    },
}
