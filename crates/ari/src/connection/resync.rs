//! Making up for a gap: subscriptions are restored, the state is [compared](compare), and what was missed is told.

mod chores;
mod compare;
mod remembered;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::backoff::Backoff;
use crate::config::{Config, Scope};
use crate::rest::{Applications, Operation, RequestError, Roads};
use crate::routing::{Held, MailboxId, Resource, Router, Standing, Told};

pub(crate) use chores::keep_house;
pub(crate) use compare::{Change, Findings, Missed};
pub(crate) use remembered::Remembered;

use compare::{Ours, Theirs, compare};

/// What it takes to compare our state with Asterisk's.
#[derive(Debug)]
pub(crate) struct Resync {
    config: Arc<Config>,
    roads: Arc<Roads>,
    router: Arc<Router>,
    pub(crate) remembered: Remembered,
}

impl Resync {
    pub(crate) fn new(config: Arc<Config>, roads: Arc<Roads>, router: Arc<Router>) -> Self {
        Self { config, roads, router, remembered: Remembered::default() }
    }

    /// Requests take new connections from here on: the event socket fell silent, and theirs may be as mute.
    pub(super) fn roads_may_be_mute(&self) {
        self.roads.renew();
    }

    /// Restores, compares and lets events flow, however often it takes. `gap` is when events ceased; nothing before
    /// the first connection.
    pub(super) async fn run(&self, gap: Option<Instant>) {
        let mut backoff = Backoff::new(self.config.reconnect_first, self.config.reconnect_max);
        let app = self.config.app();
        loop {
            match self.compared().await {
                Ok(Some(findings)) => {
                    let gap = gap.map(|since| since.elapsed());
                    tracing::info!(
                        app,
                        ?gap,
                        missed = findings.missed.len(),
                        found = findings.arrivals.len(),
                        swept = findings.sweep.len(),
                        "events flow"
                    );
                    self.router.resume(app, findings, gap);
                    return;
                }
                Ok(None) => {
                    tracing::warn!(
                        app,
                        "too many events came during the comparison; it starts over"
                    );
                }
                Err(error) => {
                    tracing::warn!(app, %error, "the state cannot be compared yet; events wait");
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// What a comparison finds; `None` if events that came meanwhile are lost.
    async fn compared(&self) -> Result<Option<Findings>, RequestError> {
        self.remembered.restore(&self.roads, self.config.app()).await?;
        if self.config.scope == Scope::Everything {
            return Ok(self.router.held().map(|_| Findings::default()));
        }
        // What is watched only once Asterisk is being asked may be missing from its answer.
        let (watched, let_go) = self.router.standings(None);
        let theirs = self.all_of_theirs().await?;
        let Some(held) = self.router.held() else { return Ok(None) };
        Ok(Some(compare(&self.ours(watched, let_go, held), &theirs)))
    }

    /// Compares what one mailbox watches.
    async fn recheck(&self, mailbox: MailboxId) -> Result<(), RequestError> {
        let (watched, _) = self.router.standings(Some(mailbox));
        let theirs = self.some_of_theirs(&watched).await?;
        let ours = self.ours(watched, Vec::new(), Held::default());
        self.router.amend(self.config.app(), compare(&ours, &theirs));
        Ok(())
    }

    /// Compares what is watched and has not been heard of.
    async fn look_again(&self) -> Result<(), RequestError> {
        let (mut watched, _) = self.router.standings(None);
        watched.retain(|(_, standing)| standing.told == Told::Nothing);
        let theirs = self.some_of_theirs(&watched).await?;
        let ours = self.ours(watched, Vec::new(), Held::default());
        self.router.amend(self.config.app(), compare(&ours, &theirs));
        Ok(())
    }

    fn ours(&self, watched: Vec<(Resource, Standing)>, let_go: Vec<String>, held: Held) -> Ours {
        Ours {
            app: self.config.app().to_owned(),
            watched,
            let_go,
            held,
            now: Instant::now(),
            // A request may be under way for so long before it makes what is watched.
            patience: self.config.request_timeout,
        }
    }

    async fn all_of_theirs(&self) -> Result<Theirs, RequestError> {
        let channels = Operation::new("list channels", Method::GET, &["channels"]);
        let bridges = Operation::new("list bridges", Method::GET, &["bridges"]);
        let (application, channels, bridges) = tokio::try_join!(
            Applications(&self.roads).get(self.config.app()),
            self.roads.fetch::<Vec<Value>>(channels),
            self.roads.fetch::<Vec<Value>>(bridges),
        )?;
        Ok(Theirs {
            channel_ids: application.channel_ids.into_iter().collect(),
            bridge_ids: application.bridge_ids.into_iter().collect(),
            channels: channels.into_iter().filter_map(|it| Some((id_of(&it)?, it))).collect(),
            bridges: bridges.iter().filter_map(id_of).collect(),
        })
    }

    async fn some_of_theirs(
        &self,
        watched: &[(Resource, Standing)],
    ) -> Result<Theirs, RequestError> {
        let application = Applications(&self.roads).get(self.config.app()).await?;
        let (mut channels, mut bridges) = (HashMap::new(), HashSet::new());
        for (resource, _) in watched {
            let (kind, id) = match resource {
                Resource::Channel(id) => ("channels", id),
                Resource::Bridge(id) => ("bridges", id),
                Resource::Playback(_) | Resource::Recording(_) => continue,
            };
            let operation = Operation::new("get", Method::GET, &[kind, id]);
            match self.roads.fetch::<Value>(operation).await {
                Ok(found) if kind == "channels" => drop(channels.insert(id.clone(), found)),
                Ok(_) => drop(bridges.insert(id.clone())),
                Err(error) if error.is_gone() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Theirs {
            // Of others nothing is known here, so nothing may follow for them.
            channel_ids: application.channel_ids.into_iter().collect(),
            bridge_ids: HashSet::new(),
            channels,
            bridges,
        })
    }
}

fn id_of(object: &Value) -> Option<String> {
    object["id"].as_str().map(str::to_owned)
}
