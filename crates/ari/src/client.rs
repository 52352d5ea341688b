//! The client: one Asterisk, one application.

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::config::{Config, Scope};
use crate::connection::{ConnectError, ConnectionState, Resync, Supervisor, dial, keep_house};
use crate::rest::{Applications, Asterisk, Bridges, Channels, Http, Operation, RequestError};
use crate::routing::{Arrivals, Chore, Counters, Limits, Mailbox, Resource, Router};

/// A connection to Asterisk: its events, and its operations. Cheap to clone; the connection closes when the last
/// clone is dropped.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Arc<Config>,
    http: Arc<Http>,
    router: Arc<Router>,
    resync: Arc<Resync>,
    state: watch::Receiver<ConnectionState>,
    stop: watch::Sender<bool>,
    warmth: AbortHandle,
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
        let mailbox = limits(&config);
        let waiting = Limits { count: config.arrivals_capacity, bytes: ARRIVALS_BYTES };
        let (router, arrivals, to_do) = Router::open(mailbox, waiting);
        let client = Self::open(config, router, Some(to_do)).await?;
        Ok((client, arrivals))
    }

    /// Opens the event socket to look on at everything that happens in this Asterisk (`subscribeAll`), in all
    /// applications and in none. The mailbox gets every event; there are no arrivals.
    ///
    /// The application's name should be one that no other client uses, and is not for calls: after a reconnect an
    /// application that subscribes to everything misses when its own channels leave.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// As for [`Client::connect`].
    pub async fn look_on(mut config: Config) -> Result<(Self, Mailbox), ConnectError> {
        config.scope = Scope::Everything;
        let router = Router::looking_on(limits(&config));
        let everything = router.monitor();
        let client = Self::open(config, router, None).await?;
        Ok((client, everything))
    }

    async fn open(
        config: Config,
        router: Arc<Router>,
        to_do: Option<mpsc::UnboundedReceiver<Chore>>,
    ) -> Result<Self, ConnectError> {
        let http = Http::new(&config).map_err(|error| ConnectError::Handshake {
            url: config.base().to_string(),
            cause: error.to_string(),
        })?;
        let socket = dial(&config).await?;
        let (config, http) = (Arc::new(config), Arc::new(http));
        let (state_in, state) = watch::channel(ConnectionState::Resyncing);
        let (stop, stop_in) = watch::channel(false);
        let resync = Resync::new(Arc::clone(&config), Arc::clone(&http), Arc::clone(&router));
        let resync = Arc::new(resync);
        if let Some(to_do) = to_do {
            tokio::spawn(keep_house(Arc::clone(&resync), to_do, stop_in.clone()));
        }
        let supervisor = Supervisor {
            config: Arc::clone(&config),
            router: Arc::clone(&router),
            resync: Arc::clone(&resync),
            state: state_in,
            stop: stop_in,
        };
        tokio::spawn(supervisor.run(socket));
        let warmth = tokio::spawn({
            let http = Arc::clone(&http);
            async move { http.keep_warm().await }
        })
        .abort_handle();
        Ok(Self(Arc::new(Inner { config, http, router, resync, state, stop, warmth })))
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
        self.0.resync.remembered.subscribe(&self.0.http, self.0.config.app(), source).await
    }

    /// Ends a [subscription](Client::subscribe).
    ///
    /// # Errors
    /// As for any operation; the subscription is not restored all the same.
    pub async fn unsubscribe(&self, source: &str) -> Result<(), RequestError> {
        self.0.resync.remembered.unsubscribe(&self.0.http, self.0.config.app(), source).await
    }

    /// Sets which events Asterisk sends, here and after each reconnect: Asterisk's filter as it stands, with
    /// `allowed` and `disallowed`, each a list of `{"type": "ChannelVarset"}`; an empty object lets all pass.
    /// Without `StasisStart`, `StasisEnd`, `ChannelDestroyed` and `BridgeDestroyed` the client is blind, and without
    /// `ApplicationReplaced` it does not know that it lost the application.
    ///
    /// # Errors
    /// As for any operation; the filter is then not remembered.
    pub async fn event_filter(&self, filter: Value) -> Result<(), RequestError> {
        self.0.resync.remembered.filter(&self.0.http, self.0.config.app(), filter).await
    }

    /// Operations on channels.
    pub fn channels(&self) -> Channels<'_> {
        Channels(&self.0.http)
    }

    /// Operations on bridges.
    pub fn bridges(&self) -> Bridges<'_> {
        Bridges(&self.0.http)
    }

    /// Operations on Asterisk itself.
    pub fn asterisk(&self) -> Asterisk<'_> {
        Asterisk(&self.0.http)
    }

    /// Operations on Stasis applications.
    pub fn applications(&self) -> Applications<'_> {
        Applications(&self.0.http)
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
        let reply = self.0.http.reply(&operation).await?;
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
