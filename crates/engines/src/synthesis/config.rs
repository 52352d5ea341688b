//! Which voices speak, as it is written in the configuration.
//!
//! ```toml
//! [synthesis]
//! chain = ["deepgram", "local"]
//! voice = "en_US-ryan-medium"
//!
//! [synthesis.deepgram]
//! key_env = "DEEPGRAM_API_KEY"
//! model = "aura-2-thalia-en"
//! ```

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::flite::{self, Flite};
use super::piper::{self, Piper, PiperError, PiperOptions, Pronounce};
use super::remote::{Remote, RemoteError, Vendor};
use super::{Mouth, MouthConfig, SpeakError, Synthesizer};
use crate::key::{KeyError, KeySource};
use crate::runtime::{Runtime, RuntimeError};

/// The name of what speaks on this machine.
const LOCAL: &str = "local";

/// The vendors, as `kind` names them.
const VENDORS: [&str; 3] = ["openai", "deepgram", "elevenlabs"];

/// How many passages are asked of vendors at once.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).expect("more than none");

/// The section `[synthesis]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct SynthesisConfig {
    /// Names of voices, the preferred one first: `local`, or vendors. `["local"]` unless said otherwise. A vendor has
    /// a table of its name; `kind` in it says which vendor it is, if the name does not.
    pub chain: Vec<String>,
    /// The local voice: a Piper voice in the models folder by its file's name, or one of Flite's. If none, the first
    /// Piper voice there is, or else Flite's `rms`.
    pub voice: Option<String>,
    /// A speaker of a Piper voice with several, by name or number.
    pub speaker: Option<String>,
    /// How slowly a Piper voice speaks: 1.2 is a fifth slower than 1.
    pub length_scale: Option<f32>,
    /// Milliseconds without sound after which a vendor is given up. 800.
    pub fail_over_ms: u64,
    /// How many utterances are spoken at once; a core each, or 16 where a vendor speaks.
    pub workers: Option<NonZeroUsize>,
    /// How much sound is kept, in memory and as much in the folder. 64.
    pub cache_mb: usize,
    /// A folder where sound outlives the process; none unless named.
    pub cache_folder: Option<PathBuf>,
    /// The vendors' own tables.
    #[serde(flatten)]
    tables: BTreeMap<String, toml::Value>,
    /// What files are relative to.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl Default for SynthesisConfig {
    fn default() -> Self {
        Self {
            chain: vec![LOCAL.to_owned()],
            voice: None,
            speaker: None,
            length_scale: None,
            fail_over_ms: 800,
            workers: None,
            cache_mb: 64,
            cache_folder: None,
            tables: BTreeMap::new(),
            folder: PathBuf::new(),
        }
    }
}

/// What the voices of this machine are made of.
#[derive(Debug, Clone, Default)]
pub struct LocalVoices {
    /// The ONNX Runtime library, which Piper needs.
    pub onnxruntime: Option<PathBuf>,
    /// The models folder: voices lie in it, or in `voices` below it.
    pub folder: Option<PathBuf>,
    /// English phonemes where espeak-ng is not installed.
    pub pronounce: Option<Pronounce>,
}

/// Why nobody can speak. Each text names the cause, the place and the mend.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no local voice of this name.
    #[error(
        "[synthesis] there is no local voice {name:?}; there are: {known}; put a Piper voice (NAME.onnx and NAME.onnx.json) in {}, or `apt install flite`",
        folder.display()
    )]
    NoVoice {
        /// The name; empty if any would do.
        name: String,
        /// The voices there are.
        known: String,
        /// Where Piper's voices belong.
        folder: PathBuf,
    },
    /// Flite failed.
    #[error("[synthesis] {0}")]
    Flite(SpeakError),
    /// A Piper voice is unusable.
    #[error("[synthesis] {0}")]
    Piper(#[from] PiperError),
    /// ONNX Runtime is not there.
    #[error("[synthesis] {0}")]
    Runtime(#[from] RuntimeError),
    /// ONNX Runtime is not known.
    #[error("[synthesis] the voice {} needs ONNX Runtime; run `patchcord models fetch`", .0.display())]
    NoRuntime(PathBuf),
    /// A key of the section is none.
    #[error("[synthesis] has no key {0:?}; a vendor's options are in a table [synthesis.{0}]")]
    UnknownKey(String),
    /// A voice in the chain is not known.
    #[error(
        "[synthesis] chain names {0:?}, which is no vendor; give [synthesis.{0}] a kind: openai, deepgram or elevenlabs"
    )]
    UnknownKind(String),
    /// A vendor's table has a mistake.
    #[error("[synthesis.{name}] {cause}")]
    Options {
        /// The table.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A vendor's key is not there.
    #[error("[synthesis.{name}] {cause}")]
    Key {
        /// The table.
        name: String,
        /// Why.
        cause: KeyError,
    },
    /// HTTPS does not work.
    #[error("[synthesis] {0}")]
    Remote(#[from] RemoteError),
    /// The chain is empty.
    #[error("[synthesis] chain is empty; write chain = [\"local\"]")]
    Empty,
    /// No threads, or no folder for the cache.
    #[error("[synthesis] cannot be started: {0}; check cache_folder")]
    Start(#[from] std::io::Error),
}

impl Mouth {
    /// The mouth that `config` describes. Keys are read, and local voices loaded, now.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(config: &SynthesisConfig, local: &LocalVoices) -> Result<Self, BuildError> {
        let remote = config.chain.iter().any(|name| name != LOCAL);
        let cores = MouthConfig::default().workers;
        let workers = config.workers.unwrap_or(if remote { AT_ONCE } else { cores });
        let voices = config.voices(local, workers.min(cores))?;
        let config = MouthConfig {
            workers,
            cache_bytes: config.cache_mb.saturating_mul(1_000_000),
            cache_folder: config.cache_folder.as_ref().map(|f| config.folder.join(f)),
            ..MouthConfig::default()
        };
        Ok(Self::start(voices, config)?)
    }
}

impl SynthesisConfig {
    /// Makes `name` the only voice: a vendor, where it is one or has a table, or else a local voice.
    pub fn choose(&mut self, name: &str) {
        let vendor = self.tables.contains_key(name) || VENDORS.contains(&name);
        if !vendor && name != LOCAL {
            self.voice = Some(name.to_owned());
        }
        self.chain = vec![if vendor { name.to_owned() } else { LOCAL.to_owned() }];
    }

    fn voices(
        &self,
        local: &LocalVoices,
        sessions: NonZeroUsize,
    ) -> Result<Vec<Arc<dyn Synthesizer>>, BuildError> {
        if let Some((name, _)) = self.tables.iter().find(|(_, value)| !value.is_table()) {
            return Err(BuildError::UnknownKey(name.clone()));
        }
        if self.chain.is_empty() {
            return Err(BuildError::Empty);
        }
        let voice = |name: &String| match name.as_str() {
            LOCAL => self.local(local, sessions),
            name => self.remote(name),
        };
        self.chain.iter().map(voice).collect()
    }

    fn local(
        &self,
        local: &LocalVoices,
        sessions: NonZeroUsize,
    ) -> Result<Arc<dyn Synthesizer>, BuildError> {
        let files = piper_voices(local.folder.as_deref());
        let stem =
            |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = match &self.voice {
            Some(name) => {
                let name = name.strip_suffix(".onnx").unwrap_or(name);
                files.iter().find(|path| stem(path) == name)
            }
            None => {
                let (whole, halves): (Vec<_>, Vec<_>) =
                    files.iter().partition(|file| piper::description(file).exists());
                for half in halves {
                    let missing = piper::description(half);
                    tracing::warn!("{} is no voice without {}", half.display(), missing.display());
                }
                whole.first().copied()
            }
        };
        if let Some(file) = file {
            let library =
                local.onnxruntime.as_ref().ok_or_else(|| BuildError::NoRuntime(file.clone()))?;
            let options = PiperOptions {
                speaker: self.speaker.clone(),
                length_scale: self.length_scale,
                pronounce: local.pronounce,
                sessions: sessions.get(),
            };
            return Ok(Arc::new(Piper::load(Runtime::load(library)?, file, &options)?));
        }
        let known = Flite::voices();
        let name = self.voice.as_deref().unwrap_or(flite::BEST_VOICE);
        if known.iter().any(|known| known == name) {
            return Ok(Arc::new(Flite::load(name).map_err(BuildError::Flite)?));
        }
        let known: Vec<String> = files.iter().map(|path| stem(path)).chain(known).collect();
        Err(BuildError::NoVoice {
            name: self.voice.clone().unwrap_or_default(),
            known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
            folder: local.folder.clone().unwrap_or_default().join("voices"),
        })
    }

    fn remote(&self, name: &str) -> Result<Arc<dyn Synthesizer>, BuildError> {
        let mut table =
            self.tables.get(name).and_then(|t| t.as_table().cloned()).unwrap_or_default();
        let mut take = |key: &str| match table.remove(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(BuildError::Options {
                name: name.to_owned(),
                cause: format!("{key} is a text in quotes"),
            }),
        };
        let kind = take("kind")?.unwrap_or_else(|| name.to_owned());
        let (env, file) = (take("key_env")?, take("key_file")?.map(PathBuf::from));
        let own = table.contains_key("url") && env.is_none() && file.is_none();
        let key = |usual: &str| {
            KeySource::new(env.as_deref(), file.as_deref(), &self.folder, usual)
                .read()
                .map_err(|cause| BuildError::Key { name: name.to_owned(), cause })
        };
        let vendor = match kind.as_str() {
            "openai" if own => Vendor::OpenAi(options(name, table)?, None),
            "openai" => Vendor::OpenAi(options(name, table)?, Some(key("OPENAI_API_KEY")?)),
            "deepgram" => Vendor::Deepgram(options(name, table)?, key("DEEPGRAM_API_KEY")?),
            "elevenlabs" => Vendor::ElevenLabs(options(name, table)?, key("ELEVENLABS_API_KEY")?),
            _ => return Err(BuildError::UnknownKind(name.to_owned())),
        };
        let patience = Duration::from_millis(self.fail_over_ms.max(1));
        Ok(Arc::new(Remote::new(name, vendor, patience)?))
    }
}

fn options<T: DeserializeOwned>(name: &str, table: toml::Table) -> Result<T, BuildError> {
    toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| BuildError::Options {
        name: name.to_owned(),
        cause: error.message().to_owned(),
    })
}

/// The networks of Piper voices in `folder` and in `voices` below it, by name.
fn piper_voices(folder: Option<&Path>) -> Vec<PathBuf> {
    let Some(folder) = folder else { return Vec::new() };
    let mut found: Vec<PathBuf> = [folder.to_owned(), folder.join("voices")]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "onnx"))
        .collect();
    found.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let config: SynthesisConfig = toml::from_str(text).unwrap();
        match config.voices(&LocalVoices::default(), NonZeroUsize::MIN) {
            Ok(_) => panic!("{text} is right"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_mistake_names_its_place() {
        for (text, says) in [
            ("chian = [\"local\"]", "\"chian\""),
            ("chain = []", "chain is empty"),
            ("voice = \"nobody\"", "\"nobody\""),
            ("chain = [\"espeak\"]", "[synthesis.espeak]"),
            (
                "chain = [\"deepgram\"]\n[deepgram]\nkey_env = \"PATCHCORD_NO_SUCH\"",
                "PATCHCORD_NO_SUCH",
            ),
            ("chain = [\"deepgram\"]\n[deepgram]\nkey_file = \"/nowhere/key\"", "/nowhere/key"),
            (
                "chain = [\"openai\"]\n[openai]\nurl = \"http://127.0.0.1:1\"\nmodle = \"x\"",
                "modle",
            ),
            ("chain = [\"openai\"]\n[openai]\nkind = 3", "kind is a text"),
        ] {
            let said = error(text);
            assert!(said.contains(says) && said.contains("[synthesis"), "{text}: {said}");
        }
    }

    #[test]
    fn a_server_of_ones_own_has_any_name_and_needs_no_key() {
        let text =
            "chain = [\"kokoro\"]\n[kokoro]\nkind = \"openai\"\nurl = \"http://127.0.0.1:8880/v1\"";
        let config: SynthesisConfig = toml::from_str(text).unwrap();
        let voices = config.voices(&LocalVoices::default(), NonZeroUsize::MIN).unwrap();
        assert!(voices[0].name().starts_with("kokoro ") && voices[0].name().contains("8880"));
    }
}
