//! Azure Speech: `wss://REGION.stt.speech.microsoft.com/speech/recognition/conversation/cognitiveservices/v1`.
//!
//! The protocol (Microsoft's page "Speech Service WebSocket protocol", and what their SDK sends): a text message is headers, an empty
//! line and JSON; a binary message is the length of its headers in two bytes, big-endian, the headers, and audio. `Path`
//! says what it is, `X-RequestId` (32 hexadecimal digits) which turn it belongs to. We say `speech.config` once and `speech.context` and `audio` in
//! each turn: first the header of a WAV file, then samples, and at the end an `audio` without any. The service says `turn.start`,
//! `speech.hypothesis`, `speech.phrase` and, when the turn is over, `turn.end`. `Offset` and `Duration` are ticks of 100 ns from the beginning
//! of the turn's audio. Errors come as close frames (1007, 1011) or HTTP statuses of the upgrade. A connection lasts ten
//! minutes, and three minutes without audio.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use url::Url;

use super::clock::{AudioClock, spread};
use super::defaults;
use super::link::{Event, Life, Terms};
use super::socket::{Outbox, Protocol};
use super::why::Why;
use super::{Ids, pcm, timestamp};
use crate::key::Key;
use crate::phrases::Phrases;

/// Azure takes at most 500 phrases.
const MOST_PHRASES: usize = 500;
/// Ticks of 100 ns in a second.
const TICKS: f64 = 1e7;

/// The table of an engine whose kind is `azure`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AzureOptions {
    /// The resource's region, such as `westeurope`.
    #[serde(default)]
    pub region: String,
    /// Where the service is, if not where its region says.
    pub url: Option<Url>,
    /// A locale, such as `en-US`.
    #[serde(default = "defaults::english")]
    pub language: String,
    /// A custom model's endpoint id.
    pub endpoint_id: Option<String>,
    /// Whether the phrases of the receptionist's file are sent as hints.
    #[serde(default = "defaults::yes")]
    pub hints: bool,
    /// A PEM file of roots to trust besides the system's.
    pub root_file: Option<PathBuf>,
    /// Milliseconds that it may say nothing of the speech it is sent.
    #[serde(default = "defaults::answer_ms")]
    pub answer_ms: u64,
    /// Milliseconds that it may take after the end of a turn.
    #[serde(default = "defaults::finish_ms")]
    pub finish_ms: u64,
}

impl AzureOptions {
    pub(super) fn terms(&self, name: &str) -> Terms {
        let life = Life::Session(Duration::from_secs(600));
        Terms::talkative(name, life, self.answer_ms, self.finish_ms)
    }

    pub(super) fn url(&self) -> Result<Url, String> {
        let mut url = match &self.url {
            Some(url) => url.clone(),
            None if self.region.is_empty() => {
                return Err(
                    "needs the resource's region, such as \"westeurope\", or a url".to_owned()
                );
            }
            None => {
                let host = format!("wss://{}.stt.speech.microsoft.com", self.region);
                let path = "/speech/recognition/conversation/cognitiveservices/v1";
                Url::parse(&format!("{host}{path}")).map_err(|_| {
                    format!("region {:?} cannot be part of a host name", self.region)
                })?
            }
        };
        let mut query = url.query_pairs_mut();
        query
            .append_pair("language", &self.language)
            .append_pair("format", "detailed")
            .append_pair("wordLevelTimestamps", "true");
        if let Some(id) = &self.endpoint_id {
            query.append_pair("cid", id);
        }
        drop(query);
        Ok(url)
    }

    pub(super) fn headers(key: &Key, ids: &mut Ids) -> HeaderMap {
        let connection = HeaderValue::try_from(ids.next()).expect("hexadecimal digits are visible");
        HeaderMap::from_iter([
            (HeaderName::from_static("ocp-apim-subscription-key"), key.header("")),
            (HeaderName::from_static("x-connectionid"), connection),
        ])
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Azure {
    ids: Ids,
    /// Of the turn under way.
    request: String,
    hints: Option<Value>,
    clock: AudioClock,
    turn: Turn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    None,
    Heard,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Hypothesis {
    text: String,
    offset: f64,
    duration: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Phrase {
    recognition_status: String,
    #[serde(default)]
    offset: f64,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    display_text: String,
    #[serde(default, rename = "NBest")]
    best: Vec<Best>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Best {
    #[serde(default)]
    confidence: f64,
    #[serde(default)]
    lexical: String,
    #[serde(default)]
    words: Vec<Heard>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Heard {
    word: String,
    offset: f64,
    duration: f64,
}

impl Azure {
    pub(super) fn new(options: &AzureOptions, phrases: &Phrases, ids: Ids) -> Self {
        let items: Vec<_> = phrases
            .iter()
            .take(MOST_PHRASES)
            .map(|phrase| json!({ "Text": phrase.text }))
            .collect();
        let hints = (options.hints && !items.is_empty())
            .then(|| json!({ "dgi": { "Groups": [{ "Type": "Generic", "Items": items }] } }));
        Self { ids, request: String::new(), hints, clock: AudioClock::default(), turn: Turn::None }
    }

    fn headers(&self, path: &str, more: &str) -> String {
        let (request, now) = (&self.request, timestamp());
        format!("Path: {path}\r\nX-RequestId: {request}\r\nX-Timestamp: {now}\r\n{more}")
    }

    fn text(&self, path: &str, body: &Value) -> Message {
        let headers = self.headers(path, "Content-Type: application/json\r\n");
        Message::text(format!("{headers}\r\n{body}"))
    }

    fn binary(&self, more: &str, body: &[u8]) -> Message {
        let headers = self.headers("audio", more);
        let mut bytes = (headers.len() as u16).to_be_bytes().to_vec();
        bytes.extend_from_slice(headers.as_bytes());
        bytes.extend_from_slice(body);
        Message::Binary(Bytes::from(bytes))
    }

    fn phrase(&mut self, phrase: Phrase, told: &mut Vec<Event>) -> Result<(), Why> {
        match phrase.recognition_status.as_str() {
            "Success" => {}
            "NoMatch" | "InitialSilenceTimeout" | "BabbleTimeout" | "EndOfDictation" => {
                told.push(Event::Settled { words: Vec::new(), through: self.clock.from() });
                return Ok(());
            }
            "TooManyRequests" => return Err(Why::rate_limited()),
            status => return Err(Why::vendor(status)),
        }
        let end = (phrase.offset + phrase.duration) / TICKS;
        let at = self.clock.at(phrase.offset / TICKS)..self.clock.at(end);
        let through = at.end;
        let words = match phrase.best.into_iter().next() {
            None => spread(&phrase.display_text, at, 0.5),
            Some(best) if best.words.is_empty() => {
                spread(&best.lexical, at, best.confidence as f32)
            }
            Some(best) => {
                let word = |heard: &Heard| {
                    let end = (heard.offset + heard.duration) / TICKS;
                    self.clock.word(&heard.word, heard.offset / TICKS, end, best.confidence)
                };
                best.words.iter().map(word).collect()
            }
        };
        told.push(Event::Settled { words, through });
        Ok(())
    }
}

impl Protocol for Azure {
    const CHUNK: usize = 800;

    fn open(&mut self, out: &mut Outbox) {
        self.request = self.ids.next();
        let version = env!("CARGO_PKG_VERSION");
        let context = json!({ "context": {
            "system": { "name": "Patchcord", "version": version },
            "os": { "platform": std::env::consts::OS, "name": std::env::consts::OS, "version": "" },
        } });
        out.push(self.text("speech.config", &context));
    }

    fn begin(&mut self, from: u64, out: &mut Outbox) {
        self.request = self.ids.next();
        self.turn = Turn::Heard;
        self.clock.begin_anew(from);
        if let Some(hints) = &self.hints {
            out.push(self.text("speech.context", hints));
        }
        let mut header = audio::wav::write(&[]);
        // A stream has no length: both sizes of a WAV file are left open.
        header[4..8].fill(0);
        header[40..44].fill(0);
        out.push(self.binary("Content-Type: audio/x-wav\r\n", &header));
    }

    fn audio(&mut self, samples: &[i16], out: &mut Outbox) {
        self.clock.pass(samples.len());
        out.push(self.binary("", &pcm(samples)));
    }

    fn finish(&mut self, out: &mut Outbox) {
        out.push(self.binary("", &[]));
    }

    fn message(&mut self, message: Message, told: &mut Vec<Event>) -> Result<(), Why> {
        // Binary messages are for synthesis.
        let Message::Text(text) = message else { return Ok(()) };
        let (headers, body) = text
            .split_once("\r\n\r\n")
            .ok_or_else(|| Why::protocol("a message without headers"))?;
        let header = |name: &str| {
            headers
                .split("\r\n")
                .filter_map(|line| line.split_once(':'))
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
        };
        if self.turn == Turn::None
            || header("X-RequestId").is_none_or(|id| !id.eq_ignore_ascii_case(&self.request))
        {
            return Ok(());
        }
        match header("Path").unwrap_or_default() {
            "speech.hypothesis" | "speech.fragment" => {
                let said: Hypothesis = serde_json::from_str(body).map_err(Why::protocol)?;
                let end = self.clock.at((said.offset + said.duration) / TICKS);
                let at = self.clock.at(said.offset / TICKS)..end;
                told.push(Event::Interim(spread(&said.text, at, 0.5)));
            }
            "speech.phrase" => {
                self.phrase(serde_json::from_str(body).map_err(Why::protocol)?, told)?;
            }
            "turn.end" => {
                self.turn = Turn::None;
                told.push(Event::Finished);
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn azure() -> Azure {
        let options = toml::from_str("region = \"westeurope\"").unwrap();
        Azure::new(&options, &["dark roast"].into_iter().collect(), Ids::new(7))
    }

    #[test]
    fn a_turn_has_an_id_of_its_own_and_begins_with_a_wav_header() {
        let mut azure = azure();
        let mut out = Vec::new();
        azure.begin(0, &mut out);
        assert!(
            out[0]
                .to_text()
                .unwrap()
                .ends_with(r#"{"Items":[{"Text":"dark roast"}],"Type":"Generic"}]}}"#)
        );
        let Message::Binary(bytes) = &out[1] else { panic!("{out:?}") };
        let headers = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        assert!(bytes[2..2 + headers].ends_with(b"audio/x-wav\r\n"));
        assert_eq!((&bytes[2 + headers..][..4], bytes.len() - headers), (&b"RIFF"[..], 46));
        let first = azure.request.clone();
        azure.begin(0, &mut out);
        assert!(first.len() == 32 && azure.request != first);
    }

    #[test]
    fn words_of_another_request_are_not_ours() {
        let mut azure = azure();
        let (mut out, mut told) = (Vec::new(), Vec::new());
        azure.begin(1_000, &mut out);
        azure.audio(&[0; 8_000], &mut out);
        let body = r#"{"RecognitionStatus":"Success","Offset":1000000,"Duration":4000000,"DisplayText":"Yes."}"#;
        for (request, events) in [("0".repeat(32), 0), (azure.request.to_uppercase(), 1)] {
            let text = format!("X-RequestId:{request}\r\nPath:speech.phrase\r\n\r\n{body}");
            azure.message(Message::text(text), &mut told).unwrap();
            assert_eq!(told.len(), events);
        }
        let [Event::Settled { words, through: 5_000 }] = &told[..] else { panic!("{told:?}") };
        assert_eq!((&*words[0].text, words[0].at.clone()), ("Yes.", 1_800..5_000));
    }
}
