//! What to play, to a channel or a bridge.

use std::time::Duration;

use http::Method;
use serde::Serialize;

use super::encode::millis;
use super::operation::{Completion, Conflict, Operation, Repeat};

/// What to play.
///
/// One playback plays its items one after another. It ends with PlaybackFinished, but not always: a recording that does
/// not exist, or a wrong number, starts a playback that never ends. Wait for the end of the channel too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Play {
    /// Items such as `sound:hello-world`, `recording:greeting`, `number:42`, `digits:1234`, `characters:abc` and
    /// `tone:ring`; `sound:https://…` where Asterisk has its media cache.
    pub media: Vec<String>,
    /// Language of sounds, such as `en`; the channel's own if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// How much of the first item to leave out, in whole milliseconds.
    #[serde(
        rename = "offsetms",
        skip_serializing_if = "Option::is_none",
        serialize_with = "millis"
    )]
    pub offset: Option<Duration>,
    /// How far one step forward or back goes, in whole milliseconds. Asterisk's default is 3 s.
    #[serde(rename = "skipms", skip_serializing_if = "Option::is_none", serialize_with = "millis")]
    pub skip: Option<Duration>,
}

impl Play {
    /// One item, played plainly.
    pub fn one(media: impl Into<String>) -> Self {
        Self { media: vec![media.into()], ..Self::default() }
    }
}

/// What to play to everybody in a bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BridgePlay {
    /// What.
    #[serde(flatten)]
    pub play: Play,
    /// Format of the channel that plays, such as `slin16`. That of the bridge's best channel if none; before 22.7
    /// always 8 kHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announcer_format: Option<String>,
}

impl From<Play> for BridgePlay {
    fn from(play: Play) -> Self {
        Self { play, announcer_format: None }
    }
}

/// What to do with a playback that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaybackControl {
    /// Begin again.
    Restart,
    /// Pause.
    Pause,
    /// Go on after a pause. Another PlaybackStarted follows.
    Unpause,
    /// One step back.
    Reverse,
    /// One step forward.
    Forward,
}

/// Plays to a channel or a bridge, which is `kind` and `id`, as a playback with our id.
pub(super) fn play(kind: &str, id: &str, playback: &str, play: &impl Serialize) -> Operation {
    Operation::new("playWithId", Method::POST, &[kind, id, "play", playback])
        .body(play)
        .repeat(Repeat::Safe)
        .conflict(Conflict::NotInStasis)
        .completion(Completion::Queued)
}

/// Plays to a channel or a bridge, as a playback whose id Asterisk chooses.
pub(super) fn play_without_id(kind: &str, id: &str, play: &impl Serialize) -> Operation {
    Operation::new("play", Method::POST, &[kind, id, "play"])
        .body(play)
        .conflict(Conflict::NotInStasis)
        .completion(Completion::Queued)
}
