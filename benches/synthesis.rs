//! Text to the first and to the last sample, by each local voice that is installed, and from the cache; beside it the
//! program alone, run once for the whole text, which is what one would write first.
//!
//! Before the measurements it prints what a voice makes of a CPU second, counted by the system, programs included.

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use engines::models::Store;
use engines::runtime::Runtime;
use engines::synthesis::flite::Flite;
use engines::synthesis::piper::{Piper, PiperOptions};
use engines::synthesis::{Line, Mouth, MouthConfig, Said, Synthesizer};

/// 20 words.
const SENTENCE: &str = "Thank you for calling Fabrikam, please tell me in a few words what you need and I will connect you.";
/// A text of several sentences.
const TEXT: &str = "Our office is open from Monday to Friday. You can reach the sales department until five in the afternoon. For questions \
                    about an invoice please stay on the line. I will connect you with somebody who can help you.";

/// Flite's voices, and a Piper voice if the models folder or `PATCHCORD_VOICE` has one.
fn voices() -> Vec<(&'static str, Arc<dyn Synthesizer>)> {
    let mut voices: Vec<(&'static str, Arc<dyn Synthesizer>)> = Vec::new();
    for name in ["slt", "rms"] {
        match Flite::load(name) {
            Ok(voice) => voices.push((name, Arc::new(voice))),
            Err(reason) => eprintln!("skipped: {reason}"),
        }
    }
    let piper = std::env::var_os("PATCHCORD_VOICE").map(PathBuf::from);
    let paths = Store::default_dir().and_then(Store::open).and_then(|store| store.paths());
    if let (Some(model), Ok(paths)) = (piper, paths) {
        let runtime = Runtime::load(&paths.onnxruntime).expect("the library loads");
        let voice = Piper::load(runtime, &model, &PiperOptions::default()).expect("it is a voice");
        voices.push(("piper", Arc::new(voice)));
    }
    voices
}

fn mouth(voice: &Arc<dyn Synthesizer>, cache_bytes: usize) -> Mouth {
    let config = MouthConfig { cache_bytes, ..MouthConfig::default() };
    Mouth::start(vec![voice.clone()], config).expect("the system has threads")
}

fn first(mouth: &Mouth, text: &str) -> Said {
    mouth.say(text).expect("nobody else speaks").next_blocking().expect("there is sound")
}

fn all(mouth: &Mouth, text: &str) -> Vec<i16> {
    mouth.say(text).expect("nobody else speaks").all_blocking().expect("it is spoken").0
}

/// CPU time of this process and of the programs that it ran, in seconds (proc_pid_stat(5), fields 14 to 17; a tick is
/// 10 ms).
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(4);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("synthesis");
    group.sample_size(10);
    for (name, voice) in voices() {
        let fresh = mouth(&voice, 0);
        let (began, mut samples) = (cpu(), 0);
        for _ in 0..10 {
            samples += all(&fresh, TEXT).len();
        }
        let seconds = samples as f64 / f64::from(audio::SAMPLE_RATE);
        eprintln!("{name}: {:.0} s of sound in a CPU second", seconds / (cpu() - began).max(0.01));
        for (length, text) in [("sentence", SENTENCE), ("text", TEXT)] {
            group.bench_with_input(
                BenchmarkId::new(format!("{name} first"), length),
                text,
                |b, text| {
                    b.iter(|| black_box(first(&fresh, text)));
                },
            );
            group.bench_with_input(
                BenchmarkId::new(format!("{name} all"), length),
                text,
                |b, text| {
                    b.iter(|| black_box(all(&fresh, text)));
                },
            );
        }
        let cached = mouth(&voice, 10_000_000);
        all(&cached, TEXT);
        group.bench_function(BenchmarkId::new(format!("{name} cached"), "text"), |b| {
            b.iter(|| black_box(all(&cached, TEXT)));
        });
        if name != "piper" {
            group.bench_with_input(
                BenchmarkId::new(format!("flite -voice {name}"), "text"),
                TEXT,
                |b, text| {
                    b.iter(|| {
                        Command::new("flite")
                            .args(["-voice", name, "-t", text, "-o", "/dev/stdout"])
                            .output()
                    });
                },
            );
        }
    }
    let tone: Vec<f32> = (0..22_050).map(|n| 0.2 * (n as f32 * 0.1).sin()).collect();
    group.bench_function("line, a second", |b| {
        b.iter(|| {
            let mut line = Line::new(22_050).expect("one of the rates");
            let mut out = Vec::new();
            line.process(&tone, &mut out);
            line.finish(&mut out);
            black_box(out)
        });
    });
    group.finish();
}

criterion_group!(group, benches);
criterion_main!(group);
