//! Amazon Transcribe: `wss://transcribestreaming.REGION.amazonaws.com:8443/stream-transcription-websocket`.
//!
//! From the developer guide ("Setting up streaming transcription", "Event stream encoding"): the upgrade request is signed in its
//! query, and after it binary messages in the event stream encoding go both ways, unsigned: we send `AudioEvent`s with 16-bit PCM, the
//! last of them empty; `TranscriptEvent`s come back, with `IsPartial` and items that have times in seconds, or an exception.
//! Then the server closes, so a stream serves one turn. 15 s without audio end it ("Transcribe quotas": 4 hours at most).
//! Phrases cannot be sent along: a vocabulary has to be made beforehand and is named here.

use std::path::PathBuf;

use serde::Deserialize;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use url::Url;

use super::clock::AudioClock;
use super::config::AwsKeys;
use super::defaults;
use super::event_stream::{self, Frame};
use super::link::{Event, Life, Terms};
use super::pcm;
use super::sigv4::presign;
use super::socket::{Outbox, Protocol, ended};
use super::utc::Utc;
use super::why::Why;

/// The table of an engine whose kind is `aws`. Its keys are read from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if it is
/// set, `AWS_SESSION_TOKEN`, or from the variables that `access_key_id_env`, `key_env` (or `key_file`) and
/// `session_token_env` name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsOptions {
    /// The region, such as `eu-west-1`.
    pub region: String,
    /// Where the service is, if not where its region says.
    pub url: Option<Url>,
    /// A locale, such as `en-US`.
    #[serde(default = "defaults::english")]
    pub language: String,
    /// The name of a custom vocabulary.
    pub vocabulary: Option<String>,
    /// The name of a custom language model.
    pub language_model: Option<String>,
    /// A PEM file of roots to trust besides the system's.
    pub root_file: Option<PathBuf>,
    /// Milliseconds that it may say nothing of the speech it is sent.
    #[serde(default = "defaults::answer_ms")]
    pub answer_ms: u64,
    /// Milliseconds that it may take after the end of a turn.
    #[serde(default = "defaults::finish_ms")]
    pub finish_ms: u64,
}

impl AwsOptions {
    pub(super) fn terms(&self, name: &str) -> Terms {
        let life = Life::Turn;
        Terms::talkative(name, life, self.answer_ms, self.finish_ms)
    }

    /// Where the service is, unsigned.
    pub(super) fn url(&self) -> Result<Url, String> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let host = format!("transcribestreaming.{}.amazonaws.com:8443", self.region);
        Url::parse(&format!("wss://{host}/stream-transcription-websocket"))
            .map_err(|_| format!("region {:?} cannot be part of a host name", self.region))
    }

    /// The same, signed for five minutes from `now` on.
    pub(super) fn signed(&self, url: &Url, keys: &AwsKeys, now: &Utc) -> Url {
        let mut parameters = vec![
            ("enable-partial-results-stabilization", "true"),
            ("language-code", &self.language),
            ("media-encoding", "pcm"),
            ("partial-results-stability", "high"),
            ("sample-rate", "8000"),
        ];
        parameters.extend(self.vocabulary.as_deref().map(|name| ("vocabulary-name", name)));
        parameters.extend(self.language_model.as_deref().map(|name| ("language-model-name", name)));
        presign(url, &parameters, keys, &self.region, "transcribe", now)
    }
}

/// One stream.
#[derive(Debug, Default)]
pub(super) struct Transcribe {
    clock: AudioClock,
    finishing: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    transcript: Transcript,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transcript {
    results: Vec<Outcome>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome {
    end_time: f64,
    is_partial: bool,
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alternative {
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    content: String,
    start_time: f64,
    end_time: f64,
    #[serde(rename = "Type")]
    kind: String,
    confidence: Option<f64>,
}

impl Transcribe {
    fn transcript(&self, payload: &[u8], told: &mut Vec<Event>) -> Result<(), Why> {
        let said: Said = serde_json::from_slice(payload).map_err(Why::protocol)?;
        if said.transcript.results.is_empty() {
            told.push(Event::Interim(Vec::new()));
        }
        for outcome in said.transcript.results {
            let items = outcome.alternatives.into_iter().next().map(|best| best.items);
            let words = items
                .into_iter()
                .flatten()
                .filter(|item| item.kind == "pronunciation")
                .map(|item| {
                    let confidence = item.confidence.unwrap_or(0.5);
                    self.clock.word(&item.content, item.start_time, item.end_time, confidence)
                })
                .collect();
            told.push(if outcome.is_partial {
                Event::Interim(words)
            } else {
                Event::Settled { words, through: self.clock.at(outcome.end_time) }
            });
        }
        Ok(())
    }
}

impl Protocol for Transcribe {
    const CHUNK: usize = 800;

    fn open(&mut self, _: &mut Outbox) {}

    fn begin(&mut self, from: u64, _: &mut Outbox) {
        self.clock.begin_anew(from);
    }

    fn audio(&mut self, samples: &[i16], out: &mut Outbox) {
        self.clock.pass(samples.len());
        out.push(Message::Binary(Bytes::from(event_stream::audio(&pcm(samples)))));
    }

    fn finish(&mut self, out: &mut Outbox) {
        self.finishing = true;
        out.push(Message::Binary(Bytes::from(event_stream::audio(&[]))));
    }

    fn message(&mut self, message: Message, told: &mut Vec<Event>) -> Result<(), Why> {
        let bytes = message.into_data();
        let frame = Frame::parse(&bytes).map_err(Why::protocol)?;
        match (frame.header(":message-type"), frame.header(":event-type")) {
            (Some("event"), Some("TranscriptEvent")) => self.transcript(frame.payload, told),
            (Some("event"), _) => Ok(()),
            _ => {
                let kind = frame.header(":exception-type").or(frame.header(":error-code"));
                Err(match kind.unwrap_or("an error without a name") {
                    "LimitExceededException" | "ThrottlingException" => Why::rate_limited(),
                    "UnrecognizedClientException" | "AccessDeniedException" => {
                        Why::Refused { status: 403 }
                    }
                    kind => {
                        Why::vendor(&format!("{kind} {}", String::from_utf8_lossy(frame.payload)))
                    }
                })
            }
        }
    }

    fn closed(&mut self, frame: Option<CloseFrame>) -> Result<Event, Why> {
        match &frame {
            Some(close) if close.code != CloseCode::Normal => Err(ended(frame)),
            _ if self.finishing => Ok(Event::Finished),
            _ => Err(ended(frame)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_become_words_and_exceptions_reasons() {
        let mut stream = Transcribe::default();
        let (mut out, mut told) = (Vec::new(), Vec::new());
        stream.begin(1_000, &mut out);
        stream.audio(&[0; 8_000], &mut out);
        let json = br#"{"Transcript":{"Results":[{"EndTime":0.9,"IsPartial":false,"StartTime":0.1,"Alternatives":[{"Items":[
            {"Content":"yes","StartTime":0.1,"EndTime":0.5,"Type":"pronunciation","Confidence":0.75},
            {"Content":".","StartTime":0.5,"EndTime":0.5,"Type":"punctuation"}]}]}]}}"#;
        let event = [(":message-type", "event"), (":event-type", "TranscriptEvent")];
        let message = Message::binary(event_stream::frame(&event, json));
        stream.message(message, &mut told).unwrap();
        let [Event::Settled { words, through: 8_200 }] = &told[..] else { panic!("{told:?}") };
        assert_eq!(
            (words.len(), words[0].at.clone(), words[0].confidence),
            (1, 1_800..5_000, 0.75)
        );
        let exception =
            [(":message-type", "exception"), (":exception-type", "LimitExceededException")];
        let message = Message::binary(event_stream::frame(&exception, b"{}"));
        assert_eq!(stream.message(message, &mut told), Err(Why::rate_limited()));
    }
}
