//! Sample rate conversion: a short streaming filter from 8 to 16 kHz for the recogniser, and a
//! thorough one of any ratio for whole files.

use crate::FRAME;
use rubato::{
    Fft, FixedSync, Resampler as _,
    audioadapter_buffers::{direct::InterleavedSlice, owned::InterleavedOwned},
};
use thiserror::Error;

/// Doubles the rate of a stream, 8 to 16 kHz.
///
/// A half-band filter of 47 taps: every second tap but the middle one is zero, so of each two
/// output samples one is an input sample, untouched, and the other takes 24 multiplications. It
/// passes telephone speech (up to 3.4 kHz) within 0.1 dB, holds its mirror image (from 4.6 kHz)
/// below -50 dB, and delays by 23 output samples, 1.44 ms.
#[derive(Debug, Clone)]
pub struct Upsampler {
    taps: [f32; TAPS],
    /// The input samples before the next, oldest first.
    past: [f32; PAST],
}

impl Upsampler {
    /// A filter at rest, as after silence.
    pub fn new() -> Upsampler {
        Upsampler { taps: half_band(), past: [0.0; PAST] }
    }

    /// Appends two samples in -1 to 1 for each of `samples`.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<f32>) {
        out.reserve(2 * samples.len());
        for chunk in samples.chunks(FRAME) {
            self.process_chunk(chunk, out);
        }
    }

    fn process_chunk(&mut self, chunk: &[i16], out: &mut Vec<f32>) {
        let mut input = [0.0; PAST + FRAME];
        input[..PAST].copy_from_slice(&self.past);
        for (to, sample) in input[PAST..].iter_mut().zip(chunk) {
            *to = f32::from(*sample) / 32768.0;
        }
        // Tap by tap over the whole chunk, not sample by sample: this way the compiler may use
        // vectors, for no sum changes its order.
        let mut between = [0.0; FRAME];
        for (tap, delayed) in self.taps.iter().zip(input.windows(FRAME)) {
            for (sum, sample) in between.iter_mut().zip(delayed) {
                *sum += tap * sample;
            }
        }
        let unchanged = &input[TAPS / 2..];
        let pairs = between.iter().zip(unchanged).take(chunk.len());
        out.extend(pairs.flat_map(|(between, unchanged)| [*between, *unchanged]));
        self.past.copy_from_slice(&input[chunk.len()..][..PAST]);
    }
}

impl Default for Upsampler {
    fn default() -> Upsampler {
        Upsampler::new()
    }
}

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

/// Taps that are not zero, the middle one left out.
const TAPS: usize = 24;

const PAST: usize = TAPS - 1;

/// The outer taps of a half-band filter with the gain that doubling takes: a sinc under a Kaiser
/// window, whose shape trades the width of the transition against the rejection beyond it.
fn half_band() -> [f32; TAPS] {
    const KAISER: f64 = 5.0;
    let reach = TAPS as f64;
    std::array::from_fn(|index| {
        // In output samples from the middle: -23, -21 ... 23.
        let at = 2.0 * index as f64 - (TAPS - 1) as f64;
        let sinc = (std::f64::consts::FRAC_PI_2 * at).sin() / (std::f64::consts::FRAC_PI_2 * at);
        let window = bessel_i0(KAISER * (1.0 - (at / reach).powi(2)).sqrt()) / bessel_i0(KAISER);
        (sinc * window) as f32
    })
}

/// The modified Bessel function of the first kind and order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SAMPLE_RATE;
    use std::f64::consts::TAU;

    fn tone(hz: f64, rate: u32, count: usize) -> Vec<f64> {
        (0..count).map(|n| 0.9 * (TAU * hz * n as f64 / f64::from(rate)).sin()).collect()
    }

    fn to_i16(samples: &[f64]) -> Vec<i16> {
        samples.iter().map(|s| (s * 32768.0).round() as i16).collect()
    }

    /// The level of one frequency in dB relative to the tones above. The samples must hold a whole
    /// number of its periods.
    fn level(samples: &[f32], hz: f64, rate: u32) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let angle = TAU * hz * n as f64 / f64::from(rate);
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        20.0 * (2.0 * re.hypot(im) / samples.len() as f64 / 0.9).log10()
    }

    fn upsampled(samples: &[i16]) -> Vec<f32> {
        let mut out = Vec::new();
        Upsampler::new().process(samples, &mut out);
        out
    }

    #[test]
    fn speech_passes_and_its_image_does_not() {
        for hz in (100..=3400).step_by(100).map(f64::from) {
            let out = upsampled(&to_i16(&tone(hz, SAMPLE_RATE, 8000)));
            let steady = &out[8000..]; // half a second; all frequencies here have whole periods
            let gain = level(steady, hz, 16_000);
            let image = level(steady, 8000.0 - hz, 16_000);
            assert!(gain.abs() < 0.1, "{hz} Hz passes with {gain:.2} dB");
            assert!(image < -50.0, "the image of {hz} Hz stands at {image:.1} dB");
        }
    }

    #[test]
    fn a_pulse_comes_out_23_samples_later() {
        let mut pulse = [0; 64];
        pulse[0] = i16::MAX;
        let out = upsampled(&pulse);
        let loudest =
            (0..out.len()).max_by(|a, b| out[*a].abs().total_cmp(&out[*b].abs())).unwrap();
        assert_eq!(loudest, 23);
        for n in 1..=23 {
            assert_eq!(out[23 - n], out[23 + n], "linear phase");
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same_stream() {
        let samples = to_i16(&tone(1234.0, SAMPLE_RATE, 1000));
        let whole = upsampled(&samples);
        assert_eq!(whole.len(), 2000);
        for size in [1, 7, 23, 159, 160, 161, 500] {
            let (mut upsampler, mut out) = (Upsampler::new(), Vec::new());
            for piece in samples.chunks(size) {
                upsampler.process(piece, &mut out);
            }
            assert_eq!(out, whole, "pieces of {size}");
        }
    }

    #[test]
    fn recordings_keep_their_tones_their_length_and_their_beginning() {
        for (from, to) in
            [(8000, 16_000), (44_100, 8000), (48_000, 8000), (22_050, 8000), (8000, 11_025)]
        {
            let second: Vec<f32> =
                tone(1000.0, from, from as usize).iter().map(|s| *s as f32).collect();
            let out = to_rate(&second, from, to).unwrap();
            assert_eq!(out.len(), to as usize, "{from} to {to}");
            let gain = level(&out, 1000.0, to);
            assert!(gain.abs() < 0.1, "{from} to {to}: {gain:.2} dB");
            for (n, sample) in out.iter().enumerate().skip(out.len() / 2).take(20) {
                let expected = 0.9 * (TAU * 1000.0 * n as f64 / f64::from(to)).sin();
                // A whole sample too early or late would be off by 0.5 and more.
                assert!((f64::from(*sample) - expected).abs() < 0.36, "{from} to {to} at {n}");
            }
        }
    }

    #[test]
    fn what_cannot_be_carried_is_removed_on_the_way_down() {
        let high: Vec<f32> = tone(6000.0, 48_000, 48_000).iter().map(|s| *s as f32).collect();
        let out = to_rate(&high, 48_000, 8000).unwrap();
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
