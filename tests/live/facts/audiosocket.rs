//! Calls whose media travels over AudioSocket.

use std::time::Duration;

use media::audiosocket::{Door, DoorConfig, MediaConfig, Rate, StreamId};
use reqwest::Method;
use tokio::time::timeout;

use super::road::{Over, Stage};
use super::{Probe, Value, json};
use crate::PATIENCE;

const MODULES: (&str, &str) =
    ("modules.conf", "load = res_audiosocket.so\nload = chan_audiosocket.so\n");

fn request(door: &Door, id: StreamId, rate: Rate) -> Value {
    json!({
        "format": rate.name(), "encapsulation": "audiosocket", "transport": "tcp",
        "external_host": door.local_addr().to_string(), "data": id.to_string(),
    })
}

async fn call(rate: Rate) {
    let door = Door::open("127.0.0.1:0", DoorConfig::default()).await.expect("a port");
    let Some(mut stage) = Stage::set(&[MODULES]).await else { return };
    let id = StreamId::random();
    let expected = door.expect(id);
    let config = MediaConfig { rate, epoch: Some(stage.epoch()), ..MediaConfig::default() };
    let (body, sink) = (request(&door, id, rate), stage.sink());
    let (_, leg) = tokio::join!(stage.media(body), timeout(PATIENCE, expected.leg(config, sink)));
    let leg = leg.expect("Asterisk connects").expect("the door is open");
    stage.play(&format!("AudioSocket, {rate:?}"), leg, Over::Tcp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_audiosocket_at_8_khz() {
    call(Rate::Hz8000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_audiosocket_at_16_khz() {
    call(Rate::Hz16000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_audiosocket_at_48_khz() {
    call(Rate::Hz48000).await;
}

#[tokio::test]
async fn an_audiosocket_that_nobody_expects_is_closed_and_its_channel_ends() {
    let config = DoorConfig { handshake_timeout: Duration::from_secs(1), ..DoorConfig::default() };
    let door = Door::open("127.0.0.1:0", config).await.expect("a port");
    let Some(probe) = Probe::start_with(&[MODULES]) else { return };
    let _events = probe.events("app=facts").await;
    let _another = door.expect(StreamId::random());
    let mut body = request(&door, StreamId::random(), Rate::Hz8000);
    body["app"] = "facts".into();
    body["channelId"] = "media".into();
    let _ = probe.rest(Method::POST, "channels/externalMedia", body).await;
    probe.until_gone("media").await;
}
