//! How long a missing packet is waited for.

use crate::FRAME_TIME;
use std::time::Duration;

/// How long a missing packet is waited for: until so many later ones have come, or as long as so
/// many of 20 ms take. Waiting costs nothing while packets come in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Always for this many packets; 0 for none at all. At most [`Patience::LIMIT`].
    Fixed(u8),
    /// For two, and for as many as a late packet would have needed once one has come too late:
    /// up to this many, and back to two by one each 10 s in which none does.
    Adaptive {
        /// At most [`Patience::LIMIT`].
        most: u8,
    },
}

impl Patience {
    /// The most packets that a missing one is waited for: what the buffer has room for, when
    /// packets are of 20 ms.
    pub const LIMIT: u8 = 7;

    /// For a leg from a machine nearby, where a packet that is not there is lost.
    pub const LAN: Patience = Patience::Fixed(LEAST);

    /// For a leg over the open internet: up to 120 ms where reordering is seen to go that far.
    pub const WAN: Patience = Patience::Adaptive { most: 6 };
}

impl Default for Patience {
    fn default() -> Patience {
        Patience::LAN
    }
}

/// Packets waited for unless something else is known.
const LEAST: u8 = 2;

/// Packets without a late one that lower an adaptive patience by one: 10 s.
const CALM: u16 = 500;

/// The patience of a stream at some time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    packets: u8,
    most: u8,
    least: u8,
    calm: u16,
}

impl Default for Waiting {
    fn default() -> Waiting {
        Waiting::new(Patience::default())
    }
}

impl Waiting {
    pub(super) fn new(patience: Patience) -> Waiting {
        let (least, most) = match patience {
            Patience::Fixed(packets) => (packets, packets),
            Patience::Adaptive { most } => (LEAST.min(most), most),
        };
        let (least, most) = (least.min(Patience::LIMIT), most.min(Patience::LIMIT));
        Waiting { packets: least, most, least, calm: 0 }
    }

    /// Packets that may come before the missing one.
    pub(super) fn packets(&self) -> usize {
        usize::from(self.packets)
    }

    /// How long they are held at most.
    pub(super) fn time(&self) -> Duration {
        FRAME_TIME * u32::from(self.packets)
    }

    /// A packet has come when it was given up already, after `overtaken` later ones.
    pub(super) fn late(&mut self, overtaken: u64) {
        if overtaken <= u64::from(self.most) {
            self.packets = self.packets.max(overtaken as u8);
            self.calm = 0;
        }
    }

    /// A packet has come when there was still a place for it.
    pub(super) fn in_time(&mut self) {
        self.calm += 1;
        if self.calm == CALM {
            self.calm = 0;
            self.packets = self.packets.saturating_sub(1).max(self.least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_patience_stays() {
        let mut waiting = Waiting::new(Patience::Fixed(1));
        waiting.late(2);
        assert_eq!((waiting.packets(), waiting.time()), (1, FRAME_TIME));
        assert_eq!(Waiting::new(Patience::Fixed(200)).packets(), usize::from(Patience::LIMIT));
    }

    #[test]
    fn an_adaptive_patience_grows_at_once_and_wanes_slowly() {
        let mut waiting = Waiting::new(Patience::WAN);
        assert_eq!(waiting.packets(), 2);
        waiting.late(4);
        waiting.late(3);
        waiting.late(7); // not worth waiting for
        assert_eq!(waiting.packets(), 4);
        for (packets, expected) in [(499, 4), (1, 3), (500, 2), (5000, 2)] {
            (0..packets).for_each(|_| waiting.in_time());
            assert_eq!(waiting.packets(), expected);
        }
    }
}
