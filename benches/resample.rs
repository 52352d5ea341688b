//! Sample rate conversion, 20 ms at a time, beside `rubato`, which holds a stream back by 10 ms.

use audio::resample::{Downsampler, Resampler, Upsampler};
use criterion::{Criterion, criterion_group, criterion_main};
use rubato::{Fft, FixedSync, Resampler as _, audioadapter_buffers::direct::InterleavedSlice};
use std::hint::black_box;

fn half_band(c: &mut Criterion) {
    let narrow: [i16; 160] = std::array::from_fn(|n| (n * 377) as i16);
    let mut wide = [0_i16; 320];
    let mut group = c.benchmark_group("resample/half-band");
    let mut up = Upsampler::new();
    group.bench_function("8 to 16 kHz", |b| {
        b.iter(|| up.process_into(black_box(&narrow), black_box(&mut wide)));
    });
    let mut wide_f32 = [0.0_f32; 320];
    group.bench_function("8 to 16 kHz, to floats", |b| {
        b.iter(|| up.process_into(black_box(&narrow), black_box(&mut wide_f32)));
    });
    let mut down = Downsampler::new();
    let mut back = narrow;
    group.bench_function("16 to 8 kHz", |b| {
        b.iter(|| down.process_into(black_box(&wide), black_box(&mut back)));
    });
    group.bench_function("8 to 16 kHz with rubato", |b| rubato(b, 8000, 16_000));
    group.bench_function("16 to 8 kHz with rubato", |b| rubato(b, 16_000, 8000));
    group.finish();
}

fn synthesis(c: &mut Criterion) {
    let mut group = c.benchmark_group("resample/synthesis");
    for (from, to) in [(22_050, 8000), (24_000, 8000), (44_100, 8000), (48_000, 8000)] {
        let input: Vec<i16> = (0..from / 50).map(|n| (n * 377) as i16).collect();
        let mut out: Vec<i16> = Vec::with_capacity(1000);
        let mut ours = Resampler::new(from, to).expect("usual rates");
        group.bench_function(format!("{from} to {to} Hz"), |b| {
            b.iter(|| {
                out.clear();
                ours.process(black_box(&input), black_box(&mut out));
            });
        });
        group.bench_function(format!("{from} to {to} Hz with rubato"), |b| {
            rubato(b, from as usize, to as usize);
        });
    }
    group.finish();
}

fn rubato(b: &mut criterion::Bencher<'_>, from: usize, to: usize) {
    let mut resampler =
        Fft::<f32>::new(from, to, from / 50, 1, FixedSync::Input).expect("usual rates");
    let frames = resampler.input_frames_next();
    let input: Vec<f32> = (0..frames).map(|n| (n * 377 % 65_536) as f32 / 65_536.0).collect();
    let mut output = vec![0.0; resampler.output_frames_max()];
    let capacity = output.len();
    b.iter(|| {
        let input = InterleavedSlice::new(black_box(&input), 1, frames).expect("one channel");
        let mut output =
            InterleavedSlice::new_mut(black_box(&mut output), 1, capacity).expect("one channel");
        resampler.process_into_buffer(&input, &mut output, None).expect("a whole chunk")
    });
}

criterion_group!(benches, half_band, synthesis);
criterion_main!(benches);
