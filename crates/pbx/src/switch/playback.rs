//! Sounds played to a channel (`res/res_stasis_playback.c`, `res/ari/resource_playbacks.c`).
//!
//! A channel plays one after the other. Other commands do not wait behind a playback here; in Asterisk they do.

use super::{Key, Switch, request::Request};
use crate::{
    EventKind,
    reply::{Refusal, Reply},
};
use audio::FRAME;
use serde_json::{Value, json};
use std::sync::Arc;

/// A sound that is played to a channel, or waits until it may be.
#[derive(Debug)]
pub(super) struct Playback {
    id: String,
    media_uri: String,
    /// `None` when there is no such sound.
    samples: Option<Arc<[i16]>>,
    position: usize,
    state: PlaybackState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlaybackState {
    Queued,
    Playing,
    Done,
    Failed,
}

impl PlaybackState {
    fn name(self) -> &'static str {
        match self {
            PlaybackState::Queued => "queued",
            PlaybackState::Playing => "playing",
            PlaybackState::Done => "done",
            PlaybackState::Failed => "failed",
        }
    }
}

impl Switch {
    pub(super) fn play(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let key = self.standing(request.id())?;
        let media = request.params.list("media");
        let media_uri = match &media[..] {
            [] => return Err(Refusal::new(500, "Failed to queue media for playback")),
            [one] => one.clone(),
            _ => return Err(Refusal::new(501, "The embedded PBX plays one medium a request")),
        };
        let chosen = request.ids.get(1).map(String::as_str).or(request.params.text("playbackId"));
        let serial = self.next_serial();
        let id = chosen.map_or_else(|| format!("playback-{serial:08x}"), str::to_owned);
        let name = media_uri.strip_prefix("sound:").unwrap_or_default();
        let samples = self.sounds.get(name).cloned();
        let playback =
            Playback { id, media_uri, samples, position: 0, state: PlaybackState::Queued };
        let reply = self.playback_json(key, &playback);
        let channel = self.channel(key);
        channel.playing.push_back(playback);
        if channel.playing.len() == 1 {
            self.start_playback(key);
        }
        Ok(Reply { status: 201, body: Some(reply) })
    }

    pub(super) fn get_playback(&self, request: &Request) -> Result<Reply, Refusal> {
        let (key, index) = self.find_playback(request)?;
        Ok(Reply::ok(self.playback_json(key, &self.channels[&key].playing[index])))
    }

    pub(super) fn stop_playback(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let (key, index) = self.find_playback(request)?;
        match index {
            0 => self.finish_playback(key, PlaybackState::Done),
            waiting => drop(self.channel(key).playing.remove(waiting)),
        }
        Ok(Reply::no_content())
    }

    /// The next frame of what is played to a channel; `None` while nothing is.
    pub(super) fn playback_frame(&mut self, key: Key) -> Option<[i16; FRAME]> {
        let playback = self.channel(key).playing.front_mut()?;
        let rest = playback.samples.as_ref()?.get(playback.position..).unwrap_or_default();
        let mut frame = [0; FRAME];
        let n = rest.len().min(FRAME);
        frame[..n].copy_from_slice(&rest[..n]);
        let over = rest.len() <= FRAME;
        playback.position += FRAME;
        if over {
            self.finish_playback(key, PlaybackState::Done);
        }
        Some(frame)
    }

    /// The channel ends: what sounds has failed, and what waits is never heard of again.
    pub(super) fn break_off_playbacks(&mut self, key: Key) {
        self.channel(key).playing.truncate(1);
        if !self.channel(key).playing.is_empty() {
            self.finish_playback(key, PlaybackState::Failed);
        }
    }

    fn start_playback(&mut self, key: Key) {
        let Some(playback) = self.channel(key).playing.front_mut() else { return };
        playback.state = PlaybackState::Playing;
        let missing = playback.samples.is_none();
        self.publish_playback(key, EventKind::PlaybackStarted);
        if missing {
            self.finish_playback(key, PlaybackState::Failed);
        }
    }

    fn finish_playback(&mut self, key: Key, state: PlaybackState) {
        let Some(playback) = self.channel(key).playing.front_mut() else { return };
        playback.state = state;
        self.publish_playback(key, EventKind::PlaybackFinished);
        self.channel(key).playing.pop_front();
        self.start_playback(key);
    }

    fn publish_playback(&mut self, key: Key, kind: EventKind) {
        let channel = &self.channels[&key];
        let Some(playback) = channel.playing.front() else { return };
        let fields = json!({ "playback": self.playback_json(key, playback) });
        let topic = channel.topic();
        self.publish(&topic, kind, fields);
    }

    fn find_playback(&self, request: &Request) -> Result<(Key, usize), Refusal> {
        let found = self.channels.iter().find_map(|(key, channel)| {
            let index = channel.playing.iter().position(|it| it.id == request.id())?;
            Some((*key, index))
        });
        found.ok_or(Refusal::new(404, "Playback not found"))
    }

    fn playback_json(&self, key: Key, playback: &Playback) -> Value {
        json!({
            "id": playback.id,
            "media_uri": playback.media_uri,
            "target_uri": format!("channel:{}", self.channels[&key].id),
            "language": "en",
            "state": playback.state.name(),
        })
    }
}
