//! What will happen, in the order of its time; of two things at the same time, what was planned first comes first.

use std::collections::BTreeMap;
use std::time::Duration;

pub(super) struct Agenda<T> {
    planned: u64,
    events: BTreeMap<(Duration, u64), T>,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { planned: 0, events: BTreeMap::new() }
    }
}

impl<T> Agenda<T> {
    pub(super) fn add(&mut self, at: Duration, event: T) {
        self.events.insert((at, self.planned), event);
        self.planned += 1;
    }

    /// Takes the next event, if it comes before `limit` or with it.
    pub(super) fn next_before(&mut self, limit: Option<Duration>) -> Option<(Duration, T)> {
        let (&(at, number), _) = self.events.first_key_value()?;
        if limit.is_some_and(|limit| at > limit) {
            return None;
        }
        self.events.remove(&(at, number)).map(|event| (at, event))
    }
}
