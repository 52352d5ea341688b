//! The event socket, as little of WebSocket as Asterisk's frames need, and requests over it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex as TurnMutex, oneshot};

use super::{Access, Method};

/// What Asterisk sends.
#[derive(Debug)]
pub(crate) struct Events {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    waiting: Waiting,
}

/// REST over the same socket.
#[derive(Debug)]
pub(crate) struct Commands {
    stream: TurnMutex<OwnedWriteHalf>,
    waiting: Waiting,
}

/// Those who wait for a reply, which come in the order of the requests.
type Waiting = Arc<Mutex<VecDeque<oneshot::Sender<u16>>>>;

/// Opens the event socket of `app`.
pub(crate) async fn connect(access: &Access, app: &str) -> io::Result<(Events, Commands)> {
    let address = access.address()?;
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /ari/events?app={app} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic {}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cGF0Y2hjb3JkIGJlbmNoIQ==\r\n\r\n",
        access.authorization()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
    }
    let (read, write) = stream.into_split();
    let waiting = Waiting::default();
    let commands = Commands { stream: TurnMutex::new(write), waiting: Arc::clone(&waiting) };
    Ok((Events { stream: read, buffer: Vec::with_capacity(1 << 16), waiting }, commands))
}

impl Events {
    /// Hands over each text until the socket ends.
    pub(crate) async fn each(mut self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        while self.stream.read_buf(&mut self.buffer).await? > 0 {
            let mut done = 0;
            while let Some((opcode, payload)) = frame(&self.buffer[done..]) {
                let (start, end) = (done + payload.start, done + payload.end);
                done = end;
                match opcode {
                    TEXT => take(&self.buffer[start..end]),
                    CLOSE => return Ok(()),
                    _ => {}
                }
            }
            self.buffer.drain(..done);
        }
        Ok(())
    }

    /// Whom to tell about replies among the events.
    pub(crate) fn replies(&self) -> impl Fn(u16) + use<> {
        let waiting = Arc::clone(&self.waiting);
        move |status| {
            let next = waiting.lock().expect("no panic holds it").pop_front();
            if let Some(next) = next {
                let _ = next.send(status);
            }
        }
    }
}

impl Commands {
    /// Sends a request and waits for its reply, which whoever reads the events passes on.
    pub(crate) async fn request(&self, method: Method, path: &str, body: &str) -> io::Result<u16> {
        let mut text = json!({ "type": "RESTRequest", "method": method.name(), "uri": path });
        if !body.is_empty() {
            text["content_type"] = "application/json".into();
            text["message_body"] = body.into();
        }
        let (reply, replied) = oneshot::channel();
        {
            let mut stream = self.stream.lock().await;
            self.waiting.lock().expect("no panic holds it").push_back(reply);
            stream.write_all(&masked(text.to_string().as_bytes())).await?;
        }
        replied.await.map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }
}

const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// The first whole frame in `buffer`: what it is, and where its payload lies.
fn frame(buffer: &[u8]) -> Option<(u8, std::ops::Range<usize>)> {
    let (opcode, short) = (buffer.first()? & 0x0f, usize::from(buffer.get(1)? & 0x7f));
    let (start, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes(*buffer.get(2..)?.first_chunk()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(*buffer.get(2..)?.first_chunk()?)).ok()?),
        short => (2, short),
    };
    let payload = start..start + length;
    (buffer.len() >= payload.end).then_some((opcode, payload))
}

/// A text frame with the mask that every client must use, here one that changes nothing.
fn masked(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | TEXT];
    match u16::try_from(text.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length.to_le_bytes()[0]),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => unreachable!("no request of the bench is that long"),
    }
    frame.extend([0; 4]);
    frame.extend(text);
    frame
}
