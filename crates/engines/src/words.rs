//! Words with their places in the audio.

use std::ops::Range;

/// A word that was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// As the engine writes it, with its case and punctuation.
    pub text: Box<str>,
    /// Where it was spoken, in samples at 8 kHz on the stream's time line.
    pub at: Range<u64>,
    /// How sure the engine is of it, 0 to 1.
    pub confidence: f32,
}

impl Word {
    /// The same word, `by` samples later.
    pub(crate) fn later(self, by: u64) -> Self {
        Self { at: self.at.start + by..self.at.end + by, ..self }
    }
}
