//! The switch as a pure model: channels, bridges, applications and the dialplan.
//!
//! Requests, frames and the time go in; replies come back, and effects wait in [`Switch::poll`].
//! Time is a [`Duration`] since the switch was started. Nothing here reads a clock or a socket.
//!
//! A file a subject: [`app`] who hears which event, [`channel`] and [`bridge`] what there is,
//! [`dial`] how a destination is reached, [`call`] how a caller lives, [`end`] how a channel goes,
//! [`mix`] the sound, [`playback`] what is played to a channel, [`mischief`] what goes wrong on purpose, [`request`] and its neighbours the operations.

mod app;
mod bridge;
mod bridges;
mod call;
mod channel;
mod channels;
mod dial;
mod end;
#[cfg(test)]
mod fault_tests;
mod mischief;
mod mix;
mod originate;
mod playback;
mod request;
mod server;
#[cfg(test)]
mod tests;

pub(crate) use app::SocketId;
pub(crate) use channel::{Codec, Key};
pub(crate) use request::{MediaAddress, Request};

use crate::{Endpoint, Fault, Outcome};
use app::App;
use audio::{FRAME, FRAME_TIME};
use bridge::Bridge;
use channel::Channel;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

/// What the switch is told once.
#[derive(Debug, Clone)]
pub(crate) struct SwitchConfig {
    /// The application that the dialplan hands inbound calls to.
    pub(crate) app: String,
    /// The context of inbound calls.
    pub(crate) context: String,
    /// The context of channels to phones.
    pub(crate) phones_context: String,
    /// How long a new channel's thread takes to begin its work, after the reply that announced it.
    pub(crate) thread_start: Duration,
    /// The wall clock at the switch's start, since the Unix epoch.
    pub(crate) started: Duration,
}

/// What the shell must do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Send `text` to a WebSocket, and nothing to that socket before `not_before`.
    Send { socket: SocketId, not_before: Duration, text: String },
    /// Cut a WebSocket.
    Cut { socket: SocketId },
    /// Close a WebSocket with the handshake that belongs to it.
    Close { socket: SocketId },
    /// Send nothing more to a WebSocket and read nothing from it, but leave it open.
    Silence { socket: SocketId },
    /// The media address that came with the current request now belongs to this channel.
    OpenMedia { channel: Key, remote: SocketAddr, codec: Codec },
    /// Send a frame; `timestamp` counts samples on the switch's clock.
    SendMedia { channel: Key, timestamp: u32, frame: [i16; FRAME] },
    /// Send a key that was held for so long, as telephone events; `timestamp` is that of its beginning.
    SendKey { channel: Key, timestamp: u32, key: char, held: Duration },
    /// Close the channel's port.
    CloseMedia { channel: Key },
    /// A caller's call is over.
    Finished { channel: Key, outcome: Outcome },
}

/// Something that happens to a channel by itself, later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    /// The channel's thread begins to dial.
    PlaceCall,
    /// The channel's thread enters its application.
    EnterStasis,
    /// The destination has rung long enough.
    React,
    /// Whoever dialled has waited long enough.
    DialTimeout(GivesUp),
    AgentHangsUp,
    CallerHangsUp,
    Digit(char),
}

/// How a dial that takes too long is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GivesUp {
    /// By the thread of an originate: at once.
    Originate,
    /// By the command queue of a channel that was created and dialled: a soft hang-up.
    Command,
}

#[derive(Debug)]
pub(crate) struct Switch {
    config: SwitchConfig,
    now: Duration,
    channels: BTreeMap<Key, Channel>,
    bridges: BTreeMap<String, Bridge>,
    apps: BTreeMap<String, App>,
    endpoints: BTreeMap<String, Endpoint>,
    places: BTreeSet<(String, String)>,
    sounds: BTreeMap<String, Arc<[i16]>>,
    faults: Vec<Fault>,
    timers: BTreeMap<(Duration, u64), (Key, Timer)>,
    serial: u64,
    next_tick: Duration,
    media_packets: u32,
    /// Requests so far, those of clients that only look left out.
    requests: u32,
    /// Events sent so far.
    told: u32,
    hold_events_until: Duration,
    effects: VecDeque<Effect>,
    /// Nothing is taken on any more.
    closed: bool,
}

impl Switch {
    pub(crate) fn new(config: SwitchConfig) -> Switch {
        Switch {
            config,
            now: Duration::ZERO,
            channels: BTreeMap::new(),
            bridges: BTreeMap::new(),
            apps: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            places: BTreeSet::new(),
            sounds: BTreeMap::new(),
            faults: Vec::new(),
            timers: BTreeMap::new(),
            serial: 0,
            next_tick: Duration::ZERO,
            media_packets: 0,
            requests: 0,
            told: 0,
            hold_events_until: Duration::ZERO,
            effects: VecDeque::new(),
            closed: false,
        }
    }

    /// The next effect, in the order in which they came about.
    pub(crate) fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Switch::advance`] has something to do; `None` while the switch is empty.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let timer = self.timers.keys().next().map(|(at, _)| *at);
        let tick = (!self.channels.is_empty()).then_some(self.next_tick);
        timer.into_iter().chain(tick).min()
    }

    /// Does everything that is due up to `now`, in order of time.
    pub(crate) fn advance(&mut self, now: Duration) {
        while let Some(due) = self.deadline().filter(|due| *due <= now) {
            self.now = self.now.max(due);
            match self.timers.first_entry().filter(|entry| entry.key().0 <= due) {
                Some(entry) => {
                    let (key, timer) = entry.remove();
                    self.fire(key, timer);
                }
                None => {
                    self.mix();
                    self.next_tick += FRAME_TIME;
                }
            }
        }
        self.now = self.now.max(now);
    }

    pub(crate) fn endpoint(&mut self, name: &str, endpoint: Endpoint) {
        self.endpoints.insert(name.to_owned(), endpoint);
    }

    pub(crate) fn place(&mut self, context: &str, exten: &str) {
        self.places.insert((context.to_owned(), exten.to_owned()));
    }

    pub(crate) fn sound(&mut self, name: &str, samples: Arc<[i16]>) {
        self.sounds.insert(name.to_owned(), samples);
    }

    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels.len()
    }

    pub(crate) fn bridges(&self) -> usize {
        self.bridges.len()
    }

    fn fire(&mut self, key: Key, timer: Timer) {
        if !self.channels.contains_key(&key) {
            return;
        }
        match timer {
            Timer::PlaceCall => self.place_call(key),
            Timer::EnterStasis => self.enter_stasis_or_end(key),
            Timer::React => self.react(key),
            Timer::DialTimeout(how) => self.dial_timed_out(key, how),
            Timer::AgentHangsUp => self.agent_hangs_up(key),
            Timer::CallerHangsUp => self.caller_hangs_up(key),
            Timer::Digit(digit) => self.digit(key, digit),
        }
    }

    fn after(&mut self, delay: Duration, key: Key, timer: Timer) {
        let serial = self.next_serial();
        self.timers.insert((self.now + delay, serial), (key, timer));
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }
}
