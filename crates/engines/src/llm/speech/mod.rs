//! A language model that hears the caller's own sound and answers with its own voice: OpenAI's realtime API, and servers
//! that speak it, `wss://api.openai.com/v1/realtime?model=gpt-realtime`.
//!
//! From OpenAI's documentation (developers.openai.com: "Realtime conversations", "Realtime API with WebSocket", and the
//! reference of client and server events, in their shape since August 2025): everything is JSON in text messages.
//! `session.update` says what the model is told, which sound comes and goes (`audio/pcmu`, mu-law at 8 kHz), and that nobody
//! there finds the turns. `input_audio_buffer.append` brings sound, `.commit` makes it an item of the conversation, `.clear`
//! forgets it; a buffer under 100 ms cannot be committed. What was said otherwise becomes an item by
//! `conversation.item.create`. `response.create` asks for an answer, one at a time, which comes faster than it is heard:
//! `response.output_audio.delta`, `response.output_audio_transcript.delta`, `response.function_call_arguments.done`, and at
//! the end `response.done` with a status. `response.cancel` ends it, and `conversation.item.truncate` says how much of it was heard. A
//! session ends after 60 minutes.
//!
//! Who takes turns is not decided there: a session is told by [`Order`]s when to listen, to answer and to be silent, and
//! tells what it says by [`Told`]. It is one connection; when that breaks while nobody hears an answer, another one is told what was
//! said, in words, once.

mod answer;
pub mod config;
mod dialogue;
mod session;

use std::time::Duration;

use tokio::sync::mpsc;
use url::Url;

use super::{Conversation, LlmError};
use crate::key::Key;
use crate::remote::dial::Dialer;

/// A server, ready to be spoken with.
#[derive(Clone)]
pub struct SpeechModel {
    dialer: Dialer,
    /// With the model.
    url: Url,
    key: Option<Key>,
    options: Options,
}

#[derive(Debug, Clone)]
struct Options {
    voice: String,
    max_tokens: u32,
    stall: Duration,
}

/// What a session is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// The sound since the last answer was nothing.
    Forget,
    /// More of the caller's sound, at 8 kHz.
    Audio(Vec<i16>),
    /// Answer what the caller said last.
    Answer {
        /// Comes back with all that is told of it.
        number: u32,
        /// What was said up to now.
        talk: Conversation,
        /// How the caller's last words are brought.
        heard: Heard,
    },
    /// Be silent: the caller has heard so much of the answer, or so much of all its sound as was told.
    Stop {
        /// Of the sound that was told.
        heard: Duration,
    },
}

/// How a model learns of what the caller said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// By its sound, which was sent.
    Sound,
    /// In words. Its sound is forgotten.
    Words,
}

/// What comes of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// More of its sound, at 8 kHz.
    Sound(Vec<i16>),
    /// A sentence of it.
    Words {
        /// What it is.
        words: String,
        /// Where in the sound it begins, about.
        from: Duration,
    },
    /// All has come, and this besides. Last, and once.
    Done {
        /// Values by the names of slots.
        slots: Vec<(String, String)>,
        /// A label.
        end: Option<String>,
    },
}

impl SpeechModel {
    /// Opens a session for this conversation, in the language with this BCP 47 tag, or else in the caller's, and serves
    /// it until the orders end. `tell` is told what comes of an answer, and last, for each, that it is done or has failed.
    pub async fn serve(
        self,
        talk: Conversation,
        language: Option<String>,
        orders: mpsc::Receiver<Order>,
        tell: impl FnMut(u32, Result<Told, LlmError>) + Send,
    ) {
        session::serve(&self, talk, language, orders, tell).await;
    }
}
