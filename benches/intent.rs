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
    let model = Model::learn(&large(150, 100)).expect("the made-up intents are sound");
    group.bench_function("rank a whole turn among 150 intents of 100 phrases", |bencher| {
        bencher
            .iter(|| model.rank_whole(black_box("can you tell me about the bagolu of my tiremo")));
    });
    group.finish();
}

/// Made-up intents, each with an own subject in sentences that they all share: as many features as real
/// ones, without a corpus.
fn large(intents: usize, phrases: usize) -> Examples {
    const SYLLABLES: [&str; 12] =
        ["ba", "ti", "go", "re", "lu", "mo", "ka", "se", "ni", "po", "da", "fe"];
    const OPENERS: [&str; 10] = [
        "i have a question about",
        "can you tell me about",
        "what is",
        "i would like to change",
        "please cancel",
        "where do i find",
        "somebody took",
        "how long until",
        "do you know",
        "i am calling because of",
    ];
    let word = |mut number: usize| {
        let mut word = String::new();
        for _ in 0..3 {
            word.push_str(SYLLABLES[number % SYLLABLES.len()]);
            number /= SYLLABLES.len();
        }
        word
    };
    let intent = |at: usize| IntentExamples {
        name: word(at),
        phrases: (0..phrases)
            .map(|n| {
                let opener = OPENERS[n % OPENERS.len()];
                let (subject, owner) = (word(at * 7 + n % 7), word(n * 11 + at));
                format!("{opener} the {subject} of my {owner} {}", word(at))
            })
            .collect(),
        ..IntentExamples::default()
    };
    Examples { intents: (0..intents).map(intent).collect(), ..Examples::default() }
}

criterion_group!(benches, intent);
criterion_main!(benches);
