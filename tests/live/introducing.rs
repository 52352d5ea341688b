//! An agent is told of the caller before the two hear each other, and takes the call or refuses it, on a real Asterisk.

use std::process::Command;
use std::time::Duration;

use tests::patchcord::program;
use tests::sipp::{Act, Behaviour, CallRecord, Caller, Phone};
use tests::softphone::Background;

use crate::flows::path;
use crate::reading::words;
use crate::{DID, PATIENCE, Stage, answered, hears, hears_tone};

const CALLER_HZ: f64 = 700.0;
const AGENT_HZ: f64 = 1_100.0;
/// What the place `queues,tone,1` of the rig's dialplan plays.
const PLACE_HZ: f64 = 440.0;
const SOON: Behaviour = Behaviour::Answers(Duration::from_millis(300));

const FLOW: &str = r#"
schema = 1
name = "introduced"
start = "agent"
[node.agent]
connect = { destination = "operator", introduce = "A caller wants to order new telephones." }
to = { refused = "place", no_answer = "hang_up" }
[node.place]
dialplan = { place = "queues,tone,1" }
"#;

/// Waits until the agent has been told how to take the call; gives what the agent heard.
fn told(agent: &Phone) -> Vec<i16> {
    answered(agent);
    let all_said = |calls: &[CallRecord]| {
        let heard = &calls[0].recording.heard;
        // Something was said, and then nothing for a second.
        let loud = |part: &[i16]| audio::tone::level_dbfs(part) > -45.0;
        heard.len() > 16_000
            && heard.chunks(800).any(loud)
            && !heard[heard.len() - 8_000..].chunks(800).any(loud)
    };
    let calls = agent.wait(PATIENCE, all_said).unwrap_or_else(|error| panic!("{error}"));
    calls[0].recording.heard.clone()
}

fn caller(stage: &Stage) -> tests::sipp::CallerRun {
    let mut caller = Caller::new("100", DID);
    caller.background = Background::Tone(CALLER_HZ);
    caller.start(&stage.asterisk).expect("a caller")
}

#[test]
fn an_agent_hears_who_calls_and_only_then_the_caller() {
    let Some(stage) = Stage::through(FLOW) else { return };
    let agent = Phone::start(&stage.asterisk, "operator", SOON, Background::Silence);
    let agent = agent.expect("a phone");
    let caller = caller(&stage);
    let heard = told(&agent);
    assert!(!hears_tone(&heard, CALLER_HZ), "the agent hears the caller too early");
    let words = words(&heard);
    assert!(words.contains("order new telephones"), "{words}");
    assert!(words.contains("take the call"), "{words}");
    agent.act(&Act::Press('1'));
    let hears_caller = |calls: &[CallRecord]| hears_tone(&calls[0].recording.heard, CALLER_HZ);
    agent.wait(PATIENCE, hears_caller).expect("the agent hears the caller");
    let call = stage.hang_up(caller);
    let ended = (&call["outcome"], &call["destination"]);
    assert_eq!(ended, (&"connected".into(), &"operator".into()), "{call}");
}

#[test]
fn an_agent_who_says_yes_is_joined_with_the_caller() {
    let Some(stage) = Stage::through(FLOW) else { return };
    let agent = Phone::start(&stage.asterisk, "operator", SOON, Background::Silence);
    let agent = agent.expect("a phone");
    let caller = caller(&stage);
    told(&agent);
    agent.act(&Act::Say(said("Yes, please.")));
    let hears_caller = |calls: &[CallRecord]| hears_tone(&calls[0].recording.heard, CALLER_HZ);
    agent.wait(PATIENCE, hears_caller).expect("the agent hears the caller");
    let call = stage.hang_up(caller);
    assert_eq!(call["outcome"], "connected", "{call}");
}

#[test]
fn an_agent_who_refuses_is_let_go_and_the_caller_goes_on() {
    let Some(stage) = Stage::through(FLOW) else { return };
    let agent = Background::Tone(AGENT_HZ);
    let agent = Phone::start(&stage.asterisk, "operator", SOON, agent).expect("a phone");
    let caller = caller(&stage);
    let heard = told(&agent);
    agent.act(&Act::Press('2'));
    hears(&caller, PLACE_HZ);
    let call = stage.next_call();
    assert_eq!(path(&call), ["agent", "place"], "{call}");
    let gone = |calls: &[CallRecord]| calls[0].ended.is_some();
    agent.wait(PATIENCE, gone).expect("the agent is let go");
    assert!(!hears_tone(&heard, CALLER_HZ), "the agent has heard the caller");
    caller.act(Act::HangUp);
    let record = caller.finish(PATIENCE).expect("it hung up");
    assert!(!hears_tone(&record.recording.heard, AGENT_HZ), "the caller has heard the agent");
    stage.nothing_is_left();
}

#[test]
fn a_caller_who_hangs_up_while_an_agent_is_told_leaves_nothing_behind() {
    let Some(stage) = Stage::through(FLOW) else { return };
    let agent = Phone::start(&stage.asterisk, "operator", SOON, Background::Silence);
    let agent = agent.expect("a phone");
    let caller = caller(&stage);
    answered(&agent);
    std::thread::sleep(Duration::from_millis(900));
    let call = stage.hang_up(caller);
    assert_eq!(call["outcome"], "abandoned", "{call}");
    let gone = |calls: &[CallRecord]| calls[0].ended.is_some();
    agent.wait(PATIENCE, gone).expect("the agent is let go");
}

/// Words as our own voice says them.
pub(crate) fn said(words: &str) -> Vec<i16> {
    let said = Command::new(program().expect("it is built"))
        .args(["say", words])
        .output()
        .expect("it can be run");
    audio::wav::read(&said.stdout).expect("a WAV file")
}
