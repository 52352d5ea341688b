//! Sample rate conversion, three kinds for three uses.
//!
//! | for | use | delay |
//! |---|---|---|
//! | a live stream between 8 and 16 kHz | [`Upsampler`], [`Downsampler`] | 0.17 ms |
//! | a stream between any two of the usual [`RATES`], such as synthesis at 22.05 kHz | [`Resampler`] | none; holds back about 2 ms |
//! | a whole recording at any rate | [`to_rate`] | none |
//!
//! Samples are [`Sample`]s: 16-bit integers or floats, in and out.

mod half_band;
mod polyphase;
mod sample;

pub use half_band::{Downsampler, Upsampler};
pub use polyphase::{RATES, RatioError, Resampler};
pub use sample::Sample;

use rubato::{
    Fft, FixedSync, Resampler as _,
    audioadapter_buffers::{direct::InterleavedSlice, owned::InterleavedOwned},
};
use thiserror::Error;

/// Why a conversion is impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "cannot convert from {from} Hz to {to} Hz: rates from {MIN_RATE} to {MAX_RATE} Hz are supported"
)]
pub struct RateError {
    /// Samples a second that there are.
    pub from: u32,
    /// Samples a second that are wanted.
    pub to: u32,
}

/// The lowest sample rate of [`to_rate`], in Hz.
pub const MIN_RATE: u32 = 1000;

/// The highest sample rate of [`to_rate`], in Hz.
pub const MAX_RATE: u32 = 768_000;

/// Converts a whole recording from one sample rate to another. The result begins with the first
/// sample, without the filter's delay (but for half a sample, where the filter has no middle one),
/// and lasts as long as the input, rounded up to a sample.
///
/// # Errors
/// [`RateError`] when a rate is not between [`MIN_RATE`] and [`MAX_RATE`].
pub fn to_rate(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>, RateError> {
    let supported = MIN_RATE..=MAX_RATE;
    if !supported.contains(&from) || !supported.contains(&to) {
        return Err(RateError { from, to });
    }
    if from == to || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let mut resampler = Fft::new(from as usize, to as usize, CHUNK, 1, FixedSync::Input)
        .expect("rates and chunk size are not 0");
    let input =
        InterleavedSlice::new(samples, 1, samples.len()).expect("one channel of that length");
    let output = resampler.process_all(&input, samples.len(), None);
    Ok(output.map(InterleavedOwned::take_data).expect("one channel in, one channel out"))
}

/// Input samples that [`to_rate`] converts at a time; sets the sharpness of its filter.
const CHUNK: usize = 1024;

/// Tones in, levels out: what the tests of all three have in common.
#[cfg(test)]
mod bench_tones {
    use std::f64::consts::TAU;

    /// The amplitude of every tone.
    pub(super) const AMPLITUDE: f64 = 0.9;

    pub(super) fn tone(hz: f64, rate: u32, count: usize) -> Vec<f32> {
        let turn = TAU * hz / f64::from(rate);
        (0..count).map(|n| (AMPLITUDE * (turn * n as f64).sin()) as f32).collect()
    }

    /// The level of one frequency in dB relative to the tones above. The samples must hold a whole
    /// number of its periods.
    pub(super) fn level(samples: &[f32], hz: f64, rate: u32) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let angle = TAU * hz * n as f64 / f64::from(rate);
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        20.0 * (2.0 * re.hypot(im) / samples.len() as f64 / AMPLITUDE).log10()
    }

    /// The level of everything but one frequency, likewise.
    pub(super) fn residue(samples: &[f32], hz: f64, rate: u32) -> f64 {
        let count = samples.len() as f64;
        let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let angle = TAU * hz * n as f64 / f64::from(rate);
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
            all += f64::from(*sample).powi(2);
        }
        let rest = all / count - 2.0 * (re * re + im * im) / (count * count);
        10.0 * (2.0 * rest.max(1e-20) / AMPLITUDE.powi(2)).log10()
    }
}

#[cfg(test)]
mod tests {
    use super::bench_tones::{AMPLITUDE, level, tone};
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn recordings_keep_their_tones_their_length_and_their_beginning() {
        for (from, to) in
            [(8000, 16_000), (44_100, 8000), (48_000, 8000), (22_050, 8000), (8000, 11_025)]
        {
            let out = to_rate(&tone(1000.0, from, from as usize), from, to).unwrap();
            assert_eq!(out.len(), to as usize, "{from} to {to}");
            let gain = level(&out, 1000.0, to);
            assert!(gain.abs() < 0.1, "{from} to {to}: {gain:.2} dB");
            for (n, sample) in out.iter().enumerate().skip(out.len() / 2).take(20) {
                let expected = AMPLITUDE * (TAU * 1000.0 * n as f64 / f64::from(to)).sin();
                // A whole sample too early or late would be off by 0.5 and more.
                assert!((f64::from(*sample) - expected).abs() < 0.36, "{from} to {to} at {n}");
            }
        }
    }

    #[test]
    fn what_cannot_be_carried_is_removed_on_the_way_down() {
        let out = to_rate(&tone(6000.0, 48_000, 48_000), 48_000, 8000).unwrap();
        assert!(level(&out[800..7200], 2000.0, 8000) < -60.0);
    }

    #[test]
    fn impossible_rates_are_refused_and_short_clips_are_not() {
        assert_eq!(to_rate(&[0.0], 999, 8000), Err(RateError { from: 999, to: 8000 }));
        assert!(to_rate(&[0.0], 8000, MAX_RATE + 1).is_err());
        assert_eq!(to_rate(&[], 44_100, 8000), Ok(vec![]));
        assert_eq!(to_rate(&[0.5; 3], 44_101, 8000).unwrap().len(), 1);
        assert_eq!(to_rate(&[0.5; 3], 8000, 8000), Ok(vec![0.5; 3]));
    }
}
