//! The way from a live call to the database, on which the call never waits.
//!
//! ```text
//! call ──write()──► queue ──a thread──► spool on disk ──a task──► database
//! ```
//!
//! Everything takes the same way, whether the database is there or not: so what was accepted is on the disk within
//! milliseconds and survives the program, and the way that an outage takes is one that is used all day. Where the disk
//! fails, entries go straight from memory to the database; where both fail they wait in memory, until that is full.

mod drain;
mod frame;
mod intake;
mod spool;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

pub use self::spool::SpoolError;

use self::intake::Held;
use self::spool::Spool;
use crate::{Entry, Store};

/// How much may wait, and where.
#[derive(Debug, Clone)]
pub struct WriterConfig {
    /// The folder on disk, for this program alone.
    pub spool: PathBuf,
    /// The most bytes in it.
    pub spool_bytes: u64,
    /// The most bytes in memory.
    pub queue_bytes: usize,
    /// How long until a database that was away is tried again: at first, and at most. It doubles in between.
    pub retry: (Duration, Duration),
}

impl WriterConfig {
    /// A spool in this folder with a gigabyte at most, and 64 megabytes in memory; a database that is away is tried
    /// again after 100 ms, and then ever less often, at least every 5 s.
    pub fn new(spool: impl Into<PathBuf>) -> WriterConfig {
        WriterConfig {
            spool: spool.into(),
            spool_bytes: 1 << 30,
            queue_bytes: 64 << 20,
            retry: (Duration::from_millis(100), Duration::from_secs(5)),
        }
    }
}

/// Brings entries into the database, each exactly once. Clones write to the same.
///
/// When the last clone is dropped, what was accepted still goes to the disk. [`Writer::stop`] waits for that, and for
/// the database.
#[derive(Debug, Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    ending: Arc<Ending>,
}

/// Why an entry was not accepted. It is lost, unless the caller keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Neither the disk nor the database has taken anything for a while.
    #[error(
        "records are lost: {0} bytes of them wait in memory, and neither the spool nor the database takes them\nmend: \
         make room on the disk of the spool, or bring the database back"
    )]
    Full(usize),
    /// It alone is more than may wait.
    #[error("a record of {0} bytes is too large to be kept\nmend: allow the queue more")]
    TooLarge(usize),
    /// The writer has been stopped.
    #[error("a record came after the store had been closed\nmend: stop the calls first")]
    Closed,
}

/// How the writer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Entries that were accepted and are not known to be in the database, those of earlier runs included.
    pub waiting: u64,
    /// Bytes in the spool.
    pub spool_bytes: u64,
    /// What keeps entries from the database or the disk, with its mend; `None` when all is well.
    pub trouble: Option<String>,
    /// Entries that the database will never take, and that were put aside.
    pub refused: u64,
    /// Entries that were not accepted, or could be kept nowhere.
    pub lost: u64,
}

/// The most that one entry may take: what both databases and a frame of the spool can hold.
const LARGEST: usize = 256 << 20;

/// What a writer that was stopped leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Entries in the spool, for the next start.
    pub waiting: u64,
    /// Entries that neither the disk nor the database took.
    pub lost: u64,
}

/// What the writers, the thread and the task share.
#[derive(Debug)]
struct Shared {
    store: Store,
    config: WriterConfig,
    queue: Mutex<Queue>,
    /// There is something in the queue, or it has been closed.
    queued: Condvar,
    spool: Mutex<Spool>,
    /// Entries that were in the spool at the start.
    inherited: u64,
    held: Mutex<Held>,
    /// Something has become of what is held.
    settled: Condvar,
    /// There is something for the database.
    spooled: Notify,
    /// The task is to end.
    ending: Notify,
    progress: watch::Sender<Progress>,
    trouble: Mutex<Trouble>,
    refused: AtomicU64,
    lost: AtomicU64,
    spool_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    /// Bytes of what was accepted and is not safe yet.
    bytes: usize,
    accepted: u64,
    /// Set once nothing more is accepted: when to give up what can be kept nowhere.
    closing: Option<Instant>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// How many accepted entries are on the disk, in the database, or lost.
    safe: u64,
    /// How many entries, those of earlier runs included, wait no more.
    done: u64,
    /// The thread has ended.
    closed: bool,
}

/// What is wrong now, on either half of the way.
#[derive(Debug, Default)]
struct Trouble {
    disk: Option<String>,
    database: Option<String>,
}

impl Writer {
    /// Opens the spool and begins to bring its entries into the database, those of earlier runs first. The database may
    /// be away. Must be called in a Tokio runtime.
    ///
    /// # Errors
    /// When the spool cannot be used.
    pub fn start(store: Store, config: WriterConfig) -> Result<Writer, SpoolError> {
        let spool = Spool::open(&config.spool, config.spool_bytes)?;
        let inherited = spool.waiting();
        let shared = Arc::new(Shared {
            store,
            queue: Mutex::default(),
            queued: Condvar::new(),
            inherited,
            spool_bytes: AtomicU64::new(spool.bytes()),
            spool: Mutex::new(spool),
            held: Mutex::default(),
            settled: Condvar::new(),
            spooled: Notify::new(),
            ending: Notify::new(),
            progress: watch::Sender::default(),
            trouble: Mutex::default(),
            refused: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            config,
        });
        let taking = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("store-spool".to_owned());
        let thread = thread.spawn(move || intake::run(taking));
        thread.map_err(|cause| SpoolError::Folder { path: shared.config.spool.clone(), cause })?;
        let task = tokio::spawn(drain::run(Arc::clone(&shared)));
        let ending = Ending { shared: Arc::clone(&shared), task: Mutex::new(Some(task)) };
        Ok(Writer { shared, ending: Arc::new(ending) })
    }

    /// Accepts an entry. Never waits.
    ///
    /// # Errors
    /// [`Rejected::Full`] when neither the disk nor the database has taken anything for so long that memory is full.
    pub fn write(&self, entry: impl Into<Entry>) -> Result<(), Rejected> {
        let entry = entry.into();
        let size = entry.size();
        let most = self.shared.config.queue_bytes;
        let mut queue = lock(&self.shared.queue);
        let rejected = if queue.closing.is_some() {
            Some(Rejected::Closed)
        } else if size > most.min(LARGEST) {
            Some(Rejected::TooLarge(size))
        } else if queue.bytes + size > most {
            Some(Rejected::Full(queue.bytes))
        } else {
            None
        };
        if let Some(rejected) = rejected {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            return Err(rejected);
        }
        queue.bytes += size;
        queue.accepted += 1;
        queue.entries.push_back(entry);
        self.shared.queued.notify_one();
        Ok(())
    }

    /// Waits until all that was accepted so far is on the disk, or in the database.
    pub async fn spooled(&self) {
        let accepted = lock(&self.shared.queue).accepted;
        self.shared.reach(|progress| progress.safe >= accepted || progress.closed).await;
    }

    /// Waits until all that was accepted so far, and all that earlier runs had left, is in the database. While that is
    /// away, this does not end.
    pub async fn written(&self) {
        let accepted = lock(&self.shared.queue).accepted;
        let all = self.shared.inherited + accepted;
        self.shared.reach(|progress| progress.done >= all && progress.safe >= accepted).await;
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        let accepted = lock(&shared.queue).accepted;
        let done = shared.progress.borrow().done;
        let trouble = lock(&shared.trouble);
        Status {
            waiting: (shared.inherited + accepted).saturating_sub(done),
            spool_bytes: shared.spool_bytes.load(Ordering::Relaxed),
            trouble: trouble.database.clone().or_else(|| trouble.disk.clone()),
            refused: shared.refused.load(Ordering::Relaxed),
            lost: shared.lost.load(Ordering::Relaxed),
        }
    }

    /// Accepts nothing more, brings all that was accepted to the disk, and gives the database so long to take it. Once
    /// the last clone is dropped after it, the spool may be opened again.
    pub async fn stop(&self, within: Duration) -> Stopped {
        let give_up = tokio::time::Instant::now() + within;
        self.shared.close(give_up.into_std());
        self.shared.reach(|progress| progress.closed).await;
        let _ = tokio::time::timeout_at(give_up, self.written()).await;
        let task = lock(&self.ending.task).take();
        if let Some(task) = task {
            self.shared.ending.notify_one();
            let _ = task.await;
        }
        let waiting = lock(&self.shared.spool).waiting();
        Stopped { waiting, lost: self.shared.lost.load(Ordering::Relaxed) }
    }
}

/// Ends the thread and the task with the last [`Writer`].
#[derive(Debug)]
struct Ending {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.shared.close(Instant::now());
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

impl Shared {
    fn close(&self, give_up: Instant) {
        lock(&self.queue).closing.get_or_insert(give_up);
        self.queued.notify_one();
    }

    async fn reach(&self, goal: impl FnMut(&Progress) -> bool) {
        // The sender is in `self`: the channel cannot close.
        let _ = self.progress.subscribe().wait_for(goal).await;
    }
}

/// A lock that a panic elsewhere does not keep closed: what it guards is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
