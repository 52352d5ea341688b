//! A tap on a leg: copies of its packets, handed to a thread that writes them to files.
//!
//! The leg's own thread or task only copies bytes into a ring: it never waits, allocates or reads a
//! clock for it, and what finds the ring full is left out and counted. [`Recorder`] does the rest.

mod files;
mod frames;
mod recorder;
mod timeline;

pub(crate) use self::frames::FrameTap;
pub use self::recorder::{Recorded, Recorder, Recording, RecordingError, RecordingPlan};
use audio::{FRAME, rtp};
use std::time::{Duration, Instant};

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
    ring: rtrb::Producer<u8>,
    origin: Instant,
    /// Packets left out, since the last one that was not, and since the beginning.
    lost_before: u32,
    lost: u64,
    held: [u8; PACKET],
}

/// The writer's end of the ring.
#[derive(Debug)]
struct Copies {
    ring: rtrb::Consumer<u8>,
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

/// A ring; times count from `origin`.
fn ring(origin: Instant) -> (Tap, Copies) {
    let (producer, consumer) = rtrb::RingBuffer::new(ROOM);
    let tap = Tap { ring: producer, origin, lost_before: 0, lost: 0, held: [0; PACKET] };
    (tap, Copies { ring: consumer, packet: Vec::with_capacity(PACKET) })
}

impl Tap {
    /// Copies a packet that comes in `parts`.
    pub(crate) fn copy(&mut self, side: Side, at: Instant, parts: &[&[u8]]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let chunk = u16::try_from(len).ok().zip(self.ring.write_chunk(HEADER + len).ok());
        let Some((len, mut chunk)) = chunk else {
            self.lost_before = self.lost_before.saturating_add(1);
            self.lost += 1;
            return;
        };
        let nanos = at.saturating_duration_since(self.origin).as_nanos() as u64;
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&nanos.to_le_bytes());
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

    /// Keeps a packet of ours until it is known whether and when it is sent.
    pub(crate) fn hold(&mut self, packet: &[u8; PACKET]) {
        self.held = *packet;
    }

    /// The packet that was kept is sent.
    pub(crate) fn copy_held(&mut self, at: Instant) {
        let held = self.held;
        self.copy(Side::Us, at, &[&held]);
    }

    /// Packets left out so far.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
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
        self.ring.is_abandoned()
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
        tap.hold(&[1; PACKET]);
        (0..fits + 5).for_each(|_| tap.copy_held(origin));
        assert_eq!(tap.lost(), 5);
        tap.copy(Side::Caller, origin, &[&[0; 70_000]]);
        assert_eq!(tap.lost(), 6, "and what is longer than any datagram");
        for _ in 0..fits {
            assert_eq!(copies.next().unwrap().lost_before, 0);
        }
        tap.copy_held(origin);
        tap.copy_held(origin);
        assert_eq!(copies.next().unwrap().lost_before, 6);
        assert_eq!(copies.next().unwrap().lost_before, 0);
        assert_eq!(tap.lost(), 6);
    }
}
