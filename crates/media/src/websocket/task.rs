//! The tasks of a media WebSocket: one reads and decides, one writes, so that neither waits for the other.

use super::session::{Outgoing, Session};
use crate::{
    leg::{Command, LegEvent, Teller},
    tcp::{Outlet, is_hang_up},
};
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, error::ProtocolError},
};

/// How long Asterisk may take to read what we write.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// Messages that are read before anything else has its turn again.
const AT_ONCE: usize = 64;

/// How long saying goodbye may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs the leg until its handle is dropped, or the socket ends.
pub(super) async fn run<S>(
    socket: WebSocketStream<S>,
    session: Session,
    outlet: Outlet,
    commands: mpsc::UnboundedReceiver<Command>,
    teller: Teller,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (to_asterisk, from_asterisk) = socket.split();
    // Not bounded, and small all the same: the session never has more than its lead on the way.
    let (outbox, waiting) = mpsc::unbounded_channel();
    let mut writer = tokio::spawn(write(to_asterisk, waiting));
    let mut reader = Reader { session, outlet, outbox, teller };
    let end = tokio::select! {
        end = reader.read(from_asterisk, commands) => end,
        end = &mut writer => end.unwrap_or_else(|panic| End::Failed(panic.to_string())),
    };
    if let End::Failed(cause) = &end {
        reader.tell(LegEvent::Failed(format!("the media WebSocket: {cause}")));
    }
    // The leg is over for its owner when the last of these goes.
    let Reader { outlet, outbox, session, teller: _teller } = reader;
    drop(outbox);
    if !writer.is_finished() {
        let _ = writer.await;
    }
    outlet.close().await;
    tracing::debug!(?end, stats = ?session.stats(), "media WebSocket closed");
}

/// Why a leg has ended.
#[derive(Debug)]
enum End {
    /// Nobody has its handle any more.
    Dropped,
    /// Asterisk has closed the socket, as it does when the channel is hung up.
    ClosedByPeer,
    Failed(String),
}

impl From<Error> for End {
    fn from(error: Error) -> End {
        match error {
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::ClosedByPeer,
            Error::Io(error) if is_hang_up(&error) => End::ClosedByPeer,
            other => End::Failed(other.to_string()),
        }
    }
}

struct Reader {
    session: Session,
    outlet: Outlet,
    outbox: mpsc::UnboundedSender<Vec<Outgoing>>,
    teller: Teller,
}

impl Reader {
    async fn read(
        &mut self,
        mut messages: impl Stream<Item = Result<Message, Error>> + Unpin,
        mut commands: mpsc::UnboundedReceiver<Command>,
    ) -> End {
        loop {
            let deadline = self.session.deadline();
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.session.command(Instant::now(), command),
                    None => return End::Dropped,
                },
                message = messages.next() => {
                    // What is here already belongs together.
                    let more = std::iter::from_fn(|| messages.next().now_or_never());
                    for message in std::iter::once(message).chain(more).take(AT_ONCE) {
                        if let Some(end) = self.message(message) {
                            self.settle();
                            return end;
                        }
                    }
                }
                () = until(deadline) => self.session.tick(Instant::now()),
            }
            self.settle();
        }
    }

    fn message(&mut self, message: Option<Result<Message, Error>>) -> Option<End> {
        match message {
            Some(Ok(Message::Binary(sound))) => self.session.sound(&sound),
            Some(Ok(Message::Text(text))) => {
                return self.session.text(Instant::now(), &text).err().map(End::Failed);
            }
            // Pings are answered by the library.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(_))) | None => return Some(End::ClosedByPeer),
            Some(Err(error)) => return Some(error.into()),
        }
        None
    }

    /// Passes on whatever the session has for others.
    fn settle(&mut self) {
        let now = Instant::now();
        self.session.settle(now, |frame| self.outlet.give(frame));
        let outgoing = self.session.outgoing(now);
        if !outgoing.is_empty() {
            // A writer that has ended ends the leg in a moment.
            let _ = self.outbox.send(outgoing);
        }
        for event in self.session.events() {
            // The receiver goes away with the leg's handle.
            let _ = self.teller.events.send(event);
        }
        self.teller.stats.send_replace(self.session.stats());
    }

    fn tell(&self, event: LegEvent) {
        let _ = self.teller.events.send(event);
    }
}

/// Writes until nothing more can come, then closes the socket.
async fn write(
    mut socket: impl Sink<Message, Error = Error> + Unpin,
    mut waiting: mpsc::UnboundedReceiver<Vec<Outgoing>>,
) -> End {
    while let Some(messages) = waiting.recv().await {
        let all = async {
            for message in messages {
                socket.feed(message.into()).await?;
            }
            socket.flush().await
        };
        match timeout(WRITE_LIMIT, all).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return End::Failed(format!("Asterisk has not read for {WRITE_LIMIT:?}")),
        }
    }
    // It goes away in any case.
    let _ = timeout(FAREWELL, socket.close()).await;
    End::Dropped
}

impl From<Outgoing> for Message {
    fn from(message: Outgoing) -> Message {
        match message {
            Outgoing::Text(text) => Message::text(text),
            Outgoing::Binary(bytes) => Message::binary(bytes),
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
