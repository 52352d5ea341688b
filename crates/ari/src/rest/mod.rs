//! Asterisk's operations, grouped by resource and named after Asterisk's own names.
//!
//! Where Asterisk has an operation with and one without an id of our choice, the method of that name sends our id, and
//! `…_without_id` is the other: its events may come before the reply that says what they are about.

mod applications;
mod asterisk;
mod bridges;
mod channels;
#[cfg(test)]
mod coverage;
mod device_states;
mod encode;
mod endpoints;
mod error;
mod events;
mod http;
mod mailboxes;
mod operation;
mod playbacks;
mod playing;
mod pool;
mod recording;
mod recordings;
mod roads;
mod socket;
mod sounds;
mod variable;
mod verdict;

pub use applications::{Applications, EventFilter};
pub use asterisk::{Asterisk, ConfigObject, InfoPart};
pub use bridges::{AddChannel, BridgeFeature, BridgeKind, Bridges, ChannelRole, CreateBridge};
pub use channels::{
    Channels, Continue, CreateChannel, DialChannel, Dtmf, ExternalMedia, Hangup, HangupReason,
    MediaDirection, MediaTransport, Move, MuteDirection, Originate, OriginateTo, Snoop,
    SnoopDirection, TransferProgress,
};
pub use device_states::{DeviceStates, SetDeviceState};
pub use endpoints::{Endpoints, Refer, ReferVia, SendMessage};
pub use error::{Reason, RequestError};
pub use events::{Events, UserEvent};
pub use mailboxes::Mailboxes;
pub use operation::Completion;
pub use playbacks::Playbacks;
pub use playing::{BridgePlay, Play, PlaybackControl};
pub use recording::{Beep, BridgeRecord, IfExists, Record, TerminateOn};
pub use recordings::Recordings;
pub use roads::Road;
pub use sounds::Sounds;
pub use variable::{Report, SetVariables, VariableValue};

pub(crate) use operation::Operation;
pub(crate) use roads::Roads;
pub(crate) use socket::{Outbox, SocketRoad};
