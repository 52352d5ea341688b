//! Asterisk's timestamps, which are nearly ISO 8601.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment on Asterisk's clock, with the offset of its time zone: `2025-03-17T08:32:35.709-0600`.
///
/// Asterisk leaves out the colon of the offset, so readers of RFC 3339 refuse the form. Here the colon, the
/// fraction and `Z` are all optional.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    unix_ms: i64,
    offset_minutes: i16,
}

impl Timestamp {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_ms(self) -> i64 {
        self.unix_ms
    }

    /// Minutes that Asterisk's local time is ahead of UTC.
    pub fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }
}

/// The text is not a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a timestamp like 2025-03-17T08:32:35.709-0600")]
pub struct TimestampError;

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let mut rest = Cursor(text.as_bytes());
        let year = rest.number(4)?;
        rest.expect(b'-')?;
        let month = rest.number_in(2, 1..=12)?;
        rest.expect(b'-')?;
        let day = rest.number_in(2, 1..=days_in_month(year, month))?;
        rest.expect(b'T')?;
        let hour = rest.number_in(2, 0..=23)?;
        rest.expect(b':')?;
        let minute = rest.number_in(2, 0..=59)?;
        rest.expect(b':')?;
        let second = rest.number_in(2, 0..=60)?;
        let millis = rest.fraction_as_millis()?;
        let offset_minutes = rest.offset()?;
        if !rest.0.is_empty() {
            return Err(TimestampError);
        }
        let minutes = days_since_1970(year, month, day) * 1440 + hour * 60 + minute;
        let unix_ms = ((minutes - offset_minutes) * 60 + second) * 1000 + millis;
        let offset_minutes = i16::try_from(offset_minutes).expect("an offset is under 100 hours");
        Ok(Self { unix_ms, offset_minutes })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.unix_ms + i64::from(self.offset_minutes) * 60_000;
        let (days, ms) = (local.div_euclid(86_400_000), local.rem_euclid(86_400_000));
        let (year, month, day) = date_of(days);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let (off_hours, off_minutes) =
            (self.offset_minutes.abs() / 60, self.offset_minutes.abs() % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}{sign}{off_hours:02}{off_minutes:02}",
            ms % 1000
        )
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a timestamp, or `None` when the text is none: a strange date must not cost us the event that bears it.
pub(crate) fn lenient_timestamp<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn expect(&mut self, byte: u8) -> Result<(), TimestampError> {
        if self.take() == Some(byte) { Ok(()) } else { Err(TimestampError) }
    }

    fn digit(&mut self) -> Result<i64, TimestampError> {
        match self.take() {
            Some(byte @ b'0'..=b'9') => Ok(i64::from(byte - b'0')),
            _ => Err(TimestampError),
        }
    }

    fn number(&mut self, digits: usize) -> Result<i64, TimestampError> {
        (0..digits).try_fold(0, |number, _| Ok(number * 10 + self.digit()?))
    }

    fn number_in(
        &mut self,
        digits: usize,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<i64, TimestampError> {
        let number = self.number(digits)?;
        if range.contains(&number) { Ok(number) } else { Err(TimestampError) }
    }

    fn fraction_as_millis(&mut self) -> Result<i64, TimestampError> {
        if self.0.first() != Some(&b'.') {
            return Ok(0);
        }
        self.take();
        let mut millis = self.digit()? * 100;
        let mut weight = 10;
        while matches!(self.0.first(), Some(b'0'..=b'9')) {
            millis += self.digit()? * weight;
            weight /= 10;
        }
        Ok(millis)
    }

    fn offset(&mut self) -> Result<i64, TimestampError> {
        let sign = match self.take() {
            Some(b'Z') => return Ok(0),
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(TimestampError),
        };
        let hours = self.number(2)?;
        if self.0.first() == Some(&b':') {
            self.take();
        }
        Ok(sign * (hours * 60 + self.number_in(2, 0..=59)?))
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar. Years start in March here, so that the leap day is
/// the last of its year and months follow a straight line of 153 days in five months.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - DAYS_TO_1970
}

/// The inverse of [`days_since_1970`].
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn asterisks_own_form_is_read() {
        let time: Timestamp = "2025-03-17T08:32:35.709-0600".parse().unwrap();
        assert_eq!((time.unix_ms(), time.offset_minutes()), (1_742_221_955_709, -360));
        let same = ["2025-03-17T14:32:35.709Z", "2025-03-17T20:02:35.709999+05:30"];
        for text in same {
            assert_eq!(text.parse::<Timestamp>().unwrap().unix_ms(), time.unix_ms(), "{text}");
        }
        assert_eq!("1970-01-01T00:00:00+0000".parse::<Timestamp>().unwrap().unix_ms(), 0);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "2025-03-17",
            "2025-02-29T00:00:00.000+0000",
            "2025-13-01T00:00:00.000+0000",
            "2025-03-17T08:32:35.709",
            "2025-03-17T08:32:35.-0600",
            "2025-03-17T08:32:35.709-0600x",
            "２025-03-17T08:32:35.709-0600",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_agree(unix_ms in 0i64..4_000_000_000_000, quarter in -48i16..=56) {
            let time = Timestamp { unix_ms, offset_minutes: quarter * 15 };
            prop_assert_eq!(time.to_string().parse::<Timestamp>(), Ok(time));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
