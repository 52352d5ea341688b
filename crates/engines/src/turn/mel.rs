//! Log-mel features as the Whisper family of models takes them: 80 bands on Slaney's scale, 400-sample windows every 10 ms
//! of 16 kHz audio, log10, clipped 80 dB below the loudest (Radford et al. 2022, section 2.2).

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

/// Bands.
pub const BANDS: usize = 80;
/// Steps of 10 ms in the features: 8 s.
pub const STEPS: usize = 800;
/// Samples of the audio at 16 kHz: 8 s.
pub const SAMPLES: usize = STEPS * HOP;

const WINDOW: usize = 400;
const HOP: usize = 160;
const BINS: usize = WINDOW / 2 + 1;
const FLOOR: f32 = 1e-10;
/// Keeps silence from being divided by nothing.
const EPSILON: f64 = 1e-7;

/// Makes features; holds what every turn needs.
pub struct Mel {
    transform: Arc<dyn RealToComplex<f32>>,
    hann: [f32; WINDOW],
    /// Each band's first bin and weights.
    bands: Vec<(usize, Vec<f32>)>,
}

impl Default for Mel {
    fn default() -> Self {
        let turn = |n: usize| std::f64::consts::TAU * n as f64 / WINDOW as f64;
        Self {
            transform: RealFftPlanner::new().plan_fft_forward(WINDOW),
            hann: std::array::from_fn(|n| (0.5 - 0.5 * turn(n).cos()) as f32),
            bands: bands(),
        }
    }
}

impl Mel {
    /// The features of the last 8 s of `audio` (16 kHz), band by band; shorter audio has silence before it.
    #[must_use]
    pub fn features(&self, audio: &[f32]) -> Vec<f32> {
        let padded = self.prepared(audio);
        let mut frame = vec![0.0; WINDOW];
        let mut spectrum = vec![Complex32::default(); BINS];
        let mut features = vec![0.0; BANDS * STEPS];
        let mut loudest = f32::MIN;
        for step in 0..STEPS {
            let window = padded[step * HOP..][..WINDOW].iter().zip(self.hann);
            frame.iter_mut().zip(window).for_each(|(to, (sample, hann))| *to = sample * hann);
            let done = self.transform.process(&mut frame, &mut spectrum);
            debug_assert!(done.is_ok(), "the lengths are those of the plan");
            for (band, (first, weights)) in self.bands.iter().enumerate() {
                let bins = spectrum[*first..].iter().zip(weights);
                let power: f32 = bins.map(|(bin, weight)| bin.norm_sqr() * weight).sum();
                let level = power.max(FLOOR).log10();
                features[band * STEPS + step] = level;
                loudest = loudest.max(level);
            }
        }
        for level in &mut features {
            *level = (level.max(loudest - 8.0) + 4.0) / 4.0;
        }
        features
    }

    /// The last 8 s with mean 0 and variance 1, mirrored by half a window at both ends.
    fn prepared(&self, audio: &[f32]) -> Vec<f32> {
        let audio = &audio[audio.len().saturating_sub(SAMPLES)..];
        let sum: f64 = audio.iter().map(|sample| f64::from(*sample)).sum();
        let mean = sum / SAMPLES as f64;
        let silence = (SAMPLES - audio.len()) as f64 * mean * mean;
        let squares: f64 = audio.iter().map(|sample| (f64::from(*sample) - mean).powi(2)).sum();
        let scale = 1.0 / ((squares + silence) / SAMPLES as f64 + EPSILON).sqrt();
        let scaled = |sample: f32| ((f64::from(sample) - mean) * scale) as f32;
        let half = WINDOW / 2;
        let mut padded = vec![scaled(0.0); half + SAMPLES - audio.len()];
        padded.extend(audio.iter().map(|sample| scaled(*sample)));
        for n in 0..half {
            padded[n] = padded[2 * half - n];
            padded.push(padded[half + SAMPLES - 2 - n]);
        }
        padded
    }
}

/// Triangles of equal area, evenly spaced on Slaney's scale: linear to 1 kHz, logarithmic above.
fn bands() -> Vec<(usize, Vec<f32>)> {
    const LINEAR_TO: f64 = 15.0;
    let step = 6.4_f64.ln() / 27.0;
    let to_mel = |hertz: f64| LINEAR_TO + (hertz / 1_000.0).ln() / step;
    let to_hertz = |mel: f64| {
        if mel < LINEAR_TO { 200.0 * mel / 3.0 } else { 1_000.0 * (step * (mel - LINEAR_TO)).exp() }
    };
    let highest = to_mel(8_000.0);
    let corner = |n: usize| to_hertz(highest * n as f64 / (BANDS + 1) as f64);
    (0..BANDS)
        .map(|band| {
            let (low, centre, high) = (corner(band), corner(band + 1), corner(band + 2));
            let weight = |bin: usize| {
                let hertz = bin as f64 * 16_000.0 / WINDOW as f64;
                let triangle =
                    ((hertz - low) / (centre - low)).min((high - hertz) / (high - centre));
                (triangle.max(0.0) * 2.0 / (high - low)) as f32
            };
            let first = (0..BINS).find(|bin| weight(*bin) > 0.0).unwrap_or(0);
            let weights = (first..BINS).map(weight).take_while(|weight| *weight > 0.0).collect();
            (first, weights)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with the reference in the package `pipecat-ai` 1.14.0 from the same audio: band, step, feature.
    const REFERENCE: &[(usize, usize, f32)] = &[
        (0, 0, 0.18002),
        (0, 560, 0.96176),
        (3, 600, 1.73228),
        (7, 700, 0.53697),
        (20, 620, -0.15847),
        (33, 799, 0.15566),
        (41, 650, -0.15847),
        (60, 720, -0.15847),
        (79, 790, -0.15847),
        (50, 551, -0.15847),
        (79, 549, -0.15847),
        (12, 549, -0.15847),
    ];

    #[test]
    fn features_are_those_of_the_reference() {
        let audio: Vec<f32> = (0..40_000)
            .map(|n| {
                let t = n as f32 / 16_000.0;
                0.3 * (700.0 * t).sin() * (3.0 * t).sin() + 0.1 * (9_000.0 * t * t).sin()
            })
            .collect();
        let features = Mel::default().features(&audio);
        for (band, step, expected) in REFERENCE {
            let feature = features[band * STEPS + step];
            assert!((feature - expected).abs() < 1e-3, "{band}, {step}: {feature} and {expected}");
        }
    }

    #[test]
    fn silence_has_features_too() {
        assert!(Mel::default().features(&[]).iter().all(|feature| feature.is_finite()));
    }
}
