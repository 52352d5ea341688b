//! What understanding costs: learning a front desk once, and ranking every reading of a caller.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use intent::{Commit, CommitConfig, Cut, Examples, IntentExamples, Model};

/// Readings of one caller as they grow.
const READINGS: [&str; 3] = [
    "hi um i forgot",
    "hi um i forgot my pass word",
    "hi um i forgot my pass word and i am in a hurry because my boss is waiting for the numbers",
];

fn front_desk() -> Examples {
    let mut examples = Examples::default();
    for line in include_str!("../crates/intent/tests/front_desk.txt").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let name = name.to_owned();
            examples.intents.push(IntentExamples { name, ..IntentExamples::default() });
        } else if let Some(intent) = examples.intents.last_mut()
            && !line.is_empty()
            && !line.starts_with("keywords:")
        {
            intent.phrases.push(line.to_owned());
        }
    }
    examples
}

fn intent(criterion: &mut Criterion) {
    let examples = front_desk();
    let model = Model::learn(&examples).expect("the sample front desk is sound");
    let mut group = criterion.benchmark_group("intent");
    group.bench_function("learn 8 intents of 10 phrases", |bencher| {
        bencher.iter(|| Model::learn(black_box(&examples)));
    });
    for reading in READINGS {
        let words = reading.split(' ').count();
        group.bench_function(format!("rank {words} words"), |bencher| {
            bencher.iter(|| model.rank(black_box(reading)));
        });
    }
    let text = "my laptop is broken and i do not know";
    let ranking = model.rank(text);
    let mut commit = Commit::new(CommitConfig::default());
    group.bench_function("commit rule", |bencher| {
        bencher.iter(|| commit.observe(black_box(&ranking), text, Cut::MidWord));
    });
    group.finish();
}

criterion_group!(benches, intent);
criterion_main!(benches);
