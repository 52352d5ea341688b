//! Keys that answer a question: one of a few, or the digits of a number.

use std::collections::BTreeSet;

use flow::{Keys, Question, Reply};

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
            Self::Number { .. } => key.is_ascii_digit() || key == END,
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
                (key == END || typed.len() >= keys.most).then(|| self.take())
            }
        }
    }

    /// What was pressed, now that no more comes.
    pub(super) fn take(&mut self) -> Reply {
        match self {
            Self::Number { typed, .. } if !typed.is_empty() => Reply::Digits(std::mem::take(typed)),
            _ => Reply::NoInput,
        }
    }
}
