//! Asterisk's operations, grouped by resource and named after Asterisk's own names.

mod applications;
mod asterisk;
mod bridges;
mod channels;
mod error;
mod http;
mod operation;
mod params;

pub use applications::Applications;
pub use asterisk::Asterisk;
pub use bridges::{AddChannel, BridgeFeature, BridgeKind, Bridges, ChannelRole, CreateBridge};
pub use channels::Channels;
pub use error::{Reason, RequestError};
pub use operation::Completion;
pub use params::{
    Continue, CreateChannel, DialChannel, Dtmf, ExternalMedia, Hangup, HangupReason,
    MediaTransport, Originate, OriginateTo,
};

pub(crate) use http::Http;
pub(crate) use operation::Operation;
