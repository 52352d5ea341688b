//! A connection to a remote engine, seen from the chain: orders go in, events come out.

use std::time::Duration;

use tokio::sync::mpsc;

use super::why::Why;
use crate::words::Word;

/// What a connection is told. It hears one turn at a time.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// A turn begins; the audio that follows starts at this position.
    Begin(u64),
    /// The next samples, at 8 kHz.
    Audio(Vec<i16>),
    /// The turn is over: what it says so far is all there is.
    Finish,
}

/// What a connection tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It is made.
    Open,
    /// The other end lives.
    Alive,
    /// The words behind the settled ones, which may still change. They replace earlier ones.
    Interim(Vec<Word>),
    /// Words that will not change, the first of which follow those that were settled before.
    Settled {
        /// In order.
        words: Vec<Word>,
        /// Position up to which the audio is settled.
        through: u64,
    },
    /// All words of the turn are settled. The connection waits for the next turn, if it is of that kind.
    Finished,
    /// It is over. Nothing follows.
    Failed(Why),
}

/// Names a connection among all of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub(crate) u64);

/// Where the events of one connection go.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    pub(crate) link: LinkId,
    pub(crate) to: mpsc::Sender<(LinkId, Event)>,
}

impl Events {
    /// Tells an event. If the call is over, nobody is there to hear it.
    pub(crate) async fn tell(&self, event: Event) {
        let _ = self.to.send((self.link, event)).await;
    }
}

/// What the chain must know of an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// As it is named in the configuration.
    pub name: Box<str>,
    /// How long a connection serves.
    pub life: Life,
    /// Whether it says where each word lies; if not, places are guessed.
    pub places: Places,
    /// What can be expected of it while it has nothing to say.
    pub signs: Signs,
    /// How long it may say nothing of the speech it is sent, if it speaks while the caller does.
    pub answers_within: Option<Duration>,
    /// How long it may take after the end of a turn.
    pub finishes_within: Duration,
}

impl Terms {
    /// Those of an engine that says where each word lies, gives signs of life always, and speaks while the caller does.
    pub(super) fn talkative(name: &str, life: Life, answer_ms: u64, finish_ms: u64) -> Self {
        Self {
            name: name.into(),
            life,
            places: Places::Told,
            signs: Signs::Always,
            answers_within: Some(Duration::from_millis(answer_ms)),
            finishes_within: Duration::from_millis(finish_ms),
        }
    }
}

/// How long a connection serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// One turn.
    Turn,
    /// Many turns, until the vendor ends it after this time.
    Session(Duration),
}

/// The signs of life that an engine gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    /// It always answers when it is asked whether it lives.
    Always,
    /// None but its answers.
    Answers,
}

/// Whether an engine says where words lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    /// It does.
    Told,
    /// It does not.
    Guessed,
}
