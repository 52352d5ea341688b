//! The order of packets by sequence number.

/// Where a packet belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Not played yet.
    Ahead {
        /// The sequence number, counted on over the wrap.
        sequence: u64,
        /// A later packet came before this one.
        overtaken: bool,
    },
    /// Given up before it came.
    Late {
        /// Later numbers that came before it, or were given up with it.
        overtaken: u64,
    },
    /// Played already.
    Duplicate,
    /// Far from all others, so far on its own.
    Stray,
}

/// The sequence of one stream: unwrapped numbers and what has been played of them.
#[derive(Debug)]
pub(super) struct Order {
    ssrc: u32,
    /// The number to be played next.
    next: u64,
    /// One more than the highest number seen.
    end: u64,
    /// Bit n: the number n+1 before `next` has come.
    came: u64,
    /// The number after that of the last stray.
    suspect: Option<u16>,
}

/// Numbers further ahead or behind than this are not believed at once (the limits of RFC 3550
/// appendix A.1).
const MAX_DROPOUT: i64 = 3000;
const MAX_MISORDER: i64 = 100;

impl Order {
    pub(super) fn new(ssrc: u32, first: u16) -> Order {
        // A turn of the counter ahead of zero, so that numbers before the first exist.
        let next = u64::from(first) + (1 << 16);
        Order { ssrc, next, end: next, came: 0, suspect: None }
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// How many numbers are missing before `sequence`.
    pub(super) fn missing(&self, sequence: u64) -> u64 {
        sequence - self.next
    }

    /// Finds the place of a number; `None` when a second far-off number in a row shows that the
    /// sender has started a new sequence (RFC 3550 appendix A.1).
    pub(super) fn place(&mut self, number: u16) -> Option<Place> {
        let distance = i64::from(number.wrapping_sub(self.next as u16) as i16);
        if !(-MAX_MISORDER..MAX_DROPOUT).contains(&distance) {
            let confirmed = self.suspect == Some(number);
            self.suspect = Some(number.wrapping_add(1));
            return if confirmed { None } else { Some(Place::Stray) };
        }
        self.suspect = None;
        let sequence = self.next.wrapping_add_signed(distance);
        Some(match self.next.checked_sub(sequence + 1) {
            None => {
                let overtaken = sequence < self.end;
                self.end = self.end.max(sequence + 1);
                Place::Ahead { sequence, overtaken }
            }
            Some(age) => {
                let bit = if age < 64 { 1 << age } else { 0 };
                let known = self.came & bit != 0;
                self.came |= bit;
                let overtaken = self.end - 1 - sequence;
                if known { Place::Duplicate } else { Place::Late { overtaken } }
            }
        })
    }

    /// `sequence` is played now; all before it that did not come are given up.
    pub(super) fn advance(&mut self, sequence: u64) {
        let steps = sequence + 1 - self.next;
        self.came =
            u32::try_from(steps).ok().and_then(|n| self.came.checked_shl(n)).unwrap_or(0) | 1;
        self.next = sequence + 1;
        self.end = self.end.max(self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(place: Option<Place>) -> u64 {
        match place {
            Some(Place::Ahead { sequence, .. }) => sequence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn numbers_go_on_over_the_wrap() {
        let mut order = Order::new(1, u16::MAX);
        let last = sequence(order.place(u16::MAX));
        assert_eq!(sequence(order.place(0)), last + 1);
        order.advance(last);
        let two = sequence(order.place(2));
        assert_eq!(order.missing(two), 2);
        assert_eq!(
            order.place(1),
            Some(Place::Ahead { sequence: last + 2, overtaken: true }),
            "2 has been seen"
        );
    }

    #[test]
    fn what_was_played_is_told_from_what_was_given_up() {
        let mut order = Order::new(1, 10);
        let ten = sequence(order.place(10));
        order.advance(ten);
        order.advance(ten + 2); // 11 is given up
        assert_eq!(order.place(10), Some(Place::Duplicate));
        assert_eq!(order.place(11), Some(Place::Late { overtaken: 1 }));
        assert_eq!(order.place(11), Some(Place::Duplicate), "late twice");
        assert_eq!(order.place(9), Some(Place::Late { overtaken: 3 }));
    }

    #[test]
    fn a_far_number_is_a_stray_until_the_next_confirms_it() {
        let mut order = Order::new(1, 10);
        assert_eq!(order.place(5000), Some(Place::Stray));
        assert!(order.place(10).is_some());
        assert_eq!(order.place(5001), Some(Place::Stray), "not in a row");
        assert_eq!(order.place(5002), None);
        assert_eq!(Order::new(1, 1000).place(800), Some(Place::Stray), "far back");
    }

    #[test]
    fn a_long_loss_forgets_what_came_before() {
        let mut order = Order::new(1, 10);
        let ten = sequence(order.place(10));
        order.advance(ten);
        order.advance(ten + 64);
        assert_eq!(order.place(10), Some(Place::Late { overtaken: 64 }), "beyond the memory of 64");
        assert_eq!(order.place(74), Some(Place::Duplicate));
    }
}
