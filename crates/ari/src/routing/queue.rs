//! A bounded queue whose writer never waits.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

/// Many writers, one reader. When it is full, newer items are lost and their number stands in their place.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Notify,
    capacity: usize,
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
    ended: bool,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State { entries: VecDeque::new(), ended: false };
        Self { state: Mutex::new(state), ready: Notify::new(), capacity: capacity.max(1) }
    }

    pub(super) fn push(&self, item: T) -> Pushed {
        let mut state = self.state();
        if state.ended {
            return Pushed::Ended;
        }
        if state.entries.len() < self.capacity {
            state.entries.push_back(Entry::Item(item));
            drop(state);
            self.ready.notify_one();
            return Pushed::Kept;
        }
        match state.entries.back_mut() {
            Some(Entry::Lost(count)) => *count += 1,
            _ => state.entries.push_back(Entry::Lost(1)),
        }
        Pushed::Lost
    }

    /// No more items are taken in; those inside can still be taken out.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.ready.notify_one();
    }

    /// The next entry if there is one now.
    pub(super) fn try_next(&self) -> Option<Entry<T>> {
        self.state().entries.pop_front()
    }

    /// The next entry; `None` once the queue has ended and is empty. May be dropped and asked again at will.
    pub(super) async fn next(&self) -> Option<Entry<T>> {
        loop {
            {
                let mut state = self.state();
                if let Some(entry) = state.entries.pop_front() {
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

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_says_where_and_how_many_it_lost() {
        let queue = Queue::new(2);
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

    #[tokio::test]
    async fn an_ended_queue_is_drained_first() {
        let queue = Queue::new(2);
        queue.push('a');
        queue.end();
        assert_eq!(queue.push('b'), Pushed::Ended);
        assert_eq!(queue.next().await, Some(Entry::Item('a')));
        assert_eq!(queue.next().await, None);
    }
}
