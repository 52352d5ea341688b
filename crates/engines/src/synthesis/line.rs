//! From what a voice makes to what goes out on a telephone line.

use std::f32::consts::TAU;

use audio::resample::{RatioError, Resampler};

/// The level of the active parts of speech, as power relative to full scale: -25 dB, which on a mu-law line is about
/// -19 dBm0.
pub const ACTIVE_POWER: f32 = 0.003_16;

/// No voice is raised by more than 15 dB: what needs more is hiss.
const MOST_GAIN: f32 = 5.6;
/// What remains free below full scale.
const PEAK: f32 = 0.95;
/// 20 ms, over which power is taken, and over which the gain moves.
const FRAME: usize = 160;
/// A frame is active if it has this part of the loudest one's power (-16 dB).
const ACTIVE: f32 = 0.025;
/// Below -50 dB is silence.
const FAINT: f32 = 0.003_2;
/// What is kept before the first sound: 20 ms.
const LEAD: usize = FRAME;
/// What is below this, in Hz, is taken off.
const LOWEST: f32 = 40.0;

/// Brings one passage to 8 kHz, takes off its offset and the silence around it, and sets its level.
///
/// The level is that of what came so far, so a passage that comes whole has exactly it; one that comes in pieces gets
/// there with its first sounds. Loud samples are rounded, not clipped.
#[derive(Debug)]
pub struct Line {
    resampler: Option<Resampler>,
    /// The pole of the filter that takes an offset off, and its last input and output.
    pole: f32,
    before: Option<(f32, f32)>,
    level: Level,
    gain: Option<f32>,
    /// Silence before the first sound; `None` once that was heard.
    lead: Option<Vec<f32>>,
    /// Silence that is part of the passage only if more sound follows.
    tail: Vec<i16>,
    /// Samples at 8 kHz that were left out before the first sound.
    skipped: usize,
}

impl Line {
    /// A line for a voice of `rate` Hz.
    ///
    /// # Errors
    /// [`RatioError`] for a rate that is not one of [`audio::resample::RATES`].
    pub fn new(rate: u32) -> Result<Self, RatioError> {
        let resampler = match rate {
            audio::SAMPLE_RATE => None,
            rate => Some(Resampler::new(rate, audio::SAMPLE_RATE)?),
        };
        Ok(Self {
            resampler,
            pole: 1.0 - TAU * LOWEST / rate as f32,
            before: None,
            level: Level::default(),
            gain: None,
            lead: Some(Vec::new()),
            tail: Vec::new(),
            skipped: 0,
        })
    }

    /// Appends what `samples` (full scale ±1) become.
    pub fn process(&mut self, samples: &[f32], out: &mut Vec<i16>) {
        let mut level: Vec<f32> =
            samples.iter().map(|sample| self.without_offset(*sample)).collect();
        if let Some(resampler) = &mut self.resampler {
            let mut at_8k = Vec::new();
            resampler.process(&level, &mut at_8k);
            level = at_8k;
        }
        self.pass(level, out);
    }

    /// Ends the passage.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        if let Some(resampler) = &mut self.resampler {
            let mut rest: Vec<f32> = Vec::new();
            resampler.finish(&mut rest);
            self.pass(rest, out);
        }
        self.tail.truncate(LEAD);
        out.append(&mut self.tail);
    }

    /// Whether anything was heard.
    #[must_use]
    pub fn sounded(&self) -> bool {
        self.lead.is_none()
    }

    /// How many samples of silence, at 8 kHz, were left out before the first sound.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    fn without_offset(&mut self, sample: f32) -> f32 {
        let finite = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
        let (x, y) = self.before.unwrap_or((finite(sample), 0.0));
        let sample = if sample.is_finite() { sample } else { x };
        let level = sample - x + self.pole * y;
        self.before = Some((sample, level));
        level
    }

    fn pass(&mut self, mut samples: Vec<f32>, out: &mut Vec<i16>) {
        if let Some(mut lead) = self.lead.take() {
            lead.append(&mut samples);
            match lead.iter().position(|sample| sample.abs() > FAINT) {
                Some(sound) => {
                    samples = lead.split_off(sound.saturating_sub(LEAD));
                    self.skipped += lead.len();
                }
                None => {
                    self.skipped += lead.drain(..lead.len().saturating_sub(LEAD)).len();
                    self.lead = Some(lead);
                    return;
                }
            }
        }
        let wanted = self.level.gain_after(&samples);
        let mut gain = self.gain.unwrap_or(wanted);
        let step = (wanted - gain) / FRAME as f32;
        for (n, sample) in samples.iter().enumerate() {
            if n < FRAME {
                gain += step;
            }
            self.tail.push((rounded(sample * gain) * 32_767.0).round() as i16);
            if sample.abs() > FAINT {
                out.append(&mut self.tail);
            }
        }
        self.gain = Some(gain);
    }
}

/// What was measured of a passage so far.
#[derive(Debug, Default)]
struct Level {
    loudest: f32,
    active: f32,
    frames: u32,
    peak: f32,
}

impl Level {
    fn gain_after(&mut self, samples: &[f32]) -> f32 {
        let power = |frame: &[f32]| frame.iter().map(|s| s * s).sum::<f32>() / frame.len() as f32;
        self.loudest = samples.chunks(FRAME).map(power).fold(self.loudest, f32::max);
        self.peak = samples.iter().fold(self.peak, |peak, sample| peak.max(sample.abs()));
        for power in samples.chunks(FRAME).map(power).filter(|p| *p > ACTIVE * self.loudest) {
            self.active += power;
            self.frames += 1;
        }
        if self.frames == 0 {
            return 1.0;
        }
        let level = self.active / self.frames as f32;
        (ACTIVE_POWER / level).sqrt().min(MOST_GAIN).min(PEAK / self.peak)
    }
}

/// As it is up to three quarters of full scale, and rounded off towards it.
fn rounded(sample: f32) -> f32 {
    const KNEE: f32 = 0.75;
    let over = sample.abs() - KNEE;
    if over <= 0.0 {
        return sample;
    }
    let room = PEAK - KNEE;
    (KNEE + room * (over / room).tanh()).copysign(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, seconds: f32, amplitude: f32) -> Vec<f32> {
        let count = (rate as f32 * seconds) as usize;
        (0..count).map(|n| amplitude * (TAU * 440.0 * n as f32 / rate as f32).sin()).collect()
    }

    fn on_the_line(rate: u32, pieces: &[&[f32]]) -> Vec<i16> {
        let mut line = Line::new(rate).unwrap();
        let mut out = Vec::new();
        for piece in pieces {
            line.process(piece, &mut out);
        }
        line.finish(&mut out);
        out
    }

    fn db(samples: &[i16]) -> f32 {
        let power: f32 = samples.iter().map(|s| (f32::from(*s) / 32_768.0).powi(2)).sum();
        10.0 * (power / samples.len() as f32).log10()
    }

    #[test]
    fn every_voice_comes_out_as_loud() {
        for rate in [8_000, 16_000, 22_050, 24_000, 48_000] {
            for amplitude in [0.03, 0.3, 0.99] {
                let level = db(&on_the_line(rate, &[&tone(rate, 1.0, amplitude)]));
                assert!((level + 25.0).abs() < 0.5, "{rate} Hz, {amplitude}: {level:.2} dB");
            }
        }
    }

    #[test]
    fn a_passage_in_pieces_gets_there_without_a_step() {
        let whole = tone(24_000, 1.0, 0.1);
        let pieces: Vec<&[f32]> = whole.chunks(997).collect();
        let out = on_the_line(24_000, &pieces);
        assert!((db(&out[800..]) + 25.0).abs() < 1.0, "{}", db(&out[800..]));
        let jump = out.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap();
        assert!(jump < 1_000, "{jump}: the tone's own steepest step is 895 at this level");
    }

    #[test]
    fn an_offset_and_the_silence_around_the_sound_are_gone() {
        let mut samples = vec![0.25; 16_000];
        samples.extend(tone(16_000, 1.0, 0.2).iter().map(|sample| sample + 0.25));
        samples.resize(64_000, 0.25);
        let out = on_the_line(16_000, &[&samples]);
        assert!((8_000..8_400).contains(&out.len()), "{}", out.len());
        let tail = &out[4_000..7_600];
        let mean = tail.iter().map(|s| i64::from(*s)).sum::<i64>() / tail.len() as i64;
        assert!(mean.abs() < 40, "{mean}");
        assert!(on_the_line(16_000, &[&[0.0; 16_000]]).is_empty());
    }

    #[test]
    fn nothing_is_clipped_and_nonsense_is_silence() {
        // Faint speech with one loud crack: raised no further than the crack allows.
        let mut samples = tone(8_000, 1.0, 0.02);
        samples[4_000] = 0.9;
        samples[5_000] = f32::NAN;
        samples[6_000] = f32::INFINITY;
        let out = on_the_line(8_000, &[&samples]);
        let loudest = out.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!(loudest < 32_000, "{loudest}");
        // A later piece is louder than any before it.
        let out = on_the_line(8_000, &[&tone(8_000, 0.5, 0.01), &tone(8_000, 0.5, 1.0)]);
        assert!(out.iter().all(|sample| sample.unsigned_abs() < 32_767));
    }

    #[test]
    fn a_rate_without_a_filter_is_refused() {
        assert!(Line::new(11_025).is_err());
    }
}
