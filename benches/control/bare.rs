//! The contestant without a client library: the least that the work costs, over either road.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::try_join;

use crate::contestant::{
    APP, FLOOD, FLOODED, Flood, Ports, exit_with_input, first_packet, say, say_call, say_failed,
    say_flood,
};
use crate::wire::{self, Access, Commands, Http, Method};

/// How requests travel.
#[derive(Debug)]
pub(crate) enum Road {
    /// Over pooled HTTP connections.
    Http(Http),
    /// Over the event socket.
    Socket(Commands),
    /// Over the pooled HTTP connections of a client that everybody uses.
    Reqwest(Plain),
}

/// Which of them to take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    Http,
    Socket,
    Reqwest,
}

/// A client, and where ARI is.
#[derive(Debug)]
pub(crate) struct Plain {
    client: reqwest::Client,
    access: Access,
}

impl Plain {
    async fn request(&self, method: Method, path: &str, body: &str) -> reqwest::Result<u16> {
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let Access { url, user, password } = &self.access;
        let request = self.client.request(method, format!("{url}/{path}"));
        let request = request.basic_auth(user, Some(password));
        let request = match body {
            "" => request,
            body => request.header("Content-Type", "application/json").body(body.to_owned()),
        };
        let reply = request.send().await?;
        let status = reply.status().as_u16();
        reply.bytes().await?;
        Ok(status)
    }
}

impl Road {
    /// Sends a request; a refusal is an error.
    pub(crate) async fn request(&self, method: Method, path: &str, body: &str) -> io::Result<()> {
        let status = match self {
            Road::Http(http) => http.request(method, path, body).await?,
            Road::Socket(commands) => commands.request(method, path, body).await?,
            Road::Reqwest(plain) => {
                plain.request(method, path, body).await.map_err(io::Error::other)?
            }
        };
        if (200..300).contains(&status) {
            return Ok(());
        }
        Err(io::Error::other(format!("status {status} of {method:?} {path}")))
    }

    async fn post(&self, path: String, body: &str) -> io::Result<()> {
        self.request(Method::Post, &path, body).await
    }

    async fn delete(&self, path: String) -> io::Result<()> {
        self.request(Method::Delete, &path, "").await
    }
}

/// Serves until our input ends.
pub(crate) async fn run(access: Access, choice: Choice) -> io::Result<()> {
    let ports = Arc::new(Ports::open().await?);
    let (events, commands) = wire::connect(&access, APP).await?;
    let replied = events.replies();
    let road = Arc::new(match choice {
        Choice::Http => Road::Http(Http::new(&access)?),
        Choice::Socket => Road::Socket(commands),
        Choice::Reqwest => Road::Reqwest(Plain { client: tests::http_client(), access }),
    });
    say(format_args!("ready"));
    exit_with_input();
    let mut books = Books::default();
    events
        .each(|text| {
            let at = Instant::now();
            let Ok(event) = serde_json::from_slice::<Event<'_>>(text) else { return };
            if let Some(status) = event.status_code {
                return replied(status);
            }
            let Some(channel) = event.channel else { return };
            if let Some(flood) = books.floods.get_mut(channel.id) {
                flood.note(&event, at);
            } else if let Some(call) = books.calls.get(channel.id) {
                call.note(&event, at);
            } else if event.kind == "StasisStart" {
                books.admit(channel.id, at, &road, &ports);
            }
        })
        .await
}

/// The little of an event that the work needs.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    channel: Option<Channel<'a>>,
    variable: Option<&'a str>,
    status_code: Option<u16>,
}

#[derive(Clone, Copy, Deserialize)]
struct Channel<'a> {
    id: &'a str,
}

/// Whom the events of a channel concern.
#[derive(Default)]
struct Books {
    calls: HashMap<String, Line>,
    floods: HashMap<String, Counted>,
}

/// The way from the reader to a call's task.
#[derive(Clone)]
struct Line(UnboundedSender<Step>);

/// What a call waits for.
enum Step {
    Started,
    Entered(Instant),
}

struct Counted {
    flood: Flood,
    ended: UnboundedSender<Flood>,
}

impl Books {
    fn admit(&mut self, id: &str, at: Instant, road: &Arc<Road>, ports: &Arc<Ports>) {
        let (id, road, ports) = (id.to_owned(), Arc::clone(road), Arc::clone(ports));
        if id.starts_with(FLOOD) {
            let (ended, end) = unbounded_channel();
            let flood = Flood { events: 0, first: None };
            self.floods.insert(format!("in-{id}"), Counted { flood, ended });
            tokio::spawn(async move { failing(&id, flooded(&id, &road, end).await) });
        } else {
            let (line, steps) = unbounded_channel();
            self.calls.insert(id.clone(), Line(line.clone()));
            self.calls.insert(format!("media-{id}"), Line(line));
            tokio::spawn(async move { failing(&id, serve(&id, at, &road, &ports, steps).await) });
        }
    }
}

impl Line {
    fn note(&self, event: &Event<'_>, at: Instant) {
        // A call that is over listens no more.
        let _ = match event.kind {
            "StasisStart" => self.0.send(Step::Started),
            "ChannelEnteredBridge" => self.0.send(Step::Entered(at)),
            _ => Ok(()),
        };
    }
}

impl Counted {
    fn note(&mut self, event: &Event<'_>, at: Instant) {
        match event.kind {
            "ChannelVarset" => {
                self.flood.first.get_or_insert(at);
                self.flood.events += 1;
                if event.variable == Some(FLOODED) {
                    let _ = self.ended.send(self.flood);
                }
            }
            "ChannelDialplan" => self.flood.events += 1,
            _ => {}
        }
    }
}

async fn serve(
    id: &str,
    at: Instant,
    road: &Road,
    ports: &Ports,
    mut steps: UnboundedReceiver<Step>,
) -> io::Result<()> {
    let port = ports.take()?;
    let address = port.local_addr()?;
    let external = format!(
        r#"{{"channelId":"media-{id}","app":"{APP}","external_host":"{address}","format":"ulaw"}}"#
    );
    try_join!(
        road.post(format!("channels/{id}/answer"), ""),
        road.post(format!("bridges/bridge-{id}"), r#"{"type":"mixing"}"#),
        road.post("channels/externalMedia".to_owned(), &external),
    )?;
    while !matches!(next(&mut steps).await?, Step::Started) {}
    let (join, both) = (
        format!("bridges/bridge-{id}/addChannel"),
        format!(r#"{{"channel":["{id}","media-{id}"]}}"#),
    );
    let (_, joined, packet) =
        try_join!(road.post(join, &both), entered(&mut steps), first_packet(&port))?;
    try_join!(
        road.delete(format!("channels/{id}")),
        road.delete(format!("channels/media-{id}")),
        road.delete(format!("bridges/bridge-{id}")),
    )?;
    say_call(id, at, joined, packet);
    Ok(())
}

/// When the second of the two entered the bridge.
async fn entered(steps: &mut UnboundedReceiver<Step>) -> io::Result<Instant> {
    let mut inside = 0;
    loop {
        if let Step::Entered(at) = next(steps).await? {
            inside += 1;
            if inside == 2 {
                return Ok(at);
            }
        }
    }
}

async fn flooded(id: &str, road: &Road, mut end: UnboundedReceiver<Flood>) -> io::Result<()> {
    let source = format!(r#"{{"eventSource":"channel:in-{id}"}}"#);
    road.post(format!("applications/{APP}/subscription"), &source).await?;
    road.post(format!("channels/{id}/answer"), "").await?;
    let flood = next(&mut end).await?;
    let last = Instant::now();
    road.delete(format!("channels/{id}")).await?;
    say_flood(id, flood, last);
    Ok(())
}

async fn next<T>(channel: &mut UnboundedReceiver<T>) -> io::Result<T> {
    channel.recv().await.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn failing(id: &str, done: io::Result<()>) {
    if let Err(error) = done {
        say_failed(id, &error);
    }
}
