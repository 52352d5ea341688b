//! Which engines are left alone for a while, because they failed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Policy;
use crate::remote::why::Why;

/// One breaker an engine, shared by all calls.
#[derive(Debug)]
pub struct Breakers(Mutex<Vec<Breaker>>);

#[derive(Debug, Clone, Copy)]
enum Breaker {
    /// It serves; and failures in a row.
    Closed(u32),
    /// It is left alone until then.
    Open(Duration),
    /// The same, and it is the vendor who wants that.
    Asked(Duration),
    /// One turn tries it, since then.
    Probing(Duration),
}

impl Breakers {
    /// Breakers of as many engines, all of them serving.
    #[must_use]
    pub fn new(engines: usize) -> Self {
        Self(Mutex::new(vec![Breaker::Closed(0); engines]))
    }

    /// Whether `engine` may be used at `now`. If it was left alone for long enough, one turn may try, the one that asked.
    pub(super) fn admits(&self, engine: usize, now: Duration, policy: &Policy) -> bool {
        let breaker = &mut self.all()[engine];
        match *breaker {
            Breaker::Closed(_) => true,
            // A try that nobody tells the end of is over after a while: its call was.
            Breaker::Open(until) | Breaker::Asked(until) | Breaker::Probing(until)
                if now < until =>
            {
                false
            }
            Breaker::Open(_) | Breaker::Asked(_) | Breaker::Probing(_) => {
                *breaker = Breaker::Probing(now + policy.rest);
                true
            }
        }
    }

    /// Whether `engine` serves without any doubt: nobody need try.
    pub(super) fn is_closed(&self, engine: usize) -> bool {
        matches!(self.all()[engine], Breaker::Closed(_))
    }

    /// Whether `engine` may be tried where there is no other: not, if the vendor wants to be left alone.
    pub(super) fn may_be_tried(&self, engine: usize) -> bool {
        !matches!(self.all()[engine], Breaker::Asked(_))
    }

    pub(super) fn succeeded(&self, engine: usize) {
        self.all()[engine] = Breaker::Closed(0);
    }

    pub(super) fn failed(&self, engine: usize, why: &Why, now: Duration, policy: &Policy) {
        let breaker = &mut self.all()[engine];
        *breaker = match (why, *breaker) {
            (Why::RateLimited { after }, _) => Breaker::Asked(now + *after),
            // Trying again mends neither of these.
            (Why::Refused { .. }, _) => Breaker::Open(now + policy.rest),
            (_, Breaker::Closed(failures)) if failures + 1 < policy.failures => {
                Breaker::Closed(failures + 1)
            }
            // A call that fails late changes nothing of a rest that has begun.
            (_, resting @ (Breaker::Open(until) | Breaker::Asked(until))) if now < until => resting,
            _ => Breaker::Open(now + policy.rest),
        };
    }

    fn all(&self) -> MutexGuard<'_, Vec<Breaker>> {
        // It is whole whatever happened: each change is one assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        silence: Duration::from_millis(800),
        replay: Duration::from_secs(2),
        failures: 2,
        rest: Duration::from_secs(30),
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_turn_tries_it_later() {
        let breakers = Breakers::new(1);
        let why = Why::Unheard;
        breakers.failed(0, &why, at(0), &POLICY);
        breakers.succeeded(0);
        breakers.failed(0, &why, at(1), &POLICY);
        assert!(breakers.is_closed(0));
        breakers.failed(0, &why, at(2), &POLICY);
        assert!(!breakers.admits(0, at(31), &POLICY), "two in a row");
        assert!(breakers.admits(0, at(32), &POLICY));
        assert!(!breakers.admits(0, at(33), &POLICY), "one turn tries");
        breakers.failed(0, &why, at(34), &POLICY);
        assert!(!breakers.admits(0, at(63), &POLICY), "and one failure is enough then");
        assert!(breakers.admits(0, at(64), &POLICY));
        breakers.succeeded(0);
        assert!(breakers.admits(0, at(65), &POLICY) && breakers.admits(0, at(65), &POLICY));
    }

    #[test]
    fn a_try_that_nobody_ended_does_not_block_for_ever() {
        let breakers = Breakers::new(1);
        breakers.failed(0, &Why::Refused { status: 401 }, at(0), &POLICY);
        assert!(breakers.admits(0, at(30), &POLICY));
        assert!(!breakers.admits(0, at(59), &POLICY));
        assert!(breakers.admits(0, at(60), &POLICY));
    }

    #[test]
    fn retry_after_is_kept_to() {
        let breakers = Breakers::new(2);
        let why = Why::RateLimited { after: at(7) };
        breakers.failed(1, &why, at(100), &POLICY);
        assert!(!breakers.may_be_tried(1));
        assert!(breakers.admits(0, at(106), &POLICY) && !breakers.admits(1, at(106), &POLICY));
        assert!(breakers.admits(1, at(107), &POLICY));
    }
}
