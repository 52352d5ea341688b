//! A small ARI client: one HTTP/1.1 connection a request, one WebSocket.

use futures_util::StreamExt;
use pbx::Pbx;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{ClientRequestBuilder, Message},
};

/// `patchcord:patchcord`, the default user, in Base64.
const TOKEN: &str = "cGF0Y2hjb3JkOnBhdGNoY29yZA==";

/// A connected application.
pub(crate) struct Ari {
    authority: String,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Ari {
    /// Connects the application `patchcord`.
    pub(crate) async fn connect(pbx: &Pbx) -> Ari {
        let url = pbx.url();
        let authority = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        let uri = format!("ws://{authority}/ari/events?app=patchcord").parse().unwrap();
        let request =
            ClientRequestBuilder::new(uri).with_header("Authorization", format!("Basic {TOKEN}"));
        let (socket, _) = connect_async(request).await.unwrap();
        Ari { authority, socket }
    }

    /// The status and the JSON body of a request; null for no body.
    pub(crate) async fn reply(&self, line: &str, body: Value) -> (u16, Value) {
        request(&self.authority, line, &format!("Authorization: Basic {TOKEN}\r\n"), body).await
    }

    /// The body of a request that must succeed.
    pub(crate) async fn ask(&self, line: &str, body: Value) -> Value {
        let (status, body) = self.reply(line, body).await;
        assert!((200..300).contains(&status), "{line}: {status} {body}");
        body
    }

    /// The next event; `None` when the socket has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The next event of this type, past any others.
    pub(crate) async fn event(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await.expect("the socket is open");
            if event["type"] == kind {
                return event;
            }
        }
    }
}

/// One request on a connection of its own.
pub(crate) async fn request(
    authority: &str,
    line: &str,
    headers: &str,
    body: Value,
) -> (u16, Value) {
    let (method, path) = line.split_once(' ').unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let address: SocketAddr = authority.parse().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let text = format!(
        "{method} /ari/{path} HTTP/1.1\r\nHost: {authority}\r\n{headers}Connection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}
