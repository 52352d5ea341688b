//! Legs of a plane over real sockets on loopback, with a peer that does what Asterisk does. The
//! plane's clock is the real one; what is waited for is an event, and no time is an upper bound.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod hearing;
mod peer;
mod places;
mod speaking;
mod strangers;
mod threads;

use audio::{FRAME, g711, jitter::Frame, rtp::Header};
use media::{FrameSink, Leg, LegEvent, LegStats, Plane, PlaneConfig, RtpPort, ShardCounters};
use peer::{Peer, datagram};
use std::time::Duration;
use tokio::sync::mpsc;

fn plane() -> Plane {
    Plane::start(&PlaneConfig::default()).unwrap()
}

/// A leg with its peer and the frames that it hears.
async fn connected(plane: &Plane) -> (Leg, Peer, mpsc::UnboundedReceiver<Frame>) {
    let port = plane.port().unwrap();
    let peer = Peer::of(&port).await;
    let (sink, frames) = frame_queue();
    (port.start(peer.addr(), sink), peer, frames)
}

fn frame_queue() -> (impl FrameSink, mpsc::UnboundedReceiver<Frame>) {
    let (queue, frames) = mpsc::unbounded_channel();
    (move |frame: &Frame| drop(queue.send(frame.clone())), frames)
}

/// Looks at the first shard's counters until they are as wanted.
async fn counters_when(plane: &Plane, wanted: impl Fn(&ShardCounters) -> bool) -> ShardCounters {
    loop {
        let counters = plane.counters().swap_remove(0);
        if wanted(&counters) {
            return counters;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A frame of sound that differs with `n`.
fn codes(n: u8) -> [u8; FRAME] {
    std::array::from_fn(|index| 0x80 + (index as u8 ^ n) % 0x70)
}

fn decoded(codes: &[u8]) -> Vec<i16> {
    codes.iter().map(|code| g711::decode_ulaw_sample(*code)).collect()
}
