//! OpenAI's realtime transcription, and servers that speak it: `wss://api.openai.com/v1/realtime?intent=transcription`.
//!
//! From OpenAI's documentation (developers.openai.com, "Realtime transcription" and the reference of client and server events):
//! everything is JSON in text messages. `session.update` chooses the model, mu-law (`audio/pcmu`) and no turn
//! detection; `input_audio_buffer.append` brings audio in base64 and is not answered; `input_audio_buffer.commit` ends a turn and is answered with
//! `input_audio_buffer.committed`, whose `item_id` names the item that `conversation.item.input_audio_transcription.delta`,
//! `.completed` and `.failed` then speak of. A buffer under 100 ms cannot be committed. `error` is an event of its own. A session ends after
//! 60 minutes. Words have no places.
//!
//! The shape before August 2025, which other servers still speak and OpenAI switched off in May 2026, has
//! `transcription_session.update` in place of `session.update`: `dialect = "beta"`.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::clock::{AudioClock, spread};
use super::link::{Event, Life, Places, Signs, Terms};
use super::socket::{Outbox, Protocol};
use super::why::Why;
use super::{mulaw, prompt};
use crate::key::Key;
use crate::phrases::Phrases;

/// Samples that a buffer must have to be committed: 100 ms.
const LEAST: u64 = 800;

/// The table of an engine whose kind is `openai-realtime`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RealtimeOptions {
    /// Where the service is.
    pub url: Url,
    /// The model: `gpt-live-transcribe` and `gpt-realtime-whisper` tell words while the caller speaks, `gpt-4o-transcribe`
    /// only after the turn.
    pub model: String,
    /// An ISO 639-1 code; the model guesses if it is empty.
    pub language: String,
    /// The shape of the messages.
    pub dialect: Dialect,
    /// Whether the phrases of the receptionist's file are sent as a prompt.
    pub hints: bool,
    /// A PEM file of roots to trust besides the system's.
    pub root_file: Option<PathBuf>,
    /// Milliseconds that it may take after the end of a turn.
    pub finish_ms: u64,
}

/// The shape of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `session.update` with `type: "transcription"`, as OpenAI speaks since August 2025.
    Ga,
    /// `transcription_session.update`, as before.
    Beta,
}

impl Default for RealtimeOptions {
    fn default() -> Self {
        Self {
            url: Url::parse("wss://api.openai.com/v1/realtime?intent=transcription")
                .expect("it is a url"),
            model: "gpt-live-transcribe".to_owned(),
            language: "en".to_owned(),
            dialect: Dialect::Ga,
            hints: true,
            root_file: None,
            finish_ms: 1_500,
        }
    }
}

impl RealtimeOptions {
    pub(super) fn terms(&self, name: &str) -> Terms {
        Terms {
            name: name.into(),
            life: Life::Session(Duration::from_secs(3600)),
            places: Places::Guessed,
            signs: Signs::Always,
            answers_within: None,
            finishes_within: Duration::from_millis(self.finish_ms),
        }
    }

    pub(super) fn headers(&self, key: &Key) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, key.header("Bearer "))]);
        if self.dialect == Dialect::Beta {
            let beta = HeaderName::from_static("openai-beta");
            headers.insert(beta, HeaderValue::from_static("realtime=v1"));
        }
        headers
    }

    fn session(&self, phrases: &Phrases) -> String {
        let mut transcription = json!({ "model": self.model });
        if !self.language.is_empty() {
            transcription["language"] = self.language.as_str().into();
        }
        if let Some(prompt) = self.hints.then(|| prompt(phrases)).flatten() {
            transcription["prompt"] = prompt.into();
        }
        let update = match self.dialect {
            Dialect::Ga => json!({
                "type": "session.update",
                "session": {
                    "type": "transcription",
                    "audio": { "input": {
                        "format": { "type": "audio/pcmu" },
                        "transcription": transcription,
                        "turn_detection": null,
                    } },
                },
            }),
            Dialect::Beta => json!({
                "type": "transcription_session.update",
                "session": {
                    "input_audio_format": "g711_ulaw",
                    "input_audio_transcription": transcription,
                    "turn_detection": null,
                },
            }),
        };
        update.to_string()
    }
}

/// One session.
#[derive(Debug)]
pub(super) struct Realtime {
    update: String,
    clock: AudioClock,
    turn: Turn,
    /// What the item of this turn has been transcribed as so far.
    text: String,
    /// Items of earlier turns, the last of them.
    past: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Turn {
    None,
    Heard,
    /// Committed, and which item that became.
    Finishing,
    Committed(String),
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    item_id: String,
    #[serde(default)]
    delta: String,
    #[serde(default)]
    transcript: String,
    #[serde(default)]
    error: Trouble,
}

#[derive(Default, Deserialize)]
struct Trouble {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

impl Trouble {
    fn why(&self) -> Why {
        match self.code.as_deref() {
            Some(code) if code.starts_with("rate_limit") => Why::rate_limited(),
            Some("invalid_api_key") => Why::Refused { status: 401 },
            _ => Why::vendor(self.message.as_deref().unwrap_or("an error without a message")),
        }
    }
}

impl Realtime {
    pub(super) fn new(options: &RealtimeOptions, phrases: &Phrases) -> Self {
        let (clock, text) = (AudioClock::default(), String::new());
        Self { update: options.session(phrases), clock, turn: Turn::None, text, past: None }
    }

    /// Whether an event about `item` is one about this turn.
    fn concerns(&self, item: &str) -> bool {
        match &self.turn {
            Turn::None => false,
            Turn::Heard | Turn::Finishing => self.past.as_deref() != Some(item),
            Turn::Committed(ours) => ours == item,
        }
    }

    fn end(&mut self, item: String, text: &str, told: &mut Vec<Event>) {
        let (from, through) = (self.clock.from(), self.clock.through());
        told.push(Event::Settled { words: spread(text, from..through, 0.9), through });
        self.past = Some(item);
        self.turn = Turn::None;
        told.push(Event::Finished);
    }
}

impl Protocol for Realtime {
    const CHUNK: usize = 480;

    fn open(&mut self, out: &mut Outbox) {
        out.push(Message::text(std::mem::take(&mut self.update)));
    }

    fn begin(&mut self, from: u64, _: &mut Outbox) {
        self.clock.begin_anew(from);
        self.text.clear();
        self.turn = Turn::Heard;
    }

    fn audio(&mut self, samples: &[i16], out: &mut Outbox) {
        self.clock.pass(samples.len());
        let audio = STANDARD.encode(mulaw(samples));
        let append = json!({ "type": "input_audio_buffer.append", "audio": audio });
        out.push(Message::text(append.to_string()));
    }

    fn finish(&mut self, out: &mut Outbox) {
        let sent = self.clock.through() - self.clock.from();
        if sent < LEAST {
            self.audio(&vec![0; (LEAST - sent) as usize], out);
        }
        self.turn = Turn::Finishing;
        out.push(Message::text(r#"{"type":"input_audio_buffer.commit"}"#));
    }

    fn message(&mut self, message: Message, told: &mut Vec<Event>) -> Result<(), Why> {
        let text = message.to_text().map_err(Why::protocol)?;
        let said: Said = serde_json::from_str(text).map_err(Why::protocol)?;
        let kind = said.kind.strip_prefix("conversation.item.input_audio_transcription.");
        match kind.unwrap_or(&said.kind) {
            "input_audio_buffer.committed" if self.turn == Turn::Finishing => {
                self.turn = Turn::Committed(said.item_id);
            }
            "delta" if self.concerns(&said.item_id) => {
                self.text.push_str(&said.delta);
                let at = self.clock.from()..self.clock.through();
                told.push(Event::Interim(spread(&self.text, at, 0.7)));
            }
            "completed" if self.concerns(&said.item_id) && self.turn != Turn::Heard => {
                self.end(said.item_id, &said.transcript, told);
            }
            "failed" if self.concerns(&said.item_id) => return Err(said.error.why()),
            "error" => return Err(said.error.why()),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_asked_for_in_both_dialects() {
        let phrases: Phrases = ["dark roast"].into_iter().collect();
        let options = RealtimeOptions::default();
        let update = options.session(&phrases);
        assert!(
            update.contains(r#""type":"audio/pcmu""#) && update.contains("dark roast"),
            "{update}"
        );
        assert!(options.headers(&Key::from("k")).get("openai-beta").is_none());
        let options = RealtimeOptions { dialect: Dialect::Beta, ..options };
        let update = options.session(&phrases);
        assert!(update.contains(r#""input_audio_format":"g711_ulaw""#), "{update}");
        assert_eq!(options.headers(&Key::from("k"))["openai-beta"], "realtime=v1");
    }

    #[test]
    fn a_transcript_told_twice_counts_once() {
        let mut session = Realtime::new(&RealtimeOptions::default(), &Phrases::default());
        let (mut out, mut told) = (Vec::new(), Vec::new());
        let mut say = |session: &mut Realtime, kind: &str, item: &str, text: &str| {
            let said = json!({ "type": kind, "item_id": item, "transcript": text, "delta": text });
            session.message(Message::text(said.to_string()), &mut told).unwrap();
            std::mem::take(&mut told)
        };
        let completed = "conversation.item.input_audio_transcription.completed";
        session.begin(0, &mut out);
        session.audio(&[0; 8_000], &mut out);
        session.finish(&mut out);
        assert!(say(&mut session, "input_audio_buffer.committed", "a", "").is_empty());
        assert!(say(&mut session, completed, "z", "not ours").is_empty());
        assert!(matches!(
            &say(&mut session, completed, "a", "yes")[..],
            [Event::Settled { .. }, Event::Finished]
        ));
        session.begin(8_000, &mut out);
        session.audio(&[0; 8_000], &mut out);
        session.finish(&mut out);
        assert!(say(&mut session, completed, "a", "yes").is_empty());
        assert_eq!(say(&mut session, completed, "b", "no").len(), 2);
    }
}
