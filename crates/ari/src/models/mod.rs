//! The objects that Asterisk describes in replies and events.
//!
//! They read what any supported release sends: a field that some release leaves out has a default or is
//! optional, an unknown word in a field of words is kept as `Other`, and unknown fields are passed over (the
//! raw text of an event stays available). Names are Asterisk's own.

mod asterisk;
mod bridge;
mod channel;
mod media;
mod open_enum;
mod timestamp;

pub use asterisk::{
    Application, AsteriskInfo, AsteriskPing, BuildInfo, ConfigInfo, Module, SetId, StatusInfo,
    SystemInfo, Variable,
};
pub use bridge::Bridge;
pub use channel::{CallerId, Channel, ChannelState, DialplanCep};
pub use media::{LiveRecording, Playback, PlaybackState, RecordingState};
pub use timestamp::{Timestamp, TimestampError};

pub(crate) use timestamp::lenient_timestamp;
