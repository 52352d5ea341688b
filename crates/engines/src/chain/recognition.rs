//! The chains of all calls, over real connections: one task a call, and one a connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Breakers, Chain, Member, Output, Policy, Told};
use crate::phrases::Phrases;
use crate::remote::Ready;
use crate::remote::config::{ConfigError, Engine};
use crate::remote::link::{Event, Events, LinkId, Order};
use crate::remote::why::Why;

/// Orders that may wait for a connection: 20 s of frames.
const ORDERS: usize = 1_024;
/// How long connections may take to end in an orderly way when their call is over.
const FAREWELL: Duration = Duration::from_secs(2);

/// Hears calls by the engines of a chain. Cheap to clone; the clones share the breakers.
#[derive(Clone)]
pub struct Recognition {
    members: Arc<[Member]>,
    ready: Arc<[Option<Ready>]>,
    policy: Policy,
    breakers: Arc<Breakers>,
    epoch: Instant,
    runtime: Handle,
}

impl Recognition {
    /// The chain of these engines, whose connections are served by `runtime`. Reads files of roots.
    ///
    /// # Errors
    /// [`ConfigError`] if an engine cannot be reached the way it is set up.
    pub fn new(engines: Vec<Engine>, policy: Policy, runtime: Handle) -> Result<Self, ConfigError> {
        let ready: Vec<Option<Ready>> = engines
            .into_iter()
            .map(|engine| match engine {
                Engine::Local => Ok(None),
                Engine::Remote(remote) => Ready::new(*remote).map(Some),
            })
            .collect::<Result<_, _>>()?;
        let member = |ready: &Option<Ready>| match ready {
            None => Member::Local,
            Some(ready) => Member::Remote(ready.terms.clone()),
        };
        Ok(Self {
            members: ready.iter().map(member).collect(),
            breakers: Arc::new(Breakers::new(ready.len())),
            ready: ready.into(),
            policy,
            epoch: Instant::now(),
            runtime,
        })
    }

    /// The names of the engines, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| match member {
            Member::Local => crate::remote::config::LOCAL,
            Member::Remote(terms) => &terms.name,
        })
    }

    /// Whether the local engine is the first, so that no other is ever asked.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.members.first() == Some(&Member::Local)
    }

    /// Hears a call. `tell` runs on the call's task: it should pass on what it is told and return.
    pub fn stream(&self, phrases: Phrases, tell: impl FnMut(Told) + Send + 'static) -> Stream {
        // Whatever waits here is emptied at once by a task that only ever waits for its channels; a turn's edge must not be lost.
        let (say, said) = mpsc::unbounded_channel();
        let (to, events) = mpsc::channel(ORDERS);
        let (members, breakers) = (Arc::clone(&self.members), Arc::clone(&self.breakers));
        let chain = Chain::new(self.epoch.elapsed(), members, self.policy.clone(), breakers);
        let call = Call {
            chain,
            ready: Arc::clone(&self.ready),
            phrases,
            epoch: self.epoch,
            to,
            links: BTreeMap::new(),
            tasks: JoinSet::new(),
            names: BTreeMap::new(),
            tell: Box::new(tell),
        };
        self.runtime.spawn(call.run(said, events));
        Stream { say }
    }
}

impl std::fmt::Debug for Recognition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// One call's way into [`Recognition`]. Dropping it ends the connections.
#[derive(Debug)]
pub struct Stream {
    say: mpsc::UnboundedSender<Said>,
}

#[derive(Debug)]
enum Said {
    Audio(Vec<i16>, u64),
    Begin(u32, u64),
    End(u64),
    Reset,
}

impl Stream {
    /// Samples at 8 kHz that begin at `position`, whether somebody speaks or not.
    pub fn audio(&self, samples: &[i16], position: u64) {
        self.say(Said::Audio(samples.to_vec(), position));
    }

    /// A turn has begun, whose audio begins at `from`.
    pub fn begin(&self, turn: u32, from: u64) {
        self.say(Said::Begin(turn, from));
    }

    /// The turn under way has ended at `through`.
    pub fn end(&self, through: u64) {
        self.say(Said::End(through));
    }

    /// Forgets all turns; nothing is told of them any more.
    pub fn reset(&self) {
        self.say(Said::Reset);
    }

    fn say(&self, said: Said) {
        // The task ends before this only if the runtime does.
        let _ = self.say.send(said);
    }
}

/// One call's task.
struct Call {
    chain: Chain,
    ready: Arc<[Option<Ready>]>,
    phrases: Phrases,
    epoch: Instant,
    to: mpsc::Sender<(LinkId, Event)>,
    links: BTreeMap<LinkId, (mpsc::Sender<Order>, AbortHandle)>,
    tasks: JoinSet<()>,
    names: BTreeMap<Id, LinkId>,
    tell: Box<dyn FnMut(Told) + Send>,
}

impl Call {
    async fn run(
        mut self,
        mut said: mpsc::UnboundedReceiver<Said>,
        mut events: mpsc::Receiver<(LinkId, Event)>,
    ) {
        loop {
            self.follow();
            let deadline = self.chain.deadline().map(|at| self.epoch + at);
            tokio::select! {
                // What has arrived counts before what is late.
                biased;
                Some((link, event)) = events.recv() => self.chain.event(self.now(), link, event),
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                said = said.recv() => match said {
                    Some(said) => self.hear(said),
                    None => break,
                },
                () = until(deadline) => self.chain.wake(self.now()),
            }
        }
        self.links.clear();
        // They say goodbye; their events are of no interest, but must not hold them up.
        drop(events);
        let _ = timeout(FAREWELL, async { while self.tasks.join_next().await.is_some() {} }).await;
        self.tasks.shutdown().await;
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn hear(&mut self, said: Said) {
        let now = self.now();
        match said {
            Said::Audio(samples, position) => self.chain.audio(&samples, position),
            Said::Begin(turn, from) => self.chain.begin(now, turn, from),
            Said::End(through) => self.chain.end(now, through),
            Said::Reset => self.chain.reset(),
        }
    }

    /// Does everything that the chain asks for.
    fn follow(&mut self) {
        while let Some(output) = self.chain.poll() {
            match output {
                Output::Open(link, engine) => self.open(link, engine),
                Output::Send(link, order) => self.send(link, order),
                // Without orders it ends by itself.
                Output::Close(link) => drop(self.links.remove(&link)),
                Output::Drop(link) => {
                    if let Some((_, task)) = self.links.remove(&link) {
                        task.abort();
                    }
                }
                Output::Told(told) => (self.tell)(told),
                Output::Failed(failure) => tracing::warn!(%failure, "an engine failed"),
            }
        }
    }

    fn open(&mut self, link: LinkId, engine: usize) {
        // The chain opens connections to remote engines only.
        let Some(ready) = &self.ready[engine] else { return };
        let (orders, ordered) = mpsc::channel(ORDERS);
        let events = Events { link, to: self.to.clone() };
        let task = self.tasks.spawn(ready.clone().serve(self.phrases.clone(), ordered, events));
        self.names.insert(task.id(), link);
        self.links.insert(link, (orders, task));
    }

    fn send(&mut self, link: LinkId, order: Order) {
        let Some((orders, _)) = self.links.get(&link) else { return };
        // One that has ended has told why, or will.
        if let Err(mpsc::error::TrySendError::Full(_)) = orders.try_send(order) {
            self.chain.event(self.now(), link, Event::Failed(Why::Stalled));
        }
    }

    /// A connection's task has ended. It has told why, but if it crashed.
    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let (id, crashed) = match ended {
            Ok((id, ())) => (id, false),
            Err(error) => (error.id(), error.is_panic()),
        };
        let Some(link) = self.names.remove(&id) else { return };
        if crashed {
            let why = Why::Broken("our end of it crashed".to_owned());
            self.chain.event(self.now(), link, Event::Failed(why));
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
