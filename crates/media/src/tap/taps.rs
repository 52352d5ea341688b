//! All taps of a leg: files for support, a flow's recording and a message may be written at the same time.

use super::{PACKET, Side, Tap};
use std::time::Instant;

/// Any number of taps, each with a pause of its own.
#[derive(Debug)]
pub(crate) struct Taps {
    taps: Vec<Tap>,
    held: [u8; PACKET],
    /// Packets that taps missed which are over.
    lost: u64,
}

impl Default for Taps {
    fn default() -> Taps {
        Taps { taps: Vec::new(), held: [0; PACKET], lost: 0 }
    }
}

impl Taps {
    /// Copies into one more from now on, and forgets those that are over.
    pub(crate) fn add(&mut self, tap: Tap) {
        let before = self.lost();
        self.taps.retain(|tap| !tap.is_over());
        self.lost = 0;
        self.lost = before.saturating_sub(self.lost());
        self.taps.push(tap);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taps.is_empty()
    }

    /// Copies a packet that comes in `parts`, the first of which has its header.
    pub(crate) fn copy(&mut self, side: Side, at: Instant, parts: &[&[u8]]) {
        self.taps.iter_mut().for_each(|tap| tap.copy(side, at, parts));
    }

    /// Keeps a packet of ours until it is known whether and when it is sent.
    pub(crate) fn hold(&mut self, packet: &[u8; PACKET]) {
        if !self.is_empty() {
            self.held = *packet;
        }
    }

    /// The packet that was kept is sent.
    pub(crate) fn copy_held(&mut self, at: Instant) {
        let held = self.held;
        self.copy(Side::Us, at, &[&held]);
    }

    /// Packets left out so far.
    pub(crate) fn lost(&self) -> u64 {
        self.lost + self.taps.iter().map(Tap::lost).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ring, valve::Position},
        *,
    };

    #[test]
    fn each_tap_gets_all_and_one_that_is_over_is_forgotten_but_for_what_it_missed() {
        let origin = Instant::now();
        let mut taps = Taps::default();
        let (first, mut one) = ring(origin);
        let (second, mut two) = ring(origin);
        let valve = one.valve.clone();
        taps.add(first);
        taps.add(second);
        taps.hold(&[7; PACKET]);
        taps.copy_held(origin);
        assert_eq!(one.next().unwrap().packet, [7; PACKET]);
        assert_eq!(two.next().unwrap().packet, [7; PACKET]);
        taps.copy(Side::Caller, origin, &[&[0; 70_000]]);
        assert_eq!(taps.lost(), 2);
        valve.set(Position::Ended);
        let (third, mut three) = ring(origin);
        taps.add(third);
        assert_eq!((taps.taps.len(), taps.lost()), (2, 2));
        taps.copy_held(origin);
        assert!(one.next().is_none() && one.is_ended());
        assert!(two.next().is_some() && three.next().is_some());
    }
}
