//! From the decoder's probabilities to tokens: the likeliest each time, or, where phrases are expected, the
//! best of a few readings that are followed side by side.

use super::bias::{Bias, Place};
use super::decoder::{Candidate, Context, Decoder, END, Logits, Row};
use super::repetition::{self, Patience};
use super::tokens::Vocabulary;
use crate::recognizer::Token;

/// Readings followed at once.
const WIDTH: usize = 4;
/// A reading this many nats behind the best is given up.
const HOPELESS: f32 = 4.0;
/// No phrase makes a token likely that is this many nats behind the likeliest: it was not said.
const IMPROBABLE: f32 = 5.0;
/// A token of the guess stands if it is this many nats ahead of all others.
const SURE: f32 = 3.0;

/// What the search works with.
pub(super) struct Search<'s> {
    pub(super) decoder: &'s mut Decoder,
    pub(super) vocabulary: &'s Vocabulary,
    /// No reading has more tokens.
    pub(super) limit: usize,
}

/// A reading that is being followed.
#[derive(Debug, Clone, Default)]
struct Path {
    tokens: Vec<Token>,
    ids: Vec<u32>,
    place: Place,
    /// Log-probability of the tokens and what the phrases add.
    score: f32,
    /// Which reading of the last step it goes on from.
    parent: usize,
}

impl Search<'_> {
    /// The likeliest token each time, until the decoder says that the utterance has ended.
    pub(super) fn greedy(
        &mut self,
        context: &mut Context,
        guess: &[u32],
    ) -> ort::Result<Vec<Token>> {
        let judged = self.decoder.begin(context, guess)?;
        let mut path = Path::default();
        for (row, guessed) in guess.iter().map(Some).chain([None]).enumerate() {
            let likeliest = judged.row(row)?.likeliest();
            if likeliest.id == END {
                return Ok(path.tokens);
            }
            path.push(likeliest);
            if guessed != Some(&likeliest.id) {
                break;
            }
        }
        let right = path.ids.len() - 1;
        if right < guess.len() {
            self.decoder.keep(context, right)?;
        }
        loop {
            if let Some(length) = path.looping(self.limit) {
                path.tokens.truncate(length);
                return Ok(path.tokens);
            }
            let Some(&last) = path.ids.last() else { return Ok(path.tokens) };
            let likeliest = self.decoder.step(context, &[(0, last)])?.row(0)?.likeliest();
            if likeliest.id == END {
                return Ok(path.tokens);
            }
            path.push(likeliest);
        }
    }

    /// The reading with the best score.
    pub(super) fn biased(
        &mut self,
        context: &mut Context,
        guess: &[u32],
        bias: &Bias,
    ) -> ort::Result<Vec<Token>> {
        let judged = self.decoder.begin(context, guess)?;
        let (start, right) = self.follow(&judged, guess, bias)?;
        if right < guess.len() {
            self.decoder.keep(context, right)?;
        }
        let mut whole: Vec<Path> = Vec::new();
        let mut paths = vec![start];
        let mut rows = judged;
        let mut first = right;
        loop {
            let mut next: Vec<(f32, usize, Candidate, Place)> = Vec::new();
            for (number, path) in paths.iter().enumerate() {
                let row = rows.row(first + number)?;
                next.extend(
                    self.continuations(path, &row, bias)
                        .map(|(score, candidate, place)| (score, number, candidate, place)),
                );
            }
            next.sort_by(|a, b| b.0.total_cmp(&a.0));
            let hopeless = next.first().map_or(f32::MIN, |best| best.0 - HOPELESS);
            let mut followed = Vec::with_capacity(WIDTH);
            for (score, parent, candidate, place) in next.into_iter().take(WIDTH) {
                let ended = whole.iter().any(|path| path.score >= score);
                if score < hopeless || ended {
                    break;
                }
                let mut path = Path { parent, place, score, ..paths[parent].clone() };
                if candidate.id == END {
                    whole.push(path);
                    continue;
                }
                path.push(candidate);
                if let Some(length) = path.looping(self.limit) {
                    path.tokens.truncate(length);
                    whole.push(path);
                } else {
                    followed.push(path);
                }
            }
            if followed.is_empty() {
                break;
            }
            paths = followed;
            let step: Vec<_> =
                paths.iter().filter_map(|path| Some((path.parent, *path.ids.last()?))).collect();
            rows = self.decoder.step(context, &step)?;
            first = 0;
        }
        let best = whole.into_iter().max_by(|a, b| a.score.total_cmp(&b.score));
        Ok(best.unwrap_or_default().tokens)
    }

    /// Follows the guess as long as nothing else comes near it; how far that was.
    fn follow(&self, judged: &Logits, guess: &[u32], bias: &Bias) -> ort::Result<(Path, usize)> {
        let mut path = Path::default();
        for (row, guessed) in guess.iter().enumerate() {
            let row = judged.row(row)?;
            let mut continuations: Vec<_> = self.continuations(&path, &row, bias).collect();
            continuations.sort_by(|a, b| b.0.total_cmp(&a.0));
            let Some(&(score, candidate, place)) = continuations.first() else { break };
            let rival = continuations.get(1).is_some_and(|second| second.0 > score - SURE);
            if candidate.id != *guessed || rival {
                break;
            }
            path.push(candidate);
            (path.score, path.place) = (score, place);
        }
        let right = path.ids.len();
        Ok((path, right))
    }

    /// The tokens that may come next on a path, with the scores that they would lead to.
    fn continuations<'r>(
        &'r self,
        path: &'r Path,
        row: &'r Row<'_>,
        bias: &'r Bias,
    ) -> impl Iterator<Item = (f32, Candidate, Place)> {
        row.within(IMPROBABLE).map(|candidate| {
            let (place, worth) = match candidate.id {
                END => (path.place, bias.end(path.place)),
                id => bias.take(path.place, id, self.vocabulary.spelling(id)),
            };
            (path.score + candidate.log_probability + worth, candidate, place)
        })
    }
}

impl Path {
    fn push(&mut self, token: Candidate) {
        self.ids.push(token.id);
        self.tokens.push(token.into());
    }

    /// The length to cut it to, if it has fallen into a loop or is longer than anybody speaks.
    fn looping(&self, limit: usize) -> Option<usize> {
        let full = || {
            (self.ids.len() >= limit)
                .then(|| repetition::cut(&self.ids, Patience::Short).unwrap_or(limit))
        };
        repetition::cut(&self.ids, Patience::Ordinary).or_else(full)
    }
}
