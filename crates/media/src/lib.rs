//! The media plane: one RTP leg a call, between Asterisk's external-media channel and the rest of
//! Patchcord.
//!
//! A call binds an [`RtpPort`] and tells Asterisk its address. Asterisk answers with the address it
//! will send from, and [`RtpPort::start`] pins the leg to that: packets from anywhere else are
//! counted and dropped, and nothing is ever sent elsewhere. From then on one task owns the socket.
//! What it hears goes through the jitter buffer to a [`FrameSink`], frame by frame; what it shall
//! say is a [`Playout`], paced to one packet every 20 ms, with silence between playouts so that the
//! far side's stream stays alive. What happens is told as [`LegEvent`]s. Dropping the [`Leg`] ends
//! the task and closes the socket.
//!
//! ```no_run
//! # async fn call(asterisk: std::net::SocketAddr) -> std::io::Result<()> {
//! let port = media::RtpPort::bind([127, 0, 0, 1].into())?;
//! println!("externalMedia external_host={}", port.local_addr());
//! let mut leg = port.start(asterisk, |frame: &audio::jitter::Frame| {
//!     println!("{:?} at {:?}", frame.kind, frame.arrived);
//! });
//! leg.play(media::Playout::once(1, vec![0; 8000]));
//! while let Some(event) = leg.next_event().await {
//!     println!("{event:?}");
//! }
//! # Ok(())
//! # }
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod gate;
mod leg;
mod pacer;
mod player;
mod task;

pub use self::{
    leg::{FrameSink, Leg, LegEvent, LegStats, RtpPort},
    player::{Playout, Repeat},
};
