//! An embedded stand-in for Asterisk 22, for demonstrations and for tests that need faults.
//!
//! It speaks ARI over real HTTP and a real WebSocket, carries real RTP over UDP, makes callers from
//! audio and destinations from a few words. A driver written against Asterisk runs against it
//! unchanged: status codes, error bodies, event shapes, subscriptions and their order follow
//! Asterisk's sources (`res/ari`, `res/stasis`, `main/dial.c`).
//!
//! The `switch` module is a pure model: requests, frames and the time go in; replies, events and
//! RTP come out as effects. Around it, a thin shell owns the sockets and the clock ([`Pbx`]).
//!
//! Left out, each answered 501 as Asterisk answers for a missing module: playing to a bridge,
//! recording, snooping, muting, holding, `move`, `redirect`, and the resources that no call needs.
//!
//! ```
//! use pbx::{Caller, Endpoint, Pbx, PbxConfig, Reaction};
//! use std::{sync::Arc, time::Duration};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let pbx = Pbx::start(PbxConfig::default()).await?;
//! pbx.endpoint("PJSIP/helpdesk", Endpoint { rings_for: Duration::ZERO, then: Reaction::Busy });
//! pbx.dialplan("fallback", "100");
//! let call = pbx.call(Caller { audio: Arc::from(vec![0_i16; 800]), ..Caller::default() });
//! let outcome = call.outcome().await; // no application is connected: Stasis() fails
//! assert_eq!(outcome.connected_to, None);
//! pbx.shutdown().await;
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod caller;
mod cause;
mod endpoint;
mod event;
mod fault;
mod http;
mod leg;
mod operation;
mod outcome;
mod params;
mod pbx;
mod reply;
mod shared;
mod socket;
mod stamp;
mod switch;

pub use caller::{Caller, HangsUp};
pub use endpoint::{Endpoint, Reaction, Speech};
pub use event::EventKind;
pub use fault::Fault;
pub use operation::Operation;
pub use outcome::{HungUpBy, Moment, Outcome, Place, StasisStatus};
pub use pbx::{CallInProgress, Pbx, PbxConfig};
pub use shared::Census;
