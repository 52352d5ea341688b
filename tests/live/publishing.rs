//! Flows are published while calls go on, on a real Asterisk.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use tests::asterisk::Asterisk;
use tests::patchcord::{Patchcord, program};
use tests::sipp::{Act, Behaviour, Caller, Phone};
use tests::softphone::Background;

use crate::{DID, PATIENCE, Stage, hears, poll, unless_skipped};

const SOON: Behaviour = Behaviour::Answers(Duration::from_millis(300));
const OPERATOR_HZ: f64 = 1_100.0;
const HELPDESK_HZ: f64 = 700.0;

/// Within this time new calls take what was published.
const SEEN: Duration = Duration::from_secs(2);

/// A flow that connects whoever presses 1.
fn to(destination: &str) -> String {
    format!(
        r#"
        schema = 1
        name = "desk"
        start = "menu"
        [node.menu]
        menu = {{ prompt = {{ file = "prompts/menu.wav" }}, keys = {{ 1 = "go" }} }}
        to = {{ go = "go" }}
        [node.go]
        connect = {{ destination = "{destination}" }}
        "#
    )
}

/// What a command of the same configuration prints.
fn says(stage: &Stage, words: &[&str]) -> String {
    let mut command = Command::new(program().expect("built"));
    let output = command.current_dir(stage.patchcord.folder()).args(words).output();
    let output = output.expect("it runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words:?}: {complaint}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn publish(stage: &Stage, destination: &str) {
    std::fs::write(stage.patchcord.folder().join("desk.toml"), to(destination)).expect("writable");
    let words = ["flow", "publish", "desk.toml", "--as", "desk", "--by", "maria", "--reason"];
    says(stage, &[&words[..], &[destination]].concat());
}

/// The calls that are kept, the latest first.
pub(crate) fn kept(stage: &Stage) -> Vec<Value> {
    let lines = says(stage, &["calls", "--json", "--limit", "500"]);
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_call_keeps_its_version_and_the_next_takes_what_was_published_meanwhile() {
    let stage = Asterisk::start().and_then(|asterisk| {
        let url = asterisk.ari_url();
        let patchcord = Patchcord::start_with(&asterisk, &url, |text| text, "[store]\n")?;
        Ok(Stage { asterisk, patchcord })
    });
    let Some(stage) = unless_skipped(stage) else { return };
    let phone = |name, hz| Phone::start(&stage.asterisk, name, SOON, Background::Tone(hz));
    let _operator = phone("operator", OPERATOR_HZ).expect("a phone");
    let _helpdesk = phone("helpdesk", HELPDESK_HZ).expect("a phone");
    publish(&stage, "operator");
    says(&stage, &["number", "set", DID, "--flow", "desk", "--by", "maria", "--reason", "new"]);
    sleep(SEEN);

    let first = Caller::new("100", DID).start(&stage.asterisk).expect("a caller");
    let one = |calls: &Vec<Value>| calls.len() == 1;
    assert!(one(&poll(PATIENCE, || kept(&stage), one)), "a call is kept when it begins");
    publish(&stage, "helpdesk");
    sleep(SEEN);
    let second = Caller::new("100", DID).at(Duration::from_millis(1_500), Act::Press('1'));
    let second = second.start(&stage.asterisk).expect("a caller");
    hears(&second, HELPDESK_HZ);
    second.act(Act::HangUp);
    let call = stage.next_call();
    assert_eq!((&call["flow"]["version"], &call["destination"]), (&2.into(), &"helpdesk".into()));

    first.act(Act::Press('1'));
    hears(&first, OPERATOR_HZ);
    first.act(Act::HangUp);
    let call = stage.next_call();
    assert_eq!((&call["flow"]["version"], &call["destination"]), (&1.into(), &"operator".into()));
    first.finish(PATIENCE).expect("it hung up");
    second.finish(PATIENCE).expect("it hung up");
    stage.nothing_is_left();

    let whole = |calls: &Vec<Value>| {
        calls.len() == 2 && calls.iter().all(|call| call["outcome"] == "connected")
    };
    let calls = poll(PATIENCE, || kept(&stage), whole);
    assert!(whole(&calls), "{calls:?}");
    let shown = says(&stage, &["calls", "show", calls[1]["id"].as_str().expect("an id")]);
    assert!(shown.contains("desk version 1") && shown.contains("menu > go"), "{shown}");
}
