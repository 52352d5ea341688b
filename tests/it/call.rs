//! One call in virtual time: what it does in every state, told as short scenes.

mod barge_in;
mod properties;
mod scene;

use std::time::Duration;

use call::{Basis, Command, Fallback, Input, Outcome, Prompt, Stage, What, Why};
use intent::Cut;
use scene::Scene;

const BILLING: u32 = 0;
const TOM: u32 = 1;

#[test]
fn answers_greets_listens_decides_connects_and_says_so() {
    let mut scene = Scene::arrive();
    assert_eq!(scene.commands(), [Command::Answer, Command::OpenMedia]);
    scene.after(20, Input::Answered).after(5, Input::MediaUp);
    assert_eq!(scene.commands(), [Command::Listen, Command::Play(Prompt::Greeting)]);
    scene.after(20, Input::FirstAudio).after(2_000, Input::PromptEnded(Prompt::Greeting));
    scene.speaks().hears("it is about my bill", Cut::MidWord, BILLING, 0.99);
    scene.hears("it is about my bill", Cut::MidWord, BILLING, 0.99);
    assert_eq!(scene.connects_to(), ["billing"]);
    scene.after(4, Input::Accepted { attempt: 1 }).falls_silent();
    let billing = scene.destination("billing");
    assert_eq!(scene.commands(), [Command::Play(Prompt::Connecting(billing))]);
    scene.audible(Prompt::Connecting(billing)).after(700, Input::Connected { attempt: 1 });
    assert_eq!(
        scene.commands(),
        [Command::StopPlaying, Command::StopListening, Command::CloseMedia]
    );
    scene.after(9_000, Input::AgentHungUp);
    assert_eq!(scene.commands(), [Command::HangUp]);
    scene.after(3, Input::CallerHungUp);
    assert_eq!(scene.commands(), [Command::Finish]);

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
    assert_eq!(scene.commands(), []);
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
    assert!(commands.contains(&Command::Abandon { attempt: 1 }), "{commands:?}");
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
    assert_eq!(scene.commands(), [Command::Abandon { attempt: 1 }]);
}

#[test]
fn an_unknown_digit_offers_the_menu() {
    let mut scene = Scene::conversing();
    scene.after(300, Input::Digit('7'));
    assert_eq!(scene.commands(), [Command::Play(Prompt::Menu)]);
}

#[test]
fn silence_is_asked_once_and_then_handed_to_the_fallback() {
    let mut scene = Scene::conversing();
    scene.after(100, Input::PromptEnded(Prompt::Greeting)).wakes();
    assert_eq!(scene.commands(), [Command::Play(Prompt::StillThere)]);
    scene.after(1_500, Input::PromptEnded(Prompt::StillThere)).wakes();
    assert_eq!(scene.connects_to(), ["operator"]);
    assert_eq!(scene.record().decision.as_ref().map(|d| d.basis), Some(Basis::Fallback));
}

#[test]
fn an_unknown_wish_is_asked_once_more_and_then_handed_to_the_fallback() {
    let mut scene = Scene::conversing();
    scene.speaks().falls_silent().hears("a lemon cake", Cut::Final, BILLING, 0.1);
    assert_eq!(scene.commands(), [Command::HoldPlaying, Command::Play(Prompt::Again)]);
    scene.audible(Prompt::Again).after(1_500, Input::PromptEnded(Prompt::Again));
    scene.speaks().falls_silent().hears("with sugar", Cut::Final, BILLING, 0.1);
    assert_eq!(scene.connects_to(), ["operator"]);
    assert_eq!(scene.record().words(), "a lemon cake / with sugar");
}

#[test]
fn a_noise_is_no_wish() {
    let mut scene = Scene::conversing();
    scene.after(100, Input::PromptEnded(Prompt::Greeting));
    scene.speaks().falls_silent().hears("", Cut::Final, BILLING, 0.0);
    assert_eq!(scene.commands(), []);
    assert!(scene.deadline().is_some(), "silence must still be waited for");
}

#[test]
fn speaking_over_the_greeting_silences_it() {
    let mut scene = Scene::conversing();
    scene.speaks();
    assert_eq!(scene.commands(), [Command::HoldPlaying]);
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
    assert_eq!(scene.commands(), [Command::Play(Prompt::Goodbye)]);
    scene.after(900, Input::PromptEnded(Prompt::Goodbye));
    assert_eq!(scene.commands(), [Command::GiveBack]);
    scene.after(5, Input::LeftForDialplan);
    assert_eq!(scene.commands(), [Command::Finish]);
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
    assert!(commands.contains(&Command::Abandon { attempt: 1 }), "{commands:?}");
    assert_eq!(scene.overruns(), [(What::Stage(Stage::Ring), Fallback::NextDestination)]);
}

#[test]
fn a_slow_pbx_costs_the_destination() {
    let mut scene = Scene::conversing();
    scene.after(1, Input::Digit('2'));
    scene.commands();
    scene.wakes();
    let commands = scene.commands();
    assert!(commands.contains(&Command::Abandon { attempt: 1 }), "{commands:?}");
    assert_eq!(scene.overruns(), [(What::Stage(Stage::Ari), Fallback::NextDestination)]);
}

#[test]
fn a_dialplan_place_takes_the_caller() {
    let mut scene = Scene::conversing();
    scene.after(1, Input::Digit('4'));
    assert_eq!(scene.connects_to(), ["hours"]);
    scene.after(5, Input::Accepted { attempt: 1 }).after(5, Input::LeftForDialplan);
    assert_eq!(scene.commands(), [Command::Finish]);
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
    assert_eq!(scene.commands(), [Command::Play(Prompt::Menu)]);
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
    assert_eq!(scene.commands(), [Command::Play(Prompt::Menu)]);
    assert_eq!(scene.overruns(), [(What::Stage(Stage::RtpWait), Fallback::DigitMenu)]);
}

#[test]
fn a_call_that_cannot_be_set_up_goes_back_to_the_dialplan() {
    let mut slow = Scene::arrive();
    slow.commands();
    slow.wakes();
    assert_eq!(slow.commands(), [Command::GiveBack]);
    assert_eq!(slow.overruns(), [(What::Setup, Fallback::Dialplan)]);

    let mut failed = Scene::arrive();
    failed.commands();
    failed.after(3, Input::SetupFailed("no port".to_owned()));
    assert_eq!(failed.commands(), [Command::GiveBack]);
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
        assert_eq!(scene.commands(), [Command::Finish], "state {index}");
        assert_eq!(scene.deadline(), None, "state {index}");
        assert_ne!(scene.record().outcome, Some(Outcome::Connected), "state {index}");
    }
    let mut arriving = Scene::arrive();
    arriving.commands();
    arriving.after(1, Input::CallerHungUp);
    assert_eq!(arriving.commands(), [Command::Finish]);
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
