//! What the client has seen so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

macro_rules! counters {
    ($( $(#[$doc:meta])* $name:ident, )*) => {
        /// Counts since the client was made.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters {
            $( $(#[$doc])* pub $name: u64, )*
            /// For how long no events came, all gaps together, each until the state was compared again.
            pub gap: Duration,
        }

        #[derive(Debug, Default)]
        pub(super) struct Tally {
            $( pub(super) $name: AtomicU64, )*
            pub(super) gap_us: AtomicU64,
        }

        impl Tally {
            pub(super) fn read(&self) -> Counters {
                Counters {
                    $( $name: self.$name.load(Ordering::Relaxed), )*
                    gap: Duration::from_micros(self.gap_us.load(Ordering::Relaxed)),
                }
            }
        }
    };
}

counters! {
    /// Events read from the socket.
    events,
    /// Events that no mailbox owns; monitors had them all the same.
    unowned,
    /// Deliveries that were taken and found [malformed](crate::Event::Malformed).
    malformed,
    /// Deliveries that a full mailbox lost.
    lost,
    /// New channels that were lost because too many waited to be taken; each was sent back to the dialplan.
    arrivals_lost,
    /// Connections that were lost.
    gaps,
    /// Events that were made up for what a gap or a full mailbox had swallowed.
    synthesised,
    /// Callers that were found in the application after a gap, and handed out.
    found,
    /// Channels and bridges of nobody that were hung up or destroyed.
    swept,
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
