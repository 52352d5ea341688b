//! A caller hangs up in each phase of a call, and nothing is left.

use std::time::Duration;

use tests::sipp::{Act, Behaviour, Caller, CallerRun, End, Phone};
use tests::softphone::Background;

use crate::{DID, PATIENCE, Stage, hears, recording};

const AGENT_HZ: f64 = 1_100.0;

fn calls(stage: &Stage, caller: Caller) -> CallerRun {
    caller.start(&stage.asterisk).expect("a caller")
}

/// The call's record says `outcome`, and nothing is left.
fn ended(stage: &Stage, caller: CallerRun, outcome: &str) {
    caller.finish(PATIENCE).expect("over");
    let call = stage.next_call();
    assert_eq!(call["outcome"], outcome, "{call}");
    stage.nothing_is_left();
}

#[test]
fn in_each_phase_nothing_is_left() {
    let Some(stage) = Stage::set() else { return };
    let ms = Duration::from_millis;

    let before_the_answer = calls(&stage, Caller::new("100", DID).cancelling());
    ended(&stage, before_the_answer, "abandoned");

    let at_once = calls(&stage, Caller::new("100", DID).at(Duration::ZERO, Act::HangUp));
    ended(&stage, at_once, "abandoned");

    let during_the_greeting = calls(&stage, Caller::new("100", DID).at(ms(900), Act::HangUp));
    ended(&stage, during_the_greeting, "abandoned");

    let audio = recording("hangs-up");
    let speaking = Caller::new("100", DID).at(Duration::ZERO, Act::Say(audio));
    let while_speaking = calls(&stage, speaking.at(ms(3_600), Act::HangUp));
    ended(&stage, while_speaking, "abandoned");

    let operator =
        Phone::start(&stage.asterisk, "operator", Behaviour::NeverAnswers, Background::Silence)
            .expect("a phone");
    let while_it_rings = calls(&stage, Caller::new("100", DID).at(ms(300), Act::Press('0')));
    operator
        .wait(PATIENCE, |calls| calls.iter().any(|call| call.rang_at.is_some()))
        .expect("rings");
    while_it_rings.act(Act::HangUp);
    ended(&stage, while_it_rings, "abandoned");
    operator
        .wait(PATIENCE, |calls| calls.iter().all(|call| call.ended.is_some()))
        .expect("the phone stops ringing");
    drop(operator);

    let soon = Behaviour::Answers(ms(200));
    let operator = Phone::start(&stage.asterisk, "operator", soon, Background::Tone(AGENT_HZ))
        .expect("a phone");
    let while_they_talk = calls(&stage, Caller::new("100", DID).at(ms(300), Act::Press('0')));
    operator
        .wait(PATIENCE, |calls| calls.iter().any(|call| call.answered_at.is_some()))
        .expect("answers");
    hears(&while_they_talk, AGENT_HZ);
    while_they_talk.act(Act::HangUp);
    ended(&stage, while_they_talk, "connected");
    operator
        .wait(PATIENCE, |calls| calls.iter().all(|call| call.ended.is_some()))
        .expect("the agent is hung up too");
}

/// The answer, the joining of the media leg and the hang-up meet in every order when callers are this quick.
#[test]
fn quick_callers_are_abandoned_calls_and_nothing_else() {
    const TOGETHER: usize = 10;
    let Some(stage) = Stage::set() else { return };
    for round in 0..20 {
        let caller = |index: usize| Caller::new(&format!("{round}{index}"), DID);
        let quick = |index: usize| match round % 2 {
            0 => caller(index).cancelling(),
            _ => caller(index).at(Duration::ZERO, Act::HangUp),
        };
        let callers: Vec<_> = (0..TOGETHER).map(|index| calls(&stage, quick(index))).collect();
        for caller in callers {
            let over = caller.finish(PATIENCE).expect("over");
            assert!(over.ended.is_some_and(|(_, end)| end != End::Broken), "{over:?}");
        }
        for _ in 0..TOGETHER {
            let call = stage.next_call();
            assert_eq!(call["outcome"], "abandoned", "{call}");
        }
    }
    stage.nothing_is_left();
}
