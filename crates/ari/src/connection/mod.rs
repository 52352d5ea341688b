//! The event socket, kept alive.
//!
//! One task owns it: [`supervisor`] dials ([`dial`]), reads until the socket ends ([`session`], watched by
//! [`liveness`]), waits a little ([`backoff`]) and dials again. Each time, while the first events wait, the state is
//! compared with Asterisk's ([`resync`]).

mod accept;
mod backoff;
mod dial;
mod liveness;
mod resync;
mod session;
mod supervisor;
mod tls;

pub use accept::{AcceptConfig, Acceptor, Clients, ListenError, Listener, Refusal, ServerTls};
pub use dial::ConnectError;
pub use session::Disconnect;
pub use tls::{Identity, Tls, TlsError};

pub(crate) use dial::{Socket, Stream, dial, stream};
pub(crate) use resync::{Change, Findings, Missed, Resync, keep_house};
pub(crate) use supervisor::Supervisor;

/// How the event socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// Being opened, for the first time or again.
    Connecting,
    /// Open; the events that come wait until subscriptions are restored and what was missed is told. Requests work.
    Resyncing,
    /// Open; events flow.
    Live,
    /// Gone; the next attempt follows after a short wait.
    Lost {
        /// Attempts to reconnect that have failed so far.
        attempts: u32,
        /// Why it was lost, or why the latest attempt failed.
        cause: String,
    },
    /// Another client took the application, and we stopped. Final.
    Replaced,
    /// Closed by us. Final.
    Closed,
}
