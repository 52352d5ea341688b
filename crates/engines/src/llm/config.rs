//! The section `[llm]`: which server writes, and how it is asked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use url::{Host, Url};

use super::{Llm, Options};
use crate::key::{KeyError, KeySource};
use crate::tls;

const OPENAI: &str = "https://api.openai.com/v1";

/// `[llm]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlmConfig {
    /// The server, up to what stands before `/chat/completions`. `https://api.openai.com/v1`.
    #[serde(default = "openai")]
    pub url: String,
    /// The model, by the server's name for it.
    pub model: String,
    /// The environment variable with the key. `OPENAI_API_KEY`, unless there is a url.
    pub key_env: Option<String>,
    /// The file with the key.
    pub key_file: Option<PathBuf>,
    /// How much it may write at a time, in tokens.
    #[serde(default = "three_hundred")]
    pub max_tokens: u32,
    /// How freely it writes, from 0; what the server does by itself if none.
    pub temperature: Option<f32>,
    /// How it is held to the form of an answer.
    #[serde(default)]
    pub json: Json,
    /// Without a sign of life for so long, it is given up.
    #[serde(default = "four_seconds")]
    pub stall_ms: u64,
}

/// How a model is held to the form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Json {
    /// By a JSON schema, which OpenAI, vLLM, llama.cpp, Ollama and others keep to.
    #[default]
    Schema,
    /// By being told to write JSON.
    Object,
    /// By asking for it in words alone, for a server that knows neither.
    Asked,
}

/// Why no model can be asked. Each text names the cause, the place and the mend.
#[derive(Debug, thiserror::Error)]
pub enum LlmConfigError {
    /// The address is none.
    #[error("[llm] url {0:?} is no address; write one such as \"http://127.0.0.1:8000/v1\"")]
    Url(String),
    /// The key would go out unencrypted.
    #[error(
        "[llm] url {0:?} would send the key in clear text; write https://, or take the key out"
    )]
    ClearText(String),
    /// The key is not there.
    #[error("[llm] {0}")]
    Key(#[from] KeyError),
    /// The model has no name.
    #[error("[llm] model is empty; write the server's name for it")]
    NoModel,
    /// A number is out of range.
    #[error("[llm] {0}")]
    Range(&'static str),
    /// HTTPS does not work.
    #[error("[llm] HTTPS cannot be set up: {0}")]
    Tls(String),
}

impl LlmConfig {
    /// The server that this describes; reads the key. Connections are opened when they are needed. Files are relative to
    /// `folder`.
    ///
    /// # Errors
    /// [`LlmConfigError`].
    pub fn build(&self, folder: &Path) -> Result<Llm, LlmConfigError> {
        let wrong = || LlmConfigError::Url(self.url.clone());
        let url = Url::parse(&self.url).map_err(|_| wrong())?;
        if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
            return Err(wrong());
        }
        if self.model.trim().is_empty() {
            return Err(LlmConfigError::NoModel);
        }
        if !(16..=4_096).contains(&self.max_tokens) {
            return Err(LlmConfigError::Range("max_tokens is out of range; use 16 to 4096"));
        }
        if !(100..=60_000).contains(&self.stall_ms) {
            return Err(LlmConfigError::Range("stall_ms is out of range; use 100 to 60000"));
        }
        if self.temperature.is_some_and(|it| !(0.0..=2.0).contains(&it)) {
            return Err(LlmConfigError::Range("temperature is out of range; use 0 to 2"));
        }
        let (env, file) = (self.key_env.as_deref(), self.key_file.as_deref());
        let of_openai = url.host_str() == Some("api.openai.com");
        let key = match (env, file) {
            (None, None) if !of_openai => None,
            _ => Some(KeySource::new(env, file, folder, "OPENAI_API_KEY").read()?),
        };
        if key.is_some() && url.scheme() == "http" && !is_here(&url) {
            return Err(LlmConfigError::ClearText(self.url.clone()));
        }
        let stall = Duration::from_millis(self.stall_ms);
        let tls = tls::config().map_err(|error| LlmConfigError::Tls(error.to_string()))?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            // A redirect would take the key, and the caller's words, elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(stall)
            // What lay idle for longer may be gone without a word.
            .pool_idle_timeout(Duration::from_secs(60))
            .tcp_keepalive(Duration::from_secs(15))
            .user_agent(concat!("patchcord/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| LlmConfigError::Tls(error.to_string()))?;
        let options = Options {
            url: format!("{}/chat/completions", self.url.trim_end_matches('/')),
            model: self.model.clone(),
            max_tokens: self.max_tokens,
            // OpenAI's newer models refuse the old name, and hardly any other server knows the new one.
            max_tokens_key: if of_openai { "max_completion_tokens" } else { "max_tokens" },
            temperature: self.temperature,
            json: self.json,
            stall,
        };
        Ok(Llm { client, options, key })
    }
}

/// Whether an address is of this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn openai() -> String {
    OPENAI.to_owned()
}

fn three_hundred() -> u32 {
    300
}

fn four_seconds() -> u64 {
    4_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Result<Llm, String> {
        let config: LlmConfig = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        config.build(Path::new("/nowhere")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_of_ones_own_needs_no_key() {
        let llm = build("model = \"qwen\"\nurl = \"http://127.0.0.1:8000/v1/\"").unwrap();
        assert_eq!(llm.options.url, "http://127.0.0.1:8000/v1/chat/completions");
        assert!(llm.key.is_none());
    }

    #[test]
    fn each_mistake_names_its_place_and_its_mend() {
        for (text, says) in [
            ("url = \"http://127.0.0.1:1\"", "missing field `model`"),
            ("model = \" \"\nurl = \"http://127.0.0.1:1\"", "model is empty"),
            ("model = \"m\"\nurl = \"ftp://x\"", "127.0.0.1:8000/v1"),
            ("model = \"m\"\nurl = \"here\"", "is no address"),
            ("model = \"m\"\nkey_file = \"key\"", "/nowhere/key"),
            ("model = \"m\"\nkey_env = \"PATCHCORD_NO_SUCH\"", "PATCHCORD_NO_SUCH"),
            ("model = \"m\"\nurl = \"http://llm.example/v1\"\nkey_env = \"PATH\"", "clear text"),
            ("model = \"m\"\nurl = \"http://127.0.0.1:1\"\nmax_tokens = 1", "max_tokens"),
            ("model = \"m\"\nurl = \"http://127.0.0.1:1\"\ntemperature = 3.0", "temperature"),
            ("model = \"m\"\nmodle = \"m\"", "modle"),
        ] {
            let error = build(text).err().unwrap_or_else(|| panic!("{text} is right"));
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
