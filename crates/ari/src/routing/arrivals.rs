//! Channels that nobody expected: callers.

use std::sync::Arc;
use std::time::Instant;

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::books::MailboxId;
use super::counters::count;
use super::mailbox::{Frame, Mailbox, Origin, Post};
use super::queue::{Entry, Queue, Weight};
use super::router::Router;
use crate::events::{Event, StasisStart};
use crate::models::Channel;

/// The queue of channels that entered the application without being watched by a mailbox.
///
/// Each waits here with a mailbox of its own, so nothing that happens to it meanwhile is lost. When too many wait,
/// further ones are sent back to the dialplan. After this is dropped, such channels are no longer looked after and
/// only counted.
#[derive(Debug)]
pub struct Arrivals {
    router: Arc<Router>,
}

/// A channel that entered the application.
#[derive(Debug)]
pub struct Arrival {
    /// How it entered.
    pub start: StasisStart,
    /// When the event was read from the socket, or made up.
    pub at: Instant,
    /// How the event came to be: [`Origin::Resync`] of a caller who was found in the application, with nobody to
    /// look after it, when the client connected or connected again. It may have been served by an earlier run.
    pub origin: Origin,
    /// Watches the channel, and holds all that happened to it since.
    pub mailbox: Mailbox,
    text: Utf8Bytes,
}

impl Arrival {
    /// The event's text as it came, fields that this crate does not know included.
    pub fn json(&self) -> &str {
        &self.text
    }
}

impl Arrivals {
    pub(super) fn new(router: Arc<Router>) -> Self {
        Self { router }
    }

    /// The next new channel; `None` when the client has closed or was replaced and all are taken.
    /// May be dropped and called again without losing anything.
    pub async fn recv(&mut self) -> Option<Arrival> {
        loop {
            // How many were lost is in `Counters`, and each was logged; here only channels count.
            if let Entry::Item(parked) = self.router.arrivals.next().await? {
                return Some(self.taken(parked));
            }
        }
    }

    fn taken(&self, parked: Parked) -> Arrival {
        let Parked { frame, channel, id, queue } = parked;
        let start = match frame.read() {
            Event::StasisStart(start) => start,
            malformed => {
                // The channel is in the application all the same and must be served; the id is all we know.
                count(&self.router.tally.malformed);
                tracing::warn!(
                    channel,
                    event = malformed.kind(),
                    "a new channel's event is malformed"
                );
                StasisStart {
                    channel: Channel { id: channel, ..Channel::default() },
                    ..StasisStart::default()
                }
            }
        };
        let Frame { text, at, origin, .. } = frame;
        let mailbox = Mailbox { id, queue, router: Arc::clone(&self.router) };
        Arrival { start, at, origin, mailbox, text }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.router.arrivals.end();
        while let Some(entry) = self.router.arrivals.try_next() {
            if let Entry::Item(parked) = entry {
                self.router.remove(parked.id);
            }
        }
    }
}

/// A new channel that waits to be taken. Its mailbox exists in the router's books only, since a [`Mailbox`]
/// here would keep the router alive for ever.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) frame: Frame,
    pub(super) channel: String,
    pub(super) id: MailboxId,
    pub(super) queue: Arc<Queue<Post>>,
}

impl Weight for Parked {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.frame.text.len()
    }
}
