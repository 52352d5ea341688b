//! Embeddings of many phrases at once.

use std::collections::HashMap;
use std::num::NonZero;
use std::thread;

use engines::embedding::{EmbedError, Embedder};

/// Cores that are put to work; each has the model in memory once more.
const MOST: usize = 4;

/// Embeddings by their text.
pub(super) type Vectors = HashMap<String, Vec<f32>>;

/// How many embedders are worth loading for this many texts.
pub(super) fn embedders_for(texts: usize) -> usize {
    // Loading one takes as long as some two hundred phrases.
    const WORTH: usize = 500;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    cores.min(MOST).min(texts / WORTH).max(1)
}

/// The embeddings of `texts`, by all of `embedders` together.
pub(super) fn embed_all(embedders: &mut [Embedder], texts: &[&str]) -> Result<Vectors, EmbedError> {
    let share = texts.len().div_ceil(embedders.len()).max(1);
    let parts = thread::scope(|scope| {
        let running: Vec<_> = embedders
            .iter_mut()
            .zip(texts.chunks(share))
            .map(|(embedder, texts)| scope.spawn(move || embed_in_turn(embedder, texts)))
            .collect();
        let done = running.into_iter().map(|thread| thread.join());
        done.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Result<Vec<Vectors>, EmbedError>>()
    });
    Ok(parts?.into_iter().flatten().collect())
}

fn embed_in_turn(embedder: &mut Embedder, texts: &[&str]) -> Result<Vectors, EmbedError> {
    texts.iter().map(|&text| Ok((text.to_owned(), embedder.embed(text)?))).collect()
}
