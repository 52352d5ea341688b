//! What every contestant does, and what it prints.
//!
//! A contestant is a process of its own, told by its environment where Asterisk is. It opens `BENCH_PORTS` UDP ports
//! and the event socket, prints `ready`, and serves what comes until its input ends:
//!
//! - a channel: answer it, make a bridge, make a media channel whose sound goes to one of the ports (three requests at
//!   once); when the media channel has entered, put both into the bridge; when both have entered it and a packet has
//!   come, hang up both and end the bridge (three requests at once). It prints
//!   `call ID JOINED_US MEDIA_US`, both times from the StasisStart.
//! - a channel whose id begins with `flood-`: subscribe to its other half, answer it, and count the events of the channel `in-ID`, until one says that
//!   the variable `FLOODED` is set. It prints `flood ID EVENTS FIRST_US LAST_US`, by a clock of its own.
//!
//! `failed ID "WHY"` stands in the place of either. Ids: `media-ID` and `bridge-ID`.

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::sync::{LazyLock, Mutex};
use std::time::Instant;

use tokio::net::UdpSocket;

/// The application that the rig's dialplan names.
pub(crate) const APP: &str = "patchcord";

/// How the ids of channels begin that only make events.
pub(crate) const FLOOD: &str = "flood-";

/// The variable that the last event of a flood sets.
pub(crate) const FLOODED: &str = "FLOODED";

/// Where the clock of a contestant begins.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The UDP ports of the calls to come, one a call.
#[derive(Debug)]
pub(crate) struct Ports(Mutex<Vec<UdpSocket>>);

/// What a flood came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flood {
    pub(crate) events: u64,
    pub(crate) first: Option<Instant>,
}

impl Ports {
    /// As many as `BENCH_PORTS` says.
    pub(crate) async fn open() -> io::Result<Ports> {
        LazyLock::force(&EPOCH);
        let count = std::env::var("BENCH_PORTS").ok().and_then(|count| count.parse().ok());
        let count: usize = count.ok_or_else(|| io::Error::other("BENCH_PORTS is not a number"))?;
        let mut ports = Vec::with_capacity(count);
        for _ in 0..count {
            ports.push(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        }
        Ok(Ports(Mutex::new(ports)))
    }

    pub(crate) fn take(&self) -> io::Result<UdpSocket> {
        let port = self.0.lock().expect("no panic holds it").pop();
        port.ok_or_else(|| io::Error::other("more calls than BENCH_PORTS"))
    }
}

/// Resolves with the moment of the first packet.
pub(crate) async fn first_packet(port: &UdpSocket) -> io::Result<Instant> {
    port.recv(&mut [0; 400]).await?;
    Ok(Instant::now())
}

/// Runs until our input ends, which is how the bench ends us.
pub(crate) fn exit_with_input() {
    std::thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        #[allow(clippy::exit, reason = "there is nothing to end in good order")]
        std::process::exit(0);
    });
}

pub(crate) fn say_call(id: &str, start: Instant, joined: Instant, packet: Instant) {
    let micros = |end: Instant| end.saturating_duration_since(start).as_micros();
    say(format_args!("call {id} {} {}", micros(joined), micros(packet.max(joined))));
}

pub(crate) fn say_flood(id: &str, flood: Flood, last: Instant) {
    let micros = |at: Instant| at.saturating_duration_since(*EPOCH).as_micros();
    let first = micros(flood.first.unwrap_or(last));
    say(format_args!("flood {id} {} {first} {}", flood.events, micros(last)));
}

pub(crate) fn say_failed(id: &str, why: &dyn std::fmt::Display) {
    say(format_args!("failed {id} {:?}", why.to_string()));
}

/// One line, in one write.
pub(crate) fn say(line: std::fmt::Arguments<'_>) {
    // When nobody listens any more, our input has ended as well.
    let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
}
