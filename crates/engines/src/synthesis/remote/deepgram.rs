//! Deepgram's `POST /v1/speak`, the voices called Aura.

use reqwest::header::AUTHORIZATION;
use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize};

use crate::key::Key;

/// Aura makes the telephone's own rate.
pub(super) const RATE: u32 = 8_000;

/// `[synthesis.deepgram]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeepgramOptions {
    /// The server. `https://api.deepgram.com`.
    pub url: String,
    /// The voice, with its language. `aura-2-thalia-en`.
    pub model: String,
    /// Keeps the text from being used to improve their models, at another price. `false`.
    pub mip_opt_out: bool,
}

impl Default for DeepgramOptions {
    fn default() -> Self {
        Self {
            url: "https://api.deepgram.com".to_owned(),
            model: "aura-2-thalia-en".to_owned(),
            mip_opt_out: false,
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    text: &'a str,
}

impl DeepgramOptions {
    pub(super) fn request(&self, client: &Client, key: &Key, text: &str) -> RequestBuilder {
        let mut query = vec![
            ("model", self.model.as_str()),
            ("encoding", "linear16"),
            ("sample_rate", "8000"),
            ("container", "none"),
        ];
        if self.mip_opt_out {
            query.push(("mip_opt_out", "true"));
        }
        client
            .post(format!("{}/v1/speak", self.url.trim_end_matches('/')))
            .query(&query)
            .header(AUTHORIZATION, key.header("Token "))
            .json(&Body { text })
    }
}
