//! The client: one Asterisk, one application.

use std::sync::Arc;

use http::Method;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::config::{Config, Scope};
use crate::connection::{ConnectError, ConnectionState, Resync, Supervisor, dial, keep_house};
use crate::rest::{
    Applications, Asterisk, Bridges, Channels, DeviceStates, Endpoints, EventFilter, Events,
    Mailboxes, Operation, Playbacks, Recordings, RequestError, Roads, SocketRoad, Sounds,
};
use crate::routing::{Arrivals, Chore, Counters, Limits, Mailbox, Resource, Router};

/// A connection to Asterisk: its events, and its operations. Cheap to clone; the connection closes when the last
/// clone is dropped.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Arc<Config>,
    roads: Arc<Roads>,
    router: Arc<Router>,
    resync: Arc<Resync>,
    state: watch::Receiver<ConnectionState>,
    stop: watch::Sender<bool>,
    warmth: AbortHandle,
}

/// What serves the client's event socket.
pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    pub(crate) router: Arc<Router>,
    pub(crate) resync: Arc<Resync>,
    /// Requests that take the event socket.
    pub(crate) road: Arc<SocketRoad>,
    pub(crate) state: watch::Sender<ConnectionState>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Client {
    /// Opens the event socket, and keeps it open from then on: when it is lost, it is opened again, with growing
    /// waits, for as long as the client lives. New callers come out of [`Arrivals`].
    ///
    /// Each time, the first events wait until the state is compared with Asterisk's ([`ConnectionState::Resyncing`]),
    /// and what was missed is told by events marked [`Origin::Resync`](crate::Origin::Resync): channels and bridges
    /// that are gone, legs that were answered, callers that nobody looks after. Callers whom an earlier run of the
    /// program left in the application arrive in this way too, and the legs and bridges that it made for them
    /// ([`ids::unique`](crate::ids::unique)) are hung up and destroyed. Channels of other applications are not
    /// touched.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The first attempt is the caller's to judge: its failure is returned and not repeated.
    pub async fn connect(config: Config) -> Result<(Self, Arrivals), ConnectError> {
        let config = Arc::new(config);
        let roads = Roads::new(&config)?;
        let socket = dial(&config).await?;
        let (router, arrivals, to_do) = open_router(&config);
        let (client, parts) = Self::assemble(config, roads, router, Some(to_do));
        tokio::spawn(Supervisor(parts).run(socket));
        Ok((client, arrivals))
    }

    /// A client whose event socket somebody else opens; whoever does serves it with the parts.
    pub(crate) fn accepted(config: Config) -> Result<(Self, Arrivals, Parts), ConnectError> {
        let config = Arc::new(config);
        let roads = Roads::new(&config)?;
        let (router, arrivals, to_do) = open_router(&config);
        let (client, parts) = Self::assemble(config, roads, router, Some(to_do));
        Ok((client, arrivals, parts))
    }

    /// Opens the event socket to look on at everything that happens in this Asterisk (`subscribeAll`), in all
    /// applications and in none. The mailbox gets every event; there are no arrivals.
    ///
    /// The application's name should be one that no other client uses, and is not for calls: this client compares
    /// nothing after a reconnect, so whoever looks on misses what happened in the gap.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// As for [`Client::connect`].
    pub async fn look_on(mut config: Config) -> Result<(Self, Mailbox), ConnectError> {
        config.scope = Scope::Everything;
        let config = Arc::new(config);
        let router = Router::looking_on(limits(&config));
        let everything = router.monitor();
        let roads = Roads::new(&config)?;
        let socket = dial(&config).await?;
        let (client, parts) = Self::assemble(config, roads, router, None);
        tokio::spawn(Supervisor(parts).run(socket));
        Ok((client, everything))
    }

    fn assemble(
        config: Arc<Config>,
        roads: Roads,
        router: Arc<Router>,
        to_do: Option<mpsc::UnboundedReceiver<Chore>>,
    ) -> (Self, Parts) {
        let roads = Arc::new(roads);
        let (state_in, state) = watch::channel(ConnectionState::Resyncing);
        let (stop, stop_in) = watch::channel(false);
        let resync = Resync::new(Arc::clone(&config), Arc::clone(&roads), Arc::clone(&router));
        let resync = Arc::new(resync);
        if let Some(to_do) = to_do {
            tokio::spawn(keep_house(Arc::clone(&resync), to_do, stop_in.clone()));
        }
        let parts = Parts {
            config: Arc::clone(&config),
            router: Arc::clone(&router),
            resync: Arc::clone(&resync),
            road: roads.socket(),
            state: state_in,
            stop: stop_in,
        };
        let warmth = tokio::spawn({
            let roads = Arc::clone(&roads);
            async move { roads.keep_warm().await }
        })
        .abort_handle();
        let inner = Inner { config, roads, router, resync, state, stop, warmth };
        (Self(Arc::new(inner)), parts)
    }

    /// What the client was made with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// How the event socket is, now and at each change.
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.0.state.clone()
    }

    /// A mailbox that watches nothing yet.
    pub fn mailbox(&self) -> Mailbox {
        self.0.router.mailbox()
    }

    /// A mailbox that gets the events of resources beside the one that watches them.
    pub(crate) fn onlooker(&self, resources: Vec<Resource>) -> Mailbox {
        self.0.router.onlooker(resources)
    }

    /// A mailbox that gets every event, those of other mailboxes and of nobody included. For people who look on:
    /// it is bounded like any other.
    pub fn monitor(&self) -> Mailbox {
        self.0.router.monitor()
    }

    /// How many mailboxes there are, those of callers who wait to be taken and monitors included.
    pub fn open_mailboxes(&self) -> usize {
        self.0.router.open_mailboxes()
    }

    /// What the client has seen so far.
    pub fn counters(&self) -> Counters {
        self.0.router.counters()
    }

    /// Subscribes the application to an event source, such as `endpoint:PJSIP/alice`, `channel:<id>` or
    /// `deviceState:<name>`; a scheme alone, such as `endpoint:`, means all of that kind. The subscription is
    /// restored after each reconnect, for as long as the source exists.
    ///
    /// # Errors
    /// As for any operation; the source is then not remembered.
    pub async fn subscribe(&self, source: &str) -> Result<(), RequestError> {
        self.0.resync.remembered.subscribe(&self.0.roads, self.0.config.app(), source).await
    }

    /// Ends a [subscription](Client::subscribe).
    ///
    /// # Errors
    /// As for any operation; the subscription is not restored all the same.
    pub async fn unsubscribe(&self, source: &str) -> Result<(), RequestError> {
        self.0.resync.remembered.unsubscribe(&self.0.roads, self.0.config.app(), source).await
    }

    /// Sets which kinds of events Asterisk sends, here and after each reconnect. Without `StasisStart`, `StasisEnd`,
    /// `ChannelDestroyed` and `BridgeDestroyed` the client is blind, and without `ApplicationReplaced` it does not
    /// know that it lost the application.
    ///
    /// # Errors
    /// As for any operation; the filter is then not remembered.
    pub async fn event_filter(&self, filter: EventFilter) -> Result<(), RequestError> {
        self.0.resync.remembered.filter(&self.0.roads, self.0.config.app(), filter).await
    }

    /// Operations on channels.
    pub fn channels(&self) -> Channels<'_> {
        Channels(&self.0.roads)
    }

    /// Operations on bridges.
    pub fn bridges(&self) -> Bridges<'_> {
        Bridges(&self.0.roads)
    }

    /// Operations on Asterisk itself.
    pub fn asterisk(&self) -> Asterisk<'_> {
        Asterisk(&self.0.roads)
    }

    /// Operations on Stasis applications.
    pub fn applications(&self) -> Applications<'_> {
        Applications(&self.0.roads)
    }

    /// Operations on device states.
    pub fn device_states(&self) -> DeviceStates<'_> {
        DeviceStates(&self.0.roads)
    }

    /// Operations on endpoints.
    pub fn endpoints(&self) -> Endpoints<'_> {
        Endpoints(&self.0.roads)
    }

    /// Operations on events.
    pub fn events(&self) -> Events<'_> {
        Events(&self.0.roads)
    }

    /// Operations on voice mailboxes; for a mailbox of events see [`mailbox`](Self::mailbox).
    pub fn mailboxes(&self) -> Mailboxes<'_> {
        Mailboxes(&self.0.roads)
    }

    /// Operations on playbacks.
    pub fn playbacks(&self) -> Playbacks<'_> {
        Playbacks(&self.0.roads)
    }

    /// Operations on recordings.
    pub fn recordings(&self) -> Recordings<'_> {
        Recordings(&self.0.roads)
    }

    /// Operations on sounds.
    pub fn sounds(&self) -> Sounds<'_> {
        Sounds(&self.0.roads)
    }

    /// Any operation by its path, such as `GET` of `deviceStates/Stasis:desk`. Ids in the path must be
    /// percent-encoded, a plus sign as `%2B`. The result is `null` when the reply has no body.
    ///
    /// # Errors
    /// As for any operation; the path without its query stands for the operation's name.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, RequestError> {
        let operation = Operation::raw(method, path, body);
        let reply = self.0.roads.reply(&operation).await?;
        if reply.is_empty() {
            return Ok(Value::Null);
        }
        operation.read(&reply)
    }

    /// Closes the event socket and waits until it is closed. Requests still work; mailboxes deliver what they hold
    /// and then end. Asterisk keeps the channels of the application as they are.
    pub async fn close(&self) {
        self.0.stop.send_replace(true);
        let ended = |state: &ConnectionState| {
            matches!(state, ConnectionState::Closed | ConnectionState::Replaced)
        };
        // An error means that the task that owns the socket is gone, and the socket with it.
        let _ = self.state().wait_for(ended).await;
    }
}

/// How many bytes of new channels' first events may wait to be taken.
const ARRIVALS_BYTES: usize = 16 << 20;

fn open_router(config: &Config) -> (Arc<Router>, Arrivals, mpsc::UnboundedReceiver<Chore>) {
    let waiting = Limits { count: config.arrivals_capacity, bytes: ARRIVALS_BYTES };
    Router::open(limits(config), waiting)
}

fn limits(config: &Config) -> Limits {
    Limits { count: config.mailbox_capacity, bytes: config.mailbox_bytes }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.warmth.abort();
    }
}

#[cfg(test)]
mod tests;
