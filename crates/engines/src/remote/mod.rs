//! Recognition by vendors, over their own wire protocols.
//!
//! [`config`] is how they are chosen and set up. [`link`] is a connection as the [chain](crate::chain) sees it. Of the others each is one
//! vendor, or a piece that several need: [`deepgram`], [`vosk`], [`realtime`], [`azure`] and [`aws`] say what they say over the
//! one loop of `socket`; [`google`] is gRPC; [`transcriptions`] a form over HTTP.
//!
//! Only turns are sent, as the local voice activity finds them: what is said between them, and silence, stays on this
//! machine. Keys are in headers, and in no URL, log or error; only Amazon wants a signature in a URL.

pub mod aws;
pub mod azure;
mod clock;
pub mod config;
pub mod deepgram;
mod defaults;
pub(crate) mod dial;
mod event_stream;
pub mod google;
mod google_messages;
pub mod link;
pub mod realtime;
mod sigv4;
mod socket;
pub mod transcriptions;
mod utc;
pub mod vosk;
pub mod why;

use std::hash::{BuildHasher, RandomState};

use audio::g711;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::http::HeaderMap;
use url::Url;

use self::azure::{Azure, AzureOptions};
use self::config::{ConfigError, Remote, Vendor};
use self::deepgram::{Deepgram, DeepgramOptions};
use self::dial::Dialer;
use self::link::{Event, Events, Order, Terms};
use self::realtime::Realtime;
use self::utc::Utc;
use self::vosk::Vosk;
use self::why::Why;
use crate::key::Key;
use crate::phrases::Phrases;

/// A hint in words may have this many characters: 224 tokens are what Whisper takes.
const LONGEST_PROMPT: usize = 800;

/// A vendor's engine, checked, and the way to it.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) terms: Terms,
    vendor: Vendor,
    url: Url,
    dialer: Dialer,
}

impl Ready {
    /// Reads the file of roots, if one is named.
    pub(crate) fn new(remote: Remote) -> Result<Self, ConfigError> {
        let Remote { name, vendor } = remote;
        let bad = |cause: String| ConfigError::Table { name: name.clone(), cause };
        let (web, http) = (["ws", "wss"], ["http", "https"]);
        let (terms, url, root, schemes, looks) = match &vendor {
            Vendor::Deepgram(o, _) => (
                o.terms(&name),
                o.url.clone(),
                &o.root_file,
                web,
                "wss://api.deepgram.com/v1/listen",
            ),
            Vendor::Vosk(o) => {
                (o.terms(&name), o.url.clone(), &o.root_file, web, "ws://127.0.0.1:2700")
            }
            Vendor::Realtime(o, _) => {
                let looks = "wss://api.openai.com/v1/realtime?intent=transcription";
                (o.terms(&name), o.url.clone(), &o.root_file, web, looks)
            }
            Vendor::Azure(o, _) => {
                let looks = "wss://westeurope.stt.speech.microsoft.com/speech/recognition/conversation/cognitiveservices/v1";
                (o.terms(&name), o.url().map_err(bad)?, &o.root_file, web, looks)
            }
            Vendor::Aws(o, _) => {
                let looks = "wss://transcribestreaming.eu-west-1.amazonaws.com:8443/stream-transcription-websocket";
                (o.terms(&name), o.url().map_err(bad)?, &o.root_file, web, looks)
            }
            Vendor::Google(o, _) => {
                (o.terms(&name), o.url.clone(), &o.root_file, http, "https://speech.googleapis.com")
            }
            Vendor::Transcriptions(o, _) => {
                (o.terms(&name), o.url.clone(), &o.root_file, http, "https://api.openai.com/v1")
            }
        };
        if vendor.has_key() && url.scheme() == schemes[0] && !dial::is_loopback(&url) {
            let scheme = schemes[1];
            return Err(bad(format!(
                "{url} would carry the key and the caller's voice in clear text; write {scheme}:// there"
            )));
        }
        let mut dialer = Dialer::new(&url, schemes, root.as_deref(), looks)
            .map_err(|cause| bad(cause.to_string()))?;
        if matches!(vendor, Vendor::Google(..)) {
            dialer = dialer.with_http2();
        }
        Ok(Self { terms, vendor, url, dialer })
    }

    /// A connection: serves until the orders end, and tells if it fails.
    pub(crate) async fn serve(
        self,
        phrases: Phrases,
        orders: mpsc::Receiver<Order>,
        events: Events,
    ) {
        let teller = events.clone();
        if let Err(why) = self.speak(phrases, orders, events).await {
            teller.tell(Event::Failed(why)).await;
        }
    }

    async fn speak(
        self,
        phrases: Phrases,
        orders: mpsc::Receiver<Order>,
        events: Events,
    ) -> Result<(), Why> {
        let Self { vendor, url, dialer, .. } = self;
        match vendor {
            Vendor::Deepgram(options, key) => {
                let (url, headers) = (options.url(&phrases), DeepgramOptions::headers(&key));
                socket::run(Deepgram::default(), dialer, url, headers, orders, events)
                    .await
                    .map_err(|why| redacted(why, &key))
            }
            Vendor::Vosk(options) => {
                let vosk = Vosk::new(&options, &phrases);
                socket::run(vosk, dialer, url, HeaderMap::new(), orders, events).await
            }
            Vendor::Realtime(options, key) => {
                let realtime = Realtime::new(&options, &phrases);
                let headers = options.headers(&key);
                socket::run(realtime, dialer, url, headers, orders, events)
                    .await
                    .map_err(|why| redacted(why, &key))
            }
            Vendor::Azure(options, key) => {
                let mut ids = Ids::random();
                let headers = AzureOptions::headers(&key, &mut ids);
                let azure = Azure::new(&options, &phrases, ids);
                socket::run(azure, dialer, url, headers, orders, events)
                    .await
                    .map_err(|why| redacted(why, &key))
            }
            Vendor::Aws(options, keys) => {
                let url = options.signed(&url, &keys, &Utc::now());
                let stream = aws::Transcribe::default();
                socket::run(stream, dialer, url, HeaderMap::new(), orders, events)
                    .await
                    .map_err(|why| redacted(redacted(why, &keys.access_key_id), &keys.secret))
            }
            Vendor::Google(options, key) => {
                google::run(options, key.clone(), phrases, dialer, orders, events)
                    .await
                    .map_err(|why| redacted(why, &key))
            }
            Vendor::Transcriptions(options, key) => {
                transcriptions::run(options, key, phrases, dialer, orders, events).await
            }
        }
    }
}

impl Vendor {
    fn has_key(&self) -> bool {
        !matches!(self, Self::Vosk(_) | Self::Transcriptions(_, None))
    }
}

/// The reason without the key, should the vendor have repeated it.
fn redacted(why: Why, key: &Key) -> Why {
    match why {
        Why::Vendor(text) => Why::Vendor(key.redact(&text)),
        Why::Closed(text) => Why::Closed(key.redact(&text)),
        Why::Protocol(text) => Why::Protocol(key.redact(&text)),
        why => why,
    }
}

fn mulaw(samples: &[i16]) -> Vec<u8> {
    let mut codes = vec![0; samples.len()];
    g711::encode_ulaw(samples, &mut codes);
    codes
}

/// 16-bit PCM, little-endian.
fn pcm(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// The phrases as a text that a model reads before it listens; none without phrases.
fn prompt(phrases: &Phrases) -> Option<String> {
    let mut prompt = String::new();
    for phrase in phrases.iter().filter(|phrase| phrase.weight > 0.0) {
        if prompt.len() + phrase.text.len() > LONGEST_PROMPT {
            break;
        }
        if !prompt.is_empty() {
            prompt.push_str(", ");
        }
        prompt.push_str(&phrase.text);
    }
    (!prompt.is_empty()).then_some(prompt)
}

fn timestamp() -> String {
    Utc::now().extended()
}

/// Numbers that no two streams share, as 32 hexadecimal digits. They are names, not secrets.
#[derive(Debug, Clone)]
struct Ids {
    seed: u64,
    count: u64,
}

impl Ids {
    fn new(seed: u64) -> Self {
        Self { seed, count: 0 }
    }

    fn random() -> Self {
        Self::new(RandomState::new().hash_one(0))
    }

    fn next(&mut self) -> String {
        self.count += 1;
        format!("{:016x}{:016x}", self.seed, self.count)
    }
}

#[cfg(test)]
mod tests;
