//! Silero voice activity detection at its native 8 kHz.
//!
//! The model judges 256 new samples (32 ms) preceded by the last 32 of the window before, and
//! carries a recurrent state of 2 x 1 x 128 values from window to window.

use std::path::{Path, PathBuf};

use ort::session::InMemorySession;
use ort::value::{Tensor, TensorRef};

use crate::recognizer::{Vad, VadError, WINDOW};
use crate::runtime::Runtime;

/// Samples of the window before that the model sees again.
const CONTEXT: usize = 32;
/// Values of recurrent state.
const MEMORY: usize = 2 * 128;
const SAMPLE_RATE: i64 = audio::SAMPLE_RATE as i64;

/// The loaded model; it serves any number of calls, one window at a time.
pub struct Silero {
    session: InMemorySession<'static>,
    sample_rate: Tensor<i64>,
}

/// What the model remembers of one call.
#[derive(Debug, Clone)]
pub struct VadState {
    context: [f32; CONTEXT],
    memory: [f32; MEMORY],
}

/// The model file could not be loaded.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot load the voice activity model {}: {detail}; run `patchcord models verify`",
    path.display()
)]
pub struct SileroLoadError {
    path: PathBuf,
    detail: String,
}

impl Default for VadState {
    fn default() -> Self {
        Self { context: [0.0; CONTEXT], memory: [0.0; MEMORY] }
    }
}

impl Silero {
    /// Loads `silero_vad.onnx`.
    ///
    /// # Errors
    /// [`SileroLoadError`] if the file is missing, damaged, or another model.
    pub fn load(runtime: Runtime, model: &Path) -> Result<Self, SileroLoadError> {
        let failed = |error: ort::Error| SileroLoadError {
            path: model.to_owned(),
            detail: error.to_string(),
        };
        let session = runtime.session(model).map_err(failed)?;
        let sample_rate = Tensor::from_array(((), vec![SAMPLE_RATE])).map_err(failed)?;
        let mut silero = Self { session, sample_rate };
        silero.probability(&mut VadState::default(), &[0.0; WINDOW]).map_err(|error| {
            SileroLoadError { path: model.to_owned(), detail: error.to_string() }
        })?;
        Ok(silero)
    }

    fn run(&mut self, state: &VadState, window: &[f32; WINDOW]) -> ort::Result<(f32, VadState)> {
        let mut input = [0.0; CONTEXT + WINDOW];
        input[..CONTEXT].copy_from_slice(&state.context);
        input[CONTEXT..].copy_from_slice(window);
        let outputs = self.session.run(ort::inputs! {
            "input" => TensorRef::from_array_view(([1, input.len()], &input[..]))?,
            "state" => TensorRef::from_array_view(([2, 1, MEMORY / 2], &state.memory[..]))?,
            "sr" => &self.sample_rate,
        })?;
        let probability = tensor(&outputs, "output")?.first().copied();
        let probability = probability.ok_or_else(|| ort::Error::new("an empty answer"))?;
        let memory = tensor(&outputs, "stateN")?
            .try_into()
            .map_err(|_| ort::Error::new("a state of another size"))?;
        let mut context = [0.0; CONTEXT];
        context.copy_from_slice(&window[WINDOW - CONTEXT..]);
        Ok((probability, VadState { context, memory }))
    }
}

impl Vad for Silero {
    type State = VadState;

    fn probability(
        &mut self,
        state: &mut VadState,
        window: &[f32; WINDOW],
    ) -> Result<f32, VadError> {
        let (probability, next) =
            self.run(state, window).map_err(|error| VadError(error.to_string()))?;
        *state = next;
        Ok(probability)
    }
}

fn tensor<'o>(outputs: &'o ort::session::SessionOutputs<'_>, name: &str) -> ort::Result<&'o [f32]> {
    let value = outputs.get(name).ok_or_else(|| ort::Error::new(format!("no output `{name}`")))?;
    Ok(value.try_extract_tensor::<f32>()?.1)
}
