//! What is heard on a channel.

use serde_json::json;

use super::{Channels, Dtmf, MuteDirection, delete, post};
use crate::models::{LiveRecording, Playback};
use crate::rest::error::RequestError;
use crate::rest::operation::Repeat;
use crate::rest::playing::{self, Play};
use crate::rest::recording::Record;

impl Channels<'_> {
    /// Sends keys to the far end.
    pub async fn send_dtmf(self, channel: &str, dtmf: &Dtmf) -> Result<(), RequestError> {
        self.0.perform(post("sendDTMF", channel, "dtmf").body(dtmf)).await
    }

    /// Plays music on hold, of the channel's default class if none is named.
    pub async fn start_moh(self, channel: &str, class: Option<&str>) -> Result<(), RequestError> {
        let body = class.map_or_else(|| json!({}), |class| json!({ "mohClass": class }));
        let operation = post("startMoh", channel, "moh").repeat(Repeat::Safe);
        self.0.perform(operation.body(&body)).await
    }

    /// Ends music on hold.
    pub async fn stop_moh(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(delete("stopMoh", channel, "moh")).await
    }

    /// Puts the far end on hold.
    pub async fn hold(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(post("hold", channel, "hold").repeat(Repeat::Safe)).await
    }

    /// Takes the far end off hold.
    pub async fn unhold(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(delete("unhold", channel, "hold")).await
    }

    /// Silences a direction of the channel's audio.
    pub async fn mute(self, channel: &str, direction: MuteDirection) -> Result<(), RequestError> {
        let operation = post("mute", channel, "mute").repeat(Repeat::Safe);
        self.0.perform(operation.body(&json!({ "direction": direction }))).await
    }

    /// Lets a direction of the channel's audio be heard again.
    pub async fn unmute(self, channel: &str, direction: MuteDirection) -> Result<(), RequestError> {
        let operation = delete("unmute", channel, "mute");
        self.0.perform(operation.body(&json!({ "direction": direction }))).await
    }

    /// Sends silence, so that the far end gets audio at all. Ends for good when something is played.
    pub async fn start_silence(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(post("startSilence", channel, "silence").repeat(Repeat::Safe)).await
    }

    /// Sends no more silence.
    pub async fn stop_silence(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(delete("stopSilence", channel, "silence")).await
    }

    /// Plays to a channel, as a playback with our id. The reply says that it waits for its turn.
    pub async fn play(
        self,
        channel: &str,
        playback: &str,
        play: &Play,
    ) -> Result<Playback, RequestError> {
        self.0.fetch(playing::play("channels", channel, playback, play)).await
    }

    /// Plays to a channel, as a playback whose id Asterisk chooses. Prefer [`play`](Self::play).
    pub async fn play_without_id(
        self,
        channel: &str,
        play: &Play,
    ) -> Result<Playback, RequestError> {
        self.0.fetch(playing::play_without_id("channels", channel, play)).await
    }

    /// Records what the far end says. The reply says that it waits for its turn. A channel in a bridge cannot be
    /// recorded: record the bridge, or a channel that snoops.
    pub async fn record(
        self,
        channel: &str,
        record: &Record,
    ) -> Result<LiveRecording, RequestError> {
        self.0.fetch(post("record", channel, "record").body(record)).await
    }
}
