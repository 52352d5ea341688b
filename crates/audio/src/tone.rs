//! Tones, and the means to find them again: sines, ring-back, telephone keys, levels.
//!
//! Levels are in dBFS as AES17 defines it: a sine of full scale has 0.

use crate::SAMPLE_RATE;
use std::f64::consts::TAU;

/// A sine whose phase goes on from one call to the next, so that frames join without a click.
#[derive(Debug, Clone)]
pub struct Sine {
    /// In turns, 0 to 1.
    phase: f64,
    step: f64,
    amplitude: f64,
}

impl Sine {
    /// A sine of `hz` at `dbfs`, beginning at phase 0.
    pub fn new(hz: f64, dbfs: f64) -> Sine {
        let step = hz / f64::from(SAMPLE_RATE);
        Sine { phase: 0.0, step, amplitude: FULL_SCALE * 10f64.powf(dbfs / 20.0) }
    }

    /// Writes the next samples.
    pub fn fill(&mut self, out: &mut [i16]) {
        for to in out {
            *to = to_sample(self.step());
        }
    }

    fn step(&mut self) -> f64 {
        let sample = self.amplitude * (TAU * self.phase).sin();
        self.phase = (self.phase + self.step).fract();
        sample
    }
}

/// Two sines at once, as telephone signals are made.
#[derive(Debug, Clone)]
pub struct DualTone(Sine, Sine);

impl DualTone {
    /// The sum of two frequencies, each at `dbfs`.
    pub fn new(low_hz: f64, high_hz: f64, dbfs: f64) -> DualTone {
        DualTone(Sine::new(low_hz, dbfs), Sine::new(high_hz, dbfs))
    }

    /// The tone of a telephone key (ITU-T Q.23), each frequency at -12 dBFS. `None` when `key` is
    /// not one of `0` to `9`, `*`, `#`, `A` to `D`.
    pub fn key(key: char) -> Option<DualTone> {
        let (low, high) = key_frequencies(key)?;
        Some(DualTone::new(low, high, -12.0))
    }

    /// Writes the next samples.
    pub fn fill(&mut self, out: &mut [i16]) {
        for to in out {
            *to = to_sample(self.0.step() + self.1.step());
        }
    }
}

/// The two frequencies of a telephone key, in Hz (ITU-T Q.23).
pub fn key_frequencies(key: char) -> Option<(f64, f64)> {
    const ROWS: [(&str, f64); 4] =
        [("123A", 697.0), ("456B", 770.0), ("789C", 852.0), ("*0#D", 941.0)];
    const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
    ROWS.iter().find_map(|(keys, low)| Some((*low, COLUMNS[keys.find(key)?])))
}

/// What a caller hears while the other side rings: North America's 440 and 480 Hz, 2 s on and 4 s
/// off, each frequency at -19 dBFS.
#[derive(Debug, Clone)]
pub struct RingBack {
    tone: DualTone,
    /// Samples into the cadence.
    at: u32,
}

impl RingBack {
    /// Begins with the ring.
    pub fn new() -> RingBack {
        RingBack { tone: DualTone::new(440.0, 480.0, -19.0), at: 0 }
    }

    /// Writes the next samples.
    pub fn fill(&mut self, out: &mut [i16]) {
        const ON: u32 = 2 * SAMPLE_RATE;
        const CADENCE: u32 = 6 * SAMPLE_RATE;
        for to in out {
            match self.at {
                0..ON => self.tone.fill(std::slice::from_mut(to)),
                _ => *to = 0,
            }
            self.at = (self.at + 1) % CADENCE;
        }
    }
}

impl Default for RingBack {
    fn default() -> RingBack {
        RingBack::new()
    }
}

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

const FULL_SCALE: f64 = 32768.0;

fn to_sample(value: f64) -> i16 {
    // A cast from float saturates.
    value.round() as i16
}

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
    fn ring_back_rings_two_seconds_in_six() {
        let mut ring = RingBack::new();
        let mut seconds = [[0; 8000]; 8];
        for second in &mut seconds {
            ring.fill(second);
        }
        let rings = seconds.map(|second| level_dbfs(&second) > -20.0);
        assert_eq!(rings, [true, true, false, false, false, false, true, true]);
        assert!(decibels(power(&seconds[0], 440.0)) > -19.1);
        assert!(decibels(power(&seconds[7], 480.0)) > -19.1);
    }

    #[test]
    fn nothing_has_no_level() {
        assert_eq!(level_dbfs(&[]), f64::NEG_INFINITY);
        assert_eq!(level_dbfs(&[0; 10]), f64::NEG_INFINITY);
        assert_eq!(power(&[], 440.0), 0.0);
    }
}
