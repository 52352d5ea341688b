//! Smart Turn v3: an end-of-turn detector that listens to the last 8 s and nothing else.
//!
//! It is a small Whisper encoder with one output, trained on 16 kHz speech. Telephone audio comes to it resampled, and is
//! judged less surely than wide-band speech: [`Pace`](super::Pace) takes a third of its log odds.

use std::path::Path;

use ort::session::InMemorySession;
use ort::value::TensorRef;

use super::mel::{BANDS, Mel, STEPS};
use super::{TurnDetector, TurnError};
use crate::runtime::Runtime;

/// The detector, for one thread.
pub struct SmartTurn {
    session: InMemorySession<'static>,
    mel: Mel,
}

impl SmartTurn {
    /// Loads the network from `model`: `smart-turn-v3.2-cpu.onnx` of the Python package `pipecat-ai`.
    ///
    /// # Errors
    /// [`TurnError`] if the file cannot be read or is another network.
    pub fn load(runtime: Runtime, model: &Path) -> Result<Self, TurnError> {
        let session = runtime.session(model).map_err(|error| {
            TurnError(format!("cannot load {}: {error}; fetch it anew", model.display()))
        })?;
        Ok(Self { session, mel: Mel::default() })
    }
}

impl TurnDetector for SmartTurn {
    fn judge(&mut self, samples: &[f32]) -> Result<f32, TurnError> {
        let failed = |error: ort::Error| TurnError(error.to_string());
        let features = self.mel.features(samples);
        let input =
            TensorRef::from_array_view(([1, BANDS, STEPS], features.as_slice())).map_err(failed)?;
        let outputs = self.session.run(ort::inputs!["input_features" => input]).map_err(failed)?;
        let (_, output) = outputs[0].try_extract_tensor::<f32>().map_err(failed)?;
        output.first().copied().ok_or_else(|| TurnError("no output".to_owned()))
    }
}
