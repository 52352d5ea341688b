//! OpenAI's `POST /audio/speech`, which many servers of one's own offer as well.
//!
//! The answer is read as it comes. (The crate `async-openai` gives it when it is whole, or as base64 within server-sent
//! events, which not every model and hardly any other server sends.)

use reqwest::header::AUTHORIZATION;
use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize};

use crate::key::Key;

/// `response_format = "pcm"` is 16-bit, little-endian, at 24 kHz.
pub(super) const RATE: u32 = 24_000;

/// `[synthesis.openai]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpenAiOptions {
    /// The server, up to what stands before `/audio/speech`. `https://api.openai.com/v1`.
    pub url: String,
    /// `gpt-4o-mini-tts`, `tts-1`, `tts-1-hd`, or what the server has.
    pub model: String,
    /// `alloy`, `ash`, `coral`, `echo`, `nova`, `sage`, `shimmer` and others. `coral`.
    pub voice: String,
    /// How to speak, in words: "calm and friendly". Not for `tts-1`.
    pub instructions: Option<String>,
    /// 0.25 to 4; 1 if none.
    pub speed: Option<f32>,
}

impl Default for OpenAiOptions {
    fn default() -> Self {
        Self {
            url: "https://api.openai.com/v1".to_owned(),
            model: "gpt-4o-mini-tts".to_owned(),
            voice: "coral".to_owned(),
            instructions: None,
            speed: None,
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: &'a str,
    voice: &'a str,
    response_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f32>,
}

impl OpenAiOptions {
    pub(super) fn request(&self, client: &Client, key: Option<&Key>, text: &str) -> RequestBuilder {
        let request = client.post(format!("{}/audio/speech", self.url.trim_end_matches('/')));
        let request = match key {
            Some(key) => request.header(AUTHORIZATION, key.header("Bearer ")),
            None => request,
        };
        request.json(&Body {
            model: &self.model,
            input: text,
            voice: &self.voice,
            response_format: "pcm",
            instructions: self.instructions.as_deref(),
            speed: self.speed,
        })
    }
}
