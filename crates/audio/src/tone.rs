//! Tones, and the means to find them again.
//!
//! To make them: a [`Sine`], a [`DualTone`], the [`progress`] signals of the networks. To find them
//! in a stream: [`DtmfDetector`] for telephone keys, [`ToneDetector`] for anything else that is one
//! or two tones. To measure a recording: [`power`] of one frequency, [`level_dbfs`] of everything.
//!
//! Levels are in dBFS as AES17 defines it: a sine of full scale has 0. On a G.711 line that is
//! 3.17 dBm0 (mu-law) or 3.14 dBm0 (A-law).

mod dtmf;
mod generate;
pub mod progress;
mod spectrum;
mod watch;

pub use dtmf::{DtmfDetector, KeyEvent};
pub use generate::{DualTone, Sine, key_frequencies};
pub use watch::{ToneDetector, ToneEvent};

use crate::SAMPLE_RATE;
use std::f64::consts::TAU;

/// How strong one frequency is, by Goertzel's algorithm: 1.0 for a sine of full scale, in
/// proportion to the square of the amplitude below. It tells frequencies apart that lie at least
/// [`SAMPLE_RATE`] / `samples.len()` Hz from each other. 0 for no samples.
pub fn power(samples: &[i16], hz: f64) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let turn = TAU * hz / f64::from(SAMPLE_RATE);
    let factor = 2.0 * turn.cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        (last, before) = (f64::from(*sample) + factor * last - before, last);
    }
    let squared = last * last + before * before - factor * last * before;
    let amplitude_squared = 4.0 * squared / (samples.len() as f64).powi(2);
    // Rounding may leave a hair less than nothing.
    amplitude_squared.max(0.0) / FULL_SCALE.powi(2)
}

/// The level of all samples together, in dBFS; minus infinity for digital silence and for none.
pub fn level_dbfs(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let mean_square = sum / samples.len().max(1) as f64;
    10.0 * (2.0 * mean_square / FULL_SCALE.powi(2)).log10()
}

/// The largest sample, in dBFS; minus infinity for digital silence and for none.
pub fn peak_dbfs(samples: &[i16]) -> f64 {
    let peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
    20.0 * (f64::from(peak) / FULL_SCALE).log10()
}

const FULL_SCALE: f64 = 32768.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn decibels(power: f64) -> f64 {
        10.0 * power.log10()
    }

    #[test]
    fn a_sine_has_its_frequency_and_its_level() {
        let mut samples = [0; 1600];
        Sine::new(1000.0, -10.0).fill(&mut samples);
        assert!((level_dbfs(&samples) + 10.0).abs() < 0.01);
        assert!((decibels(power(&samples, 1000.0)) + 10.0).abs() < 0.01);
        assert!(decibels(power(&samples, 1100.0)) < -60.0);
    }

    #[test]
    fn the_phase_goes_on() {
        let (mut whole, mut parts) = ([0; 500], [0; 500]);
        Sine::new(441.0, -3.0).fill(&mut whole);
        let mut sine = Sine::new(441.0, -3.0);
        for part in parts.chunks_mut(77) {
            sine.fill(part);
        }
        assert_eq!(whole, parts);
    }

    #[test]
    fn too_loud_clips_and_does_not_wrap() {
        let mut samples = [0; 800];
        Sine::new(500.0, 6.0).fill(&mut samples);
        assert_eq!(samples.iter().max(), Some(&i16::MAX));
        assert!(samples[1..8].iter().all(|sample| *sample > 0), "the first half wave");
    }

    #[test]
    fn each_key_has_two_tones_of_its_own() {
        for key in "0123456789*#ABCD".chars() {
            let mut samples = [0; 800];
            DualTone::key(key).unwrap().fill(&mut samples);
            let (low, high) = key_frequencies(key).unwrap();
            for hz in [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0] {
                let level = decibels(power(&samples, hz));
                let expected = hz == low || hz == high;
                assert_eq!(level > -14.0, expected, "key {key}: {hz} Hz at {level:.1} dB");
            }
        }
        assert!(DualTone::key('x').is_none());
        assert_eq!(key_frequencies('5'), Some((770.0, 1336.0)));
    }

    #[test]
    fn nothing_has_no_level() {
        assert_eq!(level_dbfs(&[]), f64::NEG_INFINITY);
        assert_eq!(level_dbfs(&[0; 10]), f64::NEG_INFINITY);
        assert_eq!(power(&[], 440.0), 0.0);
        assert_eq!(peak_dbfs(&[]), f64::NEG_INFINITY);
        assert_eq!(peak_dbfs(&[0; 10]), f64::NEG_INFINITY);
    }

    #[test]
    fn the_peak_is_of_either_sign() {
        assert_eq!(peak_dbfs(&[5, i16::MIN, 7]), 0.0);
        assert!((peak_dbfs(&[5, 16_384, -7]) + 6.02).abs() < 0.01);
    }
}
