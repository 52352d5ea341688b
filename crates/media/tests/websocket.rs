//! Media WebSockets over real sockets on loopback, with Asterisk's side played by a plain WebSocket.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use audio::{FRAME, jitter::Frame};
use futures_util::{SinkExt, StreamExt};
use media::{
    Leg, LegEvent, Playout,
    websocket::{ConnectError, Credentials, Dial, Door, DoorConfig, MediaConfig},
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        handshake::server::{ErrorResponse, Request, Response},
    },
};

/// How long anything may take before a test has failed.
const PATIENCE: Duration = Duration::from_secs(20);

const START: &str = r#"{"event":"MEDIA_START","connection_id":"id","channel_id":"m","format":"ulaw","optimal_frame_size":160,"ptime":20}"#;

async fn soon<T>(wait: impl Future<Output = T>) -> T {
    timeout(PATIENCE, wait).await.expect("it happens in time")
}

/// Asterisk's end.
struct Asterisk(WebSocketStream<TcpStream>);

impl Asterisk {
    #[allow(clippy::result_large_err, reason = "the signature is the library's")]
    async fn accept(listener: &TcpListener) -> (Asterisk, String) {
        let mut path = String::new();
        let as_media =
            |request: &Request, mut reply: Response| -> Result<Response, ErrorResponse> {
                path = request.uri().path().to_owned();
                let protocol = request.headers()["sec-websocket-protocol"].clone();
                reply.headers_mut().insert("sec-websocket-protocol", protocol);
                Ok(reply)
            };
        let (stream, _) = soon(listener.accept()).await.unwrap();
        let socket = soon(accept_hdr_async(stream, as_media)).await.unwrap();
        (Asterisk(socket), path)
    }

    async fn send(&mut self, message: impl Into<Message>) {
        soon(self.0.send(message.into())).await.unwrap();
    }

    async fn next(&mut self) -> Option<Message> {
        soon(self.0.next()).await.and_then(Result::ok)
    }

    /// Reads until a text has these words; gives the sound before it.
    async fn until(&mut self, words: &str) -> Vec<u8> {
        let mut sound = Vec::new();
        loop {
            match self.next().await.expect("the leg lives") {
                Message::Text(text) if text.contains(words) => return sound,
                Message::Binary(codes) => sound.extend_from_slice(&codes),
                _ => {}
            }
        }
    }
}

fn frames() -> (impl FnMut(&Frame) + Send + 'static, mpsc::UnboundedReceiver<Frame>) {
    let (queue, frames) = mpsc::unbounded_channel();
    (move |frame: &Frame| drop(queue.send(frame.clone())), frames)
}

async fn until(leg: &mut Leg, wanted: impl Fn(&LegEvent) -> bool) -> LegEvent {
    loop {
        let event = soon(leg.next_event()).await.expect("the leg lives");
        if wanted(&event) {
            return event;
        }
    }
}

/// A leg that we opened, with Asterisk's end and the frames that are heard.
async fn dialled() -> (Leg, Asterisk, mpsc::UnboundedReceiver<Frame>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dial = Dial::new(listener.local_addr().unwrap().to_string(), "id");
    let (sink, frames) = frames();
    let (leg, (asterisk, path)) = tokio::join!(dial.connect(sink), Asterisk::accept(&listener));
    assert_eq!(path, "/media/id");
    (leg.unwrap(), asterisk, frames)
}

#[tokio::test]
async fn sound_goes_both_ways_and_marks_tell_of_it() {
    let (mut leg, mut asterisk, mut frames) = dialled().await;
    leg.play(Playout::once(7, [9_000; 2 * FRAME]));
    asterisk.send(START).await;
    asterisk.send(vec![0x80; FRAME + 80]).await;
    let frame = soon(frames.recv()).await.unwrap();
    assert_eq!((frame.position, frame.samples), (0, [32_124; FRAME]));
    until(&mut leg, |event| matches!(event, LegEvent::FirstPacket { .. })).await;

    let before = asterisk.until("MARK_MEDIA").await;
    assert!(before.is_empty(), "the first mark is before the first audible frame");
    asterisk.send(r#"{"event":"MEDIA_MARK_PROCESSED","correlation_id":"0"}"#).await;
    until(&mut leg, |event| matches!(event, LegEvent::FirstAudioOut { id: 7, .. })).await;
    assert_eq!(asterisk.until("MARK_MEDIA").await.len(), 2 * FRAME);
    asterisk.send(r#"{"event":"MEDIA_MARK_PROCESSED","correlation_id":"1"}"#).await;
    until(&mut leg, |event| *event == LegEvent::Finished { id: 7 }).await;
    asterisk.send(r#"{"event":"DTMF_END","digit":"5"}"#).await;
    until(&mut leg, |event| matches!(event, LegEvent::Digit { key: '5', .. })).await;

    let stats = soon(leg.close()).await;
    assert_eq!((stats.heard.received, stats.malformed, stats.untaken), (1, 0, 0));
    let closed =
        async { while let Some(Message::Binary(_) | Message::Text(_)) = asterisk.next().await {} };
    soon(closed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_stands_still_does_not_hold_up_asterisk() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dial = Dial::new(listener.local_addr().unwrap().to_string(), "id");
    let (release, stand) = std::sync::mpsc::channel::<()>();
    let sink = move |_: &Frame| {
        let _ = stand.recv();
    };
    let (leg, (mut asterisk, _)) = tokio::join!(dial.connect(sink), Asterisk::accept(&listener));
    let mut leg = leg.unwrap();
    asterisk.send(START).await;
    for _ in 0..500 {
        asterisk.send(vec![0xFF; FRAME]).await;
    }
    asterisk.send(r#"{"event":"DTMF_END","digit":"1"}"#).await;
    until(&mut leg, |event| matches!(event, LegEvent::Digit { key: '1', .. })).await;
    drop(release);
    let untaken = soon(leg.close()).await.untaken;
    assert!((390..=400).contains(&untaken), "{untaken}");
}

#[tokio::test]
async fn while_asterisk_wants_nothing_only_a_flush_is_sent() {
    let (leg, mut asterisk, _frames) = dialled().await;
    asterisk.send(START).await;
    asterisk.until(r#"correlation_id":"1""#).await;
    asterisk.send(r#"{"event":"MEDIA_XOFF"}"#).await;
    asterisk.send(r#"{"event":"MEDIA_MARK_PROCESSED","correlation_id":"1"}"#).await;
    // What follows is decided after that was read.
    asterisk.send(vec![0xFF; FRAME]).await;
    soon(leg.watch_stats().wait_for(|stats| stats.heard.received == 1)).await.unwrap();
    asterisk.send(Message::Ping(vec![1].into())).await;
    let next = asterisk.next().await.unwrap();
    assert!(next.is_pong(), "{next:?}");
    asterisk.send(r#"{"event":"MEDIA_XON"}"#).await;
    assert_eq!(asterisk.until("MARK_MEDIA").await.len(), 10 * FRAME);
}

#[tokio::test]
async fn a_leg_ends_with_its_socket_and_says_why_if_that_is_a_failure() {
    let (mut leg, asterisk, _frames) = dialled().await;
    let Asterisk(mut socket) = asterisk;
    soon(socket.close(None)).await.unwrap();
    assert_eq!(soon(leg.next_event()).await, None, "hung up");

    let (mut leg, mut asterisk, _frames) = dialled().await;
    asterisk.send(START).await;
    soon(leg.watch_stats().wait_for(|stats| stats.sent > 0)).await.unwrap();
    drop(asterisk);
    assert_eq!(soon(leg.next_event()).await, None, "gone without having read everything");

    let (mut leg, mut asterisk, _frames) = dialled().await;
    asterisk.send(START.replace("ulaw", "opus").as_str()).await;
    let failed = soon(leg.next_event()).await;
    assert!(
        matches!(&failed, Some(LegEvent::Failed(cause)) if cause.contains("format=ulaw")),
        "{failed:?}"
    );

    let (mut leg, mut asterisk, _frames) = dialled().await;
    asterisk.send(vec![0; 70_000]).await;
    let failed = soon(leg.next_event()).await;
    assert!(matches!(failed, Some(LegEvent::Failed(_))), "{failed:?}");
    assert_eq!(soon(leg.next_event()).await, None);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut dial = Dial::new(listener.local_addr().unwrap().to_string(), "id");
    dial.connect_timeout = Duration::from_millis(50);
    let error = soon(dial.connect(|_: &Frame| {})).await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    drop(listener);
    let error = soon(dial.connect(|_: &Frame| {})).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
}

/// Knocks as Asterisk does; the status of a refusal.
async fn knock(
    door: SocketAddr,
    target: &str,
    password: &str,
) -> Result<WebSocketStream<TcpStream>, u16> {
    let stream = TcpStream::connect(door).await.unwrap();
    let mut request = format!("ws://{door}{target}").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "media".parse().unwrap());
    request.headers_mut().insert("authorization", password.parse().unwrap());
    match soon(client_async(request, stream)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(reply)) => Err(reply.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn only_a_connection_that_a_call_expects_is_let_in() {
    let right = "Basic YXN0ZXJpc2s6aHVudGVyMg==";
    let credentials = Some(Credentials::new("asterisk", "hunter2"));
    let config = DoorConfig { credentials, ..DoorConfig::default() };
    let door = Door::open("127.0.0.1:0", config).await.unwrap();
    let address = door.local_addr();
    let expected = door.expect("media-1");
    assert_eq!(expected.transport_data(), "f(json)v(channel=media-1)");
    for (target, password, status) in [
        ("/media?channel=media-1", "Basic YXN0ZXJpc2s6aHVudGVyMw==", 401),
        ("/media?channel=media-2", right, 404),
        ("/media", right, 404),
        ("/?channel=media-1", right, 404),
    ] {
        assert_eq!(knock(address, target, password).await.err(), Some(status), "{target}");
    }
    let (sink, _frames) = frames();
    let leg = tokio::spawn(expected.leg(MediaConfig::default(), sink));
    let mut asterisk = Asterisk(knock(address, "/media?channel=media-1", right).await.unwrap());
    let leg = soon(leg).await.unwrap().expect("the door is open");
    asterisk.send(START).await;
    asterisk.until("MARK_MEDIA").await;
    let again = knock(address, "/media?channel=media-1", right).await;
    assert_eq!(again.err(), Some(404), "it has come already");
    drop(door.expect("media-3"));
    let late = knock(address, "/media?channel=media-3", right).await;
    assert_eq!(late.err(), Some(404), "nobody waits any more");
    let waiting = door.expect("media-4");
    drop(door);
    assert!(soon(waiting.leg(MediaConfig::default(), |_: &Frame| {})).await.is_none());
    soon(leg.close()).await;
}

#[tokio::test]
async fn a_stream_of_ones_own_such_as_tls_is_as_good_as_a_connection() {
    let local_addr: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let door = Door::open("127.0.0.1:0", DoorConfig::default()).await.unwrap();
    let (ours, theirs) = tokio::io::duplex(65_536);
    let expected = door.expect("m");
    let mut request = "ws://here/media?channel=m".into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "media".parse().unwrap());
    let leg = expected.leg(MediaConfig::default(), |_: &Frame| {});
    let (admitted, leg, socket) = soon(async {
        tokio::join!(door.admit(ours, local_addr), leg, client_async(request, theirs))
    })
    .await;
    admitted.unwrap();
    assert_eq!(leg.expect("the door is open").local_addr(), local_addr);
    drop(socket.unwrap());

    let (ours, theirs) = tokio::io::duplex(65_536);
    let dial = Dial::new("pbx.example:8089", "id");
    #[allow(clippy::result_large_err, reason = "the signature is the library's")]
    let as_media = |_: &Request, mut reply: Response| -> Result<Response, ErrorResponse> {
        reply.headers_mut().insert("sec-websocket-protocol", "media".parse().unwrap());
        Ok(reply)
    };
    let opening = async {
        tokio::join!(
            dial.over(ours, local_addr, |_: &Frame| {}),
            accept_hdr_async(theirs, as_media)
        )
    };
    let (leg, socket) = soon(opening).await;
    let (mut leg, mut socket) = (leg.unwrap(), socket.unwrap());
    soon(socket.send(Message::text(START))).await.unwrap();
    soon(socket.send(Message::text(r#"{"event":"DTMF_END","digit":"9"}"#))).await.unwrap();
    until(&mut leg, |event| matches!(event, LegEvent::Digit { key: '9', .. })).await;
}
