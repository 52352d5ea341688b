//! The table of events: one row an event, from which its type, its place in [`Event`] and its parser follow.
//!
//! Fields are as in Asterisk's description of 22.10, except where the server is known to leave one out. A kind
//! without a row still arrives, as [`Event::Unknown`].

use serde::Deserialize;

use crate::models::{Bridge, Channel, LiveRecording, Playback, Timestamp, lenient_timestamp};

macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $name:ident { $( $(#[$field_meta:meta])* $field:ident: $type:ty, )* }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Deserialize)]
            pub struct $name {
                /// The application that the event is meant for.
                #[serde(default)]
                pub application: String,
                /// When Asterisk made the event, by its own clock.
                #[serde(default, deserialize_with = "lenient_timestamp")]
                pub timestamp: Option<Timestamp>,
                /// Which Asterisk, where it says so.
                pub asterisk_id: Option<String>,
                $( $(#[$field_meta])* pub $field: $type, )*
            }
        )*

        /// Something that happened in Asterisk.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Event {
            $( $(#[$doc])* $name($name), )*
            /// A kind of event that this crate has no type for.
            Unknown {
                /// Asterisk's name for it.
                kind: String,
                /// The text as it came.
                json: String,
            },
            /// An event that does not have the shape of its kind, or is no event at all.
            Malformed {
                /// Asterisk's name for it, empty when the text has none.
                kind: String,
                /// The text as it came.
                json: String,
                /// What is wrong with it.
                error: String,
            },
        }

        impl Event {
            /// The kinds that have a type of their own.
            pub const KINDS: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Asterisk's name for the kind; empty for a malformed text without one.
            pub fn kind(&self) -> &str {
                match self {
                    $( Self::$name(_) => stringify!($name), )*
                    Self::Unknown { kind, .. } | Self::Malformed { kind, .. } => kind,
                }
            }

            /// When Asterisk made the event, by its own clock.
            pub fn timestamp(&self) -> Option<Timestamp> {
                match self {
                    $( Self::$name(event) => event.timestamp, )*
                    Self::Unknown { .. } | Self::Malformed { .. } => None,
                }
            }

            /// Reads the text as the kind that it says it is; `None` when the kind has no type.
            pub(super) fn typed(kind: &str, json: &str) -> Option<serde_json::Result<Self>> {
                Some(match kind {
                    $( stringify!($name) => serde_json::from_str(json).map(Self::$name), )*
                    _ => return None,
                })
            }
        }
    };
}

events! {
    /// A channel entered the application. The first event of its stay; it does not mean that it is answered.
    StasisStart {
        /// Arguments of `Stasis()` after the application's name.
        #[serde(default)]
        args: Vec<String>,
        /// The channel.
        channel: Channel,
        /// The channel whose place it takes, after an attended transfer for one.
        replace_channel: Option<Box<Channel>>,
    }
    /// A channel left the application. The last event of its stay.
    StasisEnd {
        /// The channel.
        channel: Channel,
    }
    /// Another client took the application; no more events come.
    ApplicationReplaced {}
    /// A channel could not be moved to another application.
    ApplicationMoveFailed {
        /// The channel.
        channel: Channel,
        /// Where it should have gone.
        #[serde(default)]
        destination: String,
        /// With which arguments.
        #[serde(default)]
        args: Vec<String>,
    }
    /// A channel was made.
    ChannelCreated {
        /// The channel.
        channel: Channel,
    }
    /// A channel is gone. For calls that came through the dialplan this is delivered only to applications that
    /// are subscribed to the channel by name.
    ChannelDestroyed {
        /// Q.850 hang-up cause.
        #[serde(default)]
        cause: i64,
        /// The cause in words.
        #[serde(default)]
        cause_txt: String,
        /// The protocol's own cause, such as a SIP status. Since 22.7.
        tech_cause: Option<i64>,
        /// The channel.
        channel: Channel,
    }
    /// A channel's state changed, for one to `Up`.
    ChannelStateChange {
        /// The channel, with its new state.
        channel: Channel,
    }
    /// Somebody wants a channel to end.
    ChannelHangupRequest {
        /// Q.850 hang-up cause.
        cause: Option<i64>,
        /// The protocol's own cause, such as a SIP status. Since 22.7.
        tech_cause: Option<i64>,
        /// Whether the request is a gentle one.
        soft: Option<bool>,
        /// The channel.
        channel: Channel,
    }
    /// The far end pressed a key, reported as it is released.
    ChannelDtmfReceived {
        /// The key: `0` to `9`, `A` to `D`, `*` or `#`.
        digit: String,
        /// How long it was held, in milliseconds.
        #[serde(default)]
        duration_ms: u64,
        /// The channel.
        channel: Channel,
    }
    /// A channel moved on in the dialplan.
    ChannelDialplan {
        /// The channel.
        channel: Channel,
        /// The dialplan application about to run.
        #[serde(default)]
        dialplan_app: String,
        /// Its arguments.
        #[serde(default)]
        dialplan_app_data: String,
    }
    /// A channel's caller id changed.
    ChannelCallerId {
        /// Presentation, as a number.
        #[serde(default)]
        caller_presentation: i64,
        /// Presentation, in words.
        #[serde(default)]
        caller_presentation_txt: String,
        /// The channel.
        channel: Channel,
    }
    /// A channel learned who is at the other end.
    ChannelConnectedLine {
        /// The channel.
        channel: Channel,
    }
    /// A variable was set.
    ChannelVarset {
        /// Its name.
        variable: String,
        /// Its value.
        #[serde(default)]
        value: String,
        /// The channel; none for a global variable.
        channel: Option<Channel>,
    }
    /// The far end put the call on hold.
    ChannelHold {
        /// The channel.
        channel: Channel,
        /// The music class it asks for.
        musicclass: Option<String>,
    }
    /// The far end took the call off hold.
    ChannelUnhold {
        /// The channel.
        channel: Channel,
    }
    /// Talk began, where `TALK_DETECT` is set.
    ChannelTalkingStarted {
        /// The channel.
        channel: Channel,
    }
    /// Talk ended, where `TALK_DETECT` is set.
    ChannelTalkingFinished {
        /// The channel.
        channel: Channel,
        /// How long the talk was, in milliseconds.
        #[serde(default)]
        duration: u64,
    }
    /// A channel is in a bridge now.
    ChannelEnteredBridge {
        /// The bridge.
        bridge: Bridge,
        /// The channel.
        channel: Option<Channel>,
    }
    /// A channel is no longer in a bridge.
    ChannelLeftBridge {
        /// The bridge.
        bridge: Bridge,
        /// The channel.
        channel: Channel,
    }
    /// Dialling began or went on.
    Dial {
        /// Who dials; none for a call that we originated.
        caller: Option<Box<Channel>>,
        /// Who is dialled.
        peer: Channel,
        /// Where the call was forwarded.
        forward: Option<String>,
        /// The channel it was forwarded to.
        forwarded: Option<Box<Channel>>,
        /// The dial string.
        dialstring: Option<String>,
        /// Empty at the start, then such as `RINGING`, `PROGRESS`, `ANSWER`, `BUSY`, `NOANSWER`, `CANCEL`,
        /// `CHANUNAVAIL`, `CONGESTION`.
        #[serde(default)]
        dialstatus: String,
    }
    /// A bridge was made.
    BridgeCreated {
        /// The bridge.
        bridge: Bridge,
    }
    /// A bridge is gone.
    BridgeDestroyed {
        /// The bridge.
        bridge: Bridge,
    }
    /// A bridge took over the channels of another.
    BridgeMerged {
        /// The bridge that stays.
        bridge: Bridge,
        /// The bridge that was emptied.
        bridge_from: Bridge,
    }
    /// A playback began, or went on after a pause.
    PlaybackStarted {
        /// The playback.
        playback: Playback,
    }
    /// A playback of several items goes on to the next.
    PlaybackContinuing {
        /// The playback.
        playback: Playback,
    }
    /// A playback ended. Not every playback gets this event: wait for the channel's end too.
    PlaybackFinished {
        /// The playback.
        playback: Playback,
    }
    /// A recording began.
    RecordingStarted {
        /// The recording.
        recording: LiveRecording,
    }
    /// A recording ended, kept or cancelled.
    RecordingFinished {
        /// The recording.
        recording: LiveRecording,
    }
    /// A recording could not be made.
    RecordingFailed {
        /// The recording, with its cause.
        recording: LiveRecording,
    }
}
