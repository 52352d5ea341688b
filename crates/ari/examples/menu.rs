//! Press one for sales, press two to hear the greeting again: a menu that originates a call and bridges it.
//!
//! 1. In `ari.conf`, a user; in `http.conf`, `enabled = yes`:
//!
//!    ```ini
//!    [desk]
//!    type = user
//!    password = secret
//!    ```
//!
//! 2. In `extensions.conf`, where your phone calls from, one line, and a place where sales is:
//!
//!    ```ini
//!    exten => 1000,1,Stasis(menu)
//!
//!    [sales]
//!    exten => queue,1,Queue(sales)   ; or Dial(PJSIP/sales)
//!    ```
//!
//! 3. `ARI_USERNAME=desk ARI_PASSWORD=secret cargo run -p ari --example menu`, then call 1000.
//!
//! `ARI_URL` is where Asterisk serves ARI, `http://127.0.0.1:8088/ari` if unset; `ARI_SALES` is whom to call,
//! `Local/queue@sales` if unset.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::env;
use std::error::Error;
use std::time::Duration;

use ari::{
    AddChannel, Arrival, Client, Config, CreateBridge, Delivery, Event, Hangup, Mailbox, Method,
    Originate, RequestError, Resource, ids,
};
use serde_json::json;

const APP: &str = "menu";
const MENU: &[&str] =
    &["sound:hello-world", "sound:vm-press", "digits:1", "sound:vm-press", "digits:2"];
const NOBODY: &[&str] = &["sound:vm-nobodyavail"];
const WRONG_KEY: &[&str] = &["sound:pbx-invalid"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("ARI_URL").unwrap_or_else(|_| "http://127.0.0.1:8088/ari".to_owned());
    let sales = env::var("ARI_SALES").unwrap_or_else(|_| "Local/queue@sales".to_owned());
    let config = Config::new(
        &url,
        env::var("ARI_USERNAME").map_err(|_| "set ARI_USERNAME to a user of ari.conf")?,
        env::var("ARI_PASSWORD").map_err(|_| "set ARI_PASSWORD to the password in ari.conf")?,
        APP,
    )?;
    let (client, mut arrivals) = Client::connect(config).await?;
    println!("waiting for calls; Ctrl-C ends");
    while let Some(arrival) = arrivals.recv().await {
        let mut call = Call::new(client.clone(), arrival, sales.clone());
        tokio::spawn(async move {
            if let Err(error) = call.run().await {
                println!("{}: {error}", call.caller);
            }
            call.clean_up().await;
        });
    }
    Err("another client has taken the application".into())
}

/// A caller, whom they are called through to, and the bridge between the two. All ids are ours but the caller's, and
/// one mailbox watches them all.
struct Call {
    client: Client,
    mailbox: Mailbox,
    caller: String,
    agent: Option<String>,
    bridge: String,
    playback: String,
    sales: String,
}

impl Call {
    fn new(client: Client, arrival: Arrival, sales: String) -> Self {
        let Arrival { start, mailbox, .. } = arrival;
        let caller = start.channel.id;
        Self {
            client,
            mailbox,
            caller,
            agent: None,
            bridge: ids::unique("bridge"),
            playback: String::new(),
            sales,
        }
    }

    /// Until either hangs up.
    async fn run(&mut self) -> Result<(), RequestError> {
        self.client.channels().answer(&self.caller).await?;
        println!("{}: answered", self.caller);
        self.play(MENU).await?;
        while let Some(delivery) = self.mailbox.recv().await {
            let Delivery::Event(received) = delivery else { continue };
            match received.event {
                Event::ChannelDtmfReceived(key) if self.agent.is_none() => {
                    self.pressed(&key.digit).await?;
                }
                Event::StasisStart(start) if self.is_agent(&start.channel.id) => {
                    self.connect().await?;
                }
                // An agent who does not answer never enters the application.
                Event::ChannelDestroyed(gone) if self.is_agent(&gone.channel.id) => {
                    println!("{}: nobody answers ({})", self.caller, gone.cause_txt);
                    self.agent = None;
                    self.client.channels().ring_stop(&self.caller).await?;
                    self.play(NOBODY).await?;
                }
                Event::StasisEnd(end) => {
                    let who = if end.channel.id == self.caller { "the caller" } else { "sales" };
                    println!("{}: {who} hung up", self.caller);
                    return Ok(());
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn pressed(&mut self, key: &str) -> Result<(), RequestError> {
        println!("{}: pressed {key}", self.caller);
        // A playback occupies the channel: what comes after it would wait for its end.
        let playing = format!("playbacks/{}", self.playback);
        match self.client.request(Method::DELETE, &playing, None).await {
            Err(error) if !error.is_gone() => return Err(error),
            _ => {}
        }
        match key {
            "1" => self.call_sales().await,
            "2" => self.play(MENU).await,
            _ => self.play(WRONG_KEY).await,
        }
    }

    async fn call_sales(&mut self) -> Result<(), RequestError> {
        let agent = ids::unique("sales");
        self.mailbox.watch(Resource::Channel(agent.clone()));
        self.agent = Some(agent.clone());
        self.client.channels().ring(&self.caller).await?;
        let originate = Originate {
            originator: Some(self.caller.clone()),
            timeout: Some(Duration::from_secs(30)),
            ..Originate::to_app(self.sales.clone(), APP)
        };
        self.client.channels().originate(&agent, &originate).await?;
        println!("{}: calls {}", self.caller, self.sales);
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), RequestError> {
        let Some(agent) = &self.agent else { return Ok(()) };
        self.client.channels().ring_stop(&self.caller).await?;
        let bridges = self.client.bridges();
        bridges.create(&self.bridge, &CreateBridge::default()).await?;
        bridges.add_channel(&self.bridge, &AddChannel::one(&self.caller)).await?;
        bridges.add_channel(&self.bridge, &AddChannel::one(agent)).await?;
        println!("{}: connected", self.caller);
        Ok(())
    }

    async fn play(&mut self, media: &[&str]) -> Result<(), RequestError> {
        self.playback = ids::unique("menu");
        let path = format!("channels/{}/play/{}", self.caller, self.playback);
        self.client.request(Method::POST, &path, Some(json!({ "media": media }))).await?;
        Ok(())
    }

    fn is_agent(&self, channel: &str) -> bool {
        self.agent.as_deref() == Some(channel)
    }

    /// Nothing outlives its call. What is gone already need not be taken down.
    async fn clean_up(&self) {
        for channel in [Some(&self.caller), self.agent.as_ref()].into_iter().flatten() {
            let _ = self.client.channels().hangup(channel, Hangup::default()).await;
        }
        let _ = self.client.bridges().destroy(&self.bridge).await;
        println!("{}: over", self.caller);
    }
}
