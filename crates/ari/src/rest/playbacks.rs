//! `/playbacks`.

use http::Method;
use serde_json::json;

use super::error::RequestError;
use super::operation::{Conflict, Operation};
use super::playing::PlaybackControl;
use super::roads::Roads;
use crate::models::Playback;

/// Operations on playbacks. [`Client::playbacks`](crate::Client::playbacks) has them.
#[derive(Clone, Copy, Debug)]
pub struct Playbacks<'a>(pub(crate) &'a Roads);

impl Playbacks<'_> {
    /// One playback.
    pub async fn get(self, playback: &str) -> Result<Playback, RequestError> {
        self.0.fetch(Operation::new("get playback", Method::GET, &["playbacks", playback])).await
    }

    /// Ends a playback at once. Its PlaybackFinished follows.
    pub async fn stop(self, playback: &str) -> Result<(), RequestError> {
        let segments = ["playbacks", playback];
        self.0.perform(Operation::new("stop playback", Method::DELETE, &segments)).await
    }

    /// Pauses a playback, or moves about in it.
    pub async fn control(
        self,
        playback: &str,
        control: PlaybackControl,
    ) -> Result<(), RequestError> {
        let segments = ["playbacks", playback, "control"];
        let operation = Operation::new("control", Method::POST, &segments)
            .body(&json!({ "operation": control }))
            .conflict(Conflict::WrongState);
        self.0.perform(operation).await
    }
}
