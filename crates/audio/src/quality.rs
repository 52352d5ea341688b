//! How good a call sounds, in numbers: what arrived ([`Reception`], as RTCP reports it), and what
//! a listener would say of it ([`rating`], the E-model).
//!
//! A [`Meter`] turns the growing [`jitter::Stats`] of a leg into one [`Quality`] an interval, most
//! often a second.

mod emodel;
mod reception;

pub use self::{
    emodel::{Codec, mos, rating},
    reception::{IntervalLoss, Reception},
};
use crate::jitter;
use std::time::Duration;

/// The quality of one direction of a call in an interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Quality {
    /// Packets that arrived and were of use.
    pub heard: u32,
    /// Packets that did not arrive, or too late to be of use.
    pub lost: u32,
    /// Losses, each of one packet or of several in a row.
    pub gaps: u32,
    /// Frames with made-up sound.
    pub concealed: u32,
    /// Interarrival jitter at the end of the interval (RFC 3550 section 6.4.1).
    pub jitter: Duration,
    /// The E-model's rating factor R, 0 to 93.2 (ITU-T G.107).
    pub rating: f32,
    /// The mean opinion that follows from it, 1.0 (bad) to 4.4 (excellent) (ITU-T G.107 Annex B).
    pub mos: f32,
}

impl Quality {
    /// The share of packets lost, 0 to 1.
    pub fn loss(&self) -> f32 {
        self.lost as f32 / (self.lost + self.heard).max(1) as f32
    }

    /// How much longer the losses are than random ones of the same share would be, 1 or more: the
    /// E-model's BurstR (ITU-T G.107 section 7.5).
    pub fn burst_ratio(&self) -> f32 {
        let mean = self.lost as f32 / self.gaps.max(1) as f32;
        // Random losses of share p are 1 / (1 - p) packets long on average.
        (mean * (1.0 - self.loss())).max(1.0)
    }
}

/// Takes the interval's part out of statistics that only grow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meter {
    before: jitter::Stats,
}

impl Meter {
    /// The quality since the last call, or since the beginning. `delay` is that from the mouth of
    /// the one to the ear of the other, as far as it is known.
    pub fn interval(&mut self, stats: &jitter::Stats, codec: Codec, delay: Duration) -> Quality {
        let before = std::mem::replace(&mut self.before, *stats);
        let unusable = |s: &jitter::Stats| s.late + s.duplicate + s.stray + s.discarded;
        let received = stats.received.saturating_sub(before.received);
        let since = |now: u64, then: u64| narrow(now.saturating_sub(then));
        let mut quality = Quality {
            heard: narrow(received.saturating_sub(unusable(stats) - unusable(&before))),
            lost: since(stats.lost, before.lost),
            gaps: since(stats.gaps, before.gaps),
            concealed: since(stats.concealed, before.concealed),
            jitter: stats.jitter,
            ..Quality::default()
        };
        quality.rating = rating(codec, delay, quality.loss(), quality.burst_ratio());
        quality.mos = mos(quality.rating);
        quality
    }
}

/// An interval is short: what does not fit did not happen in it.
fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(60);

    fn close(value: f32, expected: f32) -> bool {
        (value - expected).abs() < 0.01
    }

    #[test]
    fn an_interval_counts_only_itself() {
        let mut meter = Meter::default();
        let mut stats = jitter::Stats { received: 45, lost: 5, gaps: 1, ..Default::default() };
        let first = meter.interval(&stats, Codec::G711_PLC, DELAY);
        assert_eq!((first.heard, first.lost, first.gaps), (45, 5, 1));
        assert!(close(first.loss(), 0.1) && close(first.burst_ratio(), 4.5));
        stats.received += 52;
        stats.duplicate += 1;
        stats.late += 1;
        let second = meter.interval(&stats, Codec::G711_PLC, DELAY);
        assert_eq!((second.heard, second.lost, second.gaps), (50, 0, 0));
        assert!(second.rating > 90.0 && second.mos > 4.3, "{second:?}");
        assert!(first.rating < 75.0, "{first:?}");
    }

    #[test]
    fn losses_in_a_row_are_worse_than_the_same_scattered() {
        let quality = |gaps| {
            let stats = jitter::Stats { received: 95, lost: 5, gaps, ..Default::default() };
            Meter::default().interval(&stats, Codec::G711_PLC, DELAY)
        };
        assert!(close(quality(5).burst_ratio(), 1.0));
        assert!(quality(1).mos < quality(5).mos);
    }

    #[test]
    fn nothing_at_all_is_no_loss() {
        let quality = Meter::default().interval(&Default::default(), Codec::G711, DELAY);
        assert!(close(quality.loss(), 0.0) && close(quality.burst_ratio(), 1.0));
    }
}
