//! A client whose sockets Asterisk opens.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Stays;
use crate::client::Parts;
use crate::connection::ConnectionState;
use crate::connection::dial::Socket;
use crate::connection::session::{self, Disconnect, stopped};

/// Keeps one client alive over the sockets that come for it.
pub(super) struct Host {
    pub(super) parts: Parts,
    pub(super) visits: mpsc::Receiver<Visit>,
    pub(super) stays: Stays,
}

/// A socket, and the event that was read from it to learn whom it is for.
pub(super) struct Visit {
    pub(super) socket: Socket,
    pub(super) text: Utf8Bytes,
}

impl Host {
    /// Serves the first socket and every one that comes after it, until the client ends.
    pub(super) async fn run(mut self, first: Visit) {
        let mut visit = Some(first);
        let mut ended = ConnectionState::Closed;
        while let Some(current) = visit.take() {
            let (end, next) = self.serve(current).await;
            self.parts.router.connection_lost(&end);
            if end == Disconnect::Replaced {
                ended = ConnectionState::Replaced;
            }
            if matches!(end, Disconnect::Closed | Disconnect::Replaced) {
                break;
            }
            let since = Instant::now();
            visit = match next {
                Some(next) => Some(next),
                None => self.next_visit(&end).await,
            };
            if visit.is_some() {
                // Nothing is read from the new socket before every mailbox knows that it missed something.
                let gap = since.elapsed();
                self.parts.router.reconnected(gap);
                tracing::info!(app = self.parts.config.app(), ?gap, "Asterisk is back");
            }
        }
        self.parts.router.end();
        self.parts.state.send_replace(ended);
    }

    /// Serves a socket until it ends, or until Asterisk opens another in its place because it lost this one.
    async fn serve(&mut self, visit: Visit) -> (Disconnect, Option<Visit>) {
        let Parts { config, router, road, state, stop } = &mut self.parts;
        state.send_replace(ConnectionState::Live);
        router.route(visit.text, Instant::now().into_std());
        tokio::select! {
            end = session::run(visit.socket, config, router, road, stop) => (end, None),
            Some(next) = self.visits.recv() => {
                (Disconnect::Failed("Asterisk opened it anew".to_owned()), Some(next))
            }
        }
    }

    async fn next_visit(&mut self, end: &Disconnect) -> Option<Visit> {
        let over = matches!(end, Disconnect::ClosedByPeer { code: Some(NORMAL), .. });
        let patience = match self.stays {
            Stays::ForOneCall if over => return None,
            Stays::ForOneCall => RETURN_TO_A_CALL,
            Stays::ForEver => Duration::MAX,
        };
        tracing::warn!(app = self.parts.config.app(), cause = %end, "the event socket is lost");
        let cause = end.to_string();
        self.parts.state.send_replace(ConnectionState::Lost { attempts: 0, cause });
        tokio::select! {
            visit = timeout(patience, self.visits.recv()) => visit.ok().flatten(),
            () = stopped(&mut self.parts.stop) => None,
        }
    }
}

/// The code with which Asterisk closes the socket of a call that has ended.
const NORMAL: u16 = 1000;

/// How long Asterisk is given to come back to a call: by its own defaults it tries four times, each after 500 ms and
/// for 500 ms.
const RETURN_TO_A_CALL: Duration = Duration::from_secs(10);
