//! Agents who hand callers on.

use call::{Input, Outcome, Why};

use super::scene::Scene;

/// A call whose caller talks with the operator.
fn talking() -> Scene {
    let mut scene = Scene::conversing();
    scene.after(500, Input::Digit('0')).commands();
    scene.after(4, Input::Accepted { attempt: 1 });
    scene.after(900, Input::Connected { attempt: 1 }).commands();
    scene
}

fn asked(scene: &mut Scene, to: &str) -> Vec<String> {
    scene.after(5_000, Input::TransferAsked { attempt: 1, to: to.to_owned() }).commands()
}

/// How the call ended, who took the caller, and who has the caller now.
fn end(scene: &Scene) -> (Option<Outcome>, Option<&str>, Option<&str>) {
    let record = scene.record();
    (record.outcome, record.destination(), record.transferred.as_deref())
}

#[test]
fn a_transfer_that_asterisk_makes_is_followed_to_its_end() {
    let mut scene = talking();
    scene.after(5_000, Input::Transferred { to: "700".to_owned() });
    assert_eq!(scene.commands(), [""; 0]);
    let there = (Some(Outcome::Transferred), Some("operator"), Some("700"));
    assert_eq!(end(&scene), there);
    // Who has the caller now hangs up, and then the caller does.
    assert_eq!(scene.after(9_000, Input::AgentHungUp).commands(), ["hang up"]);
    scene.after(50, Input::CallerHungUp);
    assert_eq!((scene.commands(), end(&scene)), (vec!["finish".to_owned()], there));
}

#[test]
fn a_phone_names_a_destination_and_the_caller_is_handed_on_once_it_answers() {
    for named in ["billing", "tom"] {
        let mut scene = talking();
        let connect = format!("connect {named}");
        assert_eq!(asked(&mut scene, named), [&*connect, "play music default"]);
        assert_eq!(scene.after(4, Input::Accepted { attempt: 2 }).commands(), ["tell 1: Rings"]);
        let joined = ["stop playing", "tell 1: Done"];
        assert_eq!(scene.after(900, Input::Connected { attempt: 2 }).commands(), joined);
        assert_eq!(end(&scene), (Some(Outcome::Transferred), Some("operator"), Some(named)));
        assert_eq!(scene.after(900, Input::AgentHungUp).commands(), ["hang up"]);
    }
}

#[test]
fn nobody_but_a_destination_can_be_named() {
    for named in ["15550100", "PJSIP/15550100@carrier", "hours", ""] {
        let mut scene = talking();
        assert_eq!(asked(&mut scene, named), ["tell 1: Refused"], "{named}");
        assert_eq!(end(&scene).0, Some(Outcome::Connected));
        assert!(scene.record().troubles[0].contains("no destination"));
    }
}

#[test]
fn a_caller_whom_nobody_takes_stays_with_the_agent() {
    let mut scene = talking();
    asked(&mut scene, "billing");
    assert_eq!(asked(&mut scene, "tom"), ["tell 1: Refused"]);
    let not = Input::NotConnected { attempt: 2, why: Why::Busy };
    assert_eq!(scene.after(90, not).commands(), ["stop playing", "tell 1: NotTaken"]);
    assert_eq!(end(&scene), (Some(Outcome::Connected), Some("operator"), None));
    // The next try may succeed, and one that is not told of its end is given up.
    asked(&mut scene, "tom");
    let given_up = ["abandon 3", "stop playing", "tell 1: NotTaken"];
    assert_eq!(scene.wakes().commands(), given_up);
    assert_eq!(scene.after(900, Input::AgentHungUp).commands(), ["hang up"]);
}

#[test]
fn an_agent_need_not_wait_for_the_end_of_a_transfer() {
    for taken in [true, false] {
        let mut scene = talking();
        asked(&mut scene, "billing");
        assert_eq!(scene.after(90, Input::AgentHungUp).commands(), [""; 0]);
        match taken {
            true => {
                scene.after(900, Input::Connected { attempt: 2 }).commands();
                assert_eq!(end(&scene).0, Some(Outcome::Transferred));
            }
            false => {
                let not = Input::NotConnected { attempt: 2, why: Why::NoAnswer };
                let over = ["stop playing", "tell 1: NotTaken", "hang up"];
                assert_eq!(scene.after(900, not).commands(), over);
            }
        }
    }
}
