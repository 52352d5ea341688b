//! Telephone keys heard, 20 ms of sound at a time, beside the crate `dtmf`.

use audio::FRAME;
use audio::tone::{DtmfDetector, DualTone};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn keys(c: &mut Criterion) {
    let mut key = [0; FRAME];
    DualTone::key('5').expect("a key").fill(&mut key);
    // The costliest: loud enough to be looked at.
    let voice: [i16; FRAME] = std::array::from_fn(|n| (n * n * 377) as i16 / 4);
    let mut group = c.benchmark_group("tone/keys");
    for (name, frame) in [("in a key", key), ("in a voice", voice), ("in silence", [0; FRAME])] {
        let mut detector = DtmfDetector::new();
        group.bench_function(name, |b| {
            b.iter(|| {
                detector.push(black_box(&frame), |event| {
                    black_box(event);
                })
            });
        });
    }
    let mut theirs = dtmf::decoder::Decoder::new(8000, |tone, state| {
        black_box((tone, state));
    });
    let floats = voice.map(|sample| f32::from(sample) / 32_768.0);
    group.bench_function("in a voice with dtmf", |b| {
        b.iter(|| theirs.process(black_box(&floats)));
    });
    group.finish();
}

criterion_group!(benches, keys);
criterion_main!(benches);
