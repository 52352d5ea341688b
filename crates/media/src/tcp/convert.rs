//! Between 8 kHz, at which everything above a leg works, and the rate of a road.

use audio::SAMPLE_RATE;
use std::f64::consts::PI;

/// Taps of the filter, counted in samples of the lower rate. They pass telephone speech (to 3.4 kHz) and hold what
/// lies above 4.6 kHz below -50 dB, with a delay of 1.5 ms.
const TAPS: usize = 24;

/// The shape of the Kaiser window: 60 dB.
const BETA: f64 = 5.65;

/// Converts a stream from one rate to another by a fixed ratio: a polyphase filter, one phase for each place that an
/// output sample can have between two input samples.
#[derive(Debug)]
pub(crate) struct Converter {
    /// Output samples for each `down` input samples.
    up: usize,
    down: usize,
    /// The filter, phase by phase, each in the order of the input. Empty where both rates are the same.
    phases: Vec<f32>,
    /// The input from which the next output sample is made, and what came after it.
    past: Vec<f32>,
    /// The phase of the next output sample; `up` and more when it needs further input.
    phase: usize,
    out: Vec<i16>,
}

impl Converter {
    /// From our rate to another one.
    pub(crate) fn from_8000_to(hz: u32) -> Converter {
        Converter::new(SAMPLE_RATE, hz)
    }

    /// From another rate to ours.
    pub(crate) fn to_8000_from(hz: u32) -> Converter {
        Converter::new(hz, SAMPLE_RATE)
    }

    fn new(from: u32, to: u32) -> Converter {
        let common = gcd(from, to);
        let (up, down) = ((to / common) as usize, (from / common) as usize);
        let phases = if up == down { Vec::new() } else { filter(up, down) };
        let taps = phases.len() / up;
        Converter { up, down, phases, past: vec![0.0; taps], phase: up, out: Vec::new() }
    }

    /// The samples that follow from `samples`.
    pub(crate) fn convert(&mut self, samples: &[i16]) -> &[i16] {
        self.out.clear();
        if self.phases.is_empty() {
            self.out.extend_from_slice(samples);
            return &self.out;
        }
        let taps = self.phases.len() / self.up;
        self.past.extend(samples.iter().map(|sample| f32::from(*sample)));
        let mut at = 0;
        loop {
            at += self.phase / self.up;
            self.phase %= self.up;
            let Some(input) = self.past.get(at..at + taps) else { break };
            let filter = &self.phases[self.phase * taps..][..taps];
            let sum: f32 = input.iter().zip(filter).map(|(sample, tap)| sample * tap).sum();
            self.out.push(sum.round().clamp(-32768.0, 32767.0) as i16);
            self.phase += self.down;
        }
        // What is passed is not needed again; a place that is not reached yet is kept as phases to come.
        let passed = at.min(self.past.len() - (taps - 1));
        self.past.drain(..passed);
        self.phase += (at - passed) * self.up;
        &self.out
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A low pass at half of the lower rate, split into `up` phases, each with a gain of 1.
fn filter(up: usize, down: usize) -> Vec<f32> {
    // Of the rate at which all the taps are: `up` times the input's.
    let cutoff = 0.5 / up.max(down) as f64;
    let taps = TAPS * up.max(down) / up;
    let len = taps * up;
    let middle = (len as f64 - 1.0) / 2.0;
    let tap = |index: usize| {
        let at = index as f64 - middle;
        let sinc =
            if at == 0.0 { 1.0 } else { (2.0 * PI * cutoff * at).sin() / (2.0 * PI * cutoff * at) };
        let edge = at / (middle + 1.0);
        sinc * bessel(BETA * (1.0 - edge * edge).sqrt())
    };
    let mut phases = Vec::with_capacity(len);
    for phase in 0..up {
        // The oldest input meets the last tap.
        let taps: Vec<f64> = (0..taps).rev().map(|n| tap(n * up + phase)).collect();
        let gain: f64 = taps.iter().sum();
        phases.extend(taps.iter().map(|tap| (tap / gain) as f32));
    }
    phases
}

/// The modified Bessel function of order 0, by its power series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..32 {
        term *= (x / 2.0 / f64::from(n)).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [u32; 9] =
        [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];

    fn sine(rate: u32, hz: f64, count: usize) -> Vec<i16> {
        let step = 2.0 * PI * hz / f64::from(rate);
        (0..count).map(|n| (10_000.0 * (step * n as f64).sin()) as i16).collect()
    }

    /// The amplitude of a frequency.
    fn amplitude(samples: &[i16], rate: u32, hz: f64) -> f64 {
        let step = 2.0 * PI * hz / f64::from(rate);
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            re += f64::from(*sample) * (step * n as f64).cos();
            im += f64::from(*sample) * (step * n as f64).sin();
        }
        2.0 * re.hypot(im) / samples.len() as f64
    }

    #[test]
    fn each_20_ms_become_20_ms_there_and_back() {
        for hz in RATES {
            let (mut up, mut down) = (Converter::from_8000_to(hz), Converter::to_8000_from(hz));
            let sound = sine(8_000, 1_000.0, 8_000);
            let mut back = Vec::new();
            for frame in sound.chunks(160) {
                let there = up.convert(frame);
                assert_eq!(there.len(), hz as usize / 50, "{hz} Hz");
                back.extend_from_slice(down.convert(there));
            }
            assert_eq!(back.len(), 8_000, "{hz} Hz");
            let amplitude = amplitude(&back[800..7_200], 8_000, 1_000.0);
            assert!((9_900.0..10_100.0).contains(&amplitude), "{hz} Hz: {amplitude}");
        }
    }

    #[test]
    fn speech_passes_and_what_lies_above_does_not_come_back() {
        for hz in RATES.into_iter().skip(1) {
            let pass = |tone: f64| {
                let mut down = Converter::to_8000_from(hz);
                let out = down.convert(&sine(hz, tone, hz as usize)).to_vec();
                let alias = if tone > 4_000.0 { 8_000.0 - tone } else { tone };
                20.0 * (amplitude(&out[800..7_200], 8_000, alias) / 10_000.0).log10()
            };
            assert!(pass(3_400.0) > -1.0, "{hz} Hz: {} dB", pass(3_400.0));
            assert!(pass(4_700.0) < -45.0, "{hz} Hz: {} dB", pass(4_700.0));
            let mut up = Converter::from_8000_to(hz);
            let out = up.convert(&sine(8_000, 3_000.0, 8_000)).to_vec();
            let image = amplitude(&out[hz as usize / 10..][..hz as usize / 2], hz, 5_000.0);
            assert!(image < 60.0, "{hz} Hz: {image}");
        }
    }

    #[test]
    fn pieces_of_any_length_make_the_same_stream() {
        let sound = sine(44_100, 700.0, 44_100);
        let whole = Converter::to_8000_from(44_100).convert(&sound).to_vec();
        let mut converter = Converter::to_8000_from(44_100);
        let (mut rest, mut parts) = (&sound[..], Vec::new());
        for len in (1..).map(|n| n * 37 % 101) {
            let (part, after) = rest.split_at(rest.len().min(len));
            parts.extend_from_slice(converter.convert(part));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(parts, whole);
    }
}
