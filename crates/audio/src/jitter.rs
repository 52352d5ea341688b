//! The jitter buffer: RTP packets in as they arrive, frames of 20 ms out in the order they were
//! spoken.
//!
//! It feeds a recogniser, not an ear, so it holds nothing while packets come in order: a frame can
//! be popped as soon as its last sample has arrived. Only a missing packet makes it wait, and then
//! for a bounded time: a packet is put back in its place when at most two others overtook it and
//! it comes within 40 ms; otherwise its sound is made up (the last frame, fading) and marked.
//!
//! The contract: after each [`push`](JitterBuffer::push), and whenever
//! [`deadline`](JitterBuffer::deadline) has passed, [`pop`](JitterBuffer::pop) until `None`.

mod arrival;
mod framer;
mod order;
#[cfg(test)]
mod tests;

use self::{
    arrival::Interarrival,
    framer::{Framer, Gap},
    order::{Order, Place},
};
use crate::{FRAME, rtp};
use std::{collections::VecDeque, time::Duration};

/// 20 ms of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Linear PCM at 8 kHz.
    pub samples: [i16; FRAME],
    /// Samples since the beginning of the stream; the next frame's is [`FRAME`] more, always.
    /// It follows the sender's clock but for resyncs, where an unknown time is left out.
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
    /// Packets that came out of order and were put back in their place.
    pub reordered: u64,
    /// Frames given out with made-up sound.
    pub concealed: u64,
    /// Times that the stream was picked up anew: a new SSRC, a sequence that started over, a
    /// timestamp that went back or further ahead than [`MAX_GAP`].
    pub resyncs: u64,
    /// Interarrival jitter (RFC 3550 section 6.4.1 and appendix A.8).
    pub jitter: Duration,
}

/// The longest payload that is taken, in samples (and mu-law bytes): 200 ms.
pub const MAX_PAYLOAD: usize = 1600;

/// The longest gap in timestamps that is filled, in samples: 2 s. A longer one is cut to this.
pub const MAX_GAP: u32 = 16_000;

/// How long the packets behind a missing one are held.
pub const MAX_WAIT: Duration = Duration::from_millis(40);

/// How many packets may overtake one that is still put back in its place.
pub const MAX_OVERTAKING: usize = 2;

/// Packets held at most. A buffer that is popped as it should never holds more than
/// `MAX_OVERTAKING`.
const MAX_HELD: usize = 50;

/// Puts the packets of one mu-law stream in order and cuts them into frames.
#[derive(Debug, Default)]
pub struct JitterBuffer {
    order: Option<Order>,
    /// The RTP timestamp of the next sample to be framed, once a packet with sound has been.
    timestamp: Option<u32>,
    /// By sequence, each once.
    held: VecDeque<Held>,
    /// Emptied packets: their buffers are used again, so that a running stream allocates nothing.
    spare: Vec<Held>,
    /// What `framer` is fed with: first the gap, then the rest of the packet.
    gap: Gap,
    playing: Option<Playing>,
    framer: Framer,
    arrivals: Interarrival,
    stats: Stats,
}

#[derive(Debug, Default)]
struct Held {
    sequence: u64,
    timestamp: u32,
    arrived: Duration,
    content: Content,
    codes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Content {
    #[default]
    Sound,
    /// Telephone events and the like take a sequence number but no time (RFC 4733 section 2.1).
    Other,
}

#[derive(Debug)]
struct Playing {
    packet: Held,
    framed: usize,
}

impl JitterBuffer {
    /// An empty buffer; the first packet begins the stream.
    pub fn new() -> JitterBuffer {
        JitterBuffer::default()
    }

    /// Takes a packet that arrived at `arrival`. Payload type [`rtp::PCMU`] is sound; a packet of
    /// any other type only fills its place in the sequence.
    pub fn push(&mut self, arrival: Duration, packet: &rtp::Packet<'_>) {
        self.stats.received += 1;
        if packet.payload.len() > MAX_PAYLOAD {
            self.stats.discarded += 1;
            return;
        }
        match self.place(packet) {
            Place::Ahead { sequence, overtaken } => {
                let slot = self.held.partition_point(|held| held.sequence < sequence);
                if self.held.get(slot).is_some_and(|held| held.sequence == sequence) {
                    self.stats.duplicate += 1;
                    return;
                }
                self.stats.reordered += u64::from(overtaken);
                self.hold(slot, sequence, arrival, packet);
            }
            Place::Late => self.stats.late += 1,
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
            match &mut self.playing {
                Some(playing) if playing.framed < playing.packet.codes.len() => {
                    let codes = &playing.packet.codes[playing.framed..];
                    playing.framed += self.framer.voice(codes, playing.packet.arrived);
                }
                _ => self.play_next(now)?,
            }
        }
    }

    /// When to [`pop`](JitterBuffer::pop) again even if nothing arrives.
    pub fn deadline(&self) -> Option<Duration> {
        let head = self.held.front()?;
        let in_order = self.order.as_ref().is_some_and(|order| order.missing(head.sequence) == 0);
        if in_order { Some(head.arrived) } else { self.gives_up() }
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        Stats { jitter: self.arrivals.jitter(), ..self.stats }
    }

    fn place(&mut self, packet: &rtp::Packet<'_>) -> Place {
        if let Some(order) = self.order.as_mut().filter(|order| order.ssrc() == packet.ssrc) {
            match order.place(packet.sequence) {
                Some(place) => return place,
                None => self.start_over(),
            }
        } else if self.order.is_some() {
            self.start_over();
        }
        let order = self.order.insert(Order::new(packet.ssrc, packet.sequence));
        order.place(packet.sequence).expect("the first of a sequence is not far from it")
    }

    fn start_over(&mut self) {
        self.stats.resyncs += 1;
        self.stats.discarded += self.held.len() as u64;
        self.spare.extend(self.held.drain(..));
        self.timestamp = None;
        self.arrivals.rebase();
    }

    fn hold(&mut self, slot: usize, sequence: u64, arrived: Duration, packet: &rtp::Packet<'_>) {
        let mut held = self.spare.pop().unwrap_or_default();
        held.codes.clear();
        (held.sequence, held.timestamp, held.arrived) = (sequence, packet.timestamp, arrived);
        held.content = Content::Other;
        if packet.payload_type == rtp::PCMU {
            held.content = Content::Sound;
            held.codes.extend_from_slice(packet.payload);
            self.arrivals.observe(arrived, packet.timestamp);
        }
        self.held.insert(slot, held);
        if self.held.len() > MAX_HELD {
            self.stats.discarded += 1;
            self.spare.extend(self.held.pop_front());
        }
    }

    /// Moves on to the next packet, if it is its turn; `None` when there is nothing to do yet.
    fn play_next(&mut self, now: Duration) -> Option<()> {
        self.spare.extend(self.playing.take().map(|playing| playing.packet));
        let order = self.order.as_mut()?;
        let lost = order.missing(self.held.front()?.sequence);
        if lost > 0 && self.held.len() <= MAX_OVERTAKING && now < self.gives_up()? {
            return None;
        }
        let packet = self.held.pop_front()?;
        self.order.as_mut()?.advance(packet.sequence);
        self.stats.lost += lost;
        match packet.content {
            Content::Other => self.spare.push(packet),
            Content::Sound => {
                self.gap = self.gap_before(&packet, lost);
                self.timestamp = Some(packet.timestamp.wrapping_add(packet.codes.len() as u32));
                self.playing = Some(Playing { packet, framed: 0 });
            }
        }
        Some(())
    }

    fn gives_up(&self) -> Option<Duration> {
        self.held.iter().map(|held| held.arrived).min().map(|first| first + MAX_WAIT)
    }

    /// What stands between the sample framed last and the first of `packet`.
    fn gap_before(&mut self, packet: &Held, lost: u64) -> Gap {
        let expected = self.timestamp.unwrap_or(packet.timestamp);
        let ahead = packet.timestamp.wrapping_sub(expected);
        // Timestamps are compared around the wrap: more than half of the range ahead is behind.
        let samples = if ahead > i32::MAX as u32 { 0 } else { ahead.min(MAX_GAP) };
        self.stats.resyncs += u64::from(samples != ahead);
        match lost {
            0 => Gap::silence(samples as usize, packet.arrived),
            _ => self.framer.loss(samples as usize, packet.arrived),
        }
    }
}
