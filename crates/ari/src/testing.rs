//! A scripted Asterisk: it accepts event sockets and requests, and does with them what the test says.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::config::Config;

/// The password of [`Server::config`], to be looked for where it must not be.
pub(crate) const PASSWORD: &str = "hunter2-correct-horse";

/// A server on a loopback port. Stops when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    sockets: mpsc::UnboundedReceiver<EventSocket>,
    exchanges: mpsc::UnboundedReceiver<Exchange>,
    task: AbortHandle,
    state: SharedState,
}

/// What is answered without asking the test, by method and path.
type SharedState = Arc<Mutex<HashMap<String, Value>>>;

/// An event socket that a client opened.
pub(crate) struct EventSocket {
    pub(crate) uri: String,
    pub(crate) authorization: String,
    stream: WebSocketStream<TcpStream>,
}

/// A request that waits for its reply.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) body: Value,
    reply: oneshot::Sender<Option<(u16, String)>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sockets_in, sockets) = mpsc::unbounded_channel();
        let (exchanges_in, exchanges) = mpsc::unbounded_channel();
        let state = SharedState::default();
        let task = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let state = Arc::clone(&state);
                    tokio::spawn(serve(stream, sockets_in.clone(), exchanges_in.clone(), state));
                }
            }
        })
        .abort_handle();
        let server = Self { address, sockets, exchanges, task, state };
        server.has(&[], &[]);
        server
    }

    /// From now on Asterisk has these channels, all in our application, and these bridges.
    pub(crate) fn has(&self, channels: &[&str], bridges: &[&str]) {
        let channel = |id: &&str| {
            let dialplan = json!({ "app_name": "Stasis", "app_data": "frontdesk,main" });
            json!({ "id": id, "state": "Up", "dialplan": dialplan })
        };
        let channels_json: Vec<Value> = channels.iter().map(channel).collect();
        let bridges_json: Vec<Value> = bridges.iter().map(|id| json!({ "id": id })).collect();
        let application =
            json!({ "name": "frontdesk", "channel_ids": channels, "bridge_ids": bridges });
        self.answers("GET /ari/applications/frontdesk", application);
        self.answers("GET /ari/channels", channels_json.into());
        self.answers("GET /ari/bridges", bridges_json.into());
    }

    /// From now on this method and path are answered so, without asking the test.
    pub(crate) fn answers(&self, request: &str, reply: Value) {
        self.state.lock().unwrap().insert(request.to_owned(), reply);
    }

    /// From now on the test is asked for this method and path.
    pub(crate) fn asks(&self, request: &str) {
        self.state.lock().unwrap().remove(request);
    }

    /// A configuration for this server that reconnects without delay.
    pub(crate) fn config(&self) -> Config {
        let url = format!("http://{}/ari", self.address);
        let mut config = Config::new(&url, "desk", PASSWORD, "frontdesk").unwrap();
        config.reconnect_first = Duration::from_millis(1);
        config
    }

    /// The next event socket that a client opens.
    pub(crate) async fn socket(&mut self) -> EventSocket {
        self.sockets.recv().await.unwrap()
    }

    /// The next request that a client sends, pings apart.
    pub(crate) async fn exchange(&mut self) -> Exchange {
        self.exchanges.recv().await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl EventSocket {
    pub(crate) async fn send(&mut self, event: Value) {
        self.send_text(&event.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// The next message from the client.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        self.stream.next().await.and_then(Result::ok)
    }
}

impl Exchange {
    pub(crate) fn reply(self, status: u16, body: Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.reply.send(Some((status, body))).unwrap();
    }

    /// Closes the connection without a reply.
    pub(crate) fn drop_connection(self) {
        self.reply.send(None).unwrap();
    }
}

/// A StasisStart of one channel.
pub(crate) fn stasis_start(channel: &str) -> Value {
    about("StasisStart", channel)
}

/// An event of some kind about one channel.
pub(crate) fn about(kind: &str, channel: &str) -> Value {
    json!({
        "type": kind, "application": "frontdesk", "timestamp": "2025-03-17T08:32:35.709-0600",
        "args": [], "digit": "5", "channel": { "id": channel, "state": "Ring" },
    })
}

async fn serve(
    stream: TcpStream,
    sockets: mpsc::UnboundedSender<EventSocket>,
    exchanges: mpsc::UnboundedSender<Exchange>,
    state: SharedState,
) {
    const EVENTS: &[u8] = b"GET /ari/events";
    let mut start = [0; EVENTS.len()];
    while stream.peek(&mut start).await.unwrap() < EVENTS.len() {
        tokio::task::yield_now().await;
    }
    if start != EVENTS {
        return serve_requests(stream, exchanges, state).await;
    }
    let (mut uri, mut authorization) = (String::new(), String::new());
    #[expect(clippy::result_large_err, reason = "the WebSocket library's own signature")]
    let note = |request: &Request, response: Response| {
        uri = request.uri().to_string();
        authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
        Ok(response)
    };
    let stream = accept_hdr_async(stream, note).await.unwrap();
    let _ = sockets.send(EventSocket { uri, authorization, stream });
}

async fn serve_requests(
    mut stream: TcpStream,
    exchanges: mpsc::UnboundedSender<Exchange>,
    state: SharedState,
) {
    let mut buffer = Vec::new();
    while let Some((head, body)) = read_request(&mut stream, &mut buffer).await {
        let mut words = head.split(' ');
        let method = words.next().unwrap().to_owned();
        let path = words.next().unwrap().to_owned();
        let answer = if path == "/ari/asterisk/ping" {
            Some((200, json!({ "ping": "pong" }).to_string()))
        } else if let Some(state) = state.lock().unwrap().get(&format!("{method} {path}")) {
            Some((200, state.to_string()))
        } else {
            let (reply, answer) = oneshot::channel();
            let body = serde_json::from_str(&body).unwrap_or(Value::Null);
            let authorization = header(&head, "authorization").unwrap_or_default().to_owned();
            let exchange = Exchange { method, path, authorization, body, reply };
            if exchanges.send(exchange).is_err() {
                return;
            }
            answer.await.unwrap_or(None)
        };
        let Some((status, body)) = answer else { return };
        let length = body.len();
        let response =
            format!("HTTP/1.1 {status} Scripted\r\nContent-Length: {length}\r\n\r\n{body}");
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Head and body of the next request; `None` when the client closed the connection.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, String)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
            let length = header(&head, "content-length").map_or(0, |text| text.parse().unwrap());
            let whole = end + 4 + length;
            if buffer.len() >= whole {
                let body = String::from_utf8(buffer[end + 4..whole].to_vec()).unwrap();
                buffer.drain(..whole);
                return Some((head, body));
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
}
