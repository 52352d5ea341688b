//! A client whose sockets Asterisk opens.

use std::convert::Infallible;
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
        let (mut visit, mut gap) = (Some(first), None);
        let mut ended = ConnectionState::Closed;
        while let Some(current) = visit.take() {
            let (end, next) = self.serve(current, gap).await;
            self.parts.router.connection_lost(&end);
            if end == Disconnect::Replaced {
                ended = ConnectionState::Replaced;
            }
            if matches!(end, Disconnect::Closed | Disconnect::Replaced) {
                break;
            }
            gap = Some(Instant::now());
            visit = match next {
                Some(next) => Some(next),
                None => self.next_visit(&end).await,
            };
        }
        self.parts.router.end();
        self.parts.state.send_replace(ended);
    }

    /// Serves a socket until it ends, or until Asterisk opens another in its place because it lost this one. After
    /// a gap events wait until the state is compared: Asterisk replays what it knows that it could not write, and no
    /// more.
    async fn serve(&mut self, visit: Visit, gap: Option<Instant>) -> (Disconnect, Option<Visit>) {
        let Parts { config, router, resync, road, state, stop } = &mut self.parts;
        if gap.is_some() {
            state.send_replace(ConnectionState::Resyncing);
            router.hold();
        } else {
            state.send_replace(ConnectionState::Live);
        }
        router.route(visit.text, Instant::now().into_std());
        let back = async {
            if gap.is_some() {
                resync.run(gap).await;
                state.send_replace(ConnectionState::Live);
            }
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            end = session::run(visit.socket, config, router, road, stop) => (end, None),
            Some(next) = self.visits.recv() => {
                (Disconnect::Failed("Asterisk opened it anew".to_owned()), Some(next))
            }
            never = back => match never {},
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
