//! The jitter buffer: RTP packets in as they arrive, frames of 20 ms out in the order they were
//! spoken.
//!
//! It feeds a recogniser, not an ear, so it holds nothing while packets come in order: a frame can
//! be popped as soon as its last sample has arrived. Only a missing packet makes it wait, and then
//! for a bounded time ([`Patience`]); after that the sound is made up ([`conceal`](crate::conceal))
//! and marked. There is no playout clock, so sender and receiver may drift apart as they like.
//!
//! The contract: after each [`push`](JitterBuffer::push), and whenever
//! [`deadline`](JitterBuffer::deadline) has passed, [`pop`](JitterBuffer::pop) until `None`.
//!
//! A buffer is one fixed piece of memory below 6 KB, and allocates nothing.

mod framer;
mod order;
mod patience;
mod store;
#[cfg(test)]
mod tests;

pub use self::patience::Patience;
use self::{
    framer::{Framer, Gap},
    order::{Order, Place},
    patience::Waiting,
    store::{Content, Held, Store},
};
use crate::{FRAME, SAMPLE_RATE, quality::Reception, rtp};
use std::time::Duration;

/// 20 ms of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Linear PCM at 8 kHz.
    pub samples: [i16; FRAME],
    /// Samples since the beginning of the stream; the next frame's is [`FRAME`] more, but after a
    /// pause longer than [`MAX_GAP`], which is not filled to the end.
    /// It follows the sender's clock; where that jumps, the receiver's.
    pub position: u64,
    /// Where the samples come from.
    pub kind: FrameKind,
    /// When the packet that completed the frame arrived; for a gap, the packet that ended it.
    pub arrived: Duration,
}

/// Where the samples of a frame come from; of a mixed frame, the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameKind {
    /// Every sample came over the wire.
    Voice,
    /// The sender left a gap in its timestamps: discontinuous transmission, a held key, a jump.
    /// Also the rest of a loss that is longer than can be concealed.
    Silence,
    /// A packet was lost and its sound made up.
    Concealed,
}

/// What a buffer has seen since it was made.
///
/// Each received packet ends as a part of frames, or in exactly one of `late`, `duplicate`,
/// `stray` and `discarded`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets pushed.
    pub received: u64,
    /// Packets that came after their place had been given up.
    pub late: u64,
    /// Packets that were there already.
    pub duplicate: u64,
    /// Single packets with a sequence number far from all others.
    pub stray: u64,
    /// Packets dropped whole: longer than [`MAX_PAYLOAD`], or held when the stream started over
    /// or when the buffer was full because nobody popped.
    pub discarded: u64,
    /// Sequence numbers given up on; one that comes late counts here too.
    pub lost: u64,
    /// Times that numbers were given up on, one or several in a row.
    pub gaps: u64,
    /// Packets that came out of order and were put back in their place.
    pub reordered: u64,
    /// Frames given out with made-up sound.
    pub concealed: u64,
    /// Times that the stream was picked up anew: a new SSRC, a sequence that started over, a
    /// timestamp that went back, or ahead by over [`MAX_GAP`] more than time had passed.
    pub resyncs: u64,
    /// Interarrival jitter (RFC 3550 section 6.4.1 and appendix A.8).
    pub jitter: Duration,
}

/// The longest payload that is taken, in samples (and G.711 bytes): 150 ms, the longest that
/// Asterisk packs.
pub const MAX_PAYLOAD: usize = 1200;

/// The longest gap in timestamps that is filled, in samples: 2 s. Of a longer one the first part
/// is left out.
pub const MAX_GAP: u32 = 16_000;

/// Puts the packets of one G.711 stream in order and cuts them into frames.
#[derive(Debug, Default)]
pub struct JitterBuffer {
    order: Option<Order>,
    /// The end of the sound framed last, once there was a packet with sound.
    ended: Option<Ended>,
    store: Store,
    waiting: Waiting,
    /// What `framer` is fed with: first the gap, then the rest of the first packet held.
    gap: Gap,
    playing: Playing,
    framer: Framer,
    reception: Reception,
    stats: Stats,
}

/// The end of a packet's sound.
#[derive(Debug, Clone, Copy)]
struct Ended {
    /// On the sender's clock; `None` if another sender has taken over since.
    timestamp: Option<u32>,
    arrived: Duration,
    samples: usize,
}

#[derive(Debug, Clone, Copy, Default)]
enum Playing {
    #[default]
    Nothing,
    /// Of the first packet held, so many samples are in frames.
    First { framed: usize },
}

impl JitterBuffer {
    /// An empty buffer for a leg from nearby; the first packet begins the stream.
    pub fn new() -> JitterBuffer {
        JitterBuffer::default()
    }

    /// An empty buffer that waits for missing packets as told.
    pub fn with_patience(patience: Patience) -> JitterBuffer {
        JitterBuffer { waiting: Waiting::new(patience), ..JitterBuffer::default() }
    }

    /// Takes a packet that arrived at `arrival`. Payload types [`rtp::PCMU`] and [`rtp::PCMA`] are
    /// sound; a packet of any other type only fills its place in the sequence.
    pub fn push(&mut self, arrival: Duration, packet: &rtp::Packet<'_>) {
        self.stats.received += 1;
        let content = match packet.payload_type {
            rtp::PCMU => Content::Ulaw,
            rtp::PCMA => Content::Alaw,
            _ => Content::Other,
        };
        let place = self.place(packet);
        match content {
            Content::Other => self.reception.other(packet),
            Content::Ulaw | Content::Alaw => self.reception.sound(arrival, packet),
        }
        match place {
            Place::Ahead { sequence, .. } if self.store.contains(sequence) => {
                self.stats.duplicate += 1;
            }
            Place::Ahead { .. } if packet.payload.len() > MAX_PAYLOAD => self.stats.discarded += 1,
            Place::Ahead { sequence, overtaken } => {
                self.stats.reordered += u64::from(overtaken);
                self.waiting.in_time();
                self.hold(Held::new(sequence, packet.timestamp, arrival, content), packet.payload);
            }
            Place::Late { overtaken } => {
                self.stats.late += 1;
                self.waiting.late(overtaken);
            }
            Place::Duplicate => self.stats.duplicate += 1,
            Place::Stray => self.stats.stray += 1,
        }
    }

    /// The next frame that is complete at `now`, or whose missing part is given up by then.
    pub fn pop(&mut self, now: Duration) -> Option<Frame> {
        loop {
            if let Some(frame) = self.framer.take() {
                self.stats.concealed += u64::from(frame.kind == FrameKind::Concealed);
                return Some(frame);
            }
            if self.framer.fill(&mut self.gap) {
                continue;
            }
            match (&mut self.playing, self.store.first()) {
                (Playing::First { framed }, Some(first)) => {
                    let rest = &self.store.payload()[*framed..];
                    *framed += self.framer.voice(rest, first.content, first.arrived);
                    if *framed == first.samples() {
                        self.playing = Playing::Nothing;
                        self.store.remove_first();
                    }
                }
                _ => self.play_next(now)?,
            }
        }
    }

    /// When to [`pop`](JitterBuffer::pop) again even if nothing arrives.
    pub fn deadline(&self) -> Option<Duration> {
        let first = self.store.first()?;
        let in_order = self.order.as_ref().is_some_and(|order| order.missing(first.sequence) == 0);
        if in_order { Some(first.arrived) } else { self.gives_up() }
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        Stats { jitter: self.reception.jitter(), ..self.stats }
    }

    /// The reception of the current source, for RTCP.
    pub fn reception(&mut self) -> &mut Reception {
        &mut self.reception
    }

    fn place(&mut self, packet: &rtp::Packet<'_>) -> Place {
        if let Some(order) = self.order.as_mut().filter(|order| order.ssrc() == packet.ssrc) {
            match order.place(packet.sequence) {
                Some(place) => return place,
                None => self.start_over(),
            }
        } else if self.order.is_some() {
            self.start_over();
            self.reception.restart();
        }
        let order = self.order.insert(Order::new(packet.ssrc, packet.sequence));
        order.place(packet.sequence).expect("the first of a sequence is not far from it")
    }

    fn start_over(&mut self) {
        self.stats.resyncs += 1;
        self.stats.discarded += self.store.held().len() as u64;
        self.store.clear();
        self.playing = Playing::Nothing;
        if let Some(ended) = &mut self.ended {
            ended.timestamp = None;
        }
    }

    fn hold(&mut self, packet: Held, payload: &[u8]) {
        while !self.store.has_room(payload.len()) {
            self.stats.discarded += 1;
            self.store.remove_first();
            self.playing = Playing::Nothing;
        }
        self.store.insert(packet, payload);
    }

    /// Moves on to the next packet, if it is its turn; `None` when there is nothing to do yet.
    fn play_next(&mut self, now: Duration) -> Option<()> {
        let (packet, order) = (*self.store.first()?, self.order.as_mut()?);
        let lost = order.missing(packet.sequence);
        if lost > 0 {
            let patient = self.store.held().len() <= self.waiting.packets();
            let room = self.store.has_room(MAX_PAYLOAD);
            if patient && room && now < self.gives_up()? {
                return None;
            }
            self.stats.lost += lost;
            self.stats.gaps += 1;
        }
        self.order.as_mut()?.advance(packet.sequence);
        match packet.content {
            Content::Other => self.store.remove_first(),
            Content::Ulaw | Content::Alaw => {
                self.gap = self.gap_before(&packet, lost);
                if let Some(samples) = self.gap.bridged() {
                    self.framer.bridge(samples, self.store.payload(), packet.content);
                }
                let timestamp = Some(packet.timestamp.wrapping_add(packet.samples() as u32));
                let (arrived, samples) = (packet.arrived, packet.samples());
                self.ended = Some(Ended { timestamp, arrived, samples });
                self.playing = Playing::First { framed: 0 };
            }
        }
        Some(())
    }

    fn gives_up(&self) -> Option<Duration> {
        let first = self.store.held().iter().map(|held| held.arrived).min()?;
        Some(first + self.waiting.time())
    }

    /// What stands between the sample framed last and the first of `packet`.
    fn gap_before(&mut self, packet: &Held, lost: u64) -> Gap {
        let Some(ended) = self.ended else { return Gap::default() };
        // How long nothing came; the packet itself took its own length to be spoken.
        let idle = samples_in(packet.arrived.saturating_sub(ended.arrived))
            .saturating_sub(packet.samples() as u64);
        // A timestamp that went back is far ahead, around the wrap.
        let ahead = ended.timestamp.map(|expected| packet.timestamp.wrapping_sub(expected).into());
        let samples = match ahead {
            // Packets may be delayed by seconds and then come at once, so the sender's clock is
            // believed unless time cannot have gone on by so much.
            Some(ahead) if ahead <= idle + u64::from(MAX_GAP) => ahead,
            _ => {
                self.stats.resyncs += u64::from(ended.timestamp.is_some());
                if idle > UNNOTICED { idle } else { 0 }
            }
        };
        Gap::new(samples, lost.saturating_mul(ended.samples as u64), packet.arrived)
    }
}

/// A pause at the change of clocks that may be delay as well as a pause, in samples: 60 ms.
const UNNOTICED: u64 = 480;

fn samples_in(time: Duration) -> u64 {
    let rate = u64::from(SAMPLE_RATE);
    time.as_secs() * rate + u64::from(time.subsec_nanos()) * rate / 1_000_000_000
}
