//! Speech with labels, in noise, as a telephone line carries it.

use std::error::Error;
use std::path::Path;

use audio::g711;
use engines::recognizer::WINDOW;

/// Recordings taken from a folder at most.
const MOST: usize = 30;
/// Samples of the pause before each: 2 s.
const PAUSE: usize = 63 * WINDOW;
/// Mean power of speech at full scale 1: −26 dB.
const LEVEL: f64 = 2.5e-3;

const SAMPLES: [&[u8]; 6] = [
    include_bytes!("../../assets/calls/long-winded-invoice.wav"),
    include_bytes!("../../assets/calls/billing-please.wav"),
    include_bytes!("../../assets/calls/forgotten-password.wav"),
    include_bytes!("../../assets/calls/tom-becker.wav"),
    include_bytes!("../../assets/calls/lemon-cake.wav"),
    include_bytes!("../../assets/calls/cracked-screen.wav"),
];

/// What a window holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Speech,
    Silence,
    /// Too near an edge, or too soft, to say.
    Unsure,
}

/// One recording behind its pause.
pub(super) struct Stream {
    pub(super) samples: Vec<i16>,
    pub(super) labels: Vec<Label>,
}

impl Stream {
    pub(super) fn windows(&self) -> impl Iterator<Item = &[i16; WINDOW]> {
        self.samples.as_chunks().0.iter()
    }
}

/// What is done to the speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Clean,
    Soft,
    White,
    Babble,
    Car,
}

impl Condition {
    pub(super) const ALL: [Self; 5] =
        [Self::Clean, Self::Soft, Self::White, Self::Babble, Self::Car];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean, speech at -26 dB",
            Self::Soft => "clean, 20 dB softer",
            Self::White => "white noise, 10 dB below the speech",
            Self::Babble => "four other voices, together 15 dB below",
            Self::Car => "noise under 300 Hz, as in a car, 5 dB below",
        }
    }
}

/// The recordings in a folder, or the sample calls; each at the same level of speech.
pub(super) fn recordings(folder: Option<&Path>) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let mut files = Vec::new();
    if let Some(folder) = folder {
        let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        let mut paths: Vec<_> = entries.iter().map(std::fs::DirEntry::path).collect();
        paths.retain(|path| path.extension().is_some_and(|kind| kind == "wav"));
        paths.sort();
        for path in paths.iter().step_by(paths.len().div_ceil(MOST).max(1)) {
            files.push(std::fs::read(path)?);
        }
    } else {
        println!("no folder of recordings was named: the sample calls stand in");
        files.extend(SAMPLES.map(<[u8]>::to_vec));
    }
    if files.is_empty() {
        return Err("the folder holds no .wav file".into());
    }
    let read = |file: &Vec<u8>| Ok(level(&audio::wav::read(file)?));
    files.iter().map(read).collect()
}

fn level(samples: &[i16]) -> Vec<f64> {
    let samples: Vec<_> = samples.iter().map(|sample| f64::from(*sample) / 32_768.0).collect();
    let loudest = powers(&samples).fold(0.0, f64::max);
    let speech: Vec<_> = powers(&samples).filter(|power| *power > loudest * 3e-3).collect();
    let power = speech.iter().sum::<f64>() / speech.len() as f64;
    samples.iter().map(|sample| sample * (LEVEL / power).sqrt()).collect()
}

fn powers(samples: &[f64]) -> impl Iterator<Item = f64> {
    let power = |window: &[f64; WINDOW]| window.iter().map(|s| s * s).sum::<f64>() / WINDOW as f64;
    samples.as_chunks().0.iter().map(power)
}

/// Each recording behind its pause, under one condition.
pub(super) fn streams(recordings: &[Vec<f64>], condition: Condition) -> Vec<Stream> {
    let stream = |(number, recording): (usize, &Vec<f64>)| {
        let clean = [&[0.0; PAUSE][..], recording].concat();
        let mut random = Random(number as u64 + 1);
        let gain = if condition == Condition::Soft { 0.1 } else { 1.0 };
        let noise = noise(condition, recordings, number, clean.len(), &mut random);
        let line = clean.iter().zip(noise).map(|(speech, noise)| {
            // A line is never quite silent: −70 dB.
            let hiss = 3e-4 * random.normal();
            let sample = (speech * gain + noise + hiss) * 32_768.0;
            sample.clamp(-32_768.0, 32_767.0) as i16
        });
        let mut samples: Vec<_> = line.collect();
        let mut codes = vec![0; samples.len()];
        g711::encode_ulaw(&samples, &mut codes);
        g711::decode_ulaw(&codes, &mut samples);
        Stream { samples, labels: labels(&clean) }
    };
    recordings.iter().enumerate().map(stream).collect()
}

/// Speech is less than 30 dB below its mean level, silence more than 40 dB, and neither is where the
/// other is near.
fn labels(clean: &[f64]) -> Vec<Label> {
    let powers: Vec<_> = powers(clean).collect();
    let near = |place: usize, reach: usize, found: &dyn Fn(f64) -> bool| {
        powers[place.saturating_sub(reach)..(place + reach + 1).min(powers.len())]
            .iter()
            .any(|power| found(*power))
    };
    let label = |place: usize| match powers[place] {
        power if power > LEVEL * 1e-3 => Label::Speech,
        _ if !near(place, 8, &|power| power > LEVEL * 1e-4) => Label::Silence,
        _ => Label::Unsure,
    };
    (0..powers.len()).map(label).collect()
}

fn noise(
    condition: Condition,
    recordings: &[Vec<f64>],
    number: usize,
    len: usize,
    random: &mut Random,
) -> Vec<f64> {
    let (noise, below): (Vec<f64>, f64) = match condition {
        Condition::Clean | Condition::Soft => return vec![0.0; len],
        Condition::White => ((0..len).map(|_| random.normal()).collect(), 10.0),
        Condition::Car => {
            // One pole at 300 Hz.
            let mut last = 0.0;
            let share = 1.0 - (-std::f64::consts::TAU * 300.0 / 8000.0_f64).exp();
            let mut next = || {
                last += share * (random.normal() - last);
                last
            };
            ((0..len).map(|_| next()).collect(), 5.0)
        }
        Condition::Babble => {
            let voices: Vec<_> = (1..5)
                .map(|other| &recordings[(number + other * 5 + 1) % recordings.len()])
                .collect();
            let sum = |n: usize| voices.iter().map(|voice| voice[n % voice.len()]).sum();
            ((0..len).map(sum).collect(), 15.0)
        }
    };
    let power = noise.iter().map(|sample| sample * sample).sum::<f64>() / len as f64;
    let gain = (LEVEL * 10f64.powf(-below / 10.0) / power).sqrt();
    noise.into_iter().map(|sample| sample * gain).collect()
}

/// The same numbers every time (SplitMix64).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Mean 0, variance 1, near enough to normal.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}
