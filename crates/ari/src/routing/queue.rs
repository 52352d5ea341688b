//! A bounded queue whose writer never waits.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

/// What a queue may hold before newer items are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

/// How much room an item takes.
pub(super) trait Weight {
    /// In bytes, what it refers to included, roughly.
    fn weight(&self) -> usize;
}

/// Many writers, one reader. When it is full, newer items are lost and their number stands in their place.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Notify,
    limits: Limits,
}

/// What comes out of a queue.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<T> {
    Item(T),
    /// So many items were lost here.
    Lost(u64),
}

/// What became of an item that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Kept,
    /// The queue is full.
    Lost,
    /// Nobody takes anything out any more.
    Ended,
}

#[derive(Debug)]
struct State<T> {
    entries: VecDeque<Entry<T>>,
    bytes: usize,
    ended: bool,
}

impl<T: Weight> Queue<T> {
    pub(super) fn new(limits: Limits) -> Self {
        let state = State { entries: VecDeque::new(), bytes: 0, ended: false };
        Self { state: Mutex::new(state), ready: Notify::new(), limits }
    }

    pub(super) fn push(&self, item: T) -> Pushed {
        let mut state = self.state();
        if state.ended {
            return Pushed::Ended;
        }
        // One item always fits, however large.
        let fits = state.entries.is_empty()
            || state.entries.len() < self.limits.count
                && state.bytes + item.weight() <= self.limits.bytes;
        if fits {
            self.keep(state, item);
            return Pushed::Kept;
        }
        match state.entries.back_mut() {
            Some(Entry::Lost(count)) => *count += 1,
            _ => state.entries.push_back(Entry::Lost(1)),
        }
        Pushed::Lost
    }

    /// Pushes an item however full the queue is. For what comes at most once for each thing that is watched.
    pub(super) fn push_regardless(&self, item: T) {
        let state = self.state();
        if !state.ended {
            self.keep(state, item);
        }
    }

    /// No more items are taken in; those inside can still be taken out.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.ready.notify_one();
    }

    /// The next entry if there is one now.
    pub(super) fn try_next(&self) -> Option<Entry<T>> {
        self.state().take()
    }

    /// The next entry; `None` once the queue has ended and is empty. May be dropped and asked again at will.
    pub(super) async fn next(&self) -> Option<Entry<T>> {
        loop {
            {
                let mut state = self.state();
                if let Some(entry) = state.take() {
                    return Some(entry);
                }
                if state.ended {
                    return None;
                }
            }
            // A wake-up between the look above and this wait is kept for us by `Notify`.
            self.ready.notified().await;
        }
    }

    fn keep(&self, mut state: MutexGuard<'_, State<T>>, item: T) {
        state.bytes += item.weight();
        state.entries.push_back(Entry::Item(item));
        drop(state);
        self.ready.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl<T: Weight> State<T> {
    fn take(&mut self) -> Option<Entry<T>> {
        let entry = self.entries.pop_front();
        if let Some(Entry::Item(item)) = &entry {
            self.bytes -= item.weight();
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weight for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    fn queue(count: usize, bytes: usize) -> Queue<usize> {
        Queue::new(Limits { count, bytes })
    }

    #[test]
    fn a_full_queue_says_where_and_how_many_it_lost() {
        let queue = queue(2, 100);
        let pushed: Vec<_> = (1..=4).map(|n| queue.push(n)).collect();
        assert_eq!(pushed, [Pushed::Kept, Pushed::Kept, Pushed::Lost, Pushed::Lost]);
        assert_eq!(queue.try_next(), Some(Entry::Item(1)));
        assert_eq!(queue.push(5), Pushed::Lost);
        assert_eq!(queue.try_next(), Some(Entry::Item(2)));
        assert_eq!(queue.push(6), Pushed::Kept);
        assert_eq!(queue.try_next(), Some(Entry::Lost(3)));
        assert_eq!(queue.try_next(), Some(Entry::Item(6)));
        assert_eq!(queue.try_next(), None);
    }

    #[test]
    fn bytes_fill_a_queue_too_and_one_item_always_fits() {
        let queue = queue(10, 100);
        assert_eq!([60, 40, 1].map(|n| queue.push(n)), [Pushed::Kept, Pushed::Kept, Pushed::Lost]);
        queue.push_regardless(7);
        let taken: Vec<_> = std::iter::from_fn(|| queue.try_next()).collect();
        assert_eq!(taken, [Entry::Item(60), Entry::Item(40), Entry::Lost(1), Entry::Item(7)]);
        assert_eq!(queue.push(5000), Pushed::Kept);
        assert_eq!(queue.push(1), Pushed::Lost);
    }

    #[tokio::test]
    async fn an_ended_queue_is_drained_first() {
        let queue = queue(2, 100);
        queue.push(1);
        queue.end();
        assert_eq!(queue.push(2), Pushed::Ended);
        assert_eq!(queue.next().await, Some(Entry::Item(1)));
        assert_eq!(queue.next().await, None);
    }
}
