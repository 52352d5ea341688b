//! From scores to a probability that can be believed: how often such a lead was right on phrases
//! that the scorer had not seen.

use std::collections::HashSet;

use crate::scorer::{Lead, Lesson, Scorer};
use crate::sight::{Prepared, Sees};

/// What a lead is worth (Platt scaling: Platt, 1999, with two inputs).
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    right: Curve,
    said: Curve,
}

/// One observation of a scorer on something it had not learned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    /// The lead of the best intent.
    pub(crate) lead: Lead,
    pub(crate) truth: Truth,
    /// How much it counts; 1 for a whole phrase.
    pub(crate) weight: f32,
    pub(crate) extent: Extent,
}

/// How much of a phrase was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Beginning,
    Whole,
}

/// What was true of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    /// The best intent was wanted.
    Right,
    /// Another intent was wanted.
    Wrong,
    /// None was, or none had been said yet.
    None,
}

impl Gate {
    pub(crate) fn fit(trials: &[Trial]) -> Gate {
        Gate {
            right: Curve::fit(trials, |truth| truth == Truth::Right),
            said: Curve::fit(trials, |truth| truth != Truth::None),
        }
    }

    /// The gate for turns that are over, where few callers want something else: the intents are what
    /// callers are known to want.
    pub(crate) fn of_whole_turns(trials: &[Trial]) -> Gate {
        let mut trials: Vec<Trial> =
            trials.iter().filter(|trial| trial.extent == Extent::Whole).copied().collect();
        let weight = |none: bool| -> f32 {
            let chosen = trials.iter().filter(|trial| (trial.truth == Truth::None) == none);
            chosen.map(|trial| trial.weight).sum()
        };
        let scale = ELSEWHERE * weight(false) / weight(true).max(1.0);
        for trial in trials.iter_mut().filter(|trial| trial.truth == Truth::None) {
            trial.weight *= scale;
        }
        Gate::fit(&trials)
    }

    /// The log-odds that the best intent, standing out this far, is what the caller wants.
    pub(crate) fn right(&self, lead: Lead) -> f32 {
        self.right.log_odds(lead)
    }

    /// The log-odds that the caller wants one of the intents, and has said it.
    pub(crate) fn said(&self, lead: Lead) -> f32 {
        self.said.log_odds(lead)
    }
}

/// A logistic curve over [`Inputs`].
#[derive(Clone, Debug, PartialEq)]
struct Curve(Inputs);

impl Curve {
    /// Fits to how often `trials` were `positive`, by Newton's method, held near [`PRIOR`] so that a
    /// handful of trials does not lead to extremes.
    fn fit(trials: &[Trial], positive: fn(Truth) -> bool) -> Curve {
        let weight = |of: bool| -> f32 {
            let chosen = trials.iter().filter(|trial| positive(trial.truth) == of);
            chosen.map(|trial| trial.weight).sum()
        };
        // Platt's targets: never quite certain, the less so the fewer the trials.
        let (yes, no) = ((weight(true) + 1.0) / (weight(true) + 2.0), 1.0 / (weight(false) + 2.0));
        let target = |trial: &Trial| if positive(trial.truth) { yes } else { no };
        let loss = |curve: &Curve| -> f32 {
            let apart: f32 = curve.0.iter().zip(&PRIOR).map(|(w, p)| (w - p) * (w - p)).sum();
            trials.iter().fold(apart / 2.0, |loss, trial| {
                let odds = curve.log_odds(trial.lead);
                loss + trial.weight * (softplus(odds) - target(trial) * odds)
            })
        };
        let mut curve = Curve(PRIOR);
        for _ in 0..20 {
            let mut slope: Inputs = std::array::from_fn(|i| curve.0[i] - PRIOR[i]);
            let mut bend: [Inputs; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
            for trial in trials {
                let input = inputs(trial.lead);
                let p = sigmoid(curve.log_odds(trial.lead));
                for i in 0..3 {
                    slope[i] += trial.weight * (p - target(trial)) * input[i];
                    for j in 0..3 {
                        bend[i][j] += trial.weight * p * (1.0 - p) * input[i] * input[j];
                    }
                }
            }
            let step = solve(&bend, &slope);
            // Newton's step overshoots where the curve is flat: halve it until it helps.
            let before = loss(&curve);
            let better = (0..12)
                .map(|halvings| 0.5_f32.powi(halvings))
                .map(|scale| Curve(std::array::from_fn(|i| curve.0[i] - scale * step[i])))
                .find(|candidate| loss(candidate) < before);
            match better {
                Some(better) => curve = better,
                None => break,
            }
        }
        curve
    }

    fn log_odds(&self, lead: Lead) -> f32 {
        self.0.iter().zip(inputs(lead)).map(|(weight, input)| weight * input).sum()
    }
}

/// The trials of a cross-validation in five rounds. In each, a fifth of every intent's phrases is
/// held back, and their beginnings with them, as a caller is heard word by word; and a fifth of the
/// intents and of the other topics is held back as a whole, to be wishes that nobody foresaw.
pub(crate) fn trials(lesson: &Lesson<'_, '_>) -> Vec<Trial> {
    let rounds = if lesson.phrases.len() > PLENTY { 1 } else { FOLDS };
    (0..rounds).flat_map(|round| trials_of_round(lesson, round)).collect()
}

/// Whole turns that want something else, for each one that wants an intent. The trials have wishes next
/// to the intents, which are harder to tell from them than most that callers come up with.
const ELSEWHERE: f32 = 0.03;

const FOLDS: usize = 5;
/// Phrases of which a single round holds back enough.
const PLENTY: usize = 4000;
/// How much the phrases of an unforeseen intent count, each; and all other topics together, beside
/// all phrases. Both say how common it is that a caller wants something else.
const UNFORESEEN: f32 = 0.2;
/// How much the beginnings of a phrase count together, beside the whole phrase.
const BEGINNINGS: f32 = 0.5;

fn trials_of_round(lesson: &Lesson<'_, '_>, round: usize) -> Vec<Trial> {
    let held_back = Folds::new(lesson, round);
    let phrases = || lesson.phrases.iter().zip(&held_back.phrases);
    let topics = || lesson.topics.iter().enumerate();
    let scorer = Scorer::learn(&Lesson {
        intents: held_back.intents.iter().flatten().count(),
        phrases: phrases()
            .filter(|(_, held_back)| !**held_back)
            .filter_map(|((phrase, intent), _)| Some((*phrase, held_back.intents[*intent]?)))
            .collect(),
        carriers: lesson.carriers.clone(),
        topics: topics().filter(|(at, _)| at % FOLDS != round).map(|(_, topic)| *topic).collect(),
        common: lesson.common,
        sight: lesson.sight,
    });
    let mut trials = Vec::new();
    let mut try_out = |prepared: &Prepared, extent, weight, truth: &dyn Fn(usize) -> Truth| {
        let scores = scorer.scores(&prepared.features, &prepared.embedding);
        trials.push(Trial { lead: scores.lead(), truth: truth(scores.best()), weight, extent });
    };
    for (((phrase, intent), phrase_held_back), empty) in phrases().zip(lesson.empty_words()) {
        let Some(intent) = held_back.intents[*intent] else {
            try_out(phrase, Extent::Whole, UNFORESEEN, &|_| Truth::None);
            continue;
        };
        if !phrase_held_back {
            continue;
        }
        try_out(phrase, Extent::Whole, 1.0, &|best| {
            if best == intent { Truth::Right } else { Truth::Wrong }
        });
        // A model of embeddings is asked for whole turns only.
        if lesson.sight.sees() != Sees::Words {
            continue;
        }
        for length in 1..phrase.words.len() {
            let beginning = lesson.sight.of_words(&phrase.words[..length]);
            let weight = BEGINNINGS / (phrase.words.len() - 1) as f32;
            // A beginning that does not point to its intent has not said it yet.
            let said = |best| best == intent && length > empty;
            try_out(&beginning, Extent::Beginning, weight, &|best| {
                if said(best) { Truth::Right } else { Truth::None }
            });
        }
    }
    let share = lesson.phrases.len() as f32 / lesson.topics.len().max(1) as f32;
    for (_, topic) in topics().filter(|(at, _)| at % FOLDS == round) {
        try_out(topic, Extent::Whole, UNFORESEEN * share, &|_| Truth::None);
    }
    trials
}

/// What a round of the cross-validation holds back.
struct Folds {
    /// The number of each intent among the ones that stay; none if it is held back as a whole.
    intents: Vec<Option<usize>>,
    /// Whether each phrase is held back.
    phrases: Vec<bool>,
}

impl Folds {
    fn new(lesson: &Lesson<'_, '_>, round: usize) -> Folds {
        let mut next = 0;
        let intents = (0..lesson.intents)
            .map(|intent| {
                // With fewer than three intents, all are needed to tell them apart.
                let stays = lesson.intents < 3 || intent % FOLDS != round;
                stays.then(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        let mut seen = vec![0; lesson.intents];
        let mut learned = HashSet::new();
        let mut phrases: Vec<bool> = lesson
            .phrases
            .iter()
            .map(|&(_, intent)| {
                seen[intent] += 1;
                (seen[intent] + intent) % FOLDS == round
            })
            .collect();
        let kept = lesson.phrases.iter().zip(&phrases).filter(|(_, held_back)| !**held_back);
        learned.extend(kept.map(|((_, intent), _)| *intent));
        // The only phrase of an intent cannot be held back: nothing would be left to know it by.
        for ((_, intent), held_back) in lesson.phrases.iter().zip(&mut phrases) {
            *held_back &= learned.contains(intent);
        }
        Folds { intents, phrases }
    }
}

/// The inputs of a curve: one for the bias, and both leads.
type Inputs = [f32; 3];

/// What the weights are before any trial: about what the front desk of the tests comes out at.
const PRIOR: Inputs = [-2.5, 0.6, 1.0];

fn inputs(lead: Lead) -> Inputs {
    [1.0, lead.over_all, lead.over_next]
}

pub(crate) fn sigmoid(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// `ln(1 + e^x)` without overflow.
fn softplus(x: f32) -> f32 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Solves `matrix * x = vector` by Cramer's rule; the matrix is positive definite.
fn solve(matrix: &[Inputs; 3], vector: &Inputs) -> Inputs {
    let whole = determinant(matrix);
    std::array::from_fn(|column| {
        let mut replaced = *matrix;
        for (row, value) in replaced.iter_mut().zip(vector) {
            row[column] = *value;
        }
        (determinant(&replaced) / whole) as f32
    })
}

fn determinant(matrix: &[Inputs; 3]) -> f64 {
    let [a, b, c] = matrix.map(|row| row.map(f64::from));
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(over_all: f32, truth: Truth) -> Trial {
        Trial { lead: lead(over_all), truth, weight: 1.0, extent: Extent::Whole }
    }

    fn lead(over_all: f32) -> Lead {
        Lead { over_all, over_next: over_all / 2.0 }
    }

    #[test]
    fn the_gate_says_how_often_such_a_lead_was_right() {
        // At a lead of 2, three of four are right and one is another intent; at 6, all are right;
        // at 0, none has been said.
        let trials: Vec<Trial> = (0..400)
            .map(|at| match at % 4 {
                0 => trial(0.0, Truth::None),
                1 => trial(6.0, Truth::Right),
                _ if at % 16 == 2 || at % 16 == 7 => trial(2.0, Truth::Wrong),
                _ => trial(2.0, Truth::Right),
            })
            .collect();
        let gate = Gate::fit(&trials);
        let right = |over_all| sigmoid(gate.right(lead(over_all)));
        assert!((right(2.0) - 0.75).abs() < 0.05, "{}", right(2.0));
        assert!(right(0.0) < 0.05 && right(6.0) > 0.97);
        assert!(sigmoid(gate.said(lead(2.0))) > 0.95 && sigmoid(gate.said(lead(0.0))) < 0.05);
    }

    #[test]
    fn a_turn_that_is_over_is_rarely_something_else() {
        // At a lead of 2 every other trial is none of the intents, and every beginning is.
        let trials: Vec<Trial> = (0..400)
            .map(|at| match at % 4 {
                0 => trial(2.0, Truth::None),
                1 => trial(2.0, Truth::Right),
                2 => Trial { extent: Extent::Beginning, ..trial(2.0, Truth::None) },
                _ => trial(6.0, Truth::Right),
            })
            .collect();
        let right = |gate: &Gate| sigmoid(gate.right(lead(2.0)));
        assert!(right(&Gate::fit(&trials)) < 0.5);
        assert!(right(&Gate::of_whole_turns(&trials)) > 0.8);
    }

    #[test]
    fn without_trials_the_gate_is_the_prior() {
        assert_eq!(Gate::fit(&[]).right, Curve(PRIOR));
    }

    #[test]
    fn one_sided_trials_do_not_lead_to_certainty() {
        let gate = Gate::fit(&[trial(1.0, Truth::Right), trial(1.5, Truth::Right)]);
        let p = sigmoid(gate.right(lead(1.0)));
        assert!((0.2..0.95).contains(&p), "{p}");
    }
}
