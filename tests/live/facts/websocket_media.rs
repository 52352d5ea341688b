//! Calls whose media travels over a WebSocket, and what Asterisk does with what is sent there.

use futures_util::SinkExt;
use media::websocket::{Credentials, Dial, Door, DoorConfig, Format, MediaConfig};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::media::{MODULES, Media};
use super::road::{Over, Stage};
use super::{Probe, Value, json};
use crate::PATIENCE;

async fn we_connect(format: Format, transport_data: &str) {
    let Some(mut stage) = Stage::set(&[MODULES]).await else { return };
    let channel = stage
        .media(json!({
            "format": format.name(), "encapsulation": "none", "transport": "websocket",
            "connection_type": "server", "transport_data": transport_data,
        }))
        .await;
    let connection = connection_of(&channel);
    let mut dial = Dial::new(format!("127.0.0.1:{}", stage.probe.asterisk.http_port()), connection);
    dial.media = MediaConfig { format, epoch: Some(stage.epoch()), ..MediaConfig::default() };
    let leg = dial.connect(stage.sink()).await.expect("Asterisk opens it");
    stage.play(&format!("WebSocket, {format:?}, {transport_data}"), leg, Over::Tcp).await;
}

fn connection_of(channel: &Value) -> String {
    let id = channel["channelvars"]["MEDIA_WEBSOCKET_CONNECTION_ID"].as_str();
    id.unwrap_or_else(|| panic!("no connection id in {channel}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_a_websocket_that_we_open_in_json() {
    we_connect(Format::Ulaw, "f(json)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_a_websocket_that_we_open_in_plain_text() {
    we_connect(Format::Slin, "f(plain-text)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_a_websocket_that_asterisk_opens() {
    let credentials = Some(Credentials::new("asterisk", "a secret of its own"));
    let config = DoorConfig { credentials, ..DoorConfig::default() };
    let door = Door::open("127.0.0.1:0", config).await.expect("a port");
    let client = format!(
        "[media]\ntype = websocket_client\nconnection_type = per_call_config\nuri = ws://{}/media\n\
         protocols = media\nusername = asterisk\npassword = a secret of its own\n",
        door.local_addr()
    );
    let added = [MODULES, ("websocket_client.conf", client.as_str())];
    let Some(mut stage) = Stage::set(&added).await else { return };
    let expected = door.expect("media");
    let body = json!({
        "format": "ulaw", "encapsulation": "none", "transport": "websocket",
        "connection_type": "client", "external_host": "media",
        "transport_data": expected.transport_data(),
    });
    let config = MediaConfig { epoch: Some(stage.epoch()), ..MediaConfig::default() };
    let sink = stage.sink();
    let (_, leg) = tokio::join!(stage.media(body), timeout(PATIENCE, expected.leg(config, sink)));
    let leg = leg.expect("Asterisk connects").expect("the door is open");
    stage.play("WebSocket from Asterisk", leg, Over::Tcp).await;
}

/// What waits for a paused queue.
async fn queue_length(media: &mut Media) -> Value {
    media.status().await["queue_length"].clone()
}

async fn send(media: &mut Media, frames: usize) {
    media.0.send(Message::binary(vec![0xFF; 160 * frames])).await.expect("the socket is open");
}

#[tokio::test]
async fn a_message_of_whole_frames_is_queued_whole_without_any_buffering() {
    let Some(probe) = Probe::start_with(&[MODULES]) else { return };
    let _events = probe.events("app=facts").await;
    let mut media = Media::open(&probe, "media").await;
    media.command("PAUSE_MEDIA").await;
    send(&mut media, 20).await;
    assert_eq!(queue_length(&mut media).await, 20);
    media.0.send(Message::binary(vec![0xFF; 250])).await.expect("the socket is open");
    assert_eq!(queue_length(&mut media).await, 21, "and half a frame at the end is lost");
}

#[tokio::test]
async fn the_end_of_a_buffering_that_was_never_begun_is_a_mark() {
    let Some(probe) = Probe::start_with(&[MODULES]) else { return };
    let _events = probe.events("app=facts").await;
    let mut media = Media::open(&probe, "media").await;
    media.command("PAUSE_MEDIA").await;
    send(&mut media, 3).await;
    media.command_of("STOP_MEDIA_BUFFERING", "17").await;
    send(&mut media, 3).await;
    media.command_of("MARK_MEDIA", "18").await;
    media.command("CONTINUE_MEDIA").await;
    let completed = media.until("MEDIA_BUFFERING_COMPLETED").await;
    assert_eq!(completed["correlation_id"], "17");
    let passed = media.until("MEDIA_MARK_PROCESSED").await;
    assert_eq!(passed["correlation_id"], "18");
    assert_eq!(queue_length(&mut media).await, 0);
}

#[tokio::test]
async fn a_flush_takes_marks_with_it_and_tells_nothing_of_them() {
    let Some(probe) = Probe::start_with(&[MODULES]) else { return };
    let _events = probe.events("app=facts").await;
    let mut media = Media::open(&probe, "media").await;
    media.command("PAUSE_MEDIA").await;
    send(&mut media, 3).await;
    media.command_of("MARK_MEDIA", "1").await;
    media.command("FLUSH_MEDIA").await;
    send(&mut media, 3).await;
    media.command_of("MARK_MEDIA", "2").await;
    media.command("CONTINUE_MEDIA").await;
    assert_eq!(media.until("MEDIA_MARK_PROCESSED").await["correlation_id"], "2");
}
