//! Whether what is heard is our own voice: what a frame costs, and a judgement with and without a known way.
//!
//! A judgement is asked for once in 32 ms, and only where the caller's line sounds like speech while we speak.

use std::hint::black_box;

use audio::{FRAME, g711};
use criterion::{Criterion, criterion_group, criterion_main};
use engines::echo::{Echo, Verdict};

fn frames() -> Vec<[i16; FRAME]> {
    let wav = include_bytes!("../assets/prompts/menu.wav");
    let samples = audio::wav::read(wav).expect("a WAV file");
    samples.as_chunks::<FRAME>().0.to_vec()
}

/// Two seconds of a prompt, with what comes back of it after `delay` frames, or with another voice.
fn after_two_seconds(frames: &[[i16; FRAME]], delay: Option<usize>) -> Echo {
    let mut echo = Echo::default();
    for (n, said) in frames[..100].iter().enumerate() {
        let mut codes = [0; FRAME];
        g711::encode_ulaw(said, &mut codes);
        echo.said(&codes);
        let back = delay.map_or(frames[199 - n], |delay| {
            n.checked_sub(delay).map_or([0; FRAME], |n| frames[n])
        });
        echo.heard(&back.map(|sample| sample / 8));
    }
    echo
}

fn bench(c: &mut Criterion) {
    let frames = frames();
    let mut group = c.benchmark_group("echo");
    let mut codes = [0; FRAME];
    g711::encode_ulaw(&frames[30], &mut codes);
    let mut echo = Echo::default();
    group.bench_function("a frame of both sides", |b| {
        b.iter(|| {
            echo.said(black_box(&codes));
            echo.heard(black_box(&frames[40]));
        });
    });
    let mut known = after_two_seconds(&frames, Some(9));
    assert_eq!(known.judge(), Verdict::Echo);
    group.bench_function("judge, its way known", |b| b.iter(|| black_box(&mut known).judge()));
    let mut other = after_two_seconds(&frames, None);
    group.bench_function("judge, no echo known", |b| b.iter(|| black_box(&mut other).judge()));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
