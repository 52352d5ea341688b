//! The client against a scripted server, over real sockets.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::config::OnReplaced;
use crate::connection::Disconnect;
use crate::events::Event;
use crate::rest::{AddChannel, ExternalMedia, Hangup, Originate, Reason};
use crate::routing::{Delivery, Resource};
use crate::testing::{EventSocket, PASSWORD, Server, about, stasis_start};

async fn connected() -> (Server, EventSocket, Client, Arrivals) {
    let mut server = Server::start().await;
    let (client, arrivals) = Client::connect(server.config()).await.unwrap();
    let socket = server.socket().await;
    (server, socket, client, arrivals)
}

async fn next_event(mailbox: &mut Mailbox) -> Event {
    match mailbox.recv().await {
        Some(Delivery::Event(received)) => received.event,
        other => panic!("expected an event, got {other:?}"),
    }
}

fn watching(client: &Client, channel: &str) -> Mailbox {
    let mailbox = client.mailbox();
    mailbox.watch(Resource::Channel(channel.to_owned()));
    mailbox
}

#[tokio::test]
async fn credentials_travel_in_headers_only() {
    let (mut server, socket, client, arrivals) = connected().await;
    let mut printed = format!("{client:?} {arrivals:?} {:?}", client.config());
    let request = client.channels();
    let (outcome, ()) = tokio::join!(request.get("c1"), async {
        let exchange = server.exchange().await;
        printed.push_str(&exchange.path);
        assert_eq!(exchange.authorization, "Basic ZGVzazpodW50ZXIyLWNvcnJlY3QtaG9yc2U=");
        exchange.reply(401, json!({ "message": "Authentication required" }));
    });
    let error = outcome.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::Unauthorized));
    assert_eq!(socket.uri, "/ari/events?app=frontdesk");
    assert_eq!(socket.authorization, "Basic ZGVzazpodW50ZXIyLWNvcnJlY3QtaG9yc2U=");
    printed.push_str(&format!("{error} {error:?}"));
    assert!(!printed.contains(PASSWORD) && !printed.contains("ZGVza"), "{printed}");
}

#[tokio::test]
async fn an_event_may_come_before_the_reply() {
    let (mut server, mut socket, client, _arrivals) = connected().await;
    let mut mailbox = watching(&client, "desk-1");
    let originate = Originate::to_app("PJSIP/helpdesk", "frontdesk");
    let script = async {
        let exchange = server.exchange().await;
        assert_eq!(
            (exchange.method.as_str(), exchange.path.as_str()),
            ("POST", "/ari/channels/desk-1")
        );
        assert_eq!(exchange.body, json!({ "endpoint": "PJSIP/helpdesk", "app": "frontdesk" }));
        socket.send(stasis_start("desk-1")).await;
        // The event is delivered while the reply is still to come.
        assert!(matches!(next_event(&mut mailbox).await, Event::StasisStart(_)));
        exchange.reply(200, json!({ "id": "desk-1", "state": "Down" }));
    };
    let channels = client.channels();
    let (channel, ()) = tokio::join!(channels.originate("desk-1", &originate), script);
    assert_eq!(channel.unwrap().id, "desk-1");
}

#[tokio::test]
async fn a_reply_may_come_before_the_event() {
    let (mut server, mut socket, client, _arrivals) = connected().await;
    let mut mailbox = watching(&client, "media-1");
    let media = ExternalMedia::rtp_ulaw("frontdesk", "127.0.0.1:4000");
    let channels = client.channels();
    let (channel, ()) = tokio::join!(channels.external_media("media-1", &media), async {
        let exchange = server.exchange().await;
        assert_eq!(exchange.path, "/ari/channels/externalMedia");
        exchange.reply(
            200,
            json!({ "id": "media-1", "channelvars": {
                "UNICASTRTP_LOCAL_ADDRESS": "127.0.0.1", "UNICASTRTP_LOCAL_PORT": "17042" } }),
        );
    });
    assert_eq!(channel.unwrap().local_address(), Some("127.0.0.1:17042".parse().unwrap()));
    assert!(mailbox.try_recv().is_none());
    socket.send(stasis_start("media-1")).await;
    assert!(matches!(next_event(&mut mailbox).await, Event::StasisStart(_)));
}

#[tokio::test]
async fn a_caller_arrives_with_what_happened_since() {
    let (_server, mut socket, client, mut arrivals) = connected().await;
    socket.send(stasis_start("1742.1")).await;
    socket.send(about("ChannelDtmfReceived", "1742.1")).await;
    socket.send(about("StasisEnd", "1742.1")).await;
    socket.send(stasis_start("1742.2")).await;
    let mut first = arrivals.recv().await.unwrap();
    assert_eq!(first.start.channel.id, "1742.1");
    assert_eq!(first.json(), stasis_start("1742.1").to_string());
    assert!(matches!(next_event(&mut first.mailbox).await, Event::ChannelDtmfReceived(_)));
    assert!(matches!(next_event(&mut first.mailbox).await, Event::StasisEnd(_)));
    assert_eq!(arrivals.recv().await.unwrap().start.channel.id, "1742.2");
    assert_eq!(client.counters().events, 4);
}

#[tokio::test]
async fn a_lost_connection_is_marked_and_mended() {
    let (mut server, socket, client, _arrivals) = connected().await;
    let mut mailbox = watching(&client, "c1");
    drop(socket);
    assert!(matches!(mailbox.recv().await, Some(Delivery::ConnectionLost { .. })));
    let mut socket = server.socket().await;
    socket.send(about("ChannelDtmfReceived", "c1")).await;
    assert!(matches!(mailbox.recv().await, Some(Delivery::Reconnected { .. })));
    assert!(matches!(next_event(&mut mailbox).await, Event::ChannelDtmfReceived(_)));
    assert_eq!(*client.state().borrow(), ConnectionState::Live);
}

#[tokio::test]
async fn a_replaced_client_stops() {
    let (_server, mut socket, client, mut arrivals) = connected().await;
    let mut mailbox = watching(&client, "c1");
    let mut monitor = client.monitor();
    socket.send(json!({ "type": "ApplicationReplaced", "application": "frontdesk" })).await;
    assert!(matches!(next_event(&mut monitor).await, Event::ApplicationReplaced(_)));
    let lost = mailbox.recv().await;
    assert!(matches!(lost, Some(Delivery::ConnectionLost { cause: Disconnect::Replaced })));
    assert!(mailbox.recv().await.is_none());
    assert!(arrivals.recv().await.is_none());
    client.close().await;
    assert_eq!(*client.state().borrow(), ConnectionState::Replaced);
    assert!(client.mailbox().recv().await.is_none());
}

#[tokio::test]
async fn a_replaced_client_takes_back_if_told_to() {
    let mut server = Server::start().await;
    let mut config = server.config();
    config.on_replaced = OnReplaced::TakeBack;
    config.reconnect_max = Duration::from_millis(1);
    let (client, _arrivals) = Client::connect(config).await.unwrap();
    let mut socket = server.socket().await;
    let mut mailbox = client.mailbox();
    socket.send(json!({ "type": "ApplicationReplaced", "application": "frontdesk" })).await;
    server.socket().await;
    assert!(matches!(mailbox.recv().await, Some(Delivery::ConnectionLost { .. })));
    assert!(matches!(mailbox.recv().await, Some(Delivery::Reconnected { .. })));
}

#[tokio::test]
async fn closing_says_goodbye_and_ends_every_mailbox() {
    let (_server, mut socket, client, mut arrivals) = connected().await;
    let mut mailbox = client.mailbox();
    let (farewell, ()) = tokio::join!(socket.next(), client.close());
    assert!(matches!(farewell, Some(Message::Close(_))));
    assert_eq!(*client.state().borrow(), ConnectionState::Closed);
    assert!(matches!(
        mailbox.recv().await,
        Some(Delivery::ConnectionLost { cause: Disconnect::Closed })
    ));
    assert!(mailbox.recv().await.is_none());
    assert!(arrivals.recv().await.is_none());
}

#[tokio::test]
async fn dropping_the_last_client_closes_the_socket() {
    let (_server, mut socket, client, _arrivals) = connected().await;
    let other = client.clone();
    drop(client);
    assert_eq!(*other.state().borrow(), ConnectionState::Live);
    drop(other);
    assert!(matches!(socket.next().await, Some(Message::Close(_))));
}

#[tokio::test]
async fn errors_say_whether_asterisk_may_have_acted() {
    let (mut server, _socket, client, _arrivals) = connected().await;
    let bridges = client.bridges();
    let add = AddChannel::one("c1");
    let (refused, ()) = tokio::join!(bridges.add_channel("b 1", &add), async {
        let exchange = server.exchange().await;
        assert_eq!(exchange.path, "/ari/bridges/b%201/addChannel");
        exchange.reply(422, json!({ "message": "Channel not in Stasis application" }));
    });
    assert_eq!(refused.as_ref().unwrap_err().reason(), Some(Reason::NotInStasis));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "addChannel was refused with 422 (not in Stasis): Channel not in Stasis application"
    );

    let channels = client.channels();
    let (unknown, ()) = tokio::join!(channels.hangup("c1", Hangup::Cause(17)), async {
        let exchange = server.exchange().await;
        assert_eq!(exchange.body, json!({ "reason_code": "17" }));
        exchange.drop_connection();
    });
    assert!(matches!(unknown, Err(RequestError::OutcomeUnknown { .. })), "{unknown:?}");

    let (unreadable, ()) = tokio::join!(channels.get("c1"), async {
        server.exchange().await.reply(200, json!({ "name": "no id" }));
    });
    assert!(matches!(unreadable, Err(RequestError::UnreadableReply { .. })), "{unreadable:?}");

    let (gone, ()) = tokio::join!(channels.get_channel_var("c1", "CALLERID(num)"), async {
        let exchange = server.exchange().await;
        assert_eq!(exchange.path, "/ari/channels/c1/variable?variable=CALLERID%28num%29");
        exchange.reply(404, json!({ "message": "Channel not found" }));
    });
    assert!(gone.unwrap_err().is_gone());

    let unsent = channels.answer("..").await;
    assert!(matches!(unsent, Err(RequestError::NotSent { .. })), "{unsent:?}");
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    // A port that is ours, and that nobody listens on.
    let idle = TcpSocket::new_v4().unwrap();
    idle.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/ari", idle.local_addr().unwrap());
    let config = Config::new(&url, "desk", PASSWORD, "frontdesk").unwrap();
    let roads = Roads::new(&config).unwrap();
    let error = Channels(&roads).answer("c1").await.unwrap_err();
    assert!(matches!(error, RequestError::NotSent { .. }), "{error:?}");
    assert!(matches!(Client::connect(config).await, Err(ConnectError::Unreachable { .. })));
}

#[tokio::test]
async fn any_operation_can_be_called_by_its_path() {
    let (mut server, _socket, client, _arrivals) = connected().await;
    let body = json!({ "deviceState": "INUSE" });
    let call = client.request(Method::PUT, "/deviceStates/Stasis:desk", Some(body.clone()));
    let (reply, ()) = tokio::join!(call, async {
        let exchange = server.exchange().await;
        assert_eq!(exchange.method, "PUT");
        assert_eq!(exchange.path, "/ari/deviceStates/Stasis:desk");
        assert_eq!(exchange.body, body);
        exchange.reply(204, Value::Null);
    });
    assert_eq!(reply, Ok(Value::Null));
}

#[tokio::test]
async fn a_refused_event_socket_says_what_to_mend() {
    use tokio::io::AsyncWriteExt;
    for (status, expected) in
        [("401 Unauthorized", "ari.conf"), ("404 Not Found", "res_ari_events")]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ari", listener.local_addr().unwrap());
        let config = Config::new(&url, "desk", PASSWORD, "frontdesk").unwrap();
        let (outcome, _stream) = tokio::join!(Client::connect(config), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            let reply = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(reply.as_bytes()).await.unwrap();
            stream
        });
        let error = outcome.map(drop).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains(PASSWORD));
    }
}
