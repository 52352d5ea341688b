//! The acceptor against a scripted Asterisk that opens sockets, over loopback.

use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use futures_util::SinkExt;
use tokio::net::TcpStream;
use tokio_tungstenite::MaybeTlsStream;

use super::*;
use crate::connection::{ConnectionState, Disconnect};
use crate::events::Event;
use crate::routing::{Delivery, Resource};
use crate::testing::{about, stasis_start};

/// asterisk:hunter2
const RIGHT: &str = "Basic YXN0ZXJpc2s6aHVudGVyMg==";

type FromAsterisk = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn listening() -> (Acceptor, Clients, Listener) {
    let config = AcceptConfig::new("/events", "asterisk", "hunter2").unwrap();
    let (acceptor, clients) = Acceptor::new(config).unwrap();
    let listener = acceptor.listen("127.0.0.1:0", None).await.unwrap();
    (acceptor, clients, listener)
}

async fn open(listener: &Listener, authorization: &str) -> Result<FromAsterisk, WsError> {
    let url = format!("ws://{}/events", listener.local_addr());
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("authorization", HeaderValue::from_str(authorization).unwrap());
    headers.insert("sec-websocket-protocol", HeaderValue::from_static("ari"));
    connect_async(request).await.map(|(socket, _)| socket)
}

async fn send(socket: &mut FromAsterisk, mut event: Value, app: &str) {
    event["application"] = app.into();
    event["asterisk_id"] = "02:00:00:00:00:01".into();
    socket.send(Message::text(event.to_string())).await.unwrap();
}

async fn registered(listener: &Listener, app: &str) -> FromAsterisk {
    let mut socket = open(listener, RIGHT).await.unwrap();
    send(&mut socket, json!({ "type": "ApplicationRegistered" }), app).await;
    socket
}

/// Answers the requests of the comparison after a gap: `channels` are there, and in the application.
fn answers(mut socket: FromAsterisk, app: &'static str, channels: &'static [&'static str]) {
    tokio::spawn(async move {
        while let Some(Ok(Message::Text(text))) = socket.next().await {
            let request: Value = serde_json::from_str(&text).unwrap();
            let body = match request["uri"].as_str().unwrap() {
                "channels" => channels.iter().map(|id| json!({ "id": id })).collect(),
                "bridges" => json!([]),
                _ => json!({ "name": app, "channel_ids": channels, "bridge_ids": [],
                    "endpoint_ids": [], "device_names": [] }),
            };
            let reply = json!({ "type": "RESTResponse", "request_id": request["request_id"],
                "status_code": 200, "reason_phrase": "OK", "uri": request["uri"],
                "message_body": body.to_string() });
            send(&mut socket, reply, app).await;
        }
    });
}

#[tokio::test]
async fn wrong_credentials_stay_outside() {
    let (_acceptor, _clients, listener) = listening().await;
    match open(&listener, "Basic YXN0ZXJpc2s6aHVudGVyMw==").await {
        Err(WsError::Http(response)) => assert_eq!(response.status(), 401),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_persistent_socket_is_one_client_over_its_reconnects() {
    let (_acceptor, mut clients, listener) = listening().await;
    let mut socket = registered(&listener, "desk").await;
    let (client, mut arrivals) = clients.next().await.unwrap();
    assert_eq!(client.config().app(), "desk");
    send(&mut socket, stasis_start("1.1"), "desk").await;
    let mut caller = arrivals.recv().await.unwrap();
    drop(socket);
    assert!(matches!(caller.mailbox.recv().await, Some(Delivery::ConnectionLost { .. })));

    // What Asterisk kept comes first, and tells whose socket it is.
    let mut socket = open(&listener, RIGHT).await.unwrap();
    send(&mut socket, about("ChannelDtmfReceived", "1.1"), "desk").await;
    send(&mut socket, stasis_start("1.2"), "desk").await;
    answers(socket, "desk", &["1.1", "1.2"]);
    assert!(matches!(caller.mailbox.recv().await, Some(Delivery::Reconnected { .. })));
    let Some(Delivery::Event(replayed)) = caller.mailbox.recv().await else { panic!() };
    assert!(matches!(replayed.event, Event::ChannelDtmfReceived(_)));
    assert_eq!(arrivals.recv().await.unwrap().start.channel.id, "1.2");
    assert_eq!(*client.state().borrow(), ConnectionState::Live);
}

#[tokio::test]
async fn asterisk_may_come_back_before_its_loss_is_noticed() {
    let (_acceptor, mut clients, listener) = listening().await;
    let _forgotten = registered(&listener, "desk").await;
    let (client, _arrivals) = clients.next().await.unwrap();
    let mut mailbox = client.mailbox();
    mailbox.watch(Resource::Channel("1.1".into()));
    let mut socket = registered(&listener, "desk").await;
    send(&mut socket, about("StasisEnd", "1.1"), "desk").await;
    answers(socket, "desk", &[]);
    assert!(matches!(mailbox.recv().await, Some(Delivery::ConnectionLost { .. })));
    assert!(matches!(mailbox.recv().await, Some(Delivery::Reconnected { .. })));
    assert!(matches!(mailbox.recv().await, Some(Delivery::Event(_))));
}

#[tokio::test]
async fn a_call_of_its_own_is_a_client_until_asterisk_says_goodbye() {
    let (acceptor, mut clients, listener) = listening().await;
    let app = "desk:PJSIP/provider-00000001";
    let mut socket = registered(&listener, app).await;
    let (client, mut arrivals) = clients.next().await.unwrap();
    assert_eq!(client.config().app(), app);
    let channels = client.channels();
    let (ring, ()) = tokio::join!(channels.ring("1.1"), async {
        let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("no request") };
        let request: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(request["uri"], "channels/1.1/ring");
        let reply = json!({ "type": "RESTResponse", "request_id": request["request_id"],
            "status_code": 204, "reason_phrase": "No Content", "uri": request["uri"] });
        send(&mut socket, reply, app).await;
    });
    ring.unwrap();
    let goodbye = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: 1000.into(),
        reason: "".into(),
    };
    socket.close(Some(goodbye)).await.unwrap();
    assert!(arrivals.recv().await.is_none());
    client.close().await;
    assert_eq!(*client.state().borrow(), ConnectionState::Closed);
    while !acceptor.0.known.names().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn closing_a_client_closes_its_socket() {
    let (_acceptor, mut clients, listener) = listening().await;
    let mut socket = registered(&listener, "desk").await;
    let (client, _arrivals) = clients.next().await.unwrap();
    let mut mailbox = client.mailbox();
    let (farewell, ()) = tokio::join!(socket.next(), client.close());
    assert!(matches!(farewell, Some(Ok(Message::Close(_)))));
    let lost = mailbox.recv().await;
    assert!(matches!(lost, Some(Delivery::ConnectionLost { cause: Disconnect::Closed })));
    assert!(mailbox.recv().await.is_none());
}

#[tokio::test]
async fn connections_that_say_nothing_are_few_and_short() {
    let mut config = AcceptConfig::new("/events", "asterisk", "hunter2").unwrap();
    config.max_handshakes = 1;
    config.handshake_timeout = Duration::from_millis(500);
    let (acceptor, mut clients) = Acceptor::new(config).unwrap();
    let listener = acceptor.listen("127.0.0.1:0", None).await.unwrap();
    let _silent = TcpStream::connect(listener.local_addr()).await.unwrap();
    let _silent_too = TcpStream::connect(listener.local_addr()).await.unwrap();
    let _socket = registered(&listener, "desk").await;
    assert!(clients.next().await.is_some());
}

#[tokio::test]
async fn an_http_server_of_ones_own_can_let_sockets_in() {
    let config = AcceptConfig::new("/events", "asterisk", "hunter2").unwrap();
    let (acceptor, mut clients) = Acceptor::new(config).unwrap();
    let (theirs, ours) = tokio::io::duplex(4096);
    let mut socket = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
    let event = json!({ "type": "ApplicationRegistered", "application": "desk" });
    let (sent, ()) =
        tokio::join!(socket.send(Message::text(event.to_string())), acceptor.admit(ours));
    sent.unwrap();
    assert_eq!(clients.next().await.unwrap().0.config().app(), "desk");
}

#[tokio::test]
async fn a_request_that_asterisk_does_not_read_yet_delays_no_event() {
    let config = AcceptConfig::new("/events", "asterisk", "hunter2").unwrap();
    let (acceptor, mut clients) = Acceptor::new(config).unwrap();
    let (theirs, ours) = tokio::io::duplex(4096);
    let mut socket = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
    let (sent, ()) = tokio::join!(socket.send(Message::text(registration())), acceptor.admit(ours));
    sent.unwrap();
    let (client, mut arrivals) = clients.next().await.unwrap();
    let body = Value::String("long".repeat(10_000));
    let served = async {
        for channel in ["1.1", "1.2", "1.3"] {
            tokio::task::yield_now().await;
            socket.send(Message::text(stasis_start(channel).to_string())).await.unwrap();
            assert_eq!(arrivals.recv().await.unwrap().start.channel.id, channel);
        }
    };
    tokio::select! {
        reply = client.request(http::Method::POST, "any", Some(body)) => panic!("{reply:?}"),
        () = served => {}
    }
}

fn registration() -> String {
    json!({ "type": "ApplicationRegistered", "application": "desk" }).to_string()
}
