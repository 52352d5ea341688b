//! G.711, a frame of 20 ms at a time, beside the crates that it could have been.

use audio::{FRAME, g711};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn ulaw(c: &mut Criterion) {
    let codes: [u8; FRAME] = std::array::from_fn(|n| (n * 37) as u8);
    let mut samples = [0; FRAME];
    g711::decode_ulaw(&codes, &mut samples);

    let mut group = c.benchmark_group("g711/decode mu-law");
    group.throughput(Throughput::Elements(FRAME as u64));
    let mut out = [0; FRAME];
    group.bench_function("ours", |b| {
        b.iter(|| g711::decode_ulaw(black_box(&codes), black_box(&mut out)));
    });
    group.bench_function("table", |b| {
        b.iter(|| {
            for (to, code) in black_box(&mut out).iter_mut().zip(black_box(&codes)) {
                *to = g711::decode_ulaw_sample(*code);
            }
        });
    });
    group.bench_function("audio-codec-algorithms", |b| {
        b.iter(|| {
            for (to, code) in black_box(&mut out).iter_mut().zip(black_box(&codes)) {
                *to = audio_codec_algorithms::decode_ulaw(*code);
            }
        });
    });
    group.finish();

    let mut group = c.benchmark_group("g711/encode mu-law");
    group.throughput(Throughput::Elements(FRAME as u64));
    let mut out = [0; FRAME];
    group.bench_function("ours", |b| {
        b.iter(|| g711::encode_ulaw(black_box(&samples), black_box(&mut out)));
    });
    let table: Vec<u8> =
        (0..=u16::MAX).map(|sample| g711::encode_ulaw_sample(sample as i16)).collect();
    group.bench_function("table of 64 KiB", |b| {
        b.iter(|| {
            for (to, sample) in black_box(&mut out).iter_mut().zip(black_box(&samples)) {
                *to = table[usize::from(*sample as u16)];
            }
        });
    });
    group.bench_function("audio-codec-algorithms", |b| {
        b.iter(|| {
            for (to, sample) in black_box(&mut out).iter_mut().zip(black_box(&samples)) {
                *to = audio_codec_algorithms::encode_ulaw(*sample);
            }
        });
    });
    group.finish();
}

fn alaw(c: &mut Criterion) {
    let codes: [u8; FRAME] = std::array::from_fn(|n| (n * 37) as u8);
    let mut samples = [0; FRAME];
    let mut group = c.benchmark_group("g711/A-law");
    group.throughput(Throughput::Elements(FRAME as u64));
    group.bench_function("decode", |b| {
        b.iter(|| g711::decode_alaw(black_box(&codes), black_box(&mut samples)));
    });
    let mut out = [0; FRAME];
    group.bench_function("encode", |b| {
        b.iter(|| g711::encode_alaw(black_box(&samples), black_box(&mut out)));
    });
    group.bench_function("from mu-law", |b| {
        b.iter(|| {
            for (to, code) in black_box(&mut out).iter_mut().zip(black_box(&codes)) {
                *to = g711::ulaw_to_alaw(*code);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, ulaw, alaw);
criterion_main!(benches);
