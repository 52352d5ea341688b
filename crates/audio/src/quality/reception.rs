//! What arrived of a stream, counted as RFC 3550 has it: appendices A.1, A.3 and A.8.

use crate::{SAMPLE_RATE, rtp};
use std::time::Duration;

/// Numbers further ahead or behind than this are not believed at once (RFC 3550 appendix A.1).
const MAX_DROPOUT: u16 = 3000;
const MAX_MISORDER: u16 = 100;

/// A transit that changes by more than this tells of the sender's clock and not of the network:
/// 2 s.
const MAX_DEVIATION: u32 = 2 * SAMPLE_RATE;

/// The reception of one source: what a receiver reports of it in RTCP. Sources need no probation
/// here, since who may send is known beforehand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reception {
    /// `None` before the first packet.
    sequence: Option<Sequence>,
    received: u32,
    /// At the last report.
    prior: Prior,
    /// Arrival less timestamp of the packet before, modulo 2^32.
    transit: Option<u32>,
    /// Sixteenths of a sample.
    jitter: u32,
}

#[derive(Debug, Clone, Copy)]
struct Sequence {
    first: u32,
    /// The highest number, counted on over the wraps: 16 bits of wraps, 16 of the number.
    highest: u32,
    /// The number after the last one that was far off.
    suspect: Option<u16>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Prior {
    expected: u32,
    received: u32,
}

/// What was lost between two reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntervalLoss {
    /// Sequence numbers that the interval should have brought.
    pub expected: u32,
    /// Those that did not come; negative when duplicates outnumber the losses.
    pub lost: i32,
}

impl IntervalLoss {
    /// The share that was lost, in 256ths, as a report block carries it (RFC 3550 section 6.4.1).
    pub fn fraction(&self) -> u8 {
        let lost = u64::from(self.lost.max(0).unsigned_abs()) << 8;
        // All of them lost would be 256, which does not fit.
        lost.checked_div(u64::from(self.expected)).unwrap_or(0).min(255) as u8
    }
}

impl Reception {
    /// Counts a packet that carries sound and arrived at `arrival`.
    pub fn sound(&mut self, arrival: Duration, packet: &rtp::Packet<'_>) {
        if self.count(packet.sequence) {
            self.timing(arrival, packet.timestamp);
        }
    }

    /// Notes only when what was spoken at `timestamp` arrived: for a stream without numbers, such as
    /// one over TCP.
    pub fn timing(&mut self, arrival: Duration, timestamp: u32) {
        let nanos_a_sample = 1_000_000_000 / SAMPLE_RATE;
        let ticks = (arrival.as_secs() as u32)
            .wrapping_mul(SAMPLE_RATE)
            .wrapping_add(arrival.subsec_nanos() / nanos_a_sample);
        let transit = ticks.wrapping_sub(timestamp);
        let before = self.transit.replace(transit).unwrap_or(transit);
        let deviation = (transit.wrapping_sub(before) as i32).unsigned_abs();
        if deviation <= MAX_DEVIATION {
            // A sixteenth of the way to the new deviation, rounded (RFC 3550 appendix A.8).
            self.jitter = self.jitter + deviation - ((self.jitter + 8) >> 4);
        }
    }

    /// Counts a packet whose timestamp says nothing about when it was sent: a telephone event.
    pub fn other(&mut self, packet: &rtp::Packet<'_>) {
        self.count(packet.sequence);
    }

    /// Forgets the source: another one is heard from now on.
    pub fn restart(&mut self) {
        *self = Reception::default();
    }

    /// Packets that arrived, late ones and duplicates included.
    pub fn received(&self) -> u32 {
        self.received
    }

    /// Packets that should have arrived so far (RFC 3550 appendix A.3).
    pub fn expected(&self) -> u32 {
        self.sequence.map_or(0, |s| s.highest.wrapping_sub(s.first).wrapping_add(1))
    }

    /// Packets that did not arrive so far; negative when duplicates outnumber the losses.
    pub fn lost(&self) -> i32 {
        self.expected().wrapping_sub(self.received) as i32
    }

    /// The highest sequence number received, with the number of its wraps in the upper half.
    pub fn extended_highest(&self) -> u32 {
        self.sequence.map_or(0, |sequence| sequence.highest)
    }

    /// Interarrival jitter in samples, as a report block carries it.
    pub fn jitter_samples(&self) -> u32 {
        self.jitter >> 4
    }

    /// Interarrival jitter: how far the spacing of packets here strays from that at the sender
    /// (RFC 3550 section 6.4.1).
    pub fn jitter(&self) -> Duration {
        let a_second = 16 * u64::from(SAMPLE_RATE);
        Duration::from_nanos(u64::from(self.jitter) * 1_000_000_000 / a_second)
    }

    /// What was lost since this was last asked (RFC 3550 appendix A.3).
    pub fn interval(&mut self) -> IntervalLoss {
        let now = Prior { expected: self.expected(), received: self.received };
        let prior = std::mem::replace(&mut self.prior, now);
        let expected = now.expected.wrapping_sub(prior.expected);
        let received = now.received.wrapping_sub(prior.received);
        IntervalLoss { expected, lost: expected.wrapping_sub(received) as i32 }
    }

    /// Says whether the number is believed.
    fn count(&mut self, number: u16) -> bool {
        let Some(sequence) = &mut self.sequence else {
            self.begin(number);
            return true;
        };
        let ahead = number.wrapping_sub(sequence.highest as u16);
        if ahead < MAX_DROPOUT {
            sequence.highest = sequence.highest.wrapping_add(u32::from(ahead));
        } else if ahead <= u16::MAX - MAX_MISORDER {
            if sequence.suspect != Some(number) {
                sequence.suspect = Some(number.wrapping_add(1));
                return false;
            }
            // Two in a row: the sender has started over.
            self.begin(number);
            return true;
        }
        sequence.suspect = None;
        self.received = self.received.wrapping_add(1);
        true
    }

    fn begin(&mut self, number: u16) {
        let number = u32::from(number);
        self.sequence = Some(Sequence { first: number, highest: number, suspect: None });
        self.received = 1;
        self.prior = Prior::default();
        self.transit = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::{HEADER_LEN, Header, Packet};
    use proptest::prelude::*;

    fn push(reception: &mut Reception, ms: u64, sequence: u16, timestamp: u32) {
        let mut bytes = [0; HEADER_LEN];
        Header { sequence, timestamp, ..Header::default() }.write(&mut bytes);
        reception.sound(Duration::from_millis(ms), &Packet::parse(&bytes).unwrap());
    }

    fn count(reception: &mut Reception, sequences: impl IntoIterator<Item = u16>) {
        for sequence in sequences {
            push(reception, 0, sequence, 0);
        }
    }

    #[test]
    fn wraps_are_counted() {
        let mut reception = Reception::default();
        count(&mut reception, [65_534, 65_535, 1, 0, 2]);
        assert_eq!(reception.extended_highest(), (1 << 16) | 2);
        assert_eq!((reception.expected(), reception.received(), reception.lost()), (5, 5, 0));
    }

    #[test]
    fn an_interval_is_reported_in_256ths() {
        let mut reception = Reception::default();
        count(&mut reception, (0..40).filter(|n| n % 4 != 3 || *n == 39));
        let loss = reception.interval();
        assert_eq!((loss, loss.fraction()), (IntervalLoss { expected: 40, lost: 9 }, 57));
        assert_eq!(reception.interval(), IntervalLoss::default());
        count(&mut reception, 40..50);
        assert_eq!(reception.interval().fraction(), 0);
        assert_eq!(reception.lost(), 9, "and all in all");
        count(&mut reception, [49, 49]);
        assert_eq!(reception.interval(), IntervalLoss { expected: 0, lost: -2 });
        assert_eq!(IntervalLoss { expected: 0, lost: -2 }.fraction(), 0);
        assert_eq!(IntervalLoss { expected: 5, lost: 5 }.fraction(), 255);
    }

    #[test]
    fn a_far_number_starts_over_only_with_the_next() {
        let mut reception = Reception::default();
        count(&mut reception, [10, 11, 30_000, 12, 30_001]);
        assert_eq!((reception.expected(), reception.received()), (3, 3));
        count(&mut reception, [30_002, 30_003]);
        assert_eq!((reception.extended_highest(), reception.received()), (30_003, 2));
    }

    #[test]
    fn a_steady_stream_has_no_jitter() {
        let mut reception = Reception::default();
        for n in 0..100_u32 {
            let timestamp = (u32::MAX - 4000).wrapping_add(n * 160);
            push(&mut reception, 500 + u64::from(n) * 20, n as u16, timestamp);
        }
        assert_eq!((reception.jitter(), reception.jitter_samples()), (Duration::ZERO, 0));
    }

    #[test]
    fn one_deviation_counts_a_sixteenth_and_decays() {
        let mut reception = Reception::default();
        push(&mut reception, 0, 0, 0);
        push(&mut reception, 28, 1, 160); // 8 ms = 64 samples late
        assert_eq!(reception.jitter(), Duration::from_micros(500)); // 64 / 16 = 4 samples
        push(&mut reception, 48, 2, 320);
        assert_eq!(reception.jitter(), Duration::from_nanos(468_750)); // 4 * 15/16
    }

    #[test]
    fn a_jump_of_the_senders_clock_is_not_jitter() {
        let mut reception = Reception::default();
        push(&mut reception, 0, 0, 0);
        push(&mut reception, 20, 1, 1_000_000);
        push(&mut reception, 40, 2, 1_000_160);
        assert_eq!(reception.jitter(), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn losses_are_what_did_not_come(
            start in any::<u16>(), came in prop::collection::vec(any::<bool>(), 1..300),
        ) {
            let mut reception = Reception::default();
            let last = came.iter().rposition(|came| *came);
            for (n, _) in came.iter().enumerate().filter(|(_, came)| **came) {
                count(&mut reception, [start.wrapping_add(n as u16)]);
            }
            let first = came.iter().position(|came| *came);
            let (Some(first), Some(last)) = (first, last) else { return Ok(()) };
            let lost = came[first..=last].iter().filter(|came| !**came).count();
            prop_assert_eq!(reception.lost(), lost as i32);
            prop_assert_eq!(reception.interval().lost, lost as i32);
        }
    }
}
