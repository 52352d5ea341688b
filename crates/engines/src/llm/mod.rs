//! A language model that writes what is said: any server with OpenAI's `POST /chat/completions`, read while it writes.
//!
//! It gives words, cut into sentences, values for slots and a label of a closed list, and nothing else. What it gives is
//! judged by who asked: here nothing is believed but that it is text.
//!
//! Words, values and label come as one JSON object whose first field is what is said, and that field is read while it
//! comes. A tool call would come alone: models that call one mostly say nothing, and would have to be asked again. A
//! server that does not hold itself to JSON is read as plain words.
//!
//! [`speech`] is a model that hears the caller and speaks, in place of one that reads and writes.

pub mod config;
mod events;
mod prompt;
mod reading;
pub mod speech;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;

use crate::key::Key;
use crate::synthesis::remote::{causes, error_text, retry_after};

use events::Events;
pub use prompt::{Blank, Conversation, Errand, Prompt, Said};
use reading::Reading;

/// An answer is not longer than this, in bytes: it is to be said.
const LONGEST: usize = 6_000;

/// A server, ready to be asked. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Llm {
    client: Client,
    options: Options,
    key: Option<Key>,
}

#[derive(Debug, Clone)]
struct Options {
    /// The address, `/chat/completions` included.
    url: String,
    model: String,
    max_tokens: u32,
    /// What the server calls that.
    max_tokens_key: &'static str,
    temperature: Option<f32>,
    json: config::Json,
    stall: Duration,
}

/// What comes of a request, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The first of its words has come. Once.
    Begun,
    /// Words to be said, a sentence or less.
    Sentence(String),
    /// All has come, and this besides. Last, and once.
    Done {
        /// Values by the names of slots.
        slots: Vec<(String, String)>,
        /// A label.
        end: Option<String>,
    },
}

/// Why nothing, or nothing more, was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// The key is not accepted.
    #[error("the key is refused: {0}")]
    Denied(String),
    /// It was asked too often.
    #[error("too many requests{}", .after.map_or_else(String::new, |it| format!("; again in {} s", it.as_secs())))]
    Limited {
        /// When it may be asked again, if it says so.
        after: Option<Duration>,
    },
    /// The server cannot be reached, or says that something is wrong.
    #[error("{0}")]
    Server(String),
    /// No sign of life for so long.
    #[error("nothing came for {} ms", .0.as_millis())]
    Stalled(Duration),
    /// The answer ended in the middle.
    #[error("it broke off: {0}")]
    BrokeOff(String),
    /// The answer is none.
    #[error("it makes no sense: {0}")]
    Senseless(String),
    /// It does not want to answer.
    #[error("it refuses to answer")]
    Refused,
    /// It wrote no word.
    #[error("it wrote nothing")]
    Nothing,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(alias = "message")]
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
}

impl Llm {
    /// Has it write, and tells what comes while it comes. Dropping the future ends the request.
    ///
    /// # Errors
    /// [`LlmError`], also after words have been told.
    pub async fn write(
        &self,
        prompt: &Prompt,
        mut tell: impl FnMut(Told) + Send,
    ) -> Result<(), LlmError> {
        let mut response = self.open(prompt).await?;
        let mut answer = Answer::new(prompt.reading());
        if is_stream(&response) {
            let mut events = Events::default();
            while let Some(bytes) = self.more(&mut response).await? {
                for event in events.push(&bytes).map_err(LlmError::Senseless)? {
                    if answer.event(&event, &mut tell)? == Goes::Over {
                        return answer.end(&mut tell);
                    }
                }
            }
            if let Some(event) = events.rest() {
                answer.event(&event, &mut tell)?;
            }
            match answer.finished {
                true => answer.end(&mut tell),
                false => Err(LlmError::BrokeOff("the stream was cut".to_owned())),
            }
        } else {
            let mut whole = Vec::new();
            while let Some(bytes) = self.more(&mut response).await? {
                whole.extend_from_slice(&bytes);
                if whole.len() > 16 * LONGEST {
                    return Err(LlmError::Senseless("the answer is too long".to_owned()));
                }
            }
            answer.event(&String::from_utf8_lossy(&whole), &mut tell)?;
            answer.end(&mut tell)
        }
    }

    async fn open(&self, prompt: &Prompt) -> Result<Response, LlmError> {
        let request = self.client.post(&self.options.url).json(&prompt.body(&self.options));
        let request = match &self.key {
            Some(key) => request.header(AUTHORIZATION, key.header("Bearer ")),
            None => request,
        };
        let unreachable = |error: reqwest::Error| LlmError::Server(causes(&error.without_url()));
        let response = self.in_time(request.send()).await?.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let after = retry_after(response.headers());
        let said = self.in_time(error_text(response)).await.unwrap_or_default();
        let said = self.key.as_ref().map_or(said.clone(), |key| key.redact(&said));
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => LlmError::Denied(said),
            StatusCode::TOO_MANY_REQUESTS => LlmError::Limited { after },
            status => LlmError::Server(format!("{status}: {said}")),
        })
    }

    async fn more(&self, response: &mut Response) -> Result<Option<Vec<u8>>, LlmError> {
        let broke_off = |error: reqwest::Error| LlmError::BrokeOff(causes(&error.without_url()));
        let chunk = self.in_time(response.chunk()).await?.map_err(broke_off)?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, LlmError> {
        let stalled = |_| LlmError::Stalled(self.options.stall);
        tokio::time::timeout(self.options.stall, work).await.map_err(stalled)
    }
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// An answer that comes.
struct Answer {
    reading: Reading,
    begun: bool,
    finished: bool,
    /// It ended because it was allowed no more.
    cut_short: bool,
}

#[derive(PartialEq, Eq)]
enum Goes {
    On,
    Over,
}

impl Answer {
    fn new(reading: Reading) -> Self {
        Self { reading, begun: false, finished: false, cut_short: false }
    }

    fn event(&mut self, event: &str, tell: &mut impl FnMut(Told)) -> Result<Goes, LlmError> {
        if event.trim() == "[DONE]" {
            self.finished = true;
            return Ok(Goes::Over);
        }
        let chunk: Chunk = serde_json::from_str(event)
            .map_err(|error| LlmError::Senseless(format!("no chunk of an answer: {error}")))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            let text = error["message"].as_str().unwrap_or("it says that something is wrong");
            return Err(LlmError::Server(text.chars().take(300).collect()));
        }
        for choice in chunk.choices.into_iter().take(1) {
            if let Some(delta) = choice.delta {
                if delta.refusal.is_some_and(|refusal| !refusal.is_empty()) {
                    return Err(LlmError::Refused);
                }
                let words = delta.content.unwrap_or_default();
                if !words.is_empty() && !std::mem::replace(&mut self.begun, true) {
                    tell(Told::Begun);
                }
                let sentences = self.reading.push(&words);
                sentences.into_iter().for_each(|words| tell(Told::Sentence(words)));
                if self.reading.len() > LONGEST {
                    return Err(LlmError::Senseless(format!("it is longer than {LONGEST} bytes")));
                }
            }
            match choice.finish_reason.as_deref() {
                None => {}
                Some("content_filter") => return Err(LlmError::Refused),
                Some(reason) => {
                    self.finished = true;
                    self.cut_short = reason == "length";
                }
            }
        }
        Ok(Goes::On)
    }

    fn end(self, tell: &mut impl FnMut(Told)) -> Result<(), LlmError> {
        let read = self.reading.end(self.cut_short);
        if read.is_empty() {
            return Err(LlmError::Nothing);
        }
        read.sentences.into_iter().for_each(|words| tell(Told::Sentence(words)));
        tell(Told::Done { slots: read.slots, end: read.end });
        Ok(())
    }
}
