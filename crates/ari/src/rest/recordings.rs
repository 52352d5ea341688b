//! `/recordings`: those that are being made, and those that are kept.

use http::Method;
use serde_json::json;

use super::error::RequestError;
use super::operation::{Completion, Conflict, Operation};
use super::roads::Roads;
use crate::models::{LiveRecording, StoredRecording};

/// Operations on recordings. [`Client::recordings`](crate::Client::recordings) has them.
#[derive(Clone, Copy, Debug)]
pub struct Recordings<'a>(pub(crate) &'a Roads);

impl Recordings<'_> {
    /// All recordings that are kept.
    pub async fn list_stored(self) -> Result<Vec<StoredRecording>, RequestError> {
        self.0.fetch(stored("listStored", Method::GET, &[])).await
    }

    /// One that is kept.
    pub async fn get_stored(self, recording: &str) -> Result<StoredRecording, RequestError> {
        self.0.fetch(stored("getStored", Method::GET, &[recording])).await
    }

    /// Deletes one that is kept.
    pub async fn delete_stored(self, recording: &str) -> Result<(), RequestError> {
        self.0.perform(stored("deleteStored", Method::DELETE, &[recording])).await
    }

    /// The content of the file of one that is kept. Since it is read whole, its size is what this client takes; see
    /// to it that recordings end.
    pub async fn get_stored_file(self, recording: &str) -> Result<Vec<u8>, RequestError> {
        let operation = stored("getStoredFile", Method::GET, &[recording, "file"]);
        self.0.reply(&operation.completion(Completion::Binary)).await.map(Vec::from)
    }

    /// Copies one that is kept under another name.
    pub async fn copy_stored(
        self,
        recording: &str,
        destination: &str,
    ) -> Result<StoredRecording, RequestError> {
        let operation = stored("copyStored", Method::POST, &[recording, "copy"])
            .body(&json!({ "destinationRecordingName": destination }))
            .conflict(Conflict::DuplicateId);
        self.0.fetch(operation).await
    }

    /// One that is being made.
    pub async fn get_live(self, recording: &str) -> Result<LiveRecording, RequestError> {
        self.0.fetch(live("getLive", Method::GET, &[recording])).await
    }

    /// Ends a recording and throws it away.
    pub async fn cancel(self, recording: &str) -> Result<(), RequestError> {
        self.0.perform(live("cancel", Method::DELETE, &[recording])).await
    }

    /// Ends a recording and keeps it. Its RecordingFinished follows.
    pub async fn stop(self, recording: &str) -> Result<(), RequestError> {
        self.0.perform(live("stop recording", Method::POST, &[recording, "stop"])).await
    }

    /// Pauses a recording: what is said meanwhile is left out. Silence is not counted meanwhile either.
    pub async fn pause(self, recording: &str) -> Result<(), RequestError> {
        self.0.perform(live("pause", Method::POST, &[recording, "pause"])).await
    }

    /// Goes on after a pause.
    pub async fn unpause(self, recording: &str) -> Result<(), RequestError> {
        self.0.perform(live("unpause", Method::DELETE, &[recording, "pause"])).await
    }

    /// Records silence from now on.
    pub async fn mute(self, recording: &str) -> Result<(), RequestError> {
        self.0.perform(live("mute recording", Method::POST, &[recording, "mute"])).await
    }

    /// Records what is said again.
    pub async fn unmute(self, recording: &str) -> Result<(), RequestError> {
        self.0.perform(live("unmute recording", Method::DELETE, &[recording, "mute"])).await
    }
}

/// An operation on files.
fn stored(name: &'static str, method: Method, below: &[&str]) -> Operation {
    let segments = [&["recordings", "stored"], below].concat();
    Operation::new(name, method, &segments).completion(Completion::Slow)
}

fn live(name: &'static str, method: Method, below: &[&str]) -> Operation {
    let segments = [&["recordings", "live"], below].concat();
    Operation::new(name, method, &segments).conflict(Conflict::WrongState)
}
