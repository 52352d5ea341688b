//! One event socket from its opening to its end.

use std::fmt;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::liveness::{Due, Liveness};
use crate::config::Config;
use crate::rest::{Outbox, SocketRoad};
use crate::routing::{Router, Signal};

/// Why the event socket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// Nothing was heard within the ping deadline.
    Silent {
        /// [`Config::ping_timeout`].
        for_at_least: Duration,
    },
    /// Asterisk closed it. It does so when we read too slowly (code 1011).
    ClosedByPeer {
        /// WebSocket close code, where one was given.
        code: Option<u16>,
        /// Reason, often empty.
        reason: String,
    },
    /// Reading or writing failed.
    Failed(String),
    /// Another client took the application.
    Replaced,
    /// We closed it.
    Closed,
}

impl fmt::Display for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent { for_at_least } => {
                write!(f, "Asterisk was silent for {for_at_least:?} after a ping")
            }
            Self::ClosedByPeer { code: Some(code), reason } => {
                write!(f, "Asterisk closed the event socket with code {code} {reason}")
            }
            Self::ClosedByPeer { code: None, .. } => {
                f.write_str("Asterisk closed the event socket")
            }
            Self::Failed(cause) => write!(f, "the event socket failed: {cause}"),
            Self::Replaced => f.write_str("another client took the application"),
            Self::Closed => f.write_str("closed by this client"),
        }
    }
}

/// Reads the socket until it ends, and routes each event. Never waits for anything but the socket, so that
/// Asterisk, which allows each write 100 ms, never waits for us: not even for a write of our own, since Asterisk does
/// not read while it does a request that holds its reply back.
pub(super) async fn run<S>(
    socket: WebSocketStream<S>,
    config: &Config,
    router: &Router,
    road: &SocketRoad,
    stop: &mut watch::Receiver<bool>,
) -> Disconnect
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut liveness = Liveness::new(Instant::now(), config.ping_every, config.ping_timeout);
    let mut outbox = road.open();
    let (mut sink, mut stream) = socket.split();
    let mut writing = Writing::Idle;
    let end = loop {
        tokio::select! {
            message = stream.next() => {
                liveness.heard();
                match routed(message, router, &mut outbox) {
                    None => {}
                    Some(end) => break end,
                }
            }
            flushed = sink.flush(), if writing == Writing::Busy => match flushed {
                Ok(()) => writing = Writing::Idle,
                Err(error) => break Disconnect::Failed(error.to_string()),
            },
            text = outbox.next(), if writing == Writing::Idle => {
                if let Err(error) = sink.feed(Message::text(text)).await {
                    break Disconnect::Failed(error.to_string());
                }
                writing = Writing::Busy;
            }
            () = sleep_until(liveness.wake_at()) => match liveness.due(Instant::now()) {
                Due::Nothing => {}
                // While a write is stuck a ping would be stuck behind it.
                Due::Ping if writing == Writing::Busy => {}
                // Only ever a ping: some releases crash on a pong that they did not ask for.
                Due::Ping => {
                    if let Err(error) = sink.feed(Message::Ping(Bytes::new())).await {
                        break Disconnect::Failed(error.to_string());
                    }
                    writing = Writing::Busy;
                }
                Due::Death => break Disconnect::Silent { for_at_least: config.ping_timeout },
            },
            () = stopped(stop) => break Disconnect::Closed,
        }
    };
    drop(outbox);
    if matches!(end, Disconnect::Closed | Disconnect::Replaced) {
        // A farewell that Asterisk may miss: it notices the closed connection as well.
        let _ = timeout(FAREWELL, sink.close()).await;
    }
    end
}

/// Whether something that was written may still be on this side of the socket. Only an idle one takes the next
/// message without waiting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    Idle,
    Busy,
}

/// Resolves when the client wants the connection closed, or is gone.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// How long a closing frame may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);

fn routed(
    message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    router: &Router,
    outbox: &mut Outbox<'_>,
) -> Option<Disconnect> {
    match message {
        Some(Ok(Message::Text(text))) if outbox.takes(&text) => None,
        Some(Ok(Message::Text(text))) => match router.route(text, Instant::now().into_std()) {
            Signal::None => None,
            Signal::Replaced => Some(Disconnect::Replaced),
        },
        Some(Ok(Message::Close(frame))) => Some(match frame {
            Some(frame) => Disconnect::ClosedByPeer {
                code: Some(frame.code.into()),
                reason: frame.reason.to_string(),
            },
            None => Disconnect::ClosedByPeer { code: None, reason: String::new() },
        }),
        // The WebSocket library answers pings by itself; ARI has no binary messages.
        Some(Ok(_)) => None,
        Some(Err(error)) => Some(Disconnect::Failed(error.to_string())),
        None => Some(Disconnect::ClosedByPeer { code: None, reason: String::new() }),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    /// A client's and a server's end of one event socket, without a network.
    async fn pair() -> (WebSocketStream<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (near, far) = duplex(4096);
        (
            WebSocketStream::from_raw_socket(near, Role::Client, None).await,
            WebSocketStream::from_raw_socket(far, Role::Server, None).await,
        )
    }

    fn config() -> Config {
        Config::new("http://pbx:8088/ari", "desk", "secret", "frontdesk").unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_socket_is_noticed_within_six_seconds() {
        let (near, far) = pair().await;
        let (router, _arrivals) = Router::new(4, 4);
        let (_stop_in, mut stop) = watch::channel(false);
        let start = Instant::now();
        let end = run(near, &config(), &router, &SocketRoad::default(), &mut stop).await;
        assert_eq!(end, Disconnect::Silent { for_at_least: Duration::from_secs(4) });
        assert_eq!(start.elapsed(), Duration::from_secs(6));
        drop(far);
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_answers_pings_lives_and_is_sent_nothing_else() {
        let (near, mut far) = pair().await;
        let (router, _arrivals) = Router::new(4, 4);
        let (stop_in, mut stop) = watch::channel(false);
        let peer = tokio::spawn(async move {
            // Reading is enough: the library answers each ping.
            let mut heard = Vec::new();
            while let Some(Ok(message)) = far.next().await {
                heard.push(message);
            }
            heard
        });
        let config = config();
        let start = Instant::now();
        let road = SocketRoad::default();
        let (end, ()) = tokio::join!(run(near, &config, &router, &road, &mut stop), async {
            tokio::time::sleep(Duration::from_secs(61)).await;
            stop_in.send_replace(true);
        });
        assert_eq!(end, Disconnect::Closed);
        assert_eq!(start.elapsed(), Duration::from_secs(61));
        let heard = peer.await.unwrap();
        let (pings, rest) = heard.split_at(30);
        assert!(pings.iter().all(|message| matches!(message, Message::Ping(_))), "{heard:?}");
        assert!(matches!(rest, [Message::Close(None)]), "{heard:?}");
    }

    #[tokio::test]
    async fn a_ping_of_the_peer_is_answered_once() {
        let (near, mut far) = pair().await;
        let (router, _arrivals) = Router::new(4, 4);
        let (_stop_in, mut stop) = watch::channel(false);
        let config = config();
        let road = SocketRoad::default();
        let (end, ()) = tokio::join!(run(near, &config, &router, &road, &mut stop), async {
            far.send(Message::Ping(Bytes::from_static(b"you?"))).await.unwrap();
            let answer = far.next().await.unwrap().unwrap();
            assert_eq!(answer, Message::Pong(Bytes::from_static(b"you?")));
            far.close(None).await.unwrap();
        });
        assert_eq!(end, Disconnect::ClosedByPeer { code: None, reason: String::new() });
    }
}
