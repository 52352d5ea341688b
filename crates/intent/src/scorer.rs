//! The intents' scores for a phrase, before they are probabilities.

use std::collections::{BTreeSet, HashMap, HashSet};

use ndarray::{Array1, Array2};

use crate::embeddings::Centred;
use crate::examples::Phrase;
use crate::features::{Feature, Space, features};
use crate::learner::{Example, Linear, softmax};
use crate::network::Network;
use crate::sight::{Prepared, Sees, Sight};

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

/// Scores every intent, and "none of these".
#[derive(Clone, Debug)]
pub(crate) enum Scorer {
    /// By the words of a phrase.
    Words(ByWords),
    /// By its embedding.
    Meaning(ByMeaning),
    /// By both.
    Both(ByWords, ByMeaning),
}

/// The linear model over words, their pieces and their sound.
#[derive(Clone, Debug)]
pub(crate) struct ByWords {
    space: Space,
    linear: Linear,
}

/// Networks over embeddings, whose scores are averaged: where they never learned they disagree, so that
/// together they are less certain of what is none of the intents.
#[derive(Clone, Debug)]
pub(crate) struct ByMeaning {
    centred: Centred,
    networks: Vec<Network>,
}

const NETWORKS: u64 = 3;

/// The scores of a phrase: of each intent in their order, then of none.
#[derive(Clone, Debug)]
pub(crate) struct Scores {
    scores: Vec<f32>,
    against: Against,
}

/// What the best intent is held against to see how far it stands out.
#[derive(Clone, Copy, Debug)]
enum Against {
    /// The average: of a linear model, which gives every class a score by its own words.
    Average,
    /// The sum: of a network, whose scores mean something only beside each other.
    Sum,
}

impl Scorer {
    /// Learns what the lesson's sight sees.
    pub(crate) fn learn(lesson: &Lesson<'_, '_>) -> Scorer {
        match lesson.sight.sees() {
            Sees::Words => Scorer::Words(ByWords::learn(lesson)),
            Sees::Meaning => Scorer::Meaning(ByMeaning::learn(lesson)),
            Sees::Both => Scorer::Both(ByWords::learn(lesson), ByMeaning::learn(lesson)),
        }
    }

    /// The scores of a phrase with these features and, where the scorer learned from embeddings, with
    /// this one.
    pub(crate) fn scores(&self, features: &[Feature], embedding: &[f32]) -> Scores {
        let (scores, against) = match self {
            Scorer::Words(words) => (words.scores(features), Against::Average),
            Scorer::Meaning(meaning) => (meaning.scores(embedding), Against::Sum),
            Scorer::Both(words, meaning) => {
                let mut scores = meaning.scores(embedding);
                for (score, of_words) in scores.iter_mut().zip(words.scores(features)) {
                    *score += BESIDE_MEANING * of_words;
                }
                (scores, Against::Sum)
            }
        };
        Scores { scores, against }
    }
}

/// How much a score by words counts beside one by meaning.
const BESIDE_MEANING: f32 = 0.5;

impl ByWords {
    /// Learns the intents from their phrases, and "none" from the background and from those
    /// beginnings of the phrases that say nothing yet.
    fn learn(lesson: &Lesson<'_, '_>) -> ByWords {
        let none = lesson.intents;
        let background = || lesson.carriers.iter().chain(&lesson.topics);
        let phrases = || lesson.phrases.iter().map(|(phrase, _)| phrase);
        let space = Space::of(phrases().chain(background()).map(|p| p.features.as_slice()));
        let example = |features: &[Feature], class, importance| Example {
            vector: space.vector(features),
            class,
            importance,
        };
        let phrases = lesson.phrases.iter();
        let mut examples: Vec<Example> =
            phrases.map(|(phrase, intent)| example(&phrase.features, *intent, 1.0)).collect();
        let counter = background().map(|phrase| example(&phrase.features, none, COUNTER_EXAMPLE));
        examples.extend(counter);
        let empty = lesson.empty_beginnings();
        examples.extend(empty.iter().map(|words| example(&features(words), none, COUNTER_EXAMPLE)));
        let linear = Linear::learn(&examples, space.len(), lesson.intents + 1);
        ByWords { space, linear }
    }

    fn scores(&self, features: &[Feature]) -> Vec<f32> {
        self.linear.scores(&self.space.vector(features))
    }
}

impl ByMeaning {
    /// Learns the intents from their phrases, and "none" from wishes of other kinds.
    fn learn(lesson: &Lesson<'_, '_>) -> ByMeaning {
        let phrases = lesson.phrases.iter().map(|(phrase, intent)| (&phrase.embedding, *intent));
        let topics = lesson.topics.iter().map(|topic| (&topic.embedding, lesson.intents));
        let centred = Centred::of(phrases.clone().map(|(embedding, _)| embedding.as_slice()));
        let mut inputs = Array2::zeros((0, centred.len()));
        let mut wanted = Vec::new();
        for (embedding, class) in phrases.chain(topics) {
            let row: Array1<f32> = centred.distances(embedding).collect();
            if inputs.push_row(row.view()).is_ok() {
                wanted.push(class);
            }
        }
        let learn = |seed| Network::learn(&inputs, &wanted, lesson.intents + 1, seed);
        ByMeaning { centred, networks: (1..=NETWORKS).map(learn).collect() }
    }

    fn scores(&self, embedding: &[f32]) -> Vec<f32> {
        let input: Vec<f32> = self.centred.distances(embedding).collect();
        let mut sum = Vec::new();
        for network in &self.networks {
            let scores = network.scores(input.iter().copied());
            sum.resize(scores.len(), 0.0);
            sum.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score / NETWORKS as f32);
        }
        sum
    }
}

/// How much a phrase of the background counts beside an example: there are many of them.
const COUNTER_EXAMPLE: f32 = 0.5;

impl Scores {
    /// Adds evidence from elsewhere to an intent.
    pub(crate) fn raise(&mut self, intent: usize, by: f32) {
        self.scores[intent] += by;
    }

    /// The intent with the highest score; the first of equals.
    pub(crate) fn best(&self) -> usize {
        let intents = self.intents();
        (1..intents.len()).fold(0, |best, at| if intents[at] > intents[best] { at } else { best })
    }

    /// How far the best intent stands out.
    pub(crate) fn lead(&self) -> Lead {
        let at = self.best();
        let best = self.scores[at];
        let others = || self.scores.iter().enumerate().filter(|(other, _)| *other != at);
        let over_all = match self.against {
            Against::Average => best - self.scores.iter().sum::<f32>() / self.scores.len() as f32,
            Against::Sum => {
                let sum: f32 = others().map(|(_, score)| (score - best).exp()).sum();
                -sum.max(f32::MIN_POSITIVE).ln()
            }
        };
        let none = self.intents().len();
        let intents = others().filter(|(other, _)| *other != none);
        let next = intents.map(|(_, &score)| score).fold(f32::MIN, f32::max);
        Lead { over_all, over_next: (best - next).min(CLEAR) }
    }

    /// The share that the scores give to each intent in their order, then to none.
    pub(crate) fn shares(&self) -> Vec<f32> {
        softmax(&self.scores)
    }

    fn intents(&self) -> &[f32] {
        &self.scores[..self.scores.len() - 1]
    }
}

/// How far the best intent stands out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lead {
    /// Above all classes: their average, or for a network the sum of the others.
    pub(crate) over_all: f32,
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
    fn empty_beginnings(&self) -> Vec<&[String]> {
        let whole: HashSet<&[String]> = self.phrases.iter().map(|(p, _)| &p.words[..]).collect();
        let beginnings: BTreeSet<&[String]> = self
            .phrases
            .iter()
            .zip(self.empty_words())
            .map(|((phrase, _), empty)| &phrase.words[..empty])
            .filter(|beginning| !beginning.is_empty() && !whole.contains(beginning))
            .collect();
        beginnings.into_iter().collect()
    }
}

/// Phrases with their features worked out, each with the number of its intent.
pub(crate) fn prepare(phrases: &[Phrase], sight: &Sight<'_>) -> Vec<(Prepared, usize)> {
    phrases.iter().map(|phrase| (sight.of(&phrase.text, &phrase.words), phrase.intent)).collect()
}
