//! Answers each call, plays "hello, world", and hangs up: the walk of Asterisk's own introduction to ARI.
//!
//! 1. In `ari.conf`, a user; in `http.conf`, `enabled = yes`:
//!
//!    ```ini
//!    [desk]
//!    type = user
//!    password = secret
//!    ```
//!
//! 2. In `extensions.conf`, where your phone calls from, one line:
//!
//!    ```ini
//!    exten => 1000,1,Stasis(hello-world)
//!    ```
//!
//! 3. `ARI_USERNAME=desk ARI_PASSWORD=secret cargo run -p ari --example hello_world`, then call 1000.
//!
//! `ARI_URL` is where Asterisk serves ARI, `http://127.0.0.1:8088/ari` if unset.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::env;
use std::error::Error;

use ari::{Arrival, Client, Config, Delivery, Event, Hangup, Method, RequestError, Resource, ids};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("ARI_URL").unwrap_or_else(|_| "http://127.0.0.1:8088/ari".to_owned());
    let config = Config::new(
        &url,
        env::var("ARI_USERNAME").map_err(|_| "set ARI_USERNAME to a user of ari.conf")?,
        env::var("ARI_PASSWORD").map_err(|_| "set ARI_PASSWORD to the password in ari.conf")?,
        "hello-world",
    )?;
    let (client, mut arrivals) = Client::connect(config).await?;
    println!("waiting for calls; Ctrl-C ends");
    while let Some(arrival) = arrivals.recv().await {
        let client = client.clone();
        // Each call has a task and a mailbox of its own, so none waits for another.
        tokio::spawn(async move {
            let channel = arrival.start.channel.id.clone();
            if let Err(error) = greet(&client, arrival).await {
                println!("{channel}: {error}");
            }
        });
    }
    Err("another client has taken the application".into())
}

async fn greet(client: &Client, mut arrival: Arrival) -> Result<(), RequestError> {
    let channel = arrival.start.channel.id.as_str();
    println!("{channel}: StasisStart, {}", arrival.start.channel.name);
    client.channels().answer(channel).await?;
    println!("{channel}: answered");
    // The playback's id is ours, and watched before it can say anything.
    let playback = ids::unique("hello");
    arrival.mailbox.watch(Resource::Playback(playback.clone()));
    let path = format!("channels/{channel}/play/{playback}");
    let media = json!({ "media": "sound:hello-world" });
    client.request(Method::POST, &path, Some(media)).await?;
    while let Some(delivery) = arrival.mailbox.recv().await {
        let Delivery::Event(received) = delivery else { continue };
        match received.event {
            Event::PlaybackStarted(_) => println!("{channel}: PlaybackStarted"),
            Event::PlaybackFinished(_) => {
                println!("{channel}: PlaybackFinished");
                match client.channels().hangup(channel, Hangup::default()).await {
                    // Gone already: the caller was quicker.
                    Err(error) if !error.is_gone() => return Err(error),
                    _ => println!("{channel}: hung up"),
                }
            }
            Event::StasisEnd(_) => {
                println!("{channel}: StasisEnd");
                break;
            }
            _ => {}
        }
    }
    Ok(())
}
