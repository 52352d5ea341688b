//! An async client for the Asterisk REST Interface (ARI): events over a WebSocket, commands over HTTP or over that same
//! WebSocket.
//!
//! Four ideas carry it:
//!
//! - **A call has a mailbox.** One task reads the event socket and sorts each event, by the ids in it, into the
//!   bounded queue of the [`Mailbox`] that watches them. It never waits for anybody, so a slow call delays no other,
//!   and a mailbox that overflows says so to its own call alone ([`Delivery::Lost`]).
//! - **Ids are ours.** A channel or bridge gets its id from [`ids::unique`], and its mailbox watches the id before the
//!   request is sent; so it does not matter whether the reply or the first event comes first. Callers, whose ids
//!   Asterisk chose, come out of [`Arrivals`], each with a mailbox that holds what happened to it since.
//! - **A gap is made up for.** When the event socket was lost, the client compares what the mailboxes know with what
//!   Asterisk has, and tells them what they missed, marked as [`Origin::Resync`], before it lets events flow again.
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
//! The event socket may be opened from here ([`Client::connect`]), or by Asterisk ([`Acceptor`]): for each of its
//! persistent connections, or for each call. Either way there is a [`Client`] and its [`Arrivals`]. Requests take the
//! [`Road`] that suits them. Beyond this machine both roads are TLS, unless [`ClearText`] is allowed.
//!
//! Names are Asterisk's own. Credentials travel in headers only, and nothing prints them.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod client;
mod config;
mod connection;
mod events;
pub mod features;
pub mod ids;
pub mod inventory;
mod models;
mod rest;
mod routing;
mod secret;
#[cfg(test)]
mod testing;
mod url;
mod waits;

pub use client::Client;
pub use config::{ClearText, Config, ConfigError, OnReplaced};
pub use connection::{
    AcceptConfig, Acceptor, Clients, ConnectError, ConnectionState, Disconnect, Identity,
    ListenError, Listener, Refusal, ServerTls, Tls, TlsError,
};
pub use events::*;
pub use http::Method;
pub use models::*;
pub use rest::*;
#[doc(hidden)]
pub use routing::routing_keys;
pub use routing::{Arrival, Arrivals, Counters, Delivery, Mailbox, Origin, Received, Resource};
pub use secret::{ExposedSecret, Secret, SecretError, SecretSource};
pub use url::{BaseUrl, Scheme};
pub use waits::{Recorded, Wait, Waited};
