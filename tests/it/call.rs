//! One call in virtual time: what it does in every state, told as short scenes.

mod barge_in;
mod journal;
mod kept;
mod properties;
mod scene;
mod speaking;
mod through_flows;
mod transferring;
mod writing;

use std::time::Duration;

use call::{Basis, Fallback, Input, Outcome, Stage, What, Why};
use intent::Cut;
use scene::Scene;

const BILLING: u32 = 0;
const TOM: u32 = 1;

#[test]
fn answers_greets_listens_decides_connects_and_says_so() {
    let mut scene = Scene::arrive();
    assert_eq!(scene.commands(), ["answer", "open media"]);
    scene.after(20, Input::Answered).after(5, Input::MediaUp);
    assert_eq!(scene.commands(), ["listen Test desk/greet", "play greeting"]);
    scene.after(20, Input::FirstAudio).ends(2_000, "greeting");
    scene.speaks().hears("it is about my bill", Cut::MidWord, BILLING, 0.99);
    scene.hears("it is about my bill", Cut::MidWord, BILLING, 0.99);
    assert_eq!(scene.connects_to(), ["billing"]);
    scene.after(4, Input::Accepted { attempt: 1 }).falls_silent();
    assert_eq!(scene.commands(), ["play billing"]);
    scene.audible("billing").after(700, Input::Connected { attempt: 1 });
    assert_eq!(scene.commands(), ["stop playing", "stop listening", "close media"]);
    scene.after(9_000, Input::AgentHungUp);
    assert_eq!(scene.commands(), ["hang up"]);
    scene.after(3, Input::CallerHungUp);
    assert_eq!(scene.commands(), ["finish"]);

    let record = scene.record();
    assert_eq!(record.outcome, Some(Outcome::Connected));
    assert_eq!(record.destination(), Some("billing"));
    let decision = record.decision.as_ref().expect("decided");
    assert_eq!((decision.basis, decision.intent.as_deref()), (Basis::Partial, Some("billing")));
    assert_eq!(record.act_ms(), Some(4.0));
    assert!(record.answer_ms().is_some_and(|ms| ms > 0.0));
    let stages: Vec<Stage> = record.waterfall.iter().map(|mark| mark.stage).collect();
    for stage in
        [Stage::RtpWait, Stage::Vad, Stage::SttPartial, Stage::Intent, Stage::Ari, Stage::Ring]
    {
        assert!(stages.contains(&stage), "{stage:?} is missing in {stages:?}");
    }
}

#[test]
fn a_digit_before_the_answer_is_kept() {
    let mut scene = Scene::arrive();
    scene.commands();
    scene.after(1, Input::Digit('0')).after(20, Input::MediaUp);
    assert_eq!(scene.commands(), [""; 0]);
    scene.after(20, Input::Answered);
    assert_eq!(scene.connects_to(), ["operator"]);
    assert_eq!(scene.record().decision.as_ref().map(|d| d.basis), Some(Basis::Digit));
}

#[test]
fn a_digit_during_speech_and_during_ringing_is_obeyed() {
    let mut scene = Scene::conversing();
    scene.speaks().after(300, Input::Digit('2'));
    assert_eq!(scene.connects_to(), ["billing"]);
    scene.after(5, Input::Accepted { attempt: 1 }).after(500, Input::Digit('0'));
    let commands = scene.commands();
    assert!(commands.contains(&"abandon 1".to_owned()), "{commands:?}");
    scene.after(5, Input::Accepted { attempt: 2 }).after(500, Input::Connected { attempt: 2 });
    assert_eq!(scene.record().destination(), Some("operator"));
}

#[test]
fn an_agent_who_answers_too_late_is_let_go() {
    let mut scene = Scene::conversing();
    scene.after(300, Input::Digit('2')).after(5, Input::Accepted { attempt: 1 });
    scene.after(500, Input::Digit('0'));
    scene.commands();
    scene.after(1, Input::Connected { attempt: 1 });
    assert_eq!(scene.commands(), ["abandon 1"]);
}

#[test]
fn an_unknown_digit_is_told() {
    let mut scene = Scene::conversing();
    scene.after(300, Input::Digit('7'));
    assert_eq!(scene.commands(), ["play again"]);
}

#[test]
fn silence_is_asked_once_and_then_handed_to_the_fallback() {
    let mut scene = Scene::conversing();
    scene.ends(100, "greeting").wakes();
    assert_eq!(scene.commands(), ["play still_there"]);
    scene.ends(1_500, "still_there").wakes();
    assert_eq!(scene.connects_to(), ["operator"]);
    assert_eq!(scene.record().decision.as_ref().map(|d| d.basis), Some(Basis::Fallback));
}

#[test]
fn an_unknown_wish_is_asked_once_more_and_then_handed_to_the_fallback() {
    let mut scene = Scene::conversing();
    scene.speaks().falls_silent().hears("a lemon cake", Cut::Final, BILLING, 0.1);
    assert_eq!(scene.commands(), ["hold", "play again"]);
    scene.audible("again").ends(1_500, "again");
    scene.speaks().falls_silent().hears("with sugar", Cut::Final, BILLING, 0.1);
    assert_eq!(scene.connects_to(), ["operator"]);
    assert_eq!(scene.record().words(), "a lemon cake / with sugar");
}

#[test]
fn a_noise_is_no_wish() {
    let mut scene = Scene::conversing();
    scene.ends(100, "greeting");
    scene.speaks().falls_silent().hears("", Cut::Final, BILLING, 0.0);
    assert_eq!(scene.commands(), [""; 0]);
    assert!(scene.deadline().is_some(), "silence must still be waited for");
}

#[test]
fn speaking_over_the_greeting_silences_it() {
    let mut scene = Scene::conversing();
    scene.speaks();
    assert_eq!(scene.commands(), ["hold"]);
}

#[test]
fn a_busy_destination_leads_to_its_next_choice_and_then_to_the_fallback_and_then_back() {
    let mut scene = Scene::conversing();
    scene.speaks().falls_silent().hears("tom becker", Cut::Final, TOM, 0.95);
    assert_eq!(scene.connects_to(), ["tom"]);
    for (attempt, next) in [(1, "billing"), (2, "operator")] {
        scene.after(5, Input::Accepted { attempt });
        scene.after(200, Input::NotConnected { attempt, why: Why::Busy });
        assert_eq!(scene.connects_to(), [next]);
    }
    scene.after(5, Input::NotConnected { attempt: 3, why: Why::Unavailable });
    assert_eq!(scene.commands(), ["play goodbye"]);
    scene.ends(900, "goodbye");
    assert_eq!(scene.commands(), ["give back"]);
    scene.after(5, Input::LeftForDialplan);
    assert_eq!(scene.commands(), ["finish"]);
    assert_eq!(scene.record().outcome, Some(Outcome::HandedBack));
    assert_eq!(scene.record().attempts.len(), 3);
}

#[test]
fn a_destination_that_rings_too_long_is_given_up() {
    let mut scene = Scene::conversing();
    scene.after(1, Input::Digit('2')).after(5, Input::Accepted { attempt: 1 });
    scene.commands();
    scene.wakes();
    let commands = scene.commands();
    assert!(commands.contains(&"abandon 1".to_owned()), "{commands:?}");
    assert_eq!(scene.overruns(), [(What::Stage(Stage::Ring), Fallback::NextDestination)]);
}

#[test]
fn a_slow_pbx_costs_the_destination() {
    let mut scene = Scene::conversing();
    scene.after(1, Input::Digit('2'));
    scene.commands();
    scene.wakes();
    let commands = scene.commands();
    assert!(commands.contains(&"abandon 1".to_owned()), "{commands:?}");
    assert_eq!(scene.overruns(), [(What::Stage(Stage::Ari), Fallback::NextDestination)]);
}

#[test]
fn a_dialplan_place_takes_the_caller() {
    let mut scene = Scene::conversing();
    scene.after(1, Input::Digit('4'));
    assert_eq!(scene.connects_to(), ["hours"]);
    scene.after(5, Input::Accepted { attempt: 1 }).after(5, Input::LeftForDialplan);
    assert_eq!(scene.commands(), ["finish"]);
    assert_eq!(scene.record().outcome, Some(Outcome::Connected));
    assert_eq!(scene.record().destination(), Some("hours"));
}

#[test]
fn a_late_final_reading_is_replaced_by_the_best_partial() {
    let mut scene = Scene::conversing();
    scene.speaks().hears("it is about my bill", Cut::MidWord, BILLING, 0.7).falls_silent().wakes();
    assert_eq!(scene.connects_to(), ["billing"]);
    assert_eq!(scene.overruns(), [(What::Stage(Stage::SttFinal), Fallback::BestPartial)]);
    assert_eq!(scene.record().decision.as_ref().map(|d| d.basis), Some(Basis::BestPartial));
}

#[test]
fn an_engine_that_fails_leads_to_the_digits_and_then_to_the_fallback() {
    let mut scene = Scene::conversing();
    scene.after(1, Input::RecognizerFailed("no model".to_owned()));
    assert_eq!(scene.commands(), ["play menu"]);
    scene.after(1, Input::RecognizerFailed("no model".to_owned()));
    assert_eq!(scene.connects_to(), ["operator"]);
    assert_eq!(scene.record().troubles.len(), 2);
}

#[test]
fn a_mute_line_is_offered_the_digits() {
    let mut scene = Scene::arrive();
    scene.commands();
    scene.after(20, Input::Answered).after(5, Input::MediaUp);
    scene.commands();
    scene.wakes();
    assert_eq!(scene.commands(), ["play menu"]);
    assert_eq!(scene.overruns(), [(What::Stage(Stage::RtpWait), Fallback::DigitMenu)]);
}

#[test]
fn a_call_that_cannot_be_set_up_goes_back_to_the_dialplan() {
    let mut slow = Scene::arrive();
    slow.commands();
    slow.wakes();
    assert_eq!(slow.commands(), ["give back"]);
    assert_eq!(slow.overruns(), [(What::Setup, Fallback::Dialplan)]);

    let mut failed = Scene::arrive();
    failed.commands();
    failed.after(3, Input::SetupFailed("no port".to_owned()));
    assert_eq!(failed.commands(), ["give back"]);
}

#[test]
fn a_caller_who_hangs_up_ends_the_call_in_every_state() {
    let greeting = |_: &mut Scene| {};
    let speaking = |scene: &mut Scene| {
        scene.speaks();
    };
    let waiting = |scene: &mut Scene| {
        scene.speaks().falls_silent();
    };
    let ringing = |scene: &mut Scene| {
        scene.after(1, Input::Digit('2')).after(5, Input::Accepted { attempt: 1 });
    };
    let leaving = |scene: &mut Scene| {
        ringing(scene);
        scene.after(5, Input::NotConnected { attempt: 1, why: Why::Busy });
        scene.after(5, Input::NotConnected { attempt: 2, why: Why::Busy });
    };
    let states: [&dyn Fn(&mut Scene); 5] = [&greeting, &speaking, &waiting, &ringing, &leaving];
    for (index, reach) in states.iter().enumerate() {
        let mut scene = Scene::conversing();
        reach(&mut scene);
        scene.commands();
        scene.after(10, Input::CallerHungUp);
        assert_eq!(scene.commands(), ["finish"], "state {index}");
        assert_eq!(scene.deadline(), None, "state {index}");
        assert_ne!(scene.record().outcome, Some(Outcome::Connected), "state {index}");
    }
    let mut arriving = Scene::arrive();
    arriving.commands();
    arriving.after(1, Input::CallerHungUp);
    assert_eq!(arriving.commands(), ["finish"]);
}

#[test]
fn a_whole_conversation_has_an_end() {
    let mut scene = Scene::conversing();
    scene.speaks();
    let end = scene.deadline().expect("a caller who never stops is waited for, but not for ever");
    assert!(end <= Duration::from_secs(120));
    let connects = std::iter::repeat_with(|| scene.wakes().connects_to());
    assert_eq!(connects.take(20).find(|names| !names.is_empty()), Some(vec!["operator".into()]));
}
