//! Counts what the process allocates, when it is built to do so (`--features count-allocations`): a counter that all
//! threads share is not for a process that serves callers.

#[cfg(feature = "count-allocations")]
mod counted {
    use std::alloc::System;

    use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

    #[global_allocator]
    static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

    pub(super) fn count() -> u64 {
        let stats = ALLOCATOR.stats();
        (stats.allocations + stats.reallocations) as u64
    }
}

/// What has been allocated so far, if it is counted.
#[cfg(feature = "count-allocations")]
pub(crate) const COUNT: Option<fn() -> u64> = Some(counted::count);

/// What has been allocated so far, if it is counted.
#[cfg(not(feature = "count-allocations"))]
pub(crate) const COUNT: Option<fn() -> u64> = None;
