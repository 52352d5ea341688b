//! Sound over TCP becomes frames. Nothing is lost or out of order there, but nothing says either when it was spoken:
//! where the far side left something out shows only in the time that passed.

use audio::{
    FRAME, SAMPLE_RATE,
    jitter::{Frame, FrameKind},
};
use std::time::Duration;

/// Sound that comes this much later than all before it was not held up, it is what comes next after a pause. Less may
/// be a scheduler's doing.
const PAUSE: i64 = 100_000;

/// The longest pause that is filled, in µs; a longer one is cut to this, as the jitter buffer of the RTP road does.
const MAX_PAUSE: i64 = 2_000_000;

/// The far side's clock may be slower than ours by one part in so many, without its lateness becoming a pause.
const DRIFT: i64 = 2_000;

const SAMPLE_US: i64 = 1_000_000 / SAMPLE_RATE as i64;

/// Cuts sound of any length into frames, with silence where the far side paused.
#[derive(Debug)]
pub(crate) struct Ear {
    frame: Frame,
    filled: usize,
    /// When position 0 was spoken, in µs since the epoch, by what came with the least delay.
    zero: Option<i64>,
    last: i64,
}

impl Ear {
    pub(crate) fn new() -> Ear {
        let frame = Frame {
            samples: [0; FRAME],
            position: 0,
            kind: FrameKind::Voice,
            arrived: Duration::ZERO,
        };
        Ear { frame, filled: 0, zero: None, last: 0 }
    }

    /// Takes all that has come at once, at `arrived`, and gives out the frames that are full. Whatever a network
    /// holds up comes at once afterwards, so lateness that is left behind the last sample is a pause.
    pub(crate) fn hear(
        &mut self,
        arrived: Duration,
        samples: &[i16],
        mut give: impl FnMut(&Frame),
    ) {
        if samples.is_empty() {
            return;
        }
        let pause = self.pause(arrived.as_micros() as i64, samples.len() as i64);
        self.frame.arrived = arrived;
        self.add(pause, FrameKind::Silence, &mut give, |to, _| to.fill(0));
        self.add(samples.len(), FrameKind::Voice, &mut give, |to, at| {
            to.copy_from_slice(&samples[at..][..to.len()]);
        });
    }

    /// How many samples the far side left out before the `samples` that arrived at `now`.
    fn pause(&mut self, now: i64, samples: i64) -> usize {
        let position = (self.frame.position + self.filled as u64) as i64;
        let spoken = now - (position + samples) * SAMPLE_US;
        let zero = *self.zero.get_or_insert(spoken);
        let drifted = zero + (now - self.last).max(0) / DRIFT;
        self.last = now;
        let late = spoken - zero;
        let pause = if late < PAUSE { 0 } else { late.min(MAX_PAUSE) / SAMPLE_US * SAMPLE_US };
        self.zero = Some(match pause {
            0 => drifted.min(spoken),
            _ => spoken - pause,
        });
        (pause / SAMPLE_US) as usize
    }

    /// Adds `count` samples that `fill` writes, given where they begin among them.
    fn add(
        &mut self,
        count: usize,
        kind: FrameKind,
        give: &mut impl FnMut(&Frame),
        mut fill: impl FnMut(&mut [i16], usize),
    ) {
        let mut added = 0;
        while added < count {
            let taken = (count - added).min(FRAME - self.filled);
            fill(&mut self.frame.samples[self.filled..][..taken], added);
            self.frame.kind = self.frame.kind.max(kind);
            self.filled += taken;
            added += taken;
            if self.filled == FRAME {
                give(&self.frame);
                self.filled = 0;
                self.frame.kind = FrameKind::Voice;
                self.frame.position += FRAME as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard of `count` samples at each of these times, in ms.
    fn hear(parts: impl IntoIterator<Item = (u64, usize)>) -> Vec<(u64, FrameKind, i16)> {
        let mut ear = Ear::new();
        let mut heard = Vec::new();
        let mut next = 1;
        for (ms, count) in parts {
            let samples: Vec<i16> = (next..).take(count).collect();
            next += count as i16;
            ear.hear(Duration::from_millis(ms), &samples, |frame| {
                heard.push((frame.position, frame.kind, frame.samples[0]));
            });
        }
        heard
    }

    #[test]
    fn sound_of_any_length_becomes_frames() {
        let heard = hear([(30, 240), (40, 80), (70, 240)]);
        let voice = |n: u64| (160 * n, FrameKind::Voice, 160 * n as i16 + 1);
        assert_eq!(heard, [voice(0), voice(1), voice(2)]);
    }

    #[test]
    fn a_pause_is_silence_of_its_length() {
        let heard = hear([(20, 160), (40, 160), (340, 160), (360, 160)]);
        let kinds: Vec<FrameKind> = heard.iter().map(|(_, kind, _)| *kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == FrameKind::Silence).count(), 14);
        assert_eq!(heard.last(), Some(&(17 * 160, FrameKind::Voice, 481)));
        // A longer one is cut, and what follows is in time again.
        let heard = hear([(20, 160), (60_020, 160), (60_040, 160)]);
        assert_eq!(heard.last().unwrap().0, (2 + 100) * 160);
    }

    #[test]
    fn what_was_held_up_and_comes_at_once_is_no_pause() {
        let heard = hear([(20, 160), (40, 160), (400, 18 * 160), (420, 160)]);
        assert!(heard.iter().all(|(_, kind, _)| *kind == FrameKind::Voice), "{heard:?}");
        let jitter = (1..200).map(|n| (20 * n + n * 37 % 90, 160));
        assert_eq!(hear(jitter).len(), 199);
    }

    #[test]
    fn clocks_that_differ_make_no_pauses() {
        for ppm in [-200_i64, 200] {
            let mut ear = Ear::new();
            let mut frames = 0_u64;
            // Two hours.
            for n in 1..=360_000_i64 {
                let at = (n * 20_000 * (1_000_000 + ppm) / 1_000_000) as u64;
                ear.hear(Duration::from_micros(at), &[1; FRAME], |_| frames += 1);
            }
            assert_eq!(frames, 360_000, "{ppm} ppm");
        }
    }
}
