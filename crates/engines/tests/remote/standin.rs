//! A vendor's server on loopback: hears tones, answers in the vendor's own words, and fails on demand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::tones::{Spoken, Tones};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// 401.
    Refuse,
    /// 429 with `Retry-After: 7`.
    TooMany,
    /// 503.
    Unavailable,
    /// The stream is closed, as the vendor does it, when so many words were heard.
    Close(usize),
    /// The connection is reset then.
    Reset(usize),
    /// Nothing is read or written any more from then on.
    HalfOpen(usize),
    /// The vendor's own word for an error then.
    Error(usize),
    /// Everything is taken, and nothing is ever said.
    Mute,
    /// The turn is answered, with no word in it.
    Empty,
    /// The answer is no message of the vendor's.
    Malformed,
    /// The answer has two megabytes.
    Huge,
    /// Each final answer comes twice.
    Doubled,
    /// What follows the end of the turn is held back until [`StandIn::release`].
    Late,
}

impl Fault {
    /// Whether nothing but a limit in time can tell.
    pub(crate) fn never_answers(self) -> bool {
        matches!(self, Self::HalfOpen(_) | Self::Mute | Self::Late)
    }
}

/// A server, until it is dropped.
pub(crate) struct StandIn {
    pub(crate) port: u16,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

/// What all connections of a server share.
pub(crate) struct State {
    pub(crate) fault: Fault,
    open: AtomicUsize,
    pub(crate) accepted: AtomicUsize,
    released: watch::Sender<bool>,
    killed: watch::Sender<bool>,
}

impl State {
    /// Ends when what is held back may go.
    pub(crate) async fn released(&self) {
        let _ = self.released.subscribe().wait_for(|released| *released).await;
    }

    /// Ends when the server is to die.
    pub(crate) async fn killed(&self) {
        let _ = self.killed.subscribe().wait_for(|killed| *killed).await;
    }

    /// Serves nothing, but keeps the connection until the client has gone.
    pub(crate) async fn freeze(&self, stream: &TcpStream) {
        self.released().await;
        let mut buffer = [0; 4_096];
        loop {
            let _ = stream.readable().await;
            match stream.try_read(&mut buffer) {
                Ok(0) => return,
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return,
                _ => {}
            }
        }
    }
}

/// Serves one connection until it is over.
pub(crate) trait Serve:
    Fn(TcpStream, Arc<State>) -> Self::Served + Send + Sync + 'static
{
    type Served: Future<Output = ()> + Send;
}

impl<F: Fn(TcpStream, Arc<State>) -> T + Send + Sync + 'static, T: Future<Output = ()> + Send> Serve
    for F
{
    type Served = T;
}

impl StandIn {
    pub(crate) async fn start<S: Serve<Served: 'static>>(fault: Fault, serve: S) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            fault,
            open: AtomicUsize::new(0),
            accepted: AtomicUsize::new(0),
            released: watch::channel(false).0,
            killed: watch::channel(false).0,
        });
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&state);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    Ok((stream, _)) = listener.accept() => {
                        shared.open.fetch_add(1, Ordering::SeqCst);
                        shared.accepted.fetch_add(1, Ordering::SeqCst);
                        connections.spawn(serve(stream, Arc::clone(&shared)));
                    }
                    Some(ended) = connections.join_next() => {
                        ended.expect("the stand-in itself has not failed");
                        shared.open.fetch_sub(1, Ordering::SeqCst);
                    }
                }
            }
        });
        Self { port, state, _tasks: tasks }
    }

    pub(crate) fn fault(&self) -> Fault {
        self.state.fault
    }

    /// Lets go what is held back.
    pub(crate) fn release(&self) {
        self.state.released.send_replace(true);
    }

    /// Resets all connections.
    pub(crate) fn kill(&self) {
        self.state.killed.send_replace(true);
    }

    /// Connections that were ever made.
    pub(crate) fn accepted(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }

    /// Connections that are not over.
    pub(crate) fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }
}

/// What one stream of audio has been heard as.
#[derive(Default)]
pub(crate) struct Ear {
    tones: Tones,
    /// Where the turn began, and how many words it had so far.
    began: usize,
    count: usize,
    unsettled: Vec<Spoken>,
    settled: usize,
}

/// What is new.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct News {
    /// Words that will not change, and where the audio that they settle begins and ends.
    pub(crate) settled: Vec<Spoken>,
    pub(crate) from: usize,
    pub(crate) through: usize,
    /// Words that may.
    pub(crate) interim: Vec<Spoken>,
}

impl Ear {
    /// Words of the turn.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Takes audio. Of three words, two are settled.
    pub(crate) fn hear(&mut self, samples: &[i16]) -> News {
        let words = self.tones.push(samples);
        self.count += words.len();
        self.unsettled.extend(words);
        let settled = if self.unsettled.len() >= 3 {
            self.unsettled.drain(..2).collect()
        } else {
            Vec::new()
        };
        self.news(settled)
    }

    /// The turn is over.
    pub(crate) fn finish(&mut self) -> News {
        let last = self.tones.finish();
        self.count += usize::from(last.is_some());
        self.unsettled.extend(last);
        let settled = std::mem::take(&mut self.unsettled);
        let mut news = self.news(settled);
        news.through = self.tones.heard();
        (self.settled, self.began, self.count) = (news.through, news.through, 0);
        news
    }

    fn news(&mut self, settled: Vec<Spoken>) -> News {
        let from = self.settled;
        if let Some(last) = settled.last() {
            self.settled = last.end;
        }
        News { settled, from, through: self.settled, interim: self.unsettled.clone() }
    }
}
