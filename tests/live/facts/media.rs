//! Media over a WebSocket of ours.

use super::{Probe, Value, json};
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::PATIENCE;

/// What the media tests need beside what a call through Patchcord touches.
pub(super) const MODULES: (&str, &str) = ("modules.conf", "load = chan_websocket.so\n");

/// A media socket of an external media channel, which speaks JSON.
pub(super) struct Media(pub(super) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Media {
    /// Makes the channel `id` and opens its socket.
    pub(super) async fn open(probe: &Probe, id: &str) -> Media {
        let leg = json!({
            "app": "facts", "channelId": id, "format": "ulaw", "encapsulation": "none", "transport": "websocket",
            "connection_type": "server", "external_host": "INCOMING", "transport_data": "f(json)",
        });
        let channel = probe.ask(Method::POST, "channels/externalMedia", leg).await;
        let connection = &channel["channelvars"]["MEDIA_WEBSOCKET_CONNECTION_ID"];
        let connection =
            connection.as_str().unwrap_or_else(|| panic!("no connection id in {channel}"));
        let url = format!("ws://127.0.0.1:{}/media/{connection}", probe.asterisk.http_port());
        let (socket, _) = tokio_tungstenite::connect_async(url).await.expect("it opens");
        let mut media = Media(socket);
        media.until("MEDIA_START").await;
        media
    }

    pub(super) async fn command(&mut self, command: &str) {
        let command = json!({ "command": command }).to_string();
        self.0.send(Message::text(command)).await.expect("the socket is open");
    }

    /// The same with an id.
    pub(super) async fn command_of(&mut self, command: &str, id: &str) {
        let command = json!({ "command": command, "correlation_id": id }).to_string();
        self.0.send(Message::text(command)).await.expect("the socket is open");
    }

    /// The next event of this kind.
    pub(super) async fn until(&mut self, kind: &str) -> Value {
        loop {
            match timeout(PATIENCE, self.0.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => {
                    let event: Value = serde_json::from_str(&text).expect("an event is JSON");
                    if event["event"] == kind {
                        return event;
                    }
                }
                Ok(Some(Ok(_))) => {}
                other => panic!("{other:?} instead of {kind}"),
            }
        }
    }

    pub(super) async fn status(&mut self) -> Value {
        self.command("GET_STATUS").await;
        self.until("STATUS").await
    }
}

#[tokio::test]
async fn flush_while_paused_empties_the_queue_and_leaves_the_pause() {
    let Some(probe) = Probe::start_with(&[MODULES]) else { return };
    let _events = probe.events("app=facts").await;
    let mut media = Media::open(&probe, "media").await;
    media.command("PAUSE_MEDIA").await;
    // A second of sound.
    media.0.send(Message::binary(vec![0xFF; 8_000])).await.expect("the socket is open");
    let full = media.status().await;
    assert_eq!(
        (&full["media_paused"], &full["queue_length"]),
        (&true.into(), &50.into()),
        "{full}"
    );
    media.command("FLUSH_MEDIA").await;
    let flushed = media.status().await;
    assert_eq!(
        (&flushed["media_paused"], &flushed["queue_length"]),
        (&true.into(), &0.into()),
        "{flushed}"
    );
    // So what is said next would not be heard: it stays in the queue until it is told to go on.
    media.0.send(Message::binary(vec![0xFF; 800])).await.expect("the socket is open");
    assert_eq!(media.status().await["queue_length"], 5);
    media.command("REPORT_QUEUE_DRAINED").await;
    media.command("CONTINUE_MEDIA").await;
    media.until("QUEUE_DRAINED").await;
    assert_eq!(media.status().await["media_paused"], false);
}
