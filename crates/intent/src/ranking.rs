//! What a model says of a reading.

use serde::{Deserialize, Serialize};

/// The number of an intent: its place in the [`Examples`](crate::Examples) of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentId(pub u32);

/// An intent with its probability, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Which intent.
    pub intent: IntentId,
    /// How likely it is what the caller wants.
    pub probability: f32,
}

/// Every intent with its probability, for one reading of what a caller has said so far. The
/// probabilities of all intents and `none` add up to one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// All intents, the likeliest first. Empty if nothing was said.
    pub intents: Vec<Scored>,
    /// How likely it is that the caller wants none of them, or has not said it yet.
    pub none: f32,
    /// The probability of the likeliest intent when the last word is left out: that word may be
    /// unfinished, or misheard for lack of what follows.
    pub without_last_word: f32,
    /// Whether the sentence can still turn to another intent.
    pub branch: Branch,
}

/// Where a sentence can still turn to another intent than the likeliest, as far as the examples
/// tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Branch {
    /// Nowhere.
    #[default]
    None,
    /// Before its last word, which decides.
    BeforeLastWord,
    /// After its last word: the next one decides.
    AtEnd,
    /// The intent is clear, but more may follow that belongs to it: only the end of the turn tells.
    Unfinished,
}

impl Ranking {
    /// The ranking of silence.
    #[must_use]
    pub fn silence() -> Ranking {
        Ranking { intents: Vec::new(), none: 1.0, without_last_word: 0.0, branch: Branch::None }
    }

    /// The likeliest intent. It may still be less likely than none of them.
    #[must_use]
    pub fn best(&self) -> Option<Scored> {
        self.intents.first().copied()
    }

    /// The probability of one intent; 0 for one that the model does not know.
    #[must_use]
    pub fn probability(&self, intent: IntentId) -> f32 {
        let found = self.intents.iter().find(|scored| scored.intent == intent);
        found.map_or(0.0, |scored| scored.probability)
    }
}
