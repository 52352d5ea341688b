//! The Vosk server, which many put beside their Asterisk: `ws://127.0.0.1:2700`.
//!
//! From its sources (github.com/alphacep/vosk-server, `websocket/asr_server.py`): a first text message
//! `{"config": {"sample_rate": …, "words": true, "phrase_list": […]}}`; 16-bit PCM in binary messages, each answered with
//! `{"partial": …}` or, at a silence, `{"result": [{"word", "start", "end", "conf"}], "text"}`; `{"eof" : 1}`, written with exactly these
//! blanks, is answered with a last result, and the server closes. So a connection serves one turn. `phrase_list` is no hint: the server then hears nothing else, if
//! the model allows that at all; it is sent only if asked for.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use url::Url;

use super::clock::{AudioClock, spread};
use super::link::{Event, Life, Terms};
use super::pcm;
use super::socket::{Outbox, Protocol, ended};
use super::why::Why;
use crate::phrases::Phrases;

/// The table of an engine whose kind is `vosk`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VoskOptions {
    /// Where the server is.
    pub url: Url,
    /// Whether nothing but the phrases of the receptionist's file can be heard. It needs a model with a dynamic graph.
    pub only_phrases: bool,
    /// A PEM file of roots to trust besides the system's.
    pub root_file: Option<PathBuf>,
    /// Milliseconds that it may say nothing of the speech it is sent.
    pub answer_ms: u64,
    /// Milliseconds that it may take after the end of a turn.
    pub finish_ms: u64,
}

impl Default for VoskOptions {
    fn default() -> Self {
        Self {
            url: Url::parse("ws://127.0.0.1:2700").expect("it is a url"),
            only_phrases: false,
            root_file: None,
            answer_ms: 800,
            finish_ms: 800,
        }
    }
}

impl VoskOptions {
    pub(super) fn terms(&self, name: &str) -> Terms {
        let life = Life::Turn;
        Terms::talkative(name, life, self.answer_ms, self.finish_ms)
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Vosk {
    config: String,
    clock: AudioClock,
    /// Messages that the server has not answered.
    owed: u64,
    stage: Stage,
    /// Where the settled words end.
    settled: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Hearing,
    Finishing,
    Finished,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Result { result: Vec<Heard> },
    Text { text: String },
    Partial { partial: String },
}

#[derive(Deserialize)]
struct Heard {
    word: String,
    start: f64,
    end: f64,
    #[serde(default)]
    conf: f64,
}

impl Vosk {
    pub(super) fn new(options: &VoskOptions, phrases: &Phrases) -> Self {
        let mut config = json!({ "sample_rate": audio::SAMPLE_RATE, "words": true });
        if options.only_phrases && !phrases.is_empty() {
            let mut list: Vec<_> =
                phrases.iter().map(|phrase| phrase.text.to_lowercase()).collect();
            list.push("[unk]".to_owned());
            config["phrase_list"] = list.into();
        }
        let config = json!({ "config": config }).to_string();
        Self { config, clock: AudioClock::default(), owed: 0, stage: Stage::Hearing, settled: 0 }
    }
}

impl Protocol for Vosk {
    const CHUNK: usize = 800;

    fn open(&mut self, out: &mut Outbox) {
        out.push(Message::text(std::mem::take(&mut self.config)));
    }

    fn begin(&mut self, from: u64, _: &mut Outbox) {
        self.clock.begin_anew(from);
        self.settled = from;
    }

    fn audio(&mut self, samples: &[i16], out: &mut Outbox) {
        self.clock.pass(samples.len());
        self.owed += 1;
        out.push(Message::Binary(Bytes::from(pcm(samples))));
    }

    fn finish(&mut self, out: &mut Outbox) {
        self.stage = Stage::Finishing;
        self.owed += 1;
        out.push(Message::text(r#"{"eof" : 1}"#));
    }

    fn message(&mut self, message: Message, told: &mut Vec<Event>) -> Result<(), Why> {
        let text = message.to_text().map_err(Why::protocol)?;
        match serde_json::from_str(text).map_err(Why::protocol)? {
            // It does not say where a partial's words lie.
            Said::Partial { partial } => {
                told.push(Event::Interim(spread(
                    &partial,
                    self.settled..self.clock.through(),
                    0.5,
                )));
            }
            Said::Result { result } => {
                let word = |heard: &Heard| {
                    self.clock.word(&heard.word, heard.start, heard.end, heard.conf)
                };
                let words: Vec<_> = result.iter().map(word).collect();
                self.settled = words.last().map_or(self.settled, |word| word.at.end);
                told.push(Event::Settled { words, through: self.settled });
            }
            // There was no word, or this server does not say where they lie.
            Said::Text { text } => {
                let words = spread(&text, self.settled..self.clock.through(), 0.5);
                self.settled = words.last().map_or(self.settled, |word| word.at.end);
                told.push(Event::Settled { words, through: self.settled });
            }
        }
        self.owed = self.owed.saturating_sub(1);
        if self.stage == Stage::Finishing && self.owed == 0 {
            self.stage = Stage::Finished;
            told.push(Event::Finished);
        }
        Ok(())
    }

    fn closed(&mut self, frame: Option<CloseFrame>) -> Result<Event, Why> {
        match self.stage {
            Stage::Finished => Ok(Event::Alive),
            Stage::Hearing | Stage::Finishing => Err(ended(frame)),
        }
    }
}
