//! Keys that answer a question: one of a few, or the digits of a number.
//!
//! The number of a card is no answer: nothing outside of a zone takes one. A journal does not have its keys, so its replay
//! has to come to the same without them.

use std::collections::BTreeSet;

use flow::{Keys, Question, Reply};
use intent::is_card_number;

use crate::journal::MASKED;

/// The key that ends a number.
const END: char = '#';

/// What a question takes of keys, and what of it was pressed.
#[derive(Debug)]
pub(super) enum Keying {
    /// One key of these; whatever else is pressed is for others.
    One(BTreeSet<char>),
    /// A number.
    Number { keys: Keys, typed: String },
}

impl Keying {
    pub(super) fn new(question: &Question, number: Option<Keys>) -> Self {
        match number {
            Some(keys) => Self::Number { keys, typed: String::new() },
            None => Self::One(question.keys().keys().copied().collect()),
        }
    }

    /// Whether a key is for this question.
    pub(super) fn wants(&self, key: char) -> bool {
        match self {
            Self::One(keys) => keys.contains(&key),
            Self::Number { .. } => key.is_ascii_digit() || [END, MASKED].contains(&key),
        }
    }

    /// Takes a key that it wants; the reply, if nothing more can come.
    pub(super) fn press(&mut self, key: char) -> Option<Reply> {
        match self {
            Self::One(_) => Some(Reply::Digits(key.to_string())),
            Self::Number { keys, typed } => {
                if key != END {
                    typed.push(key);
                }
                (key == END || typed.chars().count() >= keys.most).then(|| self.take())
            }
        }
    }

    /// What was pressed, now that no more comes.
    pub(super) fn take(&mut self) -> Reply {
        match self {
            Self::Number { typed, .. } if !typed.is_empty() => {
                let typed = std::mem::take(typed);
                match typed.contains(MASKED) || is_card_number(&typed) {
                    true => Reply::NoMatch,
                    false => Reply::Digits(typed),
                }
            }
            _ => Reply::NoInput,
        }
    }
}
