//! One step of the call's core, and a whole call.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use call::{Call, Course, Heard, Input, PlayId, Receptionist};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use flow::{Civil, Facts};
use intent::{Cut, IntentId, Ranking, Scored};

const MS: Duration = Duration::from_millis(1);

type Desk = (Arc<Receptionist>, Course);

fn desk() -> Desk {
    let text = include_str!("../assets/receptionist.toml");
    let desk = Receptionist::parse("receptionist.toml", text).expect("the sample is well formed");
    let course = desk.course().expect("it can be a flow");
    (Arc::new(desk), course)
}

fn facts() -> Facts {
    Facts {
        caller_number: "+441234".to_owned(),
        caller_name: "Ann".to_owned(),
        called_number: "100".to_owned(),
        clock: Civil::parse("2026-03-03 10:00").expect("a moment"),
        language: None,
        caller: BTreeMap::new(),
    }
}

fn drain(call: &mut Call) {
    while let Some(command) = call.poll() {
        black_box(command);
    }
}

/// A call whose caller speaks.
fn listening((desk, course): &Desk) -> Call {
    let mut call = Call::new(desk.clone(), course.clone(), facts());
    call.handle(5 * MS, Input::Answered);
    call.handle(20 * MS, Input::MediaUp);
    call.handle(40 * MS, Input::FirstAudio);
    call.handle(2_000 * MS, Input::PromptEnded(PlayId(1)));
    call.handle(2_500 * MS, Input::SpeechStarted { at: 2_400 * MS });
    drain(&mut call);
    call
}

fn reading(probability: f32) -> Input {
    let scored = Scored { intent: IntentId(2), probability };
    Input::Heard(Heard {
        cut: Cut::MidWord,
        text: "there is a mistake on my".to_owned(),
        slots: Vec::new(),
        ranking: Ranking { intents: vec![scored], none: 1.0 - probability, ..Ranking::silence() },
        through: 2_800 * MS,
        asked: 2_820 * MS,
        done: 2_860 * MS,
        ranked_in: MS / 20,
    })
}

fn benches(c: &mut Criterion) {
    let desk = desk();
    c.bench_function("call: a reading that decides nothing", |b| {
        b.iter_batched_ref(
            || (listening(&desk), Some(reading(0.3))),
            |(call, reading)| {
                call.handle(2_860 * MS, reading.take().expect("one a batch"));
                drain(call);
            },
            BatchSize::SmallInput,
        );
    });
    c.bench_function("call: from arrival to connected", |b| {
        b.iter(|| {
            let mut call = listening(&desk);
            for at in [2_860, 3_020] {
                call.handle(at * MS, reading(0.99));
                drain(&mut call);
            }
            call.handle(3_025 * MS, Input::Accepted { attempt: 1 });
            call.handle(4_000 * MS, Input::Connected { attempt: 1 });
            drain(&mut call);
            call.handle(9_000 * MS, Input::CallerHungUp);
            drain(&mut call);
            call
        });
    });
}

criterion_group!(group, benches);
criterion_main!(group);
