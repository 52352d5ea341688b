//! Sounds that are played to a channel.

use serde_json::{Value, json};

use crate::conformance::SOUND;
use crate::conformance::session::{Session, Stuck};

async fn play(s: &mut Session<'_>, caller: &str, id: &str, media: &str) -> Result<(), Stuck> {
    s.post(&format!("channels/{caller}/play/{id}"), json!({ "media": [media] })).await.map(drop)
}

pub(super) async fn a_sound_to_its_end(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    play(s, &caller, "prompt", SOUND).await?;
    s.until("PlaybackFinished", "prompt").await?;
    s.leaves(&caller).await
}

pub(super) async fn a_sound_is_stopped(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    play(s, &caller, "prompt", SOUND).await?;
    s.until("PlaybackStarted", "prompt").await?;
    s.get("playbacks/prompt").await?;
    s.stop_playback("prompt").await?;
    s.until("PlaybackFinished", "prompt").await?;
    s.gone("playbacks/prompt").await?;
    s.delete("playbacks/prompt").await?;
    s.leaves(&caller).await
}

pub(super) async fn a_caller_hangs_up_while_a_sound_plays(
    s: &mut Session<'_>,
) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    play(s, &caller, "prompt", SOUND).await?;
    s.until("PlaybackStarted", "prompt").await?;
    s.leaves(&caller).await
}

pub(super) async fn a_sound_that_does_not_exist(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    play(s, &caller, "prompt", "sound:no-such-sound").await?;
    s.until("PlaybackFinished", "prompt").await?;
    s.leaves(&caller).await
}

pub(super) async fn two_sounds_wait_their_turn(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    play(s, &caller, "first", SOUND).await?;
    play(s, &caller, "second", SOUND).await?;
    s.until("PlaybackFinished", "first").await?;
    s.until("PlaybackFinished", "second").await?;
    s.leaves(&caller).await
}

pub(super) async fn playbacks_that_are_not_there(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    s.get("playbacks/prompt").await?;
    s.delete("playbacks/prompt").await?;
    s.post("channels/nobody/play", json!({ "media": [SOUND] })).await?;
    s.post(&format!("channels/{caller}/play"), Value::Null).await?;
    s.leaves(&caller).await
}
