//! The media plane: RTP between Asterisk's external-media channels and the rest of Patchcord.
//!
//! A process starts one [`Plane`]. Each of its shards is a thread outside the async runtime with a
//! pair of UDP ports that many calls share: Asterisk's reply to an external-media request names the
//! address that it will send from, so every packet leads to its call, and whatever else comes is
//! counted and dropped. Nothing is ever sent to anybody but the peers.
//!
//! A call takes an [`RtpPort`], tells Asterisk its address, and starts a [`Leg`] with what Asterisk
//! answers. What the leg hears goes through the jitter buffer to a [`FrameSink`], frame by frame;
//! what it shall say is a [`Playout`], encoded when it is made and paced to one packet every 20 ms,
//! with silence between playouts so that the far side's stream stays alive. What happens is told as
//! [`LegEvent`]s. Dropping the [`Leg`] frees its place.
//!
//! RTP is one of three roads into Asterisk. [`websocket`] and [`audiosocket`] open the same [`Leg`]
//! over TCP, in tasks of the async runtime, and [`road`] chooses among them.
//!
//! What a leg hears and says can be written to files while it runs ([`Leg::record`]); [`LegStats`] tell
//! how well it hears.
//!
//! ```text
//!            ┌ shard: a thread ──────────────────────────────┐  ring   ┌ its teller ───┐
//! RTP ─────► │ by source ─► gate ─► jitter buffer ─► frames ─┼───────► │ sinks, events │
//! RTP ◄───── │ 20 turns ◄─ player ◄──────────────────────────┼──────── Leg: play, stop
//!            └───────────────────────────────────────────────┘  orders
//! ```
//!
//! ```no_run
//! # async fn call(asterisk: std::net::SocketAddr) -> Result<(), media::PlaneError> {
//! let plane = media::Plane::start(&media::PlaneConfig::default())?;
//! let port = plane.port()?;
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

pub mod audiosocket;
pub mod bench;
mod coming;
mod counters;
mod fade;
mod gate;
mod leg;
mod plane;
mod player;
mod playout;
pub mod road;
mod shard;
mod stream;
mod system;
mod tap;
mod tcp;
mod teller;
mod watch;
pub mod websocket;

pub use self::{
    coming::Rest,
    counters::{Histogram, ShardCounters},
    gate::{Gate, Refusal},
    leg::{FrameSink, Leg, LegEvent, LegStats},
    plane::{Plane, PlaneConfig, PlaneError, RtpPort, Scheduling},
    player::{Filled, Player},
    playout::{Playout, Repeat, Sound},
    tap::{
        NotSilent, Recorded, Recorder, Recording, RecordingError, RecordingPlan, RecordingSwitch,
    },
};
