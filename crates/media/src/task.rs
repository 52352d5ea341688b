//! The one task of a leg: owns the socket, and everything that a packet passes.

use crate::{
    gate::{Gate, MAX_DATAGRAM, Refusal},
    leg::{FrameSink, LegEvent, LegStats},
    pacer::Pacer,
    player::{Player, Playout},
};
use audio::{FRAME, g711, jitter::JitterBuffer, rtp, telephone_event::Digits};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

#[derive(Debug)]
pub(crate) enum Command {
    Play(Playout),
    Stop(u64),
    StopAll,
}

pub(crate) struct Task<S> {
    socket: UdpSocket,
    peer: SocketAddr,
    epoch: Instant,
    sink: S,
    gate: Gate,
    jitter: JitterBuffer,
    digits: Digits,
    hearing: Hearing,
    player: Player,
    pacer: Pacer,
    sending: Sending,
    stats: LegStats,
}

/// Whether the peer is heard, and since when.
struct Hearing {
    state: Heard,
    /// The last packet, or the start.
    since: Instant,
    silent_after: Duration,
}

enum Heard {
    /// No packet yet.
    Nothing,
    Packets,
    /// Packets stopped, or never came, and this has been told.
    SilenceTold {
        before: bool,
    },
}

/// Whether the last packet could be sent.
enum Sending {
    Works,
    FailureTold,
}

impl<S: FrameSink> Task<S> {
    pub(crate) fn new(
        socket: UdpSocket,
        peer: SocketAddr,
        epoch: Instant,
        silent_after: Duration,
        sink: S,
    ) -> Task<S> {
        let now = Instant::now();
        Task {
            socket,
            peer,
            epoch,
            sink,
            gate: Gate::new(peer),
            jitter: JitterBuffer::new(),
            digits: Digits::default(),
            hearing: Hearing { state: Heard::Nothing, since: now, silent_after },
            player: Player::default(),
            pacer: Pacer::new(now),
            sending: Sending::Works,
            stats: LegStats::default(),
        }
    }

    /// Runs until the leg's handle is dropped or the socket cannot receive.
    pub(crate) async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        events: mpsc::UnboundedSender<LegEvent>,
        stats: watch::Sender<LegStats>,
    ) {
        let wake = sleep_until(self.pacer.next());
        tokio::pin!(wake);
        // A byte more than is taken shows a datagram that is too long.
        let mut datagram = [0; MAX_DATAGRAM + 1];
        loop {
            tokio::select! {
                // The clock comes before the network: no flood may hold up what the caller hears.
                biased;
                command = commands.recv() => match command {
                    Some(Command::Play(playout)) => self.player.play(playout),
                    Some(Command::Stop(id)) => self.player.stop(id),
                    Some(Command::StopAll) => self.player.stop_all(),
                    None => break,
                },
                () = &mut wake => self.tick(&events).await,
                received = self.socket.recv_from(&mut datagram) => match received {
                    Ok((len, from)) => self.receive(from, &datagram[..len], &events),
                    Err(error) => {
                        tell(&events, LegEvent::Failed(format!("receiving RTP: {error}")));
                        break;
                    }
                },
            }
            wake.as_mut().reset(self.wake_at());
            self.stats.heard = self.jitter.stats();
            stats.send_replace(self.stats);
        }
        tracing::debug!(stats = ?self.stats, "RTP leg closed");
    }

    fn wake_at(&self) -> Instant {
        let gap = self.jitter.deadline().map(|deadline| self.epoch + deadline);
        gap.map_or(self.pacer.next(), |gap| gap.min(self.pacer.next()))
    }

    fn receive(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        events: &mpsc::UnboundedSender<LegEvent>,
    ) {
        let now = Instant::now();
        let packet = match self.gate.admit(from, datagram) {
            Ok(packet) => packet,
            Err(refusal) => return self.count(refusal),
        };
        if self.hearing.packet(now) {
            tell(events, LegEvent::FirstPacket { at: now });
        }
        if packet.payload_type == rtp::TELEPHONE_EVENT
            && let Some(digit) = self.digits.push(&packet)
        {
            tell(events, LegEvent::Digit(digit));
        }
        self.jitter.push(self.since_epoch(now), &packet);
        self.hear(now);
    }

    /// Whatever the time has come for: a packet to send, a gap to give up, a silence to tell.
    async fn tick(&mut self, events: &mpsc::UnboundedSender<LegEvent>) {
        let now = Instant::now();
        self.hear(now);
        if let Some(gap) = self.hearing.silence(now) {
            tell(events, LegEvent::Silent { gap });
        }
        let due = self.pacer.due(now);
        self.stats.skipped += u64::from(due.skipped);
        for _ in 0..due.packets {
            self.send_next(events).await;
        }
    }

    fn hear(&mut self, now: Instant) {
        let now = self.since_epoch(now);
        while let Some(frame) = self.jitter.pop(now) {
            self.sink.frame(&frame);
        }
    }

    async fn send_next(&mut self, events: &mpsc::UnboundedSender<LegEvent>) {
        let mut samples = [0; FRAME];
        let filled = self.player.fill(&mut samples);
        let mut packet = [0; rtp::HEADER_LEN + FRAME];
        let (header, payload) = packet.split_at_mut(rtp::HEADER_LEN);
        let header = header.first_chunk_mut().expect("split at the header's length");
        self.pacer.header(filled.talking).write(header);
        g711::encode_ulaw(&samples, payload);
        let sent = self.socket.send_to(&packet, self.peer).await;
        if let (Ok(_), Some(id)) = (&sent, filled.became_audible) {
            tell(events, LegEvent::FirstAudioOut { id, at: Instant::now() });
        }
        self.count_sent(sent, events);
        if let Some(id) = filled.finished {
            tell(events, LegEvent::Finished { id });
        }
    }

    fn count_sent(&mut self, sent: io::Result<usize>, events: &mpsc::UnboundedSender<LegEvent>) {
        match sent {
            Ok(_) => {
                self.stats.sent += 1;
                self.sending = Sending::Works;
            }
            Err(error) => {
                self.stats.send_failures += 1;
                if matches!(self.sending, Sending::Works) {
                    self.sending = Sending::FailureTold;
                    tell(events, LegEvent::Failed(format!("sending RTP: {error}")));
                }
            }
        }
    }

    fn count(&mut self, refusal: Refusal) {
        *match refusal {
            Refusal::Source => &mut self.stats.wrong_source,
            Refusal::Malformed => &mut self.stats.malformed,
            Refusal::PayloadType => &mut self.stats.wrong_payload_type,
            Refusal::Ssrc => &mut self.stats.wrong_ssrc,
        } += 1;
    }

    fn since_epoch(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.epoch)
    }
}

impl Hearing {
    /// Notes a packet; says whether it is the first.
    fn packet(&mut self, now: Instant) -> bool {
        let first = matches!(self.state, Heard::Nothing | Heard::SilenceTold { before: false });
        self.state = Heard::Packets;
        self.since = now;
        first
    }

    /// How long nothing was heard, if that is to be told now.
    fn silence(&mut self, now: Instant) -> Option<Duration> {
        let before = match self.state {
            Heard::Nothing => false,
            Heard::Packets => true,
            Heard::SilenceTold { .. } => return None,
        };
        let gap = now.saturating_duration_since(self.since);
        if gap < self.silent_after {
            return None;
        }
        self.state = Heard::SilenceTold { before };
        Some(gap)
    }
}

fn tell(events: &mpsc::UnboundedSender<LegEvent>, event: LegEvent) {
    // The receiver goes away with the leg's handle, and so does this task in a moment.
    let _ = events.send(event);
}
