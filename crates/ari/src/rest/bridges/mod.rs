//! `/bridges`: what makes, fills and ends them. Sound and variables have files of their own.

mod params;
mod sound;
mod variables;

pub use params::{AddChannel, BridgeFeature, BridgeKind, ChannelRole, CreateBridge};

use http::Method;
use serde_json::json;

use super::error::RequestError;
use super::operation::{Completion, Conflict, Operation, Repeat};
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

    /// Makes a bridge whose id Asterisk chooses. Its first events may come before the reply that says which it is:
    /// prefer [`create`](Self::create).
    pub async fn create_without_id(self, create: &CreateBridge) -> Result<Bridge, RequestError> {
        let operation = Operation::new("create bridge", Method::POST, &["bridges"]);
        self.0.fetch(operation.body(&create.parameters())).await
    }

    /// Puts channels into a bridge. The reply waits for a playback or recording on them to end; that each is
    /// in, only its ChannelEnteredBridge proves.
    pub async fn add_channel(self, bridge: &str, add: &AddChannel) -> Result<(), RequestError> {
        let operation =
            Operation::new("addChannel", Method::POST, &["bridges", bridge, "addChannel"])
                .body(add)
                .repeat(Repeat::Safe)
                .conflict(Conflict::NotInStasisOrRecording)
                .completion(Completion::Blocking);
        self.0.perform(operation).await
    }

    /// Takes channels out of a bridge. They stay in the application.
    pub async fn remove_channel(self, bridge: &str, channels: &[&str]) -> Result<(), RequestError> {
        let segments = ["bridges", bridge, "removeChannel"];
        let operation = Operation::new("removeChannel", Method::POST, &segments)
            .body(&json!({ "channel": channels }))
            .repeat(Repeat::Safe)
            .conflict(Conflict::NotInStasisOrRecording)
            .completion(Completion::Blocking);
        self.0.perform(operation).await
    }

    /// Ends a bridge. Its channels stay in the application.
    pub async fn destroy(self, bridge: &str) -> Result<(), RequestError> {
        self.0.perform(Operation::new("destroy", Method::DELETE, &["bridges", bridge])).await
    }

    /// Shows the video of one channel to everybody in a bridge, and keeps to it.
    pub async fn set_video_source(self, bridge: &str, channel: &str) -> Result<(), RequestError> {
        let segments = ["bridges", bridge, "videoSource", channel];
        let operation = Operation::new("setVideoSource", Method::POST, &segments)
            .repeat(Repeat::Safe)
            .conflict(Conflict::NotInStasis)
            .completion(Completion::Blocking);
        self.0.perform(operation).await
    }

    /// Lets Asterisk choose whose video is shown, from who talks.
    pub async fn clear_video_source(self, bridge: &str) -> Result<(), RequestError> {
        let segments = ["bridges", bridge, "videoSource"];
        let operation = Operation::new("clearVideoSource", Method::DELETE, &segments);
        self.0.perform(operation.conflict(Conflict::NotInStasis)).await
    }
}

/// Something that a bridge in Stasis is told.
fn post(name: &'static str, bridge: &str, verb: &str) -> Operation {
    Operation::new(name, Method::POST, &["bridges", bridge, verb]).conflict(Conflict::NotInStasis)
}
