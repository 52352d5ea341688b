//! Bare means to ask Asterisk: HTTP requests, event sockets, and calls from its own dialplan.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::asterisk::Asterisk;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::{PATIENCE, unless_skipped};

/// Where the calls of the tests go: `hold` waits for the other side to hang up, any other enters the application of its
/// name, and when it has left it the application `after`, which is told how that went.
const DIALPLAN: &str = "
[facts]
exten => hold,1,Answer()
 same => n,Wait(600)
exten => _[a-z]!,1,Stasis(${EXTEN})
 same => n,Stasis(after,${STASISSTATUS})
";

/// An Asterisk with the dialplan of the tests.
pub(super) struct Probe {
    pub(super) asterisk: Asterisk,
    http: reqwest::Client,
}

impl Probe {
    /// Starts one; `None` where that cannot be, with the reason printed.
    pub(super) fn start() -> Option<Probe> {
        Probe::start_with(&[])
    }

    /// The same with more lines of configuration, for any file but `extensions.conf`.
    pub(super) fn start_with(added: &[(&str, &str)]) -> Option<Probe> {
        let added = [&[("extensions.conf", DIALPLAN)], added].concat();
        let asterisk = unless_skipped(Asterisk::start_with(&added))?;
        Some(Probe { asterisk, http: tests::http_client() })
    }

    /// Makes a request, and gives the status and the body, `null` where there is none.
    pub(super) async fn rest(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = self
            .http
            .request(method, format!("{}/{path}", self.asterisk.ari_url()))
            .basic_auth(self.asterisk.username(), Some(self.asterisk.password()));
        // Asterisk refuses a body that is JSON's null.
        let request = if body.is_null() { request } else { request.json(&body) };
        let reply = request.send().await.expect("Asterisk replies");
        let status = reply.status();
        (status, reply.json().await.unwrap_or_default())
    }

    /// Makes a request that must succeed.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, reply) = self.rest(method, path, body).await;
        assert!(status.is_success(), "{path}: {status} {reply}");
        reply
    }

    /// Opens an event socket; `query` is such as `app=facts`.
    pub(super) async fn events(&self, query: &str) -> Events {
        self.try_events(query).await.expect("Asterisk opens the event socket")
    }

    /// The same, unless Asterisk refuses.
    pub(super) async fn try_events(&self, query: &str) -> Result<Events, WsError> {
        let stream = TcpStream::connect(("127.0.0.1", self.asterisk.http_port())).await;
        self.events_over(stream.expect("Asterisk listens"), query).await
    }

    /// The same over a connection made already.
    pub(super) async fn events_over(
        &self,
        stream: TcpStream,
        query: &str,
    ) -> Result<Events, WsError> {
        // The query may hold the password here: nobody logs it.
        let (user, password) = (self.asterisk.username(), self.asterisk.password());
        let url = format!(
            "ws://127.0.0.1:{}/ari/events?{query}&api_key={user}:{password}",
            self.asterisk.http_port()
        );
        let request = url.into_client_request().expect("a URL");
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        Ok(Events { socket })
    }

    /// Has a caller, the channel `from-ID`, make a call that enters the application `facts` from the dialplan as the
    /// channel `ID`. No application made these channels, so none is subscribed to either before `ID` enters.
    pub(super) async fn call(&self, id: &str) {
        self.call_to("facts", id).await;
    }

    /// The same for another application.
    pub(super) async fn call_to(&self, app: &str, id: &str) {
        self.ask(
            Method::POST,
            &format!("channels/from-{}", id.replace('+', "%2B")),
            call_body(app, id),
        )
        .await;
    }

    /// The caller of `ID` hangs up; comes back when the channel `ID` is no more.
    pub(super) async fn hang_up(&self, id: &str) {
        self.ask(Method::DELETE, &format!("channels/from-{id}"), Value::Null).await;
        self.until_gone(id).await;
    }

    /// Waits until a channel is no more.
    pub(super) async fn until_gone(&self, id: &str) {
        let gone = async {
            while self.rest(Method::GET, &format!("channels/{id}"), Value::Null).await.0
                != StatusCode::NOT_FOUND
            {
                tokio::time::sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, gone).await.unwrap_or_else(|_| panic!("{id} does not end"));
    }

    /// Waits until Asterisk's log has a line with these words.
    pub(super) async fn until_logged(&self, words: &str) {
        let logged = async {
            while !self.asterisk.log().contains(words) {
                tokio::time::sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, logged).await.unwrap_or_else(|_| panic!("{words:?} is not logged"));
    }

    /// Plays a tone without an end on a channel, and waits until it is heard.
    pub(super) async fn play_for_ever(&self, events: &mut Events, id: &str) {
        let tone = json!({ "media": "tone:440", "playbackId": format!("{id}-tone") });
        self.ask(Method::POST, &format!("channels/{id}/play"), tone).await;
        events.until(|event| event["type"] == "PlaybackStarted").await;
    }

    /// Stops the tone of [`Probe::play_for_ever`].
    pub(super) async fn stop_playing(&self, id: &str) {
        self.ask(Method::DELETE, &format!("playbacks/{id}-tone"), Value::Null).await;
    }
}

/// What a call as of [`Probe::call`] is requested with.
pub(super) fn call_body(app: &str, id: &str) -> Value {
    json!({
        "endpoint": format!("Local/{app}@facts/n"), "context": "facts", "extension": "hold",
        "otherChannelId": id,
    })
}

/// How often one looks for what no event tells.
const LOOK: Duration = Duration::from_millis(10);

/// An event socket.
pub(super) struct Events {
    pub(super) socket: WebSocketStream<TcpStream>,
}

impl Events {
    /// Reads until an event is `wanted`, and gives all that were read; the wanted one is the last.
    pub(super) async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut read = Vec::new();
        loop {
            let message = match timeout(PATIENCE, self.socket.next()).await {
                Ok(Some(Ok(message))) => message,
                other => {
                    panic!("{other:?} instead of another event after {}", kinds(&read).join(", "))
                }
            };
            let Message::Text(text) = message else { continue };
            let event: Value = serde_json::from_str(&text).expect("an event is JSON");
            let enough = wanted(&event);
            read.push(event);
            if enough {
                return read;
            }
        }
    }

    /// Waits until a channel enters the application.
    pub(super) async fn until_in_stasis(&mut self, id: &str) -> Vec<Value> {
        self.until(|event| about(event, "StasisStart", id)).await
    }

    /// Closes the socket and waits until Asterisk has closed it too, which it does after it has noted that nobody serves
    /// the application.
    pub(super) async fn close(mut self) {
        self.socket.close(None).await.expect("the socket is open");
        let closed = async { while let Some(Ok(_)) = self.socket.next().await {} };
        timeout(PATIENCE, closed).await.expect("Asterisk closes the socket");
    }

    /// Sends a request over the socket.
    pub(super) async fn request(&mut self, id: &str, method: &Method, uri: &str, body: Value) {
        let request = json!({
            "type": "RESTRequest", "request_id": id, "method": method.as_str(), "uri": uri,
            "content_type": "application/json", "message_body": body.to_string(),
        });
        self.socket.send(Message::text(request.to_string())).await.expect("the socket is open");
    }
}

/// Whether an event is of this kind and about this channel.
pub(super) fn about(event: &Value, kind: &str, channel: &str) -> bool {
    event["type"] == kind && event["channel"]["id"] == channel
}

/// Whether an event is the reply to this request over the socket.
pub(super) fn replies_to(event: &Value, request: &str) -> bool {
    event["type"] == "RESTResponse" && event["request_id"] == request
}

/// The kinds of events, for messages and comparison.
pub(super) fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap_or("no type")).collect()
}
