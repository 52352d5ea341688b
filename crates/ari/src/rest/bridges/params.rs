//! What the operations on bridges are told.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::rest::variable::SetVariables;

/// What kind of bridge to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateBridge {
    /// What it does with its channels.
    pub kind: BridgeKind,
    /// What it does besides.
    pub features: Vec<BridgeFeature>,
    /// A name for people to read.
    pub name: Option<String>,
    /// Variables to set on it. Since 22.10.
    pub variables: SetVariables,
}

/// What a bridge does with its channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BridgeKind {
    /// All hear each other.
    #[default]
    Mixing,
    /// Participants wait, and hear music or an announcer.
    Holding,
}

/// What a bridge does besides. The first two also keep media flowing through Asterisk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BridgeFeature {
    /// Reports keys that are pressed inside.
    DtmfEvents,
    /// Never lets media flow directly between the endpoints.
    ProxyMedia,
    /// Forwards each video stream to everybody.
    VideoSfu,
    /// Shows one video source to everybody.
    VideoSingle,
    /// Labels streams in SDP, for video forwarding.
    SdpLabel,
}

impl CreateBridge {
    /// The features stand after the kind: before it, or without it, Asterisk makes no bridge.
    pub(super) fn parameters(&self) -> Value {
        let mut types = String::from(match self.kind {
            BridgeKind::Mixing => "mixing",
            BridgeKind::Holding => "holding",
        });
        for feature in &self.features {
            types.push_str(match feature {
                BridgeFeature::DtmfEvents => ",dtmf_events",
                BridgeFeature::ProxyMedia => ",proxy_media",
                BridgeFeature::VideoSfu => ",video_sfu",
                BridgeFeature::VideoSingle => ",video_single",
                BridgeFeature::SdpLabel => ",sdp_label",
            });
        }
        let mut parameters = json!({ "type": types });
        if let Some(name) = &self.name {
            parameters["name"] = name.as_str().into();
        }
        if !self.variables.is_empty() {
            parameters["variables"] = json!(self.variables);
        }
        parameters
    }
}

/// Who joins a bridge, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AddChannel {
    /// Ids, joined in this order; when one fails, those before it are in.
    #[serde(rename = "channel")]
    pub channels: Vec<String>,
    /// Role in a holding bridge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<ChannelRole>,
    /// Keys that the channels press reach nobody in the bridge.
    #[serde(rename = "absorbDTMF", skip_serializing_if = "std::ops::Not::not")]
    pub absorb_dtmf: bool,
    /// The channels hear and are not heard.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mute: bool,
    /// The channels are not told who they are connected to.
    #[serde(rename = "inhibitConnectedLineUpdates", skip_serializing_if = "std::ops::Not::not")]
    pub inhibit_connected_line_updates: bool,
}

/// Role in a holding bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelRole {
    /// Waits.
    Participant,
    /// Is heard by those who wait.
    Announcer,
}

impl Serialize for ChannelRole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Participant => "participant",
            Self::Announcer => "announcer",
        })
    }
}

impl AddChannel {
    /// One channel, joined plainly.
    pub fn one(channel: impl Into<String>) -> Self {
        Self { channels: vec![channel.into()], ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_follow_the_kind() {
        let create = CreateBridge {
            features: vec![BridgeFeature::DtmfEvents, BridgeFeature::ProxyMedia],
            name: Some("desk".into()),
            ..CreateBridge::default()
        };
        let expected = json!({ "type": "mixing,dtmf_events,proxy_media", "name": "desk" });
        assert_eq!(create.parameters(), expected);
    }

    #[test]
    fn a_plain_join_says_no_more_than_the_channel() {
        let plain = serde_json::to_value(AddChannel::one("c1")).unwrap();
        assert_eq!(plain, json!({ "channel": ["c1"] }));
        let muted = AddChannel {
            role: Some(ChannelRole::Announcer),
            absorb_dtmf: true,
            mute: true,
            ..AddChannel::one("c1")
        };
        assert_eq!(
            serde_json::to_value(muted).unwrap(),
            json!({ "channel": ["c1"], "role": "announcer", "absorbDTMF": true, "mute": true })
        );
    }
}
