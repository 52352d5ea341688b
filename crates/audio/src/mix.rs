//! Sounds together, and softer: mixing, fading, ducking.
//!
//! A gain never jumps, which would be heard as a click: it moves from sample to sample.

use crate::{SAMPLE_RATE, resample::Sample as _};
use std::time::Duration;

/// Adds `other` to `sound`, sample by sample; what is too loud together is limited to full scale.
/// Beyond the shorter of the two nothing changes.
pub fn add(sound: &mut [i16], other: &[i16]) {
    for (to, sample) in sound.iter_mut().zip(other) {
        *to = to.saturating_add(*sample);
    }
}

/// A gain on a stream of samples at 8 kHz, that moves to a new value in the time it is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fader {
    target: f32,
    /// How much the gain still has to go each sample, and for how many.
    step: f32,
    left: u32,
}

impl Fader {
    /// Leaves the sound as it is.
    pub const fn new() -> Fader {
        Fader { target: 1.0, step: 0.0, left: 0 }
    }

    /// Silent until it is told otherwise, for a sound that is to fade in.
    pub const fn silent() -> Fader {
        Fader { target: 0.0, step: 0.0, left: 0 }
    }

    /// Moves the gain to `decibels` within the next `time` of sound, from wherever it is: 0 leaves
    /// the sound as it is, minus infinity is silence.
    pub fn fade_to(&mut self, decibels: f32, time: Duration) {
        let gain = self.gain();
        self.target = 10_f32.powf(decibels / 20.0);
        self.left = (time.as_secs_f64() * f64::from(SAMPLE_RATE)) as u32;
        self.step = (self.target - gain) / self.left.max(1) as f32;
    }

    /// Applies the gain to the next samples of the stream.
    pub fn apply(&mut self, samples: &mut [i16]) {
        let (moving, still) = samples.split_at_mut(samples.len().min(self.left as usize));
        for sample in moving {
            // Counted from the end: no error adds up on the way.
            self.left -= 1;
            scale(sample, self.gain());
        }
        // Nearly all samples: these must come through bit by bit.
        if self.target == 1.0 {
            return;
        }
        for sample in still {
            scale(sample, self.target);
        }
    }

    /// Whether the gain has arrived where it was told to go.
    pub const fn is_settled(&self) -> bool {
        self.left == 0
    }

    /// Whether nothing is heard, now and until it is told otherwise.
    pub const fn is_silent(&self) -> bool {
        self.is_settled() && self.target == 0.0
    }

    fn gain(&self) -> f32 {
        self.target - self.step * self.left as f32
    }
}

impl Default for Fader {
    fn default() -> Fader {
        Fader::new()
    }
}

/// Fades the whole of `samples` out, for a sound that must end here. The last sample is 0.
pub fn fade_out(samples: &mut [i16]) {
    let count = samples.len() as f32;
    for (n, sample) in samples.iter_mut().enumerate() {
        scale(sample, 1.0 - (n + 1) as f32 / count);
    }
}

/// Holds one sound down while another is more important: a prompt while the caller speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ducker {
    fader: Fader,
    depth: f32,
    attack: Duration,
    release: Duration,
}

impl Ducker {
    /// Goes down by `depth` decibels within `attack`, and up again within `release`.
    pub const fn new(depth: f32, attack: Duration, release: Duration) -> Ducker {
        Ducker { fader: Fader::new(), depth, attack, release }
    }

    /// From here on the sound is held down.
    pub fn duck(&mut self) {
        self.fader.fade_to(-self.depth, self.attack);
    }

    /// From here on the sound comes up again.
    pub fn restore(&mut self) {
        self.fader.fade_to(0.0, self.release);
    }

    /// Applies the gain to the next samples of the stream.
    pub fn apply(&mut self, samples: &mut [i16]) {
        self.fader.apply(samples);
    }
}

#[inline(always)]
fn scale(sample: &mut i16, gain: f32) {
    *sample = i16::from_f32(sample.to_f32() * gain);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FRAME, tone::Sine};

    const FRAMES_5: usize = 5 * FRAME;

    #[test]
    fn what_is_too_loud_together_is_limited() {
        let mut sound = [1000, 30_000, -30_000, 7];
        add(&mut sound, &[-1, 30_000, -30_000]);
        assert_eq!(sound, [999, i16::MAX, i16::MIN, 7]);
    }

    #[test]
    fn a_fade_goes_evenly_and_arrives_in_time() {
        let mut fader = Fader::new();
        fader.fade_to(f32::NEG_INFINITY, Duration::from_millis(20));
        let mut samples = [16_000; 2 * FRAME];
        // In pieces of another size than a frame.
        for piece in samples.chunks_mut(23) {
            fader.apply(piece);
        }
        for (n, sample) in samples[..FRAME].iter().enumerate() {
            let expected = 16_000 - 100 * (n as i16 + 1);
            assert!(sample.abs_diff(expected) <= 1, "sample {n} is {sample}, not {expected}");
        }
        assert_eq!(samples[FRAME..], [0; FRAME]);
        assert!(fader.is_silent());
    }

    #[test]
    fn without_a_gain_nothing_changes() {
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let mut same = samples.clone();
        Fader::new().apply(&mut same);
        assert_eq!(same, samples);
        let mut fader = Fader::new();
        fader.fade_to(0.0, Duration::from_millis(100));
        fader.apply(&mut same);
        assert_eq!(same, samples);
        Fader::silent().apply(&mut same);
        assert!(same.iter().all(|sample| *sample == 0));
    }

    #[test]
    fn a_new_order_goes_on_from_where_the_gain_is() {
        let mut fader = Fader::new();
        fader.fade_to(-40.0, Duration::from_millis(20));
        let mut samples = [10_000; FRAME / 2];
        fader.apply(&mut samples);
        let half_way = samples[FRAME / 2 - 1];
        fader.fade_to(0.0, Duration::from_millis(20));
        assert!(!fader.is_settled());
        let mut samples = [10_000; 2 * FRAME];
        fader.apply(&mut samples);
        assert!(samples[0].abs_diff(half_way) < 100, "{half_way} then {}", samples[0]);
        assert_eq!(samples[FRAME..], [10_000; FRAME]);
        assert!(fader.is_settled() && !fader.is_silent());
    }

    #[test]
    fn a_prompt_is_ducked_without_a_click() {
        let mut ducker = Ducker::new(12.0, Duration::from_millis(10), Duration::from_millis(40));
        let mut samples = [0; 3 * FRAMES_5];
        Sine::new(200.0, -6.0).fill(&mut samples);
        let steepest = |samples: &[i16]| {
            samples.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap()
        };
        let before = steepest(&samples);
        ducker.apply(&mut samples[..FRAMES_5]);
        ducker.duck();
        ducker.apply(&mut samples[FRAMES_5..2 * FRAMES_5]);
        ducker.restore();
        ducker.apply(&mut samples[2 * FRAMES_5..]);
        assert!(steepest(&samples) <= before + before / 20);
        let level = |from: usize| crate::tone::level_dbfs(&samples[from..][..2 * FRAME]);
        assert!((level(0) + 6.0).abs() < 0.1);
        assert!((level(2 * FRAMES_5 - 2 * FRAME) + 18.0).abs() < 0.1);
        assert!((level(3 * FRAMES_5 - 2 * FRAME) + 6.0).abs() < 0.1);
    }

    #[test]
    fn what_ends_here_ends_at_zero() {
        let mut samples = [-8000; FRAME];
        fade_out(&mut samples);
        assert!(samples.is_sorted() && samples[0] < -7900);
        assert_eq!(samples[FRAME - 1], 0);
        fade_out(&mut []);
    }
}
