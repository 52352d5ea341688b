//! One reading by the recogniser, by the length of what is read: alone, with the last reading as a guess, and
//! leaning towards phrases; and what it takes to get ready for phrases.
//!
//! Needs the models (`patchcord models fetch`); says so and measures nothing where they are not.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use engines::models::{ModelPaths, Store};
use engines::moonshine::{self, Moonshine};
use engines::phrases::Phrases;
use engines::recognizer::{Care, Recognizer, Request};
use engines::runtime::Runtime;

/// A sample caller from the moment of speaking, at 16 kHz as the recogniser wants it.
fn speech() -> Vec<f32> {
    let wav = include_bytes!("../assets/calls/long-winded-invoice.wav");
    let samples = audio::wav::read(wav).expect("a sample call");
    let spoken = &samples[2 * audio::SAMPLE_RATE as usize..];
    let mut wide = Vec::new();
    audio::resample::Upsampler::new().process(spoken, &mut wide);
    wide
}

/// Phrases of four words.
fn invoices(count: usize) -> Phrases {
    let things = ["invoice", "password", "delivery", "appointment", "contract"];
    let doings = ["cancel", "question", "change", "complain about", "pay"];
    let phrase = |n: usize| format!("{} my {} number {}", doings[n % 5], things[n / 5 % 5], n / 25);
    (0..count).map(phrase).collect()
}

/// Names as a directory has them.
fn names(count: usize) -> Phrases {
    let syllables = ["mar", "tin", "ka", "ro", "bel", "son", "wa", "li", "den", "berg"];
    let name = |n: usize| {
        let syllable = |place: usize| syllables[n / 10_usize.pow(place as u32) % 10];
        let family = format!("{}{}", syllable(2), syllable(3));
        format!("{}{} {family}{}", syllable(0), syllable(1), syllables[n % 7])
    };
    (0..count).map(name).collect()
}

fn models() -> Option<ModelPaths> {
    let store = Store::open(Store::default_dir().ok()?).ok()?;
    store.paths().inspect_err(|error| eprintln!("skipped: {error}")).ok()
}

fn benches(c: &mut Criterion) {
    let Some(paths) = models() else { return };
    let runtime = Runtime::load(&paths.onnxruntime).expect("the library loads");
    let mut recogniser = Moonshine::load(runtime, &paths.moonshine_dir).expect("the model loads");
    let speech = speech();
    let phrases = invoices(50);
    let mut group = c.benchmark_group("recogniser");
    group.sample_size(20);
    for seconds in [1, 2, 3, 4] {
        let samples = &speech[..seconds * moonshine::SAMPLE_RATE];
        let guess = recogniser.read(Request::of(samples)).expect("it reads").tokens;
        group.bench_with_input(BenchmarkId::new("alone", seconds), samples, |b, samples| {
            b.iter(|| black_box(recogniser.read(Request::of(samples))));
        });
        let leaning = Request { phrases: &phrases, care: Care::Full, ..Request::of(samples) };
        group.bench_with_input(BenchmarkId::new("leaning", seconds), &leaning, |b, leaning| {
            b.iter(|| black_box(recogniser.read(*leaning)));
        });
        group.bench_with_input(BenchmarkId::new("guessed", seconds), samples, |b, samples| {
            b.iter(|| {
                black_box(recogniser.read(Request { guess: &guess, ..Request::of(samples) }))
            });
        });
    }
    for (name, phrases) in [("phrases", invoices(1_000)), ("names", names(5_000))] {
        // Fresh phrases are compiled at the first reading; of nothing, here.
        let fresh = || phrases.iter().map(|phrase| phrase.text.clone()).collect::<Phrases>();
        group.bench_function(BenchmarkId::new("ready for", name), |b| {
            b.iter_batched(
                fresh,
                |phrases| {
                    let request =
                        Request { phrases: &phrases, care: Care::Full, ..Request::of(&[]) };
                    recogniser.read(request)
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(group, benches);
criterion_main!(group);
