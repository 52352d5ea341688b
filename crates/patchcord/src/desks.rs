//! Which desk takes a call: that of the number that was called, as it is published when the call arrives.
//!
//! ```text
//! store ─► Live: a snapshot ─► a thread learns, speaks: a desk a number ─► the board ─► a call takes one, and keeps it
//! ```
//!
//! A desk that cannot be made ready leaves the one before in its place; so does a store that is away.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use store::{Audit, InboundNumber, Json, Live, Pattern, Snapshot};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tracing::{error, info, warn};

use crate::desk::{Desk, DeskError};
use crate::keep::Keeper;
use crate::published::{Parts, Published};

/// How long until a desk that could not be made ready is tried again: its voice may be back by then.
const AGAIN: Duration = Duration::from_secs(30);

/// The desks of a process. Clones show the same board.
#[derive(Clone)]
pub(crate) struct Desks {
    /// The one of the configuration, for numbers of which the store says nothing.
    own: Arc<Desk>,
    board: watch::Receiver<Arc<Board>>,
    _follower: Option<Arc<Follower>>,
}

/// The desks of the inbound numbers, as of one moment.
#[derive(Default)]
pub(crate) struct Board {
    snapshot: Arc<Snapshot>,
    desks: HashMap<Pattern, Ready>,
}

#[derive(Clone)]
struct Ready {
    number: Arc<InboundNumber>,
    parts: Parts,
    desk: Arc<Desk>,
}

/// A number whose desk cannot be made ready.
#[derive(Debug)]
pub(crate) struct Refused {
    pub number: Arc<InboundNumber>,
    /// The version that is published.
    pub version: Option<i64>,
    pub cause: DeskError,
}

struct Follower(AbortHandle);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl From<Arc<Desk>> for Desks {
    /// One desk for all calls.
    fn from(own: Arc<Desk>) -> Self {
        let (_, board) = watch::channel(Arc::default());
        Self { own, board, _follower: None }
    }
}

impl Desks {
    /// The desks of all numbers, ready now and kept so. What cannot be made ready is told in the log and the audit.
    pub(crate) async fn follow(own: Arc<Desk>, live: Live, keeper: Keeper) -> Self {
        let (sender, board) = watch::channel(Arc::default());
        let mut follow = Follow { own: own.clone(), live, keeper, sender, told: Vec::new() };
        let refused = follow.build().await;
        let task = tokio::spawn(follow.keep_up(refused));
        Self { own, board, _follower: Some(Arc::new(Follower(task.abort_handle()))) }
    }

    /// What a call to `called` takes, and keeps until it is over.
    pub(crate) fn for_call(&self, called: &str) -> Arc<Desk> {
        let board = self.board.borrow();
        let ready = board.snapshot.number(called).and_then(|it| board.desks.get(&it.pattern));
        ready.map_or_else(|| self.own.clone(), |ready| ready.desk.clone())
    }
}

impl Board {
    /// The desks of all numbers. Of `before` those stay that are what they should be, and those whose number has
    /// none that can be made ready. It learns and speaks, which takes time.
    pub(crate) fn build(
        own: &Desk,
        snapshot: Arc<Snapshot>,
        before: &Board,
    ) -> (Board, Vec<Refused>) {
        let (published, book) = (Published::of(&snapshot), own.receptionist.book());
        let (mut desks, mut refused) = (HashMap::new(), Vec::new());
        let mut latest: HashMap<&str, Arc<Desk>> = HashMap::new();
        for number in snapshot.numbers() {
            let parts = published.parts(&number.flow);
            let was = before.desks.get(&number.pattern);
            if let Some(was) = was.filter(|was| was.number == *number && was.parts == parts) {
                desks.insert(number.pattern.clone(), was.clone());
                continue;
            }
            let like = latest.get(&*number.flow).or(was.map(|was| &was.desk));
            let like = like.map_or(own, |desk| &**desk);
            let version = parts.get(&number.flow).copied().flatten();
            let flow = published.at_number(number, &book).map_err(DeskError::from);
            match flow.and_then(|flow| own.at_number(number, flow, version, like)) {
                Ok(desk) => {
                    let (number, desk) = (number.clone(), Arc::new(desk));
                    desks.insert(number.pattern.clone(), Ready { number, parts, desk });
                }
                Err(cause) => {
                    if let Some(was) = was {
                        desks.insert(number.pattern.clone(), was.clone());
                    }
                    refused.push(Refused { number: number.clone(), version, cause });
                    continue;
                }
            }
            latest.insert(&number.flow, desks[&number.pattern].desk.clone());
        }
        drop(latest);
        (Board { snapshot, desks }, refused)
    }
}

struct Follow {
    own: Arc<Desk>,
    live: Live,
    keeper: Keeper,
    sender: watch::Sender<Arc<Board>>,
    /// What has been told of the present snapshot.
    told: Vec<String>,
}

impl Follow {
    async fn keep_up(mut self, mut refused: bool) {
        loop {
            let changed = self.live.changed();
            if refused {
                // Whether it has changed or time has passed: it is tried again.
                let _ = tokio::time::timeout(AGAIN, changed).await;
            } else {
                changed.await;
            }
            refused = self.build().await;
        }
    }

    /// Has the board show what is published now. Whether a desk could not be made ready.
    async fn build(&mut self) -> bool {
        let (snapshot, before, own) =
            (self.live.now(), self.sender.borrow().clone(), self.own.clone());
        let revision = snapshot.revision();
        let built =
            tokio::task::spawn_blocking(move || Board::build(&own, snapshot, &before)).await;
        let (board, refused) = match built {
            Ok(built) => built,
            Err(error) => {
                error!(%error, "what is published cannot be made ready, and what was holds");
                return true;
            }
        };
        info!(revision, numbers = board.desks.len(), "new calls take what is published");
        self.sender.send_replace(Arc::new(board));
        let told = std::mem::take(&mut self.told);
        for refused in &refused {
            let text = refused.to_string();
            if !told.contains(&text) {
                warn!("{text}\nwhat the number {} had before holds", refused.number.pattern);
                self.keeper.audit(refused.audit());
            }
            self.told.push(text);
        }
        !refused.is_empty()
    }
}

impl Refused {
    fn audit(&self) -> Audit {
        let after = json!({
            "number": self.number.pattern.to_string(),
            "version": self.version,
            "cause": self.cause.to_string(),
        });
        let after = Json::new(&after).expect("strings and numbers are JSON");
        Audit::new("patchcord serve", "flow.refused")
            .about(&self.number.flow)
            .change(None, Some(after))
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let InboundNumber { pattern, flow, .. } = &*self.number;
        write!(f, "number {pattern} cannot have its flow {flow}")?;
        if let Some(version) = self.version {
            write!(f, " in version {version}")?;
        }
        write!(f, ": {}", self.cause)
    }
}
