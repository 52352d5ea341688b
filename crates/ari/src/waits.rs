//! Waiting for one thing to happen, and for whatever makes it impossible.
//!
//! A wait looks on beside the mailbox that owns the channel: what it sees is delivered to the owner all the same, and
//! in the owner's own time. Begin it before the request whose effect it waits for, so that nothing comes too early.

use std::time::Duration;

use tokio::time::timeout;

use crate::client::Client;
use crate::connection::Disconnect;
use crate::events::{
    ChannelEnteredBridge, Event, PlaybackFinished, RecordingFailed, RecordingFinished, StasisStart,
};
use crate::models::{Channel, ChannelState};
use crate::routing::{Delivery, Mailbox, Origin, Resource};

/// How a wait ended.
#[derive(Debug)]
pub enum Waited<T> {
    /// It happened.
    Done(T),
    /// What it would have happened to has left the application or is gone.
    Gone {
        /// What Asterisk, or the client after a gap, says of that.
        event: Box<Event>,
        /// Who says so.
        origin: Origin,
    },
    /// It may have happened unseen: the event socket was lost meanwhile.
    ConnectionLost {
        /// Why.
        cause: Disconnect,
    },
    /// It may have happened unseen: nobody took events out of the wait until it was full.
    Overflowed,
    /// It has not happened within the time.
    DeadlinePassed,
    /// The client was closed or replaced.
    Closed,
}

/// How a recording ended.
#[derive(Debug)]
pub enum Recorded {
    /// Kept or cancelled.
    Finished(RecordingFinished),
    /// It could not be made, or not to its end.
    Failed(RecordingFailed),
}

/// A wait that has begun: it sees all that happens from its making on.
#[derive(Debug)]
#[must_use = "a wait ends nowhere but in `within`"]
pub struct Wait<T> {
    mailbox: Mailbox,
    /// What must stay for it to happen.
    ground: Resource,
    wanted: Wanted<T>,
}

/// Takes what is waited for out of an event; gives the event back if it is another.
type Take<T> = fn(Event, &[String]) -> Result<T, Box<Event>>;

#[derive(Debug)]
struct Wanted<T> {
    take: Take<T>,
    ids: Vec<String>,
}

impl Client {
    /// Waits for a playback to end. `on` is the channel or bridge that hears it: Asterisk does not announce the end
    /// of every playback, such as of one that was still queued when the channel hung up.
    pub fn until_played(&self, playback: &str, on: Resource) -> Wait<PlaybackFinished> {
        let watched = vec![on.clone(), Resource::Playback(playback.to_owned())];
        self.wait(watched, on, vec![playback.to_owned()], |event, ids| match event {
            Event::PlaybackFinished(event) if event.playback.id == ids[0] => Ok(event),
            other => Err(other.into()),
        })
    }

    /// Waits for a recording to end. `of` is the channel or bridge that is recorded.
    pub fn until_recorded(&self, recording: &str, of: Resource) -> Wait<Recorded> {
        let watched = vec![of.clone(), Resource::Recording(recording.to_owned())];
        self.wait(watched, of, vec![recording.to_owned()], |event, ids| match event {
            Event::RecordingFinished(event) if event.recording.name == ids[0] => {
                Ok(Recorded::Finished(event))
            }
            Event::RecordingFailed(event) if event.recording.name == ids[0] => {
                Ok(Recorded::Failed(event))
            }
            other => Err(other.into()),
        })
    }

    /// Waits for a channel to be in a bridge, which the reply to
    /// [`add_channel`](crate::Bridges::add_channel) does not prove.
    pub fn until_in_bridge(&self, channel: &str, bridge: &str) -> Wait<ChannelEnteredBridge> {
        let ids = vec![channel.to_owned(), bridge.to_owned()];
        self.wait(of(channel), ground(channel), ids, |event, ids| match event {
            Event::ChannelEnteredBridge(event)
                if event.bridge.id == ids[1]
                    && event.channel.as_ref().is_some_and(|channel| channel.id == ids[0]) =>
            {
                Ok(event)
            }
            other => Err(other.into()),
        })
    }

    /// Waits for a channel to be answered. A channel that is answered already shows it no more.
    pub fn until_answered(&self, channel: &str) -> Wait<Channel> {
        self.wait(of(channel), ground(channel), vec![channel.to_owned()], |event, ids| {
            let up = |channel: &Channel| channel.id == ids[0] && channel.state == ChannelState::Up;
            match event {
                Event::ChannelStateChange(event) if up(&event.channel) => Ok(event.channel),
                Event::StasisStart(event) if up(&event.channel) => Ok(event.channel),
                other => Err(other.into()),
            }
        })
    }

    /// Waits for a channel to enter the application, before which it cannot be used: the replies to `originate`,
    /// `create`, `externalMedia` and `snoop` come earlier.
    pub fn until_in_stasis(&self, channel: &str) -> Wait<StasisStart> {
        self.wait(
            of(channel),
            ground(channel),
            vec![channel.to_owned()],
            |event, ids| match event {
                Event::StasisStart(event) if event.channel.id == ids[0] => Ok(event),
                other => Err(other.into()),
            },
        )
    }

    fn wait<T>(
        &self,
        watched: Vec<Resource>,
        ground: Resource,
        ids: Vec<String>,
        take: Take<T>,
    ) -> Wait<T> {
        Wait { mailbox: self.onlooker(watched), ground, wanted: Wanted { take, ids } }
    }
}

impl<T> Wait<T> {
    /// Waits no longer than `limit` from now. What has happened since the wait began counts.
    pub async fn within(mut self, limit: Duration) -> Waited<T> {
        timeout(limit, self.end()).await.unwrap_or(Waited::DeadlinePassed)
    }

    async fn end(&mut self) -> Waited<T> {
        loop {
            let received = match self.mailbox.recv().await {
                Some(Delivery::Event(received)) => received,
                Some(Delivery::ConnectionLost { cause }) => {
                    return Waited::ConnectionLost { cause };
                }
                Some(Delivery::Lost { .. }) => return Waited::Overflowed,
                Some(Delivery::Reconnected { .. }) => continue,
                None => return Waited::Closed,
            };
            let origin = received.origin;
            match (self.wanted.take)(received.event, &self.wanted.ids) {
                Ok(found) => return Waited::Done(found),
                Err(event) if ends(&event, &self.ground) => {
                    return Waited::Gone { event, origin };
                }
                Err(_) => {}
            }
        }
    }
}

fn ground(channel: &str) -> Resource {
    Resource::Channel(channel.to_owned())
}

fn of(channel: &str) -> Vec<Resource> {
    vec![ground(channel)]
}

/// Whether an event says that a channel has left the application, or that a channel or bridge is gone.
fn ends(event: &Event, ground: &Resource) -> bool {
    match (event, ground) {
        (Event::StasisEnd(event), Resource::Channel(id)) => event.channel.id == *id,
        (Event::ChannelDestroyed(event), Resource::Channel(id)) => event.channel.id == *id,
        (Event::BridgeDestroyed(event), Resource::Bridge(id)) => event.bridge.id == *id,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
