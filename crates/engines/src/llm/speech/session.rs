//! A session over its socket: orders go in, what is said comes out, and a connection that breaks is made again once.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::http::HeaderMap;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::dialogue::Dialogue;
use super::{Conversation, Heard, LlmError, Order, SpeechModel, Told};
use crate::remote::dial::{Socket, broken};
use crate::remote::why::Why;

/// Connections of a session, one after the other.
const LIVES: usize = 2;
/// While nothing is awaited the other end is asked so often whether it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long an orderly end may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a new connection must know of the last one.
struct Book {
    talk: Conversation,
    language: Option<String>,
    /// The answer that is awaited, and whether any of its sound was told.
    asked: Option<(u32, bool)>,
}

/// Serves a session until the orders end.
pub(super) async fn serve(
    model: &SpeechModel,
    talk: Conversation,
    language: Option<String>,
    mut orders: mpsc::Receiver<Order>,
    mut tell: impl FnMut(u32, Result<Told, LlmError>) + Send,
) {
    let mut book = Book { talk, language, asked: None };
    for life in 1..=LIVES {
        let Err(error) = live(model, &mut book, &mut orders, &mut tell).await else { return };
        let heard = book.asked.is_some_and(|(_, heard)| heard);
        if is_passing(&error) && !heard && life < LIVES {
            continue;
        }
        if let Some((number, _)) = book.asked {
            tell(number, Err(error.clone()));
        }
        // Whoever asks for more is told so at once.
        while let Some(order) = orders.recv().await {
            if let Order::Answer { number, .. } = order {
                tell(number, Err(error.clone()));
            }
        }
        return;
    }
}

/// Whether another connection may do better.
fn is_passing(error: &LlmError) -> bool {
    matches!(error, LlmError::BrokeOff(_) | LlmError::Stalled(_))
}

/// One connection, until the orders end.
async fn live(
    model: &SpeechModel,
    book: &mut Book,
    orders: &mut mpsc::Receiver<Order>,
    tell: &mut (impl FnMut(u32, Result<Told, LlmError>) + Send),
) -> Result<(), LlmError> {
    let stall = model.options.stall;
    let mut early = VecDeque::new();
    let connected = {
        let connecting = timeout(stall, model.connect());
        tokio::pin!(connecting);
        loop {
            tokio::select! {
                socket = &mut connecting => break socket.unwrap_or(Err(LlmError::Stalled(stall))),
                order = orders.recv() => match order {
                    None => return Ok(()),
                    Some(order) => early.push_back(order),
                },
            }
        }
    };
    let socket = match connected {
        Ok(socket) => socket,
        Err(error) => {
            // What was asked meanwhile is not forgotten.
            early.iter().for_each(|order| book.note(order));
            return Err(error);
        }
    };
    let language = book.language.clone();
    let mut dialogue = Dialogue::begin(&model.options, language.as_deref(), &book.talk);
    let now = Instant::now();
    let mut line = Line { socket, stall, heard: now, asked: now };
    if let Some((number, _)) = book.asked {
        dialogue.ask(number, &book.talk, Heard::Words);
    }
    early.into_iter().for_each(|order| take(order, book, &mut dialogue));
    loop {
        for (number, told) in dialogue.told.drain(..) {
            book.asked = match &told {
                Told::Done { .. } => None,
                Told::Sound(_) => Some((number, true)),
                Told::Words { .. } => book.asked,
            };
            tell(number, Ok(told));
        }
        line.send(dialogue.out.drain(..).map(|event| Message::text(event.to_string()))).await?;
        let awaits = dialogue.awaits();
        let next = line.next(awaits);
        tokio::select! {
            order = orders.recv() => match order {
                None => return line.farewell().await,
                Some(order) => {
                    // What comes from now on is awaited from now on.
                    if matches!(order, Order::Answer { .. }) && !awaits {
                        line.heard = Instant::now();
                    }
                    take(order, book, &mut dialogue);
                }
            },
            message = line.socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    line.heard = Instant::now();
                    dialogue.message(&text).map_err(|error| model.clean(error))?;
                }
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map(|frame| format!("{} {}", frame.code, frame.reason));
                    return Err(LlmError::BrokeOff(why.unwrap_or_else(|| "it was closed".to_owned())));
                }
                // Who lives and says nothing still stalls.
                Some(Ok(_)) if awaits => {}
                Some(Ok(_)) => line.heard = Instant::now(),
                Some(Err(error)) => return Err(model.error(broken(error))),
                None => return Err(LlmError::BrokeOff("it was closed".to_owned())),
            },
            () = sleep_until(next) => line.keep_alive(awaits).await?,
        }
    }
}

fn take(order: Order, book: &mut Book, dialogue: &mut Dialogue<'_>) {
    book.note(&order);
    match order {
        Order::Forget => dialogue.forget(),
        Order::Audio(samples) => dialogue.hear(&samples),
        Order::Answer { number, talk, heard } => dialogue.ask(number, &talk, heard),
        Order::Stop { heard } => dialogue.stop(heard),
    }
}

impl Book {
    fn note(&mut self, order: &Order) {
        match order {
            Order::Answer { number, talk, .. } => {
                self.talk = talk.clone();
                self.asked = Some((*number, false));
            }
            Order::Stop { .. } => self.asked = None,
            Order::Forget | Order::Audio(_) => {}
        }
    }
}

struct Line {
    socket: Socket,
    stall: Duration,
    /// When something last came, and when it was last asked for.
    heard: Instant,
    asked: Instant,
}

impl Line {
    /// When something is to be done although nothing happens.
    fn next(&self, awaits: bool) -> Instant {
        match awaits {
            true => self.heard + self.stall,
            false => self.heard.max(self.asked) + KEEP_ALIVE,
        }
    }

    async fn keep_alive(&mut self, awaits: bool) -> Result<(), LlmError> {
        if awaits || self.asked > self.heard {
            return Err(LlmError::Stalled(self.stall));
        }
        self.asked = Instant::now();
        self.send([Message::Ping(Bytes::new())].into_iter()).await
    }

    async fn send(&mut self, messages: impl Iterator<Item = Message>) -> Result<(), LlmError> {
        let broke = |error| LlmError::BrokeOff(broken(error).to_string());
        let sending = async {
            for message in messages {
                self.socket.feed(message).await.map_err(broke)?;
            }
            self.socket.flush().await.map_err(broke)
        };
        timeout(self.stall, sending).await.map_err(|_| LlmError::Stalled(self.stall))?
    }

    async fn farewell(&mut self) -> Result<(), LlmError> {
        // Whoever does not listen any more is left without.
        let _ = timeout(FAREWELL, async {
            self.socket.close(None).await?;
            while let Some(Ok(_)) = self.socket.next().await {}
            Ok::<(), tokio_tungstenite::tungstenite::Error>(())
        })
        .await;
        Ok(())
    }
}

impl SpeechModel {
    async fn connect(&self) -> Result<Socket, LlmError> {
        let key = self.key.iter().map(|key| (AUTHORIZATION, key.header("Bearer ")));
        let opened = self.dialer.upgrade(&self.url, HeaderMap::from_iter(key)).await;
        opened.map_err(|why| self.error(why))
    }

    fn error(&self, why: Why) -> LlmError {
        let said = self.redacted(why.to_string());
        match why {
            Why::Refused { .. } => LlmError::Denied(said),
            Why::RateLimited { after } => LlmError::Limited { after: Some(after) },
            Why::Closed(_) | Why::Broken(_) => LlmError::BrokeOff(said),
            Why::Protocol(_) => LlmError::Senseless(said),
            _ => LlmError::Server(said),
        }
    }

    /// What a server says is wrong, should it have repeated the key.
    fn clean(&self, error: LlmError) -> LlmError {
        match error {
            LlmError::Denied(said) => LlmError::Denied(self.redacted(said)),
            LlmError::Server(said) => LlmError::Server(self.redacted(said)),
            other => other,
        }
    }

    fn redacted(&self, said: String) -> String {
        self.key.as_ref().map_or(said.clone(), |key| key.redact(&said))
    }
}
