//! A leg as a call sees it: a handle, events, counters. The same for every road into Asterisk.

use crate::playout::Playout;
use audio::jitter::{self, Frame};
use std::{fmt, net::SocketAddr, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

/// Takes the frames that a leg hears.
pub trait FrameSink: Send + 'static {
    /// Called for each frame, in order, on a thread of the async runtime; must return at once.
    fn frame(&mut self, frame: &Frame);
}

impl<F: FnMut(&Frame) + Send + 'static> FrameSink for F {
    fn frame(&mut self, frame: &Frame) {
        self(frame);
    }
}

/// What happens on a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegEvent {
    /// The peer's first packet is here: the caller can be heard.
    FirstPacket {
        /// When it was received.
        at: Instant,
    },
    /// The caller has pressed a key; told when the key goes down.
    Digit(char),
    /// The first audible sample of a playout (-50 dBFS and above) is on the wire.
    FirstAudioOut {
        /// The playout's.
        id: u64,
        /// When the packet with that sample was sent.
        at: Instant,
    },
    /// The last sample of a playout is on the wire. A playout that was stopped or replaced does
    /// not finish.
    Finished {
        /// The playout's.
        id: u64,
    },
    /// No packet has come for a while; told once, until one comes.
    Silent {
        /// How long the silence has lasted, since the last packet or since the start.
        gap: Duration,
    },
    /// Something failed. A leg that can hear nothing any more ends with this; one that cannot send
    /// goes on trying and tells the first failure of a row.
    Failed(String),
}

/// What a leg has counted since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LegStats {
    /// Datagrams from the peer that are not RTP.
    pub malformed: u64,
    /// Packets from the peer that are neither mu-law nor telephone events.
    pub wrong_payload_type: u64,
    /// Packets from the peer of a stream that is not, or not yet, accepted.
    pub wrong_ssrc: u64,
    /// What the jitter buffer made of the accepted packets.
    pub heard: jitter::Stats,
    /// Frames that were thrown away because the async side did not take them in time.
    pub untaken: u64,
    /// RTCP packets from the peer.
    pub reports: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets that could not be sent.
    pub send_failures: u64,
    /// Packets left out because the leg's turn came too late to send them.
    pub skipped: u64,
}

/// A running leg. Dropping it ends it and frees what it held.
#[derive(Debug)]
pub struct Leg {
    local_addr: SocketAddr,
    epoch: Instant,
    road: Box<dyn Road>,
    events: mpsc::UnboundedReceiver<LegEvent>,
    stats: watch::Receiver<LegStats>,
}

/// What carries a leg's sound. It ends when it is dropped.
pub(crate) trait Road: fmt::Debug + Send + Sync {
    /// A leg that failed has said so in an event; then nothing is left to command.
    fn command(&self, command: Command);
}

impl Road for mpsc::UnboundedSender<Command> {
    fn command(&self, command: Command) {
        // The other end goes away when the leg fails.
        let _ = self.send(command);
    }
}

#[derive(Debug)]
pub(crate) enum Command {
    Play(Playout),
    Stop(u64),
    StopAll,
}

/// The other end of a [`Leg`]: dropped when the leg is over and all is told.
#[derive(Debug)]
pub(crate) struct Teller {
    pub(crate) events: mpsc::UnboundedSender<LegEvent>,
    pub(crate) stats: watch::Sender<LegStats>,
}

impl Leg {
    /// A leg on `road`, which tells what happens by the other value.
    pub(crate) fn new(
        local_addr: SocketAddr,
        epoch: Instant,
        road: impl FnOnce(Teller) -> Box<dyn Road>,
    ) -> Leg {
        let (event_queue, events) = mpsc::unbounded_channel();
        let (stats_out, stats) = watch::channel(LegStats::default());
        let road = road(Teller { events: event_queue, stats: stats_out });
        Leg { local_addr, epoch, road, events, stats }
    }

    /// The leg's own address.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What [`Frame::arrived`] counts from.
    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// Plays `playout` from the next packet on, in place of what plays now.
    pub fn play(&self, playout: Playout) {
        self.road.command(Command::Play(playout));
    }

    /// Stops the playout `id` with a fade of 5 ms; nothing happens if another one plays.
    pub fn stop(&self, id: u64) {
        self.road.command(Command::Stop(id));
    }

    /// Stops whatever plays, as [`stop`](Leg::stop) does.
    pub fn stop_all(&self) {
        self.road.command(Command::StopAll);
    }

    /// The next event; `None` when the leg has failed and all is told. Cancel safe.
    pub async fn next_event(&mut self) -> Option<LegEvent> {
        self.events.recv().await
    }

    /// The counters as of the last second.
    pub fn stats(&self) -> LegStats {
        *self.stats.borrow()
    }

    /// The counters as they change.
    pub fn watch_stats(&self) -> watch::Receiver<LegStats> {
        self.stats.clone()
    }

    /// Ends the leg; when this returns nothing of it is left, and its counters are final.
    pub async fn close(self) -> LegStats {
        let Leg { road, mut stats, .. } = self;
        drop(road);
        // The other end goes away with the leg.
        while stats.changed().await.is_ok() {}
        *stats.borrow()
    }
}
