//! The table of events: one row an event, from which its type, its place in [`Event`] and its parser follow.
//!
//! Long because the table is whole: Asterisk 22.10 has 45 events. Fields are as in Asterisk's own description, except
//! where the server is known to leave one out. A kind without a row still arrives, as [`Event::Unknown`].

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::models::{
    Bridge, Channel, ContactInfo, DeviceState, Endpoint, LiveRecording, Peer, Playback, ReferTo,
    ReferredBy, TextMessage, Timestamp, model,
};

macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$field_meta:meta])* $field:ident: $type:ty $(= $mark:ident)?, )*
        }
    )*) => {
        $(
            model! {
                $(#[$doc])*
                $name {
                    /// The application that the event is meant for.
                    application: String,
                    /// When Asterisk made the event, by its own clock.
                    timestamp: Option<Timestamp> = time,
                    /// Which Asterisk, where it says so.
                    asterisk_id: Option<String> = may,
                    $( $(#[$field_meta])* $field: $type $(= $mark)?, )*
                }
                passes over "type"
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

            /// Fields that this crate does not know, by name; none of an event that has no type.
            pub fn other(&self) -> Option<&Map<String, Value>> {
                match self {
                    $( Self::$name(event) => Some(&event.other), )*
                    Self::Unknown { .. } | Self::Malformed { .. } => None,
                }
            }

            /// The event as Asterisk writes it; what cannot be read as the text that it was.
            pub(super) fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( Self::$name(event) => {
                        Typed { kind: stringify!($name), event }.serialize(serializer)
                    } )*
                    Self::Unknown { json, .. } | Self::Malformed { json, .. } => {
                        match serde_json::from_str::<Value>(json) {
                            Ok(value) => value.serialize(serializer),
                            Err(_) => json.serialize(serializer),
                        }
                    }
                }
            }

            /// A kind that has a type of its own, by its name.
            pub(crate) fn known(kind: &str) -> Option<&'static str> {
                match kind {
                    $( stringify!($name) => Some(stringify!($name)), )*
                    _ => None,
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

/// An event's fields after the name of its kind.
#[derive(Serialize)]
struct Typed<'a, T: Serialize> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    event: &'a T,
}

events! {
    /// A channel entered the application. The first event of its stay; it does not mean that it is answered.
    StasisStart {
        /// Arguments of `Stasis()` after the application's name.
        args: Vec<String>,
        /// The channel.
        channel: Channel = must,
        /// The channel whose place it takes, after an attended transfer for one.
        replace_channel: Option<Box<Channel>> = may,
    }
    /// A channel left the application. The last event of its stay.
    StasisEnd {
        /// The channel.
        channel: Channel = must,
    }
    /// An application was registered. Since 22.5.
    ApplicationRegistered {}
    /// An application is registered no longer. Since 22.5.
    ApplicationUnregistered {}
    /// Another client took the application; no more events come.
    ApplicationReplaced {}
    /// A channel could not be moved to another application.
    ApplicationMoveFailed {
        /// The channel.
        channel: Channel = must,
        /// Where it should have gone.
        destination: String,
        /// With which arguments.
        args: Vec<String>,
    }
    /// A channel is offered to several applications: the first to claim it has it. Since 22.10.
    CallBroadcast {
        /// The channel.
        channel: Channel = must,
        /// Who calls.
        caller: Option<String> = may,
        /// Whom they called.
        called: Option<String> = may,
    }
    /// A channel that was offered to several applications was claimed. Since 22.10.
    CallClaimed {
        /// The channel.
        channel: Channel = must,
        /// The application that has it.
        winner_app: String,
    }
    /// The reply to a request over the event socket. Since 22.4.
    RESTResponse {
        /// The requester's id for several requests together.
        transaction_id: String,
        /// The requester's id for the request.
        request_id: String,
        /// HTTP status.
        status_code: u16,
        /// The status in words.
        reason_phrase: String,
        /// What was requested.
        uri: String,
        /// What the body is.
        content_type: Option<String> = may,
        /// The body.
        message_body: Option<String> = may,
    }
    /// The event socket was asked for without what it needs.
    MissingParams {
        /// The parameters that are missing.
        params: Vec<String>,
    }
    /// A channel was made.
    ChannelCreated {
        /// The channel.
        channel: Channel = must,
    }
    /// A channel is gone. For calls that came through the dialplan this is delivered only to applications that
    /// are subscribed to the channel by name.
    ChannelDestroyed {
        /// Q.850 hang-up cause.
        cause: i64,
        /// The cause in words.
        cause_txt: String,
        /// The protocol's own cause, such as a SIP status. Since 22.7.
        tech_cause: Option<i64> = may,
        /// The channel.
        channel: Channel = must,
    }
    /// A channel's state changed, for one to `Up`.
    ChannelStateChange {
        /// The channel, with its new state.
        channel: Channel = must,
    }
    /// Somebody wants a channel to end.
    ChannelHangupRequest {
        /// Q.850 hang-up cause.
        cause: Option<i64> = may,
        /// The protocol's own cause, such as a SIP status. Since 22.7.
        tech_cause: Option<i64> = may,
        /// Whether the request is a gentle one.
        soft: Option<bool> = may,
        /// The channel.
        channel: Channel = must,
    }
    /// The far end pressed a key, reported as it is released.
    ChannelDtmfReceived {
        /// The key: `0` to `9`, `A` to `D`, `*` or `#`.
        digit: String = must,
        /// How long it was held, in milliseconds.
        duration_ms: u64,
        /// The channel.
        channel: Channel = must,
    }
    /// A channel moved on in the dialplan.
    ChannelDialplan {
        /// The channel.
        channel: Channel = must,
        /// The dialplan application about to run.
        dialplan_app: String,
        /// Its arguments.
        dialplan_app_data: String,
    }
    /// A channel's caller id changed.
    ChannelCallerId {
        /// Presentation, as a number.
        caller_presentation: i64,
        /// Presentation, in words.
        caller_presentation_txt: String,
        /// The channel.
        channel: Channel = must,
    }
    /// A channel learned who is at the other end.
    ChannelConnectedLine {
        /// The channel.
        channel: Channel = must,
    }
    /// A variable was set.
    ChannelVarset {
        /// Its name.
        variable: String = must,
        /// Its value.
        value: String,
        /// The channel; none for a global variable.
        channel: Option<Channel> = may,
    }
    /// Somebody sent an event of their own, through ARI or the dialplan's `UserEvent`.
    ChannelUserevent {
        /// Its name.
        eventname: String = must,
        /// The channel that it is about.
        channel: Option<Channel> = may,
        /// The bridge that it is about.
        bridge: Option<Box<Bridge>> = may,
        /// The endpoint that it is about.
        endpoint: Option<Box<Endpoint>> = may,
        /// What it says.
        userevent: BTreeMap<String, Value>,
    }
    /// A tone was heard, where `TONE_DETECT` is set. Since 22.0.
    ChannelToneDetected {
        /// The channel.
        channel: Channel = must,
    }
    /// The far end wants a transfer that the application is to do, where `PJSIP_TRANSFER_HANDLING` says so. Names no
    /// channel of its own. Since 22.3.
    ChannelTransfer {
        /// How far the transfer is.
        state: Option<String> = may,
        /// Where it is to go.
        refer_to: Box<ReferTo>,
        /// Who asks for it.
        referred_by: Box<ReferredBy>,
    }
    /// The far end put the call on hold.
    ChannelHold {
        /// The channel.
        channel: Channel = must,
        /// The music class it asks for.
        musicclass: Option<String> = may,
    }
    /// The far end took the call off hold.
    ChannelUnhold {
        /// The channel.
        channel: Channel = must,
    }
    /// Talk began, where `TALK_DETECT` is set.
    ChannelTalkingStarted {
        /// The channel.
        channel: Channel = must,
    }
    /// Talk ended, where `TALK_DETECT` is set.
    ChannelTalkingFinished {
        /// The channel.
        channel: Channel = must,
        /// How long the talk was, in milliseconds.
        duration: u64,
    }
    /// A channel is in a bridge now.
    ChannelEnteredBridge {
        /// The bridge.
        bridge: Bridge = must,
        /// The channel.
        channel: Option<Channel> = may,
    }
    /// A channel is no longer in a bridge.
    ChannelLeftBridge {
        /// The bridge.
        bridge: Bridge = must,
        /// The channel.
        channel: Channel = must,
    }
    /// Dialling began or went on.
    Dial {
        /// Who dials; none for a call that we originated.
        caller: Option<Box<Channel>> = may,
        /// Who is dialled.
        peer: Channel = must,
        /// Where the call was forwarded.
        forward: Option<String> = may,
        /// The channel it was forwarded to.
        forwarded: Option<Box<Channel>> = may,
        /// The dial string.
        dialstring: Option<String> = may,
        /// Empty at the start, then such as `RINGING`, `PROGRESS`, `ANSWER`, `BUSY`, `NOANSWER`, `CANCEL`,
        /// `CHANUNAVAIL`, `CONGESTION`.
        dialstatus: String,
    }
    /// A bridge was made.
    BridgeCreated {
        /// The bridge.
        bridge: Bridge = must,
    }
    /// A bridge is gone.
    BridgeDestroyed {
        /// The bridge.
        bridge: Bridge = must,
    }
    /// A bridge took over the channels of another.
    BridgeMerged {
        /// The bridge that stays.
        bridge: Bridge = must,
        /// The bridge that was emptied.
        bridge_from: Bridge = must,
    }
    /// Another channel's video is shown.
    BridgeVideoSourceChanged {
        /// The bridge, with its new source.
        bridge: Bridge = must,
        /// The channel whose video was shown before.
        old_video_source_id: Option<String> = may,
    }
    /// Somebody transferred a call to a number.
    BridgeBlindTransfer {
        /// Who did.
        channel: Channel = must,
        /// The channel that takes the place of theirs.
        replace_channel: Option<Box<Channel>> = may,
        /// Who is transferred.
        transferee: Option<Box<Channel>> = may,
        /// The extension that was asked for.
        exten: String,
        /// Its context.
        context: String,
        /// How it went, such as `Success`.
        result: String,
        /// Whether a SIP phone did it, and no feature code.
        is_external: bool,
        /// The bridge of the call.
        bridge: Option<Box<Bridge>> = may,
    }
    /// Somebody joined two calls of theirs.
    BridgeAttendedTransfer {
        /// Their channel in the first call.
        transferer_first_leg: Box<Channel> = must,
        /// Their channel in the second call.
        transferer_second_leg: Box<Channel> = must,
        /// The channel that takes the place of theirs.
        replace_channel: Option<Box<Channel>> = may,
        /// Who is transferred.
        transferee: Option<Box<Channel>> = may,
        /// To whom.
        transfer_target: Option<Box<Channel>> = may,
        /// How it went, such as `Success`.
        result: String,
        /// Whether a SIP phone did it, and no feature code.
        is_external: bool,
        /// The bridge of the first call.
        transferer_first_leg_bridge: Option<Box<Bridge>> = may,
        /// The bridge of the second call.
        transferer_second_leg_bridge: Option<Box<Bridge>> = may,
        /// Where they went: `bridge`, `application`, `link`, `threeway` or `fail`.
        destination_type: String,
        /// Id of the bridge that they are in.
        destination_bridge: Option<String> = may,
        /// The dialplan application that they are in.
        destination_application: Option<String> = may,
        /// One half of the channel that joins two bridges.
        destination_link_first_leg: Option<Box<Channel>> = may,
        /// The other half.
        destination_link_second_leg: Option<Box<Channel>> = may,
        /// The channel that stays, where three are joined.
        destination_threeway_channel: Option<Box<Channel>> = may,
        /// The bridge of the three.
        destination_threeway_bridge: Option<Box<Bridge>> = may,
    }
    /// A playback began, or went on after a pause.
    PlaybackStarted {
        /// The playback.
        playback: Playback = must,
    }
    /// A playback of several items goes on to the next.
    PlaybackContinuing {
        /// The playback.
        playback: Playback = must,
    }
    /// A playback ended. Not every playback gets this event: wait for the channel's end too.
    PlaybackFinished {
        /// The playback.
        playback: Playback = must,
    }
    /// A recording began.
    RecordingStarted {
        /// The recording.
        recording: LiveRecording = must,
    }
    /// A recording ended, kept or cancelled.
    RecordingFinished {
        /// The recording.
        recording: LiveRecording = must,
    }
    /// A recording could not be made.
    RecordingFailed {
        /// The recording, with its cause.
        recording: LiveRecording = must,
    }
    /// The state of a device changed.
    DeviceStateChanged {
        /// The device, with its new state.
        device_state: DeviceState = must,
    }
    /// An endpoint can be reached, or no longer.
    EndpointStateChange {
        /// The endpoint, with its new state.
        endpoint: Endpoint,
    }
    /// What an endpoint says of where it is changed.
    ContactStatusChange {
        /// The endpoint.
        endpoint: Endpoint,
        /// Where it is.
        contact_info: ContactInfo,
    }
    /// The peer behind an endpoint changed.
    PeerStatusChange {
        /// The endpoint.
        endpoint: Endpoint,
        /// How its peer is.
        peer: Peer,
    }
    /// A text message came.
    TextMessageReceived {
        /// The message.
        message: TextMessage,
        /// Who sent it.
        endpoint: Option<Endpoint> = may,
    }
}
