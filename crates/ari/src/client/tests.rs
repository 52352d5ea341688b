//! The client against a scripted server, over real sockets.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::config::OnReplaced;
use crate::connection::Disconnect;
use crate::events::Event;
use crate::rest::{AddChannel, EventFilter, ExternalMedia, Hangup, Originate, Reason};
use crate::routing::{Delivery, Origin};
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

async fn live(client: &Client) {
    client.state().wait_for(|state| *state == ConnectionState::Live).await.unwrap();
}

/// The next event and how it came to be.
async fn next_with_origin(mailbox: &mut Mailbox) -> (String, Origin) {
    match mailbox.recv().await {
        Some(Delivery::Event(received)) => (received.event.kind().to_owned(), received.origin),
        other => panic!("expected an event, got {other:?}"),
    }
}

#[tokio::test]
async fn what_a_gap_swallowed_is_told_after_it() {
    let (mut server, mut socket, client, mut arrivals) = connected().await;
    live(&client).await;
    for id in ["stays", "leaves"] {
        socket.send(stasis_start(id)).await;
    }
    let mut stays = arrivals.recv().await.unwrap();
    let mut leaves = arrivals.recv().await.unwrap();
    let leg = crate::ids::unique("agent");
    let mut agent = watching(&client, &leg);
    let orphan = crate::ids::unique("media");
    server.has(&["stays", "new", &leg, &orphan], &[]);
    drop(socket);
    let mut socket = server.socket().await;
    let swept = server.exchange().await;
    assert_eq!(
        (swept.method.as_str(), swept.path.as_str()),
        ("DELETE", format!("/ari/channels/{orphan}").as_str())
    );
    swept.reply(204, Value::Null);
    for mailbox in [&mut leaves.mailbox, &mut agent, &mut stays.mailbox] {
        assert!(matches!(mailbox.recv().await, Some(Delivery::ConnectionLost { .. })));
        assert!(matches!(mailbox.recv().await, Some(Delivery::Reconnected { .. })));
    }
    let told = next_with_origin(&mut leaves.mailbox).await;
    assert_eq!(told, ("StasisEnd".to_owned(), Origin::Resync));
    let told = next_with_origin(&mut agent).await;
    assert_eq!(told, ("StasisStart".to_owned(), Origin::Resync));
    let found = arrivals.recv().await.unwrap();
    assert_eq!((found.start.channel.id.as_str(), found.origin), ("new", Origin::Resync));
    socket.send(about("StasisEnd", "stays")).await;
    let told = next_with_origin(&mut stays.mailbox).await;
    assert_eq!(told, ("StasisEnd".to_owned(), Origin::Live));
    let counters = client.counters();
    assert_eq!((counters.gaps, counters.found, counters.swept, counters.synthesised), (1, 1, 1, 3));
}

#[tokio::test]
async fn events_wait_for_the_comparison_and_it_is_repeated_until_it_succeeds() {
    let mut server = Server::start().await;
    server.asks("GET /ari/bridges");
    let (client, mut arrivals) = Client::connect(server.config()).await.unwrap();
    let mut socket = server.socket().await;
    let first = server.exchange().await;
    server.has(&["early"], &[]);
    server.asks("GET /ari/bridges");
    socket.send(stasis_start("late")).await;
    first.reply(503, json!({ "message": "starting" }));
    let again = server.exchange().await;
    assert_eq!(*client.state().borrow(), ConnectionState::Resyncing);
    again.reply(200, json!([]));
    let mut origins = Vec::new();
    for _ in 0..2 {
        let arrival = arrivals.recv().await.unwrap();
        origins.push((arrival.start.channel.id, arrival.origin));
    }
    let expected = [("early".to_owned(), Origin::Resync), ("late".to_owned(), Origin::Live)];
    assert_eq!(origins, expected);
    live(&client).await;
}

#[tokio::test]
async fn a_mailbox_that_lost_events_learns_what_ended() {
    let mut server = Server::start().await;
    let mut config = server.config();
    config.mailbox_capacity = 2;
    let (client, mut arrivals) = Client::connect(config).await.unwrap();
    let mut socket = server.socket().await;
    live(&client).await;
    socket.send(stasis_start("c1")).await;
    let mut caller = arrivals.recv().await.unwrap();
    for kind in ["ChannelHold", "ChannelUnhold", "ChannelHangupRequest", "StasisEnd"] {
        socket.send(about(kind, "c1")).await;
    }
    // Behind these in the same socket, so that all are routed.
    socket.send(stasis_start("c2")).await;
    arrivals.recv().await.unwrap();
    for kind in ["ChannelHold", "ChannelUnhold"] {
        assert_eq!(next_event(&mut caller.mailbox).await.kind(), kind);
    }
    assert!(matches!(caller.mailbox.recv().await, Some(Delivery::Lost { count: 2 })));
    let (told, ()) = tokio::join!(next_with_origin(&mut caller.mailbox), async {
        let exchange = server.exchange().await;
        assert_eq!(exchange.path, "/ari/channels/c1");
        exchange.reply(404, json!({ "message": "Channel not found" }));
    });
    assert_eq!(told, ("StasisEnd".to_owned(), Origin::Resync));
}

#[tokio::test]
async fn filter_and_subscriptions_are_restored() {
    let (mut server, socket, client, _arrivals) = connected().await;
    live(&client).await;
    let filter =
        EventFilter { disallowed: Some(vec!["ChannelVarset".into()]), ..EventFilter::default() };
    let sent = json!({ "disallowed": [{ "type": "ChannelVarset" }] });
    let path = "/ari/applications/frontdesk";
    let (set, subscribed, ()) = tokio::join!(
        client.event_filter(filter),
        client.subscribe("endpoint:PJSIP/alice"),
        async {
            for _ in 0..2 {
                server.exchange().await.reply(200, json!({ "name": "frontdesk" }));
            }
        }
    );
    assert_eq!((set, subscribed), (Ok(()), Ok(())));
    drop(socket);
    let _socket = server.socket().await;
    let again = server.exchange().await;
    assert_eq!((again.method.as_str(), &again.body), ("PUT", &sent));
    assert_eq!(again.path, format!("{path}/eventFilter"));
    again.reply(200, json!({ "name": "frontdesk" }));
    let again = server.exchange().await;
    assert_eq!((again.method.as_str(), again.path), ("POST", format!("{path}/subscription")));
    assert_eq!(again.body, json!({ "eventSource": ["endpoint:PJSIP/alice"] }));
}

#[tokio::test]
async fn who_looks_on_sees_everything_and_touches_nothing() {
    let mut server = Server::start().await;
    server.has(&[&crate::ids::unique("agent"), "c1"], &[]);
    let (client, mut everything) = Client::look_on(server.config()).await.unwrap();
    let mut socket = server.socket().await;
    assert_eq!(socket.uri, "/ari/events?app=frontdesk&subscribeAll=true");
    socket.send(stasis_start("c2")).await;
    assert!(matches!(next_event(&mut everything).await, Event::StasisStart(_)));
    assert_eq!((client.counters().swept, client.counters().found), (0, 0));
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
    live(&other).await;
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
    let roads = Roads::new(&Arc::new(config.clone())).unwrap();
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
