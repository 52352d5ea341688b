//! Channels as values, and their JSON (Asterisk's `main/stasis_channels.c`).

use super::{Switch, app::Topic, playback::Playback};
use crate::{Caller, Endpoint, HungUpBy, Moment, Place, StasisStatus};
use audio::FRAME_TIME;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

/// Names a channel for the switch's whole life, unlike the id, which a client may use again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(super) u64);

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: State,
    pub(super) caller: Party,
    pub(super) connected: Party,
    pub(super) location: Location,
    /// The dialplan application that runs on the channel, and its arguments.
    pub(super) running: (String, String),
    pub(super) created: Duration,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) cause: u16,
    /// The SIP status behind the cause, when the far end refused.
    pub(super) tech_cause: Option<u16>,
    /// The application that controls the channel.
    pub(super) stasis: Option<String>,
    pub(super) bridge: Option<String>,
    /// What is played to it, and what waits.
    pub(super) playing: VecDeque<Playback>,
    pub(super) origin: Origin,
    pub(super) line: Line,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Down,
    /// Inbound, not answered.
    Ring,
    /// Outbound, the far end is ringing.
    Ringing,
    Up,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Party {
    pub(super) name: String,
    pub(super) number: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) context: String,
    pub(super) exten: String,
    pub(super) priority: i64,
}

/// How a channel came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Somebody called.
    Inbound,
    /// Dialled by a thread of its own, which does `next` on answer.
    Originated { next: Next, timeout: Option<Duration> },
    /// Created in an application, which dials it when it likes.
    Created { next: Next },
}

/// What an outbound channel does when it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Stasis { app: String, args: Vec<String> },
    Dialplan(Location),
}

/// What a channel leads to.
#[derive(Debug)]
pub(super) enum Line {
    Caller(Box<CallerLine>),
    Agent(Box<AgentLine>),
    Media(MediaLine),
}

#[derive(Debug)]
pub(super) struct CallerLine {
    pub(super) spec: Caller,
    /// How many requests had come and events had gone when the call began.
    pub(super) began: (u32, u32),
    pub(super) answered: bool,
    /// Samples spoken.
    pub(super) spoken: usize,
    pub(super) heard: Vec<i16>,
    pub(super) heard_sound: bool,
    pub(super) stasis: StasisStatus,
    pub(super) connected_to: Option<Place>,
    pub(super) agent: Option<Key>,
    /// What the agent heard, once the agent is gone.
    pub(super) agent_heard: Vec<i16>,
    pub(super) hung_up_by: HungUpBy,
    pub(super) timeline: Vec<(Duration, Moment)>,
}

#[derive(Debug)]
pub(super) struct AgentLine {
    pub(super) endpoint: String,
    pub(super) behaviour: Endpoint,
    pub(super) spoken: usize,
    pub(super) heard: Vec<i16>,
}

#[derive(Debug)]
pub(super) struct MediaLine {
    pub(super) remote: SocketAddr,
    pub(super) codec: Codec,
    /// Samples received and not yet mixed.
    pub(super) received: VecDeque<i16>,
}

/// How an external-media leg codes its sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Ulaw,
    Alaw,
}

impl Codec {
    pub(super) fn from_name(name: &str) -> Option<Codec> {
        match name {
            "ulaw" => Some(Codec::Ulaw),
            "alaw" => Some(Codec::Alaw),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Codec::Ulaw => "ulaw",
            Codec::Alaw => "alaw",
        }
    }

    /// The static RTP payload type (RFC 3551 section 6).
    pub(crate) fn payload_type(self) -> u8 {
        match self {
            Codec::Ulaw => 0,
            Codec::Alaw => 8,
        }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Down => "Down",
            State::Ring => "Ring",
            State::Ringing => "Ringing",
            State::Up => "Up",
        }
    }
}

impl Channel {
    pub(super) fn topic(&self) -> Topic {
        Topic::Channel(self.id.clone())
    }

    pub(super) fn caller_line(&mut self) -> Option<&mut CallerLine> {
        match &mut self.line {
            Line::Caller(line) => Some(line),
            Line::Agent(_) | Line::Media(_) => None,
        }
    }
}

impl Switch {
    /// Adds a channel; the media clock starts with the first one.
    pub(super) fn add_channel(&mut self, channel: Channel) -> Key {
        if self.channels.is_empty() {
            let ticks = self.now.as_nanos().div_ceil(FRAME_TIME.as_nanos());
            self.next_tick = FRAME_TIME * u32::try_from(ticks).unwrap_or(u32::MAX);
        }
        let key = Key(self.next_serial());
        self.channels.insert(key, channel);
        key
    }

    pub(super) fn channel(&mut self, key: Key) -> &mut Channel {
        self.channels.get_mut(&key).expect("a key is used only while its channel lives")
    }

    pub(super) fn find_channel(&self, id: &str) -> Option<Key> {
        self.channels.iter().find(|(_, channel)| channel.id == id).map(|(key, _)| *key)
    }

    pub(super) fn channel_json(&self, channel: &Channel) -> Value {
        let Location { context, exten, priority } = &channel.location;
        let protocol_id = match channel.line {
            Line::Media(_) => String::new(),
            Line::Caller(_) | Line::Agent(_) => format!("{}@pbx", channel.id),
        };
        json!({
            "id": channel.id,
            "name": channel.name,
            "state": channel.state.name(),
            "protocol_id": protocol_id,
            "caller": { "name": channel.caller.name, "number": channel.caller.number },
            "connected": { "name": channel.connected.name, "number": channel.connected.number },
            "accountcode": "",
            "dialplan": {
                "context": context,
                "exten": exten,
                "priority": priority,
                "app_name": channel.running.0,
                "app_data": channel.running.1,
            },
            "creationtime": self.stamp(channel.created),
            "language": "en",
        })
    }
}
