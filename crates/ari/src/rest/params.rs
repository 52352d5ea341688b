//! What the operations on channels are told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// Whom to call, and what happens when they answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Originate {
    /// `TECH/resource`, such as `PJSIP/helpdesk`.
    pub endpoint: String,
    /// Where the channel goes when it is answered.
    #[serde(flatten)]
    pub to: OriginateTo,
    /// `"Name" <number>`, or either alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_id: Option<String>,
    /// How long to ring, in whole seconds, rounded up. Asterisk's default is 30 s.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_seconds")]
    pub timeout: Option<Duration>,
    /// Channel on whose behalf we call; its formats and account are taken over. Excludes `formats`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<String>,
    /// Formats to offer, such as `ulaw`.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "comma_separated")]
    pub formats: Vec<String>,
    /// Id of the other half of a `Local/` channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_channel_id: Option<String>,
    /// Variables and functions to set on the channel.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// Where an originated channel goes when it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum OriginateTo {
    /// To a Stasis application.
    #[serde(rename_all = "camelCase")]
    App {
        /// Its name.
        app: String,
        /// Arguments of its StasisStart, comma separated.
        #[serde(skip_serializing_if = "Option::is_none")]
        app_args: Option<String>,
    },
    /// To the dialplan.
    Dialplan {
        /// Context, `default` if none.
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<String>,
        /// Extension.
        extension: String,
        /// Priority, 1 if none.
        #[serde(skip_serializing_if = "Option::is_none")]
        priority: Option<i64>,
    },
}

impl Originate {
    /// A call that enters an application when it is answered, with Asterisk's defaults for the rest.
    pub fn to_app(endpoint: impl Into<String>, app: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            to: OriginateTo::App { app: app.into(), app_args: None },
            caller_id: None,
            timeout: None,
            originator: None,
            formats: Vec::new(),
            other_channel_id: None,
            variables: BTreeMap::new(),
        }
    }
}

/// A channel to make without dialling it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateChannel {
    /// `TECH/resource`, such as `PJSIP/helpdesk`.
    pub endpoint: String,
    /// The application that it enters at once.
    pub app: String,
    /// Arguments of its StasisStart, comma separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_args: Option<String>,
    /// Channel on whose behalf it is made. Excludes `formats`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<String>,
    /// Formats to offer, such as `ulaw`.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "comma_separated")]
    pub formats: Vec<String>,
    /// Id of the other half of a `Local/` channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_channel_id: Option<String>,
    /// Variables and functions to set on the channel.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

impl CreateChannel {
    pub(super) fn with_id(&self, channel: &str) -> Value {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            channel_id: &'a str,
            #[serde(flatten)]
            create: &'a CreateChannel,
        }
        serde_json::to_value(Body { channel_id: channel, create: self })
            .expect("parameters are plain data with text keys")
    }
}

/// How to dial a channel that was created before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DialChannel {
    /// Id of the channel that calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// How long to ring, in whole seconds, rounded up; for ever if none.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_seconds")]
    pub timeout: Option<Duration>,
}

/// Why a channel is ended, as its far end will be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// One of Asterisk's words.
    Reason(HangupReason),
    /// A Q.850 cause.
    Cause(u8),
}

/// Asterisk's words for why a channel is ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HangupReason {
    /// Normal clearing.
    #[default]
    Normal,
    /// Busy.
    Busy,
    /// Congestion.
    Congestion,
    /// Nobody answered.
    NoAnswer,
    /// It took too long.
    Timeout,
    /// Rejected.
    Rejected,
    /// No such number.
    Unallocated,
    /// Normal, not specified.
    NormalUnspecified,
    /// The number is not complete.
    NumberIncomplete,
    /// No common codec.
    CodecMismatch,
    /// Interworking.
    Interworking,
    /// Failure.
    Failure,
    /// Answered elsewhere.
    AnsweredElsewhere,
}

impl Default for Hangup {
    fn default() -> Self {
        Self::Reason(HangupReason::Normal)
    }
}

impl Serialize for Hangup {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Reason(reason) => json!({ "reason": reason }),
            // Asterisk passes over a cause that is not written as text.
            Self::Cause(cause) => json!({ "reason_code": cause.to_string() }),
        }
        .serialize(serializer)
    }
}

/// A place in the dialplan. All absent: the next priority of where the channel came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Continue {
    /// Context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// Priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Label, instead of a priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Keys to send, and their rhythm in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dtmf {
    /// The keys.
    #[serde(rename = "dtmf")]
    pub digits: String,
    /// Pause before the first.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "millis")]
    pub before: Option<Duration>,
    /// Pause between two. Asterisk's default is 100 ms.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "millis")]
    pub between: Option<Duration>,
    /// Length of each. Asterisk's default is 100 ms.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "millis")]
    pub duration: Option<Duration>,
    /// Pause after the last.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "millis")]
    pub after: Option<Duration>,
}

/// A leg whose media flows to and from us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalMedia {
    /// The application that it enters.
    pub app: String,
    /// How media travels.
    pub transport: MediaTransport,
    /// Asterisk's name of the one format that is used, such as `ulaw`; nothing is negotiated.
    pub format: String,
    /// Variables and functions to set on the channel.
    pub variables: BTreeMap<String, String>,
}

/// How media travels. No other pairing of encapsulation, transport and direction is legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaTransport {
    /// RTP over UDP to our `host:port`. Asterisk learns our address from here alone, so send from it too.
    Rtp {
        /// Where we receive.
        external_host: String,
    },
    /// AudioSocket over TCP to our `host:port`.
    AudioSocket {
        /// Where we listen.
        external_host: String,
        /// The UUID that opens the stream.
        uuid: String,
    },
    /// A WebSocket from Asterisk to us. Since 22.6.
    WebSocketClient {
        /// Section of `websocket_client.conf`.
        connection: String,
    },
    /// A WebSocket from us to Asterisk. Since 22.6.
    WebSocketServer,
}

impl ExternalMedia {
    /// Mu-law over RTP to our address.
    pub fn rtp_ulaw(app: impl Into<String>, external_host: impl ToString) -> Self {
        Self {
            app: app.into(),
            transport: MediaTransport::Rtp { external_host: external_host.to_string() },
            format: "ulaw".into(),
            variables: BTreeMap::new(),
        }
    }

    pub(super) fn with_id(&self, channel: &str) -> Value {
        let mut body = match &self.transport {
            MediaTransport::Rtp { external_host } => json!({
                "external_host": external_host, "encapsulation": "rtp", "transport": "udp",
            }),
            MediaTransport::AudioSocket { external_host, uuid } => json!({
                "external_host": external_host, "encapsulation": "audiosocket", "transport": "tcp",
                "data": uuid,
            }),
            MediaTransport::WebSocketClient { connection } => json!({
                "external_host": connection, "encapsulation": "none", "transport": "websocket",
                "connection_type": "client",
            }),
            MediaTransport::WebSocketServer => json!({
                "external_host": "INCOMING", "encapsulation": "none", "transport": "websocket",
                "connection_type": "server",
            }),
        };
        body["channelId"] = channel.into();
        body["app"] = self.app.as_str().into();
        body["format"] = self.format.as_str().into();
        if !self.variables.is_empty() {
            body["variables"] = json!(self.variables);
        }
        body
    }
}

fn whole_seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let seconds = time.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0));
    seconds.serialize(serializer)
}

fn millis<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}

fn comma_separated<S: Serializer>(words: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&words.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(parameters: impl Serialize) -> Value {
        serde_json::to_value(parameters).unwrap()
    }

    #[test]
    fn a_call_is_written_in_asterisks_names() {
        let originate = Originate {
            caller_id: Some("\"Ann\" <100>".into()),
            timeout: Some(Duration::from_millis(19_001)),
            formats: vec!["ulaw".into(), "alaw".into()],
            variables: BTreeMap::from([("CALL".into(), "7".into())]),
            ..Originate::to_app("PJSIP/helpdesk", "frontdesk")
        };
        assert_eq!(
            value(&originate),
            json!({
                "endpoint": "PJSIP/helpdesk", "app": "frontdesk", "callerId": "\"Ann\" <100>",
                "timeout": 20, "formats": "ulaw,alaw", "variables": { "CALL": "7" },
            })
        );
        let to = OriginateTo::Dialplan {
            context: Some("desk".into()),
            extension: "100".into(),
            priority: None,
        };
        let originate = Originate { to, ..Originate::to_app("PJSIP/a", "") };
        let expected = json!({ "endpoint": "PJSIP/a", "context": "desk", "extension": "100" });
        assert_eq!(value(&originate), expected);
    }

    #[test]
    fn a_created_channel_bears_our_id() {
        let create = CreateChannel {
            endpoint: "PJSIP/a".into(),
            app: "x".into(),
            ..CreateChannel::default()
        };
        let expected = json!({ "channelId": "c1", "endpoint": "PJSIP/a", "app": "x" });
        assert_eq!(value(create.with_id("c1")), expected);
    }

    #[test]
    fn a_hangup_gives_one_reason_as_text() {
        assert_eq!(value(Hangup::default()), json!({ "reason": "normal" }));
        assert_eq!(
            value(Hangup::Reason(HangupReason::AnsweredElsewhere)),
            json!({ "reason": "answered_elsewhere" })
        );
        assert_eq!(value(Hangup::Cause(17)), json!({ "reason_code": "17" }));
    }

    #[test]
    fn external_media_uses_only_legal_pairs() {
        let media = ExternalMedia::rtp_ulaw("frontdesk", "127.0.0.1:4000");
        assert_eq!(
            media.with_id("m1"),
            json!({
                "channelId": "m1", "app": "frontdesk", "external_host": "127.0.0.1:4000",
                "encapsulation": "rtp", "transport": "udp", "format": "ulaw",
            })
        );
        let server = ExternalMedia { transport: MediaTransport::WebSocketServer, ..media.clone() };
        assert_eq!(server.with_id("m1")["connection_type"], "server");
        let uuid = "40325ec2-5efd-4bd3-805f-53576e581d13".to_owned();
        let transport = MediaTransport::AudioSocket { external_host: "h:1".into(), uuid };
        let audiosocket = ExternalMedia { transport, ..media };
        assert_eq!(audiosocket.with_id("m1")["data"], "40325ec2-5efd-4bd3-805f-53576e581d13");
    }

    #[test]
    fn keys_keep_their_rhythm() {
        let dtmf = Dtmf {
            digits: "12#".into(),
            between: Some(Duration::from_millis(80)),
            ..Dtmf::default()
        };
        assert_eq!(value(dtmf), json!({ "dtmf": "12#", "between": 80 }));
        let place = Continue { label: Some("busy".into()), ..Continue::default() };
        assert_eq!(value(place), json!({ "label": "busy" }));
    }
}
