//! The section `[speech_model]`: which server hears callers and answers them with its own voice.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::{Options, SpeechModel};
use crate::key::{KeyError, KeySource};
use crate::remote::dial::{Dialer, is_loopback};

const OPENAI: &str = "wss://api.openai.com/v1/realtime";

/// `[speech_model]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpeechModelConfig {
    /// The server. `wss://api.openai.com/v1/realtime`.
    pub url: String,
    /// The model, by the server's name for it. `gpt-realtime`.
    pub model: String,
    /// The voice, by the server's name for it. `marin`.
    pub voice: String,
    /// The environment variable with the key. `OPENAI_API_KEY`, unless there is a url of one's own.
    pub key_env: Option<String>,
    /// The file with the key.
    pub key_file: Option<PathBuf>,
    /// A PEM file of roots to trust besides the system's.
    pub root_file: Option<PathBuf>,
    /// How much it may say at a time, in tokens.
    pub max_tokens: u32,
    /// Without a sign of life for so long, it is given up.
    pub stall_ms: u64,
}

impl Default for SpeechModelConfig {
    fn default() -> Self {
        Self {
            url: OPENAI.to_owned(),
            model: "gpt-realtime".to_owned(),
            voice: "marin".to_owned(),
            key_env: None,
            key_file: None,
            root_file: None,
            max_tokens: 1_200,
            stall_ms: 4_000,
        }
    }
}

/// Why no model can be spoken with. Each text names the cause, the place and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpeechModelConfigError {
    /// The address is none.
    #[error("[speech_model] url: {0}")]
    Url(String),
    /// Key and voice would go out unencrypted.
    #[error(
        "[speech_model] url {0:?} would carry the key and the caller's voice in clear text; write wss://, or take the key out"
    )]
    ClearText(String),
    /// The key is not there.
    #[error("[speech_model] {0}")]
    Key(#[from] KeyError),
    /// A name is empty.
    #[error("[speech_model] {0} is empty; write the server's name for it")]
    Empty(&'static str),
    /// A number is out of range.
    #[error("[speech_model] {0}")]
    Range(&'static str),
}

impl SpeechModelConfig {
    /// The server that this describes; reads the key and the file of roots. Connections are opened when they are needed.
    /// Files are relative to `folder`.
    ///
    /// # Errors
    /// [`SpeechModelConfigError`].
    pub fn build(&self, folder: &Path) -> Result<SpeechModel, SpeechModelConfigError> {
        use SpeechModelConfigError as Wrong;
        let mut url = Url::parse(&self.url).map_err(|_| {
            Wrong::Url(format!("{:?} is no address; write one such as {OPENAI:?}", self.url))
        })?;
        for (name, value) in [("model", &self.model), ("voice", &self.voice)] {
            if value.trim().is_empty() {
                return Err(Wrong::Empty(name));
            }
        }
        if !(16..=4_096).contains(&self.max_tokens) {
            return Err(Wrong::Range("max_tokens is out of range; use 16 to 4096"));
        }
        if !(100..=60_000).contains(&self.stall_ms) {
            return Err(Wrong::Range("stall_ms is out of range; use 100 to 60000"));
        }
        let root = self.root_file.as_ref().map(|root| folder.join(root));
        let dialer = Dialer::new(&url, ["ws", "wss"], root.as_deref(), OPENAI)
            .map_err(|error| Wrong::Url(error.to_string()))?;
        let (env, file) = (self.key_env.as_deref(), self.key_file.as_deref());
        let of_openai = url.host_str() == Some("api.openai.com");
        let key = match (env, file) {
            (None, None) if !of_openai => None,
            _ => Some(KeySource::new(env, file, folder, "OPENAI_API_KEY").read()?),
        };
        if key.is_some() && url.scheme() == "ws" && !is_loopback(&url) {
            return Err(Wrong::ClearText(self.url.clone()));
        }
        url.query_pairs_mut().append_pair("model", &self.model);
        let options = Options {
            voice: self.voice.clone(),
            max_tokens: self.max_tokens,
            stall: Duration::from_millis(self.stall_ms),
        };
        Ok(SpeechModel { dialer, url, key, options })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Result<SpeechModel, String> {
        let config: SpeechModelConfig =
            toml::from_str(text).map_err(|error| error.message().to_owned())?;
        config.build(Path::new("/nowhere")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_of_ones_own_needs_no_key_and_is_told_the_model() {
        let model = build("url = \"ws://127.0.0.1:9/v1/realtime\"\nmodel = \"mine\"").unwrap();
        assert_eq!(model.url.as_str(), "ws://127.0.0.1:9/v1/realtime?model=mine");
        assert!(model.key.is_none());
    }

    #[test]
    fn each_mistake_names_its_place_and_its_mend() {
        let here = "url = \"ws://127.0.0.1:9\"\n";
        for (text, says) in [
            ("url = \"here\"".to_owned(), "is no address; write one such as \"wss://"),
            ("url = \"http://127.0.0.1\"".to_owned(), "wss://api.openai.com"),
            (format!("{here}model = \" \""), "model is empty"),
            (format!("{here}voice = \"\""), "voice is empty"),
            (format!("{here}max_tokens = 1"), "max_tokens"),
            (format!("{here}stall_ms = 1"), "stall_ms"),
            (format!("{here}modle = \"m\""), "modle"),
            ("key_file = \"key\"".to_owned(), "/nowhere/key"),
            ("key_env = \"PATCHCORD_NO_SUCH\"".to_owned(), "PATCHCORD_NO_SUCH"),
            ("url = \"ws://s2s.example\"\nkey_env = \"PATH\"".to_owned(), "clear text"),
            ("url = \"wss://127.0.0.1\"\nroot_file = \"r.pem\"".to_owned(), "/nowhere/r.pem"),
        ] {
            let error = build(&text).err().unwrap_or_else(|| panic!("{text} is right"));
            assert!(error.contains("[speech_model]") || says == "modle", "{text}: {error}");
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
