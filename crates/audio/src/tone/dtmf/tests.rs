//! The detector against Q.24: what it must take, what it must not, at the edges and in noise.

use super::*;
use crate::tone::generate::key_frequencies;
use std::f64::consts::TAU;

const ALL: &str = "0123456789*#ABCD";

/// A press as a bad telephone makes it. Percent, dBFS, milliseconds, dB.
#[derive(Debug, Clone, Copy)]
struct Press {
    low_off: f64,
    high_off: f64,
    low_level: f64,
    high_level: f64,
    lasts: usize,
    snr: f64,
}

const GOOD: Press = Press {
    low_off: 0.0,
    high_off: 0.0,
    low_level: -15.0,
    high_level: -15.0,
    lasts: 50,
    snr: 40.0,
};

/// Reproducible noise, near enough to normal, with variance 1.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let uniform = |state: &mut u64| {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (*state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..12).map(|_| uniform(&mut self.0)).sum::<f64>() - 6.0
    }
}

/// Silence, then presses with `gap` milliseconds between them, then silence.
fn line(key: char, presses: &[Press], gap: usize, seed: u64) -> Vec<i16> {
    let mut noise = Noise(seed);
    let (low, high) = key_frequencies(key).unwrap();
    // The beginning falls anywhere between two windows, and each tone has a phase of its own.
    let mut wave = vec![0.0; 800 + (seed % 40) as usize];
    for (number, press) in presses.iter().enumerate() {
        wave.extend(std::iter::repeat_n(0.0, if number > 0 { gap * 8 } else { 0 }));
        let tone = |hz: f64, off: f64, level: f64, n: usize, phase: f64| {
            let turns = hz * (1.0 + off / 100.0) * n as f64 / 8000.0 + phase;
            10_f64.powf(level / 20.0) * (TAU * turns).sin()
        };
        wave.extend((0..press.lasts * 8).map(|n| {
            tone(low, press.low_off, press.low_level, n, 0.17 * seed as f64)
                + tone(high, press.high_off, press.high_level, n, 0.29 * seed as f64)
        }));
    }
    wave.extend([0.0; 800]);
    let powers =
        [presses[0].low_level, presses[0].high_level].map(|level| 10_f64.powf(level / 10.0));
    let deviation = ((powers[0] + powers[1]) / 2.0 / 10_f64.powf(presses[0].snr / 10.0)).sqrt();
    wave.iter()
        .map(|sample| ((sample + deviation * noise.next()) * 32768.0).round() as i16)
        .collect()
}

fn events(samples: &[i16]) -> Vec<KeyEvent> {
    let mut events = Vec::new();
    DtmfDetector::new().push(samples, |event| events.push(event));
    events
}

fn pressed(samples: &[i16]) -> String {
    let key = |event: KeyEvent| match event {
        KeyEvent::Pressed { key, .. } => Some(key),
        KeyEvent::Released { .. } => None,
    };
    events(samples).into_iter().filter_map(key).collect()
}

/// In how many of 64 tries, four a key, exactly the key is heard; any other key fails.
fn heard(press: Press) -> usize {
    let tries = ALL.chars().flat_map(|key| (0..4).map(move |n| (key, n)));
    tries
        .filter(|(key, n)| {
            let keys = pressed(&line(*key, &[press], 0, 1 + n * 11 + *key as u64));
            assert!(keys.is_empty() || keys == key.to_string(), "{key} with {press:?}: {keys}");
            !keys.is_empty()
        })
        .count()
}

#[test]
fn a_press_is_told_once_with_its_beginning_and_its_end() {
    for (n, key) in ALL.chars().enumerate() {
        let samples = line(key, &[Press { lasts: 100, ..GOOD }], 0, n as u64);
        let begin = 800 + n as u64 % 40;
        let [KeyEvent::Pressed { key: first, at }, KeyEvent::Released { key: last, at: end }] =
            events(&samples)[..]
        else {
            panic!("{key}: {:?}", events(&samples));
        };
        assert_eq!((first, last), (key, key));
        assert!(at.abs_diff(begin) <= 40, "{key} began at {begin}, not at {at}");
        assert!(end.abs_diff(begin + 800) <= 60, "{key} ended at {}, not at {end}", begin + 800);
    }
}

#[test]
fn forty_milliseconds_are_a_press_and_twenty_three_are_none() {
    for lasts in [40, 45, 70, 500] {
        assert_eq!(heard(Press { lasts, ..GOOD }), 64, "{lasts} ms");
        assert_eq!(heard(Press { lasts, snr: 15.0, ..GOOD }), 64, "{lasts} ms in noise");
    }
    for lasts in [5, 10, 20, 23] {
        assert_eq!(heard(Press { lasts, ..GOOD }), 0, "{lasts} ms");
    }
}

#[test]
fn frequencies_may_be_off_a_little() {
    for (low_off, high_off) in [(1.5, 1.5), (-1.5, 1.5), (1.8, -1.8), (-1.8, -1.8)] {
        assert_eq!(heard(Press { low_off, high_off, ..GOOD }), 64, "{low_off} % and {high_off} %");
    }
    for (low_off, high_off) in [(3.0, 0.0), (0.0, 3.0), (-3.5, 0.0), (0.0, -3.5), (5.0, 5.0)] {
        assert_eq!(heard(Press { low_off, high_off, ..GOOD }), 0, "{low_off} % and {high_off} %");
    }
}

#[test]
fn levels_may_differ_as_lines_make_them_differ() {
    for twist in [-8.0, -4.0, 4.0] {
        let press = Press { high_level: -15.0 + twist, ..GOOD };
        assert_eq!(heard(press), 64, "{twist} dB");
        let rough = Press { lasts: 40, low_off: 1.5, high_off: -1.5, snr: 15.0, ..press };
        assert!(heard(rough) >= 63, "{twist} dB with everything else at its edge");
    }
    for twist in [-12.0, 8.0] {
        assert_eq!(heard(Press { high_level: -15.0 + twist, ..GOOD }), 0, "{twist} dB");
    }
}

#[test]
fn faint_presses_count_and_crosstalk_does_not() {
    for level in [-6.1, -28.0, -33.0] {
        let press = Press { low_level: level, high_level: level, ..GOOD };
        assert_eq!(heard(press), 64, "{level} dBFS");
    }
    let faint = Press { low_level: -50.0, high_level: -50.0, ..GOOD };
    assert_eq!(heard(faint), 0);
}

#[test]
fn a_gap_is_a_dropout_or_a_pause() {
    for (gap, expected) in [(5, "8"), (10, "8"), (40, "88"), (60, "88")] {
        for seed in 0..20 {
            assert_eq!(pressed(&line('8', &[GOOD, GOOD], gap, seed)), expected, "{gap} ms");
        }
    }
}

#[test]
fn keys_follow_one_another_with_and_without_a_pause() {
    for pause in [0, 320] {
        let mut samples = Vec::new();
        for key in ALL.chars() {
            let mut tone = [0; 400];
            crate::tone::DualTone::key(key).unwrap().fill(&mut tone);
            samples.extend(tone);
            samples.extend(vec![0; pause]);
        }
        samples.extend([0; 400]);
        assert_eq!(pressed(&samples), ALL);
    }
}

#[test]
fn g711_does_not_matter() {
    let mut samples = line('7', &[GOOD], 0, 3);
    for sample in &mut samples {
        *sample = crate::g711::decode_ulaw_sample(crate::g711::encode_ulaw_sample(*sample));
    }
    assert_eq!(pressed(&samples), "7");
}

/// Other pairs of tones, single tones, noise, and a harmonic voice that glides through the keys'
/// frequencies.
#[test]
fn what_is_no_key_is_none() {
    let sum = |tones: &[(f64, f64)]| -> Vec<i16> {
        (0..8000)
            .map(|n| {
                let each = tones
                    .iter()
                    .map(|(hz, level)| level * (TAU * hz * f64::from(n) / 8000.0).sin());
                (each.sum::<f64>() * 8000.0) as i16
            })
            .collect()
    };
    for tones in [
        &[(440.0, 1.0), (480.0, 1.0)][..],
        &[(480.0, 1.0), (620.0, 1.0)],
        &[(770.0, 1.0)],
        &[(1336.0, 1.0)],
        &[(697.0, 1.0), (770.0, 1.0)],
        &[(1209.0, 1.0), (1477.0, 1.0)],
        &[(770.0, 1.0), (1336.0, 1.0), (1477.0, 1.0)],
        &[(770.0, 1.0), (1336.0, 1.0), (300.0, 0.8)],
        &[(1100.0, 1.0)],
    ] {
        assert_eq!(pressed(&sum(tones)), "", "{tones:?}");
    }
    let mut noise = Noise(7);
    let samples: Vec<i16> = (0..80_000).map(|_| (noise.next() * 4000.0) as i16).collect();
    assert_eq!(pressed(&samples), "", "noise");
    let mut phase = 0.0;
    let voice: Vec<i16> = (0..160_000)
        .map(|n| {
            phase += (100.0 + 120.0 * (f64::from(n) / 40_000.0 * TAU).sin().abs()) / 8000.0;
            let wave = (1..15).map(|k| (TAU * phase * f64::from(k)).sin() / f64::from(k).sqrt());
            (wave.sum::<f64>() * 3000.0) as i16
        })
        .collect();
    assert_eq!(pressed(&voice), "", "a voice");
}
