//! The time of day as vendors write it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;

/// Year, month, day, hour, minute and second, in UTC.
pub(super) struct Utc {
    date: (u64, u64, u64),
    time: (u64, u64, u64),
}

impl Utc {
    pub(super) fn now() -> Self {
        // A clock that stands before 1970 is refused by every vendor anyway.
        Self::at(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// `since` is the time since 1970.
    pub(super) fn at(since: Duration) -> Self {
        let (days, seconds) = (since.as_secs() / DAY, since.as_secs() % DAY);
        // Eras of 400 years that begin in March, so that the leap day is the last (Hinnant, `civil_from_days`).
        let days = days + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + 400 * era + u64::from(month <= 2);
        Self { date: (year, month, day), time: (seconds / 3600, seconds / 60 % 60, seconds % 60) }
    }

    /// `20260102T030405Z`
    pub(super) fn basic(&self) -> String {
        let ((year, month, day), (hour, minute, second)) = (self.date, self.time);
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }

    /// `2026-01-02T03:04:05.000Z`
    pub(super) fn extended(&self) -> String {
        let ((year, month, day), (hour, minute, second)) = (self.date, self.time);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (seconds, says) in [
            (0, "19700101T000000Z"),
            (951_827_696, "20000229T123456Z"),
            (1_369_353_600, "20130524T000000Z"),
            (1_798_761_599, "20261231T235959Z"),
        ] {
            assert_eq!(Utc::at(Duration::from_secs(seconds)).basic(), says);
        }
        assert_eq!(Utc::at(Duration::ZERO).extended(), "1970-01-01T00:00:00.000Z");
    }
}
