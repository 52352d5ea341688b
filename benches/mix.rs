//! Mixing and fading a frame of 20 ms, beside plain loops that jump instead of fading. No crate mixes `i16` with a limit
//! and fades by the sample.

use audio::{
    FRAME, FRAME_TIME,
    mix::{self, Fader},
    tone::Sine,
};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn mix(c: &mut Criterion) {
    let (mut sound, mut other) = ([0; FRAME], [0; FRAME]);
    Sine::new(440.0, -3.0).fill(&mut sound);
    Sine::new(660.0, -3.0).fill(&mut other);
    let mut group = c.benchmark_group("mix");
    group.bench_function("add a frame", |b| {
        b.iter(|| {
            let mut sound = black_box(sound);
            mix::add(&mut sound, black_box(&other));
            sound
        });
    });
    group.bench_function("add a frame in 32 bits", |b| {
        b.iter(|| {
            let mut sound = black_box(sound);
            for (to, sample) in sound.iter_mut().zip(black_box(&other)) {
                let sum = i32::from(*to) + i32::from(*sample);
                *to = sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
            }
            sound
        });
    });
    group.bench_function("leave a frame as it is", |b| fader(b, Fader::new(), sound));
    let mut lower = Fader::new();
    lower.fade_to(-12.0, FRAME_TIME);
    group.bench_function("fade a frame", |b| fader(b, lower, sound));
    lower.apply(&mut [0; FRAME]);
    group.bench_function("lower a frame", |b| fader(b, lower, sound));
    group.bench_function("lower a frame with a plain loop", |b| {
        b.iter(|| {
            let mut sound = black_box(sound);
            for sample in &mut sound {
                *sample = (f32::from(*sample) * black_box(0.25)) as i16;
            }
            sound
        });
    });
    group.finish();
}

fn fader(b: &mut criterion::Bencher<'_>, fader: Fader, sound: [i16; FRAME]) {
    b.iter(|| {
        let (mut fader, mut sound) = (black_box(fader), black_box(sound));
        fader.apply(&mut sound);
        sound
    });
}

criterion_group!(benches, mix);
criterion_main!(benches);
