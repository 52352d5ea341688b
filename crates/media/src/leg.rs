//! A leg as a call sees it: a handle, events, counters. The same for every road into Asterisk.

use crate::{
    playout::Playout,
    tap::{Recorder, Recording, RecordingPlan, Tap},
};
use audio::{
    jitter::{self, Frame},
    quality::{Codec, Meter, Quality},
};
use std::{fmt, net::SocketAddr, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

/// Takes the frames that a leg hears.
pub trait FrameSink: Send + 'static {
    /// Called for each frame, in order, on a thread that other calls wait for; must return at once.
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
    /// The caller has pressed a key. Over RTP it is told when the key goes down, over the other roads
    /// when it is let go, as Asterisk does there.
    Digit {
        /// Which.
        key: char,
        /// When word of it came: whoever is told of it may be late.
        at: Instant,
    },
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
    /// A recording of the leg ended before the leg, for this reason; the leg itself goes on.
    RecordingEnded(String),
    /// Something failed. A leg that can hear nothing any more ends with this; one that cannot send
    /// goes on trying and tells the first failure of a row.
    Failed(String),
}

/// What a leg has counted since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LegStats {
    /// Datagrams from the peer that are not RTP.
    pub malformed: u64,
    /// Packets from the peer that are neither mu-law nor telephone events nor comfort noise.
    pub wrong_payload_type: u64,
    /// Packets from the peer of a stream that is not, or not yet, accepted.
    pub wrong_ssrc: u64,
    /// What the jitter buffer made of the accepted packets.
    pub heard: jitter::Stats,
    /// Frames that were thrown away because the sink did not take them in time.
    pub untaken: u64,
    /// RTCP packets from the peer.
    pub reports: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets that could not be sent.
    pub send_failures: u64,
    /// Packets left out because the leg's turn came too late to send them.
    pub skipped: u64,
    /// Packets that a recording misses because its files could not be written fast enough.
    pub unrecorded: u64,
    /// How well the caller is heard, of the last whole second. Over TCP nothing is lost on the way:
    /// there the network shows as jitter.
    pub quality: Quality,
}

/// What the caller is heard by: concealment as the jitter buffer has it.
pub(crate) const CODEC: Codec = Codec::G711_PLC;

/// A leg knows its own part of the way only, so its rating is one of loss alone.
pub(crate) const DELAY: Duration = Duration::ZERO;

impl LegStats {
    /// How well the caller was heard, from the start on.
    pub fn overall(&self) -> Quality {
        Meter::default().interval(&self.heard, CODEC, DELAY)
    }
}

/// A running leg. Dropping it ends it and frees what it held.
#[derive(Debug)]
pub struct Leg {
    local_addr: SocketAddr,
    peer: Option<SocketAddr>,
    epoch: Instant,
    road: Box<dyn Road>,
    /// Weak, so that the last event is the last one when the road is at its end.
    tell: mpsc::WeakUnboundedSender<LegEvent>,
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
    Speak(Speech),
    /// Both directions are copied into this from now on.
    Tap(Box<Tap>),
}

#[derive(Debug)]
pub(crate) enum Speech {
    Play(Playout),
    Hold,
    Resume,
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
        let tell = event_queue.downgrade();
        let road = road(Teller { events: event_queue, stats: stats_out });
        Leg { local_addr, peer: None, epoch, road, tell, events, stats }
    }

    /// The same with the address of the other end.
    pub(crate) fn with_peer(self, peer: SocketAddr) -> Leg {
        Leg { peer: Some(peer), ..self }
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
        self.road.command(Command::Speak(Speech::Play(playout)));
    }

    /// Falls silent with a fade of 5 ms and keeps the place: [`resume`](Leg::resume) goes on from the same sample. What
    /// Asterisk has queued and not played yet is called back where the road can (RTP has nothing queued; a WebSocket
    /// can; AudioSocket cannot, and ends with what is there). Nothing happens if nothing plays.
    ///
    /// A playout that is held does not finish. Another one takes its place as if it sounded.
    pub fn hold(&self) {
        self.road.command(Command::Speak(Speech::Hold));
    }

    /// Goes on where [`hold`](Leg::hold) fell silent, fading in over 5 ms; nothing happens if nothing is held.
    pub fn resume(&self) {
        self.road.command(Command::Speak(Speech::Resume));
    }

    /// Stops the playout `id` with a fade of 5 ms; nothing happens if another one plays.
    pub fn stop(&self, id: u64) {
        self.road.command(Command::Speak(Speech::Stop(id)));
    }

    /// Stops whatever plays, as [`stop`](Leg::stop) does.
    pub fn stop_all(&self) {
        self.road.command(Command::Speak(Speech::StopAll));
    }

    /// Writes both directions to files from now on, beside what is recorded already.
    ///
    /// The leg copies its packets into a ring and the recorder's thread does the rest, so a slow or full
    /// disk costs packets of the recording ([`LegStats::unrecorded`]) and never any of the call. What
    /// ends a recording before its leg is told by [`LegEvent::RecordingEnded`] too.
    pub fn record(&self, recorder: &Recorder, plan: RecordingPlan) -> Recording {
        let (tap, recording) = recorder.begin(plan, self.local_addr, self.peer, self.tell.clone());
        self.road.command(Command::Tap(Box::new(tap)));
        recording
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
