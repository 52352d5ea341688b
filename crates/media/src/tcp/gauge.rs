//! How evenly sound comes over TCP. Nothing is lost there: what a network does shows as jitter alone.

use crate::leg::{CODEC, DELAY, LegStats};
use audio::{
    jitter::Frame,
    quality::{Meter, Reception},
};
use std::time::Duration;
use tokio::time::Instant;

/// How often the quality is told.
const INTERVAL: Duration = Duration::from_secs(1);

/// Measures what a leg hears.
#[derive(Debug)]
pub(crate) struct Gauge {
    reception: Reception,
    meter: Meter,
    told: Instant,
}

impl Gauge {
    pub(crate) fn new(now: Instant) -> Gauge {
        Gauge { reception: Reception::default(), meter: Meter::default(), told: now }
    }

    /// Notes when a frame came.
    pub(crate) fn heard(&mut self, frame: &Frame) {
        self.reception.timing(frame.arrived, frame.position as u32);
    }

    /// Puts the jitter so far into `stats`, and once a second the quality.
    pub(crate) fn look(&mut self, now: Instant, stats: &mut LegStats) {
        stats.heard.jitter = self.reception.jitter();
        if now.saturating_duration_since(self.told) >= INTERVAL {
            self.told = now;
            stats.quality = self.meter.interval(&stats.heard, CODEC, DELAY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{FRAME, jitter::FrameKind};

    #[test]
    fn jitter_is_told_and_each_second_is_rated() {
        let start = Instant::now();
        let (mut gauge, mut stats) = (Gauge::new(start), LegStats::default());
        for n in 0..100_u64 {
            let arrived = Duration::from_millis(20 * n + n % 2 * 10);
            let position = n * FRAME as u64;
            let kind = FrameKind::Voice;
            gauge.heard(&Frame { samples: [0; FRAME], position, kind, arrived });
            stats.heard.received += 1;
            gauge.look(start + arrived, &mut stats);
        }
        assert!(stats.heard.jitter > Duration::from_millis(8), "{:?}", stats.heard.jitter);
        assert_eq!((stats.quality.heard, stats.quality.lost), (51, 0));
        assert!(stats.quality.mos > 4.3);
    }
}
