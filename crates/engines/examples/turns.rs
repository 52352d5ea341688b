//! How often a caller is cut off, against how long a caller who has finished is kept waiting.
//!
//! ```sh
//! cargo run --release -p engines --example turns -- FOLDER [smart-turn-v3.2-cpu.onnx]
//! ```
//!
//! The folder holds recordings of one utterance each. Each is heard as it is and with its quietest gaps between words
//! stretched by 250 to 950 ms, as callers do who think. A turn that ends before its last word is a false cut-off; the added
//! wait of the others is counted from the last sound to the end of the turn. Fixed silences make the curve; the rule of
//! [`engines::turn`] should lie below it.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use audio::tone::level_dbfs;
use audio::{FRAME, FRAME_TIME, g711};
use engines::cost;
use engines::listener::{Ending, Heard, Listener, ListenerConfig, Output, ReadId, ReadKind};
use engines::models::Store;
use engines::moonshine::Moonshine;
use engines::recognizer::{ReadError, Reading, Recognizer, Vad};
use engines::runtime::Runtime;
use engines::silero::{Silero, VadState};
use engines::turn::TurnDetector;
use engines::turn::smart::SmartTurn;

/// What each of an utterance's gaps is stretched by, in turn.
const STRETCHES: [usize; 4] = [2_000, 3_600, 5_600, 7_600];

struct Engines {
    silero: Silero,
    moonshine: Moonshine,
    smart: Option<SmartTurn>,
}

struct Utterance {
    samples: Vec<i16>,
    /// Where its last sound ends.
    end: usize,
}

struct Policy {
    name: String,
    config: ListenerConfig,
    sound: bool,
}

type Answer = (Duration, ReadId, Result<Reading, ReadError>, Option<f32>);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: turns FOLDER [SMART_TURN_MODEL]")?;
    let paths = Store::open(Store::default_dir()?)?.paths()?;
    let runtime = Runtime::load(&paths.onnxruntime)?;
    let smart = arguments.next().map(|model| SmartTurn::load(runtime, Path::new(&model)));
    let mut engines = Engines {
        silero: Silero::load(&paths.silero)?,
        moonshine: Moonshine::load(runtime, &paths.moonshine_dir)?,
        smart: smart.transpose()?,
    };
    let utterances = utterances(Path::new(&folder))?;
    println!("{} utterances", utterances.len());
    println!("{:<24} {:>9} {:>10} {:>10}", "end of turn", "cut off", "wait p50", "wait p95");
    for policy in policies(engines.smart.is_some()) {
        let mut waits: Vec<Duration> = Vec::new();
        for utterance in &utterances {
            waits.extend(hear(&mut engines, &policy, utterance));
        }
        let cut = utterances.len() - waits.len();
        waits.sort();
        let at = |share: f64| waits.get((waits.len() as f64 * share) as usize).copied();
        let (p50, p95) = (at(0.5).unwrap_or_default(), at(0.95).unwrap_or_default());
        let rate = 100.0 * cut as f64 / utterances.len() as f64;
        println!(
            "{:<24} {rate:>8.1}% {:>7} ms {:>7} ms",
            policy.name,
            p50.as_millis(),
            p95.as_millis()
        );
    }
    Ok(())
}

fn policies(smart: bool) -> Vec<Policy> {
    let fixed = (200..=1_000).step_by(100).map(|wait| Policy {
        name: format!("{wait} ms"),
        config: ListenerConfig {
            end_of_turn: Duration::from_millis(wait),
            ending: Ending::Fixed,
            ..ListenerConfig::default()
        },
        sound: false,
    });
    let judged = |name: &str, sound| Policy {
        name: name.to_owned(),
        config: ListenerConfig::default(),
        sound,
    };
    let sound = smart.then(|| judged("words, pace and sound", true));
    fixed.chain([judged("words and pace", false)]).chain(sound).collect()
}

/// The wait after the last sound; none if the turn ended before.
fn hear(engines: &mut Engines, policy: &Policy, utterance: &Utterance) -> Option<Duration> {
    let mut listener = Listener::new(policy.config.clone());
    let mut state = VadState::default();
    let mut answers: Vec<Answer> = Vec::new();
    let end = audio::duration_of(utterance.end as u64);
    let quiet = std::iter::repeat_n([0; FRAME], 150);
    let frames = utterance.samples.as_chunks::<FRAME>().0.iter().copied().chain(quiet);
    for (number, frame) in frames.enumerate() {
        let now = FRAME_TIME * (number as u32 + 1);
        while let Some(index) = answers.iter().position(|answer| answer.0 <= now) {
            let (at, id, reading, sound) = answers.remove(index);
            listener.read_done(at, id, reading);
            sound.into_iter().for_each(|sound| listener.sounds_over(id, sound));
        }
        listener.push(now, &frame, (number * FRAME) as u64);
        while let Some(output) = listener.poll() {
            match output {
                Output::Vad(window) => {
                    listener.vad(now, engines.silero.judge_alone(&mut state, &window));
                }
                Output::Read(job) => {
                    // Partials are of no account here; they would only take time.
                    let (reading, sound) = match job.kind {
                        ReadKind::Partial => (Ok(Reading::default()), None),
                        ReadKind::Final => {
                            let detector = engines.smart.as_mut().filter(|_| policy.sound);
                            let sound = detector.and_then(|smart| smart.judge(&job.samples).ok());
                            (engines.moonshine.read(job.request()), sound)
                        }
                    };
                    let empty = Reading::default();
                    let took =
                        cost::reading(job.samples.len(), &[], reading.as_ref().unwrap_or(&empty));
                    answers.push((now + took, job.id, reading, sound));
                }
                Output::Heard(Heard::SpeechEnded { .. }) => {
                    return now.checked_sub(end).filter(|_| now > end);
                }
                Output::Heard(_) => {}
            }
        }
    }
    None
}

/// Each recording, through mu-law, as it is and stretched.
fn utterances(folder: &Path) -> Result<Vec<Utterance>, Box<dyn Error>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|file| file.path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "wav"));
    files.sort();
    let mut utterances = Vec::new();
    for (number, path) in files.iter().enumerate() {
        let mut samples = audio::wav::read(&std::fs::read(path)?)?;
        for sample in &mut samples {
            *sample = g711::decode_ulaw_sample(g711::encode_ulaw_sample(*sample));
        }
        let Some((from, end)) = span(&samples) else { continue };
        if let Some(gap) = gap(&samples[from..end]) {
            let gap = from + gap;
            let length = STRETCHES[number % STRETCHES.len()];
            // What is behind the speech fills the gap: the line's own noise.
            let around: Vec<i16> = samples[..from.min(800)].to_vec();
            let noise =
                around.iter().copied().cycle().take(if around.is_empty() { 0 } else { length });
            let mut stretched = samples[..gap].to_vec();
            stretched.extend(noise);
            let length = stretched.len() - gap;
            stretched.extend(&samples[gap..]);
            utterances.push(Utterance { samples: stretched, end: end + length });
        }
        utterances.push(Utterance { samples, end });
    }
    Ok(utterances)
}

/// Where speech begins and ends: sound no softer than 30 dB below the loudest.
fn span(samples: &[i16]) -> Option<(usize, usize)> {
    let levels: Vec<f64> = samples.chunks_exact(80).map(level_dbfs).collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f64::total_cmp);
    let threshold =
        (sorted.get(sorted.len() * 19 / 20)? - 30.0).max(sorted[sorted.len() / 10] + 10.0);
    let loud = |from: usize| {
        levels[from..(from + 8).min(levels.len())].iter().filter(|l| **l > threshold).count() >= 5
    };
    let from = (0..levels.len()).find(|n| levels[*n] > threshold && loud(*n))?;
    let to = (0..levels.len()).rfind(|n| levels[*n] > threshold && loud(n.saturating_sub(7)))?;
    (to > from + 60).then_some((80 * from, 80 * (to + 1)))
}

/// The quietest 40 ms in the middle of an utterance, if it is a gap between words.
fn gap(samples: &[i16]) -> Option<usize> {
    let (from, to) = (samples.len() / 4, samples.len() * 3 / 4);
    let level = |at: &usize| level_dbfs(&samples[*at..*at + 320]);
    let quietest = (from..to).step_by(80).min_by(|a, b| level(a).total_cmp(&level(b)))?;
    (level(&quietest) < level_dbfs(samples) - 18.0).then_some(quietest + 160)
}
