//! The objects that Asterisk describes in replies and events.
//!
//! They read what any supported release sends: a field that some release leaves out has a default or is
//! optional, an unknown word in a field of words is kept as `Other`, and unknown fields are kept in `other`.
//! Names are Asterisk's own, in Rust's spelling.

mod asterisk;
mod bridge;
mod channel;
#[cfg(test)]
mod coverage;
mod endpoint;
mod media;
pub(crate) mod model;
mod open_enum;
mod rtp;
mod timestamp;
mod transfer;

pub use asterisk::{
    Application, AsteriskInfo, AsteriskPing, BuildInfo, ConfigInfo, ConfigTuple, LogChannel,
    Module, SetId, StatusInfo, SystemInfo, Variable, Variables,
};
pub use bridge::Bridge;
pub use channel::{CallerId, Channel, ChannelState, DialplanCep};
pub use endpoint::{
    ContactInfo, ContactStatus, DeviceState, DeviceStateWord, Endpoint, EndpointState, Peer,
    TextMessage, VoiceMailbox,
};
pub use media::{
    FormatLangPair, LiveRecording, Playback, PlaybackState, RecordingState, Sound, StoredRecording,
};
pub use rtp::RtpStat;
pub use timestamp::{Timestamp, TimestampError};
pub use transfer::{AdditionalParam, ReferTo, ReferredBy, RequiredDestination};

pub(crate) use model::model;
