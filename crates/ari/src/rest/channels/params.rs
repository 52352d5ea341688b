//! What the operations on a channel that exists are told.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::json;

use crate::rest::encode::millis;

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

/// Which direction of a channel's audio is silenced, as Asterisk sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MuteDirection {
    /// Both.
    #[default]
    Both,
    /// What the far end says.
    In,
    /// What the far end hears.
    Out,
}

/// Another application for a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// Its name.
    pub app: String,
    /// Arguments of the StasisStart there, comma separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_args: Option<String>,
}

/// How to listen in on a channel, and to speak into it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snoop {
    /// What is heard.
    pub spy: SnoopDirection,
    /// Who hears what is said.
    pub whisper: SnoopDirection,
    /// The application that the snooping channel enters.
    pub app: String,
    /// Arguments of its StasisStart, comma separated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_args: Option<String>,
}

/// A direction of a snooped channel's audio, as Asterisk sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SnoopDirection {
    /// Neither.
    #[default]
    None,
    /// Both.
    Both,
    /// What the channel hears.
    Out,
    /// What the channel says.
    In,
}

/// How far a transfer is that the application does itself, as its asker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferProgress {
    /// The target is being reached.
    ChannelProgress,
    /// The target answered.
    ChannelAnswered,
    /// The target cannot be reached.
    ChannelUnavailable,
    /// The target declined.
    ChannelDeclined,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn value(parameters: impl Serialize) -> Value {
        serde_json::to_value(parameters).unwrap()
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
