//! The client: one Asterisk, one application.

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::config::Config;
use crate::connection::{ConnectError, ConnectionState, Supervisor, dial};
use crate::rest::{
    Applications, Asterisk, Bridges, Channels, DeviceStates, Endpoints, Events, Mailboxes,
    Operation, Playbacks, Recordings, RequestError, Roads, SocketRoad, Sounds,
};
use crate::routing::{Arrivals, Counters, Mailbox, Router};

/// A connection to Asterisk: its events, and its operations. Cheap to clone; the connection closes when the last
/// clone is dropped.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Arc<Config>,
    roads: Arc<Roads>,
    router: Arc<Router>,
    state: watch::Receiver<ConnectionState>,
    stop: watch::Sender<bool>,
    warmth: AbortHandle,
}

/// What serves the client's event socket.
pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    pub(crate) router: Arc<Router>,
    /// Requests that take the event socket.
    pub(crate) road: Arc<SocketRoad>,
    pub(crate) state: watch::Sender<ConnectionState>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Client {
    /// Opens the event socket, and keeps it open from then on: when it is lost, it is opened again, with growing
    /// waits, for as long as the client lives. New callers come out of [`Arrivals`].
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The first attempt is the caller's to judge: its failure is returned and not repeated.
    pub async fn connect(config: Config) -> Result<(Self, Arrivals), ConnectError> {
        let roads = Roads::new(&config)?;
        let socket = dial(&config).await?;
        let (client, arrivals, parts) = Self::assemble(config, roads);
        tokio::spawn(Supervisor::from(parts).run(socket));
        Ok((client, arrivals))
    }

    /// A client whose event socket somebody else opens; whoever does serves it with the parts.
    pub(crate) fn accepted(config: Config) -> Result<(Self, Arrivals, Parts), ConnectError> {
        let roads = Roads::new(&config)?;
        Ok(Self::assemble(config, roads))
    }

    fn assemble(config: Config, roads: Roads) -> (Self, Arrivals, Parts) {
        let (config, roads) = (Arc::new(config), Arc::new(roads));
        let (router, arrivals) = Router::new(config.mailbox_capacity, config.arrivals_capacity);
        let (state_in, state) = watch::channel(ConnectionState::Live);
        let (stop, stop_in) = watch::channel(false);
        let parts = Parts {
            config: Arc::clone(&config),
            router: Arc::clone(&router),
            road: roads.socket(),
            state: state_in,
            stop: stop_in,
        };
        let warmth = tokio::spawn({
            let roads = Arc::clone(&roads);
            async move { roads.keep_warm().await }
        })
        .abort_handle();
        let inner = Inner { config, roads, router, state, stop, warmth };
        (Self(Arc::new(inner)), arrivals, parts)
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

    /// A mailbox that gets every event, those of other mailboxes and of nobody included. For people who look on:
    /// it is bounded like any other.
    pub fn monitor(&self) -> Mailbox {
        self.0.router.monitor()
    }

    /// What the client has seen so far.
    pub fn counters(&self) -> Counters {
        self.0.router.counters()
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

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.warmth.abort();
    }
}

#[cfg(test)]
mod tests;
