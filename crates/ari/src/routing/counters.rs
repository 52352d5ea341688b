//! What the client has seen so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the client was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Events read from the socket.
    pub events: u64,
    /// Events that no mailbox owns; monitors had them all the same.
    pub unowned: u64,
    /// Deliveries that were taken and found [malformed](crate::Event::Malformed).
    pub malformed: u64,
    /// Deliveries that a full mailbox lost.
    pub lost: u64,
    /// New channels that were lost because too many waited to be taken.
    pub arrivals_lost: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) events: AtomicU64,
    pub(super) unowned: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) arrivals_lost: AtomicU64,
}

impl Tally {
    pub(super) fn read(&self) -> Counters {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters {
            events: read(&self.events),
            unowned: read(&self.unowned),
            malformed: read(&self.malformed),
            lost: read(&self.lost),
            arrivals_lost: read(&self.arrivals_lost),
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
