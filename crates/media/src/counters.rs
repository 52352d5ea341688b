//! What a shard counts, each number written by one thread alone and read by anybody.

mod histogram;

pub use self::histogram::Histogram;
pub(crate) use self::histogram::Recorder;
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// A number with one writer. So it needs no atomic addition, which would cost twenty times as much.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// The numbers of one shard as they grow.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)+
            tick_lateness: Recorder,
            send_lateness: Recorder,
        }

        /// What one shard has counted since its start. Rates are differences between two of these.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct ShardCounters {
            $($(#[doc = $doc])+ pub $name: u64,)+
            /// How much later than planned the shard woke.
            pub tick_lateness: Histogram,
            /// How much later than its turn each packet was with the kernel.
            pub send_lateness: Histogram,
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> ShardCounters {
                ShardCounters {
                    $($name: self.$name.get(),)+
                    tick_lateness: self.tick_lateness.snapshot(),
                    send_lateness: self.send_lateness.snapshot(),
                }
            }
        }
    };
}

counters! {
    /// Legs that are open now.
    legs,
    /// Datagrams received on the RTP port.
    received,
    /// Batches in which they were received.
    receive_batches,
    /// Datagrams from addresses of no leg.
    wrong_source,
    /// Datagrams of peers that are not RTP.
    malformed,
    /// Packets of peers that are neither mu-law nor telephone events.
    wrong_payload_type,
    /// Packets of peers of a stream that is not, or not yet, accepted.
    wrong_ssrc,
    /// Datagrams that the kernel dropped because the shard did not take them in time.
    kernel_drops,
    /// RTCP packets of peers.
    reports,
    /// Datagrams on the RTCP port that are not RTCP or not of a peer.
    wrong_reports,
    /// Packets sent.
    sent,
    /// Batches in which they were sent.
    send_batches,
    /// Packets that could not be sent.
    send_failures,
    /// Packets left out because the shard came too late for their turns.
    skipped,
    /// Frames handed to the teller.
    frames,
    /// Frames thrown away because the teller did not take them in time.
    untaken,
    /// Times that the shard woke.
    ticks,
    /// Nanoseconds of CPU that the shard's thread has used.
    cpu,
    /// Nanoseconds of CPU that its teller has used, the sinks included.
    telling_cpu,
    /// Nanoseconds, by the clock, that it was taking packets.
    receiving_time,
    /// Nanoseconds, by the clock, that it was making and sending packets.
    sending_time,
    /// Nanoseconds, by the clock, that it was awake for anything else.
    turning_time,
}

impl Counters {
    pub(crate) fn woke_late(&self, by: Duration) {
        self.tick_lateness.record(by);
    }

    pub(crate) fn sent_late(&self, by: Duration) {
        self.send_lateness.record(by);
    }
}
