//! When somebody who leaves a message speaks, and when not: by the level of the sound.

use std::sync::{Arc, LazyLock};

use audio::tone::{Sine, level_dbfs};

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    Began,
    Ended,
}

/// Follows the level of a line. A voice is louder than the quietest that was heard of late, and lasts.
#[derive(Debug)]
pub(super) struct Voices {
    floor: f64,
    /// Of the last frames, the newest first: whether they were loud.
    loud: u32,
    speaks: bool,
    frames: u32,
}

/// A voice is at least so loud (dBFS), and so much louder than the floor.
const FAINTEST: f64 = -45.0;
const ABOVE_FLOOR: f64 = 9.0;
/// What a line without any sound is taken for.
const SILENCE: f64 = -70.0;
/// How fast the floor rises, a frame: 3 dB a second.
const RISE: f64 = 0.06;
/// Of the last ten frames so many must be loud for a voice to begin.
const BEGINS: u32 = 6;
const LOOKS_AT: u32 = 10;
/// After so many frames without a loud one it has ended: 500 ms.
const ENDS: u32 = 25;
/// Frames at the beginning that count for nothing: what comes back of the beep.
const ECHO: u32 = 12;

impl Default for Voices {
    fn default() -> Self {
        Self { floor: -60.0, loud: 0, speaks: false, frames: 0 }
    }
}

impl Voices {
    /// Takes a frame of 20 ms.
    pub(super) fn frame(&mut self, samples: &[i16]) -> Option<Voice> {
        let level = level_dbfs(samples).max(SILENCE);
        self.floor = level.min(self.floor + RISE);
        self.frames += 1;
        if self.frames <= ECHO {
            return None;
        }
        let loud = level > FAINTEST.max(self.floor + ABOVE_FLOOR);
        self.loud = self.loud << 1 | u32::from(loud);
        let lately = |frames: u32| (self.loud & ((1 << frames) - 1)).count_ones();
        let speaks = match self.speaks {
            true => lately(ENDS) > 0,
            false => lately(LOOKS_AT) >= BEGINS,
        };
        let changed = std::mem::replace(&mut self.speaks, speaks) != speaks;
        changed.then_some(if speaks { Voice::Began } else { Voice::Ended })
    }
}

/// The beep before a message.
pub(crate) fn beep() -> Arc<[i16]> {
    static BEEP: LazyLock<Arc<[i16]>> = LazyLock::new(|| {
        let mut samples = vec![0; audio::SAMPLE_RATE as usize * 2 / 5];
        Sine::new(1_000.0, -15.0).fill(&mut samples);
        samples.into()
    });
    BEEP.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::FRAME;

    fn told(parts: &[(f64, u32)]) -> Vec<(u32, Voice)> {
        let (mut voices, mut told, mut at) = (Voices::default(), Vec::new(), 0);
        for &(dbfs, frames) in parts {
            let mut tone = Sine::new(300.0, dbfs);
            for _ in 0..frames {
                let mut frame = [0; FRAME];
                tone.fill(&mut frame);
                told.extend(voices.frame(&frame).map(|voice| (at, voice)));
                at += 1;
            }
        }
        told
    }

    #[test]
    fn a_voice_begins_and_ends_and_a_click_or_a_humming_line_is_none() {
        let spoken = told(&[(-65.0, 50), (-20.0, 50), (-65.0, 50)]);
        assert_eq!(spoken, [(55, Voice::Began), (124, Voice::Ended)]);
        assert_eq!(told(&[(-65.0, 50), (-10.0, 3), (-65.0, 50)]), []);
        let humming = told(&[(-38.0, 500)]);
        assert!(humming.len() <= 2, "{humming:?}");
        let over_hum = told(&[(-38.0, 400), (-15.0, 50), (-38.0, 50)]);
        assert_eq!(over_hum.last().map(|it| it.1), Some(Voice::Ended), "{over_hum:?}");
    }

    #[test]
    fn pauses_between_words_end_nothing_and_what_comes_back_of_the_beep_is_no_voice() {
        let words: Vec<(f64, u32)> = (0..10).flat_map(|_| [(-20.0, 15), (-60.0, 10)]).collect();
        assert_eq!(told(&words).len(), 1);
        assert_eq!(told(&[(-30.0, 12), (-65.0, 100)]), []);
    }
}
