//! A caller is understood, connected, and hears and is heard.

use std::time::Duration;

use tests::sipp::{Act, Behaviour, Caller, End, Phone};
use tests::softphone::Background;

use crate::{DID, PATIENCE, Stage, answered, hears, hears_tone, recording};

const CALLER_HZ: f64 = 700.0;
const AGENT_HZ: f64 = 1_100.0;
const SOON: Behaviour = Behaviour::Answers(Duration::from_millis(300));
const AGENT: Background = Background::Tone(AGENT_HZ);

#[test]
fn a_caller_is_understood_and_bridged_to_the_helpdesk_and_both_hear_each_other() {
    let Some(stage) = Stage::set() else { return };
    understood_and_bridged(&stage);
}

/// The whole of an ordinary call.
pub(crate) fn understood_and_bridged(stage: &Stage) {
    let helpdesk = Phone::start(&stage.asterisk, "helpdesk", SOON, AGENT).expect("a phone");
    let mut caller = Caller::new("100", DID);
    caller.name = "locked-account".to_owned();
    let caller = caller.at(Duration::ZERO, Act::Say(recording("locked-account")));
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(&helpdesk);
    // Both send their tone for as long as the other needs to hear it.
    let mut tone = vec![0; 24_000];
    audio::tone::Sine::new(CALLER_HZ, -12.0).fill(&mut tone);
    caller.act(Act::Say(tone));
    hears(&caller, AGENT_HZ);
    helpdesk
        .wait(PATIENCE, |calls| hears_tone(&calls[0].recording.heard, CALLER_HZ))
        .expect("the agent hears the caller");
    helpdesk.hang_up();
    let record = caller.finish(PATIENCE).expect("the caller is hung up");
    assert!(matches!(record.ended, Some((_, End::Theirs))), "{:?}", record.ended);
    let call = stage.next_call();
    assert_eq!(call["destination"], "helpdesk", "{call}");
    assert_eq!(call["intent"], "reset_password", "{call}");
    assert_eq!(call["outcome"], "connected", "{call}");
    stage.nothing_is_left();
}

#[test]
fn a_busy_destination_leads_to_its_next_choice() {
    let Some(stage) = Stage::set() else { return };
    let _tom =
        Phone::start(&stage.asterisk, "tom", Behaviour::Refuses(486), AGENT).expect("a phone");
    let operator = Phone::start(&stage.asterisk, "operator", SOON, AGENT).expect("a phone");
    let mut caller = Caller::new("100", DID);
    caller.name = "tom-becker".to_owned();
    let caller = caller.at(Duration::ZERO, Act::Say(recording("tom-becker")));
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let call = stage.hang_up(caller);
    assert_eq!(call["destination"], "operator", "{call}");
    assert_eq!(call["attempts"][0]["destination"], "tom", "{call}");
    assert_eq!(call["attempts"][0]["failed"], "busy", "{call}");
}

#[test]
fn a_destination_that_does_not_answer_leads_to_the_fallback() {
    let Some(stage) = Stage::set_with(|text| text.replace("ring_s = 20", "ring_s = 2")) else {
        return;
    };
    let _helpdesk =
        Phone::start(&stage.asterisk, "helpdesk", Behaviour::NeverAnswers, AGENT).expect("a phone");
    let operator = Phone::start(&stage.asterisk, "operator", SOON, AGENT).expect("a phone");
    let caller = Caller::new("100", DID).at(Duration::from_millis(500), Act::Press('1'));
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let call = stage.hang_up(caller);
    assert_eq!(call["destination"], "operator", "{call}");
    assert_eq!(call["attempts"][0]["failed"], "noanswer", "{call}");
}

#[test]
fn a_digit_pressed_before_media_stands_is_obeyed() {
    let Some(stage) = Stage::set() else { return };
    let operator = Phone::start(&stage.asterisk, "operator", SOON, AGENT).expect("a phone");
    let caller = Caller::new("100", DID).at(Duration::ZERO, Act::Press('0'));
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let call = stage.hang_up(caller);
    assert_eq!(call["destination"], "operator", "{call}");
    assert_eq!(call["decided_by"], "digit", "{call}");
}

#[test]
fn a_dialplan_place_takes_the_caller() {
    let Some(stage) = Stage::set_with(|text| text.replace("0 = \"operator\"", "0 = \"hours\""))
    else {
        return;
    };
    let caller = Caller::new("100", DID).at(Duration::from_millis(300), Act::Press('0'));
    let caller = caller.start(&stage.asterisk).expect("a caller");
    hears(&caller, 440.0);
    let call = stage.hang_up(caller);
    assert_eq!(
        (&call["destination"], &call["outcome"]),
        (&"hours".into(), &"connected".into()),
        "{call}"
    );
}

#[test]
fn a_dialplan_place_that_does_not_exist_leads_to_the_fallback() {
    let Some(stage) = Stage::set_with(|text| {
        text.replace("0 = \"operator\"", "0 = \"hours\"")
            .replace("queues,tone,1", "nowhere,at_all,1")
    }) else {
        return;
    };
    let operator = Phone::start(&stage.asterisk, "operator", SOON, AGENT).expect("a phone");
    let caller = Caller::new("100", DID).at(Duration::from_millis(300), Act::Press('0'));
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let call = stage.hang_up(caller);
    assert_eq!(call["destination"], "operator", "{call}");
}

#[test]
fn a_call_that_nobody_takes_goes_back_to_the_dialplan() {
    let Some(stage) = Stage::set_with(|text| text.replace("PJSIP/", "PJSIP/nobody-")) else {
        return;
    };
    // The sample dialplan rings this phone behind the line that handed the call over.
    let operator = Phone::start(&stage.asterisk, "operator", SOON, AGENT).expect("a phone");
    let caller = Caller::new("100", DID).at(Duration::from_millis(300), Act::Press('0'));
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let call = stage.hang_up(caller);
    assert_eq!(
        (&call["destination"], &call["outcome"]),
        (&().into(), &"handed_back".into()),
        "{call}"
    );
}
