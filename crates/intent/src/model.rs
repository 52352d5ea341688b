//! The model: learned once from examples, asked for every reading.

use crate::background::Background;
use crate::branches::Branches;
use crate::calibration::{Gate, sigmoid, trials};
use crate::examples::{Examples, LearnError, Phrase};
use crate::keywords::{Said, said};
use crate::ranking::{Branch, IntentId, Ranking, Scored};
use crate::scorer::{Lesson, Scorer, prepare};
use crate::sight::{Prepared, Sees, Sight, seen};
use crate::text::{without_last_word, words};

/// Tells what a caller wants. Immutable once learned; share it between calls.
#[derive(Clone, Debug)]
pub struct Model {
    names: Vec<String>,
    keywords: Vec<Phrase>,
    scorer: Scorer,
    /// For a caller who still speaks.
    gate: Gate,
    /// For a turn that is over.
    gate_of_whole: Gate,
    branches: Branches,
    sees: Sees,
}

impl Model {
    /// Learns the intents of `examples`. The same examples give the same model, bit for bit.
    ///
    /// # Errors
    ///
    /// When there is nothing to learn, or two intents cannot be told apart by name or phrase.
    pub fn learn(examples: &Examples) -> Result<Model, LearnError> {
        Model::learn_seeing(examples, &Sight::new(Sees::Words, &mut |_| Vec::new()))
    }

    pub(crate) fn learn_seeing(
        examples: &Examples,
        sight: &Sight<'_>,
    ) -> Result<Model, LearnError> {
        let (phrases, keywords) = examples.check()?;
        let background = Background::beside(&phrases);
        let prepare_all = |texts: &[Vec<String>]| -> Vec<Prepared> {
            texts.iter().map(|words| sight.of_words(words)).collect()
        };
        let (carriers, mut topics) =
            (prepare_all(&background.carriers), prepare_all(&background.topics));
        topics.extend(examples.others.iter().map(|text| sight.of(text, &self::words(text))));
        let branches = Branches::of(&phrases);
        let phrases = prepare(&phrases, sight);
        let lesson = Lesson {
            intents: examples.intents.len(),
            phrases: phrases.iter().map(|(phrase, intent)| (phrase, *intent)).collect(),
            carriers: carriers.iter().collect(),
            topics: topics.iter().collect(),
            common: &background.common,
            sight,
        };
        let trials = trials(&lesson);
        Ok(Model {
            names: examples.intents.iter().map(|intent| intent.name.clone()).collect(),
            keywords,
            gate: Gate::fit(&trials),
            gate_of_whole: Gate::of_whole_turns(&trials),
            scorer: Scorer::learn(&lesson),
            branches,
            sees: sight.sees(),
        })
    }

    /// Ranks the intents by what `text` says, be it a whole transcript or one of a caller who still
    /// speaks.
    ///
    /// A keyword that stands in `text` as whole words, while no other intent's keyword does, adds 8
    /// to its intent's score and to the log-odds that come of it: an intent that would have one
    /// chance in a hundred without the keyword is at 0.97 or more with it. A long one that is off by a
    /// letter adds 3.
    #[must_use]
    pub fn rank(&self, text: &str) -> Ranking {
        let words = words(text);
        let mut ranking = self.rank_words(&words);
        let settled = self::words(without_last_word(text));
        if let (Some(best), false) = (ranking.best(), settled.is_empty()) {
            ranking.without_last_word = self.rank_words(&settled).probability(best.intent);
            ranking.branch = if self.may_turn(&words, best.intent) {
                Branch::AtEnd
            } else if self.may_turn(&settled, best.intent) {
                Branch::BeforeLastWord
            } else {
                Branch::None
            };
        }
        ranking
    }

    /// Ranks the intents by what `text` says, a turn that is over: as [`Model::rank`], but without a look
    /// at what its last word changes, or how it could go on, and surer, as there is no more to come. At a
    /// probability under one half it is better to ask again.
    #[must_use]
    pub fn rank_whole(&self, text: &str) -> Ranking {
        self.rank_seen(&words(text), &[])
    }

    /// The name of an intent of this model.
    ///
    /// # Panics
    ///
    /// If `intent` is of another model with more intents.
    #[must_use]
    pub fn name(&self, intent: IntentId) -> &str {
        &self.names[intent.0 as usize]
    }

    /// The intent with this name.
    #[must_use]
    pub fn intent(&self, name: &str) -> Option<IntentId> {
        self.names.iter().position(|known| known == name).map(id)
    }

    /// Whether what comes after `words` may turn the sentence away from `intent`: their last two go on
    /// to another one in some example, and what stands before those two does not decide by itself.
    fn may_turn(&self, words: &[String], intent: IntentId) -> bool {
        self.branches.leave(words, intent.0 as usize)
            && self.rank_words(&words[..words.len() - 2]).probability(intent) < DECIDED
    }

    fn rank_words(&self, words: &[String]) -> Ranking {
        self.rank_through(&self.gate, words, &[])
    }

    /// Ranks the intents by a turn that is over.
    pub(crate) fn rank_seen(&self, words: &[String], embedding: &[f32]) -> Ranking {
        self.rank_through(&self.gate_of_whole, words, embedding)
    }

    fn rank_through(&self, gate: &Gate, words: &[String], embedding: &[f32]) -> Ranking {
        if words.is_empty() {
            return Ranking::silence();
        }
        let mut scores = self.scorer.scores(&seen(self.sees, words), embedding);
        let keyword = self.keyword(words);
        if let Some((intent, worth)) = keyword {
            scores.raise(intent, worth);
        }
        let best = scores.best();
        let by_keyword = keyword.filter(|(intent, _)| *intent == best).map_or(0.0, |it| it.1);
        let lead = scores.lead();
        let right = sigmoid(gate.right(lead) + by_keyword);
        // Two witnesses: the calibrated curve, and the scores, which know openers by heart.
        let unsaid = 1.0 - sigmoid(gate.said(lead) + by_keyword);
        let shares = scores.shares();
        let others = (1.0 - shares[best]).max(f32::MIN_POSITIVE);
        let share_of_none = shares[self.names.len()] / others;
        let none = unsaid.max((1.0 - right) * share_of_none).min(1.0 - right);
        // The other intents divide what is left as their scores have it, none more than the best.
        let others = (others - shares[self.names.len()]).max(f32::MIN_POSITIVE);
        let left = 1.0 - right - none;
        let probability = |at: usize| match at == best {
            true => right,
            false => (left * shares[at] / others).min(right),
        };
        let mut intents: Vec<Scored> = (0..self.names.len())
            .map(|at| Scored { intent: id(at), probability: probability(at) })
            .collect();
        // The sort is stable: of equals the best comes first.
        intents.swap(0, best);
        intents.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        let sum: f32 = intents.iter().map(|scored| scored.probability).sum();
        let none = (1.0 - sum).max(0.0);
        Ranking { intents, none, without_last_word: 0.0, branch: Branch::None }
    }

    /// The one intent whose keywords were said, and what that is worth; none if those of several were.
    fn keyword(&self, words: &[String]) -> Option<(usize, f32)> {
        let mut heard = self.keywords.iter().filter_map(|keyword| {
            let worth = match said(words, &keyword.words)? {
                Said::Exactly => KEYWORD,
                Said::Nearly => NEARLY,
            };
            Some((keyword.intent, worth))
        });
        let first = heard.next()?;
        heard.try_fold(first, |best, next| {
            (next.0 == best.0).then_some((best.0, best.1.max(next.1)))
        })
    }
}

/// The probability at which words decide by themselves, whatever follows.
const DECIDED: f32 = 0.85;

/// What a keyword adds to the score and to the log-odds of its intent.
const KEYWORD: f32 = 8.0;

/// What one adds that is off by a letter. While a caller speaks it may be the beginning of another word ("becked" of
/// "battery", for Becker), so it does not say all by itself.
const NEARLY: f32 = 3.0;

fn id(at: usize) -> IntentId {
    IntentId(u32::try_from(at).expect("examples hold fewer than 2^32 intents"))
}
