//! Measures the engines on this machine: the figures behind `engines::cost`.
//!
//! ```sh
//! cargo run --release -p engines --example measure -- SPEECH.wav
//! ```
//!
//! The file is 8 kHz mono speech of four seconds or more. Each figure is the least of several runs
//! on one thread, so that other work on the machine shows as little as it can.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::time::{Duration, Instant};

use audio::resample::Upsampler;
use engines::models::Store;
use engines::moonshine::{self, Moonshine};
use engines::recognizer::{Recognizer, Request, Token, Vad, WINDOW};
use engines::runtime::Runtime;
use engines::silero::{Silero, VadState};

const RUNS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: measure SPEECH.wav (8 kHz mono)")?;
    let speech = audio::wav::read(&std::fs::read(path)?)?;
    let paths = Store::open(Store::default_dir()?)?.paths()?;

    let (runtime, took) = timed(|| Runtime::load(&paths.onnxruntime));
    println!("ONNX Runtime loaded in {took:.1?}");
    let runtime = runtime?;
    let (silero, took) = timed(|| Silero::load(&paths.silero));
    println!("Silero loaded in {took:.1?}");
    let before = resident_mb();
    let (moonshine, took) = timed(|| Moonshine::load(runtime, &paths.moonshine_dir));
    println!("Moonshine loaded in {took:.1?}, {} MB", resident_mb() - before);
    let before = resident_mb();
    let (second, took) = timed(|| Moonshine::load(runtime, &paths.moonshine_dir));
    println!("a second Moonshine in {took:.1?}, {} MB", resident_mb() - before);

    measure_vad(silero?, &speech)?;
    drop(second?);
    measure_reading(moonshine?, &speech)
}

fn measure_vad(mut silero: Silero, speech: &[i16]) -> Result<(), Box<dyn Error>> {
    let mut state = VadState::default();
    let mut times = Vec::new();
    for chunk in speech.chunks_exact(WINDOW).cycle().take(2000) {
        let mut window = [0.0; WINDOW];
        for (to, from) in window.iter_mut().zip(chunk) {
            *to = f32::from(*from) / 32_768.0;
        }
        let (probability, took) = timed(|| silero.judge_alone(&mut state, &window));
        probability?;
        times.push(took);
    }
    times.sort_unstable();
    println!("VAD window: least {:.0?}, median {:.0?}", times[0], times[times.len() / 2]);
    Ok(())
}

/// Reads the growing speech twice at each length: from nothing, and with the reading before as the
/// guess.
fn measure_reading(mut moonshine: Moonshine, speech: &[i16]) -> Result<(), Box<dyn Error>> {
    let mut samples = Vec::new();
    Upsampler::new().process(speech, &mut samples);
    println!("seconds  tokens  from nothing  guess  right  with guess  words");
    let mut guess: Vec<Token> = Vec::new();
    for length in (1..=20).map(|step| step * moonshine::SAMPLE_RATE / 5) {
        let Some(stretch) = samples.get(..length) else { break };
        let mut bare = Duration::MAX;
        let mut helped = Duration::MAX;
        let guessed = Request { guess: &guess, ..Request::of(stretch) };
        let mut reading = moonshine.read(guessed)?;
        for _ in 0..RUNS {
            bare = bare.min(timed(|| moonshine.read(Request::of(stretch))).1);
            helped = helped.min(timed(|| moonshine.read(guessed)).1);
        }
        let right = guess.iter().zip(&reading.tokens).take_while(|(a, b)| a.id == b.id).count();
        println!(
            "{:7.1}  {:6}  {:>12.1?}  {:5}  {right:5}  {:>10.1?}  {}",
            length as f32 / moonshine::SAMPLE_RATE as f32,
            reading.tokens.len(),
            bare,
            guess.len(),
            helped,
            reading.text,
        );
        guess = std::mem::take(&mut reading.tokens);
    }
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Memory in use, where the system tells (Linux), else 0.
fn resident_mb() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<i64>().ok());
    kilobytes.unwrap_or_default() / 1024
}
