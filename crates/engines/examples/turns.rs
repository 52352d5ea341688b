//! How often a caller is cut off, against how long a caller who has finished is kept waiting.
//!
//! ```sh
//! cargo run --release -p engines --example turns -- FOLDER [MOST]
//! ```
//!
//! The folder holds recordings of one utterance each; at most so many are used. Each is heard through mu-law with the
//! quietest gap between two words of either half stretched, as callers do who think. Four in a row are one caller, who
//! makes pauses of one length; the next caller's are longer. A turn that ends before its last word is a false cut-off;
//! the wait is counted from the last sound to the end of the turn. Fixed silences make the curve; the rule of
//! [`engines::turn`] should lie below it, and lower still where a caller's pace is learned.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use audio::resample::to_rate;
use audio::tone::level_dbfs;
use audio::{FRAME, FRAME_TIME, SAMPLE_RATE, g711};
use engines::cost;
use engines::listener::{Ending, Heard, Listener, ListenerConfig, Output, ReadJob, ReadKind};
use engines::models::Store;
use engines::moonshine::Moonshine;
use engines::recognizer::{Reading, Recognizer, Request, Vad};
use engines::runtime::Runtime;
use engines::silero::{Silero, VadState};

/// How long each caller's pauses are, in milliseconds.
const PAUSES: [usize; 5] = [250, 450, 700, 950, 1_300];
/// Utterances of a caller.
const A_CALL: usize = 4;
/// Silence behind an utterance: longer than any wait, and than the pause from which a pace is learned.
const BEHIND: usize = 3 * SAMPLE_RATE as usize;
/// Longer utterances are left out.
const LONGEST: usize = 12 * SAMPLE_RATE as usize;

struct Engines {
    silero: Silero,
    moonshine: Moonshine,
    /// What was read before: every rule stops at the same pauses.
    read: HashMap<(usize, u64, u64), Reading>,
}

struct Utterance {
    samples: Vec<i16>,
    /// Where its last sound ends.
    end: usize,
}

/// When turns end, and whether one ear hears all that a caller says.
struct Rule {
    name: String,
    config: ListenerConfig,
    learns: bool,
}

/// How long a caller was kept waiting after an utterance; none if the turn ended before.
type Wait = Option<Duration>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: turns FOLDER [MOST]")?;
    let most = arguments.next().map_or(Ok(usize::MAX), |most| most.parse())?;
    let paths = Store::open(Store::default_dir()?)?.paths()?;
    let runtime = Runtime::load(&paths.onnxruntime)?;
    let mut engines = Engines {
        silero: Silero::load(&paths.silero)?,
        moonshine: Moonshine::load(runtime, &paths.moonshine_dir)?,
        read: HashMap::new(),
    };
    let utterances = utterances(&mut engines, Path::new(&folder), most)?;
    println!("{} utterances", utterances.len());
    println!(
        "{:<24} {:>8} {:>8} {:>8} {:>8}",
        "end of turn", "cut off", "mean ms", "p50 ms", "p95 ms"
    );
    for rule in rules() {
        let calls = utterances.chunks(if rule.learns { A_CALL } else { 1 });
        let firsts = (0..).step_by(if rule.learns { A_CALL } else { 1 });
        let waits: Vec<Wait> = firsts
            .zip(calls)
            .flat_map(|(first, call)| hear(&mut engines, &rule, first, call))
            .collect();
        println!("{:<24} {}", rule.name, summary(&waits));
    }
    Ok(())
}

fn rules() -> impl Iterator<Item = Rule> {
    let fixed = (200..=1_200).step_by(100).map(|wait| Rule {
        name: format!("{wait} ms of silence"),
        config: ListenerConfig {
            end_of_turn: Duration::from_millis(wait),
            ending: Ending::Fixed,
            ..ListenerConfig::default()
        },
        learns: false,
    });
    let judged = [("words", false), ("words and pace", true)].map(|(name, learns)| Rule {
        name: name.to_owned(),
        config: ListenerConfig::default(),
        learns,
    });
    fixed.chain(judged)
}

fn summary(waits: &[Wait]) -> String {
    let mut kept: Vec<u128> = waits.iter().flatten().map(Duration::as_millis).collect();
    kept.sort_unstable();
    let cut = 100.0 * (waits.len() - kept.len()) as f64 / waits.len().max(1) as f64;
    let mean = kept.iter().sum::<u128>() / kept.len().max(1) as u128;
    let at = |share: usize| kept.get(kept.len() * share / 100).copied().unwrap_or_default();
    format!("{cut:>7.1}% {mean:>8} {:>8} {:>8}", at(50), at(95))
}

/// Hears the utterances of one call, of which the first has the number `first`, with one ear.
fn hear(engines: &mut Engines, rule: &Rule, first: usize, call: &[Utterance]) -> Vec<Wait> {
    let mut listener = Listener::new(rule.config.clone());
    let mut state = VadState::default();
    let mut answers: Vec<(Duration, ReadJob, Reading)> = Vec::new();
    let mut waits = Vec::new();
    let mut position = 0;
    for (number, utterance) in (first..).zip(call) {
        let begin = position;
        let mut ends = Vec::new();
        for frame in utterance.samples.as_chunks::<FRAME>().0 {
            let now = FRAME_TIME * (position / FRAME as u64 + 1) as u32;
            while let Some(index) = answers.iter().position(|answer| answer.0 <= now) {
                let (at, job, reading) = answers.remove(index);
                listener.read_done(at, job.id, Ok(reading));
            }
            listener.push(now, frame, position);
            while let Some(output) = listener.poll() {
                match output {
                    Output::Vad(window) => {
                        listener.vad(now, engines.silero.judge_alone(&mut state, &window));
                    }
                    Output::Read(job) => {
                        let reading = engines.read(rule, number, begin, &job);
                        let took = cost::reading(Request { guess: &[], ..job.request() }, &reading);
                        answers.push((now + took, job, reading));
                    }
                    // Nobody else is read for: what was asked for has begun.
                    Output::Instead(_) => listener.replaced(now, false),
                    Output::Heard(Heard::SpeechEnded { .. }) => ends.push(now),
                    Output::Heard(_) => {}
                }
            }
            position += FRAME as u64;
        }
        let end = audio::duration_of(begin + utterance.end as u64);
        let wait = ends.last().and_then(|now| now.checked_sub(end));
        waits.push(wait.filter(|_| ends.len() == 1));
    }
    waits
}

impl Engines {
    /// Reads what is said before a pause, if the rule heeds it. Other readings would only take time.
    fn read(&mut self, rule: &Rule, number: usize, begin: u64, job: &ReadJob) -> Reading {
        if job.kind == ReadKind::Partial || rule.config.ending == Ending::Fixed {
            return Reading::default();
        }
        let place = (number, job.from.saturating_sub(begin), job.through - begin);
        let moonshine = &mut self.moonshine;
        let read = || moonshine.read(job.request()).unwrap_or_default();
        self.read.entry(place).or_insert_with(read).clone()
    }
}

fn utterances(
    engines: &mut Engines,
    folder: &Path,
    most: usize,
) -> Result<Vec<Utterance>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.flatten().map(|file| file.path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "wav"));
    files.sort();
    let step = files.len().div_ceil(most.max(1)).max(1);
    let mut utterances: Vec<Utterance> = Vec::new();
    for path in files.iter().step_by(step) {
        let pause = PAUSES[utterances.len() / A_CALL % PAUSES.len()];
        utterances.extend(utterance(engines, path, pause * SAMPLE_RATE as usize / 1_000)?);
    }
    Ok(utterances)
}

/// A recording with `pause` samples in the gaps between its words, and silence behind it: the line's own noise.
fn utterance(
    engines: &mut Engines,
    path: &Path,
    pause: usize,
) -> Result<Option<Utterance>, Box<dyn Error>> {
    let mut samples = audio::wav::read(&std::fs::read(path)?)?;
    for sample in &mut samples {
        *sample = g711::decode_ulaw_sample(g711::encode_ulaw_sample(*sample));
    }
    let Some((from, end)) = span(&samples).filter(|(from, end)| end - from < LONGEST) else {
        return Ok(None);
    };
    let level = |at: &usize| level_dbfs(&samples[*at..*at + 800]);
    let quietest = (0..samples.len() - 800)
        .step_by(80)
        .min_by(|a, b| level(a).total_cmp(&level(b)))
        .unwrap_or_default();
    let noise = |count| samples[quietest..quietest + 800].iter().copied().cycle().take(count);
    let mut said: Vec<i16> = noise(SAMPLE_RATE as usize / 2).collect();
    let mut at = from.saturating_sub(800);
    for gap in gaps(engines, &samples, from, end)? {
        said.extend(&samples[at..gap]);
        said.extend(noise(pause));
        at = gap;
    }
    said.extend(&samples[at..end]);
    let last = said.len();
    said.extend(noise(BEHIND));
    Ok(Some(Utterance { samples: said, end: last }))
}

/// The quietest gap between two words of either half.
fn gaps(
    engines: &mut Engines,
    samples: &[i16],
    from: usize,
    end: usize,
) -> Result<Vec<usize>, Box<dyn Error>> {
    let wide: Vec<f32> = samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
    let reading = engines.moonshine.read(Request::of(&to_rate(&wide, SAMPLE_RATE, 16_000)?))?;
    let level = |at: &usize| level_dbfs(&samples[*at - 160..*at + 160]);
    let quietest = |places: &mut dyn Iterator<Item = usize>| {
        places.min_by(|a, b| level(a).total_cmp(&level(b)))
    };
    let within = from + 2_400..end.saturating_sub(2_400);
    let between: Vec<usize> = reading
        .words
        .windows(2)
        .filter_map(|pair| {
            let middle = (pair[0].at.end + pair[1].at.start) as usize / 2;
            let around = middle.saturating_sub(800)..middle + 800;
            quietest(&mut around.step_by(40).filter(|at| within.contains(at)))
        })
        .filter(|at| level(at) < level_dbfs(samples) - 12.0)
        .collect();
    let middle = (from + end) / 2;
    let (early, late): (Vec<_>, Vec<_>) = between.into_iter().partition(|at| *at < middle);
    Ok([early, late].into_iter().filter_map(|half| quietest(&mut half.into_iter())).collect())
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
