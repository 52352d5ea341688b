//! Voices of vendors, over HTTP: one request a passage, whose answer is sound that is passed on while it comes.
//!
//! [`openai`] for OpenAI and every server with its `/audio/speech`, [`deepgram`] for Aura, [`elevenlabs`]. They differ
//! in the request alone. Sound is asked for as plain 16-bit samples.

pub mod deepgram;
pub mod elevenlabs;
pub mod openai;
mod pcm;

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};

use self::deepgram::DeepgramOptions;
use self::elevenlabs::ElevenLabsOptions;
use self::openai::OpenAiOptions;
use self::pcm::Samples;
use super::{Outlet, SpeakError, Synthesizer};
use crate::key::Key;
use crate::tls;

/// A passage is never longer than this; a server that goes on sends something else.
const LONGEST_SOUND: usize = 120;
/// What is read of an error's text, in bytes.
const ERROR_TEXT: usize = 4_096;

/// A vendor with its options.
#[derive(Debug, Clone)]
pub enum Vendor {
    /// `kind = "openai"`. A server of one's own may want no key.
    OpenAi(OpenAiOptions, Option<Key>),
    /// `kind = "deepgram"`
    Deepgram(DeepgramOptions, Key),
    /// `kind = "elevenlabs"`
    ElevenLabs(ElevenLabsOptions, Key),
}

/// A vendor's voice.
pub struct Remote {
    name: String,
    vendor: Vendor,
    client: Client,
    patience: Duration,
}

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("HTTPS cannot be set up: {0}")]
pub struct RemoteError(String);

impl Remote {
    /// A voice called `name`. After `patience` without a sign of life a passage is given up. Connections are opened
    /// with the first passage, and kept.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn new(name: &str, vendor: Vendor, patience: Duration) -> Result<Self, RemoteError> {
        let client = Client::builder()
            .tls_backend_preconfigured(
                tls::config().map_err(|error| RemoteError(error.to_string()))?,
            )
            // A redirect would take the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience)
            .user_agent(concat!("patchcord/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| RemoteError(error.to_string()))?;
        let name = format!("{name} {}", vendor.voice());
        Ok(Self { name, vendor, client, patience })
    }

    async fn open(&self, passage: &str) -> Result<Response, SpeakError> {
        let request = self.vendor.request(&self.client, passage);
        let response = self.in_time(request.send()).await?.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let after = retry_after(response.headers());
        let said = self.in_time(error_text(response)).await.unwrap_or_default();
        let said = self.vendor.redact(&said);
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => SpeakError::Denied(said),
            StatusCode::TOO_MANY_REQUESTS => SpeakError::Limited { after },
            status => SpeakError::Server(format!("{status}: {said}")),
        })
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, SpeakError> {
        let stalled = |_| SpeakError::Stalled(self.patience);
        tokio::time::timeout(self.patience, work).await.map_err(stalled)
    }

    async fn more(&self, response: &mut Response) -> Result<Option<Vec<u8>>, SpeakError> {
        let broke_off = |error: reqwest::Error| SpeakError::BrokeOff(causes(&error));
        let chunk = self.in_time(response.chunk()).await?.map_err(broke_off)?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }
}

impl Synthesizer for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    fn speak(&self, passage: &str, outlet: &mut Outlet<'_>) -> Result<(), SpeakError> {
        let mut response = outlet.wait(self.open(passage))?;
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let mut samples = Samples::new(kind, self.vendor.rate())?;
        let mut left = LONGEST_SOUND * self.vendor.rate() as usize;
        while let Some(bytes) = outlet.wait(self.more(&mut response))? {
            let Some((rate, sound)) = samples.decode(&bytes)? else { continue };
            left = left.checked_sub(sound.len()).ok_or_else(|| {
                SpeakError::BrokeOff(format!("it is longer than {LONGEST_SOUND} s"))
            })?;
            outlet.push(rate, &sound)?;
        }
        Ok(())
    }
}

impl Vendor {
    fn request(&self, client: &Client, passage: &str) -> RequestBuilder {
        match self {
            Self::OpenAi(options, key) => options.request(client, key.as_ref(), passage),
            Self::Deepgram(options, key) => options.request(client, key, passage),
            Self::ElevenLabs(options, key) => options.request(client, key, passage),
        }
    }

    /// What changes how it sounds.
    fn voice(&self) -> String {
        match self {
            Self::OpenAi(options, _) => format!("{options:?}"),
            Self::Deepgram(options, _) => format!("{options:?}"),
            Self::ElevenLabs(options, _) => format!("{options:?}"),
        }
    }

    /// The rate in Hz that is asked for.
    fn rate(&self) -> u32 {
        match self {
            Self::OpenAi(..) => openai::RATE,
            Self::Deepgram(..) => deepgram::RATE,
            Self::ElevenLabs(..) => elevenlabs::RATE,
        }
    }

    /// `text` without the key, should the vendor have repeated it.
    fn redact(&self, text: &str) -> String {
        match self {
            Self::OpenAi(_, None) => text.to_owned(),
            Self::OpenAi(_, Some(key)) | Self::Deepgram(_, key) | Self::ElevenLabs(_, key) => {
                key.redact(text)
            }
        }
    }
}

fn unreachable(error: reqwest::Error) -> SpeakError {
    SpeakError::Server(causes(&error.without_url()))
}

/// An error with what is behind it: "error sending request" says nothing.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The header `Retry-After` in seconds (RFC 9110, section 10.2.3). Its other form, a date, is not used by vendors.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(3_600)))
}

/// What the vendor says went wrong, in one line.
pub(crate) async fn error_text(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        body.extend_from_slice(&bytes);
        if body.len() > ERROR_TEXT {
            break;
        }
    }
    body.truncate(ERROR_TEXT);
    let text = String::from_utf8_lossy(&body).into_owned();
    let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    // OpenAI, ElevenLabs (an object or a string), Deepgram.
    let places = ["/error/message", "/detail/message", "/detail", "/err_msg"];
    let message = json.as_ref().and_then(|json| {
        places.iter().find_map(|place| json.pointer(place)?.as_str().map(str::to_owned))
    });
    let message = message.unwrap_or(text);
    message.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}
