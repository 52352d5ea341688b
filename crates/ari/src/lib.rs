//! An async client for the Asterisk REST Interface (ARI): events over a WebSocket, commands over HTTP.
//!
//! Three ideas carry it:
//!
//! - **A call has a mailbox.** One task reads the event socket and sorts each event, by the ids in it, into the
//!   bounded queue of the [`Mailbox`] that watches them. It never waits for anybody, so a slow call delays no other,
//!   and a mailbox that overflows says so to its own call alone ([`Delivery::Lost`]).
//! - **Ids are ours.** A channel or bridge gets its id from [`ids::unique`], and its mailbox watches the id before the
//!   request is sent; so it does not matter whether the reply or the first event comes first. Callers, whose ids
//!   Asterisk chose, come out of [`Arrivals`], each with a mailbox that holds what happened to it since.
//! - **An error says whether Asterisk may have acted**: not sent, refused, or unknown ([`RequestError`]).
//!
//! ```no_run
//! use ari::{Client, Config, Delivery, Event, Hangup};
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::new("http://localhost:8088/ari", "desk", "secret", "frontdesk")?;
//! let (client, mut arrivals) = Client::connect(config).await?;
//! while let Some(mut caller) = arrivals.recv().await {
//!     let id = caller.start.channel.id.as_str();
//!     client.channels().answer(id).await?;
//!     while let Some(Delivery::Event(received)) = caller.mailbox.recv().await {
//!         match received.event {
//!             Event::ChannelDtmfReceived(key) if key.digit == "#" => {
//!                 client.channels().hangup(id, Hangup::default()).await?;
//!             }
//!             Event::StasisEnd(_) => break,
//!             _ => {}
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Names are Asterisk's own. Credentials travel in headers only, and nothing prints them.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod client;
mod config;
mod connection;
mod events;
pub mod features;
pub mod ids;
mod models;
mod rest;
mod routing;
mod secret;
#[cfg(test)]
mod testing;
mod url;

pub use client::Client;
pub use config::{Config, ConfigError, OnReplaced};
pub use connection::{ConnectError, ConnectionState, Disconnect};
pub use events::*;
pub use models::*;
pub use reqwest::Method;
pub use rest::*;
pub use routing::{Arrival, Arrivals, Counters, Delivery, Mailbox, Received, Resource};
pub use secret::Secret;
pub use url::BaseUrl;
