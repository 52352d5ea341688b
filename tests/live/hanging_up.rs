//! A caller hangs up in each phase of a call, and nothing is left.

use std::time::Duration;

use tests::sipp::{Act, Behaviour, Caller, CallerRun, Phone};
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

    let at_once = calls(&stage, Caller::new("100", DID).at(ms(40), Act::HangUp));
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
