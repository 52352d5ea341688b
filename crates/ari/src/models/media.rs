//! Playbacks and recordings.

use serde::Deserialize;

use super::open_enum::open_enum;

/// Something that is played to a channel or a bridge.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Playback {
    /// Unique id, the one we chose.
    pub id: String,
    /// What is played now, such as `sound:hello-world`.
    #[serde(default)]
    pub media_uri: String,
    /// What is played next, in a playback of several items.
    pub next_media_uri: Option<String>,
    /// To whom: `channel:<id>` or `bridge:<id>`.
    #[serde(default)]
    pub target_uri: String,
    /// Language asked for.
    pub language: Option<String>,
    /// How far it is.
    #[serde(default)]
    pub state: PlaybackState,
}

open_enum! {
    /// How far a playback is.
    PlaybackState {
        /// Waits for its turn.
        Queued = "queued",
        /// Plays.
        Playing = "playing",
        /// Between two items of one playback.
        Continuing = "continuing",
        /// Paused; Asterisk's description omits it, and no event tells of it.
        Paused = "paused",
        /// Played to the end, or stopped.
        Done = "done",
        /// Not playable, or the channel hung up meanwhile. Since 18.6.
        Failed = "failed",
    }
}

/// A recording in progress, or just ended.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LiveRecording {
    /// Its name, which is its id.
    pub name: String,
    /// File format, such as `wav`.
    #[serde(default)]
    pub format: String,
    /// Of whom: `channel:<id>` or `bridge:<id>`.
    #[serde(default)]
    pub target_uri: String,
    /// How far it is.
    #[serde(default)]
    pub state: RecordingState,
    /// Whole length in seconds, once ended.
    pub duration: Option<u64>,
    /// Seconds with talk in them, where silence was looked for.
    pub talking_duration: Option<u64>,
    /// Seconds of silence, where it was looked for.
    pub silence_duration: Option<u64>,
    /// Why it failed.
    pub cause: Option<String>,
}

open_enum! {
    /// How far a recording is.
    RecordingState {
        /// Waits for its turn.
        Queued = "queued",
        /// Records.
        Recording = "recording",
        /// Paused.
        Paused = "paused",
        /// Ended and kept.
        Done = "done",
        /// Could not be made.
        Failed = "failed",
        /// Ended and thrown away.
        Canceled = "canceled",
    }
}
