//! The events of one call, in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::books::MailboxId;
use super::counters::count;
use super::envelope::Envelope;
use super::queue::{Entry, Queue, Weight};
use super::router::{Resource, Router};
use crate::connection::Disconnect;
use crate::events::Event;

/// The events of the channels, bridges, playbacks and recordings that it watches, in Asterisk's order.
///
/// [Watch](Mailbox::watch) an id of our own making before the request that uses it is sent: then it does not
/// matter whether Asterisk's reply or its first event comes first. Dropping the mailbox unregisters its ids.
#[derive(Debug)]
pub struct Mailbox {
    pub(super) id: MailboxId,
    pub(super) queue: Arc<Queue<Post>>,
    pub(super) router: Arc<Router>,
}

/// What a mailbox delivers.
#[derive(Debug)]
pub enum Delivery {
    /// An event.
    Event(Box<Received>),
    /// The mailbox was full, and lost deliveries here. The client compares what the mailbox watches with Asterisk:
    /// what ended or began meanwhile follows as events marked [`Origin::Resync`].
    Lost {
        /// How many.
        count: u64,
    },
    /// The event socket is gone: what happens until [`Delivery::Reconnected`] is not delivered.
    ConnectionLost {
        /// Why.
        cause: Disconnect,
    },
    /// The event socket is back, and the state is compared: what ended or began meanwhile follows as events marked
    /// [`Origin::Resync`], and then what happens from now on. Anything else that happened in the gap is not told,
    /// such as keys, ringing, playbacks and who joined which bridge.
    Reconnected {
        /// For how long events were missed.
        gap: Duration,
    },
}

/// How an event came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Asterisk sent it.
    Live,
    /// Asterisk's event was missed. This one was made up from a comparison of states, to tell the same: it has no
    /// timestamp, and a hang-up cause of 0. Of a channel that is gone it has no more than the id.
    Resync,
}

/// An event with the moment at which it was read from the socket.
#[derive(Debug)]
pub struct Received {
    /// The event.
    pub event: Event,
    /// When its text was read from the socket, or made up, before it waited in any queue.
    pub at: Instant,
    /// How it came to be.
    pub origin: Origin,
    text: Utf8Bytes,
}

impl Received {
    /// The text as it came, fields that this crate does not know included.
    pub fn json(&self) -> &str {
        &self.text
    }
}

impl Mailbox {
    /// Delivers the events of a resource here from now on, and to the mailbox that had them before no longer.
    pub fn watch(&self, resource: Resource) {
        self.router.watch(self.id, resource);
    }

    /// Delivers the events of a resource here no longer, if it did.
    pub fn unwatch(&self, resource: &Resource) {
        self.router.unwatch(self.id, resource);
    }

    /// The next delivery; `None` when the client has closed or was replaced and everything is delivered.
    /// May be dropped and called again without losing anything.
    pub async fn recv(&mut self) -> Option<Delivery> {
        let entry = self.queue.next().await?;
        Some(self.opened(entry))
    }

    /// The next delivery, if it is here already.
    pub fn try_recv(&mut self) -> Option<Delivery> {
        let entry = self.queue.try_next()?;
        Some(self.opened(entry))
    }

    fn opened(&self, entry: Entry<Post>) -> Delivery {
        match entry {
            Entry::Lost(count) => {
                // Only now is there room for what the comparison finds, and somebody awake to take it.
                self.router.recheck(self.id);
                Delivery::Lost { count }
            }
            Entry::Item(Post::ConnectionLost(cause)) => Delivery::ConnectionLost { cause },
            Entry::Item(Post::Reconnected { gap }) => Delivery::Reconnected { gap },
            Entry::Item(Post::Frame(frame)) => {
                let event = frame.read();
                let Frame { text, at, origin, .. } = frame;
                if matches!(event, Event::Malformed { .. }) {
                    count(&self.router.tally.malformed);
                }
                Delivery::Event(Box::new(Received { event, at, origin, text }))
            }
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.router.remove(self.id);
    }
}

/// What lies in a mailbox: cheap to copy, and not parsed before somebody takes it.
#[derive(Clone, Debug)]
pub(super) enum Post {
    Frame(Frame),
    ConnectionLost(Disconnect),
    Reconnected { gap: Duration },
}

/// The text of an event, when it was read and how it came to be.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) text: Utf8Bytes,
    pub(super) at: Instant,
    pub(super) origin: Origin,
    /// What it says it is, if that is a kind with a type of its own.
    kind: Option<&'static str>,
}

impl Frame {
    pub(super) fn new(
        text: Utf8Bytes,
        envelope: &Envelope<'_>,
        at: Instant,
        origin: Origin,
    ) -> Self {
        Self { text, at, origin, kind: Event::known(&envelope.kind) }
    }

    pub(super) fn read(&self) -> Event {
        self.kind.map_or_else(|| Event::parse(&self.text), |kind| Event::parse_as(kind, &self.text))
    }
}

impl Weight for Post {
    fn weight(&self) -> usize {
        match self {
            Self::Frame(frame) => size_of::<Self>() + frame.text.len(),
            Self::ConnectionLost(_) | Self::Reconnected { .. } => size_of::<Self>(),
        }
    }
}
