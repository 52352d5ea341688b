//! The thread that brings accepted entries to the disk.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{error, info};

use super::{Progress, Shared, frame, lock};
use crate::Entry;

/// Entries of about so many bytes go to the disk together, if so many wait.
const GROUP: usize = 1 << 20;

/// How long until a disk that has failed is tried again.
const AGAIN: Duration = Duration::from_millis(250);

/// What the disk would not take, and the database may.
#[derive(Debug, Default)]
pub(super) enum Held {
    /// Nothing.
    #[default]
    Nothing,
    /// Whoever can may take it.
    Offered(Arc<[Entry]>),
    /// The task tries to bring it into the database.
    Claimed,
    /// It is in the database.
    Written,
}

pub(super) fn run(shared: Arc<Shared>) {
    let _closed = Closed(shared.progress.clone());
    // Dropped before the end is told: who hears of it may open the spool again, which has one owner at a time.
    let shared = shared;
    while let Some((group, size)) = next(&shared) {
        let entries = group.len() as u64;
        keep(&shared, group);
        lock(&shared.queue).bytes -= size;
        shared.progress.send_modify(|progress| progress.safe += entries);
        shared.spooled.notify_one();
    }
}

/// Says that the thread has ended, however it has.
struct Closed(watch::Sender<Progress>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.send_modify(|progress| progress.closed = true);
    }
}

/// Waits for entries; `None` when there will be none any more.
fn next(shared: &Shared) -> Option<(Arc<[Entry]>, usize)> {
    let mut queue = lock(&shared.queue);
    while queue.entries.is_empty() {
        if queue.closing.is_some() {
            return None;
        }
        queue = shared.queued.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
    let mut group = Vec::new();
    let mut size = 0;
    while let Some(entry) = queue.entries.pop_front() {
        size += entry.size();
        group.push(entry);
        if size >= GROUP {
            break;
        }
    }
    drop(queue);
    let ready = |entry: Entry| match entry.storable() {
        Entry::Journal(journal) => Entry::Journal(journal.packed()),
        other => other,
    };
    Some((group.into_iter().map(ready).collect(), size))
}

/// Brings a group to the disk, or leaves it to the database. Gives it up only when the program ends.
fn keep(shared: &Shared, group: Arc<[Entry]>) {
    let mut bytes = Vec::with_capacity(GROUP);
    group.iter().for_each(|entry| frame::encode(entry, &mut bytes));
    loop {
        let appended = {
            let mut spool = lock(&shared.spool);
            let appended = spool.append(&bytes, group.len() as u64);
            shared.spool_bytes.store(spool.bytes(), Ordering::Relaxed);
            appended
        };
        let Err(trouble) = appended else {
            if lock(&shared.trouble).disk.take().is_some() {
                info!("the spool takes records again");
            }
            return;
        };
        if lock(&shared.trouble).disk.replace(trouble.to_string()).is_none() {
            error!("{trouble}");
        }
        match offer(shared, &group) {
            Outcome::Written => return,
            Outcome::Again => {}
        }
        if lock(&shared.queue).closing.is_some_and(|give_up| give_up <= Instant::now()) {
            let lost = group.len() as u64;
            error!(records = lost, "they could be kept nowhere before the program ended");
            shared.lost.fetch_add(lost, Ordering::Relaxed);
            return;
        }
    }
}

enum Outcome {
    Written,
    Again,
}

/// Lets the task have the group for a moment.
fn offer(shared: &Shared, group: &Arc<[Entry]>) -> Outcome {
    *lock(&shared.held) = Held::Offered(Arc::clone(group));
    shared.spooled.notify_one();
    let waiting = |held: &mut Held| matches!(held, Held::Offered(_));
    let (held, _) = shared
        .settled
        .wait_timeout_while(lock(&shared.held), AGAIN, waiting)
        .unwrap_or_else(PoisonError::into_inner);
    // The task gives an answer as soon as the database has, for which there is a limit.
    let claimed = |held: &mut Held| matches!(held, Held::Claimed);
    let held = shared.settled.wait_while(held, claimed);
    let mut held = held.unwrap_or_else(PoisonError::into_inner);
    match std::mem::take(&mut *held) {
        Held::Written => Outcome::Written,
        _ => Outcome::Again,
    }
}
