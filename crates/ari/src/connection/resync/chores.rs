//! What routing wants done through REST, beside everything else.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::super::backoff::Backoff;
use super::super::session::stopped;
use super::Resync;
use crate::rest::{Bridges, Channels, Continue, Hangup, RequestError};
use crate::routing::{Chore, Resource};

/// How many chores may be under way at once: the calls need connections too.
const AT_ONCE: usize = 8;

/// How often a chore is tried. The next comparison finds again what is left.
const ATTEMPTS: u32 = 5;

/// Does chores until the client is closed.
pub(crate) async fn keep_house(
    resync: Arc<Resync>,
    mut to_do: mpsc::UnboundedReceiver<Chore>,
    mut stop: watch::Receiver<bool>,
) {
    let mut under_way = JoinSet::new();
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            Some(chore) = to_do.recv() => {
                let (resync, room) = (Arc::clone(&resync), Arc::clone(&room));
                under_way.spawn(async move {
                    if let Chore::LookAgain(at) = chore {
                        sleep_until(at).await;
                    }
                    let _room = room.acquire().await;
                    resync.settle(&chore).await;
                });
            }
            Some(_) = under_way.join_next() => {}
        }
    }
}

impl Resync {
    async fn settle(&self, chore: &Chore) {
        let mut backoff = Backoff::new(self.config.reconnect_first, self.config.reconnect_max);
        for attempt in 1..=ATTEMPTS {
            match self.attempt(chore).await {
                Ok(()) => return,
                Err(error) if error.has_left() => return,
                Err(error) if attempt == ATTEMPTS => {
                    tracing::warn!(?chore, %error, "given up until the next reconnect");
                }
                Err(error) => {
                    tracing::debug!(?chore, %error, "tried again soon");
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
    }

    async fn attempt(&self, chore: &Chore) -> Result<(), RequestError> {
        let (channels, bridges) = (Channels(&self.roads), Bridges(&self.roads));
        match chore {
            Chore::Sweep(Resource::Channel(id)) => channels.hangup(id, Hangup::default()).await,
            Chore::Sweep(Resource::Bridge(id)) => bridges.destroy(id).await,
            // These end by themselves.
            Chore::Sweep(Resource::Playback(_) | Resource::Recording(_)) => Ok(()),
            Chore::GiveBack(id) => channels.continue_in_dialplan(id, &Continue::default()).await,
            Chore::Recheck(mailbox) => self.recheck(*mailbox).await,
            Chore::LookAgain(_) => self.look_again().await,
        }
    }
}
