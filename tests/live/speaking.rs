//! A model that hears callers and speaks, on a real Asterisk; the model is a stand-in with the vendor's protocol.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, Sender, channel};

use audio::g711::{decode_ulaw_sample, encode_ulaw_sample};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tests::sipp::Act;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::flows::path;
use crate::introducing::said;
use crate::reading::words;
use crate::talking::{AGENT_HZ, begin, heard_out};
use crate::{PATIENCE, answered, hears};

const FLOW: &str = r#"
schema = 1
name = "talk"
start = "talk"
model_s = 3.0
[node.talk.converse]
model = "speech"
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

/// What the model does when it is asked.
#[derive(Clone)]
enum Deed {
    /// Says the first, and the second when it is told to.
    Says([(&'static str, Vec<i16>); 2]),
    /// Says this at once, and chooses the label.
    Ends(&'static str, Vec<i16>),
    Stalls,
}

/// What came of a turn.
enum Told {
    /// The caller's sound, up to the question.
    Heard(Vec<i16>),
    /// Something else of the client's.
    Event(Value),
    /// The client is gone.
    Gone,
}

struct Model {
    port: u16,
    told: Receiver<Told>,
    seen: RefCell<Vec<Value>>,
    go_on: std::sync::Arc<Notify>,
}

impl Model {
    fn start(deeds: Vec<Deed>) -> Self {
        let (tell, told) = channel();
        let (bound, port) = channel();
        let go_on = std::sync::Arc::new(Notify::new());
        let goes = go_on.clone();
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
                let _ = bound.send(listener.local_addr().expect("bound").port());
                let Ok((stream, _)) = listener.accept().await else { return };
                let socket = tokio_tungstenite::accept_async(stream).await;
                converse(socket.expect("a WebSocket"), deeds, &tell, &goes).await;
                let _ = tell.send(Told::Gone);
            });
        });
        Self { port: port.recv().expect("it listens"), told, seen: RefCell::default(), go_on }
    }

    fn settings(&self) -> String {
        let port = self.port;
        format!("[speech_model]\nurl = \"ws://127.0.0.1:{port}\"\nstall_ms = 20000\n")
    }

    /// The sound of the next turn, as words.
    fn hears(&self) -> String {
        loop {
            match self.told.recv_timeout(PATIENCE).expect("it is asked") {
                Told::Heard(samples) => return words(&samples),
                Told::Event(event) => self.seen.borrow_mut().push(event),
                Told::Gone => panic!("nobody asks any more"),
            }
        }
    }

    /// All that it was told besides, once the client is gone.
    fn rest(&self) -> Vec<Value> {
        loop {
            match self.told.recv_timeout(PATIENCE).expect("it goes") {
                Told::Heard(_) => {}
                Told::Event(event) => self.seen.borrow_mut().push(event),
                Told::Gone => return self.seen.take(),
            }
        }
    }
}

type Socket = WebSocketStream<TcpStream>;

async fn converse(mut socket: Socket, deeds: Vec<Deed>, tell: &Sender<Told>, goes: &Notify) {
    let (mut buffer, mut turn) = (Vec::new(), Vec::new());
    let mut deeds = deeds.into_iter();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let event: Value = serde_json::from_str(&text).expect("JSON");
        match event["type"].as_str().expect("a type") {
            "input_audio_buffer.append" => {
                let codes = STANDARD.decode(event["audio"].as_str().expect("sound"));
                buffer.extend(codes.expect("base64").into_iter().map(decode_ulaw_sample));
            }
            "input_audio_buffer.clear" => buffer.clear(),
            "input_audio_buffer.commit" => turn = std::mem::take(&mut buffer),
            "response.create" => {
                let _ = tell.send(Told::Heard(std::mem::take(&mut turn)));
                match deeds.next() {
                    Some(Deed::Says([first, second])) => {
                        speak(&mut socket, &first).await;
                        goes.notified().await;
                        speak(&mut socket, &second).await;
                        done(&mut socket).await;
                    }
                    Some(Deed::Ends(words, sound)) => {
                        speak(&mut socket, &(words, sound)).await;
                        let kind = "response.function_call_arguments.done";
                        let noted = json!({ "end": "solved", "slots": {} }).to_string();
                        let call = json!({ "type": kind, "call_id": "c", "arguments": noted });
                        say(&mut socket, call).await;
                        done(&mut socket).await;
                    }
                    Some(Deed::Stalls) | None => {}
                }
            }
            _ => {
                let _ = tell.send(Told::Event(event));
            }
        }
    }
}

async fn speak(socket: &mut Socket, (words, sound): &(&str, Vec<i16>)) {
    let kind = "response.output_audio_transcript.delta";
    say(socket, json!({ "type": kind, "delta": format!("{words} ") })).await;
    let kind = "response.output_audio.delta";
    for piece in sound.chunks(2_000) {
        let codes: Vec<u8> = piece.iter().map(|sample| encode_ulaw_sample(*sample)).collect();
        let delta = STANDARD.encode(codes);
        say(socket, json!({ "type": kind, "item_id": "i", "content_index": 0, "delta": delta }))
            .await;
    }
}

async fn done(socket: &mut Socket) {
    say(socket, json!({ "type": "response.done", "response": { "status": "completed" } })).await;
}

async fn say(socket: &mut Socket, event: Value) {
    // The client may be gone.
    let _ = socket.send(Message::text(event.to_string())).await;
}

fn spoken(words: &'static str) -> (&'static str, Vec<i16>) {
    (words, said(words))
}

#[test]
fn a_model_hears_the_caller_and_is_heard_while_it_speaks_and_its_label_leads_on() {
    let says = [spoken("The office is open on Saturday."), spoken("It closes at noon.")];
    let (bye, sound) = spoken("You are welcome. Goodbye.");
    let model = Model::start(vec![Deed::Says(says), Deed::Ends(bye, sound)]);
    let Some((stage, operator, caller)) = begin(FLOW, &model.settings()) else { return };
    let at = heard_out(&caller, 0);
    caller.act(Act::Say(said("When does the office close on Saturday?")));
    let heard = model.hears().to_lowercase();
    assert!(heard.contains("saturday"), "the model heard {heard:?}");
    // It speaks on only when its first words have been heard.
    let at = heard_out(&caller, at);
    model.go_on.notify_one();
    heard_out(&caller, at);
    caller.act(Act::Say(said("Thank you, that was all.")));
    let heard = model.hears().to_lowercase();
    assert!(heard.contains("thank"), "the model heard {heard:?}");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    // Nobody hears the caller but the operator.
    let events = model.rest();
    assert!(events.iter().all(|it| it["type"] != "conversation.item.truncate"), "{events:?}");
    let (call, heard) = stage.hang_up_and_hear(caller);
    assert_eq!(path(&call), ["talk", "operator"], "{call}");
    let heard = words(&heard);
    for part in ["like to know", "saturday", "noon", "bye"] {
        assert!(heard.to_lowercase().contains(part), "{part:?} is missing: {heard}");
    }
}

#[test]
fn who_interrupts_a_model_that_speaks_ends_it_and_is_answered() {
    let long = "The office is open on Monday, on Tuesday, on Wednesday, on Thursday and on Friday from nine to five, \
                and on Saturday until noon, and it is closed on Sunday, as it has been for many years.";
    let (bye, sound) = spoken("You are welcome. Goodbye.");
    let (long, all) = spoken(long);
    let (first, second) = all.split_at(all.len() / 2);
    let says = [(long, first.to_vec()), ("", second.to_vec())];
    let model = Model::start(vec![Deed::Says(says), Deed::Ends(bye, sound)]);
    let Some((stage, operator, caller)) = begin(FLOW, &model.settings()) else { return };
    let at = heard_out(&caller, 0);
    caller.act(Act::Say(said("When is the office open?")));
    model.hears();
    model.go_on.notify_one();
    // All of it has come, and a second of it is heard.
    let loud = |part: &[i16]| audio::tone::level_dbfs(part) > -45.0;
    let heard = caller.wait(PATIENCE, |call| {
        let heard = call.recording.heard.get(at..).unwrap_or_default();
        heard.chunks(800).filter(|part| loud(part)).count() >= 10
    });
    heard.unwrap_or_else(|error| panic!("{error}"));
    caller.act(Act::Say(said("Thank you very much, that was all I wanted to know.")));
    let heard = model.hears().to_lowercase();
    assert!(heard.contains("thank"), "the model heard {heard:?}");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let (call, heard) = stage.hang_up_and_hear(caller);
    assert_eq!(path(&call), ["talk", "operator"], "{call}");
    let heard = words(&heard).to_lowercase();
    assert!(heard.contains("bye") && !heard.contains("years"), "{heard}");
    let whole = all.len() as u64 / 8;
    let cuts: Vec<u64> = model
        .rest()
        .iter()
        .filter(|event| event["type"] == "conversation.item.truncate")
        .filter_map(|event| event["audio_end_ms"].as_u64())
        .collect();
    assert!(matches!(cuts[..], [ms] if (800..whole * 3 / 4).contains(&ms)), "{cuts:?} of {whole}");
}

#[test]
fn a_model_that_says_nothing_in_time_is_replaced_by_what_is_written() {
    let model = Model::start(vec![Deed::Stalls]);
    let Some((stage, operator, caller)) = begin(FLOW, &model.settings()) else { return };
    heard_out(&caller, 0);
    caller.act(Act::Say(said("When does the office close on Saturday?")));
    answered(&operator);
    hears(&caller, AGENT_HZ);
    let events = model.rest();
    assert!(events.iter().any(|event| event["type"] == "response.cancel"), "{events:?}");
    let (call, heard) = stage.hang_up_and_hear(caller);
    assert_eq!(path(&call), ["talk", "operator"], "{call}");
    let heard = words(&heard);
    assert!(heard.contains("nobody knows"), "{heard}");
}
