//! Keep-alive HTTP/1.1, as little of it as Asterisk's replies need.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Access, Method};

/// Connections to one Asterisk, each used by one request at a time.
#[derive(Debug)]
pub(crate) struct Http {
    address: SocketAddr,
    authorization: String,
    idle: Mutex<Vec<Connection>>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Http {
    pub(crate) fn new(access: &Access) -> io::Result<Http> {
        Ok(Http {
            address: access.address()?,
            authorization: access.authorization(),
            idle: Mutex::default(),
        })
    }

    /// Sends a request and reads its reply to the end. `path` is below `/ari/`; no body if it is empty.
    pub(crate) async fn request(&self, method: Method, path: &str, body: &str) -> io::Result<u16> {
        let idle = self.idle.lock().expect("no panic holds it").pop();
        let pooled = idle.is_some();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(self.address).await?,
        };
        let head = format!(
            "{} /ari/{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {}\r\n",
            method.name(),
            self.address,
            self.authorization,
        );
        let length = body.len();
        let request = if body.is_empty() {
            format!("{head}\r\n")
        } else {
            format!(
                "{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
        };
        let status = match connection.exchange(request.as_bytes()).await {
            // Asterisk closes connections that were idle for 15 s.
            Err(error) if pooled && error.kind() == io::ErrorKind::UnexpectedEof => {
                connection = Connection::open(self.address).await?;
                connection.exchange(request.as_bytes()).await?
            }
            done => done?,
        };
        self.idle.lock().expect("no panic holds it").push(connection);
        Ok(status)
    }
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(4096) })
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut whole = usize::MAX;
        while self.buffer.len() < whole {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if whole == usize::MAX
                && let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")
            {
                whole = end + 4 + content_length(&self.buffer[..end])?;
            }
        }
        status(&self.buffer)
    }
}

fn status(head: &[u8]) -> io::Result<u16> {
    let digits = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| broken(head))
}

/// The length of the body, which Asterisk always states, except where there is none.
fn content_length(head: &[u8]) -> io::Result<usize> {
    let text = std::str::from_utf8(head).map_err(|_| broken(head))?;
    let stated = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse())
    });
    stated.unwrap_or(Ok(0)).map_err(|_| broken(head))
}

fn broken(head: &[u8]) -> io::Error {
    io::Error::other(format!("no HTTP reply: {}", String::from_utf8_lossy(head)))
}
