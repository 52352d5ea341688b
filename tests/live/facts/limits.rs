//! Where Asterisk's patience with connections ends.

use super::media::{MODULES, Media};
use super::{Probe, Value, json};
use futures_util::StreamExt;
use reqwest::{Method, StatusCode};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;

const SESSIONS: usize = 10;

/// Said of 22.10. Before 22.8 a media socket is said to count for as long as its call; no such release can be had here.
#[tokio::test]
async fn inbound_media_sockets_do_not_count_against_the_session_limit_and_event_sockets_do() {
    let limit = format!("sessionlimit = {SESSIONS}\n");
    let Some(probe) = Probe::start_with(&[MODULES, ("http.conf", &limit)]) else { return };
    let mut sockets = vec![probe.events("app=facts").await];
    let mut media = Vec::new();
    for n in 0..SESSIONS + 2 {
        media.push(Media::open(&probe, &format!("media-{n}")).await);
    }
    while let Ok(socket) = probe.try_events(&format!("app=more-{}", sockets.len())).await {
        sockets.push(socket);
        assert!(sockets.len() <= SESSIONS, "event sockets do not count");
    }
    // The connection of a request that is over counts for a moment longer.
    println!("{} event sockets beside {} media sockets", sockets.len(), media.len());
    assert!(sockets.len() >= SESSIONS - 2, "{} event sockets only", sockets.len());
}

#[tokio::test]
async fn a_reader_that_stops_is_cut_off_when_the_buffers_of_both_sides_are_full_and_not_before() {
    let Some(probe) = Probe::start() else { return };
    let buffer = 8 * 1024;
    // The socket has room for so many bytes on our side, Asterisk's side for what the kernel gives it.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(buffer).expect("a size");
    let address = ([127, 0, 0, 1], probe.asterisk.http_port()).into();
    let stream: TcpStream = socket.connect(address).await.expect("Asterisk listens");
    let mut events = probe.events_over(stream, "app=facts").await.expect("it opens");
    // An application without a socket and without channels is gone: then nobody takes its events.
    let filler = json!({ "variables": { "filler": "x".repeat(30_000) } });
    let mut sent = 0;
    loop {
        let path = format!("events/user/{sent}?application=facts");
        let (status, reply) = probe.rest(Method::POST, &path, filler.clone()).await;
        match status {
            StatusCode::NO_CONTENT => sent += 1,
            StatusCode::NOT_FOUND => break,
            _ => panic!("{status} {reply}"),
        }
    }
    // What Asterisk could write is still there, whole and in order, and after it the end.
    let (mut received, mut bytes) = (0, 0);
    let end = loop {
        match events.socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let event: Value = serde_json::from_str(&text).expect("whole");
                assert_eq!(event["eventname"], received.to_string());
                received += 1;
                bytes += text.len();
            }
            end => break end,
        }
    };
    println!(
        "receive buffer {buffer}: {received} of {sent} events, {bytes} bytes, were buffered; then {end:?}"
    );
    assert!(bytes > buffer as usize && received <= sent);
}
