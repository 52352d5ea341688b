//! Event sockets that Asterisk opens to us.

use std::net::SocketAddr;

use super::probe::kinds;
use super::{Events, Probe, Value, json};
use reqwest::Method;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::PATIENCE;

/// Where Asterisk's sockets arrive.
async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

/// The next socket that Asterisk opens.
async fn accept(listener: &TcpListener) -> Events {
    #[allow(clippy::result_large_err, reason = "the signature is the library's")]
    let as_ari = |_: &Request, mut reply: Response| -> Result<Response, ErrorResponse> {
        reply.headers_mut().insert("Sec-WebSocket-Protocol", "ari".parse().expect("a header"));
        Ok(reply)
    };
    let accepted = async {
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio_tungstenite::accept_hdr_async(stream, as_ari).await.expect("a WebSocket")
    };
    Events { socket: timeout(PATIENCE, accepted).await.expect("Asterisk connects") }
}

/// An Asterisk that opens sockets of this kind for the application `desk`.
fn dialling(kind: &str, to: SocketAddr) -> Option<Probe> {
    let client = format!(
        "[desk]\ntype = websocket_client\nconnection_type = {kind}\nuri = ws://{to}/\nprotocols = ari\n\
         username = asterisk\npassword = any\nreconnect_interval = 100\n"
    );
    let outbound = "[desk]\ntype = outbound_websocket\nwebsocket_client_id = desk\napps = desk\n\
                    local_ari_user = patchcord\n";
    Probe::start_with(&[("websocket_client.conf", &client), ("ari.conf", outbound)])
}

/// How old a channel was when it entered the application, in ms on Asterisk's own clock.
fn age_ms(start: &Value) -> i64 {
    let ms = |time: &Value| {
        time.as_str()
            .and_then(|time| time.parse::<ari::Timestamp>().ok())
            .expect("a time")
            .unix_ms()
    };
    ms(&start["timestamp"]) - ms(&start["channel"]["creationtime"])
}

#[tokio::test]
async fn a_persistent_socket_that_is_opened_again_first_replays_in_order_what_it_missed() {
    const MISSED: usize = 50;
    const FRESH: usize = 150;
    let (listener, address) = listen().await;
    let Some(probe) = dialling("persistent", address) else { return };
    let events = accept(&listener).await;
    let send = async |n: usize| {
        probe.ask(Method::POST, &format!("events/user/{n}?application=desk"), Value::Null).await;
    };
    drop((events, listener));
    probe.until_logged("Websocket disconnected.  Reconnecting").await;
    for n in 0..MISSED {
        send(n).await;
    }
    // More happens while Asterisk connects again and replays.
    let more = async {
        for n in MISSED..MISSED + FRESH {
            send(n).await;
        }
    };
    let back = async {
        let listener = TcpListener::bind(address).await.expect("the port was ours");
        let mut events = accept(&listener).await;
        let last = (MISSED + FRESH - 1).to_string();
        let mut seen = events.until(|event| event["eventname"] == last).await;
        // It may come even after what happened since.
        if !kinds(&seen).contains(&"ApplicationRegistered") {
            seen.extend(events.until(|event| event["type"] == "ApplicationRegistered").await);
        }
        seen
    };
    let ((), seen) = tokio::join!(more, back);
    let numbers: Vec<usize> =
        seen.iter().filter_map(|event| event["eventname"].as_str()?.parse().ok()).collect();
    let registered = seen.iter().position(|event| event["type"] == "ApplicationRegistered");
    println!("ApplicationRegistered came after {registered:?} of {} events", seen.len());
    assert_eq!(numbers, (0..MISSED + FRESH).collect::<Vec<_>>());
    assert!(registered.is_some_and(|at| at >= MISSED), "{:?}", kinds(&seen));
}

#[tokio::test]
async fn a_call_that_comes_while_a_persistent_socket_is_closed_enters_the_application_and_waits() {
    let (listener, address) = listen().await;
    let Some(probe) = dialling("persistent", address) else { return };
    drop((accept(&listener).await, listener));
    probe.until_logged("Websocket disconnected.  Reconnecting").await;
    probe.call_to("desk", "call").await;
    let listener = TcpListener::bind(address).await.expect("the port was ours");
    let mut events = accept(&listener).await;
    events.until_in_stasis("call").await;
}

#[tokio::test]
async fn a_per_call_socket_costs_half_a_second_before_the_call_enters_its_own_application() {
    let (listener, address) = listen().await;
    let Some(probe) = dialling("per_call_config", address) else { return };
    let mut ordinary = probe.events("app=facts").await;
    probe.call("ordinary").await;
    let start = ordinary.until_in_stasis("ordinary").await.pop().expect("one");
    let ordinary_ms = age_ms(&start);
    probe.call_to("desk", "own-socket").await;
    let mut own = accept(&listener).await;
    let start = own.until_in_stasis("own-socket").await.pop().expect("one");
    let own_ms = age_ms(&start);
    println!(
        "from the channel's creation to its StasisStart: {ordinary_ms} ms, with a socket of its own {own_ms} ms"
    );
    assert_eq!(
        start["application"],
        json!(format!("desk:{}", start["channel"]["name"].as_str().expect("a name")))
    );
    // Asterisk's own sleep, so no machine is fast enough to go under it.
    assert!(own_ms >= 490, "{own_ms} ms");
}
