//! One scenario while it is played: requests with their replies, and the events so far.

use std::fmt;
use std::time::Duration;

use ari::{Client, Delivery, Mailbox};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::trace::{self, Reply, Trace};
use super::{APP, Access, World};

/// How long any event may take to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a scenario did not come to its end.
#[derive(Debug)]
pub struct Stuck(String);

impl Stuck {
    /// With this cause.
    pub fn because(cause: impl fmt::Display) -> Stuck {
        Stuck(cause.to_string())
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stuck {}

impl From<crate::asterisk::RigError> for Stuck {
    fn from(error: crate::asterisk::RigError) -> Stuck {
        Stuck::because(error)
    }
}

/// How often what is left is asked for.
const POLL: Duration = Duration::from_millis(10);

/// A scenario that is being played.
pub struct Session<'a> {
    world: &'a mut dyn World,
    name: &'static str,
    http: reqwest::Client,
    monitor: Mailbox,
    replies: Vec<Reply>,
    events: Vec<Value>,
    /// Ids that the PBX chose, each with its name in the trace.
    names: Vec<(String, String)>,
}

impl<'a> Session<'a> {
    pub(super) fn begin(client: &Client, world: &'a mut dyn World, name: &'static str) -> Self {
        Session {
            world,
            name,
            http: crate::http_client(),
            monitor: client.monitor(),
            replies: Vec::new(),
            events: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Somebody calls, and is in the application; gives the channel's id.
    pub async fn caller(&mut self) -> Result<String, Stuck> {
        self.world.call()?;
        let known: Vec<String> = self.names.iter().map(|(id, _)| id.clone()).collect();
        let start = self
            .until_any(|event| {
                let id = &event["channel"]["id"];
                event["type"] == "StasisStart"
                    && id
                        .as_str()
                        .is_some_and(|id| id.contains('.') && !known.iter().any(|k| k == id))
            })
            .await?;
        let id = start["channel"]["id"].as_str().unwrap_or_default().to_owned();
        let name = ["CALLER", "SECOND", "THIRD"][known.len()];
        self.names.push((id.clone(), name.to_owned()));
        Ok(id)
    }

    /// Somebody calls and is answered.
    pub async fn answered_caller(&mut self) -> Result<String, Stuck> {
        let caller = self.caller().await?;
        self.post(&format!("channels/{caller}/answer"), Value::Null).await?;
        self.until("ChannelStateChange", &caller).await?;
        self.world.answered()?;
        Ok(caller)
    }

    /// The phone `PJSIP/name` is there.
    pub fn phone(&mut self, name: &str, reaction: super::Reaction) -> Result<(), Stuck> {
        Ok(self.world.phone(name, reaction)?)
    }

    /// Who is around the PBX.
    pub fn world(&mut self) -> &mut dyn World {
        self.world
    }

    /// The latest caller hangs up, and has left.
    pub async fn leaves(&mut self, caller: &str) -> Result<(), Stuck> {
        self.world.hang_up();
        self.until("StasisEnd", caller).await
    }

    /// A channel that is dialled rings, and both who tell of that have.
    pub async fn rings(&mut self, id: &str) -> Result<(), Stuck> {
        self.until_times(2, "Dial", id).await?;
        self.until("ChannelStateChange", id).await
    }

    /// Waits until what is asked for here is gone: Asterisk shows a bridge or a playback for a moment longer than it
    /// tells of it.
    pub async fn gone(&mut self, path: &str) -> Result<(), Stuck> {
        while self.send(Method::GET, path, Value::Null).await?.0 != 404 {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Stops a playback that has started: Asterisk refuses that with 500 until the sound itself is under way.
    pub async fn stop_playback(&mut self, id: &str) -> Result<(), Stuck> {
        loop {
            self.delete(&format!("playbacks/{id}")).await?;
            match self.replies.last() {
                Some(Reply { status: 500, .. }) => self.replies.pop(),
                _ => return Ok(()),
            };
            tokio::time::sleep(POLL).await;
        }
    }

    /// A `POST`, its reply noted; gives the reply's body.
    pub async fn post(&mut self, path: &str, body: Value) -> Result<Value, Stuck> {
        self.ask(Method::POST, path, body).await
    }

    /// A `GET`.
    pub async fn get(&mut self, path: &str) -> Result<Value, Stuck> {
        self.ask(Method::GET, path, Value::Null).await
    }

    /// A `DELETE`.
    pub async fn delete(&mut self, path: &str) -> Result<Value, Stuck> {
        self.ask(Method::DELETE, path, Value::Null).await
    }

    async fn ask(&mut self, method: Method, path: &str, body: Value) -> Result<Value, Stuck> {
        let (status, reply) = self.send(method.clone(), path, body.clone()).await?;
        let line = format!(
            "{method} {path}{}",
            if body.is_null() { String::new() } else { format!(" {body}") }
        );
        self.replies.push(Reply { line, status, body: reply.clone() });
        Ok(reply)
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Result<(u16, Value), Stuck> {
        let Access { url, username, password } = self.world.access();
        let mut request = self.http.request(method, format!("{url}/{path}"));
        request = request.basic_auth(username, Some(password));
        if !body.is_null() {
            request = request.json(&body);
        }
        let reply = request.send().await.map_err(Stuck::because)?;
        let status = reply.status().as_u16();
        let text = reply.text().await.map_err(Stuck::because)?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Waits until an event of this kind about a channel, bridge or playback has come.
    pub async fn until(&mut self, kind: &str, id: &str) -> Result<(), Stuck> {
        self.until_times(1, kind, id).await
    }

    /// Waits until that many have come.
    pub async fn until_times(&mut self, times: usize, kind: &str, id: &str) -> Result<(), Stuck> {
        let fits = |event: &Value| {
            event["type"] == kind && trace::objects(event).iter().any(|object| object.id == id)
        };
        let told = |events: &[Value]| events.iter().filter(|event| fits(event)).count() >= times;
        while !told(&self.events) {
            self.next(&format!("{kind} of {id}")).await?;
        }
        Ok(())
    }

    async fn until_any(&mut self, fits: impl Fn(&Value) -> bool) -> Result<Value, Stuck> {
        loop {
            if let Some(event) = self.events.iter().find(|event| fits(event)) {
                return Ok(event.clone());
            }
            self.next("a caller").await?;
        }
    }

    async fn next(&mut self, wanted: &str) -> Result<(), Stuck> {
        let stuck = |why: &str, events: &[Value]| {
            let told: Vec<String> = events.iter().map(trace::brief).collect();
            Stuck(format!("{}: {why} while waiting for {wanted}; so far {told:#?}", self.name))
        };
        match timeout(PATIENCE, self.monitor.recv()).await {
            Ok(Some(Delivery::Event(received))) => {
                self.events.push(serde_json::from_str(received.json()).map_err(Stuck::because)?);
                Ok(())
            }
            Ok(other) => Err(stuck(&format!("{other:?}"), &self.events)),
            Err(_) => Err(stuck("nothing came", &self.events)),
        }
    }

    /// Takes down what is left, waits until it is gone and told, and gives the trace.
    pub(super) async fn end(mut self, played: Result<(), Stuck>) -> Result<Trace, Stuck> {
        self.fence().await?;
        let events = std::mem::take(&mut self.events);
        self.tidy().await?;
        self.fence().await?;
        self.world.clear();
        played?;
        Ok(Trace::new(self.name, &self.replies, &events, &self.names))
    }

    /// Reads all events up to now: what an application is told comes in one queue.
    async fn fence(&mut self) -> Result<(), Stuck> {
        let fence = format!("events/user/fence?application={APP}");
        self.send(Method::POST, &fence, Value::Null).await?;
        self.until_any(|event| event["eventname"] == "fence").await?;
        self.events.pop();
        Ok(())
    }

    async fn tidy(&mut self) -> Result<(), Stuck> {
        loop {
            let mut left = 0;
            for family in ["channels", "bridges"] {
                let (_, list) = self.send(Method::GET, family, Value::Null).await?;
                for one in list.as_array().into_iter().flatten() {
                    left += 1;
                    let id = one["id"].as_str().unwrap_or_default();
                    self.send(Method::DELETE, &format!("{family}/{id}"), json!(null)).await?;
                }
            }
            if left == 0 {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
