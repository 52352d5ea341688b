//! When to send, and with which header.

use audio::{
    FRAME, FRAME_TIME,
    rtp::{Header, PCMU},
};
use std::hash::{BuildHasher, RandomState};
use tokio::time::Instant;

/// A leg that woke late sends this many packets at once to catch up. One that is later starts
/// afresh: the far side has played silence by then, and its jitter buffer would only grow.
const MAX_BURST: u32 = 3;

/// Paces packets to absolute times, so that no lateness adds up, and numbers them. The RTP
/// timestamp follows the clock, also over packets that were left out.
#[derive(Debug)]
pub(crate) struct Pacer {
    next: Instant,
    header: Header,
    /// The next packet does not continue the one before.
    discontinuity: bool,
    talking: bool,
}

impl Pacer {
    /// The first packet is due at `start`.
    pub(crate) fn new(start: Instant) -> Pacer {
        // RFC 3550 section 5.1 asks for a random SSRC, sequence and timestamp. The standard
        // library's hasher has random keys.
        let random = |what: &str| RandomState::new().hash_one(what);
        let header = Header {
            marker: false,
            payload_type: PCMU,
            sequence: random("sequence") as u16,
            timestamp: random("timestamp") as u32,
            ssrc: random("ssrc") as u32,
        };
        Pacer { next: start, header, discontinuity: true, talking: false }
    }

    /// When the next packet is due.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// How many packets are due at `now`, and how many before them are left out for good.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        let Some(late) = now.checked_duration_since(self.next) else {
            return Due { packets: 0, skipped: 0 };
        };
        let packets = (late.as_nanos() / FRAME_TIME.as_nanos()) as u32 + 1;
        if packets <= MAX_BURST {
            return Due { packets, skipped: 0 };
        }
        let skipped = packets - 1;
        self.next += FRAME_TIME * skipped;
        self.header.timestamp =
            self.header.timestamp.wrapping_add((FRAME as u32).wrapping_mul(skipped));
        self.discontinuity = true;
        Due { packets: 1, skipped }
    }

    /// The header of the next packet, which is due then; `talking` says whether it has sound. The
    /// marker is set where sound begins after silence and where the stream does not continue.
    pub(crate) fn header(&mut self, talking: bool) -> Header {
        let marker = self.discontinuity || (talking && !self.talking);
        let header = Header { marker, ..self.header };
        self.discontinuity = false;
        self.talking = talking;
        self.next += FRAME_TIME;
        self.header.sequence = header.sequence.wrapping_add(1);
        self.header.timestamp = header.timestamp.wrapping_add(FRAME as u32);
        header
    }
}

/// What [`Pacer::due`] finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) packets: u32,
    pub(crate) skipped: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NONE: Due = Due { packets: 0, skipped: 0 };
    const ONE: Due = Due { packets: 1, skipped: 0 };

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn lateness_does_not_add_up() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start);
        for n in 0..1000 {
            let due = start + ms(20 * n);
            assert_eq!(pacer.next(), due);
            assert_eq!(pacer.due(due + ms(n % 19)), ONE);
            pacer.header(false);
            assert_eq!(pacer.due(due + ms(19)), NONE);
        }
    }

    #[test]
    fn a_little_late_is_caught_up_and_much_is_left_out() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start);
        let first = pacer.header(false);
        assert_eq!(pacer.due(start + ms(79)), Due { packets: 3, skipped: 0 });
        assert_eq!(pacer.due(start + ms(80)), Due { packets: 1, skipped: 3 });
        let next = pacer.header(false);
        assert_eq!(next.sequence, first.sequence.wrapping_add(1));
        assert_eq!(next.timestamp, first.timestamp.wrapping_add(4 * 160), "the clock went on");
        assert!(next.marker);
        assert_eq!(pacer.next(), start + ms(100), "on the same grid");
    }

    #[test]
    fn the_marker_shows_where_sound_begins() {
        let mut pacer = Pacer::new(Instant::now());
        let markers: Vec<bool> = [false, false, true, true, false, true]
            .into_iter()
            .map(|talking| pacer.header(talking).marker)
            .collect();
        assert_eq!(markers, [true, false, true, false, false, true]);
    }

    #[test]
    fn streams_begin_anywhere() {
        let now = Instant::now();
        let ssrcs: std::collections::HashSet<u32> =
            (0..8).map(|_| Pacer::new(now).header(false).ssrc).collect();
        assert!(ssrcs.len() > 1);
    }
}
