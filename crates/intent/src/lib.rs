//! What the caller wants: a model that learns intents from a few example phrases, and the rule that
//! says when a reading of a caller who still speaks is enough to act on.
//!
//! A phrase becomes words, pairs of words, pieces of words and sound keys ([the last three](Model)
//! survive a recogniser's mistakes); a multinomial logistic regression scores every intent and "none
//! of these"; a gate, fitted by cross-validation, turns the lead of the best intent into a
//! probability that it is right. "None" is learned from a built-in background of other wishes, from
//! openers ("i would like to"), and from the beginnings of the examples that say nothing yet.
//! Learning takes milliseconds for a receptionist's file and is the same on every run.
//!
//! [`EmbeddedModel`] adds small neural networks over sentence embeddings, for whole turns: it tells many
//! close intents apart that share their words.
//!
//! ```
//! use intent::{Commit, CommitConfig, Cut, Examples, Model};
//!
//! let examples = Examples::default()
//!     .with("reset_password", &["i forgot my password", "reset my password", "i am locked out"])
//!     .with("billing", &["a question about my invoice", "i was billed twice", "pay my bill"]);
//! let model = Model::learn(&examples)?;
//!
//! let heard = "hello I have forgotten my pass word";
//! let ranking = model.rank(heard);
//! let mut commit = Commit::new(CommitConfig::default());
//! let decision = commit.observe(&ranking, heard, Cut::Final).expect("it is clear enough");
//! assert_eq!(model.name(decision.intent), "reset_password");
//! # Ok::<(), intent::LearnError>(())
//! ```
//!
//! The crate is pure: no clock, no input or output, no randomness beyond fixed seeds.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod background;
mod branches;
mod calibration;
mod commit;
mod embeddings;
mod examples;
mod features;
pub mod grammar;
mod keywords;
mod learner;
mod likeness;
mod model;
mod network;
mod numerals;
mod ranking;
mod redact;
mod scorer;
mod sentiment;
mod sight;
mod sound_key;
pub mod sounds;
mod text;
mod understanding;

pub use commit::{Basis, Commit, CommitConfig, Cut, Decision};
pub use embeddings::{EmbeddedModel, Evidence};
pub use examples::{Examples, IntentExamples, LearnError};
pub use keywords::Keywords;
pub use model::Model;
pub use ranking::{Branch, IntentId, Ranking, Scored};
pub use redact::{
    Earlier, Held, Mark, Redacted, Redactor, card_at_end, digits_in, ends_in_digits,
    is_card_number, redact,
};
pub use sentiment::Sentiment;
pub use understanding::{Believed, Meaning, Scripted, TeachError, Understanding};

/// The words of a text as they are said: without case and punctuation, and with numbers, prices and the like written
/// out in their first reading. Two texts that are said alike have the same words.
#[must_use]
pub fn spoken_words(text: &str) -> Vec<String> {
    grammar::spoken(text)
}
