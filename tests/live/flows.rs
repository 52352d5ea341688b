//! Calls go through flows, on a real Asterisk.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use tests::sipp::{Act, Behaviour, Caller, Phone};
use tests::softphone::Background;

use crate::reading::words;
use crate::{DID, PATIENCE, Stage, answered, hears};

const AGENT_HZ: f64 = 1_100.0;
const SOON: Behaviour = Behaviour::Answers(Duration::from_millis(300));
const AGENT: Background = Background::Tone(AGENT_HZ);
/// What the place `queues,tone,1` of the rig's dialplan plays.
const PLACE_HZ: f64 = 440.0;

/// An HTTP server on loopback that answers each request with `body`, or never; its port.
pub(crate) fn server(body: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request);
            match body {
                Some(body) => {
                    let length = body.len();
                    let _ =
                        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
                }
                None => silent.push(stream),
            }
        }
    });
    port
}

pub(crate) fn path(call: &serde_json::Value) -> Vec<&str> {
    let nodes = call["path"].as_array().expect("a list");
    nodes.iter().filter_map(|node| node.as_str()).collect()
}

#[test]
fn a_number_is_keyed_in_and_looked_up_and_what_is_known_of_it_is_said() {
    let port = server(Some(r#"{"customer":{"messages":3}}"#));
    let flow = format!(
        r#"
        schema = 1
        name = "messages"
        start = "account"
        [lookup.crm]
        url = "http://127.0.0.1:{port}/{{slots.account}}"
        fields = {{ messages = "/customer/messages" }}
        [node.account]
        collect = {{ slot = "account", kind = {{ digits = {{ least = 4, most = 8 }} }}, prompt = "Please key in your account number." }}
        to = {{ done = "look" }}
        [node.look]
        lookup = {{ name = "crm" }}
        to = {{ found = "tell", not_found = "hang_up" }}
        [node.tell]
        say = {{ prompt = "You have {{lookup.crm.messages}} new messages." }}
        to = {{ done = "operator" }}
        [node.operator]
        connect = {{ destination = "operator" }}
        "#
    );
    let Some(stage) = Stage::through(&flow) else { return };
    let operator = Phone::start(&stage.asterisk, "operator", SOON, AGENT).expect("a phone");
    let mut caller = Caller::new("100", DID);
    for (at, key) in "4021#".chars().enumerate() {
        caller = caller.at(Duration::from_millis(1_500 + 300 * at as u64), Act::Press(key));
    }
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let (call, heard) = stage.hang_up_and_hear(caller);
    assert_eq!(path(&call), ["account", "look", "tell", "operator"], "{call}");
    assert_eq!(call["decided_by"], "flow", "{call}");
    let words = words(&heard);
    assert!(words.contains("three") || words.contains('3'), "{words}");
    assert!(words.contains("new messages"), "{words}");
}

const MENU: &str = r#"
schema = 1
name = "menu"
start = "menu"
[keys]
0 = "operator"
[node.menu]
menu = { prompt = "For the tone, press 1. For the operator, press 0 at any time.", keys = { 1 = "tone" } }
to = { tone = "tone" }
[node.tone]
dialplan = { place = "queues,tone,1", variables = { PATCHCORD_CALLER = "{caller.number}" } }
[node.operator]
connect = { destination = "operator", announce = "One moment, please." }
"#;

#[test]
fn a_key_of_a_menu_leads_into_the_dialplan() {
    let Some(stage) = Stage::through(MENU) else { return };
    let caller = Caller::new("100", DID).at(Duration::from_millis(800), Act::Press('1'));
    let caller = caller.start(&stage.asterisk).expect("a caller");
    hears(&caller, PLACE_HZ);
    let call = stage.next_call();
    assert_eq!((path(&call), &call["outcome"]), (vec!["menu", "tone"], &"handed_back".into()));
    caller.act(Act::HangUp);
    caller.finish(PATIENCE).expect("it hung up");
    stage.nothing_is_left();
}

#[test]
fn a_key_leads_to_the_operator_at_any_time() {
    let Some(stage) = Stage::through(MENU) else { return };
    let operator = Phone::start(&stage.asterisk, "operator", SOON, AGENT).expect("a phone");
    let caller = Caller::new("100", DID).at(Duration::from_millis(800), Act::Press('0'));
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let call = stage.hang_up(caller);
    assert_eq!((path(&call), &call["destination"]), (vec!["menu", "operator"], &"operator".into()));
}

/// Several are rung at once: the first who answers takes the call, and the others stop ringing.
#[test]
fn the_first_of_several_takes_the_call() {
    let flow = r#"
        schema = 1
        name = "all"
        start = "all"
        [node.all]
        connect = { destination = ["helpdesk", "sales", "operator"], ring = "all" }
        "#;
    let Some(stage) = Stage::through(flow) else { return };
    let silent = |name| Phone::start(&stage.asterisk, name, Behaviour::NeverAnswers, AGENT);
    let (helpdesk, sales) =
        (silent("helpdesk").expect("a phone"), silent("sales").expect("a phone"));
    let later = Behaviour::Answers(Duration::from_millis(900));
    let _operator = Phone::start(&stage.asterisk, "operator", later, AGENT).expect("a phone");
    let caller = Caller::new("100", DID).start(&stage.asterisk).expect("a caller");
    hears(&caller, AGENT_HZ);
    let call = stage.hang_up(caller);
    assert_eq!(call["destination"], "operator", "{call}");
    for phone in [helpdesk, sales] {
        let ended = phone.wait(PATIENCE, |calls| calls.iter().all(|call| call.ended.is_some()));
        ended.expect("it rings no longer");
    }
}

/// What callers hear who wait: the rig's music on hold.
const MUSIC_HZ: f64 = 500.0;

fn queue(name: &str) -> String {
    format!(
        r#"
        schema = 1
        name = "queue"
        start = "queue"
        [node.queue]
        queue = {{ name = "{name}", announce = "One moment, please.", variables = {{ PATCHCORD_WISH = "help" }} }}
        to = {{ empty = "sorry", error = "gone" }}
        [node.sorry]
        connect = {{ destination = "operator", announce = "Nobody is here." }}
        [node.gone]
        hang_up = {{}}
        "#
    )
}

#[test]
fn a_caller_waits_in_a_queue_with_music_until_its_agent_answers() {
    let Some(stage) = Stage::through(&queue("support")) else { return };
    let late = Behaviour::Answers(Duration::from_secs(5));
    let agent = Phone::start(&stage.asterisk, "billing", late, AGENT).expect("a phone");
    let caller = Caller::new("100", DID).start(&stage.asterisk).expect("a caller");
    hears(&caller, MUSIC_HZ);
    answered(&agent);
    hears(&caller, AGENT_HZ);
    let call = stage.hang_up(caller);
    assert_eq!((&call["outcome"], &call["destination"]), (&"connected".into(), &"support".into()));
}

#[test]
fn a_queue_with_nobody_in_it_says_so_at_once() {
    let Some(stage) = Stage::through(&queue("nobody")) else { return };
    let operator = Phone::start(&stage.asterisk, "operator", SOON, AGENT).expect("a phone");
    let caller = Caller::new("100", DID).start(&stage.asterisk).expect("a caller");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let call = stage.hang_up(caller);
    assert_eq!(path(&call), ["queue", "sorry"], "{call}");
}

#[test]
fn a_queue_that_does_not_exist_is_an_error() {
    let Some(stage) = Stage::through(&queue("nowhere")) else { return };
    let caller = Caller::new("100", DID).start(&stage.asterisk).expect("a caller");
    let call = stage.next_call();
    caller.finish(PATIENCE).expect("it was hung up");
    stage.nothing_is_left();
    assert_eq!(path(&call), ["queue", "gone"], "{call}");
    let troubles = call["troubles"].to_string();
    assert!(troubles.contains("no queue for nowhere"), "{troubles}");
}

#[test]
fn music_plays_for_its_time_and_then_no_more() {
    let flow = r#"
        schema = 1
        name = "music"
        start = "music"
        [node.music]
        music = { for_s = 3 }
        to = { done = "operator" }
        [node.operator]
        connect = { destination = "operator" }
        "#;
    let Some(stage) = Stage::through(flow) else { return };
    let operator = Phone::start(&stage.asterisk, "operator", SOON, AGENT).expect("a phone");
    let caller = Caller::new("100", DID).start(&stage.asterisk).expect("a caller");
    hears(&caller, MUSIC_HZ);
    answered(&operator);
    hears(&caller, AGENT_HZ);
    std::thread::sleep(Duration::from_millis(600));
    let call = stage.hang_up(caller);
    assert_eq!(path(&call), ["music", "operator"], "{call}");
}

#[test]
fn callers_meet_in_a_conference_of_asterisks_own() {
    let flow = r#"
        schema = 1
        name = "board"
        start = "welcome"
        [node.welcome]
        say = { prompt = "Welcome." }
        to = { done = "board" }
        [node.board]
        dialplan = { place = "patchcord-conferences,board,1" }
        "#;
    let Some(stage) = Stage::through(flow) else { return };
    let tones = [700.0, 1_100.0];
    let callers = tones.map(|hz| {
        let mut caller = Caller::new("100", DID);
        caller.background = Background::Tone(hz);
        caller.start(&stage.asterisk).expect("a caller")
    });
    let [one, other] = &callers;
    hears(one, tones[1]);
    hears(other, tones[0]);
    for _ in 0..2 {
        let call = stage.next_call();
        let ended = (path(&call), &call["outcome"]);
        assert_eq!(ended, (vec!["welcome", "board"], &"handed_back".into()), "{call}");
    }
    for caller in callers {
        caller.act(Act::HangUp);
        caller.finish(PATIENCE).expect("it hung up");
    }
    stage.nothing_is_left();
}
