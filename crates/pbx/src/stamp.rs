//! Asterisk's way to write a time.

use std::time::Duration;

/// `2025-03-17T08:32:35.709+0000`: milliseconds, and an offset without a colon.
pub(crate) fn stamp(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let millis = since_epoch.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}+0000")
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_asterisk_writes_them() {
        assert_eq!(stamp(Duration::ZERO), "1970-01-01T00:00:00.000+0000");
        let leap_day = Duration::from_millis(1_709_210_096_709);
        assert_eq!(stamp(leap_day), "2024-02-29T12:34:56.709+0000");
        assert_eq!(stamp(Duration::from_secs(1_767_225_599)), "2025-12-31T23:59:59.000+0000");
    }
}
