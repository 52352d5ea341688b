//! Who watches what, and what they have been told of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::envelope::{Envelope, Family};
use super::hold::Hold;
use super::mailbox::{Origin, Post};
use super::queue::{Limits, Queue};
use super::router::Resource;
use crate::ids::{self, Maker};

/// Names a mailbox for the client's whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MailboxId(u64);

/// What the mailbox that watches something knows of it, from the events that it was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing: it may not exist yet.
    Nothing,
    /// It exists. A channel may be in our application or not.
    Exists,
    /// The channel is in our application.
    Inside(Origin),
    /// The channel has left, or the thing is gone.
    Ended(Origin),
}

/// Something that is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) told: Told,
    /// Since when.
    pub(crate) since: Instant,
}

/// How many bridges that nobody watches any more are remembered: those of the calls that have just ended.
const LET_GO: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) boxes: HashMap<MailboxId, Entry>,
    channels: HashMap<String, Watch>,
    bridges: HashMap<String, Watch>,
    playbacks: HashMap<String, Watch>,
    recordings: HashMap<String, Watch>,
    pub(super) monitors: Vec<MailboxId>,
    /// Bridges that mailboxes have let go, the latest last.
    let_go: VecDeque<String>,
    /// Events that wait until the state has been compared.
    pub(super) hold: Option<Hold>,
    /// Whether the mailboxes know of a gap that has not ended.
    pub(super) in_gap: bool,
    next_id: u64,
    pub(super) ended: bool,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) queue: Arc<Queue<Post>>,
    /// What it owns and what it looks on at.
    watched: Vec<Resource>,
}

/// An id, its one owner, and who looks on.
#[derive(Debug)]
struct Watch {
    owner: Option<MailboxId>,
    onlookers: Vec<MailboxId>,
    standing: Standing,
}

impl Watch {
    fn new() -> Self {
        let standing = Standing { told: Told::Nothing, since: Instant::now() };
        Self { owner: None, onlookers: Vec::new(), standing }
    }

    fn recipients(&self) -> impl Iterator<Item = MailboxId> {
        self.owner.into_iter().chain(self.onlookers.iter().copied())
    }
}

impl Books {
    pub(super) fn open(&mut self, limits: Limits) -> (MailboxId, Arc<Queue<Post>>) {
        let id = MailboxId(self.next_id);
        self.next_id += 1;
        let queue = Arc::new(Queue::new(limits));
        if self.ended {
            queue.end();
        }
        self.boxes.insert(id, Entry { queue: Arc::clone(&queue), watched: Vec::new() });
        (id, queue)
    }

    /// Makes a mailbox the owner of a resource.
    pub(super) fn watch(&mut self, id: MailboxId, resource: Resource) {
        let (page, key) = self.page(&resource);
        let watch = page.entry(key).or_insert_with(Watch::new);
        let before = watch.owner.replace(id);
        if before == Some(id) {
            return;
        }
        if before.is_none() {
            watch.standing.since = Instant::now();
        }
        if let Some(before) = before.and_then(|id| self.boxes.get_mut(&id)) {
            before.watched.retain(|watched| *watched != resource);
        }
        if let Some(entry) = self.boxes.get_mut(&id) {
            entry.watched.push(resource);
        }
    }

    /// Delivers the events of a resource to a mailbox, beside its owner.
    pub(super) fn look_on(&mut self, id: MailboxId, resource: Resource) {
        let (page, key) = self.page(&resource);
        page.entry(key).or_insert_with(Watch::new).onlookers.push(id);
        if let Some(entry) = self.boxes.get_mut(&id) {
            entry.watched.push(resource);
        }
    }

    pub(super) fn unwatch(&mut self, id: MailboxId, resource: &Resource) {
        self.forget(id, resource);
        if let Some(entry) = self.boxes.get_mut(&id) {
            entry.watched.retain(|watched| watched != resource);
        }
    }

    pub(super) fn remove(&mut self, id: MailboxId) {
        let Some(entry) = self.boxes.remove(&id) else { return };
        for resource in &entry.watched {
            self.forget(id, resource);
        }
        self.monitors.retain(|monitor| *monitor != id);
    }

    /// The monitors, and each distinct mailbox that watches an id of the event.
    pub(super) fn recipients(&self, envelope: &Envelope<'_>) -> Vec<MailboxId> {
        let mut recipients = self.monitors.clone();
        for (family, id) in &envelope.ids {
            for id in
                self.by_family(*family).get(id.as_ref()).into_iter().flat_map(Watch::recipients)
            {
                if !recipients.contains(&id) {
                    recipients.push(id);
                }
            }
        }
        recipients
    }

    /// The mailbox that owns a channel.
    pub(super) fn owner(&self, channel: &str) -> Option<MailboxId> {
        self.channels.get(channel)?.owner
    }

    /// Notes what an event tells those who were given it.
    pub(super) fn tell(&mut self, envelope: &Envelope<'_>, origin: Origin, given: &[MailboxId]) {
        for (family, id) in &envelope.ids {
            let news = envelope.news(*family, id, origin);
            let page = match family {
                Family::Channel => &mut self.channels,
                Family::Bridge => &mut self.bridges,
                Family::Playback => &mut self.playbacks,
                Family::Recording => &mut self.recordings,
            };
            let Some(watch) = page.get_mut(id.as_ref()) else { continue };
            let knows = match watch.owner {
                Some(owner) => given.contains(&owner),
                None => watch.onlookers.iter().any(|id| given.contains(id)),
            };
            match (news, watch.standing.told) {
                _ if !knows => {}
                (Some(told), _) => watch.standing.told = told,
                (None, Told::Nothing) => watch.standing.told = Told::Exists,
                (None, _) => {}
            }
        }
    }

    /// Whether a live event says what was told already, made up from a comparison. Said once, it is live news.
    pub(super) fn knows_already(&mut self, envelope: &Envelope<'_>) -> bool {
        for (family, id) in &envelope.ids {
            let Some(told) = envelope.news(*family, id, Origin::Live) else { continue };
            let page = match family {
                Family::Channel => &mut self.channels,
                Family::Bridge => &mut self.bridges,
                Family::Playback | Family::Recording => continue,
            };
            let Some(watch) = page.get_mut(id.as_ref()) else { continue };
            match (told, watch.standing.told) {
                (Told::Inside(_), Told::Inside(Origin::Resync)) => {
                    watch.standing.told = told;
                    return true;
                }
                // Two live events may say it, StasisEnd and ChannelDestroyed.
                (Told::Ended(_), Told::Ended(Origin::Resync)) => return true,
                _ => {}
            }
        }
        false
    }

    /// What is watched, all or by one mailbox.
    pub(super) fn standings(&self, of: Option<MailboxId>) -> Vec<(Resource, Standing)> {
        let asked = |watch: &Watch| match of {
            Some(id) => watch.recipients().any(|recipient| recipient == id),
            None => true,
        };
        let channels = self.channels.iter().filter(|(_, watch)| asked(watch));
        let bridges = self.bridges.iter().filter(|(_, watch)| asked(watch));
        channels
            .map(|(id, watch)| (Resource::Channel(id.clone()), watch.standing))
            .chain(bridges.map(|(id, watch)| (Resource::Bridge(id.clone()), watch.standing)))
            .collect()
    }

    /// What those who watch a resource know of it; `None` if nobody does.
    pub(super) fn told(&self, resource: &Resource) -> Option<Told> {
        let watch = match resource {
            Resource::Channel(id) => self.channels.get(id),
            Resource::Bridge(id) => self.bridges.get(id),
            Resource::Playback(id) => self.playbacks.get(id),
            Resource::Recording(name) => self.recordings.get(name),
        };
        watch.map(|watch| watch.standing.told)
    }

    /// It was found to exist.
    pub(super) fn exists(&mut self, resource: &Resource) {
        let (page, key) = self.page(resource);
        if let Some(watch) = page.get_mut(&key)
            && watch.standing.told == Told::Nothing
        {
            watch.standing.told = Told::Exists;
        }
    }

    pub(super) fn let_go(&self) -> Vec<String> {
        self.let_go.iter().cloned().collect()
    }

    /// Whether no mailbox and no id is left.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let pages = [&self.channels, &self.bridges, &self.playbacks, &self.recordings];
        self.boxes.is_empty() && self.monitors.is_empty() && pages.iter().all(|p| p.is_empty())
    }

    /// A mailbox has no more to do with a resource.
    fn forget(&mut self, id: MailboxId, resource: &Resource) {
        let (page, key) = self.page(resource);
        let Some(watch) = page.get_mut(&key) else { return };
        let owned = watch.owner == Some(id);
        if owned {
            watch.owner = None;
        }
        watch.onlookers.retain(|onlooker| *onlooker != id);
        let ended = matches!(watch.standing.told, Told::Ended(_));
        if watch.owner.is_none() && watch.onlookers.is_empty() {
            page.remove(&key);
        }
        if let Resource::Bridge(id) = resource
            && owned
            && !ended
            && ids::maker(id) == Maker::ThisRun
        {
            if self.let_go.len() == LET_GO {
                self.let_go.pop_front();
            }
            self.let_go.push_back(id.clone());
        }
    }

    fn by_family(&self, family: Family) -> &HashMap<String, Watch> {
        match family {
            Family::Channel => &self.channels,
            Family::Bridge => &self.bridges,
            Family::Playback => &self.playbacks,
            Family::Recording => &self.recordings,
        }
    }

    fn page(&mut self, resource: &Resource) -> (&mut HashMap<String, Watch>, String) {
        match resource {
            Resource::Channel(id) => (&mut self.channels, id.clone()),
            Resource::Bridge(id) => (&mut self.bridges, id.clone()),
            Resource::Playback(id) => (&mut self.playbacks, id.clone()),
            Resource::Recording(name) => (&mut self.recordings, name.clone()),
        }
    }
}

impl Envelope<'_> {
    /// What the event says of the beginning or end of one of the things that it names.
    fn news(&self, family: Family, id: &str, origin: Origin) -> Option<Told> {
        match (family, &*self.kind) {
            (Family::Channel, "StasisStart") if self.channel.as_deref() == Some(id) => {
                Some(Told::Inside(origin))
            }
            (Family::Channel, "StasisEnd" | "ChannelDestroyed")
            | (Family::Bridge, "BridgeDestroyed") => Some(Told::Ended(origin)),
            _ => None,
        }
    }
}
