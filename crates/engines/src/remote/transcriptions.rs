//! OpenAI's `/audio/transcriptions`, and the many servers that have it too: whole turns as WAV files.
//!
//! From OpenAI's API reference ("Create transcription"): a `POST` of `multipart/form-data` (RFC 7578) with `file`, `model`, `language`, `prompt` and
//! `response_format`; `json` is answered with `{"text": …}`, `verbose_json` with `timestamp_granularities[]=word` also with
//! `words` that have times in seconds, which of OpenAI's models only `whisper-1` can.

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};
use url::Url;

use super::clock::{AudioClock, spread};
use super::dial::{Dialer, LONGEST_MESSAGE};
use super::link::{Event, Events, Life, Order, Places, Signs, Terms};
use super::why::Why;
use super::{Ids, prompt};
use crate::key::Key;
use crate::phrases::Phrases;

/// The table of an engine whose kind is `openai`. Other servers than OpenAI's are asked without a key, unless one is named.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TranscriptionsOptions {
    /// What stands before `/audio/transcriptions`.
    pub url: Url,
    /// The model.
    pub model: String,
    /// An ISO 639-1 code; the model guesses if it is empty.
    pub language: String,
    /// Whether the phrases of the receptionist's file are sent as a prompt.
    pub hints: bool,
    /// Whether the server can say where words lie.
    pub word_times: bool,
    /// A PEM file of roots to trust besides the system's.
    pub root_file: Option<PathBuf>,
    /// Milliseconds that it may take after the end of a turn.
    pub finish_ms: u64,
}

impl Default for TranscriptionsOptions {
    fn default() -> Self {
        Self {
            url: Url::parse(OPENAI).expect("it is a url"),
            model: "gpt-4o-mini-transcribe".to_owned(),
            language: "en".to_owned(),
            hints: true,
            word_times: false,
            root_file: None,
            finish_ms: 2_500,
        }
    }
}

const OPENAI: &str = "https://api.openai.com/v1";

impl TranscriptionsOptions {
    pub(super) fn is_openai(&self) -> bool {
        self.url.host_str() == Some("api.openai.com")
    }

    pub(super) fn terms(&self, name: &str) -> Terms {
        Terms {
            name: name.into(),
            life: Life::Turn,
            places: if self.word_times { Places::Told } else { Places::Guessed },
            signs: Signs::Answers,
            answers_within: None,
            finishes_within: Duration::from_millis(self.finish_ms),
        }
    }

    /// The form, and what its parts are kept apart by.
    fn form(&self, samples: &[i16], phrases: &Phrases) -> (Vec<u8>, String) {
        let boundary = Ids::random().next();
        let mut form = Vec::new();
        let mut field = |name: &str, value: &[u8], more: &str| {
            let head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n"
            );
            form.extend_from_slice(head.as_bytes());
            form.extend_from_slice(value);
            form.extend_from_slice(b"\r\n");
        };
        field("model", self.model.as_bytes(), "");
        if !self.language.is_empty() {
            field("language", self.language.as_bytes(), "");
        }
        if let Some(prompt) = self.hints.then(|| prompt(phrases)).flatten() {
            field("prompt", prompt.as_bytes(), "");
        }
        if self.word_times {
            field("response_format", b"verbose_json", "");
            field("timestamp_granularities[]", b"word", "");
        } else {
            field("response_format", b"json", "");
        }
        let file = "; filename=\"turn.wav\"\r\nContent-Type: audio/wav";
        field("file", &audio::wav::write(samples), file);
        form.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (form, boundary)
    }
}

#[derive(Deserialize)]
struct Said {
    text: String,
    #[serde(default)]
    words: Vec<Heard>,
}

#[derive(Deserialize)]
struct Heard {
    word: String,
    start: f64,
    end: f64,
}

/// Collects a turn and has it transcribed.
pub(super) async fn run(
    options: TranscriptionsOptions,
    key: Option<Key>,
    phrases: Phrases,
    dialer: Dialer,
    mut orders: mpsc::Receiver<Order>,
    events: Events,
) -> Result<(), Why> {
    // While the caller speaks there is time to connect.
    let stream = TokioIo::new(dialer.connect().await?);
    let (mut sender, connection) = handshake(stream).await.map_err(|error| broken(&error))?;
    events.tell(Event::Open).await;
    let (mut clock, mut samples) = (AudioClock::default(), Vec::new());
    tokio::pin!(connection);
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                None => return Ok(()),
                Some(Order::Begin(from)) => clock.begin_anew(from),
                Some(Order::Audio(more)) => {
                    clock.pass(more.len());
                    samples.extend(more);
                }
                Some(Order::Finish) => break,
            },
            ended = &mut connection => return Err(ended.err().map_or_else(
                || Why::Closed(String::new()),
                |error| broken(&error),
            )),
        }
    }
    let request = request(&options, key.as_ref(), &samples, &phrases)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let (head, body) = response.into_parts();
        events.tell(Event::Alive).await;
        if !head.status.is_success() {
            return Err(Why::status(head.status, &head.headers));
        }
        Limited::new(body, LONGEST_MESSAGE).collect().await.map_err(Why::protocol)
    };
    tokio::pin!(answer);
    let body = tokio::select! {
        biased;
        body = &mut answer => body?,
        // The last of an answer may have come with the end of the connection.
        _ = &mut connection => answer.await?,
    };
    let body = body.to_bytes();
    let said: Said = serde_json::from_slice(&body).map_err(Why::protocol)?;
    let words = if said.words.is_empty() {
        spread(&said.text, clock.from()..clock.through(), 0.9)
    } else {
        said.words.iter().map(|word| clock.word(&word.word, word.start, word.end, 0.9)).collect()
    };
    events.tell(Event::Settled { words, through: clock.through() }).await;
    events.tell(Event::Finished).await;
    Ok(())
}

fn request(
    options: &TranscriptionsOptions,
    key: Option<&Key>,
    samples: &[i16],
    phrases: &Phrases,
) -> Result<Request<Full<Bytes>>, Why> {
    let (form, boundary) = options.form(samples, phrases);
    let (path, host) = (options.url.path().trim_end_matches('/'), options.url.authority());
    // What the URL says of a user is not for the host.
    let host = host.rsplit('@').next().unwrap_or_default();
    let kind = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
    let mut request = Request::post(format!("{path}/audio/transcriptions"))
        .header(HOST, host)
        .header(CONTENT_TYPE, kind.expect("hexadecimal digits are visible"))
        .body(Full::new(Bytes::from(form)))
        .map_err(Why::protocol)?;
    if let Some(key) = key {
        request.headers_mut().insert(AUTHORIZATION, key.header("Bearer "));
    }
    Ok(request)
}

fn broken(error: &hyper::Error) -> Why {
    if error.is_parse() { Why::protocol(error) } else { Why::Broken(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_all_parts_and_ends() {
        let options =
            TranscriptionsOptions { word_times: true, ..TranscriptionsOptions::default() };
        let (form, boundary) = options.form(&[0; 160], &["dark roast"].into_iter().collect());
        let text = String::from_utf8_lossy(&form);
        for part in [
            "name=\"model\"\r\n\r\ngpt-4o-mini-transcribe",
            "\r\n\r\ndark roast",
            "\r\n\r\nRIFF",
            "verbose_json",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.ends_with(&format!("\r\n--{boundary}--\r\n")));
    }

    #[test]
    fn the_request_goes_below_the_url() {
        let url = Url::parse("http://127.0.0.1:8000/v1/").unwrap();
        let options = TranscriptionsOptions { url, ..TranscriptionsOptions::default() };
        let request = request(&options, Some(&Key::from("k")), &[], &Phrases::default()).unwrap();
        assert_eq!(request.uri(), "/v1/audio/transcriptions");
        assert_eq!(request.headers()[HOST], "127.0.0.1:8000");
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer k");
    }
}
