//! A caller hangs up in each phase of a call, and nothing is left.

use std::fmt::Write as _;
use std::time::Duration;

use tests::sipp::{Act, Behaviour, Caller, CallerRun, End, Phone};
use tests::softphone::Background;

use crate::flows::{path, server};
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

/// A node of each kind in which a call stays. Nobody answers who is asked, and no phone but the helpdesk's.
const NODES: [(&str, &str); 19] = [
    (
        "say",
        r#"say = { prompt = "This is a long text, so that somebody may hang up before it ends, as callers do." }
        to = { done = "hang_up" }"#,
    ),
    (
        "phrased",
        r#"say = { prompt = "Hello.", phrased = "Greet the caller." }
        to = { done = "hang_up" }"#,
    ),
    (
        "ask",
        r#"ask = { prompt = "Well?", answers = { fine = ["fine"] } }
        to = { fine = "hang_up" }"#,
    ),
    (
        "menu",
        r#"menu = { prompt = "Press 1.", keys = { 1 = "fine" } }
        to = { fine = "hang_up" }"#,
    ),
    (
        "collect",
        r#"collect = { slot = "account", kind = "number", prompt = "Which?" }
        to = { done = "hang_up" }"#,
    ),
    (
        "written",
        r#"converse = { prompt = "Well?", about = "It is open." }
        to = { done = "hang_up" }"#,
    ),
    (
        "spoken",
        r#"converse = { model = "speech", prompt = "Well?", about = "It is open." }
        to = { done = "hang_up" }"#,
    ),
    (
        "lookup",
        r#"lookup = { name = "silent", prompt = "One moment." }
        to = { found = "hang_up", not_found = "hang_up" }"#,
    ),
    ("connect", r#"connect = { destination = "operator" }"#),
    ("all", r#"connect = { destination = ["operator", "sales"], ring = "all" }"#),
    (
        "introduce",
        r#"connect = { destination = "helpdesk", introduce = "A caller wants to order new telephones, and will not wait." }"#,
    ),
    (
        "queue",
        r#"queue = { name = "support" }
        to = { empty = "hang_up" }"#,
    ),
    (
        "voicemail",
        r#"voicemail = { prompt = "Speak.", mailbox = "support" }
        to = { done = "hang_up", no_input = "hang_up" }"#,
    ),
    (
        "record",
        r#"record = { turn = "on", consent = "May we record this?" }
        to = { done = "hang_up", refused = "hang_up" }"#,
    ),
    (
        "zone",
        r#"zone = { card = "Your card?", lookup = "charge" }
        to = { paid = "hang_up", declined = "hang_up", no_match = "hang_up", no_input = "hang_up", cut_failed = "hang_up" }"#,
    ),
    (
        "conference",
        r#"conference = { room = "board" }
        to = { done = "hang_up", refused = "hang_up" }"#,
    ),
    (
        "music",
        r#"music = { for_s = 30 }
        to = { done = "hang_up" }"#,
    ),
    ("dialplan", r#"dialplan = { place = "queues,tone,1" }"#),
    (
        "goodbye",
        r#"hang_up = { prompt = "This is a long farewell, so that somebody may hang up before it ends, as callers do." }"#,
    ),
];

#[test]
fn inside_each_node_nothing_is_left() {
    let port = server(None);
    let number = |nth: usize| format!("{}", 101 + nth);
    let (mut cases, mut to, mut nodes) = (String::new(), String::new(), String::new());
    for (nth, (name, node)) in NODES.iter().enumerate() {
        let _ = write!(
            cases,
            "{{ when = 'caller.number == \"{}\"', exit = \"{name}\" }}, ",
            number(nth)
        );
        let _ = write!(to, "{name} = \"{name}\", ");
        let _ = writeln!(nodes, "[node.{name}]\n{node}");
    }
    let flow = format!(
        r#"
        schema = 1
        name = "inside"
        start = "which"
        [lookup.silent]
        url = "http://127.0.0.1:{port}/"
        timeout_ms = 20000
        [lookup.charge]
        url = "http://127.0.0.1:{port}/"
        method = "POST"
        [node.which]
        decide = [{cases}]
        to = {{ {to} otherwise = "hang_up" }}
        {nodes}"#
    );
    let added = format!(
        r#"
        [recording]
        folder = "recordings"
        [voicemail]
        folder = "voicemail"
        [llm]
        url = "http://127.0.0.1:{port}/v1"
        model = "silent"
        stall_ms = 20000
        [speech_model]
        url = "ws://127.0.0.1:{port}"
        stall_ms = 20000
        "#
    );
    let Some(stage) = Stage::through_with(&flow, &added) else { return };
    let phone = |name: &str, behaviour| {
        Phone::start(&stage.asterisk, name, behaviour, Background::Silence).expect("a phone")
    };
    let soon = Behaviour::Answers(Duration::from_millis(200));
    let _phones = [
        phone("operator", Behaviour::NeverAnswers),
        phone("sales", Behaviour::NeverAnswers),
        // The queue's agent: without a phone Asterisk's invitation would outlive the call.
        phone("billing", Behaviour::NeverAnswers),
        phone("helpdesk", soon),
    ];
    for (nth, (name, _)) in NODES.iter().enumerate() {
        let outcome = match *name {
            "conference" => "connected",
            "dialplan" => "handed_back",
            _ => "abandoned",
        };
        let caller = Caller::new(&number(nth), DID).at(Duration::from_millis(1_800), Act::HangUp);
        let caller = calls(&stage, caller);
        let call = stage.next_call();
        assert_eq!(
            (path(&call), &call["outcome"]),
            (vec!["which", name], &outcome.into()),
            "{call}"
        );
        caller.finish(PATIENCE).expect("it hung up");
        stage.nothing_is_left();
    }
}
