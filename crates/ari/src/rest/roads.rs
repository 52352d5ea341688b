//! Which way a request takes: over pooled HTTP, or over the event socket.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use hyper::body::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::error::RequestError;
use super::http::Http;
use super::operation::{Completion, Operation};
use super::socket::{Holds, RESPONSE, SocketRoad};
use crate::config::Config;
use crate::connection::ConnectError;

/// Which road requests take to Asterisk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Road {
    /// The better one for each operation: what may keep its reply back goes over HTTP, where it holds up nothing
    /// else. Where only one road exists, or the other is closed, that one.
    #[default]
    ByClass,
    /// HTTP only.
    Http,
    /// The event socket only: Asterisk 20.14, 22.4, 23.0 and later. It does one request after another.
    Socket,
}

/// The road of operations that nothing keeps back. Against Asterisk 22 on one machine HTTP is faster by 10 to 25 % on
/// nearly all of them (the bench of control says which), and does several at a time.
const QUICK: Way = Way::Http;

/// How often Asterisk is asked whether it takes requests over the event socket, until it says so.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Both roads to one Asterisk.
#[derive(Debug)]
pub(crate) struct Roads {
    /// Absent when Asterisk opened the socket, and nobody said where its HTTP is.
    http: Option<Http>,
    socket: Arc<SocketRoad>,
    road: Road,
    /// [`QUICK`], but for tests.
    quick: Way,
    request_timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Http,
    Socket,
}

impl Roads {
    pub(crate) fn new(config: &Arc<Config>) -> Result<Self, ConnectError> {
        let http = config.base().map(|base| Http::new(config, base)).transpose()?;
        let (road, request_timeout) = (config.road, config.request_timeout);
        Ok(Self { http, socket: Arc::default(), road, quick: QUICK, request_timeout })
    }

    /// The part that whoever reads the event socket must serve.
    pub(crate) fn socket(&self) -> Arc<SocketRoad> {
        Arc::clone(&self.socket)
    }

    /// Does an operation and reads its reply.
    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        operation: Operation,
    ) -> Result<T, RequestError> {
        let body = self.reply(&operation).await?;
        operation.read(&body)
    }

    /// Does an operation whose reply says nothing more.
    pub(crate) async fn perform(&self, operation: Operation) -> Result<(), RequestError> {
        self.reply(&operation).await.map(drop)
    }

    /// The body of a successful reply, empty for 204.
    pub(crate) async fn reply(&self, operation: &Operation) -> Result<Bytes, RequestError> {
        let deadline = Instant::now() + self.request_timeout;
        let operation = &*letting_replies_pass(operation);
        let holds = holds(operation);
        match (self.way(holds), &self.http) {
            (Way::Http, Some(http)) => http.reply(operation, deadline).await,
            (Way::Http, None) => Err(RequestError::NotSent {
                operation: operation.name.clone(),
                cause: "no ARI url is configured, and requests may not take the event socket"
                    .into(),
            }),
            (Way::Socket, http) => {
                match (self.socket.reply(operation, holds, deadline).await, http) {
                    (Err(RequestError::NotSent { .. }), Some(http))
                        if self.road == Road::ByClass && Instant::now() < deadline =>
                    {
                        http.reply(operation, deadline).await
                    }
                    (outcome, _) => outcome,
                }
            }
        }
    }

    /// Uses no HTTP connection again that is open now: the way to Asterisk was lost without a word, and they may be as
    /// mute as the event socket was.
    pub(crate) fn renew(&self) {
        if let Some(http) = &self.http {
            http.renew();
        }
    }

    /// Keeps one HTTP connection from going idle, so that the next request finds it open, and learns whether the
    /// event socket takes requests, if they are to go there. Runs until dropped.
    pub(crate) async fn keep_warm(&self) {
        if let Some(http) = &self.http {
            tokio::join!(http.keep_warm(), self.try_socket());
        }
    }

    async fn try_socket(&self) {
        if self.road != Road::ByClass || self.quick != Way::Socket {
            return;
        }
        while !self.socket.answers() {
            let ping = Operation::new("ping", Method::GET, &["asterisk", "ping"]);
            let deadline = Instant::now() + self.request_timeout;
            // A refusal is an answer as well, and without one HTTP serves.
            let _ = self.socket.reply(&ping, Holds::Nothing, deadline).await;
            sleep(ASK_EVERY).await;
        }
    }

    fn way(&self, holds: Holds) -> Way {
        match (self.road, &self.http) {
            (Road::Http, _) => Way::Http,
            (Road::Socket, _) | (Road::ByClass, None) => Way::Socket,
            (Road::ByClass, Some(_)) => match holds {
                Holds::Nothing if self.socket.answers() => self.quick,
                Holds::Nothing | Holds::TheSocket => Way::Http,
            },
        }
    }
}

/// Whether an operation may keep its reply back, and with it everything else on the event socket.
fn holds(operation: &Operation) -> Holds {
    match operation.completes() {
        Completion::Immediate | Completion::Queued => Holds::Nothing,
        Completion::Blocking | Completion::Slow | Completion::Binary => Holds::TheSocket,
    }
}

/// An event filter with a list of what may pass holds back everything else, replies over the event socket too. So
/// they are added to any such list.
fn letting_replies_pass(operation: &Operation) -> Cow<'_, Operation> {
    let sets_filter = operation.path.as_ref().is_ok_and(|path| path.ends_with("/eventFilter"));
    let Some(filter) = operation.json().filter(|_| sets_filter) else {
        return Cow::Borrowed(operation);
    };
    let mut filter: Value = serde_json::from_str(filter).unwrap_or_default();
    match filter["allowed"].as_array_mut() {
        Some(kinds) if !kinds.is_empty() && !kinds.iter().any(|kind| kind["type"] == RESPONSE) => {
            kinds.push(json!({ "type": RESPONSE }));
            Cow::Owned(operation.clone().body(&filter))
        }
        _ => Cow::Borrowed(operation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_event_filter_holds_back_replies() {
        let filter = |body: Value| {
            let path = "applications/desk/eventFilter";
            let operation = Operation::raw(Method::PUT, path, Some(body));
            let body = letting_replies_pass(&operation).json().unwrap().to_owned();
            serde_json::from_str::<Value>(&body).unwrap()
        };
        let start = json!({ "type": "StasisStart" });
        let reply = json!({ "type": "RESTResponse" });
        assert_eq!(filter(json!({ "allowed": [start] }))["allowed"], json!([start, reply]));
        assert_eq!(filter(json!({ "allowed": [reply] }))["allowed"], json!([reply]));
        assert_eq!(filter(json!({ "allowed": [] })), json!({ "allowed": [] }));
        assert_eq!(filter(json!({ "disallowed": [start] })), json!({ "disallowed": [start] }));
    }

    #[test]
    fn what_may_hold_its_reply_back_leaves_the_socket_to_others() {
        let road = |url: Option<&str>, road, name| {
            let mut config = url.map_or_else(Config::accepted, |url| {
                Config::new(url, "desk", "secret", "frontdesk").unwrap()
            });
            config.road = road;
            let operation = Operation::new(name, Method::POST, &["channels", "c", "any"]);
            Roads::new(&Arc::new(config)).unwrap().way(holds(&operation))
        };
        let http = Some("http://127.0.0.1:8088/ari");
        assert_eq!(road(http, Road::ByClass, "addChannel"), Way::Http);
        assert_eq!(road(http, Road::ByClass, "hangup"), Way::Http);
        assert_eq!(road(http, Road::Socket, "addChannel"), Way::Socket);
        assert_eq!(road(http, Road::Http, "hangup"), Way::Http);
        assert_eq!(road(None, Road::ByClass, "addChannel"), Way::Socket);
        assert_eq!(road(None, Road::ByClass, "hangup"), Way::Socket);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_take_the_socket_only_once_asterisk_has_answered_there() {
        let config = Config::new("http://127.0.0.1:9/ari", "desk", "secret", "frontdesk").unwrap();
        let mut roads = Roads::new(&Arc::new(config)).unwrap();
        roads.quick = Way::Socket;
        let socket = roads.socket();
        let mut outbox = socket.open();
        assert_eq!(roads.way(Holds::Nothing), Way::Http);
        let asterisk = async {
            let _unanswered = outbox.next().await;
            let asked_again: Value = serde_json::from_str(&outbox.next().await).unwrap();
            assert_eq!(asked_again["uri"], "asterisk/ping");
            let id = &asked_again["request_id"];
            let reply = json!({ "type": RESPONSE, "request_id": id, "status_code": 200 });
            assert!(outbox.takes(&reply.to_string()));
        };
        tokio::join!(roads.try_socket(), asterisk);
        assert_eq!(roads.way(Holds::Nothing), Way::Socket);
        assert_eq!(roads.way(Holds::TheSocket), Way::Http);
    }
}
