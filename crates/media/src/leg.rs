//! A leg as a call sees it: a port, a handle, events.

use crate::{
    player::Playout,
    task::{Command, Task},
};
use audio::jitter::{self, Frame};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

/// A bound UDP port that has no peer yet. Nothing is sent from it, and what it receives waits in
/// the socket until [`start`](RtpPort::start) can judge it.
#[derive(Debug)]
pub struct RtpPort {
    socket: UdpSocket,
    local_addr: SocketAddr,
    epoch: Instant,
    silent_after: Duration,
}

impl RtpPort {
    /// Binds a free port of `ip`.
    ///
    /// # Errors
    /// Whatever the system says: no such address here, no port left, too many open files.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O enabled.
    pub fn bind(ip: IpAddr) -> io::Result<RtpPort> {
        let socket = std::net::UdpSocket::bind((ip, 0))?;
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket)?;
        let local_addr = socket.local_addr()?;
        let silent_after = Duration::from_secs(2);
        Ok(RtpPort { socket, local_addr, epoch: Instant::now(), silent_after })
    }

    /// Where to send to.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Counts [`Frame::arrived`] from `epoch`, not from the moment of binding: with the call's own
    /// zero all its marks are on one scale.
    #[must_use]
    pub fn with_epoch(self, epoch: Instant) -> RtpPort {
        RtpPort { epoch, ..self }
    }

    /// How long no packet may come before [`LegEvent::Silent`]; 2 s unless told.
    #[must_use]
    pub fn with_silent_after(self, silent_after: Duration) -> RtpPort {
        RtpPort { silent_after, ..self }
    }

    /// Opens the leg: hears and speaks to `peer` only, which is the address that Asterisk's reply
    /// to the external-media request names (`UNICASTRTP_LOCAL_ADDRESS` and `_PORT`).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(self, peer: SocketAddr, sink: impl FrameSink) -> Leg {
        let (commands, command_queue) = mpsc::unbounded_channel();
        let (event_queue, events) = mpsc::unbounded_channel();
        let (stats_out, stats) = watch::channel(LegStats::default());
        let task = Task::new(self.socket, peer, self.epoch, self.silent_after, sink);
        let task = tokio::spawn(task.run(command_queue, event_queue, stats_out));
        Leg { local_addr: self.local_addr, epoch: self.epoch, commands, events, stats, task }
    }
}

/// Takes the frames that a leg hears.
pub trait FrameSink: Send + 'static {
    /// Called on the leg's task for each frame, in order; must return at once.
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
    /// The socket failed. A leg that cannot receive ends with this; one that cannot send goes on
    /// trying and tells the first failure of a row.
    Failed(String),
}

/// What a leg has counted since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LegStats {
    /// Datagrams from another address than the peer's.
    pub wrong_source: u64,
    /// Datagrams from the peer that are not RTP.
    pub malformed: u64,
    /// Packets from the peer that are neither mu-law nor telephone events.
    pub wrong_payload_type: u64,
    /// Packets from the peer of a stream that is not, or not yet, accepted.
    pub wrong_ssrc: u64,
    /// What the jitter buffer made of the accepted packets.
    pub heard: jitter::Stats,
    /// Packets sent.
    pub sent: u64,
    /// Packets that could not be sent.
    pub send_failures: u64,
    /// Packets left out because the leg was scheduled too late to send them.
    pub skipped: u64,
}

/// A running leg. Dropping it ends its task and closes its port.
#[derive(Debug)]
pub struct Leg {
    local_addr: SocketAddr,
    epoch: Instant,
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<LegEvent>,
    stats: watch::Receiver<LegStats>,
    task: JoinHandle<()>,
}

impl Leg {
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
        self.command(Command::Play(playout));
    }

    /// Stops the playout `id` with a fade of 5 ms; nothing happens if another one plays.
    pub fn stop(&self, id: u64) {
        self.command(Command::Stop(id));
    }

    /// Stops whatever plays, as [`stop`](Leg::stop) does.
    pub fn stop_all(&self) {
        self.command(Command::StopAll);
    }

    /// The next event; `None` when the leg has failed and all is told. Cancel safe.
    pub async fn next_event(&mut self) -> Option<LegEvent> {
        self.events.recv().await
    }

    /// The counters as of the last packet.
    pub fn stats(&self) -> LegStats {
        *self.stats.borrow()
    }

    /// The counters as they change.
    pub fn watch_stats(&self) -> watch::Receiver<LegStats> {
        self.stats.clone()
    }

    /// Ends the leg; when this returns its port is free.
    pub async fn close(self) -> LegStats {
        let Leg { commands, task, stats, .. } = self;
        drop(commands);
        if let Err(error) = task.await {
            // A sink's panic ended the task early, and with it the socket.
            tracing::error!(%error, "RTP leg ended by a panic");
        }
        *stats.borrow()
    }

    fn command(&self, command: Command) {
        // A leg that failed has said so in an event; there is nothing left to command.
        let _ = self.commands.send(command);
    }
}
