//! ElevenLabs' `POST /v1/text-to-speech/{voice}/stream`.

use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize};

use crate::key::Key;

/// `output_format = pcm_16000`: 16-bit, little-endian, in every plan.
pub(super) const RATE: u32 = 16_000;

/// `[synthesis.elevenlabs]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ElevenLabsOptions {
    /// The server. `https://api.elevenlabs.io`.
    pub url: String,
    /// The voice's id (not its name). `JBFqnCBsd6RMkjVDRZzb`, which is "George".
    pub voice: String,
    /// `eleven_flash_v2_5` answers soonest; `eleven_multilingual_v2` sounds best.
    pub model: String,
    /// ISO 639-1, where the model should not guess.
    pub language: Option<String>,
    /// 0 lively, 1 even; the voice's own if none.
    pub stability: Option<f32>,
    /// 0 to 1: how near to the original voice; the voice's own if none.
    pub similarity: Option<f32>,
    /// 0.7 to 1.2; the voice's own if none.
    pub speed: Option<f32>,
}

impl Default for ElevenLabsOptions {
    fn default() -> Self {
        Self {
            url: "https://api.elevenlabs.io".to_owned(),
            voice: "JBFqnCBsd6RMkjVDRZzb".to_owned(),
            model: "eleven_flash_v2_5".to_owned(),
            language: None,
            stability: None,
            similarity: None,
            speed: None,
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    text: &'a str,
    model_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice_settings: Option<VoiceSettings>,
}

#[derive(Serialize)]
struct VoiceSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    stability: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity_boost: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f32>,
}

impl ElevenLabsOptions {
    pub(super) fn request(&self, client: &Client, key: &Key, text: &str) -> RequestBuilder {
        let own = self.stability.is_some() || self.similarity.is_some() || self.speed.is_some();
        let url = self.url.trim_end_matches('/');
        client
            .post(format!("{url}/v1/text-to-speech/{}/stream", self.voice))
            .query(&[("output_format", "pcm_16000")])
            .header("xi-api-key", key.header(""))
            .json(&Body {
                text,
                model_id: &self.model,
                language_code: self.language.as_deref(),
                voice_settings: own.then_some(VoiceSettings {
                    stability: self.stability,
                    similarity_boost: self.similarity,
                    speed: self.speed,
                }),
            })
    }
}
