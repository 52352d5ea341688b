//! Stand-ins that speak over a WebSocket: one loop for all, and each vendor's words apart.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::standin::{Ear, Fault, News, State};

/// What a client says.
pub(crate) enum Said {
    Audio(Vec<i16>),
    Finish,
    /// Something that is answered at once, or not at all.
    Other(Vec<Message>),
}

/// What a vendor's server says.
pub(crate) trait Dialect: Default + Send + 'static {
    /// Whether an upgrade request shows the key and asks for what it should.
    fn admits(request: &Request) -> bool;
    fn read(&mut self, message: Message) -> Said;
    /// What is said after a message of audio.
    fn news(&mut self, news: &News) -> Vec<Message>;
    /// What is said after the end of a turn.
    fn last(&mut self, news: &News) -> Vec<Message>;
    /// An error, if the vendor has messages for them, or else how it closes.
    fn error(&mut self) -> Vec<Message>;
    /// What a client must not repeat in its errors, though the server does.
    const KEY: &str = crate::dialects::KEY;
    /// Whether the server closes after a turn.
    const ONE_TURN: bool;
}

#[expect(clippy::result_large_err, reason = "it is the library's")]
pub(crate) async fn serve<D: Dialect>(stream: TcpStream, state: Arc<State>) {
    let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let refuse = |status: u16, retry: Option<&str>| {
            let mut response = ErrorResponse::new(Some("no: key hunter2".to_owned()));
            *response.status_mut() = status.try_into().unwrap();
            if let Some(after) = retry {
                response.headers_mut().insert("retry-after", after.parse().unwrap());
            }
            Err(response)
        };
        match state.fault {
            Fault::Refuse => refuse(401, None),
            Fault::TooMany => refuse(429, Some("7")),
            Fault::Unavailable => refuse(503, None),
            _ if !D::admits(request) => refuse(400, None),
            _ => Ok(response),
        }
    };
    let Ok(socket) = accept_hdr_async(stream, check).await else { return };
    let mut session =
        Session { socket, dialect: D::default(), ear: Ear::default(), state: Arc::clone(&state) };
    let killed = tokio::select! {
        () = session.run() => false,
        () = state.killed() => true,
    };
    if killed {
        session.reset();
    }
}

struct Session<D> {
    socket: WebSocketStream<TcpStream>,
    dialect: D,
    ear: Ear,
    state: Arc<State>,
}

impl<D: Dialect> Session<D> {
    async fn run(&mut self) {
        let fault = self.state.fault;
        while let Some(Ok(message)) = self.socket.next().await {
            if matches!(message, Message::Close(_) | Message::Ping(_) | Message::Pong(_)) {
                continue;
            }
            let answers = match self.dialect.read(message) {
                Said::Other(answers) => answers,
                Said::Audio(samples) => {
                    let news = self.ear.hear(&samples);
                    let news = if fault == Fault::Empty { News::default() } else { news };
                    let mut answers = self.dialect.news(&news);
                    // A server that answers each message once cannot do so twice.
                    if fault == Fault::Doubled && !D::ONE_TURN {
                        answers.extend(answers.clone());
                    }
                    answers
                }
                Said::Finish => {
                    let news = self.ear.finish();
                    if fault == Fault::Late {
                        self.state.released().await;
                    }
                    let news = if fault == Fault::Empty { News::default() } else { news };
                    let answers = self.dialect.last(&news);
                    if fault == Fault::Mute {
                        continue;
                    }
                    if self.say(answers).await.is_err() {
                        return;
                    }
                    if D::ONE_TURN {
                        let _ = self.socket.close(None).await;
                    }
                    continue;
                }
            };
            let answers = match fault {
                Fault::Mute => continue,
                Fault::Malformed => {
                    vec![Message::text("<html>\u{0}"), Message::binary(vec![1; 20])]
                }
                Fault::Huge => vec![Message::text("x".repeat(2 << 20))],
                _ => answers,
            };
            if self.say(answers).await.is_err() {
                return;
            }
            match fault {
                Fault::Close(words) if self.ear.count() >= words => {
                    let frame = CloseFrame {
                        code: CloseCode::Error,
                        reason: format!("key {} is not at fault", D::KEY).into(),
                    };
                    let _ = self.socket.close(Some(frame)).await;
                }
                Fault::Error(words) if self.ear.count() >= words => {
                    let error = self.dialect.error();
                    let _ = self.say(error).await;
                }
                Fault::Reset(words) if self.ear.count() >= words => {
                    self.reset();
                    return;
                }
                Fault::HalfOpen(words) if self.ear.count() >= words => {
                    let state = Arc::clone(&self.state);
                    state.freeze(self.socket.get_ref()).await;
                    return;
                }
                _ => {}
            }
        }
    }

    async fn say(&mut self, answers: Vec<Message>) -> Result<(), ()> {
        for answer in answers {
            self.socket.send(answer).await.map_err(|_| ())?;
        }
        Ok(())
    }

    /// Makes the end of the connection a reset.
    fn reset(&self) {
        reset_on_close(self.socket.get_ref());
    }
}

pub(crate) fn reset_on_close(stream: &TcpStream) {
    stream.set_zero_linger().expect("the connection is open");
}

/// 16-bit PCM.
pub(crate) fn from_pcm(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect()
}

pub(crate) fn from_mulaw(codes: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; codes.len()];
    audio::g711::decode_ulaw(codes, &mut samples);
    samples
}

pub(crate) fn binary(bytes: Vec<u8>) -> Message {
    Message::Binary(Bytes::from(bytes))
}
