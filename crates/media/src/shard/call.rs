//! The record of one call: all that its packets pass, in one place in memory.

use super::outbox::{Key, Outbox};
use crate::{
    counters::Counters,
    gate::{Gate, Refusal},
    leg::{CODEC, Command, DELAY, LegEvent, LegStats},
    player::{Filled, Player},
    stream::Stream,
    system::Name,
    tap::{Side, Taps},
    watch::Watch,
};
use audio::{jitter::JitterBuffer, quality::Meter, rtp, telephone_event::Digits};
use std::{
    io,
    time::{Duration, Instant},
};

pub(super) use crate::tap::PACKET;

/// Turns between two reports of a call's counters: a second.
const TURNS_A_REPORT: u32 = 50;

/// What a call begins with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    /// Where to send to.
    pub(crate) name: Name,
    /// What arrivals count from.
    pub(crate) epoch: Instant,
    pub(crate) silent_after: Duration,
}

/// One call.
pub(super) struct Call {
    name: Name,
    epoch: Instant,
    gate: Gate,
    jitter: JitterBuffer,
    digits: Digits,
    watch: Watch,
    player: Player,
    stream: Stream,
    sending: Sending,
    turns_to_report: u32,
    meter: Meter,
    stats: LegStats,
    taps: Taps,
}

/// Whether the last packet could be sent.
enum Sending {
    Works,
    FailureTold,
}

/// Where a call tells what happens.
pub(super) struct Told<'a> {
    pub(super) key: Key,
    pub(super) outbox: &'a mut Outbox,
    pub(super) counters: &'a Counters,
}

impl Call {
    pub(super) fn new(opening: Opening, now: Instant) -> Call {
        let Opening { name, epoch, silent_after } = opening;
        Call {
            name,
            epoch,
            gate: Gate::default(),
            jitter: JitterBuffer::new(),
            digits: Digits::default(),
            watch: Watch::new(now.into(), silent_after),
            player: Player::default(),
            stream: Stream::new(),
            sending: Sending::Works,
            turns_to_report: TURNS_A_REPORT,
            meter: Meter::default(),
            stats: LegStats::default(),
            taps: Taps::default(),
        }
    }

    pub(super) fn name(&self) -> Name {
        self.name
    }

    pub(super) fn stats(&self) -> LegStats {
        LegStats { heard: self.jitter.stats(), unrecorded: self.taps.lost(), ..self.stats }
    }

    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Speak(speech) => self.player.command(speech),
            Command::Tap(tap) => self.taps.add(*tap),
        }
    }

    /// Takes a datagram of the peer, `None` for one that is too long to be RTP; says whether the
    /// jitter buffer now waits for a packet that is missing.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        datagram: Option<&[u8]>,
        told: &mut Told<'_>,
    ) -> Gap {
        if let Some(datagram) = datagram {
            self.taps.copy(Side::Caller, now, &[datagram]);
        }
        let admitted = datagram.ok_or(Refusal::Malformed).and_then(|it| self.gate.admit(it));
        let packet = match admitted {
            Ok(packet) => packet,
            Err(refusal) => {
                self.refuse(refusal, told.counters);
                return Gap::None;
            }
        };
        if let Some(first) = self.watch.heard(now.into()) {
            told.event(first);
        }
        if packet.payload_type == rtp::TELEPHONE_EVENT
            && let Some(digit) = self.digits.push(&packet)
        {
            told.event(LegEvent::Digit { key: digit, at: now.into() });
        }
        self.jitter.push(self.since_epoch(now), &packet);
        self.hear(now, told)
    }

    /// Hands on every frame that is complete, or given up, by now.
    pub(super) fn hear(&mut self, now: Instant, told: &mut Told<'_>) -> Gap {
        let now = self.since_epoch(now);
        while let Some(frame) = self.jitter.pop(now) {
            match told.outbox.frame(told.key, frame) {
                Ok(()) => told.counters.frames.add(1),
                Err(_) => {
                    told.counters.untaken.add(1);
                    self.stats.untaken += 1;
                }
            }
        }
        if self.jitter.deadline().is_some() { Gap::Open } else { Gap::None }
    }

    /// Makes the packet of this turn; `missed` turns before it were left out.
    pub(super) fn speak(&mut self, missed: u32) -> ([u8; PACKET], Filled) {
        if missed > 0 {
            self.stream.skip(missed);
            self.stats.skipped += u64::from(missed);
        }
        let mut packet = [0; PACKET];
        let (header, payload) = packet.split_first_chunk_mut().expect("longer than a header");
        let payload = payload.first_chunk_mut().expect("what follows the header is a frame");
        let filled = self.player.fill(payload);
        *header = self.stream.next(filled.talking);
        self.taps.hold(&packet);
        (packet, filled)
    }

    /// What came of the packet of this turn.
    pub(super) fn spoken(
        &mut self,
        at: Instant,
        filled: Filled,
        sent: Result<(), &io::Error>,
        told: &mut Told<'_>,
    ) {
        match sent {
            Ok(()) => {
                self.stats.sent += 1;
                self.sending = Sending::Works;
                self.taps.copy_held(at);
                if let Some(id) = filled.became_audible {
                    told.event(LegEvent::FirstAudioOut { id, at: at.into() });
                }
            }
            Err(error) => {
                self.stats.send_failures += 1;
                if matches!(self.sending, Sending::Works) {
                    self.sending = Sending::FailureTold;
                    told.event(LegEvent::Failed(format!("sending RTP: {error}")));
                }
            }
        }
        if let Some(id) = filled.finished {
            told.event(LegEvent::Finished { id });
        }
        if let Some(silence) = self.watch.look(at.into()) {
            told.event(silence);
        }
        self.turns_to_report -= 1;
        if self.turns_to_report == 0 {
            self.turns_to_report = TURNS_A_REPORT;
            self.stats.quality = self.meter.interval(&self.jitter.stats(), CODEC, DELAY);
            told.outbox.stats(told.key, self.stats());
        }
    }

    /// Notes an RTCP packet of the peer.
    pub(super) fn report(&mut self) {
        self.stats.reports += 1;
    }

    fn refuse(&mut self, refusal: Refusal, counters: &Counters) {
        let (ours, all) = match refusal {
            Refusal::Malformed => (&mut self.stats.malformed, &counters.malformed),
            Refusal::PayloadType => {
                (&mut self.stats.wrong_payload_type, &counters.wrong_payload_type)
            }
            Refusal::Ssrc => (&mut self.stats.wrong_ssrc, &counters.wrong_ssrc),
        };
        *ours += 1;
        all.add(1);
    }

    fn since_epoch(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.epoch)
    }
}

/// Whether the jitter buffer waits for a missing packet, which will be given up in its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    None,
    Open,
}

impl Told<'_> {
    pub(super) fn event(&mut self, event: LegEvent) {
        self.outbox.event(self.key, event);
    }
}
