//! What the receptionist says in words rather than in files.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use engines::models::Store;
use engines::synthesis::{LocalVoices, Mouth, SynthesisConfig};

/// A mouth that opens with the first words: who needs none needs no voice either.
#[derive(Default)]
pub(crate) struct Speech {
    config: SynthesisConfig,
    mouth: OnceLock<Result<Mouth, String>>,
}

impl Speech {
    pub(crate) fn new(config: SynthesisConfig) -> Self {
        Self { config, mouth: OnceLock::new() }
    }

    pub(crate) fn mouth(&self) -> Result<&Mouth, String> {
        let built = self.mouth.get_or_init(|| build(&self.config));
        built.as_ref().map_err(String::clone)
    }

    /// All of `text`, as sound. It waits.
    pub(crate) fn say(&self, text: &str) -> Result<Vec<i16>, String> {
        let utterance = self.mouth()?.say(text).map_err(|error| error.to_string())?;
        let (samples, report) = utterance.all_blocking().map_err(|error| error.to_string())?;
        for switch in &report.switches {
            tracing::warn!("{} went on for {}: {}", switch.to, switch.from, switch.why);
        }
        Ok(samples)
    }
}

fn build(config: &SynthesisConfig) -> Result<Mouth, String> {
    let folder: Option<PathBuf> = Store::default_dir().ok();
    let store = |folder: &Path| Store::open(folder).ok()?.paths().ok();
    let local = LocalVoices {
        onnxruntime: folder.as_deref().and_then(store).map(|paths| paths.onnxruntime),
        folder,
        pronounce: Some(sounds),
    };
    Mouth::build(config, &local).map_err(|error| error.to_string())
}

/// The sounds of a word, as the recogniser's own dictionary has them.
fn sounds(word: &str) -> String {
    let sounds = intent::sounds::pronounce(word);
    sounds.iter().map(|sound| sound.name()).collect::<Vec<_>>().join(" ")
}
