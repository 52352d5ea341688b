//! Sines, alone and in pairs.

use super::FULL_SCALE;
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
    KEYS.iter().zip(ROWS).find_map(|(row, low)| {
        let column = row.iter().position(|other| *other == key)?;
        Some((low, COLUMNS[column]))
    })
}

/// The keys as they lie on the telephone.
pub(super) const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// The lower frequency of each row, in Hz.
pub(super) const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];

/// The upper frequency of each column, in Hz.
pub(super) const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

fn to_sample(value: f64) -> i16 {
    // A cast from float saturates.
    value.round() as i16
}
