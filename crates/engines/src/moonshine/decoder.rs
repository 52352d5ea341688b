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
        Ok(Self { audio, mask, cache: Vec::new() })
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

    /// Begins an utterance with a guess at its first tokens. Gives back those that the network
    /// would have chosen itself, and the one that it chooses after them.
    ///
    /// One pass judges the whole guess. A step's time goes into fetching the weights, so the pass
    /// takes little longer than one step, and each right guess saves a step.
    pub(super) fn begin(
        &mut self,
        context: &mut Context,
        guess: &[u32],
    ) -> ort::Result<Vec<Token>> {
        let input: Vec<_> = [START].iter().chain(guess).map(|id| i64::from(*id)).collect();
        let cache = empty_cache(self.names.len())?;
        let (mut tokens, mut cache) = self.run(context, &input, cache, Pass::First)?;
        let right = tokens.iter().zip(guess).take_while(|(token, id)| token.id == **id).count();
        tokens.truncate(right + 1);
        if right < guess.len() {
            for (name, value) in self.names.iter().zip(&mut cache) {
                if name.owner == Owner::Decoder {
                    *value = shortened(value, input.len(), tokens.len())?;
                }
            }
        }
        context.cache = cache;
        Ok(tokens)
    }

    /// The likeliest token after `previous`, which is the last one given back.
    pub(super) fn step(&mut self, context: &mut Context, previous: u32) -> ort::Result<Token> {
        let cache = std::mem::take(&mut context.cache);
        let (tokens, cache) = self.run(context, &[previous.into()], cache, Pass::Later)?;
        context.cache = cache;
        tokens.first().copied().ok_or_else(|| ort::Error::new("the decoder gave no probabilities"))
    }

    /// Runs the network over `input`; gives the likeliest token after each, and the new cache.
    fn run(
        &mut self,
        context: &Context,
        input: &[i64],
        mut cache: Vec<DynValue>,
        pass: Pass,
    ) -> ort::Result<(Vec<Token>, Vec<DynValue>)> {
        let use_cache = match pass {
            Pass::First => &self.without_cache,
            Pass::Later => &self.with_cache,
        };
        let mut inputs: Vec<(_, SessionInputValue<'_>)> = ort::inputs! {
            "input_ids" => TensorRef::from_array_view(([1, input.len()], input))?,
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
        let logits = outputs.get("logits").ok_or_else(|| missing("logits"))?;
        let (_, logits) = logits.try_extract_tensor::<f32>()?;
        let rows = logits.chunks_exact((logits.len() / input.len()).max(1));
        Ok((rows.filter_map(likeliest).collect(), cache))
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

/// The first `keep` of `length` tokens of a decoder's cache tensor, 1 x heads x length x size.
fn shortened(value: &DynValue, length: usize, keep: usize) -> ort::Result<DynValue> {
    let (_, values) = value.try_extract_tensor::<f32>()?;
    let heads = values.chunks_exact(length * HEAD_SIZE);
    let kept: Vec<f32> = heads.flat_map(|head| &head[..keep * HEAD_SIZE]).copied().collect();
    Ok(Tensor::from_array(([1, HEADS, keep, HEAD_SIZE], kept))?.into_dyn())
}

/// The likeliest token and its probability (a softmax over all).
fn likeliest(logits: &[f32]) -> Option<Token> {
    let (id, &best) = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let sum: f32 = logits
        .iter()
        .map(|logit| logit - best)
        .filter(|below| *below > -NEGLIGIBLE)
        .map(f32::exp)
        .sum();
    Some(Token { id: u32::try_from(id).ok()?, probability: 1.0 / sum })
}

fn missing(output: &str) -> ort::Error {
    ort::Error::new(format!("the decoder has no output `{output}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_token_has_its_softmax() {
        let token = likeliest(&[0.0, 2.0, 1.0, -90.0]).unwrap();
        let expected = 2f32.exp() / (1.0 + 2f32.exp() + 1f32.exp());
        assert_eq!(token.id, 1);
        assert!((token.probability - expected).abs() < 1e-6);
        assert_eq!(likeliest(&[]), None);
    }
}
