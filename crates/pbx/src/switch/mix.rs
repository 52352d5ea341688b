//! The sound of one tick: everybody speaks, every bridge mixes, everybody hears.

use super::{
    Effect, Key, Switch,
    bridge::BridgeKind,
    channel::{Channel, Line, State},
};
use crate::{Fault, HangsUp, Moment, Reaction};
use audio::{FRAME, FRAME_TIME};
use std::{collections::BTreeMap, time::Duration};

/// A frame of sound.
type Frame = [i16; FRAME];

/// Sound from external media that waits longer than this is dropped, oldest first.
const WAITING: usize = 25 * FRAME;

/// Below this level a caller calls it silence: mu-law noise, not a voice.
const AUDIBLE: u16 = 64;

impl Switch {
    /// A frame arrives from external media.
    pub(crate) fn receive(&mut self, now: Duration, key: Key, samples: &[i16]) {
        self.advance(now);
        if self.loses_packet() {
            return;
        }
        if let Some(Channel { line: Line::Media(media), .. }) = self.channels.get_mut(&key) {
            media.received.extend(samples);
            let late = media.received.len().saturating_sub(WAITING);
            media.received.drain(..late);
        }
    }

    /// One tick of 20 ms.
    pub(super) fn mix(&mut self) {
        let spoken: BTreeMap<Key, Frame> = self
            .channels
            .iter_mut()
            .filter_map(|(key, channel)| Some((*key, speak(channel)?)))
            .collect();
        let keys: Vec<Key> = self.channels.keys().copied().collect();
        for key in keys {
            let heard = self.sound_for(key, &spoken);
            self.hear(key, heard);
        }
        self.hang_up_those_who_are_done();
    }

    /// What the other members of a channel's bridge say; `None` when none of them has a voice yet.
    fn sound_for(&self, key: Key, spoken: &BTreeMap<Key, Frame>) -> Option<Frame> {
        let bridge = self.bridges.get(self.channels[&key].bridge.as_ref()?)?;
        if bridge.kind == BridgeKind::Holding {
            return None;
        }
        let others = bridge.members.iter().filter(|member| **member != key);
        others.filter_map(|member| spoken.get(member).copied()).reduce(|mut sum, frame| {
            for (sum, sample) in sum.iter_mut().zip(frame) {
                *sum = sum.saturating_add(sample);
            }
            sum
        })
    }

    fn hear(&mut self, key: Key, sound: Option<Frame>) {
        let sound = self.playback_frame(key).or(sound);
        let channel = self.channel(key);
        if channel.state != State::Up {
            return;
        }
        let frame = sound.unwrap_or([0; FRAME]);
        match &mut channel.line {
            Line::Agent(agent) => agent.heard.extend(frame),
            Line::Caller(caller) => {
                caller.heard.extend(frame);
                if !caller.heard_sound && frame.iter().any(|it| it.unsigned_abs() > AUDIBLE) {
                    caller.heard_sound = true;
                    self.note(key, Moment::FirstSound);
                }
            }
            Line::Media(_) => {
                let Some(frame) = sound else { return };
                if !self.loses_packet() {
                    let timestamp = self.media_time();
                    let effect = Effect::SendMedia { channel: key, timestamp, frame };
                    self.effects.push_back(effect);
                }
            }
        }
    }

    fn hang_up_those_who_are_done(&mut self) {
        let done = self.channels.iter().filter(|(_, channel)| match &channel.line {
            Line::Caller(line) => {
                line.spec.hangs_up == HangsUp::AfterAudio
                    && line.answered
                    && line.spoken >= line.spec.audio.len()
            }
            Line::Agent(_) | Line::Media(_) => false,
        });
        let done: Vec<Key> = done.map(|(key, _)| *key).collect();
        for key in done {
            self.caller_hangs_up(key);
        }
    }

    /// The tick's place on a clock of samples that starts with the switch and wraps.
    pub(super) fn media_time(&self) -> u32 {
        let ticks = self.next_tick.as_nanos() / FRAME_TIME.as_nanos();
        (ticks as u32).wrapping_mul(FRAME as u32)
    }

    pub(super) fn loses_packet(&mut self) -> bool {
        self.media_packets = self.media_packets.wrapping_add(1);
        self.faults.iter().any(|fault| match fault {
            Fault::PacketLoss { one_in } => self.media_packets.is_multiple_of(one_in.get()),
            _ => false,
        })
    }
}

/// What a channel says in this tick; `None` when it has no voice: not answered, or nothing received.
fn speak(channel: &mut Channel) -> Option<Frame> {
    if channel.state != State::Up {
        return None;
    }
    let mut frame = [0; FRAME];
    match &mut channel.line {
        Line::Caller(caller) => {
            let rest = caller.spec.audio.get(caller.spoken..).unwrap_or_default();
            let n = rest.len().min(FRAME);
            frame[..n].copy_from_slice(&rest[..n]);
            caller.spoken += FRAME;
        }
        Line::Agent(agent) => {
            if let Reaction::Answers { says, .. } = &agent.behaviour.then {
                says.read(agent.spoken, &mut frame);
            }
            agent.spoken += FRAME;
        }
        Line::Media(media) => {
            if media.received.is_empty() {
                return None;
            }
            let n = media.received.len().min(FRAME);
            for (sample, received) in frame.iter_mut().zip(media.received.drain(..n)) {
                *sample = received;
            }
        }
    }
    Some(frame)
}
