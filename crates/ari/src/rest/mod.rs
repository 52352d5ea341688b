//! Asterisk's operations, grouped by resource and named after Asterisk's own names.

mod applications;
mod asterisk;
mod bridges;
mod channels;
mod error;
mod http;
mod operation;
mod params;
mod roads;
mod socket;
mod verdict;

pub use applications::Applications;
pub use asterisk::Asterisk;
pub use bridges::{AddChannel, BridgeFeature, BridgeKind, Bridges, ChannelRole, CreateBridge};
pub use channels::Channels;
pub use error::{Reason, RequestError};
pub use params::{
    Continue, CreateChannel, DialChannel, Dtmf, ExternalMedia, Hangup, HangupReason,
    MediaTransport, Originate, OriginateTo,
};
pub use roads::Road;

pub(crate) use operation::Operation;
pub(crate) use roads::Roads;
pub(crate) use socket::{Outbox, SocketRoad};
