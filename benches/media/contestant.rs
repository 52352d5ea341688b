//! A contestant that is a process of this program: what it is told, and what it says.
//!
//! Its environment tells it how many calls to carry, and the port of their far ends. It prints `up`; when it is told
//! `open` it opens its calls and prints the addresses where they hear, in the order of the far ends; from then on it
//! answers each line with two numbers, the allocations of the whole process and the frames heard, until its input ends.

use std::alloc::System;
use std::io::{self, BufRead as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use audio::{SAMPLE_RATE, tone::Sine};
use media::bench::Far;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::Result;

/// The variable that makes this program a contestant.
pub(crate) const ENTRANT: &str = "BENCH_ENTRANT";
pub(crate) const CALLS: &str = "BENCH_CALLS";
pub(crate) const FAR_PORT: &str = "BENCH_FAR_PORT";

pub(crate) const UP: &str = "up";

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Frames that have come to the end of their way.
pub(crate) static HEARD: AtomicU64 = AtomicU64::new(0);

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) calls: usize,
    far_port: u16,
}

/// What a contestant has of its calls, and where each of them hears.
pub(crate) type Opened<Calls> = (Calls, Vec<SocketAddr>);

impl Work {
    /// The address of the far end of a call.
    pub(crate) fn far(self, n: usize) -> SocketAddr {
        (Far::ip(n), self.far_port).into()
    }

    fn from_environment() -> Result<Work> {
        Ok(Work {
            calls: std::env::var(CALLS)?.parse()?,
            far_port: std::env::var(FAR_PORT)?.parse()?,
        })
    }
}

/// Does what it is told, with a runtime as `#[tokio::main]` makes it.
pub(crate) fn serve<Calls>(open: fn(Work) -> Result<Opened<Calls>>) -> Result<()> {
    let work = Work::from_environment()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let _entered = runtime.enter();
    say(UP)?;
    let mut told = io::stdin().lock().lines();
    let Some(_open) = told.next().transpose()? else { return Ok(()) };
    let (_calls, addresses) = open(work)?;
    say(&addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(" "))?;
    for line in told {
        line?;
        let stats = ALLOCATOR.stats();
        say(&format!("{} {}", stats.allocations + stats.reallocations, HEARD.load(Relaxed)))?;
    }
    Ok(())
}

/// A second of sound to play.
pub(crate) fn prompt() -> Vec<i16> {
    let mut second = vec![0; SAMPLE_RATE as usize];
    Sine::new(440.0, -12.0).fill(&mut second);
    second
}

/// Where a contestant hears that asks for a port of its own.
pub(crate) const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
