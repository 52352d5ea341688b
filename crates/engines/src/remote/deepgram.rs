//! Deepgram: `wss://api.deepgram.com/v1/listen`.
//!
//! From Deepgram's documentation (developers.deepgram.com/docs): audio goes in binary messages, commands and results are
//! JSON in text messages. `KeepAlive` at least every 10 s while nothing is sent, else the server closes with `NET-0001`
//! ("Audio Keep Alive"); `Finalize` has everything sent so far made final, and what follows from it is marked
//! `from_finalize`, though not always ("Finalize"); `CloseStream` ends the stream ("Close Stream"). Times are seconds of
//! audio since the stream began. Interim results come about once a second ("Utterance End"). Hints are `keyterm` for nova-3 and later,
//! `keywords` with a weight before ("Keyterm Prompting", "Keywords").

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use tokio_tungstenite::tungstenite::http::HeaderMap;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use url::Url;

use super::clock::AudioClock;
use super::link::{Event, Life, Terms};
use super::mulaw;
use super::socket::{Outbox, Protocol};
use super::why::Why;
use crate::key::Key;
use crate::phrases::Phrases;

/// Deepgram takes at most 500 tokens of keyterms; a hundred phrases stay below.
const MOST_KEYTERMS: usize = 100;
/// A final result that ends this close to the end of the audio has all of it: 60 ms.
const NEARLY: u64 = 480;

/// The table of an engine whose kind is `deepgram`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeepgramOptions {
    /// Where the service is.
    pub url: Url,
    /// The model: `nova-3`, or one of theirs or yours.
    pub model: String,
    /// A BCP 47 tag, or `multi`.
    pub language: String,
    /// Milliseconds of silence after which Deepgram settles the words; 0 switches that off. Turns are ended by the local
    /// voice activity, whatever stands here.
    pub endpointing_ms: u32,
    /// Punctuation, and numbers, dates and money as digits.
    pub smart_format: bool,
    /// Whether the phrases of the receptionist's file are sent as hints.
    pub hints: bool,
    /// Whether Deepgram may keep the audio to improve its models.
    pub improve_models: bool,
    /// A PEM file of roots to trust besides the system's.
    pub root_file: Option<PathBuf>,
    /// Milliseconds that it may say nothing of the speech it is sent.
    pub answer_ms: u64,
    /// Milliseconds that it may take after the end of a turn.
    pub finish_ms: u64,
}

impl Default for DeepgramOptions {
    fn default() -> Self {
        Self {
            url: Url::parse("wss://api.deepgram.com/v1/listen").expect("it is a url"),
            model: "nova-3".to_owned(),
            language: "en-US".to_owned(),
            endpointing_ms: 300,
            smart_format: false,
            hints: true,
            improve_models: false,
            root_file: None,
            answer_ms: 1_600,
            finish_ms: 800,
        }
    }
}

impl DeepgramOptions {
    pub(super) fn terms(&self, name: &str) -> Terms {
        // A stream may last as long as it is fed; an hour is the age after which load balancers get impatient.
        let life = Life::Session(Duration::from_secs(3600));
        Terms::talkative(name, life, self.answer_ms, self.finish_ms)
    }

    pub(super) fn url(&self, phrases: &Phrases) -> Url {
        let mut url = self.url.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("model", &self.model)
            .append_pair("language", &self.language)
            .append_pair("encoding", "mulaw")
            .append_pair("sample_rate", "8000")
            .append_pair("channels", "1")
            .append_pair("interim_results", "true")
            .append_pair("smart_format", if self.smart_format { "true" } else { "false" });
        match self.endpointing_ms {
            0 => query.append_pair("endpointing", "false"),
            after => query.append_pair("endpointing", &after.to_string()),
        };
        if !self.improve_models {
            query.append_pair("mip_opt_out", "true");
        }
        if self.hints {
            let old = self.model.starts_with("nova-2") || self.model.starts_with("base");
            for phrase in phrases.iter().filter(|phrase| phrase.weight > 0.0).take(MOST_KEYTERMS) {
                if old {
                    query.append_pair("keywords", &format!("{}:{}", phrase.text, phrase.weight));
                } else {
                    query.append_pair("keyterm", &phrase.text);
                }
            }
        }
        drop(query);
        url
    }

    pub(super) fn headers(key: &Key) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, key.header("Token "))])
    }
}

/// One stream.
#[derive(Debug, Default)]
pub(super) struct Deepgram {
    clock: AudioClock,
    turn: Turn,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Turn {
    #[default]
    None,
    Heard,
    Finishing,
}

/// Everything that the server says.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Said {
    Results(Results),
    Error {
        #[serde(default, alias = "message")]
        description: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Results {
    start: f64,
    duration: f64,
    #[serde(default)]
    is_final: bool,
    #[serde(default)]
    from_finalize: bool,
    channel: Channel,
}

#[derive(Deserialize)]
struct Channel {
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize)]
struct Alternative {
    #[serde(default)]
    words: Vec<Heard>,
}

#[derive(Deserialize)]
struct Heard {
    word: String,
    punctuated_word: Option<String>,
    start: f64,
    end: f64,
    #[serde(default)]
    confidence: f64,
}

impl Protocol for Deepgram {
    const CHUNK: usize = 320;

    fn open(&mut self, _: &mut Outbox) {}

    fn begin(&mut self, from: u64, _: &mut Outbox) {
        self.clock.begin(from);
        self.turn = Turn::Heard;
    }

    fn audio(&mut self, samples: &[i16], out: &mut Outbox) {
        self.clock.pass(samples.len());
        out.push(Message::Binary(Bytes::from(mulaw(samples))));
    }

    fn finish(&mut self, out: &mut Outbox) {
        self.turn = Turn::Finishing;
        out.push(Message::text(r#"{"type":"Finalize"}"#));
    }

    fn keep_alive(&mut self, out: &mut Outbox) {
        out.push(Message::text(r#"{"type":"KeepAlive"}"#));
    }

    fn close(&mut self, out: &mut Outbox) {
        out.push(Message::text(r#"{"type":"CloseStream"}"#));
    }

    fn message(&mut self, message: Message, told: &mut Vec<Event>) -> Result<(), Why> {
        let text = message.to_text().map_err(Why::protocol)?;
        match serde_json::from_str(text).map_err(Why::protocol)? {
            Said::Results(results) => self.results(results, told),
            Said::Error { description } => return Err(Why::vendor(&description)),
            Said::Other => {}
        }
        Ok(())
    }
}

impl Deepgram {
    fn results(&mut self, results: Results, told: &mut Vec<Event>) {
        let end = results.start + results.duration;
        // What belongs to an earlier turn was told, or its turn went elsewhere. An empty answer to `Finalize` has no length.
        if self.turn == Turn::None || (self.clock.is_before(end) && !results.from_finalize) {
            return;
        }
        let heard = results.channel.alternatives.into_iter().next();
        let words = heard.into_iter().flat_map(|heard| heard.words).map(|heard| {
            let text = heard.punctuated_word.as_deref().unwrap_or(&heard.word);
            self.clock.word(text, heard.start, heard.end, heard.confidence)
        });
        let words = words.collect();
        if !results.is_final {
            told.push(Event::Interim(words));
            return;
        }
        let through = self.clock.at(end);
        told.push(Event::Settled { words, through });
        let complete = results.from_finalize || through + NEARLY >= self.clock.through();
        if self.turn == Turn::Finishing && complete {
            self.turn = Turn::None;
            told.push(Event::Finished);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_has_the_hints_and_never_the_key() {
        let options = DeepgramOptions { endpointing_ms: 0, ..DeepgramOptions::default() };
        let phrases: Phrases = ["dark roast", "mocha & milk"].into_iter().collect();
        let url = options.url(&phrases);
        assert_eq!(
            url.as_str(),
            "wss://api.deepgram.com/v1/listen?model=nova-3&language=en-US&encoding=mulaw&sample_rate=8000&channels=1\
             &interim_results=true&smart_format=false&endpointing=false&mip_opt_out=true&keyterm=dark+roast\
             &keyterm=mocha+%26+milk"
        );
        let headers = DeepgramOptions::headers(&Key::from("hunter2"));
        assert_eq!(headers[AUTHORIZATION], "Token hunter2");
        assert!(!format!("{headers:?}").contains("hunter2"));
    }

    #[test]
    fn results_of_an_earlier_turn_are_not_taken_for_this_one() {
        let mut stream = Deepgram::default();
        let (mut out, mut told) = (Vec::new(), Vec::new());
        stream.begin(0, &mut out);
        stream.audio(&[0; 8_000], &mut out);
        stream.begin(50_000, &mut out);
        stream.audio(&[0; 8_000], &mut out);
        let result = |start: f64| {
            let word = format!(r#"{{"word":"yes","start":{start},"end":{}}}"#, start + 0.2);
            Message::text(format!(
                r#"{{"type":"Results","start":{start},"duration":0.5,"is_final":true,"channel":{{"alternatives":[{{"words":[{word}]}}]}}}}"#
            ))
        };
        stream.message(result(0.1), &mut told).unwrap();
        assert_eq!(told, []);
        stream.message(result(1.1), &mut told).unwrap();
        let [Event::Settled { words, through }] = &told[..] else { panic!("{told:?}") };
        assert_eq!((words[0].at.clone(), *through), (50_800..52_400, 54_800));
    }
}
