//! Requests over the event socket (Asterisk calls it REST over WebSocket).
//!
//! Asterisk does the requests of one socket one after another on the thread that reads it. So a request that holds
//! its reply back is the last that is written until it is answered; the others wait here, where they count as not
//! sent.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::error::RequestError;
use super::operation::Operation;
use super::verdict::verdict;

/// Where requests wait for whoever owns the event socket, if anybody does at the moment.
#[derive(Debug)]
pub(crate) struct SocketRoad {
    entrance: Mutex<Entrance>,
    next_id: AtomicU64,
    /// Whether a reply ever came this way. None does from an Asterisk before 20.14 and 22.4.
    answers: AtomicBool,
}

#[derive(Debug)]
enum Entrance {
    /// The first socket is about to be served: requests wait for it already.
    New(mpsc::Sender<Parcel>, mpsc::Receiver<Parcel>),
    Open(mpsc::Sender<Parcel>),
    Closed,
}

/// What a request that waits for its reply holds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Nothing: the reply comes at once.
    Nothing,
    /// Every later request on the same socket.
    TheSocket,
}

/// The requests of one event socket. Dropping it closes the road, and every request on it learns that its reply will
/// not come.
#[derive(Debug)]
pub(crate) struct Outbox<'a> {
    road: &'a SocketRoad,
    queue: mpsc::Receiver<Parcel>,
    written: VecDeque<Written>,
}

/// A request on its way to the socket.
#[derive(Debug)]
struct Parcel {
    id: String,
    text: String,
    holds: Holds,
    deadline: Instant,
    /// Fails when nobody waits for the request any more, and proves otherwise that it was written.
    started: oneshot::Sender<()>,
    reply: oneshot::Sender<Answer>,
}

/// A request that Asterisk has not answered yet.
#[derive(Debug)]
struct Written {
    id: String,
    holds: Holds,
    deadline: Instant,
    reply: oneshot::Sender<Answer>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    body: Bytes,
}

/// How many requests wait for the socket before further ones are refused.
const WAITING: usize = 256;

/// How many requests are written before the first of them is answered. More would not be done sooner, and would be
/// lost with the socket.
const UNANSWERED: usize = 16;

/// Asterisk reads frames of up to 65,535 bytes, their headers included.
const LONGEST: usize = 65_500;

impl Default for SocketRoad {
    fn default() -> Self {
        let (sender, queue) = mpsc::channel(WAITING);
        Self {
            entrance: Mutex::new(Entrance::New(sender, queue)),
            next_id: AtomicU64::default(),
            answers: AtomicBool::default(),
        }
    }
}

impl SocketRoad {
    /// Opens the road for as long as the outbox lives.
    pub(crate) fn open(&self) -> Outbox<'_> {
        let mut entrance = self.entrance();
        let (sender, queue) = match std::mem::replace(&mut *entrance, Entrance::Closed) {
            Entrance::New(sender, queue) => (sender, queue),
            Entrance::Open(_) | Entrance::Closed => mpsc::channel(WAITING),
        };
        *entrance = Entrance::Open(sender);
        drop(entrance);
        Outbox { road: self, queue, written: VecDeque::new() }
    }

    /// The body of a successful reply, empty for 204.
    pub(super) async fn reply(
        &self,
        operation: &Operation,
        holds: Holds,
        deadline: Instant,
    ) -> Result<Bytes, RequestError> {
        let operation_name = || operation.name.clone();
        let not_sent = |cause: String| RequestError::NotSent { operation: operation_name(), cause };
        let id = self.next_id.fetch_add(1, Ordering::Relaxed).to_string();
        let text = request(operation, &id).map_err(not_sent)?;
        let (started_in, mut started) = oneshot::channel();
        let (reply_in, reply) = oneshot::channel();
        let parcel = Parcel { id, text, holds, deadline, started: started_in, reply: reply_in };
        let entered = match &*self.entrance() {
            Entrance::New(sender, _) | Entrance::Open(sender) => sender.try_send(parcel),
            Entrance::Closed => Err(mpsc::error::TrySendError::Closed(parcel)),
        };
        entered.map_err(|error| {
            not_sent(match error {
                mpsc::error::TrySendError::Full(_) => {
                    format!("{WAITING} requests wait for the event socket already")
                }
                mpsc::error::TrySendError::Closed(_) => "the event socket is down".to_owned(),
            })
        })?;
        if let Ok(Ok(Answer { status, body })) = timeout_at(deadline, reply).await {
            return verdict(operation, status, body);
        }
        let cause = match Instant::now() < deadline {
            true => "the event socket was lost",
            false => "no reply came over the event socket in time",
        };
        // From here on it can no longer be written without our knowing it.
        started.close();
        match started.try_recv() {
            Ok(()) => Err(RequestError::OutcomeUnknown {
                operation: operation_name(),
                cause: cause.to_owned(),
            }),
            Err(_) => Err(not_sent(cause.to_owned())),
        }
    }

    /// Whether Asterisk is known to take requests this way.
    pub(super) fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }

    fn entrance(&self) -> MutexGuard<'_, Entrance> {
        self.entrance.lock().expect("nothing panics while it holds this lock")
    }
}

impl Outbox<'_> {
    /// The next text to write. Waits while there is none, or while what was written must be answered first. May be
    /// dropped and called again without losing anything; what it returns counts as written.
    pub(crate) async fn next(&mut self) -> String {
        loop {
            self.wait_for_room().await;
            let Some(parcel) = self.queue.recv().await else {
                // Cannot be: the road holds the entrance for as long as we live.
                return std::future::pending().await;
            };
            let Parcel { id, text, holds, deadline, started, reply } = parcel;
            if deadline > Instant::now() && started.send(()).is_ok() {
                self.written.push_back(Written { id, holds, deadline, reply });
                return text;
            }
        }
    }

    async fn wait_for_room(&mut self) {
        loop {
            let now = Instant::now();
            self.written.retain(|written| written.deadline > now);
            let held = self.written.iter().any(|written| written.holds == Holds::TheSocket);
            if !held && self.written.len() < UNANSWERED {
                return;
            }
            let first = self.written.iter().map(|written| written.deadline).min();
            sleep_until(first.expect("something fills the room")).await;
        }
    }

    /// Whether the text was a reply. It goes to whoever waits for it, if anybody still does, and nowhere else.
    pub(crate) fn takes(&mut self, text: &str) -> bool {
        // Spares all other events the parsing.
        if !text.contains(RESPONSE) {
            return false;
        }
        let Ok(response) = serde_json::from_str::<Response<'_>>(text) else { return false };
        if response.kind != RESPONSE {
            return false;
        }
        self.road.answers.store(true, Ordering::Relaxed);
        match self.written.iter().position(|written| written.id == response.request_id) {
            Some(position) => {
                let written = self.written.remove(position).expect("it was just found");
                let body = response.message_body.unwrap_or_default().into_owned().into();
                // Nobody may be waiting any more.
                let _ = written.reply.send(Answer { status: response.status_code, body });
            }
            None => tracing::debug!(
                status = response.status_code,
                uri = &*response.uri,
                "a reply came that nobody waits for"
            ),
        }
        true
    }
}

impl Drop for Outbox<'_> {
    fn drop(&mut self) {
        *self.road.entrance() = Entrance::Closed;
    }
}

/// The kind of the event that is a reply.
pub(super) const RESPONSE: &str = "RESTResponse";

#[derive(Serialize)]
struct Request<'a> {
    r#type: &'static str,
    request_id: &'a str,
    method: &'a str,
    uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_body: Option<&'a str>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    request_id: Cow<'a, str>,
    status_code: u16,
    #[serde(default, borrow)]
    uri: Cow<'a, str>,
    #[serde(borrow)]
    message_body: Option<Cow<'a, str>>,
}

/// The text of a request, or why it cannot be sent this way.
fn request(operation: &Operation, id: &str) -> Result<String, String> {
    let body = operation.json();
    let text = serde_json::to_string(&Request {
        r#type: "RESTRequest",
        request_id: id,
        method: operation.method.as_str(),
        uri: operation.path.as_ref().map_err(Clone::clone)?,
        content_type: body.is_some().then_some("application/json"),
        message_body: body,
    })
    .expect("texts are plain data");
    match text.len() {
        ..=LONGEST => Ok(text),
        length => Err(format!("{length} bytes are more than the event socket carries at once")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use http::Method;
    use serde_json::{Value, json};
    use tokio::task::JoinHandle;

    use super::*;
    use crate::rest::Reason;

    const SECOND: Duration = Duration::from_secs(1);

    type Reply = Result<Bytes, RequestError>;

    /// A request that waits in the road for up to ten seconds.
    async fn ask(road: &Arc<SocketRoad>, verb: &str, holds: Holds) -> JoinHandle<Reply> {
        let road = Arc::clone(road);
        let operation = Operation::new("test", Method::POST, &["channels", "a+b", verb])
            .body(&json!({ "n": 1 }));
        let deadline = Instant::now() + 10 * SECOND;
        let task = tokio::spawn(async move { road.reply(&operation, holds, deadline).await });
        // Lets it reach the queue.
        tokio::task::yield_now().await;
        task
    }

    fn answer(text: &str, status: u16, body: Option<&str>) -> String {
        let request: Value = serde_json::from_str(text).unwrap();
        json!({
            "type": "RESTResponse", "request_id": request["request_id"], "status_code": status,
            "reason_phrase": "Any", "uri": request["uri"], "message_body": body,
            "application": "frontdesk",
        })
        .to_string()
    }

    fn is_written(outbox: &mut Outbox<'_>) -> Option<String> {
        use futures_util::FutureExt;
        outbox.next().now_or_never()
    }

    #[tokio::test(start_paused = true)]
    async fn replies_find_their_requests_and_nobody_else() {
        let road = Arc::default();
        let mut outbox = SocketRoad::open(&road);
        let first = ask(&road, "ring", Holds::Nothing).await;
        let second = ask(&road, "moh", Holds::Nothing).await;
        let (one, two) = (outbox.next().await, outbox.next().await);
        let sent: Value = serde_json::from_str(&one).unwrap();
        assert_eq!(sent["type"], "RESTRequest");
        assert_eq!(sent["method"], "POST");
        assert_eq!(sent["uri"], "channels/a%2Bb/ring");
        assert_eq!(sent["content_type"], "application/json");
        assert_eq!(sent["message_body"], r#"{"n":1}"#);

        assert!(outbox.takes(&answer(&two, 404, Some(r#"{"message":"Channel not found"}"#))));
        assert!(outbox.takes(&answer(&one, 200, Some(r#"{"id":"x"}"#))));
        assert_eq!(&*first.await.unwrap().unwrap(), br#"{"id":"x"}"#);
        assert_eq!(second.await.unwrap().unwrap_err().reason(), Some(Reason::Gone));

        assert!(outbox.takes(&answer(&one, 204, None)), "a reply to nobody is no event either");
        let event = r#"{"type":"ChannelUserevent","eventname":"RESTResponse","status_code":200}"#;
        assert!(!outbox.takes(event));
        assert!(!outbox.takes(r#"{"type":"RESTResponse","status_co"#));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_may_come_before_the_socket_is_served() {
        let road = Arc::default();
        let early = ask(&road, "ring", Holds::Nothing).await;
        let mut outbox = SocketRoad::open(&road);
        let text = outbox.next().await;
        assert!(outbox.takes(&answer(&text, 204, None)));
        assert_eq!(early.await.unwrap(), Ok(Bytes::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_holds_its_reply_back_is_the_last_that_is_written() {
        let road = Arc::default();
        let mut outbox = SocketRoad::open(&road);
        let answering = ask(&road, "answer", Holds::TheSocket).await;
        let ringing = ask(&road, "ring", Holds::Nothing).await;
        let text = outbox.next().await;
        assert!(text.contains("channels/a%2Bb/answer"), "{text}");
        assert_eq!(is_written(&mut outbox), None);
        assert!(outbox.takes(&answer(&text, 204, None)));
        answering.await.unwrap().unwrap();
        let text = outbox.next().await;
        assert!(text.contains("channels/a%2Bb/ring"), "{text}");
        assert!(outbox.takes(&answer(&text, 204, None)));
        assert_eq!(ringing.await.unwrap(), Ok(Bytes::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_socket_tells_what_was_written_from_what_was_not() {
        let road = Arc::default();
        let mut outbox = SocketRoad::open(&road);
        let written = ask(&road, "answer", Holds::TheSocket).await;
        let waiting = ask(&road, "ring", Holds::Nothing).await;
        outbox.next().await;
        let start = Instant::now();
        drop(outbox);
        let (written, waiting) = (written.await.unwrap(), waiting.await.unwrap());
        assert!(matches!(written, Err(RequestError::OutcomeUnknown { .. })), "{written:?}");
        assert!(matches!(waiting, Err(RequestError::NotSent { .. })), "{waiting:?}");
        let late = ask(&road, "ring", Holds::Nothing).await.await.unwrap();
        assert!(matches!(late, Err(RequestError::NotSent { .. })), "{late:?}");
        assert_eq!(start.elapsed(), Duration::ZERO, "nobody waits for a socket that is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_ends_every_wait_and_frees_the_socket() {
        let road = Arc::default();
        let mut outbox = SocketRoad::open(&road);
        let start = Instant::now();
        let held = ask(&road, "answer", Holds::TheSocket).await;
        let behind = ask(&road, "ring", Holds::Nothing).await;
        outbox.next().await;
        tokio::time::advance(5 * SECOND).await;
        let later = ask(&road, "moh", Holds::Nothing).await;
        let text = outbox.next().await;
        assert_eq!(start.elapsed(), 10 * SECOND);
        assert!(text.contains("/moh"), "what nobody waits for any more is not written: {text}");
        let (held, behind) = (held.await.unwrap(), behind.await.unwrap());
        assert!(matches!(held, Err(RequestError::OutcomeUnknown { .. })), "{held:?}");
        assert!(matches!(behind, Err(RequestError::NotSent { .. })), "{behind:?}");
        assert!(outbox.takes(&answer(&text, 204, None)));
        assert_eq!(later.await.unwrap(), Ok(Bytes::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_and_what_is_unanswered_are_bounded() {
        let road = Arc::default();
        let mut outbox = SocketRoad::open(&road);
        let mut tasks = Vec::new();
        for _ in 0..WAITING {
            tasks.push(ask(&road, "ring", Holds::Nothing).await);
        }
        let refused = ask(&road, "ring", Holds::Nothing).await.await.unwrap();
        assert!(matches!(refused, Err(RequestError::NotSent { .. })), "{refused:?}");
        for _ in 0..UNANSWERED {
            outbox.next().await;
        }
        assert_eq!(is_written(&mut outbox), None);
        let huge = Operation::new("test", Method::POST, &["x"]).body(&"x".repeat(LONGEST));
        let refused = road.reply(&huge, Holds::Nothing, Instant::now() + SECOND).await;
        assert!(matches!(refused, Err(RequestError::NotSent { .. })), "{refused:?}");
        tasks.iter().for_each(JoinHandle::abort);
    }
}
