//! Moments, as both databases keep them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970 (UTC).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment.
    #[must_use]
    pub fn now() -> Timestamp {
        SystemTime::now().into()
    }

    /// The moment as the standard library has it.
    #[must_use]
    pub fn system_time(self) -> SystemTime {
        let distance = Duration::from_millis(self.0.unsigned_abs());
        let moment = if self.0 < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        };
        moment.unwrap_or(UNIX_EPOCH)
    }

    /// The same, or the nearest that both databases can hold: the years 1 to 9999.
    pub(crate) fn storable(self) -> Timestamp {
        Timestamp(self.0.clamp(-62_135_596_800_000, 253_402_300_799_999))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(moment: SystemTime) -> Timestamp {
        let millis = |distance: Duration| i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
        Timestamp(match moment.duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => -millis(before.duration()),
        })
    }
}
