//! Concealment judged on sound that is like speech: against silence, and against the repetition
//! of the last frame.

use super::*;
use crate::{
    FRAME,
    tone::{Sine, level_dbfs, power},
};
use proptest::prelude::*;
use std::f32::consts::TAU;

/// Vowels: pulses at a gliding pitch through two resonances.
fn voiced(samples: usize, hz: f32) -> Vec<i16> {
    let (mut phase, mut first, mut second) = (0.0, Resonance::default(), Resonance::default());
    let sample = |n: usize| {
        let time = n as f32 / 8000.0;
        phase += hz * (1.0 + 0.1 * (TAU * 1.5 * time).sin()) / 8000.0;
        let pulse = if phase >= 1.0 { 4000.0 } else { 0.0 };
        phase %= 1.0;
        let formant = 600.0 + 150.0 * (TAU * 2.0 * time).sin();
        let sound = first.filter(pulse, formant, 80.0) + second.filter(pulse, 1700.0, 120.0);
        sound.clamp(-30_000.0, 30_000.0) as i16
    };
    (0..samples).map(sample).collect()
}

#[derive(Default)]
struct Resonance {
    past: [f32; 2],
}

impl Resonance {
    fn filter(&mut self, sample: f32, hz: f32, bandwidth: f32) -> f32 {
        let radius = (-std::f32::consts::PI * bandwidth / 8000.0).exp();
        let feedback = 2.0 * radius * (TAU * hz / 8000.0).cos();
        let out = sample + feedback * self.past[0] - radius * radius * self.past[1];
        self.past = [out, self.past[0]];
        out
    }
}

fn noise(samples: usize) -> Vec<i16> {
    let mut state = 1_u32;
    let sample = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16 / 16
    };
    (0..samples).map(sample).collect()
}

/// `sound` in frames, every `every`th of which was lost and came through `fill`, which gets what
/// came before.
fn with_losses(sound: &[i16], every: usize, fill: impl Fn(&[i16]) -> [i16; FRAME]) -> Vec<i16> {
    let mut heard = Vec::new();
    for (n, frame) in sound.chunks_exact(FRAME).enumerate() {
        let lost = n % every == every - 1;
        let frame = if lost { fill(&heard) } else { frame.try_into().unwrap() };
        heard.extend(frame);
    }
    heard
}

fn concealed(sound: &[i16], every: usize) -> Vec<i16> {
    let mut concealer = Concealer::new();
    let mut heard = Vec::new();
    for (n, frame) in sound.chunks_exact(FRAME).enumerate() {
        let mut frame: [i16; FRAME] = frame.try_into().unwrap();
        if n % every == every - 1 {
            concealer.conceal(&mut frame)
        } else {
            concealer.heard(&mut frame)
        }
        heard.extend(frame);
    }
    heard
}

fn silenced(sound: &[i16], every: usize) -> Vec<i16> {
    with_losses(sound, every, |_| [0; FRAME])
}

fn repeated(sound: &[i16], every: usize) -> Vec<i16> {
    with_losses(sound, every, |heard| *heard.last_chunk().unwrap())
}

fn bridged(sound: &[i16], every: usize) -> Vec<i16> {
    let mut concealer = Concealer::new();
    let mut heard = Vec::new();
    for (n, frame) in sound.chunks_exact(FRAME).enumerate() {
        let mut frame: [i16; FRAME] = frame.try_into().unwrap();
        if n % every == every - 1 {
            let after = sound[(n + 1) * FRAME..].iter().take(FRAME);
            concealer.bridge(FRAME, after.copied());
            concealer.conceal(&mut frame);
        } else {
            concealer.heard(&mut frame);
            assert_eq!(frame, sound[n * FRAME..][..FRAME], "the end of a bridge needs no blend");
        }
        heard.extend(frame);
    }
    heard
}

/// The mean distance of the two spectra in the lost frames and the joints around them, in dB.
fn distance(sound: &[i16], heard: &[i16], every: usize) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for n in (every - 1..heard.len() / FRAME - 1).step_by(every) {
        let around = n * FRAME - FRAME / 2..(n + 1) * FRAME + FRAME / 2;
        for band in (100..3500).step_by(200) {
            let level = |samples: &[i16]| {
                let bins = (band..band + 200).step_by(25);
                let all: f64 = bins.map(|hz| power(&samples[around.clone()], f64::from(hz))).sum();
                10.0 * (all + 1e-6).log10()
            };
            sum += (level(sound) - level(heard)).abs();
            count += 1.0;
        }
    }
    sum / count
}

/// What is left of the sound after the error, in dB.
fn noise_ratio(sound: &[i16], heard: &[i16]) -> f64 {
    let square = |value: f64| value * value;
    let signal: f64 = sound.iter().map(|s| square(f64::from(*s))).sum();
    let error: f64 =
        sound.iter().zip(heard).map(|(s, h)| square(f64::from(*s) - f64::from(*h))).sum();
    10.0 * (signal / error.max(1.0)).log10()
}

#[test]
fn a_steady_sound_goes_on() {
    for hz in [70.0, 100.0, 133.0, 180.0] {
        let mut sound = vec![0; 40 * FRAME];
        Sine::new(hz, -12.0).fill(&mut sound);
        let heard = concealed(&sound, 10);
        assert!(noise_ratio(&sound, &heard) > 15.0, "{hz} Hz: {}", noise_ratio(&sound, &heard));
    }
}

#[test]
fn vowels_are_nearer_to_the_truth_than_without() {
    for hz in [80.0, 110.0, 150.0, 190.0] {
        let sound = voiced(100 * FRAME, hz);
        let measure = |heard: Vec<i16>| (distance(&sound, &heard, 8), noise_ratio(&sound, &heard));
        let (both_sides, one_side) = (measure(bridged(&sound, 8)), measure(concealed(&sound, 8)));
        let (repetition, silence) = (measure(repeated(&sound, 8)), measure(silenced(&sound, 8)));
        let all = [both_sides, one_side, repetition, silence];
        assert!(both_sides.0 < one_side.0 && both_sides.1 > one_side.1, "{hz} Hz: {all:.1?}");
        assert!(one_side.0 < repetition.0.min(silence.0), "{hz} Hz: {all:.1?}");
        assert!(one_side.1 > repetition.1, "{hz} Hz: {all:.1?}");
    }
}

#[test]
fn a_hiss_keeps_its_level_and_its_spectrum() {
    let sound = noise(100 * FRAME);
    for heard in [concealed(&sound, 8), bridged(&sound, 8)] {
        for n in (7..99).step_by(8) {
            let lost = level_dbfs(&heard[n * FRAME..][..FRAME]);
            assert!((lost - level_dbfs(&sound)).abs() < 5.0, "{lost}");
        }
        let (ours, silence) =
            (distance(&sound, &heard, 8), distance(&sound, &silenced(&sound, 8), 8));
        assert!(ours < silence, "{ours} {silence}");
    }
}

#[test]
fn a_long_loss_fades_within_60_ms_and_stays_silent() {
    let sound = voiced(20 * FRAME, 120.0);
    let mut concealer = Concealer::new();
    concealer.heard(&mut sound.clone());
    let mut made_up = [0; 8 * FRAME];
    for part in made_up.chunks_mut(37) {
        concealer.conceal(part);
    }
    let levels: Vec<f64> = made_up.chunks(80).map(level_dbfs).collect();
    assert!(levels[0] > level_dbfs(&sound) - 4.0, "{levels:?}");
    assert!(levels[5] < levels[0] - 8.0 && levels[5] > -60.0, "{levels:?}");
    assert_eq!(made_up[MAX_CONCEALED..], [0; 8 * FRAME - MAX_CONCEALED]);
}

#[test]
fn there_is_no_click_at_either_end() {
    for hz in [85.0, 130.0, 170.0] {
        let sound = voiced(100 * FRAME, hz);
        let step = |samples: &[i16]| {
            samples.windows(2).map(|w| (i32::from(w[0]) - i32::from(w[1])).abs()).max().unwrap()
        };
        let heard = concealed(&sound, 8);
        let (one_side, both_sides) = (step(&heard), step(&bridged(&sound, 8)));
        assert!(one_side <= step(&sound) * 5 / 4, "{one_side} {}", step(&sound));
        assert!(both_sides <= step(&sound) * 5 / 4, "{both_sides} {}", step(&sound));
    }
}

#[test]
fn sound_without_loss_is_untouched() {
    let sound = voiced(50 * FRAME, 120.0);
    let mut concealer = Concealer::new();
    for part in sound.chunks(173) {
        let mut heard = part.to_vec();
        concealer.heard(&mut heard);
        assert_eq!(heard, part);
    }
}

#[test]
fn the_blend_ends_within_10_ms() {
    let sound = voiced(20 * FRAME, 120.0);
    let heard = concealed(&sound, 10);
    assert_ne!(heard[9 * FRAME..10 * FRAME], sound[9 * FRAME..10 * FRAME]);
    assert_eq!(heard[10 * FRAME + STAGE..19 * FRAME], sound[10 * FRAME + STAGE..19 * FRAME]);
}

#[test]
fn a_loss_of_nothing_is_none() {
    let mut concealer = Concealer::new();
    concealer.bridge(0, [1000; HISTORY]);
    let mut silence = [1; FRAME];
    concealer.conceal(&mut silence);
    assert_eq!(silence, [0; FRAME]);
}

proptest! {
    #[test]
    fn any_sound_is_concealed(
        sound in prop::collection::vec(any::<i16>(), 0..1000),
        steps in prop::collection::vec((0..3, 0usize..700), 0..20),
    ) {
        let mut concealer = Concealer::new();
        let mut left = sound;
        for (step, samples) in steps {
            let rest = left.split_off(samples.min(left.len()));
            match step {
                0 => concealer.heard(&mut left),
                1 => concealer.conceal(&mut left),
                _ => concealer.bridge(samples, rest.iter().copied()),
            }
            left = rest;
        }
        let mut made_up = [1; MAX_BRIDGED + MAX_CONCEALED + 1];
        concealer.conceal(&mut made_up);
        prop_assert_eq!(made_up[MAX_BRIDGED + MAX_CONCEALED], 0);
    }
}
