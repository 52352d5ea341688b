//! The decoder's network: one token in, the probabilities of the next one out.
//!
//! The network keeps, for each of its layers, the keys and values of the tokens so far (decoder)
//! and of the audio (encoder). The first step computes both; each later step takes the decoder's
//! share in and gives it back one token longer, by moving the tensors, and only looks at the audio's.

use std::path::Path;

use ort::memory::Allocator;
use ort::session::{InMemorySession, SessionInputValue};
use ort::value::{DynValue, Tensor, TensorRef};

use crate::recognizer::Token;
use crate::runtime::Runtime;

pub(super) const START: u32 = 1;
pub(super) const END: u32 = 2;

const LAYERS: usize = 6;
const HEADS: usize = 8;
const HEAD_SIZE: usize = 36;
/// Logits this far below the best add less than one part in ten thousand to the sum of all.
const NEGLIGIBLE: f32 = 20.0;

pub(super) struct Decoder {
    session: InMemorySession<'static>,
    names: Vec<CacheName>,
    without_cache: Tensor<bool>,
    with_cache: Tensor<bool>,
}

/// What the decoder knows of one utterance: the encoded audio and the cache.
pub(super) struct Context {
    audio: DynValue,
    mask: Tensor<i64>,
    cache: Vec<DynValue>,
    /// How many readings the cache holds.
    readings: usize,
}

/// What the network made of the tokens that went in.
pub(super) struct Logits {
    values: DynValue,
    rows: usize,
}

/// How likely each token is to come next.
pub(super) struct Row<'l> {
    logits: &'l [f32],
    best: f32,
    /// Logarithm of the sum of all, relative to the best.
    log_sum: f32,
}

/// A token that may come next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) id: u32,
    pub(super) log_probability: f32,
}

/// The names of one cache tensor, and whose it is.
#[derive(Debug)]
struct CacheName {
    past: String,
    present: String,
    owner: Owner,
}

/// The network has two branches: one that fills the cache, one that goes on from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    First,
    Later,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Decoder,
    Encoder,
}

impl Context {
    /// The start of an utterance whose encoded audio is `audio`, 1 x `frames` x 288.
    pub(super) fn new(audio: DynValue, frames: usize) -> ort::Result<Self> {
        let mask = Tensor::from_array(([1, frames], vec![1_i64; frames]))?;
        Ok(Self { audio, mask, cache: Vec::new(), readings: 1 })
    }
}

impl Decoder {
    pub(super) fn load(runtime: Runtime, model: &Path) -> ort::Result<Self> {
        let names = cache_names();
        Ok(Self {
            session: runtime.session(model)?,
            names,
            without_cache: Tensor::from_array(([1], vec![false]))?,
            with_cache: Tensor::from_array(([1], vec![true]))?,
        })
    }

    /// Begins an utterance with a guess at its first tokens. Gives back how likely the network
    /// takes each token to be after none of them, after the first, and so on.
    ///
    /// One pass judges the whole guess. A step's time goes into fetching the weights, so the pass
    /// takes little longer than one step, and each right guess saves a step.
    pub(super) fn begin(&mut self, context: &mut Context, guess: &[u32]) -> ort::Result<Logits> {
        let input: Vec<_> = [START].iter().chain(guess).map(|id| i64::from(*id)).collect();
        let empty = empty_cache(self.names.len())?;
        let (logits, cache) = self.run(context, [1, input.len()], &input, empty, Pass::First)?;
        (context.cache, context.readings) = (cache, 1);
        Ok(logits)
    }

    /// Forgets all but the first `right` tokens of the guess.
    pub(super) fn keep(&self, context: &mut Context, right: usize) -> ort::Result<()> {
        self.rearrange(context, |value| shortened(value, right + 1))
    }

    /// Goes on with several readings at once: each is the reading `parent` of the last step (of
    /// which there is one at first) and a token.
    ///
    /// Fetching the weights once serves all, so four readings take little longer than one
    /// (5.8 ms for 4.5, on a busy machine). They
    /// share the audio's keys and values: the network spreads those of one over all.
    pub(super) fn step(
        &mut self,
        context: &mut Context,
        readings: &[(usize, u32)],
    ) -> ort::Result<Logits> {
        if !readings.iter().map(|(parent, _)| *parent).eq(0..context.readings) {
            self.rearrange(context, |value| gathered(value, readings))?;
        }
        context.readings = readings.len();
        let input: Vec<_> = readings.iter().map(|(_, token)| i64::from(*token)).collect();
        let cache = std::mem::take(&mut context.cache);
        let (logits, cache) = self.run(context, [input.len(), 1], &input, cache, Pass::Later)?;
        context.cache = cache;
        Ok(logits)
    }

    fn rearrange(
        &self,
        context: &mut Context,
        change: impl Fn(&DynValue) -> ort::Result<DynValue>,
    ) -> ort::Result<()> {
        for (name, value) in self.names.iter().zip(&mut context.cache) {
            if name.owner == Owner::Decoder {
                *value = change(value)?;
            }
        }
        Ok(())
    }

    /// Runs the network over `input`; gives its judgement after each token, and the new cache.
    fn run(
        &mut self,
        context: &Context,
        shape: [usize; 2],
        input: &[i64],
        mut cache: Vec<DynValue>,
        pass: Pass,
    ) -> ort::Result<(Logits, Vec<DynValue>)> {
        let use_cache = match pass {
            Pass::First => &self.without_cache,
            Pass::Later => &self.with_cache,
        };
        let mut inputs: Vec<(_, SessionInputValue<'_>)> = ort::inputs! {
            "input_ids" => TensorRef::from_array_view((shape, input))?,
            "encoder_hidden_states" => &context.audio,
            "encoder_attention_mask" => &context.mask,
            "use_cache_branch" => use_cache,
        };
        for (name, value) in self.names.iter().zip(&cache) {
            inputs.push((name.past.as_str().into(), value.into()));
        }
        let mut outputs = self.session.run(inputs)?;
        for (name, value) in self.names.iter().zip(&mut cache) {
            if pass == Pass::First || name.owner == Owner::Decoder {
                *value = outputs.remove(&name.present).ok_or_else(|| missing(&name.present))?;
            }
        }
        let values = outputs.remove("logits").ok_or_else(|| missing("logits"))?;
        Ok((Logits { values, rows: input.len() }, cache))
    }
}

impl Logits {
    /// How likely each token is after one of the tokens that went in.
    pub(super) fn row(&self, row: usize) -> ort::Result<Row<'_>> {
        let (_, values) = self.values.try_extract_tensor::<f32>()?;
        let width = values.len() / self.rows.max(1);
        let logits = values.chunks_exact(width.max(1)).nth(row);
        logits
            .and_then(Row::new)
            .ok_or_else(|| ort::Error::new("the decoder gave no probabilities"))
    }
}

impl<'l> Row<'l> {
    fn new(logits: &'l [f32]) -> Option<Self> {
        let best = logits.iter().copied().max_by(f32::total_cmp)?;
        let near = logits.iter().map(|logit| logit - best).filter(|below| *below > -NEGLIGIBLE);
        Some(Self { logits, best, log_sum: near.map(f32::exp).sum::<f32>().ln() })
    }

    /// The likeliest token.
    pub(super) fn likeliest(&self) -> Candidate {
        let id = self.logits.iter().position(|logit| *logit >= self.best).unwrap_or_default();
        Candidate { id: id as u32, log_probability: -self.log_sum }
    }

    /// How likely one token is.
    pub(super) fn candidate(&self, token: u32) -> Option<Candidate> {
        let logit = self.logits.get(token as usize)?;
        Some(Candidate { id: token, log_probability: logit - self.best - self.log_sum })
    }

    /// All tokens that are at most `depth` nats less likely than the likeliest.
    pub(super) fn within(&self, depth: f32) -> impl Iterator<Item = Candidate> {
        let least = self.best - depth;
        let near = self.logits.iter().enumerate().filter(move |(_, logit)| **logit >= least);
        near.map(|(id, logit)| Candidate {
            id: id as u32,
            log_probability: logit - self.best - self.log_sum,
        })
    }
}

impl From<Candidate> for Token {
    fn from(candidate: Candidate) -> Self {
        Self { id: candidate.id, probability: candidate.log_probability.exp() }
    }
}

fn cache_names() -> Vec<CacheName> {
    let owners = [("decoder", Owner::Decoder), ("encoder", Owner::Encoder)];
    let mut names = Vec::with_capacity(LAYERS * 4);
    for layer in 0..LAYERS {
        for (word, owner) in owners {
            for part in ["key", "value"] {
                names.push(CacheName {
                    past: format!("past_key_values.{layer}.{word}.{part}"),
                    present: format!("present.{layer}.{word}.{part}"),
                    owner,
                });
            }
        }
    }
    names
}

fn empty_cache(tensors: usize) -> ort::Result<Vec<DynValue>> {
    let allocator = Allocator::default();
    let empty = || Tensor::<f32>::new(&allocator, [1, HEADS, 0, HEAD_SIZE]).map(Tensor::into_dyn);
    (0..tensors).map(|_| empty()).collect()
}

/// The first `keep` tokens of a decoder's cache tensor, 1 x heads x length x size.
fn shortened(value: &DynValue, keep: usize) -> ort::Result<DynValue> {
    let (_, values) = value.try_extract_tensor::<f32>()?;
    let heads = values.chunks_exact(values.len() / HEADS);
    let kept: Vec<f32> = heads.flat_map(|head| &head[..keep * HEAD_SIZE]).copied().collect();
    Ok(Tensor::from_array(([1, HEADS, keep, HEAD_SIZE], kept))?.into_dyn())
}

/// The decoder's cache tensor, readings x heads x length x size, of each reading's parent.
fn gathered(value: &DynValue, readings: &[(usize, u32)]) -> ort::Result<DynValue> {
    let (shape, values) = value.try_extract_tensor::<f32>()?;
    let length = shape.get(2).copied().unwrap_or_default() as usize;
    let size = HEADS * length * HEAD_SIZE;
    let parents = readings.iter().filter_map(|(parent, _)| values.chunks_exact(size).nth(*parent));
    let gathered: Vec<f32> = parents.flatten().copied().collect();
    Ok(Tensor::from_array(([readings.len(), HEADS, length, HEAD_SIZE], gathered))?.into_dyn())
}

fn missing(output: &str) -> ort::Error {
    ort::Error::new(format!("the decoder has no output `{output}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_with_their_softmax() {
        let row = Row::new(&[0.0, 2.0, 1.0, -90.0]).unwrap();
        let expected = 2f32.exp() / (1.0 + 2f32.exp() + 1f32.exp());
        let token = Token::from(row.likeliest());
        assert_eq!(token.id, 1);
        assert!((token.probability - expected).abs() < 1e-6);
        let near: Vec<_> = row.within(1.5).map(|candidate| candidate.id).collect();
        assert_eq!(near, [1, 2]);
        assert!(Row::new(&[]).is_none());
    }
}
