//! What the hearing thread has done and used, for others to read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::voice::Tally;

/// What hearing has done since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Windows of 32 ms that were heard.
    pub windows: u64,
    /// Windows that the network judged; the others were surely silence.
    pub judged: u64,
    /// Runs of the network.
    pub batches: u64,
    /// Processor time of the hearing thread, where the system says it (Linux).
    pub cpu: Option<Duration>,
}

/// Written by the hearing thread once a round.
#[derive(Debug, Default)]
pub(super) struct Meter {
    windows: AtomicU64,
    judged: AtomicU64,
    batches: AtomicU64,
    /// Nanoseconds; 0 where they are not known.
    cpu: AtomicU64,
}

impl Meter {
    /// To be called on the hearing thread, whose time is taken.
    pub(super) fn set(&self, tally: Tally) {
        self.windows.store(tally.windows, Ordering::Relaxed);
        self.judged.store(tally.judged, Ordering::Relaxed);
        self.batches.store(tally.batches, Ordering::Relaxed);
        self.cpu.store(thread_cpu().unwrap_or_default(), Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Load {
        let cpu = self.cpu.load(Ordering::Relaxed);
        Load {
            windows: self.windows.load(Ordering::Relaxed),
            judged: self.judged.load(Ordering::Relaxed),
            batches: self.batches.load(Ordering::Relaxed),
            cpu: (cpu > 0).then(|| Duration::from_nanos(cpu)),
        }
    }
}

/// Nanoseconds that this thread has run: the first figure of its `schedstat` (Linux, proc(5)).
fn thread_cpu() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split_whitespace().next()?.parse().ok()
}
