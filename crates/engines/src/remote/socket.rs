//! Engines that speak over a WebSocket: one loop for all, and what each vendor says in it apart.

use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::http::HeaderMap;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use url::Url;

use super::dial::{Dialer, Socket, broken};
use super::link::{Event, Events, Order};
use super::why::{Why, quote};

/// While a turn is heard and nothing comes back for this long, the other end is asked whether it lives.
const ASK_AFTER: Duration = Duration::from_millis(250);
/// Between turns something is sent at least so often, so that nobody on the way forgets the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// How long an orderly end may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a vendor says over its WebSocket, without the socket.
pub(super) trait Protocol: Send {
    /// Samples in one message of audio.
    const CHUNK: usize;

    /// What is said first.
    fn open(&mut self, out: &mut Outbox);
    /// A turn begins at this position.
    fn begin(&mut self, from: u64, out: &mut Outbox);
    /// Audio of the turn, at most [`CHUNK`](Self::CHUNK) samples.
    fn audio(&mut self, samples: &[i16], out: &mut Outbox);
    /// The turn is over.
    fn finish(&mut self, out: &mut Outbox);
    /// Nothing was sent for a while between turns.
    fn keep_alive(&mut self, out: &mut Outbox) {
        out.push(Message::Ping(Bytes::new()));
    }
    /// The connection is not needed any more.
    fn close(&mut self, out: &mut Outbox) {
        let _ = out;
    }
    /// What a message means.
    fn message(&mut self, message: Message, told: &mut Vec<Event>) -> Result<(), Why>;
    /// What it means that the other end closes; by default that it failed.
    fn closed(&mut self, frame: Option<CloseFrame>) -> Result<Event, Why> {
        Err(ended(frame))
    }
}

/// A close frame in words.
pub(super) fn ended(frame: Option<CloseFrame>) -> Why {
    Why::Closed(
        frame.map_or_else(String::new, |frame| quote(&format!("{} {}", frame.code, frame.reason))),
    )
}

/// What is to be sent.
pub(super) type Outbox = Vec<Message>;

/// Speaks to a vendor until the orders end, or it fails.
pub(super) async fn run<P: Protocol>(
    mut protocol: P,
    dialer: Dialer,
    url: Url,
    headers: HeaderMap,
    mut orders: mpsc::Receiver<Order>,
    events: Events,
) -> Result<(), Why> {
    let socket = dialer.upgrade(&url, headers).await?;
    let now = Instant::now();
    let mut session = Session { socket, events, heard: now, asked: now, said: now };
    let mut out = Outbox::new();
    protocol.open(&mut out);
    session.send(&mut out).await?;
    session.events.tell(Event::Open).await;
    session.serve(&mut protocol, &mut orders).await
}

struct Session {
    socket: Socket,
    events: Events,
    /// When something last came, when we last asked for it, and when something was last sent.
    heard: Instant,
    asked: Instant,
    said: Instant,
}

impl Session {
    async fn serve<P: Protocol>(
        &mut self,
        protocol: &mut P,
        orders: &mut mpsc::Receiver<Order>,
    ) -> Result<(), Why> {
        let mut pending: Vec<i16> = Vec::new();
        let (mut out, mut told) = (Outbox::new(), Vec::new());
        let mut hearing = false;
        loop {
            let next = if hearing {
                self.heard.max(self.asked) + ASK_AFTER
            } else {
                self.said + KEEP_ALIVE
            };
            tokio::select! {
                order = orders.recv() => match order {
                    None => return self.farewell(protocol).await,
                    Some(Order::Begin(from)) => {
                        hearing = true;
                        pending.clear();
                        protocol.begin(from, &mut out);
                    }
                    Some(Order::Audio(samples)) => {
                        pending.extend(samples);
                        let whole = pending.len() / P::CHUNK * P::CHUNK;
                        for chunk in pending[..whole].chunks(P::CHUNK) {
                            protocol.audio(chunk, &mut out);
                        }
                        pending.drain(..whole);
                    }
                    Some(Order::Finish) => {
                        if !pending.is_empty() {
                            protocol.audio(&pending, &mut out);
                            pending.clear();
                        }
                        protocol.finish(&mut out);
                    }
                },
                message = self.socket.next() => {
                    self.heard = Instant::now();
                    match message {
                        None => return self.last(protocol.closed(None)?).await,
                        Some(Ok(Message::Close(frame))) => {
                            return self.last(protocol.closed(frame)?).await;
                        }
                        Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                            protocol.message(message, &mut told)?;
                            told.push(Event::Alive);
                        }
                        Some(Ok(_)) => told.push(Event::Alive),
                        Some(Err(error)) => return Err(broken(error)),
                    }
                }
                () = sleep_until(next) => {
                    if hearing {
                        self.asked = Instant::now();
                        out.push(Message::Ping(Bytes::new()));
                    } else {
                        protocol.keep_alive(&mut out);
                    }
                }
            }
            for event in told.drain(..) {
                hearing &= event != Event::Finished;
                self.events.tell(event).await;
            }
            self.send(&mut out).await?;
        }
    }

    async fn send(&mut self, out: &mut Outbox) -> Result<(), Why> {
        if out.is_empty() {
            return Ok(());
        }
        for message in out.drain(..) {
            self.socket.feed(message).await.map_err(broken)?;
        }
        self.said = Instant::now();
        self.socket.flush().await.map_err(broken)
    }

    /// Tells the last event of a connection that the other end has closed as it should.
    async fn last(&mut self, event: Event) -> Result<(), Why> {
        self.events.tell(event).await;
        Ok(())
    }

    /// Says that nothing more will come, and closes.
    async fn farewell<P: Protocol>(&mut self, protocol: &mut P) -> Result<(), Why> {
        let mut out = Outbox::new();
        protocol.close(&mut out);
        // Whoever does not listen any more is left without.
        let _ = timeout(FAREWELL, async {
            self.send(&mut out).await?;
            self.socket.close(None).await.map_err(broken)?;
            while let Some(Ok(_)) = self.socket.next().await {}
            Ok::<(), Why>(())
        })
        .await;
        Ok(())
    }
}
