//! One reading by the recogniser, by the length of what is read, with and without the last reading as a guess.
//!
//! Needs the models (`patchcord models fetch`); says so and measures nothing where they are not.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use engines::models::{ModelPaths, Store};
use engines::moonshine::{self, Moonshine};
use engines::recognizer::{Recognizer, Request};
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

fn models() -> Option<ModelPaths> {
    let store = Store::open(Store::default_dir().ok()?).ok()?;
    store.paths().inspect_err(|error| eprintln!("skipped: {error}")).ok()
}

fn benches(c: &mut Criterion) {
    let Some(paths) = models() else { return };
    let runtime = Runtime::load(&paths.onnxruntime).expect("the library loads");
    let mut recogniser = Moonshine::load(runtime, &paths.moonshine_dir).expect("the model loads");
    let speech = speech();
    let mut group = c.benchmark_group("recogniser");
    group.sample_size(20);
    for seconds in [1, 2, 3, 4] {
        let samples = &speech[..seconds * moonshine::SAMPLE_RATE];
        let guess = recogniser.read(Request::of(samples)).expect("it reads").tokens;
        group.bench_with_input(BenchmarkId::new("alone", seconds), samples, |b, samples| {
            b.iter(|| black_box(recogniser.read(Request::of(samples))));
        });
        group.bench_with_input(BenchmarkId::new("guessed", seconds), samples, |b, samples| {
            b.iter(|| {
                black_box(recogniser.read(Request { guess: &guess, ..Request::of(samples) }))
            });
        });
    }
    group.finish();
}

criterion_group!(group, benches);
criterion_main!(group);
