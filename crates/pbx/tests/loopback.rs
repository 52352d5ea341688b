//! The PBX over real sockets.
#![allow(missing_docs, clippy::unwrap_used)]

mod harness;

use audio::{
    FRAME, g711, rtp,
    tone::{Sine, power},
};
use harness::{Ari, request};
use pbx::{
    Caller, Endpoint, Fault, HangsUp, HungUpBy, Operation, Pbx, PbxConfig, Place, Reaction, Speech,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::net::UdpSocket;

fn tone(hz: f64, ms: usize) -> Arc<[i16]> {
    let mut samples = vec![0; ms * 8];
    Sine::new(hz, -12.0).fill(&mut samples);
    Arc::from(samples)
}

/// How much of a tone at -12 dBFS is in there: 1 for all of it.
fn share(samples: &[i16], hz: f64) -> f64 {
    power(samples, hz) / power(&tone(hz, 1000), hz)
}

/// Receives `count` packets, echoing a tone of 1,000 Hz at the pace at which they come.
async fn converse(socket: &UdpSocket, count: usize) -> Vec<(rtp::Header, Vec<i16>)> {
    let mut sine = Sine::new(1000.0, -12.0);
    let mut received = Vec::new();
    for sequence in 0..count {
        let mut datagram = [0; 2048];
        let (len, from) = socket.recv_from(&mut datagram).await.unwrap();
        let packet = rtp::Packet::parse(&datagram[..len]).unwrap();
        let mut samples = vec![0; packet.payload.len()];
        g711::decode_ulaw(packet.payload, &mut samples);
        let rtp::Packet { marker, payload_type, sequence: at, timestamp, ssrc, .. } = packet;
        received
            .push((rtp::Header { marker, payload_type, sequence: at, timestamp, ssrc }, samples));

        let mut frame = [0; FRAME];
        sine.fill(&mut frame);
        let mut reply = [0; rtp::HEADER_LEN + FRAME];
        let timestamp = (sequence * FRAME) as u32;
        let header =
            rtp::Header { sequence: sequence as u16, timestamp, ssrc: 7, ..Default::default() };
        header.write(reply.first_chunk_mut().unwrap());
        g711::encode_ulaw(&frame, &mut reply[rtp::HEADER_LEN..]);
        socket.send_to(&reply, from).await.unwrap();
    }
    received
}

fn helpdesk(then: Reaction) -> Endpoint {
    Endpoint { rings_for: Duration::from_millis(40), then }
}

fn originate() -> Value {
    json!({ "endpoint": "PJSIP/helpdesk", "app": "patchcord", "channelId": "agent" })
}

#[tokio::test]
async fn a_call_is_heard_answered_connected_and_leaves_nothing_behind() {
    let pbx = Pbx::start(PbxConfig::default()).await.unwrap();
    let mut ari = Ari::connect(&pbx).await;
    let says = Speech::Looped(tone(700.0, 1000));
    pbx.endpoint("PJSIP/helpdesk", helpdesk(Reaction::Answers { says, hangs_up_after: None }));
    let call = pbx.call(Caller {
        audio: tone(400.0, 20_000),
        hangs_up: HangsUp::OnceConnectedFor(Duration::from_millis(400)),
        ..Caller::default()
    });
    let caller = call.channel().to_owned();
    assert_eq!(ari.event("StasisStart").await["channel"]["id"], caller.as_str());
    ari.ask(&format!("POST channels/{caller}/answer"), Value::Null).await;

    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let host = socket.local_addr().unwrap().to_string();
    let body = json!({
        "app": "patchcord", "channelId": "media", "external_host": host, "format": "ulaw",
    });
    let media = ari.ask("POST channels/externalMedia", body).await;
    assert_eq!(ari.event("StasisStart").await["channel"]["id"], "media");
    ari.ask("POST bridges/hall", json!({ "type": "mixing" })).await;
    let members = json!({ "channel": format!("{caller},media") });
    ari.ask("POST bridges/hall/addChannel", members).await;

    let received = converse(&socket, 20).await;
    let sound: Vec<i16> = received.iter().flat_map(|(_, samples)| samples.clone()).collect();
    assert!(share(&sound, 400.0) > 0.9, "the application hears the caller");
    let headers: Vec<rtp::Header> = received.into_iter().map(|(header, _)| header).collect();
    assert!(headers[0].marker && headers[1..].iter().all(|header| !header.marker));
    for pair in headers.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(FRAME as u32));
        assert_eq!((pair[1].ssrc, pair[1].payload_type), (pair[0].ssrc, rtp::PCMU));
    }
    assert_eq!(pbx.census().external_media_ports, 1);
    assert!(media["channelvars"]["UNICASTRTP_LOCAL_PORT"].is_string());

    ari.ask("POST channels", originate()).await;
    assert_eq!(ari.event("StasisStart").await["channel"]["id"], "agent");
    ari.ask("DELETE channels/media", Value::Null).await;
    ari.ask("POST bridges/hall/addChannel", json!({ "channel": "agent" })).await;
    let outcome = call.outcome().await;
    ari.ask("DELETE channels/agent", Value::Null).await;
    ari.ask("DELETE bridges/hall", Value::Null).await;

    assert_eq!(outcome.connected_to, Some(Place::Endpoint("PJSIP/helpdesk".to_owned())));
    assert_eq!(outcome.hung_up_by, HungUpBy::Caller);
    let last = outcome.heard.len() - 2400;
    assert!(share(&outcome.heard[..last], 1000.0) > 0.01, "the caller heard the application");
    assert!(share(&outcome.heard[last..], 700.0) > 0.9, "the caller heard the agent");
    let agent_heard = &outcome.agent_heard[outcome.agent_heard.len() - 2400..];
    assert!(share(agent_heard, 400.0) > 0.9, "the agent heard the caller");

    pbx.quiet().await;
    let census = pbx.census();
    assert_eq!((census.channels, census.bridges, census.external_media_ports), (0, 0, 0));
    assert_eq!(census.app_sockets, 1);
    pbx.shutdown().await;
    while ari.next().await.is_some() {}
}

#[tokio::test]
async fn busy_and_unanswered_destinations_are_told_by_events() {
    let pbx = Pbx::start(PbxConfig::default()).await.unwrap();
    let mut ari = Ari::connect(&pbx).await;
    pbx.endpoint("PJSIP/helpdesk", helpdesk(Reaction::Busy));
    ari.ask("POST channels", originate()).await;
    assert_eq!(ari.event("ChannelDestroyed").await["cause"], 17);
    pbx.endpoint("PJSIP/helpdesk", helpdesk(Reaction::NoAnswer));
    let mut body = originate();
    body["timeout"] = json!(1);
    ari.ask("POST channels", body).await;
    let destroyed = ari.event("ChannelDestroyed").await;
    assert_eq!(destroyed["cause_txt"], "User alerting, no answer");
    pbx.quiet().await;
    pbx.shutdown().await;
}

#[tokio::test]
async fn strangers_are_turned_away() {
    let pbx = Pbx::start(PbxConfig::default()).await.unwrap();
    let url = pbx.url();
    let authority = url.strip_prefix("http://").unwrap().strip_suffix("/ari").unwrap();
    let denied = (401, json!({ "message": "Authentication required" }));
    for headers in ["", "Authorization: Basic bm86bm8=\r\n"] {
        assert_eq!(request(authority, "GET channels", headers, Value::Null).await, denied);
        let events = request(authority, "GET events?app=x", headers, Value::Null).await;
        assert_eq!(events, denied);
    }
    let key = "GET asterisk/ping?api_key=patchcord:patchcord";
    let (status, body) = request(authority, key, "", Value::Null).await;
    assert_eq!((status, &body["ping"]), (200, &json!("pong")));
    let plain = "GET events?app=x&api_key=patchcord:patchcord";
    assert_eq!(request(authority, plain, "", Value::Null).await.0, 426);
    pbx.shutdown().await;
}

#[tokio::test]
async fn a_refused_external_media_leaves_no_port_open() {
    let pbx = Pbx::start(PbxConfig::default()).await.unwrap();
    let ari = Ari::connect(&pbx).await;
    let body = json!({ "app": "patchcord", "external_host": "127.0.0.1:9", "format": "nonsense" });
    assert_eq!(ari.reply("POST channels/externalMedia", body).await.0, 500);
    assert_eq!(pbx.census().external_media_ports, 0);
    pbx.shutdown().await;
}

#[tokio::test]
async fn faults_order_replies_and_events_and_refuse_and_cut() {
    let pbx = Pbx::start(PbxConfig::default()).await.unwrap();
    let mut ari = Ari::connect(&pbx).await;
    let call =
        pbx.call(Caller { hangs_up: HangsUp::At(Duration::from_secs(60)), ..Caller::default() });
    let answer = format!("POST channels/{}/answer", call.channel());
    ari.event("StasisStart").await;

    pbx.inject(Fault::FailOperation { operation: Operation::Answer, status: 500 });
    assert_eq!(ari.reply(&answer, Value::Null).await.0, 500);
    pbx.heal();

    pbx.inject(Fault::EventBeforeReply { operation: Operation::Answer });
    let other = Ari::connect(&pbx).await; // takes the application, and asks on its own
    assert_eq!(ari.next().await.unwrap()["type"], "ApplicationReplaced");
    let mut ari = other;
    let mut reply = request_in_background(&pbx, &answer);
    tokio::select! {
        biased;
        _ = ari.event("ChannelStateChange") => {}
        _ = &mut reply => panic!("the reply overtook the event"),
    }
    assert_eq!(reply.await.unwrap(), 204);

    pbx.inject(Fault::CloseSocket);
    assert!(ari.next().await.is_none());
    call.hang_up();
    assert_eq!(call.outcome().await.hung_up_by, HungUpBy::Caller);
    pbx.shutdown().await;
}

fn request_in_background(pbx: &Pbx, line: &str) -> tokio::task::JoinHandle<u16> {
    let url = pbx.url();
    let authority = url.strip_prefix("http://").unwrap().strip_suffix("/ari").unwrap().to_owned();
    let line = format!("{line}?api_key=patchcord:patchcord");
    tokio::spawn(async move { request(&authority, &line, "", Value::Null).await.0 })
}
