//! The life of the connection as a state machine: resyncing, live, lost, resyncing again, until it ends.

use std::pin::pin;

use tokio::time::{Instant, sleep};

use super::backoff::Backoff;
use super::session::{self, Disconnect, stopped};
use super::{ConnectionState, Socket, dial};
use crate::client::Parts;
use crate::config::OnReplaced;

/// Owns the event socket and everything that happens to it.
pub(crate) struct Supervisor(pub(crate) Parts);

/// Where the connection is. Each phase does its work and says which comes next.
enum Phase {
    /// The socket is open, after a gap since then.
    Open {
        socket: Box<Socket>,
        gap: Option<Instant>,
    },
    Lost {
        since: Instant,
        attempts: u32,
        cause: String,
    },
    Ended(ConnectionState),
}

impl Supervisor {
    /// Keeps the connection until it is closed or replaced, starting with an open socket.
    pub(crate) async fn run(mut self, socket: Socket) {
        let mut backoff = Backoff::new(self.0.config.reconnect_first, self.0.config.reconnect_max);
        let mut phase = Phase::Open { socket: Box::new(socket), gap: None };
        loop {
            phase = match phase {
                Phase::Open { socket, gap } => self.open(*socket, gap, &mut backoff).await,
                Phase::Lost { since, attempts, cause } => {
                    self.lost(since, attempts, cause, &mut backoff).await
                }
                Phase::Ended(state) => {
                    self.0.router.end();
                    self.0.state.send_replace(state);
                    return;
                }
            };
        }
    }

    async fn open(&mut self, socket: Socket, gap: Option<Instant>, backoff: &mut Backoff) -> Phase {
        let opened = Instant::now();
        self.0.state.send_replace(ConnectionState::Resyncing);
        // Before anything is read, so that nothing is delivered ahead of what was missed.
        self.0.router.hold();
        let mut stop = self.0.stop.clone();
        let mut gap_ended = false;
        let end = {
            let mut session =
                pin!(session::run(socket, &self.0.config, &self.0.router, &self.0.road, &mut stop));
            tokio::select! {
                end = &mut session => end,
                () = self.0.resync.run(gap) => {
                    gap_ended = true;
                    self.0.state.send_replace(ConnectionState::Live);
                    session.await
                }
            }
        };
        let lost = if gap_ended { Instant::now() } else { gap.unwrap_or(opened) };
        // A socket that dies young does not make the next wait short again.
        if opened.elapsed() > self.0.config.reconnect_max {
            backoff.reset();
        }
        self.0.router.connection_lost(&end);
        match end {
            Disconnect::Closed => Phase::Ended(ConnectionState::Closed),
            Disconnect::Replaced if self.0.config.on_replaced == OnReplaced::Stop => {
                tracing::error!(
                    app = self.0.config.app(),
                    "another client took the application; stopped"
                );
                Phase::Ended(ConnectionState::Replaced)
            }
            end => {
                if let Disconnect::Silent { .. } = end {
                    self.0.resync.roads_may_be_mute();
                }
                tracing::warn!(app = self.0.config.app(), cause = %end, "the event socket is lost");
                if end == Disconnect::Replaced {
                    backoff.slow_down();
                }
                Phase::Lost { since: lost, attempts: 0, cause: end.to_string() }
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
        self.0.state.send_replace(ConnectionState::Lost { attempts, cause });
        let wait = backoff.next();
        let dialled = tokio::select! {
            () = stopped(&mut self.0.stop) => return Phase::Ended(ConnectionState::Closed),
            dialled = async {
                sleep(wait).await;
                self.0.state.send_replace(ConnectionState::Connecting);
                dial(&self.0.config).await
            } => dialled,
        };
        match dialled {
            Ok(socket) => Phase::Open { socket: Box::new(socket), gap: Some(since) },
            Err(error) => {
                tracing::warn!(app = self.0.config.app(), %error, "the event socket cannot be opened yet");
                Phase::Lost { since, attempts: attempts + 1, cause: error.to_string() }
            }
        }
    }
}
