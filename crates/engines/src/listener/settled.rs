//! Words that stand: those before a pause of a long turn, which are not read again.

use std::sync::Arc;

use super::heard::Transcript;
use crate::recognizer::{self, Reading, Token};
use crate::words::Word;

/// The words of a turn's first part. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Settled(Option<Arc<Transcript>>);

impl Settled {
    pub(super) fn new(words: Transcript) -> Self {
        Self(Some(Arc::new(words)))
    }

    /// Everything that was read: these words and those of `reading`.
    pub(super) fn and(&self, reading: Reading) -> Joined {
        let Some(before) = &self.0 else {
            return Joined {
                text: reading.text,
                confidence: reading.confidence,
                words: reading.words.into(),
                read: reading.tokens.clone().into(),
                tokens: reading.tokens.into(),
            };
        };
        let tokens: Arc<[Token]> = before.tokens.iter().chain(&reading.tokens).copied().collect();
        let gap = if reading.text.is_empty() { "" } else { " " };
        Joined {
            text: format!("{}{gap}{}", before.text, reading.text),
            confidence: recognizer::confidence(&tokens),
            words: before.words.iter().cloned().chain(reading.words).collect(),
            read: reading.tokens.into(),
            tokens,
        }
    }

    /// How many words there are.
    pub(super) fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |words| words.words.len())
    }
}

/// What a [`Transcript`] is made of.
pub(super) struct Joined {
    pub(super) text: String,
    pub(super) confidence: f32,
    pub(super) words: Arc<[Word]>,
    pub(super) tokens: Arc<[Token]>,
    /// The tokens of the last reading alone, a guess for the next.
    pub(super) read: Arc<[Token]>,
}

/// How many words two readings begin with alike, case and punctuation aside.
pub(super) fn alike(one: &[Word], other: &[Word]) -> usize {
    let bare = |word: &Word| {
        let letters = word.text.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    one.iter().zip(other).take_while(|(a, b)| bare(a) == bare(b)).count()
}
