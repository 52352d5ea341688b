//! A language model phrases what is said and answers callers, on a real Asterisk; the model is a stand-in.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tests::sipp::{Act, Behaviour, Caller, CallerRun, Phone};
use tests::softphone::Background;

use crate::flows::path;
use crate::introducing::said;
use crate::reading::words;
use crate::{DID, PATIENCE, Stage, answered, hears};

pub(crate) const AGENT_HZ: f64 = 1_100.0;
const SOON: Behaviour = Behaviour::Answers(Duration::from_millis(300));

const FLOW: &str = r#"
schema = 1
name = "talk"
start = "greet"
[node.greet]
say = { prompt = "This greeting is written.", phrased = "Greet the caller." }
to = { done = "talk" }
[node.talk.converse]
prompt = "What would you like to know?"
about = "The office is open on Saturday until noon."
ends = { solved = "when there is nothing more to ask" }
sorry = "Sorry, nobody knows."
[node.talk.to]
solved = "operator"
done = "hang_up"
timeout = "operator"
error = "operator"
[node.operator]
connect = { destination = "operator" }
"#;

/// What the model does with a request.
#[derive(Clone, Copy)]
enum Deed {
    /// Writes these, the second only when it is told to.
    Writes(&'static str, &'static str),
    /// Keeps silent.
    Stalls,
}

/// A server with `/chat/completions` on loopback, which takes requests in turn.
struct Model {
    port: u16,
    asked: Receiver<Value>,
    go_on: Sender<()>,
}

impl Model {
    fn start(deeds: &'static [Deed]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let port = listener.local_addr().expect("bound").port();
        let ((tell, asked), (go_on, goes)) = (channel(), channel());
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for (deed, stream) in deeds.iter().zip(listener.incoming()) {
                let Ok(mut stream) = stream else { return };
                let Some(request) = request(&mut stream) else { return };
                let _ = tell.send(request);
                if let Deed::Writes(first, second) = deed {
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
                    let _ = write!(stream, "{head}{}", event(first));
                    if !second.is_empty() && goes.recv().is_err() {
                        return;
                    }
                    let _ = write!(stream, "{}data: [DONE]\n\n", event(second));
                    continue;
                }
                kept.push(stream);
            }
            // Whoever was kept waiting waits until the test is over.
            let _ = goes.recv();
        });
        Self { port, asked, go_on }
    }

    fn settings(&self) -> String {
        let port = self.port;
        format!(
            "[llm]\nurl = \"http://127.0.0.1:{port}/v1\"\nmodel = \"stand-in\"\nstall_ms = 20000\n"
        )
    }
}

fn event(words: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": words } }] }))
}

fn request(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return Some(body);
        }
    }
}

/// Sets the stage for a flow and settings, with a phone that the operator answers and a caller.
pub(crate) fn begin(flow: &str, settings: &str) -> Option<(Stage, Phone, CallerRun)> {
    let stage = Stage::through_with(flow, settings)?;
    let operator = Phone::start(&stage.asterisk, "operator", SOON, Background::Tone(AGENT_HZ));
    let caller = Caller::new("100", DID).start(&stage.asterisk).expect("a caller");
    Some((stage, operator.expect("a phone"), caller))
}

/// Waits until the caller hears somebody speak after so many samples, and then nobody for half a second; gives how many
/// samples there are then.
pub(crate) fn heard_out(caller: &CallerRun, from: usize) -> usize {
    let loud = |part: &[i16]| audio::tone::level_dbfs(part) > -45.0;
    let record = caller.wait(PATIENCE, |call| {
        let heard = call.recording.heard.get(from..).unwrap_or_default();
        heard.len() > 4_000
            && heard.chunks(800).any(loud)
            && !heard[heard.len() - 4_000..].chunks(800).any(loud)
    });
    record.unwrap_or_else(|error| panic!("{error}")).recording.heard.len()
}

#[test]
fn a_model_is_heard_while_it_writes_and_its_answer_leads_on() {
    const DEEDS: &[Deed] = &[
        Deed::Writes("Welcome to the bicycle workshop. We", " are glad that you call."),
        Deed::Writes(
            "{\"answer\": \"The office closes on Saturday at noon. Goodbye.",
            "\", \"end\": \"solved\", \"slots\": {}}",
        ),
    ];
    let model = Model::start(DEEDS);
    let Some((stage, operator, caller)) = begin(FLOW, &model.settings()) else { return };
    let greeting = model.asked.recv_timeout(PATIENCE).expect("it is asked to greet");
    assert_eq!(greeting["messages"][1]["content"], "Greet the caller.");
    // It writes on only when its first words have been heard.
    let at = heard_out(&caller, 0);
    model.go_on.send(()).expect("it writes");
    let at = heard_out(&caller, at);
    caller.act(Act::Say(said("When does the office close on Saturday?")));
    let question = model.asked.recv_timeout(PATIENCE).expect("it is asked");
    let messages = question["messages"].as_array().expect("a list");
    let last = messages.last().expect("the caller's words")["content"].to_string();
    assert!(last.to_lowercase().contains("saturday"), "{last}");
    heard_out(&caller, at);
    model.go_on.send(()).expect("it writes");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let (call, heard) = stage.hang_up_and_hear(caller);
    assert_eq!(path(&call), ["greet", "talk", "operator"], "{call}");
    let heard = words(&heard);
    for part in ["bicycle", "glad", "like to know", "noon"] {
        assert!(heard.contains(part), "{part:?} is missing: {heard}");
    }
    assert!(!heard.contains("written"), "{heard}");
}

#[test]
fn a_model_that_stalls_is_replaced_by_what_is_written() {
    let model = Model::start(&[Deed::Stalls, Deed::Stalls]);
    let Some((stage, operator, caller)) = begin(FLOW, &model.settings()) else { return };
    let mut at = heard_out(&caller, 0);
    while !words_until(&caller, at).contains("know") {
        at = heard_out(&caller, at);
    }
    caller.act(Act::Say(said("When does the office close on Saturday?")));
    // No silence can be waited for behind the apology: the operator may be there at once.
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let (call, heard) = stage.hang_up_and_hear(caller);
    assert_eq!(path(&call), ["greet", "talk", "operator"], "{call}");
    let heard = words(&heard);
    for part in ["written", "like to know", "nobody knows"] {
        assert!(heard.contains(part), "{part:?} is missing: {heard}");
    }
}

/// What the caller heard in the first so many samples.
fn words_until(caller: &CallerRun, at: usize) -> String {
    let record = caller.wait(PATIENCE, |_| true).expect("it is there");
    words(&record.recording.heard[..at])
}
