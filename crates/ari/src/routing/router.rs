//! Takes events from the socket's reader to the mailboxes.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::arrivals::{Arrivals, Parked};
use super::books::{Books, MailboxId, Standing};
use super::counters::{Counters, Tally, count};
use super::envelope::Envelope;
use super::hold::{self, Held, Hold};
use super::made_up;
use super::mailbox::{Frame, Mailbox, Origin, Post};
use super::queue::{Limits, Pushed, Queue};
use crate::connection::Disconnect;
use crate::connection::{Change, Findings, Missed};
use crate::ids::{self, Maker};

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
    mailbox: Limits,
    /// What Asterisk is to be asked; nothing, if we only look on.
    chores: Option<mpsc::UnboundedSender<Chore>>,
}

/// Something to be done through REST, by the task that does such things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Chore {
    /// Nobody's channel or bridge must go.
    Sweep(Resource),
    /// There is no room for a new caller.
    GiveBack(String),
    /// A mailbox lost events.
    Recheck(MailboxId),
    /// Something that is watched, and was not there, may have come into being by then, or never will.
    LookAgain(tokio::time::Instant),
}

/// What the reader must know about an event that it routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing.
    None,
    /// Another client took the application.
    Replaced,
}

impl Router {
    /// A router, the new channels that it finds, and the chores that follow.
    pub(crate) fn open(
        mailbox: Limits,
        arrivals: Limits,
    ) -> (Arc<Self>, Arrivals, mpsc::UnboundedReceiver<Chore>) {
        let (chores, to_do) = mpsc::unbounded_channel();
        let router = Self::made(mailbox, arrivals, Some(chores));
        (Arc::clone(&router), Arrivals::new(router), to_do)
    }

    /// A router for somebody who only looks on: whatever comes, it asks nothing of Asterisk.
    pub(crate) fn looking_on(mailbox: Limits) -> Arc<Self> {
        let router = Self::made(mailbox, Limits { count: 0, bytes: 0 }, None);
        router.arrivals.end();
        router
    }

    /// A router whose chores nobody does.
    #[cfg(test)]
    pub(crate) fn new(mailbox: usize, arrivals: usize) -> (Arc<Self>, Arrivals) {
        let limits = |count| Limits { count, bytes: 1 << 20 };
        let (router, arrivals, _) = Self::open(limits(mailbox), limits(arrivals));
        (router, arrivals)
    }

    fn made(
        mailbox: Limits,
        arrivals: Limits,
        chores: Option<mpsc::UnboundedSender<Chore>>,
    ) -> Arc<Self> {
        let (books, tally) = (Mutex::default(), Tally::default());
        Arc::new(Self { books, arrivals: Queue::new(arrivals), tally, mailbox, chores })
    }

    pub(crate) fn mailbox(self: &Arc<Self>) -> Mailbox {
        let (id, queue) = self.books().open(self.mailbox);
        Mailbox { id, queue, router: Arc::clone(self) }
    }

    /// A mailbox that gets the events of resources beside the one that watches them.
    pub(crate) fn onlooker(self: &Arc<Self>, resources: Vec<Resource>) -> Mailbox {
        let mut books = self.books();
        let (id, queue) = books.open(self.mailbox);
        for resource in resources {
            books.look_on(id, resource);
        }
        Mailbox { id, queue, router: Arc::clone(self) }
    }

    /// A mailbox that gets every event.
    pub(crate) fn monitor(self: &Arc<Self>) -> Mailbox {
        let mut books = self.books();
        let (id, queue) = books.open(self.mailbox);
        books.monitors.push(id);
        Mailbox { id, queue, router: Arc::clone(self) }
    }

    pub(crate) fn open_mailboxes(&self) -> usize {
        self.books().boxes.len()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally.read()
    }

    /// Puts one event into each mailbox that watches an id in it, once; or lets it wait.
    pub(crate) fn route(&self, text: Utf8Bytes, at: Instant) -> Signal {
        count(&self.tally.events);
        // A text that is no event belongs to nobody, and monitors show it as malformed.
        let envelope: Envelope<'_> = serde_json::from_str(&text).unwrap_or_default();
        let frame = Frame::new(text.clone(), &envelope, at, Origin::Live);
        let mut books = self.books();
        match &mut books.hold {
            Some(hold) => hold.keep(frame),
            None => self.deliver(&mut books, &envelope, &frame),
        }
        if envelope.kind == "ApplicationReplaced" { Signal::Replaced } else { Signal::None }
    }

    /// From here on events wait until the state has been compared.
    pub(crate) fn hold(&self) {
        self.books().hold = Some(Hold::new(hold::LIMITS));
    }

    /// What the events say that wait; `None` if some that should wait were let go since the last time.
    pub(crate) fn held(&self) -> Option<Held> {
        self.books().hold.as_mut().map_or_else(|| Some(Held::default()), Hold::held)
    }

    /// What mailboxes watch and know, all of them or one, and bridges that they have let go.
    pub(crate) fn standings(
        &self,
        of: Option<MailboxId>,
    ) -> (Vec<(Resource, Standing)>, Vec<String>) {
        let books = self.books();
        (books.standings(of), books.let_go())
    }

    /// Tells what was missed, and lets events flow again, those first that waited. `gap` is how long none came;
    /// there is none before the first connection.
    pub(crate) fn resume(&self, app: &str, findings: Findings, gap: Option<Duration>) {
        let mut books = self.books();
        if let Some(gap) = gap {
            self.tally.gap_us.fetch_add(gap.as_micros() as u64, Ordering::Relaxed);
        }
        if std::mem::take(&mut books.in_gap) {
            let gap = gap.unwrap_or_default();
            self.tell_all(&books, &Post::Reconnected { gap });
        }
        self.make_up(&mut books, app, findings);
        self.release(&mut books);
    }

    /// Tells what was missed while events flow.
    pub(crate) fn amend(&self, app: &str, findings: Findings) {
        self.make_up(&mut self.books(), app, findings);
    }

    /// Tells every mailbox that events are missed from here on.
    pub(crate) fn connection_lost(&self, cause: &Disconnect) {
        let mut books = self.books();
        self.release(&mut books);
        count(&self.tally.gaps);
        if !std::mem::replace(&mut books.in_gap, true) {
            self.tell_all(&books, &Post::ConnectionLost(cause.clone()));
        }
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
        self.books().is_empty()
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

    /// A mailbox lost events: what it watches is to be compared with Asterisk.
    pub(super) fn recheck(&self, id: MailboxId) {
        self.ask(Chore::Recheck(id));
    }

    fn deliver(&self, books: &mut Books, envelope: &Envelope<'_>, frame: &Frame) {
        let recipients = if frame.origin == Origin::Live && books.knows_already(envelope) {
            books.monitors.clone()
        } else {
            books.recipients(envelope)
        };
        let welcome = match envelope.newcomer(books).filter(|_| self.chores.is_some()) {
            Some(channel) => self.admit(books, envelope, frame, channel),
            None => Welcome::NotNeeded,
        };
        if welcome == Welcome::NotNeeded && recipients.len() == books.monitors.len() {
            count(&self.tally.unowned);
        }
        let push = |id: &MailboxId| match books.boxes.get(id) {
            None => false,
            // What is made up comes at most once for each thing that is watched.
            Some(entry) if frame.origin == Origin::Resync => {
                entry.queue.push_regardless(Post::Frame(frame.clone()));
                true
            }
            Some(entry) => self.push(&entry.queue, Post::Frame(frame.clone())),
        };
        let mut given: Vec<MailboxId> = recipients.iter().copied().filter(push).collect();
        // A newcomer's StasisStart is given with its mailbox.
        given.extend(
            envelope
                .channel
                .as_deref()
                .and_then(|id| books.owner(id))
                .filter(|_| welcome == Welcome::Given),
        );
        books.tell(envelope, frame.origin, &given);
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
        let old = envelope.replaced.as_deref();
        if let Some((old, heir)) = old.and_then(|old| Some((old, books.owner(old)?))) {
            // What follows about the old channel, its StasisEnd above all, is no end of the call.
            books.unwatch(heir, &Resource::Channel(old.to_owned()));
            books.watch(heir, resource);
            return Welcome::Given;
        }
        if ids::maker(channel) != Maker::SomebodyElse {
            count(&self.tally.swept);
            tracing::info!(channel, "a leg whose call is over is hung up");
            self.ask(Chore::Sweep(resource));
            return Welcome::Refused;
        }
        let (id, queue) = books.open(self.mailbox);
        books.watch(id, resource);
        let parked = Parked { frame: frame.clone(), channel: channel.to_owned(), id, queue };
        match self.arrivals.push(parked) {
            Pushed::Kept => Welcome::Given,
            Pushed::Lost => {
                books.remove(id);
                count(&self.tally.arrivals_lost);
                tracing::error!(channel, "a new channel is given back: too many wait to be taken");
                self.ask(Chore::GiveBack(channel.to_owned()));
                Welcome::Refused
            }
            Pushed::Ended => {
                books.remove(id);
                Welcome::NotNeeded
            }
        }
    }

    fn make_up(&self, books: &mut Books, app: &str, findings: Findings) {
        let Findings { present, missed, arrivals, sweep, look_again } = findings;
        present.iter().for_each(|resource| books.exists(resource));
        for Missed { resource, told, change } in missed {
            // What was told meanwhile is newer than the finding.
            if books.told(&resource) != Some(told) {
                continue;
            }
            let text = match (&resource, &change) {
                (Resource::Channel(_), Change::Entered(channel)) => {
                    made_up::stasis_start(app, channel)
                }
                (Resource::Channel(id), Change::Left(channel)) => {
                    made_up::stasis_end(app, id, channel.as_ref())
                }
                (Resource::Channel(id), Change::Gone) => made_up::channel_destroyed(app, id),
                (Resource::Bridge(id), _) => made_up::bridge_destroyed(app, id),
                (Resource::Playback(_) | Resource::Recording(_), _) => continue,
            };
            self.deliver_made_up(books, text);
        }
        for (id, channel) in arrivals {
            if books.owner(&id).is_none() {
                count(&self.tally.found);
                self.arrive(books, app, &channel);
            }
        }
        for resource in sweep {
            // Somebody may watch it by now.
            if books.told(&resource).is_none() {
                count(&self.tally.swept);
                self.ask(Chore::Sweep(resource));
            }
        }
        if let Some(at) = look_again {
            self.ask(Chore::LookAgain(at));
        }
    }

    fn arrive(&self, books: &mut Books, app: &str, channel: &Value) {
        self.deliver_made_up(books, made_up::stasis_start(app, channel));
    }

    fn deliver_made_up(&self, books: &mut Books, text: Utf8Bytes) {
        count(&self.tally.synthesised);
        let envelope: Envelope<'_> =
            serde_json::from_str(&text).expect("an event of our own making is well formed");
        let frame = Frame::new(text.clone(), &envelope, Instant::now(), Origin::Resync);
        self.deliver(books, &envelope, &frame);
    }

    /// Delivers what waits, in order.
    fn release(&self, books: &mut Books) {
        let Some(hold) = books.hold.take() else { return };
        for frame in hold.into_frames() {
            let envelope: Envelope<'_> = serde_json::from_str(&frame.text).unwrap_or_default();
            self.deliver(books, &envelope, &frame);
        }
    }

    fn tell_all(&self, books: &Books, post: &Post) {
        for entry in books.boxes.values() {
            self.push(&entry.queue, post.clone());
        }
    }

    fn push(&self, queue: &Queue<Post>, post: Post) -> bool {
        let pushed = queue.push(post);
        if pushed == Pushed::Lost {
            count(&self.tally.lost);
        }
        pushed == Pushed::Kept
    }

    fn ask(&self, chore: Chore) {
        if let Some(chores) = &self.chores {
            // After the client is closed nobody does them.
            let _ = chores.send(chore);
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("nothing panics while it holds this lock")
    }
}

/// Whether a new channel was looked after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Welcome {
    /// By a mailbox.
    Given,
    /// By sending it away.
    Refused,
    NotNeeded,
}

impl Envelope<'_> {
    /// The channel that enters the application with this event, if no mailbox owns it.
    fn newcomer(&self, books: &Books) -> Option<&str> {
        let channel = self.channel.as_deref()?;
        let unknown = self.kind == "StasisStart" && books.owner(channel).is_none();
        unknown.then_some(channel)
    }
}
