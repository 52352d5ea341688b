//! G.722, a frame of 20 ms at a time. The one crate that is only this, `ezk-g722`, comes with the
//! framework that it is a part of.

use audio::g722::{Decoder, Encoder};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn g722(c: &mut Criterion) {
    let mut samples = [0; 320];
    audio::tone::DualTone::new(700.0, 2300.0, -12.0).fill(&mut samples);
    let mut codes = [0; 160];
    let mut group = c.benchmark_group("g722");
    let mut encoder = Encoder::new();
    group.bench_function("encode a frame", |b| {
        b.iter(|| encoder.encode(black_box(&samples), black_box(&mut codes)));
    });
    let mut decoder = Decoder::new();
    group.bench_function("decode a frame", |b| {
        b.iter(|| decoder.decode(black_box(&codes), black_box(&mut samples)));
    });
    group.finish();
}

criterion_group!(benches, g722);
criterion_main!(benches);
