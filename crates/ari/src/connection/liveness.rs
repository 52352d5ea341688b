//! Whether the other end is still there.

use std::time::Duration;

use tokio::time::Instant;

/// Decides when to ping and when to give up. Asterisk never pings, so a dead peer is noticed only by us.
#[derive(Debug)]
pub(super) struct Liveness {
    every: Duration,
    timeout: Duration,
    next_ping: Instant,
    /// When silence becomes death: set by a ping, cleared by anything that is heard.
    deadline: Option<Instant>,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping,
    Death,
}

impl Liveness {
    pub(super) fn new(now: Instant, every: Duration, timeout: Duration) -> Self {
        Self { every, timeout, next_ping: now + every, deadline: None }
    }

    /// Anything at all was heard.
    pub(super) fn heard(&mut self) {
        self.deadline = None;
    }

    /// When to ask [`Liveness::due`] next.
    pub(super) fn wake_at(&self) -> Instant {
        self.deadline.map_or(self.next_ping, |deadline| deadline.min(self.next_ping))
    }

    /// What is due now. A ping that is returned counts as sent.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Due::Death;
        }
        if now < self.next_ping {
            return Due::Nothing;
        }
        self.next_ping = now + self.every;
        self.deadline.get_or_insert(now + self.timeout);
        Due::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn silence_after_a_ping_is_death_within_six_seconds() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start, 2 * SECOND, 4 * SECOND);
        assert_eq!(liveness.due(start + SECOND), Due::Nothing);
        assert_eq!(liveness.due(start + 2 * SECOND), Due::Ping);
        assert_eq!(liveness.due(start + 4 * SECOND), Due::Ping);
        assert_eq!(liveness.wake_at(), start + 6 * SECOND);
        assert_eq!(liveness.due(start + 6 * SECOND), Due::Death);
    }

    #[test]
    fn anything_heard_is_life() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start, 2 * SECOND, 4 * SECOND);
        for second in (2..60).step_by(2) {
            assert_eq!(liveness.due(start + second * SECOND), Due::Ping);
            liveness.heard();
        }
    }
}
