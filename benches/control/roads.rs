//! HTTP or the event socket: one operation after the other on idle channels, each over both roads, call by call.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::sleep;

use crate::bare::Road;
use crate::contestant::{APP, exit_with_input, say, say_failed};
use crate::wire::{self, Access, Http, Method};

/// Serves channels one at a time, each over the other road than the one before, and prints
/// `road ID ROAD OPERATION MICROSECONDS` for each operation, then `call ID 0 0`.
pub(crate) async fn run(access: Access) -> io::Result<()> {
    let (events, commands) = wire::connect(&access, APP).await?;
    let roads = [
        ("http", Arc::new(Road::Http(Http::new(&access)?))),
        ("socket", Arc::new(Road::Socket(commands))),
    ];
    let replied = events.replies();
    let (started, mut starts) = unbounded_channel::<String>();
    say(format_args!("ready"));
    exit_with_input();
    tokio::spawn(async move {
        let mut turn = roads.iter().cycle();
        while let Some(id) = starts.recv().await {
            let (name, road) = turn.next().expect("a cycle of two never ends");
            match walk(&id, name, road, &mut starts).await {
                Ok(()) => say(format_args!("call {id} 0 0")),
                Err(error) => say_failed(&id, &error),
            }
        }
    });
    events
        .each(|text| {
            let event: Value = serde_json::from_slice(text).unwrap_or_default();
            if let Some(status) = event["status_code"].as_u64().and_then(|s| s.try_into().ok()) {
                replied(status);
            } else if event["type"] == "StasisStart" {
                let _ =
                    started.send(event["channel"]["id"].as_str().unwrap_or_default().to_owned());
            }
        })
        .await
}

async fn walk(
    id: &str,
    name: &str,
    road: &Road,
    starts: &mut UnboundedReceiver<String>,
) -> io::Result<()> {
    use Method::{Delete, Get, Post};
    let channel = |verb: &str| format!("channels/{id}{verb}");
    let bridge = |verb: &str| format!("bridges/bridge-{id}{verb}");
    let media = format!(
        r#"{{"channelId":"media-{id}","app":"{APP}","external_host":"127.0.0.1:9","format":"ulaw"}}"#
    );
    let both = format!(r#"{{"channel":["{id}","media-{id}"]}}"#);
    let variable = r#"{"variable":"ROAD","value":"1"}"#;
    let steps = [
        ("ping", Get, "asterisk/ping".to_owned(), ""),
        ("get channel", Get, channel(""), ""),
        ("ring", Post, channel("/ring"), ""),
        ("answer", Post, channel("/answer"), ""),
        ("setChannelVar", Post, channel("/variable"), variable),
        ("getChannelVar", Get, channel("/variable"), r#"{"variable":"ROAD"}"#),
        ("create bridge", Post, bridge(""), r#"{"type":"mixing"}"#),
        ("externalMedia", Post, "channels/externalMedia".to_owned(), &media),
        ("addChannel", Post, bridge("/addChannel"), &both),
        ("removeChannel", Post, bridge("/removeChannel"), &both),
        ("destroy bridge", Delete, bridge(""), ""),
        // Last but for the end: while a key sounds, it holds back what follows.
        ("sendDTMF", Post, channel("/dtmf"), r#"{"dtmf":"1"}"#),
        ("hangup", Delete, channel(""), ""),
        ("hangup media", Delete, format!("channels/media-{id}"), ""),
    ];
    for (operation, method, path, body) in steps {
        if operation == "addChannel" {
            // Refused until the media channel is in the application.
            starts.recv().await.ok_or(io::ErrorKind::UnexpectedEof)?;
        }
        // What the one before set off in Asterisk is not to be measured here.
        sleep(SETTLE).await;
        let start = Instant::now();
        road.request(method, &path, body).await?;
        let took = start.elapsed().as_micros();
        say(format_args!("road {id} {name} {} {took}", operation.replace(' ', "-")));
    }
    Ok(())
}

const SETTLE: Duration = Duration::from_millis(5);
