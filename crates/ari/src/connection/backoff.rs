//! How long to wait before the next attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Waits that double from `first` to `max`, each shortened at random by up to a half, so that many clients of
/// one Asterisk do not return in step.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    max: Duration,
    step: u32,
}

impl Backoff {
    pub(super) fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, step: 0 }
    }

    pub(super) fn next(&mut self) -> Duration {
        let full = self.first.saturating_mul(1 << self.step).min(self.max);
        self.step = (self.step + 1).min(LONGEST);
        let random = RandomState::new().hash_one(self.step);
        full.mul_f64(1.0 - 0.5 * (random as f64 / u64::MAX as f64))
    }

    /// Makes the next waits as long as they get.
    pub(super) fn slow_down(&mut self) {
        self.step = LONGEST;
    }

    pub(super) fn reset(&mut self) {
        self.step = 0;
    }
}

/// Doublings after which any sensible limit is reached.
const LONGEST: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_start_again() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(350));
        for full in [100, 200, 350, 350] {
            let wait = backoff.next();
            assert!(ms(full / 2) <= wait && wait <= ms(full), "{wait:?} for {full}");
        }
        backoff.reset();
        assert!(backoff.next() <= ms(100));
        backoff.slow_down();
        assert!(backoff.next() >= ms(175));
    }
}
