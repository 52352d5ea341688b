//! What a new call needs, in memory, and the watch that keeps it right.

mod kept;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::{Directory, FlowVersion, InboundNumber, Store, StoreError};

/// How often the revision is looked up, which costs one row. PostgreSQL announces a change besides, at once.
const POLL: Duration = Duration::from_millis(500);

/// How long until the listening session is tried again. Meanwhile the revision is looked up.
const LISTEN_AGAIN: Duration = Duration::from_secs(2);

/// The published flows and the inbound numbers, as of one moment.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// Whatever it was when this was kept, the database is asked again.
    #[serde(skip)]
    revision: i64,
    flows: HashMap<String, Arc<FlowVersion>>,
    numbers: Directory,
}

impl Snapshot {
    pub(crate) fn new(
        revision: i64,
        flows: Vec<FlowVersion>,
        numbers: Vec<InboundNumber>,
    ) -> Snapshot {
        let flows = flows.into_iter().map(|flow| (flow.flow.clone(), Arc::new(flow)));
        Snapshot { revision, flows: flows.collect(), numbers: numbers.into_iter().collect() }
    }

    /// What a new call through this flow takes, and keeps until it is over.
    #[must_use]
    pub fn flow(&self, name: &str) -> Option<&Arc<FlowVersion>> {
        self.flows.get(name)
    }

    /// Every published flow.
    pub fn flows(&self) -> impl Iterator<Item = &Arc<FlowVersion>> {
        self.flows.values()
    }

    /// What holds for a call to `called`.
    #[must_use]
    pub fn number(&self, called: &str) -> Option<&Arc<InboundNumber>> {
        self.numbers.find(called)
    }

    /// Every inbound number.
    pub fn numbers(&self) -> impl Iterator<Item = &Arc<InboundNumber>> {
        self.numbers.all()
    }

    /// Another after every change.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.revision
    }
}

/// The published flows and the inbound numbers, always at hand: no question to it waits, and none fails. An edit by any
/// program, or by hand, is seen within a second; while the database is away, what was last seen holds.
#[derive(Debug, Clone)]
pub struct Live {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    _watcher: Arc<Watcher>,
}

#[derive(Debug)]
struct Watcher([JoinHandle<()>; 2]);

impl Live {
    /// Reads both once, and watches them from then on.
    ///
    /// # Errors
    /// When the database fails at once.
    pub async fn start(store: Store) -> Result<Live, StoreError> {
        let first = store.snapshot().await?;
        Ok(Live::watching(store, first, None))
    }

    /// The same for a program that must begin while the database is away: it keeps what it sees in `file`, and begins
    /// with what that holds where there is no database to ask. The database has its say as soon as it is back.
    pub async fn start_kept(store: Store, file: impl Into<PathBuf>) -> Live {
        let file = file.into();
        let first = match store.snapshot().await {
            Ok(snapshot) => {
                kept::write(&file, &snapshot).await;
                snapshot
            }
            Err(error) => {
                warn!("flows and numbers are those of {}: {error}", file.display());
                kept::read(&file).await
            }
        };
        Live::watching(store, first, Some(file))
    }

    fn watching(store: Store, first: Snapshot, file: Option<PathBuf>) -> Live {
        let (sender, snapshots) = watch::channel(Arc::new(first));
        let changed = Arc::new(Notify::new());
        let listener = tokio::spawn(listen(store.clone(), Arc::clone(&changed)));
        let watcher = tokio::spawn(keep_up(store, sender, changed, file));
        Live { snapshots, _watcher: Arc::new(Watcher([listener, watcher])) }
    }

    /// What holds now.
    #[must_use]
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Waits for the next change after the last that this handle has waited for.
    pub async fn changed(&mut self) -> Arc<Snapshot> {
        // The sender lives in the watcher's task, which lives as long as any handle does.
        let _ = self.snapshots.changed().await;
        Arc::clone(&self.snapshots.borrow_and_update())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

async fn listen(store: Store, changed: Arc<Notify>) {
    loop {
        // Whatever ends it, the watcher finds the same, and says so.
        let _ = store.listen(&changed).await;
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

async fn keep_up(
    store: Store,
    snapshots: watch::Sender<Arc<Snapshot>>,
    changed: Arc<Notify>,
    file: Option<PathBuf>,
) {
    let mut away = false;
    loop {
        let _ = tokio::time::timeout(POLL, changed.notified()).await;
        let known = snapshots.borrow().revision;
        match newer(&store, known).await {
            Ok(newer) => {
                if let Some(newer) = newer {
                    info!(revision = newer.revision, "flows or inbound numbers have changed");
                    if let Some(file) = &file {
                        kept::write(file, &newer).await;
                    }
                    snapshots.send_replace(Arc::new(newer));
                }
                if away {
                    info!(%store, "the database is back: edits are seen again");
                }
                away = false;
            }
            Err(error) => {
                if !away {
                    warn!("what was last published holds, and edits are not seen: {error}");
                }
                away = true;
            }
        }
    }
}

async fn newer(store: &Store, known: i64) -> Result<Option<Snapshot>, StoreError> {
    match store.revision().await? == known {
        true => Ok(None),
        false => store.snapshot().await.map(Some),
    }
}
