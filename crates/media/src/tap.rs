//! A tap on a leg: copies of its packets, handed to a thread that writes them to files.
//!
//! The leg's own thread or task only copies bytes into a ring: it never waits, allocates or reads a
//! clock for it, and what finds the ring full is left out and counted. [`Recorder`] does the rest.
//!
//! While a recording is paused the leg's own thread puts silence into the ring in place of sound, and
//! no keys: what nobody may keep never gets further than the packet it came in.

mod delay;
mod files;
mod frames;
mod recorder;
mod recording;
mod sound;
mod taps;
mod timeline;
mod valve;

use self::{
    delay::Delay,
    timeline::position_of,
    valve::{Position, Valve},
};
pub(crate) use self::{frames::FrameTap, taps::Taps};
pub use self::{
    recorder::{Recorder, RecordingPlan},
    recording::{NotSilent, Recorded, Recording, RecordingError, RecordingSwitch},
};
use audio::{FRAME, rtp};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Bytes of a packet with 20 ms of mu-law.
pub(crate) const PACKET: usize = rtp::HEADER_LEN + FRAME;

/// Who speaks in a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Caller,
    Us,
}

/// The leg's end of the ring.
#[derive(Debug)]
pub(crate) struct Tap {
    queue: Queue,
    valve: Arc<Valve>,
    caller: Delay,
    origin: Instant,
}

/// Where packets go in.
#[derive(Debug)]
struct Queue {
    ring: rtrb::Producer<u8>,
    /// Packets left out, since the last one that was not, and since the beginning.
    lost_before: u32,
    lost: u64,
}

/// The writer's end of the ring.
#[derive(Debug)]
struct Copies {
    ring: rtrb::Consumer<u8>,
    valve: Arc<Valve>,
    packet: Vec<u8>,
}

/// A packet of a leg.
#[derive(Debug, PartialEq, Eq)]
struct Copy<'a> {
    /// When it was received or sent, since the tap began.
    at: Duration,
    side: Side,
    /// Packets that were left out before it.
    lost_before: u32,
    packet: &'a [u8],
}

/// Bytes of a ring: three seconds of both directions.
const ROOM: usize = 64 << 10;

/// What stands before a packet in the ring: when, how many were left out, whose, how long.
const HEADER: usize = 8 + 4 + 1 + 2;

/// After a pause what the caller has said stays silent for so long: it may still have been on its
/// way when the pause ended. The one-way delay that no telephone call should have (ITU-T G.114).
const ON_ITS_WAY: Duration = Duration::from_millis(400);

/// Silence in mu-law and A-law, as long as the longest packet.
static SILENCE: [[u8; LONGEST]; 2] = [[0xFF; LONGEST], [0xD5; LONGEST]];

/// Bytes of sound in a packet, at most: 180 ms.
const LONGEST: usize = 1440;

/// A ring; times count from `origin`.
fn ring(origin: Instant) -> (Tap, Copies) {
    let (producer, consumer) = rtrb::RingBuffer::new(ROOM);
    let valve = Arc::new(Valve::default());
    let queue = Queue { ring: producer, lost_before: 0, lost: 0 };
    let caller = Delay::default();
    let tap = Tap { queue, valve: valve.clone(), caller, origin };
    (tap, Copies { ring: consumer, valve, packet: Vec::with_capacity(PACKET) })
}

impl Tap {
    /// Copies a packet that comes in `parts`, the first of which has its header.
    fn copy(&mut self, side: Side, at: Instant, parts: &[&[u8]]) {
        let at = at.saturating_duration_since(self.origin);
        let passage = self.valve.enter();
        let head = parts.first().and_then(|head| rtp::Packet::parse(head).ok());
        let said = match (side, &head) {
            (Side::Us, _) => at,
            (Side::Caller, Some(packet)) => {
                let now = position_of(at);
                let said = match packet.payload_type {
                    rtp::PCMU | rtp::PCMA => self.caller.of_sound(now, packet),
                    _ => self.caller.of_key(now, packet),
                };
                at.saturating_sub(audio::duration_of(u64::try_from(now - said).unwrap_or(0)))
            }
            (Side::Caller, None) => at,
        };
        let settled = if side == Side::Caller { ON_ITS_WAY } else { Duration::ZERO };
        match passage.position {
            Position::Ended => {}
            Position::Open(Duration::ZERO) => self.queue.put(side, at, parts),
            Position::Open(since) if said >= since + settled => self.queue.put(side, at, parts),
            Position::Open(_) | Position::Shut => {
                if let Some(packet) = head {
                    let rest: usize = parts[1..].iter().map(|part| part.len()).sum();
                    self.queue.put_silence(side, at, &packet, packet.payload.len() + rest);
                }
            }
        }
    }

    /// Packets left out so far.
    fn lost(&self) -> u64 {
        self.queue.lost
    }

    /// Whether nobody takes what is copied any more.
    fn is_over(&self) -> bool {
        self.valve.position() == Position::Ended || self.queue.ring.is_abandoned()
    }
}

impl Queue {
    fn put(&mut self, side: Side, at: Duration, parts: &[&[u8]]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let chunk = u16::try_from(len).ok().zip(self.ring.write_chunk(HEADER + len).ok());
        let Some((len, mut chunk)) = chunk else {
            self.lost_before = self.lost_before.saturating_add(1);
            self.lost += 1;
            return;
        };
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&(at.as_nanos() as u64).to_le_bytes());
        header[8..12].copy_from_slice(&self.lost_before.to_le_bytes());
        header[12] = side as u8;
        header[13..].copy_from_slice(&len.to_le_bytes());
        let (mut now, mut then) = chunk.as_mut_slices();
        for mut part in std::iter::once(&header[..]).chain(parts.iter().copied()) {
            if part.len() > now.len() {
                let (fits, rest) = part.split_at(now.len());
                now.copy_from_slice(fits);
                (now, then, part) = (then, &mut [], rest);
            }
            let (to, rest) = now.split_at_mut(part.len());
            to.copy_from_slice(part);
            now = rest;
        }
        chunk.commit_all();
        self.lost_before = 0;
    }

    /// Silence of `len` samples in the place of a packet of sound, so that time goes on; of any other
    /// packet nothing.
    fn put_silence(&mut self, side: Side, at: Duration, packet: &rtp::Packet<'_>, len: usize) {
        let silence = match packet.payload_type {
            rtp::PCMU => &SILENCE[0],
            rtp::PCMA => &SILENCE[1],
            _ => return,
        };
        let rtp::Packet { marker, payload_type, sequence, timestamp, ssrc, .. } = *packet;
        let mut header = [0; rtp::HEADER_LEN];
        rtp::Header { marker, payload_type, sequence, timestamp, ssrc }.write(&mut header);
        self.put(side, at, &[&header, &silence[..len.min(LONGEST)]]);
    }
}

impl Copies {
    /// The next packet, if one is there.
    fn next(&mut self) -> Option<Copy<'_>> {
        let mut header = [0; HEADER];
        let chunk = self.ring.read_chunk(HEADER).ok()?;
        header.iter_mut().zip(chunk).for_each(|(to, byte)| *to = byte);
        let (nanos, rest) = header.split_first_chunk().expect("it is that long");
        let (lost, rest) = rest.split_first_chunk().expect("it is that long");
        let side = if rest[0] == Side::Caller as u8 { Side::Caller } else { Side::Us };
        let len = u16::from_le_bytes([rest[1], rest[2]]);
        // A packet is put in at once with its header.
        let packet = self.ring.read_chunk(usize::from(len)).ok()?;
        self.packet.clear();
        let (now, then) = packet.as_slices();
        self.packet.extend_from_slice(now);
        self.packet.extend_from_slice(then);
        packet.commit_all();
        let at = Duration::from_nanos(u64::from_le_bytes(*nanos));
        Some(Copy { at, side, lost_before: u32::from_le_bytes(*lost), packet: &self.packet })
    }

    /// Whether nothing more will come but what is there.
    fn is_ended(&self) -> bool {
        let stopped = self.valve.position() == Position::Ended && self.valve.is_empty();
        stopped || self.ring.is_abandoned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_as_they_went_in_all_around_the_ring() {
        let origin = Instant::now();
        let (mut tap, mut copies) = ring(origin);
        for n in 0..5_000_u64 {
            let at = Duration::from_millis(n * 7);
            let bytes: Vec<u8> = (0..n % 400).map(|byte| byte as u8).collect();
            let side = if n % 3 == 0 { Side::Caller } else { Side::Us };
            let (head, tail) = bytes.split_at(bytes.len() / 3);
            tap.copy(side, origin + at, &[head, tail]);
            let copy = Copy { at, side, lost_before: 0, packet: &bytes };
            assert_eq!(copies.next(), Some(copy), "{n}");
        }
        assert_eq!(copies.next(), None);
        assert!(!copies.is_ended());
        drop(tap);
        assert!(copies.is_ended());
    }

    #[test]
    fn what_finds_the_ring_full_is_counted_and_the_next_one_says_so() {
        let origin = Instant::now();
        let (mut tap, mut copies) = ring(origin);
        let fits = ROOM / (HEADER + PACKET);
        let copy = |tap: &mut Tap| tap.copy(Side::Us, origin, &[&[1; PACKET]]);
        (0..fits + 5).for_each(|_| copy(&mut tap));
        assert_eq!(tap.lost(), 5);
        tap.copy(Side::Caller, origin, &[&[0; 70_000]]);
        assert_eq!(tap.lost(), 6, "and what is longer than any datagram");
        for _ in 0..fits {
            assert_eq!(copies.next().unwrap().lost_before, 0);
        }
        copy(&mut tap);
        copy(&mut tap);
        assert_eq!(copies.next().unwrap().lost_before, 6);
        assert_eq!(copies.next().unwrap().lost_before, 0);
        assert_eq!(tap.lost(), 6);
    }
}
