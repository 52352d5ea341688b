//! A histogram of durations: eight steps to each doubling, so a value is known to within 12 %.

use super::Counter;
use std::time::Duration;

/// Below this many microseconds each has a step of its own.
const EXACT: u64 = 8;
/// Steps of a doubling.
const STEPS: usize = 8;
/// Doublings from 8 µs to 8.4 s; what is longer counts as that.
const DOUBLINGS: usize = 20;
const LEN: usize = EXACT as usize + DOUBLINGS * STEPS;

/// The histogram as its one writer fills it.
#[derive(Debug)]
pub(crate) struct Recorder([Counter; LEN]);

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder(std::array::from_fn(|_| Counter::default()))
    }
}

impl Recorder {
    pub(crate) fn record(&self, value: Duration) {
        self.0[step_of(value.as_micros() as u64)].add(1);
    }

    pub(crate) fn snapshot(&self) -> Histogram {
        Histogram { counts: self.0.iter().map(Counter::get).collect() }
    }
}

/// How often which duration was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// By step; none while nothing was counted.
    counts: Vec<u64>,
}

impl Histogram {
    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The duration that `share` (0 to 1) of all do not exceed, to within 12 %; zero when none was
    /// counted.
    pub fn percentile(&self, share: f64) -> Duration {
        let wanted = (self.count() as f64 * share.clamp(0.0, 1.0)).ceil() as u64;
        let mut seen = 0;
        for (step, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted.max(1) {
                return Duration::from_micros(end_of(step));
            }
        }
        Duration::ZERO
    }

    /// What was counted after `earlier` was taken of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Histogram) -> Histogram {
        let before = earlier.counts.iter().copied().chain(std::iter::repeat(0));
        let counts = self.counts.iter().zip(before);
        Histogram { counts: counts.map(|(now, before)| now.wrapping_sub(before)).collect() }
    }
}

impl Histogram {
    /// Counts what another has counted too.
    pub fn add(&mut self, other: &Histogram) {
        self.counts.resize(LEN, 0);
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }
}

fn step_of(micros: u64) -> usize {
    if micros < EXACT {
        return micros as usize;
    }
    let doubling = micros.ilog2() - EXACT.ilog2();
    let within = (micros >> doubling) as usize - STEPS;
    (EXACT as usize + doubling as usize * STEPS + within).min(LEN - 1)
}

/// The largest value of a step, in microseconds.
fn end_of(step: usize) -> u64 {
    let Some(above) = step.checked_sub(EXACT as usize) else { return step as u64 };
    let (doubling, within) = (above / STEPS, above % STEPS);
    (((STEPS + within + 1) as u64) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_the_step_that_ends_at_or_just_above_it() {
        for micros in (0..10_000).chain([123_456, 1_000_000, 7_000_000]) {
            let end = end_of(step_of(micros));
            assert!(end >= micros && end <= micros + micros / 8, "{micros} in {end}");
            assert_eq!(step_of(end), step_of(micros));
            assert_eq!(step_of(end + 1), step_of(micros) + 1);
        }
        assert_eq!(step_of(u64::MAX), LEN - 1);
    }

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let recorder = Recorder::default();
        assert_eq!(recorder.snapshot().percentile(0.5), Duration::ZERO);
        for n in 1..=100 {
            recorder.record(Duration::from_micros(n * 10));
        }
        let all = recorder.snapshot();
        assert_eq!(all.count(), 100);
        for (share, micros) in [(0.0, 10), (0.5, 500), (0.99, 990), (1.0, 1000)] {
            let found = all.percentile(share).as_micros() as u64;
            assert!((micros..=micros + micros / 8).contains(&found), "{share}: {found}");
        }
        recorder.record(Duration::from_secs(3));
        let later = recorder.snapshot().since(&all);
        assert_eq!(later.count(), 1);
        assert!(later.percentile(0.5) >= Duration::from_secs(3));
    }
}
