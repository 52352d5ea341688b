//! The life of the connection as a state machine: live, lost, live again, until it ends.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::backoff::Backoff;
use super::session::{self, Disconnect, stopped};
use super::{ConnectionState, Socket, dial};
use crate::client::Parts;
use crate::config::{Config, OnReplaced};
use crate::rest::SocketRoad;
use crate::routing::Router;

/// Owns the event socket and everything that happens to it.
pub(crate) struct Supervisor {
    pub(crate) config: Arc<Config>,
    pub(crate) router: Arc<Router>,
    /// Requests that take the event socket.
    pub(crate) road: Arc<SocketRoad>,
    pub(crate) state: watch::Sender<ConnectionState>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Where the connection is. Each phase does its work and says which comes next.
enum Phase {
    Live(Box<Socket>),
    Lost { since: Instant, attempts: u32, cause: String },
    Ended(ConnectionState),
}

impl From<Parts> for Supervisor {
    fn from(Parts { config, router, road, state, stop }: Parts) -> Self {
        Self { config, router, road, state, stop }
    }
}

impl Supervisor {
    /// Keeps the connection until it is closed or replaced, starting with an open socket.
    pub(crate) async fn run(mut self, socket: Socket) {
        let mut backoff = Backoff::new(self.config.reconnect_first, self.config.reconnect_max);
        let mut phase = Phase::Live(Box::new(socket));
        loop {
            phase = match phase {
                Phase::Live(socket) => self.live(*socket, &mut backoff).await,
                Phase::Lost { since, attempts, cause } => {
                    self.lost(since, attempts, cause, &mut backoff).await
                }
                Phase::Ended(state) => {
                    self.router.end();
                    self.state.send_replace(state);
                    return;
                }
            };
        }
    }

    async fn live(&mut self, socket: Socket, backoff: &mut Backoff) -> Phase {
        let since = Instant::now();
        self.state.send_replace(ConnectionState::Live);
        let end =
            session::run(socket, &self.config, &self.router, &self.road, &mut self.stop).await;
        // A socket that dies young does not make the next wait short again.
        if since.elapsed() > self.config.reconnect_max {
            backoff.reset();
        }
        self.router.connection_lost(&end);
        match end {
            Disconnect::Closed => Phase::Ended(ConnectionState::Closed),
            Disconnect::Replaced if self.config.on_replaced == OnReplaced::Stop => {
                tracing::error!(
                    app = self.config.app(),
                    "another client took the application; stopped"
                );
                Phase::Ended(ConnectionState::Replaced)
            }
            end => {
                tracing::warn!(app = self.config.app(), cause = %end, "the event socket is lost");
                if end == Disconnect::Replaced {
                    backoff.slow_down();
                }
                Phase::Lost { since: Instant::now(), attempts: 0, cause: end.to_string() }
            }
        }
    }

    async fn lost(
        &mut self,
        since: Instant,
        attempts: u32,
        cause: String,
        backoff: &mut Backoff,
    ) -> Phase {
        self.state.send_replace(ConnectionState::Lost { attempts, cause });
        let wait = backoff.next();
        let dialled = tokio::select! {
            () = stopped(&mut self.stop) => return Phase::Ended(ConnectionState::Closed),
            dialled = async {
                sleep(wait).await;
                self.state.send_replace(ConnectionState::Connecting);
                dial(&self.config).await
            } => dialled,
        };
        match dialled {
            Ok(socket) => {
                // Nothing is read from the new socket before every mailbox knows that it missed something.
                let gap = since.elapsed();
                self.router.reconnected(gap);
                tracing::info!(app = self.config.app(), ?gap, "the event socket is back");
                Phase::Live(Box::new(socket))
            }
            Err(error) => {
                tracing::warn!(app = self.config.app(), %error, "the event socket cannot be opened yet");
                Phase::Lost { since, attempts: attempts + 1, cause: error.to_string() }
            }
        }
    }
}
