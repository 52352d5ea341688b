//! Shuts a tap from another thread, so that it is certain: the leg's thread waits for nobody, and
//! who shuts the tap waits for the one packet that it may be copying.

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};

/// Whether sound may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// What is said from this time of the recording on may pass.
    Open(Duration),
    /// Silence in its place.
    Shut,
    /// Nothing any more.
    Ended,
}

/// One side copies, and says so; the other sets the position, and looks whether it copies.
///
/// The copying side enters and then looks at the position; who sets the position does so and then
/// looks whether somebody is inside. Both orders are total (`SeqCst`), so at least one sees the other.
#[derive(Debug, Default)]
pub(super) struct Valve {
    /// Nanoseconds of an open position, or one of the two below.
    position: AtomicU64,
    /// Counts enterings and leavings: odd while somebody is inside.
    passages: AtomicU64,
}

const SHUT: u64 = u64::MAX;
const ENDED: u64 = u64::MAX - 1;

/// Somebody is inside, until this is dropped.
#[derive(Debug)]
pub(super) struct Passage<'a> {
    valve: &'a Valve,
    pub(super) position: Position,
}

impl Valve {
    /// Only one thread may be inside.
    pub(super) fn enter(&self) -> Passage<'_> {
        self.passages.fetch_add(1, SeqCst);
        Passage { valve: self, position: self.position() }
    }

    pub(super) fn position(&self) -> Position {
        match self.position.load(SeqCst) {
            SHUT => Position::Shut,
            ENDED => Position::Ended,
            nanos => Position::Open(Duration::from_nanos(nanos)),
        }
    }

    /// Sets the position, if it has not ended; gives the passage that may not know it yet.
    pub(super) fn set(&self, position: Position) -> Option<Unsure> {
        let word = match position {
            Position::Open(since) => {
                u64::try_from(since.as_nanos()).unwrap_or(ENDED).min(ENDED - 1)
            }
            Position::Shut => SHUT,
            Position::Ended => ENDED,
        };
        let changed =
            self.position.fetch_update(SeqCst, SeqCst, |now| (now != ENDED).then_some(word));
        let passage = self.passages.load(SeqCst);
        (changed.is_ok() && passage % 2 == 1).then_some(Unsure(passage))
    }

    /// Whether a passage is over.
    pub(super) fn is_over(&self, passage: &Unsure) -> bool {
        self.passages.load(SeqCst) != passage.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.passages.load(SeqCst).is_multiple_of(2)
    }
}

/// A passage that began before the position was set.
#[derive(Debug)]
pub(super) struct Unsure(u64);

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.valve.passages.fetch_add(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn nothing_passes_once_it_is_certain_that_it_is_shut() {
        let (valve, secret, end) =
            (Valve::default(), AtomicBool::new(false), AtomicBool::new(false));
        let leaked = std::thread::scope(|scope| {
            let copier = scope.spawn(|| {
                let mut leaked = 0;
                while !end.load(SeqCst) {
                    let passage = valve.enter();
                    if passage.position != Position::Shut && secret.load(SeqCst) {
                        leaked += 1;
                    }
                }
                leaked
            });
            for _ in 0..20_000 {
                if let Some(passage) = valve.set(Position::Shut) {
                    while !valve.is_over(&passage) {
                        std::thread::yield_now();
                    }
                }
                secret.store(true, SeqCst);
                std::hint::spin_loop();
                secret.store(false, SeqCst);
                valve.set(Position::Open(Duration::ZERO));
            }
            end.store(true, SeqCst);
            copier.join().unwrap()
        });
        assert_eq!(leaked, 0);
    }

    #[test]
    fn who_is_inside_is_seen_and_the_end_is_the_end() {
        let valve = Valve::default();
        assert!(valve.set(Position::Shut).is_none() && valve.is_empty());
        let inside = valve.enter();
        assert!(!valve.is_empty());
        let unsure = valve.set(Position::Open(Duration::from_secs(3))).unwrap();
        assert!(!valve.is_over(&unsure));
        drop(inside);
        assert!(valve.is_over(&unsure));
        assert_eq!(valve.enter().position, Position::Open(Duration::from_secs(3)));
        valve.set(Position::Ended);
        valve.set(Position::Open(Duration::ZERO));
        assert_eq!(valve.position(), Position::Ended);
    }
}
