//! Silero voice activity detection at its native 8 kHz, computed here.
//!
//! The model judges 256 new samples (32 ms) preceded by the last 32 of the window before, and
//! carries a recurrent state of 2 x 128 values from window to window. Its weights are read from the
//! ONNX file; its arithmetic is our own, for a batch of calls at a time. A window's probability
//! is the same to the bit alone, in any batch and on any machine, and within 1e-5 of what ONNX
//! Runtime makes of it.

mod layer;
mod network;
mod onnx;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::network::{Network, Row, Scratch};
use self::onnx::OnnxError;
use crate::recognizer::{Vad, WINDOW, Window};

/// Samples of the window before that the model sees again.
const LEAD: usize = 32;
/// Units of the recurrent cell, each with an output and a memory.
const UNITS: usize = 128;

/// The loaded model; it serves any number of calls. A clone shares the weights (1 MB).
pub struct Silero {
    network: Arc<Network>,
    scratch: Scratch,
}

/// What the model remembers of one call: 1.2 KB.
#[derive(Debug, Clone)]
pub struct VadState {
    lead: [f32; LEAD],
    output: [f32; UNITS],
    memory: [f32; UNITS],
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
        Self { lead: [0.0; LEAD], output: [0.0; UNITS], memory: [0.0; UNITS] }
    }
}

impl VadState {
    fn lead_on(&mut self, window: &[f32; WINDOW]) {
        self.lead = *window.last_chunk().expect("a window is longer");
    }
}

impl Clone for Silero {
    fn clone(&self) -> Self {
        Self { network: Arc::clone(&self.network), scratch: Scratch::default() }
    }
}

impl Silero {
    /// Loads `silero_vad.onnx`.
    ///
    /// # Errors
    /// [`SileroLoadError`] if the file is missing, damaged, or another model.
    pub fn load(model: &Path) -> Result<Self, SileroLoadError> {
        let failed = |detail: String| SileroLoadError { path: model.to_owned(), detail };
        let file = std::fs::read(model).map_err(|error| failed(error.to_string()))?;
        let network = read(&file).map_err(|error| failed(error.to_string()))?;
        Ok(Self { network: Arc::new(network), scratch: Scratch::default() })
    }
}

/// The file has one branch for 16 kHz and one for 8, with the same names and other sizes.
fn read(file: &[u8]) -> Result<Network, OnnxError> {
    let mut failure = OnnxError::Damaged;
    for branch in onnx::branches(file)? {
        match Network::new(&branch) {
            Ok(network) => return Ok(network),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

impl Vad for Silero {
    type State = VadState;

    fn judge(&mut self, windows: &mut [Window<VadState>]) {
        let rows = windows.iter_mut().map(|window| {
            let VadState { lead, output, memory } = &mut window.state;
            Row { lead, window: &window.samples, output, memory, speech: 0.0 }
        });
        let mut rows: Vec<_> = rows.collect();
        self.network.judge(&mut self.scratch, &mut rows);
        let probabilities: Vec<_> = rows.into_iter().map(|row| row.speech).collect();
        for (window, speech) in windows.iter_mut().zip(probabilities) {
            window.state.lead_on(&window.samples);
            window.speech = Ok(speech);
        }
    }

    fn skip(&self, state: &mut VadState, samples: &[f32; WINDOW]) {
        state.lead_on(samples);
    }
}

#[cfg(test)]
mod tests;
