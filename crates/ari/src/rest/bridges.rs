//! `/bridges`.

use reqwest::Method;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::error::RequestError;
use super::operation::{Conflict, Operation, Repeat};
use super::roads::Roads;
use crate::models::Bridge;

/// Operations on bridges. [`Client::bridges`](crate::Client::bridges) has them.
#[derive(Clone, Copy, Debug)]
pub struct Bridges<'a>(pub(crate) &'a Roads);

impl Bridges<'_> {
    /// All bridges of this Asterisk.
    pub async fn list(self) -> Result<Vec<Bridge>, RequestError> {
        self.0.fetch(Operation::new("list bridges", Method::GET, &["bridges"])).await
    }

    /// One bridge.
    pub async fn get(self, bridge: &str) -> Result<Bridge, RequestError> {
        self.0.fetch(Operation::new("get bridge", Method::GET, &["bridges", bridge])).await
    }

    /// Makes a bridge with our id. Before 22.3 a taken id is no error: the bridge is renamed.
    pub async fn create(self, bridge: &str, create: &CreateBridge) -> Result<Bridge, RequestError> {
        let operation = Operation::new("createWithId", Method::POST, &["bridges", bridge])
            .body(&create.parameters())
            .repeat(Repeat::Safe)
            .conflict(Conflict::DuplicateId);
        self.0.fetch(operation).await
    }

    /// Puts channels into a bridge. The reply waits for a playback or recording on them to end; that each is
    /// in, only its ChannelEnteredBridge proves.
    pub async fn add_channel(self, bridge: &str, add: &AddChannel) -> Result<(), RequestError> {
        let operation =
            Operation::new("addChannel", Method::POST, &["bridges", bridge, "addChannel"])
                .body(add)
                .repeat(Repeat::Safe)
                .conflict(Conflict::NotInStasisOrRecording);
        self.0.perform(operation).await
    }

    /// Takes channels out of a bridge. They stay in the application.
    pub async fn remove_channel(self, bridge: &str, channels: &[&str]) -> Result<(), RequestError> {
        let segments = ["bridges", bridge, "removeChannel"];
        let operation = Operation::new("removeChannel", Method::POST, &segments)
            .body(&json!({ "channel": channels }))
            .repeat(Repeat::Safe)
            .conflict(Conflict::NotInStasisOrRecording);
        self.0.perform(operation).await
    }

    /// Ends a bridge. Its channels stay in the application.
    pub async fn destroy(self, bridge: &str) -> Result<(), RequestError> {
        self.0.perform(Operation::new("destroy", Method::DELETE, &["bridges", bridge])).await
    }
}

/// What kind of bridge to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateBridge {
    /// What it does with its channels.
    pub kind: BridgeKind,
    /// What it does besides.
    pub features: Vec<BridgeFeature>,
    /// A name for people to read.
    pub name: Option<String>,
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
    fn parameters(&self) -> Value {
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
