//! Interarrival jitter.

use super::MAX_GAP;
use crate::SAMPLE_RATE;
use std::time::Duration;

/// The mean deviation of the packets' spacing at the receiver from that at the sender
/// (RFC 3550 section 6.4.1, computed as in appendix A.8).
#[derive(Debug, Default)]
pub(super) struct Interarrival {
    /// Arrival less timestamp of the packet before, in samples, modulo 2^32.
    transit: Option<u32>,
    /// In samples.
    jitter: f64,
}

impl Interarrival {
    pub(super) fn observe(&mut self, arrival: Duration, timestamp: u32) {
        let ticks = arrival.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000;
        let transit = (ticks as u32).wrapping_sub(timestamp);
        let before = self.transit.replace(transit).unwrap_or(transit);
        let deviation = (transit.wrapping_sub(before) as i32).unsigned_abs();
        // A timestamp that jumps tells nothing about the network.
        if deviation <= MAX_GAP {
            self.jitter += (f64::from(deviation) - self.jitter) / 16.0;
        }
    }

    /// Forgets the packet before: another clock stamps the next one.
    pub(super) fn rebase(&mut self) {
        self.transit = None;
    }

    pub(super) fn jitter(&self) -> Duration {
        Duration::from_secs_f64(self.jitter / f64::from(SAMPLE_RATE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_has_none() {
        let mut arrivals = Interarrival::default();
        let mut timestamp = u32::MAX - 4000;
        for n in 0..100 {
            arrivals.observe(Duration::from_millis(500 + n * 20), timestamp);
            timestamp = timestamp.wrapping_add(160);
        }
        assert_eq!(arrivals.jitter(), Duration::ZERO);
    }

    #[test]
    fn one_deviation_counts_a_sixteenth_and_decays() {
        let mut arrivals = Interarrival::default();
        arrivals.observe(Duration::ZERO, 0);
        arrivals.observe(Duration::from_millis(28), 160); // 8 ms = 64 samples late
        assert_eq!(arrivals.jitter(), Duration::from_micros(500)); // 64 / 16 = 4 samples
        arrivals.observe(Duration::from_millis(48), 320);
        assert_eq!(arrivals.jitter(), Duration::from_nanos(468_750)); // 4 * 15/16
    }

    #[test]
    fn a_jump_of_the_senders_clock_is_not_jitter() {
        let mut arrivals = Interarrival::default();
        arrivals.observe(Duration::ZERO, 0);
        arrivals.observe(Duration::from_millis(20), 1_000_000);
        arrivals.observe(Duration::from_millis(40), 1_000_160);
        arrivals.rebase();
        arrivals.observe(Duration::from_millis(60), 5);
        assert_eq!(arrivals.jitter(), Duration::ZERO);
    }
}
