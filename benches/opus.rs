//! Opus, a frame of 20 ms at 16 kHz at a time: what a leg over a wide-area network costs.

use audio::opus::{Decoder, Encoder, MAX_PACKET};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn opus(c: &mut Criterion) {
    let mut samples = [0; 320];
    audio::tone::DualTone::new(300.0, 900.0, -12.0).fill(&mut samples);
    let mut packet = [0; MAX_PACKET];
    let mut len = 0;
    let mut group = c.benchmark_group("opus");
    let mut encoder = Encoder::new(16_000, 24_000).expect("a rate of Opus");
    group.bench_function("encode a frame", |b| {
        b.iter(|| len = encoder.encode(black_box(&samples), &mut packet).expect("a frame"));
    });
    let mut decoder = Decoder::new(16_000).expect("a rate of Opus");
    group.bench_function("decode a frame", |b| {
        b.iter(|| decoder.decode(black_box(&packet[..len]), &mut samples));
    });
    group.finish();
}

criterion_group!(benches, opus);
criterion_main!(benches);
