//! From the decoder's probabilities to tokens: the likeliest each time, or, where phrases are expected or the reading may be the
//! last, the best of a few readings that are followed side by side.

use super::bias::{Bias, Place};
use super::decoder::{Candidate, Context, Decoder, END, Logits, Row};
use super::draft::Draft;
use super::repetition::{self, Patience};
use super::tokens::Vocabulary;
use crate::recognizer::Token;

/// How readings are followed side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beam {
    /// For a reading that is followed by another. Where the best one is back on the guess, it goes on alone.
    Quick,
    /// For one that may be the last.
    Careful,
}

impl Beam {
    fn width(self) -> usize {
        match self {
            Self::Quick => 2,
            Self::Careful => 4,
        }
    }

    /// A token of the guess stands if it is this many nats ahead of all others.
    fn sure(self) -> f32 {
        match self {
            Self::Quick => 1.5,
            Self::Careful => 3.0,
        }
    }
}

/// A reading this many nats behind the best is given up.
const HOPELESS: f32 = 4.0;
/// No phrase makes a token likely that is this many nats behind the likeliest: it was not said.
const IMPROBABLE: f32 = 5.0;

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
        let mut path = Path::default();
        let mut draft = Draft::new(guess);
        let mut expected = draft.first();
        loop {
            let input = [&path.ids, expected].concat();
            let judged = self.decoder.begin(context, &input)?;
            loop {
                let row = path.ids.len();
                if !self.go_on(&mut path, &judged.row(row)?) {
                    return Ok(path.tokens);
                }
                draft.found(path.ids[row]);
                if input.get(row) != Some(&path.ids[row]) {
                    break;
                }
            }
            let right = path.ids.len() - 1;
            if right < input.len() {
                self.decoder.keep(context, right)?;
            }
            expected = loop {
                if let Some(rest) = draft.expected() {
                    break rest;
                }
                let Some(&last) = path.ids.last() else { return Ok(path.tokens) };
                let judged = self.decoder.step(context, &[(0, last)])?;
                if !self.go_on(&mut path, &judged.row(0)?) {
                    return Ok(path.tokens);
                }
                path.ids.last().into_iter().for_each(|found| draft.found(*found));
            };
        }
    }

    /// Takes the likeliest token; false if the path is whole.
    fn go_on(&self, path: &mut Path, row: &Row<'_>) -> bool {
        let likeliest = row.likeliest();
        if likeliest.id == END {
            return false;
        }
        path.push(likeliest);
        let looping = path.looping(self.limit);
        looping.into_iter().for_each(|length| path.tokens.truncate(length));
        looping.is_none()
    }

    /// The reading with the best score.
    pub(super) fn biased(
        &mut self,
        context: &mut Context,
        guess: &[u32],
        bias: &Bias,
        beam: Beam,
    ) -> ort::Result<Vec<Token>> {
        let mut whole: Vec<Path> = Vec::new();
        let mut draft = Draft::new(guess);
        let mut lead = Path::default();
        let mut expected = draft.first();
        'drafts: loop {
            let input = [&lead.ids, expected].concat();
            let judged = self.decoder.begin(context, &input)?;
            let start = self.follow(&judged, lead, expected, bias, beam)?;
            start.ids[input.len() - expected.len()..].iter().for_each(|id| draft.found(*id));
            let mut first = start.ids.len();
            if first < input.len() {
                self.decoder.keep(context, first)?;
            }
            let mut paths = vec![start];
            let mut rows = judged;
            loop {
                paths = self.all_go_on(&paths, &rows, first, bias, (beam.width(), &mut whole))?;
                let Some(best) = paths.first() else { break 'drafts };
                best.ids.last().into_iter().for_each(|id| draft.found(*id));
                if let Some(rest) = draft.expected().filter(|_| beam == Beam::Quick) {
                    (lead, expected) = (paths.swap_remove(0), rest);
                    continue 'drafts;
                }
                let step = paths.iter().filter_map(|path| Some((path.parent, *path.ids.last()?)));
                rows = self.decoder.step(context, &step.collect::<Vec<_>>())?;
                first = 0;
            }
        }
        let best = whole.into_iter().max_by(|a, b| a.score.total_cmp(&b.score));
        Ok(best.unwrap_or_default().tokens)
    }

    /// The best of what the paths may go on to, the best first; those that are whole go to the others.
    fn all_go_on(
        &self,
        paths: &[Path],
        rows: &Logits,
        first: usize,
        bias: &Bias,
        (width, whole): (usize, &mut Vec<Path>),
    ) -> ort::Result<Vec<Path>> {
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
        let mut followed = Vec::with_capacity(width);
        for (score, parent, candidate, place) in next.into_iter().take(width) {
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
        Ok(followed)
    }

    /// Follows what is expected as long as nothing else comes near it.
    fn follow(
        &self,
        judged: &Logits,
        mut path: Path,
        expected: &[u32],
        bias: &Bias,
        beam: Beam,
    ) -> ort::Result<Path> {
        path.parent = 0;
        for guessed in expected {
            let row = judged.row(path.ids.len())?;
            let mut continuations: Vec<_> = self.continuations(&path, &row, bias).collect();
            continuations.sort_by(|a, b| b.0.total_cmp(&a.0));
            let Some(&(score, candidate, place)) = continuations.first() else { break };
            let rival = continuations.get(1).is_some_and(|second| second.0 > score - beam.sure());
            if candidate.id != *guessed || rival {
                break;
            }
            path.push(candidate);
            (path.score, path.place) = (score, place);
        }
        Ok(path)
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
