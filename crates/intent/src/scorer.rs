//! The intents' scores for a phrase, before they are probabilities.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::embeddings::Centred;
use crate::examples::Phrase;
use crate::features::{Feature, Space, Vector};
use crate::learner::{Example, Linear, softmax};
use crate::sight::{Prepared, Sight};

/// What a scorer learns from.
pub(crate) struct Lesson<'a, 's> {
    pub(crate) intents: usize,
    /// Phrases, each with the number of its intent.
    pub(crate) phrases: Vec<(&'a Prepared, usize)>,
    pub(crate) carriers: Vec<&'a Prepared>,
    pub(crate) topics: Vec<&'a Prepared>,
    pub(crate) common: &'a HashSet<String>,
    pub(crate) sight: &'a Sight<'s>,
}

/// Scores every intent, and "none of these", by the words of a phrase.
#[derive(Clone, Debug)]
pub(crate) struct Scorer {
    space: Space,
    centred: Centred,
    linear: Linear,
}

/// The scores of a phrase: of each intent in their order, then of none.
#[derive(Clone, Debug)]
pub(crate) struct Scores(Vec<f32>);

impl Scorer {
    /// Learns the intents from their phrases, and "none" from the background and from those
    /// beginnings of the phrases that say nothing yet.
    pub(crate) fn learn(lesson: &Lesson<'_, '_>) -> Scorer {
        let none = lesson.intents;
        let background = || lesson.carriers.iter().chain(&lesson.topics);
        let phrases = || lesson.phrases.iter().map(|(phrase, _)| phrase);
        let space = Space::of(phrases().chain(background()).map(|p| p.features.as_slice()));
        let centred = Centred::of(phrases().map(|phrase| phrase.embedding.as_slice()), space.len());
        let example = |prepared: &Prepared, class, importance| {
            let vector = vector(&space, &centred, &prepared.features, &prepared.embedding);
            Example { vector, class, importance }
        };
        let mut examples: Vec<Example> =
            lesson.phrases.iter().map(|(phrase, intent)| example(phrase, *intent, 1.0)).collect();
        let empty = lesson.empty_beginnings();
        let counter = background().copied().chain(&empty);
        examples.extend(counter.map(|phrase| example(phrase, none, COUNTER_EXAMPLE)));
        let linear = Linear::learn(&examples, space.len() + centred.len(), lesson.intents + 1);
        Scorer { space, centred, linear }
    }

    /// The scores of a phrase with these features and, where the scorer learned from embeddings, with
    /// this one.
    pub(crate) fn scores(&self, features: &[Feature], embedding: &[f32]) -> Scores {
        Scores(self.linear.scores(&vector(&self.space, &self.centred, features, embedding)))
    }
}

/// Features and embedding as one vector.
fn vector(space: &Space, centred: &Centred, features: &[Feature], embedding: &[f32]) -> Vector {
    let mut vector = space.vector(features);
    vector.extend(centred.vector(embedding));
    vector
}

/// How much a phrase of the background counts beside an example: there are many of them.
const COUNTER_EXAMPLE: f32 = 0.5;

impl Scores {
    /// Adds evidence from elsewhere to an intent.
    pub(crate) fn raise(&mut self, intent: usize, by: f32) {
        self.0[intent] += by;
    }

    /// The intent with the highest score; the first of equals.
    pub(crate) fn best(&self) -> usize {
        let intents = self.intents();
        (1..intents.len()).fold(0, |best, at| if intents[at] > intents[best] { at } else { best })
    }

    /// How far the best intent stands out.
    pub(crate) fn lead(&self) -> Lead {
        let at = self.best();
        let best = self.0[at];
        let average = self.0.iter().sum::<f32>() / self.0.len() as f32;
        let others = self.intents().iter().enumerate().filter(|(other, _)| *other != at);
        let next = others.map(|(_, &score)| score).fold(f32::MIN, f32::max);
        Lead { over_average: best - average, over_next: (best - next).min(CLEAR) }
    }

    /// The share that the scores give to each intent in their order, then to none.
    pub(crate) fn shares(&self) -> Vec<f32> {
        softmax(&self.0)
    }

    fn intents(&self) -> &[f32] {
        &self.0[..self.0.len() - 1]
    }
}

/// How far the best intent stands out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lead {
    /// Above the average of all classes.
    pub(crate) over_average: f32,
    /// Above the next intent, up to [`CLEAR`].
    pub(crate) over_next: f32,
}

/// A lead over the next intent beyond which there is no question between the two.
const CLEAR: f32 = 3.0;

impl Lesson<'_, '_> {
    /// How many words at the beginning of each phrase say nothing yet: four of "i would like to
    /// reset my password". A word tells something unless it is common in openers or shared by a
    /// good part of the intents.
    pub(crate) fn empty_words(&self) -> Vec<usize> {
        let mut shared: HashMap<&String, BTreeSet<usize>> = HashMap::new();
        for (phrase, intent) in &self.phrases {
            for word in &phrase.words {
                shared.entry(word).or_default().insert(*intent);
            }
        }
        let tells = |word: &&String| {
            let intents = shared.get(*word).map_or(0, BTreeSet::len);
            !self.common.contains(*word) && (intents < 3 || intents * 4 < self.intents)
        };
        let empty = |words: &[String]| words.iter().take_while(|word| !tells(word)).count();
        self.phrases.iter().map(|(phrase, _)| empty(&phrase.words)).collect()
    }

    /// The beginnings of phrases that say nothing yet, each once, but no whole phrase.
    fn empty_beginnings(&self) -> Vec<Prepared> {
        let whole: HashSet<&[String]> = self.phrases.iter().map(|(p, _)| &p.words[..]).collect();
        let beginnings: BTreeSet<&[String]> = self
            .phrases
            .iter()
            .zip(self.empty_words())
            .map(|((phrase, _), empty)| &phrase.words[..empty])
            .filter(|beginning| !beginning.is_empty() && !whole.contains(beginning))
            .collect();
        beginnings.into_iter().map(|words| self.sight.of_words(words)).collect()
    }
}

/// Phrases with their features worked out, each with the number of its intent.
pub(crate) fn prepare(phrases: &[Phrase], sight: &Sight<'_>) -> Vec<(Prepared, usize)> {
    phrases.iter().map(|phrase| (sight.of(&phrase.text, &phrase.words), phrase.intent)).collect()
}
