//! The books: which mailbox owns which id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::arrivals::{Arrivals, Parked};
use super::counters::{Counters, Tally, count};
use super::envelope::{Envelope, Family};
use super::mailbox::{Frame, Mailbox, Post};
use super::queue::{Pushed, Queue};
use crate::connection::Disconnect;

/// Something whose events a mailbox can watch, by its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A channel, by id.
    Channel(String),
    /// A bridge, by id.
    Bridge(String),
    /// A playback, by id.
    Playback(String),
    /// A recording, by name.
    Recording(String),
}

/// Takes events from the socket's reader to mailboxes. Shared by the reader and every mailbox; no method waits.
#[derive(Debug)]
pub(crate) struct Router {
    books: Mutex<Books>,
    pub(super) arrivals: Queue<Parked>,
    pub(super) tally: Tally,
    mailbox_capacity: usize,
}

/// What the reader must know about an event that it routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing.
    None,
    /// Another client took the application.
    Replaced,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct MailboxId(u64);

#[derive(Debug, Default)]
struct Books {
    boxes: HashMap<MailboxId, Entry>,
    channels: HashMap<String, MailboxId>,
    bridges: HashMap<String, MailboxId>,
    playbacks: HashMap<String, MailboxId>,
    recordings: HashMap<String, MailboxId>,
    monitors: Vec<MailboxId>,
    next_id: u64,
    ended: bool,
}

#[derive(Debug)]
struct Entry {
    queue: Arc<Queue<Post>>,
    watched: Vec<Resource>,
}

impl Router {
    pub(crate) fn new(mailbox_capacity: usize, arrivals_capacity: usize) -> (Arc<Self>, Arrivals) {
        let router = Arc::new(Self {
            books: Mutex::default(),
            arrivals: Queue::new(arrivals_capacity),
            tally: Tally::default(),
            mailbox_capacity,
        });
        (Arc::clone(&router), Arrivals::new(router))
    }

    pub(crate) fn mailbox(self: &Arc<Self>) -> Mailbox {
        let (id, queue) = self.books().open(self.mailbox_capacity);
        Mailbox { id, queue, router: Arc::clone(self) }
    }

    /// A mailbox that gets every event.
    pub(crate) fn monitor(self: &Arc<Self>) -> Mailbox {
        let mut books = self.books();
        let (id, queue) = books.open(self.mailbox_capacity);
        books.monitors.push(id);
        Mailbox { id, queue, router: Arc::clone(self) }
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally.read()
    }

    /// Puts one event into each mailbox that owns an id in it, once.
    pub(crate) fn route(&self, text: Utf8Bytes, at: Instant) -> Signal {
        count(&self.tally.events);
        // A text that is no event belongs to nobody, and monitors show it as malformed.
        let envelope: Envelope<'_> = serde_json::from_str(&text).unwrap_or_default();
        let frame = Frame { text: text.clone(), at };
        let mut books = self.books();
        let owners = books.owners(&envelope);
        let welcome = match envelope.newcomer(&books) {
            Some(channel) => self.admit(&mut books, &envelope, &frame, channel),
            None => Welcome::NotNeeded,
        };
        if welcome == Welcome::NotNeeded && owners.len() == books.monitors.len() {
            count(&self.tally.unowned);
        }
        for entry in owners.iter().filter_map(|id| books.boxes.get(id)) {
            if entry.queue.push(Post::Frame(frame.clone())) == Pushed::Lost {
                count(&self.tally.lost);
            }
        }
        if envelope.kind == "ApplicationReplaced" { Signal::Replaced } else { Signal::None }
    }

    /// Tells every mailbox that events are missed from here on.
    pub(crate) fn connection_lost(&self, cause: &Disconnect) {
        self.tell_all(&Post::ConnectionLost(cause.clone()));
    }

    /// Tells every mailbox that events flow again.
    pub(crate) fn reconnected(&self, gap: Duration) {
        self.tell_all(&Post::Reconnected { gap });
    }

    /// No more events will come, to any mailbox.
    pub(crate) fn end(&self) {
        let mut books = self.books();
        books.ended = true;
        books.boxes.values().for_each(|entry| entry.queue.end());
        self.arrivals.end();
    }

    /// Whether no mailbox and no id is left.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let books = self.books();
        let pages = [&books.channels, &books.bridges, &books.playbacks, &books.recordings];
        books.boxes.is_empty() && books.monitors.is_empty() && pages.iter().all(|p| p.is_empty())
    }

    pub(super) fn watch(&self, id: MailboxId, resource: Resource) {
        self.books().watch(id, resource);
    }

    pub(super) fn unwatch(&self, id: MailboxId, resource: &Resource) {
        self.books().unwatch(id, resource);
    }

    pub(super) fn remove(&self, id: MailboxId) {
        self.books().remove(id);
    }

    /// Registers a channel that nobody watches, in one step with its StasisStart, so that its next event finds
    /// it: with the mailbox of the channel whose place it takes, or with a new one that waits to be taken.
    fn admit(
        &self,
        books: &mut Books,
        envelope: &Envelope<'_>,
        frame: &Frame,
        channel: &str,
    ) -> Welcome {
        let resource = Resource::Channel(channel.to_owned());
        let replaced = envelope.replaced.as_deref().and_then(|id| books.channels.get(id));
        if let Some(&heir) = replaced {
            books.watch(heir, resource);
            return Welcome::Given;
        }
        let (id, queue) = books.open(self.mailbox_capacity);
        books.watch(id, resource);
        let parked = Parked { frame: frame.clone(), channel: channel.to_owned(), id, queue };
        match self.arrivals.push(parked) {
            Pushed::Kept => Welcome::Given,
            Pushed::Lost => {
                books.remove(id);
                count(&self.tally.arrivals_lost);
                tracing::error!(channel, "a new channel was lost: too many wait to be taken");
                Welcome::Given
            }
            Pushed::Ended => {
                books.remove(id);
                Welcome::NotNeeded
            }
        }
    }

    fn tell_all(&self, post: &Post) {
        for entry in self.books().boxes.values() {
            if entry.queue.push(post.clone()) == Pushed::Lost {
                count(&self.tally.lost);
            }
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("nothing panics while it holds this lock")
    }
}

/// Whether a new channel was looked after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Welcome {
    Given,
    NotNeeded,
}

impl<'a> Envelope<'a> {
    /// The channel that enters the application with this event, if no mailbox watches it.
    fn newcomer(&self, books: &Books) -> Option<&str> {
        let channel = self.channel.as_deref()?;
        let unknown = self.kind == "StasisStart" && !books.channels.contains_key(channel);
        unknown.then_some(channel)
    }
}

impl Books {
    fn open(&mut self, capacity: usize) -> (MailboxId, Arc<Queue<Post>>) {
        let id = MailboxId(self.next_id);
        self.next_id += 1;
        let queue = Arc::new(Queue::new(capacity));
        if self.ended {
            queue.end();
        }
        self.boxes.insert(id, Entry { queue: Arc::clone(&queue), watched: Vec::new() });
        (id, queue)
    }

    /// The monitors, and each distinct mailbox that owns an id of the event.
    fn owners(&self, envelope: &Envelope<'_>) -> Vec<MailboxId> {
        let mut owners = self.monitors.clone();
        for (family, id) in &envelope.ids {
            let by_id = match family {
                Family::Channel => &self.channels,
                Family::Bridge => &self.bridges,
                Family::Playback => &self.playbacks,
                Family::Recording => &self.recordings,
            };
            if let Some(&owner) = by_id.get(id.as_ref())
                && !owners.contains(&owner)
            {
                owners.push(owner);
            }
        }
        owners
    }

    fn watch(&mut self, id: MailboxId, resource: Resource) {
        let (by_id, key) = self.page(&resource);
        let before = by_id.insert(key, id);
        if before == Some(id) {
            return;
        }
        if let Some(before) = before.and_then(|id| self.boxes.get_mut(&id)) {
            before.watched.retain(|watched| *watched != resource);
        }
        if let Some(entry) = self.boxes.get_mut(&id) {
            entry.watched.push(resource);
        }
    }

    fn unwatch(&mut self, id: MailboxId, resource: &Resource) {
        let (by_id, key) = self.page(resource);
        if by_id.get(&key) == Some(&id) {
            by_id.remove(&key);
        }
        if let Some(entry) = self.boxes.get_mut(&id) {
            entry.watched.retain(|watched| watched != resource);
        }
    }

    fn remove(&mut self, id: MailboxId) {
        let Some(entry) = self.boxes.remove(&id) else { return };
        for resource in &entry.watched {
            let (by_id, key) = self.page(resource);
            by_id.remove(&key);
        }
        self.monitors.retain(|monitor| *monitor != id);
    }

    fn page(&mut self, resource: &Resource) -> (&mut HashMap<String, MailboxId>, String) {
        match resource {
            Resource::Channel(id) => (&mut self.channels, id.clone()),
            Resource::Bridge(id) => (&mut self.bridges, id.clone()),
            Resource::Playback(id) => (&mut self.playbacks, id.clone()),
            Resource::Recording(name) => (&mut self.recordings, name.clone()),
        }
    }
}
