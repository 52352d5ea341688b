//! The three clocks, on the sample calls, one at a time, against a real Asterisk.
//!
//! Asserts where each call ends and that no early commit is wrong; the clocks are printed, never asserted: machines are
//! noisy.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tests::patchcord::assets;
use tests::sipp::{Act, Behaviour, Caller, Phone};
use tests::softphone::Background;

use crate::{DID, PATIENCE, Stage, recording};

/// How long caller and agent stay connected.
const TALK: Duration = Duration::from_millis(700);

#[test]
fn every_sample_call_ends_where_its_label_says() {
    let Some(stage) = Stage::set() else { return };
    let phones: BTreeMap<&str, Phone> =
        ["helpdesk", "billing", "sales", "operator", "security", "maria", "tom"]
            .into_iter()
            .map(|name| {
                let behaviour = match name {
                    "tom" => Behaviour::Refuses(486),
                    _ => Behaviour::Answers(Duration::from_millis(500)),
                };
                let phone = Phone::start(&stage.asterisk, name, behaviour, Background::Silence);
                (name, phone.expect("a phone"))
            })
            .collect();
    let labels = std::fs::read_to_string(assets().join("calls/labels.jsonl")).expect("labels");
    let mut wrong = Vec::new();
    let mut clocks: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for label in labels.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")) {
        let call = ring(&stage, &phones, &label);
        println!("{call}");
        let outcome_fits = call["outcome"] == label["outcome"];
        if call["destination"] != label["destination"] || !outcome_fits {
            wrong.push(format!("expected {label}\n     got {call}"));
        }
        let early = ["partial", "pause"].iter().any(|basis| call["decided_by"] == *basis);
        if early && call["intent"] != label["intent"] {
            wrong.push(format!("a wrong early commit: {call}"));
        }
        for clock in ["decide_ms", "act_ms", "answer_ms"] {
            if let Some(value) = call[clock].as_f64() {
                clocks.entry(clock).or_default().push(value);
            }
        }
    }
    for (clock, mut values) in clocks {
        values.sort_by(f64::total_cmp);
        let at = |p: f64| values[(p * values.len() as f64).ceil() as usize - 1];
        println!(
            "{clock}: {} calls, p50 {:.1}, p95 {:.1}, p99 {:.1}",
            values.len(),
            at(0.50),
            at(0.95),
            at(0.99)
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    stage.nothing_is_left();
}

/// Lets the caller of one sample ring, be connected, and hang up; gives the call's JSON line.
fn ring(stage: &Stage, phones: &BTreeMap<&str, Phone>, label: &Value) -> Value {
    let name = label["call"].as_str().expect("a name");
    let mut caller = Caller::new("100", DID);
    caller.name = name.to_owned();
    let mut caller = caller.at(Duration::ZERO, Act::Say(recording(name)));
    for press in label["digits"].as_array().expect("digits") {
        let digit =
            press["digit"].as_str().and_then(|digit| digit.chars().next()).expect("a digit");
        let at = Duration::from_millis(press["at_ms"].as_u64().expect("a time"));
        caller = caller.at(at, Act::Press(digit));
    }
    if let Some(at) = label["hang_up_ms"].as_u64() {
        caller = caller.at(Duration::from_millis(at), Act::HangUp);
    }
    let caller = caller.start(&stage.asterisk).expect("a caller");
    if let Some(phone) = label["destination"].as_str().and_then(|name| phones.get(name)) {
        phone
            .wait(PATIENCE, |calls| {
                calls.last().is_some_and(|call| call.answered_at.is_some() && call.ended.is_none())
            })
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        std::thread::sleep(TALK);
        caller.act(Act::HangUp);
    }
    if label["destination"] == "hours" {
        // The place in the dialplan has the caller now; the call is over for Patchcord.
        let call = stage.next_call();
        caller.act(Act::HangUp);
        caller.finish(PATIENCE).expect("over");
        return call;
    }
    caller.finish(PATIENCE).unwrap_or_else(|error| panic!("{name}: {error}"));
    stage.next_call()
}
