//! Work on many things at a time, told in their order.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::cpu;

/// Gives each of `items` to one of `workers`, each on a thread of its own, and what comes of it to `tell`, in the order of
/// the items. Says how many seconds of processor time the threads took.
///
/// # Errors
/// In words, where the system does not tell.
pub(crate) fn in_order<I: Sync, O: Send, W: FnMut(&I) -> O + Send>(
    workers: Vec<W>,
    items: &[I],
    mut tell: impl FnMut(O),
) -> Result<f64, String> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (done, finished) = mpsc::channel();
        let run = |mut work: W| {
            let (done, next) = (done.clone(), &next);
            scope.spawn(move || {
                let before = cpu::of_this_thread()?;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(number) else { break };
                    if done.send((number, work(item))).is_err() {
                        break;
                    }
                }
                Ok(cpu::of_this_thread()? - before)
            })
        };
        let threads: Vec<_> = workers.into_iter().map(run).collect();
        drop(done);
        let (mut waiting, mut due) = (BTreeMap::new(), 0);
        for (number, outcome) in finished {
            waiting.insert(number, outcome);
            while let Some(outcome) = waiting.remove(&due) {
                tell(outcome);
                due += 1;
            }
        }
        let took = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        threads.into_iter().map(took).sum()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn what_is_done_out_of_order_is_told_in_order() {
        // Who has item 0 waits until the other has item 2, and so is done with item 1.
        let meet = Barrier::new(2);
        let worker = || {
            |item: &usize| {
                if *item == 0 || *item == 2 {
                    meet.wait();
                }
                *item
            }
        };
        let items: Vec<usize> = (0..6).collect();
        let mut told = Vec::new();
        let took = in_order(vec![worker(), worker()], &items, |item| told.push(item));
        assert_eq!(told, items);
        assert!(took.expect("Linux tells") >= 0.0);
    }
}
