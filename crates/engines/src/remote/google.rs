//! Google Cloud Speech: `google.cloud.speech.v1.Speech/StreamingRecognize`, gRPC.
//!
//! From Google's `cloud_speech.proto` (version 1) and "Quotas and limits": the first message of a stream is its configuration, all others
//! are audio, at most 25 KB each; a stream ends after 305 s. Each turn is a stream of its own on one HTTP/2
//! connection: when we end our half, the last results come and then the status. An answer holds at most one final result,
//! and behind it interim ones, which belong one after the other. Only final results have word times.
//! gRPC over HTTP/2 ("PROTOCOL-HTTP2.md" in grpc/grpc): each message has a byte for compression and its length in four; the
//! status is in the trailers.

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::http::header::{CONTENT_TYPE, TE};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use url::Url;

use super::clock::{AudioClock, spread};
use super::dial::{Dialer, LONGEST_MESSAGE};
use super::google_messages as wire;
use super::link::{Event, Events, Life, Order, Signs, Terms};
use super::mulaw;
use super::why::Why;
use crate::key::Key;
use crate::phrases::Phrases;

const METHOD: &str = "/google.cloud.speech.v1.Speech/StreamingRecognize";
/// Samples in one message of audio: 100 ms, as Google recommends.
const CHUNK: usize = 800;
/// Messages that may wait to be sent: more than the longest turn has.
const WAITING: usize = 1_024;
/// Google takes at most 5,000 phrases.
const MOST_PHRASES: usize = 5_000;
/// `MULAW` of `RecognitionConfig.AudioEncoding`.
const MULAW: i32 = 3;

/// The table of an engine whose kind is `google`. The key is an API key for the Cloud Speech-to-Text API.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GoogleOptions {
    /// Where the service is; a region's own is `https://eu-speech.googleapis.com`.
    pub url: Url,
    /// The model: `telephony`, `telephony_short`, `phone_call` or another.
    pub model: String,
    /// A BCP 47 tag.
    pub language: String,
    /// Whether the phrases of the receptionist's file are sent as hints.
    pub hints: bool,
    /// How strongly Google leans towards them, 0 to 20.
    pub boost: f32,
    /// A PEM file of roots to trust besides the system's.
    pub root_file: Option<PathBuf>,
    /// Milliseconds that it may say nothing of the speech it is sent.
    pub answer_ms: u64,
    /// Milliseconds that it may take after the end of a turn.
    pub finish_ms: u64,
}

impl Default for GoogleOptions {
    fn default() -> Self {
        Self {
            url: Url::parse("https://speech.googleapis.com").expect("it is a url"),
            model: "telephony".to_owned(),
            language: "en-US".to_owned(),
            hints: true,
            boost: 10.0,
            root_file: None,
            answer_ms: 1_000,
            finish_ms: 800,
        }
    }
}

impl GoogleOptions {
    pub(super) fn terms(&self, name: &str) -> Terms {
        // That is the connection's; a stream's 305 s are longer than any turn.
        let life = Life::Session(Duration::from_secs(3600));
        Terms {
            signs: Signs::Answers,
            ..Terms::talkative(name, life, self.answer_ms, self.finish_ms)
        }
    }

    fn config(&self, phrases: &Phrases) -> wire::StreamingRecognizeRequest {
        let phrases: Vec<_> =
            phrases.iter().take(MOST_PHRASES).map(|phrase| phrase.text.clone()).collect();
        let hints = self.hints && !phrases.is_empty();
        let config = wire::RecognitionConfig {
            encoding: MULAW,
            sample_rate_hertz: audio::SAMPLE_RATE as i32,
            language_code: self.language.clone(),
            max_alternatives: 1,
            speech_contexts: if hints {
                vec![wire::SpeechContext { phrases, boost: self.boost }]
            } else {
                Vec::new()
            },
            enable_word_time_offsets: true,
            model: self.model.clone(),
        };
        let config =
            wire::StreamingRecognitionConfig { config: Some(config), interim_results: true };
        wire::StreamingRecognizeRequest { streaming_config: Some(config), audio_content: None }
    }
}

/// Speaks to Google until the orders end, or it fails.
pub(super) async fn run(
    options: GoogleOptions,
    key: Key,
    phrases: Phrases,
    dialer: Dialer,
    mut orders: mpsc::Receiver<Order>,
    events: Events,
) -> Result<(), Why> {
    let stream = TokioIo::new(dialer.connect().await?);
    let (mut sender, connection) =
        handshake(TokioExecutor::new(), stream).await.map_err(|error| broken(&error))?;
    // Both futures live in this task: neither outlives it.
    tokio::pin!(connection);
    let work = async {
        sender.ready().await.map_err(|error| broken(&error))?;
        events.tell(Event::Open).await;
        while let Some(order) = orders.recv().await {
            if let Order::Begin(from) = order {
                let turn = Turn::new(&options, &phrases, from);
                turn.hear(&mut sender, &options, &key, &mut orders, &events).await?;
            }
        }
        Ok(())
    };
    tokio::pin!(work);
    tokio::select! {
        biased;
        ended = &mut work => ended,
        ended = &mut connection => {
            // What has arrived may still say why.
            match tokio::time::timeout(Duration::from_millis(50), work).await {
                Ok(Err(why)) => Err(why),
                Ok(Ok(())) | Err(_) => Err(ended.err().map_or_else(
                    || Why::Closed(String::new()),
                    |error| broken(&error),
                )),
            }
        }
    }
}

/// One turn, a stream of its own.
struct Turn {
    clock: AudioClock,
    /// Where the settled words end.
    settled: u64,
    /// Samples that are not a whole message yet.
    pending: Vec<i16>,
    half: Option<mpsc::Sender<Bytes>>,
    body: Option<Outgoing>,
}

impl Turn {
    fn new(options: &GoogleOptions, phrases: &Phrases, from: u64) -> Self {
        let (half, body) = mpsc::channel(WAITING);
        let mut clock = AudioClock::default();
        clock.begin_anew(from);
        let mut turn = Self {
            clock,
            settled: from,
            pending: Vec::new(),
            half: Some(half),
            body: Some(Outgoing(body)),
        };
        turn.send(&options.config(phrases));
        turn
    }

    async fn hear(
        mut self,
        sender: &mut SendRequest<Outgoing>,
        options: &GoogleOptions,
        key: &Key,
        orders: &mut mpsc::Receiver<Order>,
        events: &Events,
    ) -> Result<(), Why> {
        let body = self.body.take().expect("a turn is heard once");
        let mut url = options.url.clone();
        url.set_path(METHOD);
        let mut request = Request::post(url.as_str()).body(body).map_err(Why::protocol)?;
        request.headers_mut().extend([
            (CONTENT_TYPE, HeaderValue::from_static("application/grpc")),
            (TE, HeaderValue::from_static("trailers")),
            (HeaderName::from_static("x-goog-api-key"), key.header("")),
        ]);
        let response = sender.send_request(request);
        tokio::pin!(response);
        let mut incoming: Option<Answer> = None;
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    None => return Ok(()),
                    Some(Order::Audio(samples)) => self.audio(&samples)?,
                    Some(Order::Finish) => self.finish(),
                    Some(Order::Begin(_)) => return Err(Why::protocol("a turn within a turn")),
                },
                head = &mut response, if incoming.is_none() => {
                    incoming = Some(Answer::new(head.map_err(|error| broken(&error))?)?);
                    events.tell(Event::Alive).await;
                }
                message = next(&mut incoming) => {
                    let Some(message) = message? else {
                        let done = self.half.is_none();
                        events.tell(Event::Finished).await;
                        return if done { Ok(()) } else { Err(Why::Closed(String::new())) };
                    };
                    for event in self.result(&message)? {
                        events.tell(event).await;
                    }
                }
            }
        }
    }

    fn audio(&mut self, samples: &[i16]) -> Result<(), Why> {
        self.pending.extend_from_slice(samples);
        let whole = self.pending.len() / CHUNK * CHUNK;
        let chunks: Vec<i16> = self.pending.drain(..whole).collect();
        for chunk in chunks.chunks(CHUNK) {
            self.chunk(chunk);
        }
        Ok(())
    }

    fn chunk(&mut self, chunk: &[i16]) {
        self.clock.pass(chunk.len());
        self.send(&wire::StreamingRecognizeRequest {
            streaming_config: None,
            audio_content: Some(mulaw(chunk)),
        });
    }

    fn finish(&mut self) {
        let rest = std::mem::take(&mut self.pending);
        if !rest.is_empty() {
            self.chunk(&rest);
        }
        self.half = None;
    }

    /// Puts a message behind those that wait. Should there be too many, the silence that follows is noticed.
    fn send(&mut self, message: &wire::StreamingRecognizeRequest) {
        if let Some(half) = &self.half {
            let _ = half.try_send(framed(&message.encode_to_vec()));
        }
    }

    fn result(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Why> {
        let response = wire::StreamingRecognizeResponse::decode(bytes).map_err(Why::protocol)?;
        if let Some(error) = response.error {
            return Err(status(error.code, &error.message, &HeaderMap::new()));
        }
        let mut events = Vec::new();
        let mut interim = String::new();
        for result in &response.results {
            let Some(best) = result.alternatives.first() else { continue };
            if !result.is_final {
                interim.push_str(&best.transcript);
                interim.push(' ');
                continue;
            }
            let end = result.result_end_time.map(|end| self.clock.at(end.seconds()));
            let through = end.unwrap_or(self.clock.through());
            let words = if best.words.is_empty() {
                spread(&best.transcript, self.settled..through, best.confidence)
            } else {
                best.words.iter().map(|word| self.word(word, best.confidence)).collect()
            };
            self.settled = through;
            events.push(Event::Settled { words, through });
        }
        let at = self.settled..self.clock.through().max(self.settled);
        events.push(Event::Interim(spread(&interim, at, 0.5)));
        Ok(events)
    }

    fn word(&self, word: &wire::WordInfo, confidence: f32) -> crate::words::Word {
        let time = |time: Option<wire::Duration>| time.unwrap_or_default().seconds();
        let (start, end) = (time(word.start_time), time(word.end_time));
        self.clock.word(&word.word, start, end, f64::from(confidence))
    }
}

/// The next message; never, while there is no answer.
async fn next(answer: &mut Option<Answer>) -> Result<Option<Vec<u8>>, Why> {
    match answer {
        Some(answer) => answer.next().await,
        None => std::future::pending().await,
    }
}

/// The answer to a request: messages and, at the end, a status.
struct Answer {
    body: Incoming,
    bytes: Vec<u8>,
}

impl Answer {
    fn new(response: Response<Incoming>) -> Result<Self, Why> {
        if !response.status().is_success() {
            return Err(Why::status(response.status(), response.headers()));
        }
        // An answer without messages may have its status in the headers.
        checked(response.headers())?;
        Ok(Self { body: response.into_body(), bytes: Vec::new() })
    }

    /// The next message, none if all was well and it is over.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Why> {
        loop {
            if let Some(message) = unframed(&mut self.bytes)? {
                return Ok(Some(message));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            match frame.map_err(|error| broken(&error))?.into_data() {
                Ok(data) => self.bytes.extend_from_slice(&data),
                Err(frame) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        checked(trailers)?;
                    }
                }
            }
        }
    }
}

/// What the status in `headers` means, if there is one.
fn checked(headers: &HeaderMap) -> Result<(), Why> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(code) = text("grpc-status") else { return Ok(()) };
    match code.parse().map_err(Why::protocol)? {
        0 => Ok(()),
        code => Err(status(code, text("grpc-message").unwrap_or_default(), headers)),
    }
}

/// What a status means (google/rpc/code.proto).
fn status(code: i32, message: &str, headers: &HeaderMap) -> Why {
    use tokio_tungstenite::tungstenite::http::StatusCode;
    match code {
        16 => Why::Refused { status: 401 },
        7 => Why::Refused { status: 403 },
        8 => Why::status(StatusCode::TOO_MANY_REQUESTS, headers),
        // OUT_OF_RANGE: the stream has lasted too long. UNAVAILABLE: it goes away.
        11 | 14 => Why::Closed(super::why::quote(message)),
        code => Why::vendor(&format!("gRPC status {code} {message}")),
    }
}

fn broken(error: &hyper::Error) -> Why {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    Why::Broken(cause.to_string())
}

/// A message as it goes over the wire, not compressed.
fn framed(message: &[u8]) -> Bytes {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&(message.len() as u32).to_be_bytes());
    bytes.extend_from_slice(message);
    Bytes::from(bytes)
}

/// Takes the first message, if it is complete.
fn unframed(bytes: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Why> {
    let Some(head) = bytes.first_chunk::<5>() else { return Ok(None) };
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if head[0] != 0 {
        return Err(Why::protocol("a compressed message, which was not asked for"));
    }
    if length > LONGEST_MESSAGE {
        return Err(Why::protocol("a message that is too long"));
    }
    if bytes.len() < 5 + length {
        return Ok(None);
    }
    let message = bytes[5..5 + length].to_vec();
    bytes.drain(..5 + length);
    Ok(Some(message))
}

/// The half of a stream that goes out.
struct Outgoing(mpsc::Receiver<Bytes>);

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_are_taken_one_by_one() {
        let mut bytes = [framed(b"one"), framed(b""), framed(b"three")].concat();
        bytes.truncate(bytes.len() - 1);
        assert_eq!(unframed(&mut bytes), Ok(Some(b"one".to_vec())));
        assert_eq!(unframed(&mut bytes), Ok(Some(Vec::new())));
        assert_eq!(unframed(&mut bytes), Ok(None));
        assert!(unframed(&mut vec![0, 255, 255, 255, 255]).is_err());
        assert!(unframed(&mut vec![1, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn a_status_becomes_a_reason() {
        let mut headers = HeaderMap::new();
        assert_eq!(checked(&headers), Ok(()));
        for (code, why) in [
            ("16", Why::Refused { status: 401 }),
            ("8", Why::rate_limited()),
            ("11", Why::Closed("no audio".to_owned())),
        ] {
            headers.insert("grpc-status", code.parse().unwrap());
            headers.insert("grpc-message", "no audio".parse().unwrap());
            assert_eq!(checked(&headers), Err(why));
        }
    }

    proptest! {
        #[test]
        fn any_message_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut turn = Turn::new(&GoogleOptions::default(), &Phrases::default(), 0);
            let _ = turn.result(&bytes);
            let _ = unframed(&mut bytes.clone());
        }
    }
}
