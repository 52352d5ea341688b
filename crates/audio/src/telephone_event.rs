//! Digits pressed on a telephone, sent as events beside the sound (RFC 4733 section 2).
//!
//! [`Digits`] makes one digit of the many packets of a press; [`Deduplicator`] makes one press of
//! what several witnesses tell of it.

mod dedup;
#[cfg(test)]
mod tests;

pub use self::dedup::{Deduplicator, Witness};
use crate::rtp;

/// Bytes of an event payload.
pub const EVENT_LEN: usize = 4;

/// One report of an event: a key is reported every 20 to 50 ms while it is held, and its end
/// three times over (RFC 4733 sections 2.3 and 2.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The event; 0 to 15 are the keys.
    pub code: u8,
    /// The key has been let go.
    pub end: bool,
    /// Loudness below the reference level, 0 to 63 (-dBm0).
    pub volume: u8,
    /// How long the event has lasted since its RTP timestamp, in samples.
    pub duration: u16,
}

impl Event {
    /// Reads an RTP payload; `None` when it is shorter than an event. Only the first event of a
    /// payload is read, which is the only one that telephones send.
    pub fn parse(payload: &[u8]) -> Option<Event> {
        let [code, flags, d0, d1] = *payload.first_chunk::<EVENT_LEN>()?;
        Some(Event {
            code,
            end: flags & END != 0,
            volume: flags & 0x3F,
            duration: u16::from_be_bytes([d0, d1]),
        })
    }

    /// The event as an RTP payload; `volume` is limited to 63.
    pub fn to_bytes(&self) -> [u8; EVENT_LEN] {
        let flags = self.volume.min(0x3F) | if self.end { END } else { 0 };
        let [d0, d1] = self.duration.to_be_bytes();
        [self.code, flags, d0, d1]
    }

    /// The key: `0` to `9`, `*`, `#`, `A` to `D`. `None` for an event that is no key.
    pub fn digit(&self) -> Option<char> {
        KEYS.get(usize::from(self.code)).map(|key| char::from(*key))
    }
}

/// The event code of a key, the inverse of [`Event::digit`].
pub fn code_of(digit: char) -> Option<u8> {
    KEYS.iter().position(|key| char::from(*key) == digit).map(|code| code as u8)
}

/// Turns the many reports of a key into one digit each.
///
/// All reports of one event carry the RTP timestamp of its beginning. The digit is given with the
/// first report that arrives, whichever that is: nobody waits for the key to be let go, and any
/// report but one may be lost, late or doubled. The last few events are remembered, so that a
/// report overtaken by the next key's is neither a second digit nor, if it is its event's only
/// one, no digit at all.
#[derive(Debug, Default)]
pub struct Digits {
    ssrc: u32,
    known: [Option<Known>; MEMORY],
    oldest: usize,
}

/// Events that are remembered: the keys of a second at least, far longer than a packet is late.
const MEMORY: usize = 16;

/// Segments of one event that are looked for: a key held for over a minute.
const SEGMENTS: u32 = 10;

#[derive(Debug, Clone, Copy)]
struct Known {
    code: u8,
    /// Of its latest segment.
    timestamp: u32,
}

impl Digits {
    /// Takes a telephone-event packet; gives the digit if this is the first report of a key.
    pub fn push(&mut self, packet: &rtp::Packet<'_>) -> Option<char> {
        let event = Event::parse(packet.payload)?;
        if self.ssrc != packet.ssrc {
            // Each stream has timestamps of its own.
            *self = Digits { ssrc: packet.ssrc, ..Digits::default() };
        }
        let reported = Known { code: event.code, timestamp: packet.timestamp };
        if let Some(known) = self.known.iter_mut().flatten().find(|known| known.includes(&reported))
        {
            if !reported.is_before(known.timestamp) {
                known.timestamp = reported.timestamp;
            }
            return None;
        }
        self.known[self.oldest] = Some(reported);
        self.oldest = (self.oldest + 1) % MEMORY;
        event.digit()
    }
}

impl Known {
    /// Whether `reported` is of the same event. One longer than the 16-bit duration (8.2 s) goes on
    /// in a new segment, stamped where the last one ended (RFC 4733 section 2.5.1.3).
    fn includes(&self, reported: &Known) -> bool {
        let apart = reported.timestamp.wrapping_sub(self.timestamp);
        let apart = apart.min(apart.wrapping_neg());
        let segment = u32::from(u16::MAX);
        apart == 0
            || (self.code == reported.code
                && apart.is_multiple_of(segment)
                && apart / segment <= SEGMENTS)
    }

    fn is_before(&self, timestamp: u32) -> bool {
        timestamp.wrapping_sub(self.timestamp).wrapping_sub(1) < i32::MAX as u32
    }
}

const END: u8 = 0x80;

/// By event code (RFC 4733 section 3.2).
const KEYS: &[u8; 16] = b"0123456789*#ABCD";
