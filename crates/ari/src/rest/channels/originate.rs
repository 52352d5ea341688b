//! Channels to make, and whom to call with them.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::rest::encode::{comma_separated, whole_seconds};
use crate::rest::variable::SetVariables;

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
    #[serde(skip_serializing_if = "SetVariables::is_empty")]
    pub variables: SetVariables,
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
    /// To a label in the dialplan.
    Label {
        /// Context, `default` if none.
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<String>,
        /// Extension.
        extension: String,
        /// Label of the priority.
        label: String,
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
            variables: SetVariables::new(),
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
    #[serde(skip_serializing_if = "SetVariables::is_empty")]
    pub variables: SetVariables,
}

impl CreateChannel {
    pub(crate) fn with_id(&self, channel: &str) -> Value {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

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
            variables: SetVariables::from([("CALL".into(), "7".into())]),
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
}
