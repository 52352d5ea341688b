//! Making up 20 ms of lost sound, and what it costs to be ready for it.

use audio::{FRAME, conceal::Concealer, tone::DualTone};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn conceal(c: &mut Criterion) {
    let mut sound = [0; 10 * FRAME];
    DualTone::new(110.0, 550.0, -12.0).fill(&mut sound);
    let mut concealer = Concealer::new();
    concealer.heard(&mut sound);
    let mut group = c.benchmark_group("conceal");
    group.bench_function("a frame heard", |b| {
        let (mut concealer, mut frame) = (concealer.clone(), [500; FRAME]);
        b.iter(|| concealer.heard(black_box(&mut frame)));
    });
    group.bench_function("a frame from one side", |b| {
        b.iter_batched_ref(
            || (concealer.clone(), [0; FRAME]),
            |(concealer, frame)| concealer.conceal(black_box(frame)),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("a frame from both sides", |b| {
        b.iter_batched_ref(
            || (concealer.clone(), [0; FRAME]),
            |(concealer, frame)| {
                concealer.bridge(FRAME, sound[..FRAME].iter().copied());
                concealer.conceal(black_box(frame));
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, conceal);
criterion_main!(benches);
