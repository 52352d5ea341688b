//! Steps of the flow interpreter, a whole ready-made call, and the reading of a document.
//!
//! The interpreter must make a million node steps a second on one core.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flow::{Book, Civil, Effect, Facts, Flow, Input, MOST_STEPS, Reply, Run, TaskId};

/// Goes round until the cap: it counts, decides by an expression, looks at the clock.
const ROUND: &str = r#"
schema = 1
name = "round"
start = "count"
[hours.office.open]
"mon-fri" = ["09:00-12:00", "13:00-17:00"]
[node.count]
set = { count = "default(vars.count, 0) + 1" }
to = { done = "decide" }
[node.decide]
decide = [
  { when = "vars.count > 1000000", exit = "out" },
  { when = "caller.number in [\"1\", \"2\"] and clock.hour < 9", exit = "out" },
]
to = { out = "hang_up", otherwise = "hours" }
[node.hours]
hours = "office"
to = { open = "count", closed = "count" }
"#;

/// Goes round with a caller who answers every question.
const TALK: &str = r#"
schema = 1
name = "talk"
start = "say"
[node.say]
say = { prompt = "You have said {call.answer}." }
to = { done = "ask" }
[node.ask.menu]
prompt = "Press 1 or 2."
keys = { 1 = "one", 2 = "two" }
[node.ask.to]
one = "say"
two = "hang_up"
"#;

fn flow(text: &str) -> Arc<Flow> {
    Arc::new(Flow::parse("bench.toml", text, &Book::default()).expect("it is right"))
}

fn run(flow: &Arc<Flow>) -> Run {
    let facts = Facts {
        caller_number: "+441234567".to_owned(),
        caller_name: String::new(),
        called_number: "100".to_owned(),
        clock: Civil::parse("2026-03-03 10:00").expect("a moment"),
        language: None,
        caller: BTreeMap::new(),
    };
    let mut run = Run::new(flow.clone(), facts);
    run.handle(Duration::ZERO, Input::Begin);
    run
}

fn benches(c: &mut Criterion) {
    let steps = u64::try_from(MOST_STEPS).expect("a small number");
    let mut group = c.benchmark_group("flow");
    group.throughput(Throughput::Elements(steps));
    let round = flow(ROUND);
    group.bench_function("steps that wait for nothing", |b| {
        b.iter(|| {
            let run = run(&round);
            assert_eq!(run.trace().len(), MOST_STEPS);
            run
        });
    });
    let talk = flow(TALK);
    group.bench_function("steps with a prompt or a key each", |b| {
        b.iter(|| {
            let mut run = run(&talk);
            while run.trace().len() < MOST_STEPS {
                let mut begun = TaskId(0);
                while let Some(effect) = run.poll() {
                    if let Effect::Do { task, .. } = black_box(effect) {
                        begun = task;
                    }
                }
                let reply = match run.trace().len() % 2 {
                    1 => Reply::Done,
                    _ => Reply::Digits("1".to_owned()),
                };
                run.handle(Duration::from_secs(1), Input::Told { task: begun, reply });
            }
            run
        });
    });
    group.finish();
    let text = include_str!("../assets/flows/password_reset.toml");
    let book = Book { destinations: ["helpdesk".to_owned()].into(), ..Book::default() };
    c.bench_function("flow: password_reset.toml, read and checked", |b| {
        b.iter(|| Flow::parse("password_reset.toml", black_box(text), &book));
    });
}

criterion_group!(group, benches);
criterion_main!(group);
