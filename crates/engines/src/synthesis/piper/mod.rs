//! Piper's voices: a VITS network in `NAME.onnx`, and what its numbers mean in `NAME.onnx.json`.
//!
//! One run makes a whole passage, so the first clause of a text is a passage of its own.

mod phonemes;
mod voice;

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use ort::session::InMemorySession;
use ort::value::Tensor;

use self::phonemes::Phonemes;
pub use self::phonemes::Pronounce;
use self::voice::{PhonemeType, VoiceFile};
use super::spoken::spoken;
use super::{Outlet, SpeakError, Synthesizer};
use crate::runtime::Runtime;

/// A voice in a file. Several threads may speak with it at once, each with a session of its own.
pub struct Piper {
    name: String,
    voice: VoiceFile,
    speaker: Option<i64>,
    phonemes: Phonemes,
    /// Sessions that nobody uses.
    idle: Mutex<Vec<InMemorySession<'static>>>,
    freed: Condvar,
}

/// Which voice, and how.
#[derive(Debug, Clone, Default)]
pub struct PiperOptions {
    /// A speaker of a voice with several, by name or number; the first if none.
    pub speaker: Option<String>,
    /// Slower above 1, faster below; the voice's own if none.
    pub length_scale: Option<f32>,
    /// English without espeak-ng.
    pub pronounce: Option<Pronounce>,
    /// How many passages are spoken at once; at least one.
    pub sessions: usize,
}

/// A voice that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the voice {} cannot be used: {cause}", path.display())]
pub struct PiperError {
    path: PathBuf,
    cause: String,
}

/// The file that says what the numbers of the network in `model` mean.
pub(super) fn description(model: &Path) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

impl Piper {
    /// Loads `model`, an `.onnx` file with its `.onnx.json` beside it, and lets it say something.
    ///
    /// # Errors
    /// [`PiperError`] if a file is missing, or of something else, or the voice makes no sound.
    pub fn load(
        runtime: Runtime,
        model: &Path,
        options: &PiperOptions,
    ) -> Result<Self, PiperError> {
        let wrong = |cause: String| PiperError { path: model.to_owned(), cause };
        let json = description(model);
        let text = std::fs::read_to_string(&json).map_err(|error| {
            wrong(format!(
                "{}: {error}; it comes with the voice, and belongs beside it",
                json.display()
            ))
        })?;
        let mut voice =
            VoiceFile::parse(&text).map_err(|e| wrong(format!("{}: {e}", json.display())))?;
        if let Some(scale) = options.length_scale {
            voice.inference.length_scale = scale;
        }
        let speaker = voice.speaker(options.speaker.as_deref()).map_err(&wrong)?;
        let phonemes = match voice.phoneme_type {
            PhonemeType::Text => Phonemes::Letters,
            PhonemeType::Espeak => {
                Phonemes::find(&voice.espeak.voice, options.pronounce).map_err(&wrong)?
            }
        };
        let sessions = (0..options.sessions.max(1)).map(|_| runtime.session(model));
        let mut idle: Vec<_> =
            sessions.collect::<Result<_, _>>().map_err(|error| wrong(error.to_string()))?;
        let stem = model.file_stem().unwrap_or_default().to_string_lossy();
        let scale = voice.inference.length_scale;
        let name = format!("piper {stem} {} {scale}", speaker.unwrap_or(0));
        // A file of another kind of model is found now rather than in a call.
        if let Some(session) = idle.first_mut() {
            let any: Vec<i64> = voice.phoneme_id_map.values().flatten().copied().take(12).collect();
            let run =
                run(session, &voice, speaker, any).map_err(|error| wrong(error.to_string()))?;
            if run.is_empty() {
                return Err(wrong("it made no sound".to_owned()));
            }
        }
        Ok(Self { name, voice, speaker, phonemes, idle: Mutex::new(idle), freed: Condvar::new() })
    }

    fn session(&self) -> InMemorySession<'static> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match idle.pop() {
                Some(session) => return session,
                None => idle = self.freed.wait(idle).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn give_back(&self, session: InMemorySession<'static>) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        self.freed.notify_one();
    }
}

impl Synthesizer for Piper {
    fn name(&self) -> &str {
        &self.name
    }

    fn speak(&self, passage: &str, outlet: &mut Outlet<'_>) -> Result<(), SpeakError> {
        let english = self.voice.espeak.voice.starts_with("en");
        let text = if english { spoken(passage) } else { passage.to_owned() };
        let phonemes = self.phonemes.of(&text, outlet)?;
        let ids = self.voice.ids(&phonemes);
        let mut session = self.session();
        let samples = run(&mut session, &self.voice, self.speaker, ids);
        self.give_back(session);
        let samples = samples.map_err(|error| SpeakError::Engine(error.to_string()))?;
        outlet.push(self.voice.audio.sample_rate, &samples)
    }
}

/// The sound of one run, full scale ±1.
fn run(
    session: &mut InMemorySession<'static>,
    voice: &VoiceFile,
    speaker: Option<i64>,
    ids: Vec<i64>,
) -> ort::Result<Vec<f32>> {
    let scales = voice.inference;
    let count = ids.len();
    let mut inputs = ort::inputs![
        "input" => Tensor::from_array(([1, count], ids))?,
        "input_lengths" => Tensor::from_array(([1], vec![count as i64]))?,
        "scales" => Tensor::from_array(([3], vec![scales.noise_scale, scales.length_scale, scales.noise_w]))?,
    ];
    if let Some(speaker) = speaker {
        inputs.push(("sid".into(), Tensor::from_array(([1], vec![speaker]))?.into()));
    }
    let outputs = session.run(inputs)?;
    let (_, samples) = outputs[0].try_extract_tensor::<f32>()?;
    Ok(samples.to_vec())
}
