//! A load that goes on for long: does anything grow?

use super::{BenchError, Load, WARM_UP, traffic::Traffic};
use crate::{Histogram, system};

/// What one period of a soak was like.
#[derive(Debug, Clone)]
pub struct Period {
    /// CPU of all threads of the plane, in nanoseconds a call-frame.
    pub cpu: f64,
    /// Datagrams that the kernel dropped because a shard did not take them in time.
    pub dropped: u64,
    /// Frames that the teller did not take, and turns that came too late.
    pub given_up: u64,
    /// How much later than its turn each packet was with the kernel.
    pub send_lateness: Histogram,
    /// From a packet's sending at the far end to its 16 kHz frame.
    pub added_delay: Histogram,
    /// Memory that the process holds at its end, in bytes.
    pub resident: u64,
    /// Files and sockets that it has open.
    pub descriptors: usize,
}

/// Carries a load for `periods` times `load.each`, and tells of each period when it is over. Gives
/// how many packets the far ends sent that no leg heard.
///
/// # Errors
/// [`BenchError`].
pub fn soak(load: &Load, periods: usize, mut tell: impl FnMut(&Period)) -> Result<u64, BenchError> {
    let traffic = Traffic::start(load)?;
    std::thread::sleep(WARM_UP);
    let mut before = traffic.look();
    for _ in 0..periods {
        std::thread::sleep(load.each);
        let now = traffic.look();
        let taken = now.since(&before);
        tell(&Period {
            cpu: (taken.media_cpu + taken.sinks_cpu) as f64 / taken.frames(load.flow),
            dropped: taken.kernel_drops,
            given_up: taken.given_up,
            send_lateness: taken.send_lateness,
            added_delay: taken.added_delay,
            resident: system::resident(),
            descriptors: system::descriptors(),
        });
        before = now;
    }
    Ok(traffic.end())
}
