//! How much a plane costs on this host, beside what the host itself costs.
//!
//! All of it goes over loopback, with as many far ends as there are calls, each an address of its
//! own that speaks and is spoken to every 20 ms. The same packets are first carried by a bare loop
//! that does nothing but receive and send them: that is the floor, which no design can be below.
//! Floor and plane take turns, so that a machine with other work to do is unfair to both alike;
//! what counts is their ratio.

mod far;
mod floor;
mod pieces;
mod soak;
mod traffic;

use self::traffic::Traffic;
pub use self::{
    far::Far,
    floor::{Floor, carry as floor},
    pieces::Pieces,
    soak::{Period, soak},
};
use crate::{Histogram, PlaneError, Scheduling, system};
use std::{io, num::NonZeroUsize, time::Duration};
use thiserror::Error;

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Calls at a time, up to 60,000.
    pub calls: NonZeroUsize,
    /// Media threads; the bare loop gets as many.
    pub shards: NonZeroUsize,
    /// Who speaks.
    pub flow: Flow,
    /// How the system runs the media threads, and the bare loop.
    pub scheduling: Scheduling,
    /// How long floor and plane are measured in each round.
    pub each: Duration,
    /// How often they take turns.
    pub rounds: NonZeroUsize,
    /// Counts what the process has allocated so far, if anything does.
    pub allocations: Option<fn() -> u64>,
}

/// Who speaks. A call-frame is what comes of 20 ms of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Both ends: a call-frame is one packet received and one sent.
    BothWays,
    /// Only the plane, as to callers who listen to music: a call-frame is one packet sent.
    OutOnly,
}

impl Default for Load {
    /// 500 calls both ways on one thread, three rounds of two seconds.
    fn default() -> Load {
        Load {
            calls: NonZeroUsize::new(500).expect("more than none"),
            shards: NonZeroUsize::MIN,
            flow: Flow::BothWays,
            scheduling: Scheduling::default(),
            each: Duration::from_secs(2),
            rounds: NonZeroUsize::new(3).expect("more than none"),
            allocations: None,
        }
    }
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
    /// The parts of a call-frame that are computed, each by itself.
    pub pieces: Pieces,
    /// Each round by itself.
    pub rounds: Vec<Round>,
    /// How much later than its turn each packet of the bare loop was with the kernel.
    pub floor_lateness: Histogram,
    /// Likewise, of the plane.
    pub send_lateness: Histogram,
    /// From a packet's sending at the far end to its 16 kHz frame, without the delay of the filter
    /// itself (0.17 ms).
    pub added_delay: Histogram,
}

/// One round. CPU times are nanoseconds a call-frame.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Of the bare loop.
    pub floor: f64,
    /// Of the media threads for receiving: the system calls, the gate, the jitter buffer, decoding.
    pub receiving: f64,
    /// Of the media threads for sending: prompts, headers, the system calls.
    pub sending: f64,
    /// Of the media threads for all else: waking, orders, gaps, the hand-over.
    pub turning: f64,
    /// Of the tellers: the hand-over, the sinks, and 8 to 16 kHz in them.
    pub sinks: f64,
    /// Packets that the far end sent to the plane, and that no leg heard.
    pub lost: u64,
    /// Frames that the teller did not take, and turns that came too late.
    pub given_up: u64,
    /// Datagrams that one system call received, and packets that one sent, on average.
    pub batches: (f64, f64),
    /// Allocations of the whole process, if they are counted.
    pub allocations: Option<u64>,
    /// Resident memory that each call added, in bytes.
    pub memory: f64,
}

impl Round {
    /// CPU of the media threads.
    pub fn media(&self) -> f64 {
        self.receiving + self.sending + self.turning
    }

    /// CPU of all threads of the plane.
    pub fn all(&self) -> f64 {
        self.media() + self.sinks
    }

    /// CPU of all threads of the plane for each of the floor's.
    pub fn ratio(&self) -> f64 {
        self.all() / self.floor
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
pub fn run(load: &Load) -> Result<Report, BenchError> {
    let mut report = Report {
        system_call: floor::system_call(),
        sleeper: floor::sleeper(Duration::from_secs(1)),
        pieces: pieces::measure(load.calls.get()),
        rounds: Vec::new(),
        floor_lateness: Histogram::default(),
        send_lateness: Histogram::default(),
        added_delay: Histogram::default(),
    };
    for _ in 0..load.rounds.get() {
        let floor = floor::carry(load)?;
        report.floor_lateness.add(&floor.send_lateness);
        let round = carry(load, floor.cpu, &mut report)?;
        report.rounds.push(round);
    }
    Ok(report)
}

/// Has a plane carry the load.
fn carry(load: &Load, floor: f64, report: &mut Report) -> Result<Round, BenchError> {
    let resident_before = system::resident();
    let traffic = Traffic::start(load)?;
    std::thread::sleep(WARM_UP);
    let before = traffic.look();
    // To look allocates too.
    let allocated = load.allocations.map(|count| (count, count()));
    std::thread::sleep(load.each);
    let allocations = allocated.map(|(count, before)| count() - before);
    let taken = traffic.look().since(&before);
    let grown = system::resident().saturating_sub(resident_before);
    let lost = traffic.end();

    report.send_lateness.add(&taken.send_lateness);
    report.added_delay.add(&taken.added_delay);
    let frames = taken.frames(load.flow);
    let a_batch = |packets: u64, batches: u64| packets as f64 / batches.max(1) as f64;
    // The thread's CPU is known as a whole; how it is shared out is known by the clock.
    let busy = (taken.receiving_time + taken.sending_time + taken.turning_time).max(1) as f64;
    let share = |time: u64| taken.media_cpu as f64 * (time as f64 / busy) / frames;
    Ok(Round {
        floor,
        receiving: share(taken.receiving_time),
        sending: share(taken.sending_time),
        turning: share(taken.turning_time),
        sinks: taken.sinks_cpu as f64 / frames,
        lost,
        given_up: taken.given_up,
        batches: (
            a_batch(taken.received, taken.receive_batches),
            a_batch(taken.sent, taken.send_batches),
        ),
        allocations,
        memory: grown as f64 / load.calls.get() as f64,
    })
}
