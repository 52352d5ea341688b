//! G.711 mu-law, a frame of 20 ms at a time.

use audio::{FRAME, g711};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn ulaw(c: &mut Criterion) {
    let codes: [u8; FRAME] = std::array::from_fn(|n| (n * 37) as u8);
    let mut samples = [0; FRAME];
    g711::decode_ulaw(&codes, &mut samples);
    let mut group = c.benchmark_group("ulaw");
    group.throughput(Throughput::Elements(FRAME as u64));
    group.bench_function("decode a frame", |b| {
        let mut out = [0; FRAME];
        b.iter(|| g711::decode_ulaw(black_box(&codes), black_box(&mut out)));
    });
    group.bench_function("encode a frame", |b| {
        let mut out = [0; FRAME];
        b.iter(|| g711::encode_ulaw(black_box(&samples), black_box(&mut out)));
    });
    group.finish();
}

criterion_group!(benches, ulaw);
criterion_main!(benches);
