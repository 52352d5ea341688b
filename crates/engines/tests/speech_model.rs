//! A model that hears and speaks, against a stand-in that speaks the vendor's protocol over a real socket, and breaks it.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engines::llm::speech::config::SpeechModelConfig;
use engines::llm::speech::{Heard, Order, Told};
use engines::llm::{Conversation, LlmError, Said};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// What the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// It answers the upgrade with this status.
    Status(u16),
    /// It answers a question with this event.
    Event(&'static str),
    /// It says half of its answer, and nothing more.
    HalfOpen,
    /// It says half of its answer, and closes.
    ClosesWithin,
    /// It closes at the first question, and lives the next time.
    ClosesBefore,
    /// It closes at every question.
    ClosesAlways,
    /// It takes the upgrade, and says nothing at all.
    Mute,
}

#[derive(Default)]
struct Log {
    events: Vec<Value>,
    /// The codes of each turn that was committed.
    turns: Vec<Vec<u8>>,
    authorization: String,
    target: String,
}

struct StandIn {
    port: u16,
    log: Arc<Mutex<Log>>,
    open: Arc<AtomicUsize>,
}

impl StandIn {
    async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (log, open): (Arc<Mutex<Log>>, Arc<AtomicUsize>) = Default::default();
        let (kept, counted) = (log.clone(), open.clone());
        tokio::spawn(async move {
            let mut connections = 0;
            while let Ok((stream, _)) = listener.accept().await {
                connections += 1;
                let fault = match fault {
                    Fault::ClosesBefore if connections > 1 => Fault::None,
                    fault => fault,
                };
                let (log, open) = (kept.clone(), counted.clone());
                open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    connection(stream, fault, &log).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, log, open }
    }

    fn kinds(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

async fn connection(stream: TcpStream, fault: Fault, log: &Mutex<Log>) {
    #[allow(clippy::result_large_err, reason = "the library's own type")]
    let accept = |request: &Request, response: Response| {
        let mut log = log.lock().unwrap();
        let header = |name: &str| request.headers().get(name).map(|it| it.to_str().unwrap());
        header("authorization").unwrap_or_default().clone_into(&mut log.authorization);
        log.target = request.uri().to_string();
        match fault {
            Fault::Status(status) => {
                let refused = Response::builder().status(status).header("retry-after", "7");
                Err::<Response, ErrorResponse>(refused.body(()).unwrap().map(|()| None))
            }
            _ => Ok(response),
        }
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, accept).await else { return };
    let mut buffer = Vec::new();
    let mut answers = 0;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let event: Value = serde_json::from_str(&text).unwrap();
        let kind = event["type"].as_str().unwrap().to_owned();
        log.lock().unwrap().events.push(event.clone());
        if fault == Fault::Mute {
            continue;
        }
        match kind.as_str() {
            "session.update" => say(&mut socket, json!({ "type": "session.updated" })).await,
            "input_audio_buffer.append" => {
                buffer.extend(STANDARD.decode(event["audio"].as_str().unwrap()).unwrap());
            }
            "input_audio_buffer.clear" => buffer.clear(),
            "input_audio_buffer.commit" => {
                assert!(buffer.len() >= 800, "100 ms at least");
                log.lock().unwrap().turns.push(std::mem::take(&mut buffer));
            }
            "response.create" => {
                answers += 1;
                if !answer(&mut socket, fault, answers).await {
                    return;
                }
            }
            "response.cancel" => {
                let error =
                    json!({ "event_id": event["event_id"], "message": "no active response" });
                say(&mut socket, json!({ "type": "error", "error": error })).await;
            }
            _ => {}
        }
    }
}

/// Answers; whether the connection goes on.
async fn answer(socket: &mut WebSocketStream<TcpStream>, fault: Fault, number: u32) -> bool {
    match fault {
        Fault::Event(event) => {
            say(socket, serde_json::from_str(event).unwrap()).await;
            return true;
        }
        Fault::ClosesBefore | Fault::ClosesAlways => {
            let _ = socket.close(None).await;
            return false;
        }
        _ => {}
    }
    say(socket, json!({ "type": "response.created", "response": { "id": "r" } })).await;
    words(socket, "At nine. ").await;
    sound(socket, number, 4_000).await;
    match fault {
        Fault::HalfOpen => {
            std::future::pending::<()>().await;
        }
        Fault::ClosesWithin => {
            let _ = socket.close(None).await;
            return false;
        }
        _ => {}
    }
    words(socket, "Come in.").await;
    sound(socket, number, 4_000).await;
    if number == 2 {
        let arguments = json!({ "end": "solved", "slots": { "account": "4021" } }).to_string();
        let call = "response.function_call_arguments.done";
        say(socket, json!({ "type": call, "call_id": "c", "arguments": arguments })).await;
    }
    say(socket, json!({ "type": "rate_limits.updated", "rate_limits": [] })).await;
    say(socket, json!({ "type": "response.done", "response": { "status": "completed" } })).await;
    true
}

async fn words(socket: &mut WebSocketStream<TcpStream>, words: &str) {
    let kind = "response.output_audio_transcript.delta";
    say(socket, json!({ "type": kind, "delta": words })).await;
}

async fn sound(socket: &mut WebSocketStream<TcpStream>, number: u32, samples: usize) {
    let delta = STANDARD.encode(codes(&tone(440.0, samples)));
    let (kind, item) = ("response.output_audio.delta", format!("item{number}"));
    say(socket, json!({ "type": kind, "item_id": item, "content_index": 0, "delta": delta })).await;
}

async fn say(socket: &mut WebSocketStream<TcpStream>, event: Value) {
    // The client may be gone.
    let _ = socket.send(Message::text(event.to_string())).await;
}

fn codes(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|sample| audio::g711::encode_ulaw_sample(*sample)).collect()
}

fn tone(hz: f64, samples: usize) -> Vec<i16> {
    let mut tone = vec![0; samples];
    audio::tone::Sine::new(hz, -20.0).fill(&mut tone);
    tone
}

fn talk(said: &[Said]) -> Conversation {
    Conversation {
        about: "We open at nine.".to_owned(),
        blanks: Vec::new(),
        ends: vec![("solved".to_owned(), "when all is said".to_owned())],
        said: said.to_vec(),
    }
}

struct Session {
    orders: Option<mpsc::Sender<Order>>,
    told: mpsc::UnboundedReceiver<(u32, Result<Told, LlmError>)>,
    serves: tokio::task::JoinHandle<()>,
}

impl Session {
    fn open(server: &StandIn) -> Self {
        let text = format!(
            "url = \"ws://127.0.0.1:{}/v1/realtime\"\nstall_ms = 400\nkey_env = \"PATH\"",
            server.port
        );
        let config: SpeechModelConfig = toml::from_str(&text).unwrap();
        // What is in PATH is no key, but can be sent as one.
        let model = config.build(Path::new("/nowhere")).unwrap();
        let (orders, taken) = mpsc::channel(100);
        let (tell, told) = mpsc::unbounded_channel();
        let tell = move |number, it| drop(tell.send((number, it)));
        let serves = tokio::spawn(model.serve(talk(&[]), Some("en".to_owned()), taken, tell));
        Self { orders: Some(orders), told, serves }
    }

    async fn order(&self, order: Order) {
        self.orders.as_ref().unwrap().send(order).await.unwrap();
    }

    async fn asks(&self, number: u32, said: &[Said], heard: Heard) {
        self.order(Order::Answer { number, talk: talk(said), heard }).await;
    }

    /// What is told of an answer: its sound, its words, and its end.
    async fn answer(&mut self) -> (Vec<i16>, Vec<String>, Result<Option<String>, LlmError>) {
        let (mut sound, mut said) = (Vec::new(), Vec::new());
        loop {
            match self.told.recv().await.expect("it tells").1 {
                Ok(Told::Sound(samples)) => sound.extend(samples),
                Ok(Told::Words { words, .. }) => said.push(words),
                Ok(Told::Done { end, .. }) => return (sound, said, Ok(end)),
                Err(error) => return (sound, said, Err(error)),
            }
        }
    }

    /// Ends it; nothing of it is left, here or there.
    async fn close(mut self, server: &StandIn) {
        self.orders = None;
        self.serves.await.unwrap();
        while server.open.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    }
}

fn asked() -> [Said; 2] {
    [Said::ByUs("Hello.".to_owned()), Said::ByCaller("when do you open".to_owned())]
}

#[tokio::test]
async fn a_caller_is_heard_by_sound_and_answered_by_sound() {
    let server = StandIn::start(Fault::None).await;
    let mut session = Session::open(&server);
    for part in tone(700.0, 8_000).chunks(160) {
        session.order(Order::Audio(part.to_vec())).await;
    }
    session.asks(1, &asked(), Heard::Sound).await;
    let (sound, said, end) = session.answer().await;
    assert_eq!((said, end), (vec!["At nine.".to_owned(), "Come in.".to_owned()], Ok(None)));
    assert!((7_600..=8_000).contains(&sound.len()), "{}", sound.len());
    let level = audio::tone::level_dbfs(&sound);
    assert!((-23.0..-21.0).contains(&level), "as loud as every voice: {level}");
    {
        let log = server.log.lock().unwrap();
        assert_eq!(log.target, "/v1/realtime?model=gpt-realtime");
        assert!(log.authorization.starts_with("Bearer /"), "{}", log.authorization);
        let session = &log.events[0]["session"];
        assert_eq!(session["type"], "realtime");
        assert!(session["instructions"].as_str().unwrap().contains("We open at nine."));
        let format = json!({ "type": "audio/pcmu" });
        assert_eq!(session["audio"]["input"], json!({ "format": format, "turn_detection": null }));
        assert_eq!(session["audio"]["output"], json!({ "format": format, "voice": "marin" }));
        assert_eq!(session["tools"][0]["parameters"]["properties"]["end"]["enum"][0], "solved");
        let heard: Vec<i16> =
            log.turns[0].iter().map(|code| audio::g711::decode_ulaw_sample(*code)).collect();
        assert_eq!(heard.len(), 8_000);
        let crossings = heard.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
        assert!((1_380..=1_420).contains(&crossings), "700 Hz for a second: {crossings}");
        let prompt = log.events.iter().find(|it| it["item"]["role"] == "assistant").unwrap();
        assert_eq!(prompt["item"]["content"][0]["text"], "Hello.");
    }
    // The second answer has a label.
    let thanks = Said::ByCaller("thanks".to_owned());
    let said = [&asked()[..], &[Said::ByModel("At nine.".to_owned()), thanks]].concat();
    session.asks(2, &said, Heard::Words).await;
    let (_, _, end) = session.answer().await;
    assert_eq!(end, Ok(Some("solved".to_owned())));
    session.close(&server).await;
}

#[tokio::test]
async fn who_interrupts_is_told_to_the_server_and_the_conversation_goes_on() {
    let server = StandIn::start(Fault::None).await;
    let mut session = Session::open(&server);
    session.asks(1, &asked(), Heard::Words).await;
    assert_eq!(session.answer().await.2, Ok(None));
    session.order(Order::Stop { heard: Duration::from_millis(250) }).await;
    let said = [&asked()[..], &[Said::ByCaller("no".to_owned())]].concat();
    session.asks(2, &said, Heard::Words).await;
    assert_eq!(session.answer().await.2, Ok(Some("solved".to_owned())));
    let events = server.log.lock().unwrap().events.clone();
    let cut = events.iter().find(|it| it["type"] == "conversation.item.truncate").unwrap();
    assert_eq!((&cut["item_id"], &cut["audio_end_ms"]), (&json!("item1"), &json!(250)));
    session.close(&server).await;
}

#[tokio::test]
async fn whatever_goes_wrong_is_told_in_time_and_leaves_nothing() {
    let failed = r#"{"type":"response.done","response":{"status":"failed","status_details":{"error":{"code":"rate_limit_exceeded"}}}}"#;
    let filtered = r#"{"type":"response.done","response":{"status":"incomplete","status_details":{"reason":"content_filter"}}}"#;
    let error = r#"{"type":"error","error":{"code":"x","message":"the session has expired"}}"#;
    let silent = r#"{"type":"response.done","response":{"status":"completed"}}"#;
    let stalled = LlmError::Stalled(Duration::from_millis(400));
    let closed = |error: &LlmError| matches!(error, LlmError::BrokeOff(_));
    type IsRight<'r> = &'r dyn Fn(&LlmError) -> bool;
    let cases: [(Fault, IsRight<'_>); 12] = [
        (Fault::Status(401), &|it| matches!(it, LlmError::Denied(_))),
        (Fault::Status(429), &|it| {
            *it == LlmError::Limited { after: Some(Duration::from_secs(7)) }
        }),
        (Fault::Status(500), &|it| it.to_string().contains("500")),
        (Fault::Event(error), &|it| *it == LlmError::Server("the session has expired".to_owned())),
        (Fault::Event(failed), &|it| *it == LlmError::Limited { after: None }),
        (Fault::Event(filtered), &|it| *it == LlmError::Refused),
        (Fault::Event(silent), &|it| *it == LlmError::Nothing),
        (Fault::Event("[]"), &|it| matches!(it, LlmError::Senseless(_))),
        (Fault::HalfOpen, &|it| *it == stalled),
        (Fault::Mute, &|it| *it == stalled),
        (Fault::ClosesWithin, &closed),
        (Fault::ClosesAlways, &closed),
    ];
    for (fault, right) in cases {
        let server = StandIn::start(fault).await;
        let mut session = Session::open(&server);
        session.asks(1, &asked(), Heard::Words).await;
        let (sound, _, end) = session.answer().await;
        let Err(why) = end else { panic!("{fault:?} is no trouble") };
        assert!(right(&why), "{fault:?}: {why}");
        assert!(!why.to_string().contains("/bin"), "the key is in {why}");
        let heard = matches!(fault, Fault::HalfOpen | Fault::ClosesWithin);
        assert_eq!(!sound.is_empty(), heard, "{fault:?}");
        // Whoever asks again is told so at once.
        session.asks(2, &asked(), Heard::Words).await;
        assert!(session.answer().await.2.is_err());
        if fault == Fault::HalfOpen {
            // That server does not notice.
            session.orders = None;
            session.serves.await.unwrap();
            continue;
        }
        session.close(&server).await;
    }
}

#[tokio::test]
async fn a_session_that_dies_before_a_word_is_followed_by_one_that_knows_what_was_said() {
    let server = StandIn::start(Fault::ClosesBefore).await;
    let mut session = Session::open(&server);
    session.order(Order::Audio(tone(700.0, 1_600))).await;
    session.asks(1, &asked(), Heard::Sound).await;
    let (sound, _, end) = session.answer().await;
    assert!(!sound.is_empty());
    assert_eq!(end, Ok(None));
    let kinds = server.kinds();
    let again = kinds.iter().rposition(|kind| kind == "session.update").unwrap();
    let item = "conversation.item.create";
    assert_eq!(kinds[again..], ["session.update", item, item, "response.create"]);
    session.close(&server).await;
}
