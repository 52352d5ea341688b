//! What becomes of an event socket whose client stops reading.
//!
//! The kernel buffers a few megabytes of events. A write that does not fit has the `websocket_write_timeout` of `ari.conf`,
//! 100 ms; it leaves behind what did fit, part of an event. Then a close frame with code 1011 has as long again. It
//! usually does not fit either, and Asterisk shuts the connection down. But the kernel may have made room meanwhile, by a
//! larger buffer or because the client read on: then the close frame stands inside the unfinished event, where no client
//! can see it, and the connection stays open.

use super::{Probe, Value, json};
use reqwest::{Method, StatusCode};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::PATIENCE;

/// Room for so many bytes on our side. How many there are on Asterisk's is the kernel's affair: 4 MiB at most, as it comes.
const RECEIVE_BUFFER: u32 = 8 * 1024;
/// An event has about as many bytes. Asterisk takes no request with more than 32 KiB.
const EVENT: usize = 30_000;
/// More events than any buffers hold.
const ENOUGH: usize = 1000;
/// The close frame with code 1011.
const CLOSE_1011: [u8; 4] = [0x88, 2, 0x03, 0xF3];

#[tokio::test]
async fn a_client_that_stops_reading_loses_what_the_socket_buffers_do_not_hold_within_100_ms() {
    let Some(probe) = Probe::start() else { return };
    let mut stream = open(&probe).await;
    let given_up = || probe.asterisk.log().contains("Problem occurred during websocket write");
    let sent = send_until(&probe, given_up).await;
    let backlog = Backlog::read(&mut stream, Vec::new()).await;
    println!(
        "{} of {sent} events were buffered, {} bytes, then {:?}",
        backlog.events, backlog.bytes, backlog.end
    );
    assert!(backlog.bytes > RECEIVE_BUFFER as usize);
    assert!(backlog.events < sent, "nothing is kept for later");
    drop(stream);
    until_unregistered(&probe).await;
}

#[tokio::test]
async fn a_1011_may_be_buried_in_an_unfinished_event_and_then_the_socket_stays_open_and_mute() {
    let Some(probe) = start_slow() else { return };
    let stream = mute(&probe).await;
    // Asterisk still says that it delivers.
    assert_eq!(send(&probe, 0).await, StatusCode::NO_CONTENT);
    assert_eq!(application(&probe).await, StatusCode::OK);
    drop(stream);
    until_unregistered(&probe).await;
}

#[tokio::test]
async fn a_mute_socket_that_was_pinged_holds_its_application_for_ever_or_until_another_takes_it() {
    let Some(probe) = start_slow() else { return };
    let mut stream = mute(&probe).await;
    // Asterisk reads it, does not reply, and waits for no further input: not for the end of the connection either.
    let ping = [0x89, 0x80, 1, 2, 3, 4];
    stream.write_all(&ping).await.expect("the connection is open");
    let pong = timeout(A_WHILE, stream.read_u8()).await;
    assert!(pong.is_err(), "{pong:?} follows the ping");
    drop(stream);
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(application(&probe).await, StatusCode::OK);
    assert_eq!(send(&probe, 0).await, StatusCode::NO_CONTENT);

    let mut events = probe.events("app=facts").await;
    assert_eq!(send(&probe, 1).await, StatusCode::NO_CONTENT);
    events.until(|event| event["eventname"] == "1").await;
}

/// How long is looked whether something happens that does not.
const A_WHILE: Duration = Duration::from_secs(1);

/// The end of what was read.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// That of the connection.
    Closed,
    /// A close frame inside an event that wants so many bytes more.
    Buried { wanting: usize },
    /// A close frame after a whole event.
    CloseFrame,
}

/// What the buffers of both sides held.
struct Backlog {
    /// How many whole events.
    events: usize,
    bytes: usize,
    end: End,
}

impl Backlog {
    /// Reads on to the end, after `read`, and finds the events in order and all whole but the last one.
    async fn read(stream: &mut TcpStream, mut read: Vec<u8>) -> Backlog {
        let all = async {
            while stream.read_buf(&mut read).await.expect("the connection is not broken") > 0 {
                if read.ends_with(&CLOSE_1011) {
                    return false;
                }
            }
            true
        };
        let closed = timeout(PATIENCE, all).await.expect("an end");
        let (mut events, mut rest) = (0, &read[..]);
        while let Some((text, after)) = text_frame(rest) {
            let event: Value = serde_json::from_slice(text).expect("whole");
            if event["type"] == "ChannelUserevent" {
                assert_eq!(event["eventname"], events.to_string());
                events += 1;
            }
            rest = after;
        }
        let end = match rest {
            _ if closed => End::Closed,
            rest if rest == CLOSE_1011 => End::CloseFrame,
            rest => End::Buried { wanting: frame_length(rest).map_or(0, |all| all - rest.len()) },
        };
        Backlog { events, bytes: read.len(), end }
    }
}

/// The text of the first frame and what comes after it, if the frame is a whole one of text.
fn text_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = frame_length(bytes)?;
    (bytes[0] == 0x81 && bytes.len() >= length).then(|| {
        let header = if bytes[1] == 126 { 4 } else { 2 };
        (&bytes[header..length], &bytes[length..])
    })
}

/// How long the first frame is with its header; none here is longer than 64 KiB.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    match *bytes {
        [_, 126, high, low, ..] => Some(4 + usize::from(u16::from_be_bytes([high, low]))),
        [_, short, ..] if short < 126 => Some(2 + usize::from(short)),
        _ => None,
    }
}

/// An Asterisk that gives each write so long that a client can do something meanwhile, and that logs the first that fails.
fn start_slow() -> Option<Probe> {
    let slow = "[general](+)\nwebsocket_write_timeout = 2000\n";
    let probe = Probe::start_with(&[("ari.conf", slow), ("logger.conf", "debug => debug\n")])?;
    probe.asterisk.cli("core set debug 1 res_http_websocket.so").expect("the console works");
    Some(probe)
}

/// A connection over which nothing comes any more, without a sign: the client made room for the close frame only.
async fn mute(probe: &Probe) -> TcpStream {
    let mut stream = open(probe).await;
    let log = probe.asterisk.folder().join("debug");
    let failed =
        || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("Closing WS with 1011"));
    send_until(probe, failed).await;
    let mut begin = vec![0; 400_000];
    stream.read_exact(&mut begin).await.expect("it was buffered");
    let backlog = Backlog::read(&mut stream, begin).await;
    println!("{} events were buffered, then {:?}", backlog.events, backlog.end);
    assert!(matches!(backlog.end, End::Buried { wanting: 1.. }), "{:?}", backlog.end);
    stream
}

/// Opens an event socket, and gives the connection that nobody reads.
async fn open(probe: &Probe) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(RECEIVE_BUFFER).expect("a size");
    let address = ([127, 0, 0, 1], probe.asterisk.http_port()).into();
    let stream = socket.connect(address).await.expect("Asterisk listens");
    let events = probe.events_over(stream, "app=facts").await.expect("it opens");
    events.socket.into_inner()
}

/// Sends events until it is so; says how many.
async fn send_until(probe: &Probe, so: impl Fn() -> bool) -> usize {
    for sent in 0..ENOUGH {
        if so() {
            return sent;
        }
        // An application without a socket and without channels is gone: then nobody takes its events.
        match send(probe, sent).await {
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => {}
            status => panic!("{status}"),
        }
    }
    // The last of them is written a little later.
    let so = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, so).await.expect("no buffer holds that much");
    ENOUGH
}

/// Has Asterisk send an event of some size; says whether it took that on.
async fn send(probe: &Probe, number: usize) -> StatusCode {
    let filler = json!({ "variables": { "filler": "x".repeat(EVENT) } });
    let path = format!("events/user/{number}?application=facts");
    probe.rest(Method::POST, &path, filler).await.0
}

/// Whether Asterisk has the application.
async fn application(probe: &Probe) -> StatusCode {
    probe.rest(Method::GET, "applications/facts", Value::Null).await.0
}

async fn until_unregistered(probe: &Probe) {
    let unregistered = async {
        while application(probe).await != StatusCode::NOT_FOUND {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, unregistered).await.expect("the application is given up");
}
