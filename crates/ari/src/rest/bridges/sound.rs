//! What is heard in a bridge.

use http::Method;
use serde_json::json;

use super::{Bridges, post};
use crate::models::{LiveRecording, Playback};
use crate::rest::error::RequestError;
use crate::rest::operation::{Completion, Conflict, Operation, Repeat};
use crate::rest::playing::{self, BridgePlay};
use crate::rest::recording::BridgeRecord;

impl Bridges<'_> {
    /// Plays music on hold to everybody, of the default class if none is named.
    pub async fn start_moh(self, bridge: &str, class: Option<&str>) -> Result<(), RequestError> {
        let body = class.map_or_else(|| json!({}), |class| json!({ "mohClass": class }));
        let operation = post("startMoh", bridge, "moh").repeat(Repeat::Safe);
        self.0.perform(operation.body(&body)).await
    }

    /// Ends music on hold.
    pub async fn stop_moh(self, bridge: &str) -> Result<(), RequestError> {
        let operation = Operation::new("stopMoh", Method::DELETE, &["bridges", bridge, "moh"]);
        self.0.perform(operation.conflict(Conflict::NotInStasis)).await
    }

    /// Plays to everybody, as a playback with our id. The reply says that it waits for its turn.
    pub async fn play(
        self,
        bridge: &str,
        playback: &str,
        play: &BridgePlay,
    ) -> Result<Playback, RequestError> {
        self.0.fetch(playing::play("bridges", bridge, playback, play)).await
    }

    /// Plays to everybody, as a playback whose id Asterisk chooses. Prefer [`play`](Self::play).
    pub async fn play_without_id(
        self,
        bridge: &str,
        play: &BridgePlay,
    ) -> Result<Playback, RequestError> {
        self.0.fetch(playing::play_without_id("bridges", bridge, play)).await
    }

    /// Records everybody together. The reply says that it waits for its turn.
    pub async fn record(
        self,
        bridge: &str,
        record: &BridgeRecord,
    ) -> Result<LiveRecording, RequestError> {
        let operation = post("record", bridge, "record").body(record);
        self.0.fetch(operation.completion(Completion::Queued)).await
    }
}
