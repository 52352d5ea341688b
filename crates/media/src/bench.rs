//! How much a plane costs on this host, beside what the host itself costs.
//!
//! All of it goes over loopback, with as many far ends as there are calls, each an address of its
//! own that speaks and is spoken to every 20 ms. The same packets are first carried by a bare loop
//! that does nothing but receive and send them: that is the floor, which no design can be below.
//! Floor and plane take turns, so that a machine with other work to do is unfair to both alike;
//! what counts is their ratio.

mod far;
mod floor;

pub use self::{far::Far, floor::carry as floor};
use crate::{
    FrameSink, Histogram, Leg, Plane, PlaneConfig, PlaneError, Playout, ShardCounters, Sound,
    counters::Recorder, system,
};
use audio::{jitter::Frame, resample::Upsampler, tone};
use std::{
    io,
    net::Ipv4Addr,
    num::NonZeroUsize,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use thiserror::Error;

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Calls at a time, up to 60,000.
    pub calls: NonZeroUsize,
    /// How long floor and plane are measured in each round.
    pub each: Duration,
    /// How often they take turns.
    pub rounds: NonZeroUsize,
}

/// Why nothing could be measured.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The plane does not start.
    #[error(transparent)]
    Plane(#[from] PlaneError),
    /// A socket or a thread cannot be had.
    #[error("the bench cannot open its own end: {0}")]
    Far(#[from] io::Error),
}

/// What was measured.
#[derive(Debug, Clone)]
pub struct Report {
    /// Nanoseconds of a system call that does nothing, the least of many batches.
    pub system_call: f64,
    /// How late a thread wakes that only sleeps from millisecond to millisecond.
    pub sleeper: Histogram,
    /// Each round by itself.
    pub rounds: Vec<Round>,
    /// How much later than its turn each packet of the plane was with the kernel.
    pub send_lateness: Histogram,
    /// From a packet's sending at the far end to its 16 kHz frame.
    pub added_delay: Histogram,
}

/// One round. CPU times are nanoseconds a call-frame: one packet received and one sent.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Of the bare loop.
    pub floor: f64,
    /// Of the media thread: receiving, the gate, the jitter buffer, decoding, playing, sending.
    pub shard: f64,
    /// Of the async side: the hand-over, the sinks, and 8 to 16 kHz in them.
    pub sinks: f64,
    /// Packets that the far end sent to the plane, and that no leg heard.
    pub lost: u64,
    /// Frames that the async side did not take, and turns that came too late.
    pub given_up: u64,
    /// Datagrams that one system call received, and packets that one sent, on average.
    pub batches: (f64, f64),
    /// Resident memory that each call added, in bytes.
    pub memory: f64,
}

impl Round {
    /// CPU of all threads of the plane for each of the floor's.
    pub fn ratio(&self) -> f64 {
        (self.shard + self.sinks) / self.floor
    }
}

impl Report {
    /// Resident memory a call in bytes, with its share of ring and tables: of the round that had to
    /// ask the system for it, as later ones use it again.
    pub fn memory(&self) -> f64 {
        self.rounds.iter().map(|round| round.memory).fold(0.0, f64::max)
    }

    /// The round whose ratio is the median.
    pub fn median(&self) -> Round {
        let mut rounds = self.rounds.clone();
        rounds.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
        rounds[rounds.len() / 2]
    }
}

/// How long a load runs before it is measured.
const WARM_UP: Duration = Duration::from_millis(400);

/// Measures; takes about twice the time of its rounds.
///
/// # Errors
/// [`BenchError`].
///
/// # Panics
/// Inside a tokio runtime: it runs one of its own for the sinks, to measure it.
pub fn run(load: &Load) -> Result<Report, BenchError> {
    let (system_call, sleeper) = (floor::system_call(), floor::sleeper(Duration::from_secs(1)));
    let mut report = Report {
        system_call,
        sleeper,
        rounds: Vec::new(),
        send_lateness: Histogram::default(),
        added_delay: Histogram::default(),
    };
    for _ in 0..load.rounds.get() {
        let floor = floor::carry(load)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let carried = runtime.block_on(carry(load))?;
        report.rounds.push(Round { floor, ..carried.round });
        report.send_lateness.add(&carried.send_lateness);
        report.added_delay.add(&carried.added_delay);
    }
    Ok(report)
}

struct Carried {
    round: Round,
    send_lateness: Histogram,
    added_delay: Histogram,
}

/// Has a plane carry the load, on a runtime that does nothing else.
async fn carry(load: &Load) -> Result<Carried, BenchError> {
    let calls = load.calls.get();
    let resident_before = resident();
    let plane = Plane::start(&PlaneConfig { legs_a_shard: load.calls, ..PlaneConfig::default() })?;
    let mut second = vec![0; audio::SAMPLE_RATE as usize];
    tone::Sine::new(440.0, -12.0).fill(&mut second);
    let sound = Sound::new(&second);
    let delays = Arc::new(Recorder::default());
    let ports = (0..calls).map(|_| plane.port()).collect::<Result<Vec<_>, _>>()?;
    let plane_addr = ports.first().expect("a load has at least one call").local_addr();
    let far = Far::start(calls, plane_addr)?;
    let mut legs: Vec<Leg> = Vec::with_capacity(calls);
    for (n, port) in ports.into_iter().enumerate() {
        let sink = Ears::new(&far, n, delays.clone());
        let leg = port.start((Far::ip(n), far.port()).into(), sink);
        leg.play(Playout::forever(0, sound.clone()));
        legs.push(leg);
    }
    far.speak();
    tokio::time::sleep(WARM_UP).await;

    let look = || (plane.counters().swap_remove(0), delays.snapshot(), system::thread_cpu());
    let (before, delays_before, cpu_before) = look();
    tokio::time::sleep(load.each).await;
    let (after, delays_after, cpu) = look();
    let grown = resident().saturating_sub(resident_before);
    // What is still under way is no loss.
    far.stop();
    tokio::time::sleep(WARM_UP / 4).await;
    let lost = far.sent() - plane.counters()[0].received;
    drop(legs);

    let since = |field: fn(&ShardCounters) -> u64| field(&after) - field(&before);
    let frames = (since(|c| c.received) + since(|c| c.sent)) as f64 / 2.0;
    let a_batch = |packets: u64, batches: u64| packets as f64 / batches.max(1) as f64;
    let round = Round {
        floor: 0.0,
        shard: since(|c| c.cpu) as f64 / frames,
        sinks: (cpu - cpu_before) as f64 / frames,
        lost,
        given_up: since(|c| c.untaken) + since(|c| c.skipped),
        batches: (
            a_batch(since(|c| c.received), since(|c| c.receive_batches)),
            a_batch(since(|c| c.sent), since(|c| c.send_batches)),
        ),
        memory: grown as f64 / calls as f64,
    };
    Ok(Carried {
        round,
        send_lateness: after.send_lateness.since(&before.send_lateness),
        added_delay: delays_after.since(&delays_before),
    })
}

/// What the recogniser does first: 8 to 16 kHz. One leg of sixteen also looks at the clock.
struct Ears {
    upsampler: Upsampler,
    wide: Vec<f32>,
    watch: Option<(far::SentAt, Arc<Recorder>)>,
}

impl Ears {
    fn new(far: &Far, n: usize, delays: Arc<Recorder>) -> Ears {
        let watch = n.is_multiple_of(16).then(|| (far.sent_at(n), delays));
        Ears { upsampler: Upsampler::new(), wide: Vec::new(), watch }
    }
}

impl FrameSink for Ears {
    fn frame(&mut self, frame: &Frame) {
        self.wide.clear();
        self.upsampler.process(&frame.samples, &mut self.wide);
        if let Some((sent_at, delays)) = &self.watch {
            let sent_at = sent_at.load(Relaxed);
            delays.record(Duration::from_nanos(system::monotonic().saturating_sub(sent_at)));
        }
    }
}

/// Pages that this process holds in memory, as bytes; 0 where the system does not tell.
fn resident() -> u64 {
    const PAGE: u64 = 4096;
    let read = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    read.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * PAGE
}

/// A free address of loopback for each far end.
const FAR_NET: Ipv4Addr = Ipv4Addr::new(127, 64, 0, 0);
