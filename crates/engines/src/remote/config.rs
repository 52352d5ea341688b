//! Which engines hear the callers, as it is written in the configuration.
//!
//! ```toml
//! [recognition]
//! chain = ["deepgram", "local"]
//!
//! [recognition.deepgram]
//! key_env = "DEEPGRAM_API_KEY"
//! model = "nova-3"
//! ```
//!
//! Each name in `chain` but `local` has a table of the same name, which may be left out where
//! nothing in it is needed. `kind` says which vendor it is, if the name does not: so two servers of one kind can be in
//! a chain. What each vendor's table may hold is documented at its struct.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::aws::AwsOptions;
use super::azure::AzureOptions;
use super::deepgram::DeepgramOptions;
use super::google::GoogleOptions;
use super::realtime::RealtimeOptions;
use super::transcriptions::TranscriptionsOptions;
use super::vosk::VoskOptions;
use crate::chain::Policy;
use crate::key::{Key, KeyError, KeySource};

/// The name of the engine that runs on this machine.
pub const LOCAL: &str = "local";

/// The model that it runs, by which it may be asked for as well.
const LOCAL_MODEL: &str = "moonshine";

/// The vendors, as `kind` names them.
const VENDORS: [&str; 7] =
    ["deepgram", "vosk", "openai", "openai-realtime", "google", "aws", "azure"];

/// The section `[recognition]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct RecognitionConfig {
    /// Names of engines, the preferred one first. `["local"]` unless said otherwise.
    pub chain: Vec<String>,
    /// Milliseconds without a sign of life, while speech is sent, after which the next engine takes over. 800.
    pub fail_over_ms: u64,
    /// Failures in a row after which an engine is left alone for a while. 2.
    pub failures: u32,
    /// Seconds that an engine is left alone for. 30.
    pub rest_s: u64,
    /// The engines' own tables.
    #[serde(flatten)]
    tables: BTreeMap<String, toml::Value>,
}

impl Default for RecognitionConfig {
    fn default() -> Self {
        Self {
            chain: vec![LOCAL.to_owned()],
            fail_over_ms: 800,
            failures: 2,
            rest_s: 30,
            tables: BTreeMap::new(),
        }
    }
}

/// An engine of the chain, as it was configured.
#[derive(Debug, Clone)]
pub enum Engine {
    /// The one that runs on this machine.
    Local,
    /// A vendor's.
    Remote(Box<Remote>),
}

/// A vendor's engine.
#[derive(Debug, Clone)]
pub struct Remote {
    /// As it is named in the configuration.
    pub name: String,
    /// Which, and how.
    pub vendor: Vendor,
}

/// A vendor and its options.
#[derive(Debug, Clone)]
pub enum Vendor {
    /// `kind = "deepgram"`
    Deepgram(DeepgramOptions, Key),
    /// `kind = "vosk"`
    Vosk(VoskOptions),
    /// `kind = "openai"`: any server with `/audio/transcriptions`. The key may be missing where the server is one's own.
    Transcriptions(TranscriptionsOptions, Option<Key>),
    /// `kind = "openai-realtime"`
    Realtime(RealtimeOptions, Key),
    /// `kind = "google"`
    Google(GoogleOptions, Key),
    /// `kind = "aws"`
    Aws(AwsOptions, AwsKeys),
    /// `kind = "azure"`
    Azure(AzureOptions, Key),
}

/// What signs requests to AWS.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    /// Not a secret, but nobody's business.
    pub access_key_id: Key,
    /// The secret.
    pub secret: Key,
    /// Of temporary credentials.
    pub session_token: Option<Key>,
}

/// Why `[recognition]` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No engine at all.
    #[error("[recognition] chain is empty; name an engine in it, such as \"local\"")]
    Empty,
    /// An engine that is none.
    #[error(
        "[recognition] chain names {name:?}, which is no engine; it can be local, deepgram, vosk, openai, openai-realtime, google, aws or azure, or a table [recognition.{name}] with a kind"
    )]
    Unknown {
        /// As it was written.
        name: String,
    },
    /// An engine was asked for by a name that none has.
    #[error("no engine is called {name:?}; there are {}", known.join(", "))]
    NoSuch {
        /// As it was asked for.
        name: String,
        /// What could have been.
        known: Vec<String>,
    },
    /// The same engine twice.
    #[error("[recognition] chain names {name:?} twice; once is enough")]
    Twice {
        /// As it was written.
        name: String,
    },
    /// A table or key that belongs to nothing.
    #[error("[recognition] has {name:?}, which chain does not name; add it there, or take it out")]
    Unused {
        /// As it was written.
        name: String,
    },
    /// A table that cannot be read.
    #[error("[recognition.{name}] {cause}")]
    Table {
        /// The engine.
        name: String,
        /// What is wrong.
        cause: String,
    },
    /// A key that cannot be had.
    #[error("[recognition.{name}] {cause}")]
    Key {
        /// The engine.
        name: String,
        /// What is wrong.
        cause: KeyError,
    },
}

/// Where a key is kept, in every table whose vendor needs one: `key_env` or `key_file`.
#[derive(Debug, Clone, Default, Deserialize)]
struct KeyPlace {
    key_env: Option<String>,
    key_file: Option<PathBuf>,
    access_key_id_env: Option<String>,
    session_token_env: Option<String>,
}

impl RecognitionConfig {
    /// The engines of the chain, in order, with their keys. Files are relative to `folder`.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn engines(&self, folder: &Path) -> Result<Vec<Engine>, ConfigError> {
        if self.chain.is_empty() {
            return Err(ConfigError::Empty);
        }
        if let Some(name) = self.tables.keys().find(|name| !self.chain.contains(name)) {
            return Err(ConfigError::Unused { name: name.clone() });
        }
        let doubled = |(index, name)| self.chain[..index].contains(name);
        if let Some(index) = self.chain.iter().enumerate().position(doubled) {
            return Err(ConfigError::Twice { name: self.chain[index].clone() });
        }
        self.chain.iter().map(|name| self.engine(name, folder)).collect()
    }

    /// The engine called `name`, whether `chain` names it or not: one with a table, a vendor as it usually is, or the local
    /// one. Files are relative to `folder`.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn only(&self, name: &str, folder: &Path) -> Result<Engine, ConfigError> {
        let own = self.tables.keys().map(String::as_str).filter(|key| !VENDORS.contains(key));
        let known: Vec<&str> = [LOCAL, LOCAL_MODEL].into_iter().chain(VENDORS).chain(own).collect();
        if !known.contains(&name) {
            let known = known.into_iter().map(str::to_owned).collect();
            return Err(ConfigError::NoSuch { name: name.to_owned(), known });
        }
        self.engine(if name == LOCAL_MODEL { LOCAL } else { name }, folder)
    }

    /// When the next engine takes over, and for how long one is left alone.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            silence: Duration::from_millis(self.fail_over_ms),
            failures: self.failures,
            rest: Duration::from_secs(self.rest_s),
            ..Policy::default()
        }
    }

    fn engine(&self, name: &str, folder: &Path) -> Result<Engine, ConfigError> {
        if name == LOCAL {
            return Ok(Engine::Local);
        }
        let mut table = match self.tables.get(name) {
            None => toml::Table::new(),
            Some(toml::Value::Table(table)) => table.clone(),
            Some(_) => return Err(bad(name, "must be a table")),
        };
        let kind = match table.remove("kind") {
            None => name.to_owned(),
            Some(toml::Value::String(kind)) => kind,
            Some(_) => return Err(bad(name, "kind must be a text, such as \"deepgram\"")),
        };
        let place: KeyPlace = take_key_place(name, &mut table)?;
        let source = |usual| {
            KeySource::new(place.key_env.as_deref(), place.key_file.as_deref(), folder, usual)
        };
        let read = |source: KeySource| {
            source.read().map_err(|cause| ConfigError::Key { name: name.to_owned(), cause })
        };
        let vendor = match kind.as_str() {
            "deepgram" => {
                Vendor::Deepgram(options(name, table)?, read(source("DEEPGRAM_API_KEY"))?)
            }
            "vosk" => Vendor::Vosk(options(name, table)?),
            "openai" => {
                let options: TranscriptionsOptions = options(name, table)?;
                let wanted = place.key_env.is_some() || place.key_file.is_some();
                let key = if wanted || options.is_openai() {
                    Some(read(source("OPENAI_API_KEY"))?)
                } else {
                    None
                };
                Vendor::Transcriptions(options, key)
            }
            "openai-realtime" => {
                Vendor::Realtime(options(name, table)?, read(source("OPENAI_API_KEY"))?)
            }
            "google" => Vendor::Google(options(name, table)?, read(source("GOOGLE_API_KEY"))?),
            "aws" => {
                let options: AwsOptions = options(name, table)?;
                options.url().map_err(|cause| bad(name, &cause))?;
                let keys = aws_keys(&place, &read, source("AWS_SECRET_ACCESS_KEY"))?;
                Vendor::Aws(options, keys)
            }
            "azure" => {
                let options: AzureOptions = options(name, table)?;
                options.url().map_err(|cause| bad(name, &cause))?;
                Vendor::Azure(options, read(source("AZURE_SPEECH_KEY"))?)
            }
            _ => return Err(ConfigError::Unknown { name: kind }),
        };
        Ok(Engine::Remote(Box::new(Remote { name: name.to_owned(), vendor })))
    }
}

/// The id and the token are kept in variables of the usual names, unless others are named.
fn aws_keys(
    place: &KeyPlace,
    read: &dyn Fn(KeySource) -> Result<Key, ConfigError>,
    secret: KeySource,
) -> Result<AwsKeys, ConfigError> {
    let variable = |name: &Option<String>, usual: &str| {
        KeySource::Environment(name.as_deref().unwrap_or(usual).to_owned())
    };
    let token = variable(&place.session_token_env, "AWS_SESSION_TOKEN");
    // Only temporary credentials have one; but one that was asked for must be there.
    let session_token = match token.read() {
        Ok(token) => Some(token),
        Err(_) if place.session_token_env.is_none() => None,
        Err(_) => Some(read(token)?),
    };
    Ok(AwsKeys {
        access_key_id: read(variable(&place.access_key_id_env, "AWS_ACCESS_KEY_ID"))?,
        secret: read(secret)?,
        session_token,
    })
}

fn take_key_place(name: &str, table: &mut toml::Table) -> Result<KeyPlace, ConfigError> {
    let keys = ["key_env", "key_file", "access_key_id_env", "session_token_env"];
    let taken: toml::Table = keys.iter().filter_map(|key| table.remove_entry(*key)).collect();
    options(name, taken)
}

fn options<T: DeserializeOwned>(name: &str, table: toml::Table) -> Result<T, ConfigError> {
    T::deserialize(table).map_err(|error| bad(name, error.message()))
}

fn bad(name: &str, cause: &str) -> ConfigError {
    ConfigError::Table { name: name.to_owned(), cause: cause.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engines(text: &str) -> Result<Vec<Engine>, String> {
        let config: RecognitionConfig =
            toml::from_str(text).map_err(|error| error.message().to_owned())?;
        config.engines(Path::new("/nowhere")).map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_local_engine_unless_said_otherwise() {
        assert!(matches!(engines("").unwrap()[..], [Engine::Local]));
    }

    #[test]
    fn an_engine_is_chosen_by_its_name_or_its_kind() {
        let text = "chain = [\"vosk\", \"whisper\", \"local\"]\n[whisper]\nkind = \"openai\"\nurl = \"http://127.0.0.1:8000/v1\"\n";
        let engines = engines(text).unwrap();
        let [Engine::Remote(vosk), Engine::Remote(whisper), Engine::Local] = &engines[..] else {
            panic!("{engines:?}");
        };
        assert!(matches!(vosk.vendor, Vendor::Vosk(_)));
        assert_eq!(whisper.name, "whisper");
        assert!(matches!(&whisper.vendor, Vendor::Transcriptions(_, None)));
    }

    #[test]
    fn one_engine_may_be_asked_for_outside_of_the_chain() {
        let text = "[mine]\nkind = \"vosk\"\nurl = \"ws://127.0.0.1:2701\"\n[aws]\nregion = \"x\"";
        let config: RecognitionConfig = toml::from_str(text).unwrap();
        let only = |name| config.only(name, Path::new("/nowhere"));
        for name in ["local", "moonshine"] {
            assert!(matches!(only(name), Ok(Engine::Local)), "{name}");
        }
        for (name, port) in [("mine", 2701), ("vosk", 2700)] {
            let Ok(Engine::Remote(remote)) = only(name) else { panic!("{name}") };
            let Vendor::Vosk(options) = &remote.vendor else { panic!("{remote:?}") };
            assert_eq!((remote.name.as_str(), options.url.port()), (name, Some(port)));
        }
        let error = only("siri").unwrap_err().to_string();
        let known = "\"siri\"; there are local, moonshine, deepgram, vosk, openai, openai-realtime, google, aws, azure, mine";
        assert!(error.ends_with(known), "{error}");
    }

    #[test]
    fn what_cannot_be_is_told_with_its_key_and_mend() {
        for (text, says) in [
            ("chain = []", "such as \"local\""),
            ("chain = [\"siri\"]", "which is no engine"),
            ("chain = [\"local\", \"local\"]", "twice"),
            ("[vosk]\nurl = \"ws://127.0.0.1:2700\"", "add it there"),
            ("fail_over = 3", "add it there"),
            ("chain = [\"vosk\"]\n[vosk]\nmodel = 3", "[recognition.vosk] unknown field `model`"),
            ("chain = [\"vosk\"]\nvosk = 3", "must be a table"),
            ("chain = [\"deepgram\"]\n[deepgram]\nkey_env = \"NO_SUCH_KEY\"", "NO_SUCH_KEY"),
            ("chain = [\"deepgram\"]\n[deepgram]\nkey_file = \"dg.key\"", "/nowhere/dg.key"),
            ("chain = [\"azure\"]\n[azure]\nkey_env = \"PATH\"", "region"),
        ] {
            let error = engines(text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
