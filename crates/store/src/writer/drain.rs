//! The task that brings what is on the disk into the database.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tracing::{error, info, warn};

use super::intake::Held;
use super::spool::{Batch, SpoolError};
use super::{Shared, lock};
use crate::{Entry, StoreError};

/// One transaction holds at most so many entries...
const ENTRIES: usize = 500;
/// ... of about so many bytes.
const BYTES: usize = 1 << 20;

/// What is next for the database.
enum Work {
    Spooled(Batch),
    Held(Claim),
    Nothing,
}

pub(super) async fn run(shared: Arc<Shared>) {
    let (first, most) = shared.config.retry;
    let mut pause = first;
    let mut away: Option<(Instant, String)> = None;
    loop {
        let result = match next(&shared).await {
            Ok(Work::Nothing) => {
                tokio::select! {
                    () = shared.spooled.notified() => continue,
                    () = shared.ending.notified() => return,
                }
            }
            Ok(work) => {
                tokio::select! {
                    result = bring(&shared, work) => result,
                    () = shared.ending.notified() => return,
                }
            }
            Err(trouble) => Err(trouble.to_string()),
        };
        match result {
            Ok(()) => {
                pause = first;
                if let Some((since, _)) = away.take() {
                    let seconds = since.elapsed().as_secs();
                    info!(seconds, store = %shared.store, "the database takes records again");
                    lock(&shared.trouble).database = None;
                }
            }
            Err(trouble) => {
                if away.as_ref().is_none_or(|(_, known)| *known != trouble) {
                    warn!("records wait in {}: {trouble}", shared.config.spool.display());
                }
                let since = away.map_or_else(Instant::now, |(since, _)| since);
                lock(&shared.trouble).database = Some(trouble.clone());
                away = Some((since, trouble));
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = shared.ending.notified() => return,
                }
                pause = (pause * 2).min(most);
            }
        }
    }
}

/// The oldest entries on the disk; where there are none, those that the disk would not take.
async fn next(shared: &Arc<Shared>) -> Result<Work, SpoolError> {
    let oldest = on_disk(shared, |shared| lock(&shared.spool).oldest(ENTRIES, BYTES)).await?;
    Ok(match oldest {
        Some(batch) => Work::Spooled(batch),
        None => Claim::take(shared).map_or(Work::Nothing, Work::Held),
    })
}

async fn bring(shared: &Arc<Shared>, work: Work) -> Result<(), String> {
    match work {
        Work::Nothing => Ok(()),
        Work::Spooled(Batch { entries, bytes }) => {
            let count = entries.len() as u64;
            write(shared, &entries.into()).await?;
            let done = on_disk(shared, move |shared| {
                let mut spool = lock(&shared.spool);
                let done = spool.done(count, bytes);
                shared.spool_bytes.store(spool.bytes(), Ordering::Relaxed);
                done
            });
            // Whether or not the disk could forget them, they are in the database.
            let done = done.await.map_err(|trouble| trouble.to_string());
            shared.progress.send_modify(|progress| progress.done += count);
            done
        }
        Work::Held(mut claim) => {
            write(shared, &claim.entries).await?;
            claim.written = true;
            let count = claim.entries.len() as u64;
            shared.progress.send_modify(|progress| progress.done += count);
            Ok(())
        }
    }
}

/// Writes a batch; where the database refuses one entry, the others alone, and puts that one aside.
async fn write(shared: &Arc<Shared>, entries: &Arc<[Entry]>) -> Result<(), String> {
    match shared.store.write(Arc::clone(entries)).await {
        Ok(()) => return Ok(()),
        Err(StoreError::Refused { .. }) => {}
        Err(trouble) => return Err(trouble.to_string()),
    }
    for entry in entries.iter() {
        match shared.store.write([entry.clone()].into()).await {
            Ok(()) => {}
            Err(refused @ StoreError::Refused { .. }) => {
                let entry = entry.clone();
                let label = entry.label();
                let aside = on_disk(shared, move |shared| lock(&shared.spool).set_aside(&entry));
                let aside = aside.await.map_err(|trouble| trouble.to_string())?;
                error!("{label} was put aside in {}: {refused}", aside.display());
                shared.refused.fetch_add(1, Ordering::Relaxed);
            }
            Err(trouble) => return Err(trouble.to_string()),
        }
    }
    Ok(())
}

/// What the thread has offered. It gets an answer in any case.
struct Claim {
    shared: Arc<Shared>,
    entries: Arc<[Entry]>,
    written: bool,
}

impl Claim {
    fn take(shared: &Arc<Shared>) -> Option<Claim> {
        let mut held = lock(&shared.held);
        match std::mem::replace(&mut *held, Held::Claimed) {
            Held::Offered(entries) => {
                Some(Claim { shared: Arc::clone(shared), entries, written: false })
            }
            other => {
                *held = other;
                None
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let entries = Arc::clone(&self.entries);
        let answer = if self.written { Held::Written } else { Held::Offered(entries) };
        *lock(&self.shared.held) = answer;
        self.shared.settled.notify_one();
    }
}

/// Works with the files on a thread that may wait.
async fn on_disk<T: Send + 'static>(
    shared: &Arc<Shared>,
    job: impl FnOnce(&Shared) -> T + Send + 'static,
) -> T {
    let shared = Arc::clone(shared);
    match tokio::task::spawn_blocking(move || job(&shared)).await {
        Ok(answer) => answer,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}
