//! A model that also looks at sentence embeddings: phrases as vectors, near those of phrases that mean
//! the same, whatever their words.

use crate::examples::{Examples, LearnError};
use crate::model::Model;
use crate::ranking::{IntentId, Ranking};
use crate::sight::{Sees, Sight};
use crate::text::words;

/// Tells what a caller wants from the embedding of a whole turn, and from its words. Where embeddings
/// come from is the caller's affair; all must be of one kind and length.
///
/// ```
/// use intent::{EmbeddedModel, Evidence, Examples};
///
/// // Stands in for a model of sentences: one number for each of two matters.
/// let mut embed = |text: &str| {
///     let about = |words: &[&str]| words.iter().filter(|word| text.contains(**word)).count() as f32;
///     vec![about(&["money", "bill", "pay"]), about(&["screen", "laptop", "computer"])]
/// };
/// let examples = Examples::default()
///     .with("billing", &["about my bill", "i want to pay", "money back please"])
///     .with("repair", &["my laptop broke", "the screen is dark", "a computer is down"]);
/// let model = EmbeddedModel::learn(&examples, Evidence::Both, &mut embed)?;
/// let text = "to whom do i pay the money";
/// let best = model.rank_whole(text, &embed(text)).best().expect("something was said");
/// assert_eq!(model.name(best.intent), "billing");
/// # Ok::<(), intent::LearnError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EmbeddedModel(Model);

/// What a model of embeddings decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The embedding alone.
    Embedding,
    /// The embedding together with words, their pieces and their sound.
    Both,
}

impl EmbeddedModel {
    /// Learns the intents of `examples`, whose embeddings `embed` makes, and with them those of a few
    /// hundred other phrases that are none of the intents.
    ///
    /// # Errors
    ///
    /// When there is nothing to learn, or two intents cannot be told apart by name or phrase.
    pub fn learn(
        examples: &Examples,
        evidence: Evidence,
        embed: &mut dyn FnMut(&str) -> Vec<f32>,
    ) -> Result<EmbeddedModel, LearnError> {
        let sees = match evidence {
            Evidence::Embedding => Sees::Meaning,
            Evidence::Both => Sees::Both,
        };
        Model::learn_seeing(examples, &Sight::new(sees, embed)).map(EmbeddedModel)
    }

    /// Ranks the intents by what `text` says, a turn that is over, and by its embedding.
    #[must_use]
    pub fn rank_whole(&self, text: &str, embedding: &[f32]) -> Ranking {
        self.0.rank_seen(&words(text), embedding)
    }

    /// The name of an intent of this model.
    ///
    /// # Panics
    ///
    /// If `intent` is of another model with more intents.
    #[must_use]
    pub fn name(&self, intent: IntentId) -> &str {
        self.0.name(intent)
    }
}

/// Turns embeddings into what a network reads: each number as its distance from what is usual.
#[derive(Clone, Debug)]
pub(crate) struct Centred {
    mean: Vec<f32>,
    scale: Vec<f32>,
}

/// How long the numbers of a usual embedding are together.
const LENGTH: f32 = 4.0;
/// A number that hardly varies says little: its differences are not raised beyond this.
const LEAST_SPREAD: f32 = 1e-3;

impl Centred {
    /// Sees what is usual in `embeddings`.
    pub(crate) fn of<'e>(embeddings: impl Iterator<Item = &'e [f32]> + Clone) -> Centred {
        let size = embeddings.clone().next().map_or(0, <[f32]>::len);
        let (mut mean, mut spread) = (vec![0.0; size], vec![0.0; size]);
        let mut count = 0.0_f32;
        for embedding in embeddings.clone() {
            count += 1.0;
            mean.iter_mut().zip(embedding).for_each(|(mean, value)| *mean += value);
        }
        mean.iter_mut().for_each(|mean| *mean /= count);
        for embedding in embeddings {
            for ((spread, value), mean) in spread.iter_mut().zip(embedding).zip(&mean) {
                *spread += (value - mean) * (value - mean) / count;
            }
        }
        let length = LENGTH / (size.max(1) as f32).sqrt();
        let scale = spread.iter().map(|spread: &f32| length / spread.sqrt().max(LEAST_SPREAD));
        Centred { scale: scale.collect(), mean }
    }

    /// How many numbers an embedding has.
    pub(crate) fn len(&self) -> usize {
        self.mean.len()
    }

    /// The distances of `embedding`; an embedding that is too short has no others.
    pub(crate) fn distances(&self, embedding: &[f32]) -> impl Iterator<Item = f32> {
        let values = embedding.iter().zip(&self.mean).zip(&self.scale);
        values.map(|((value, mean), scale)| (value - mean) * scale)
    }
}
