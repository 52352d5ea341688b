//! The time on the clock of the one who is called: no time zones, those have been converted before.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A date and a time of day, to the second, in the proleptic Gregorian calendar. It is stored as `2026-03-03 10:00:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Civil {
    /// Days since 1 January 1970.
    days: i64,
    /// Seconds since midnight.
    second: u32,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

const A_DAY: u32 = 86_400;

impl Civil {
    /// A moment, if there is such a day and such a time.
    #[must_use]
    pub fn new(date: (i32, u8, u8), time: (u8, u8, u8)) -> Option<Self> {
        let (year, month, day) = date;
        let (hour, minute, second) = time;
        if !(1..=9_999).contains(&year) || !is_day(Some(year), month, day) {
            return None;
        }
        (hour < 24 && minute < 60 && second < 60).then(|| Self {
            days: days(year, month, day),
            second: u32::from(hour) * 3_600 + u32::from(minute) * 60 + u32::from(second),
        })
    }

    /// A moment that is written `2026-03-03 10:00`, with seconds if they matter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.trim().split_once([' ', 'T'])?;
        let mut parts = date.splitn(3, '-');
        let date = (parts.next()?.parse().ok()?, number(parts.next()?)?, number(parts.next()?)?);
        let mut parts = time.splitn(3, ':');
        let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
        let second = parts.next().map_or(Some(0), number)?;
        Self::new(date, (hour, minute, second))
    }

    /// The moment `later`; what is less than a second is left out.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        let second = u64::from(self.second) + later.as_secs();
        let days = i64::try_from(second / u64::from(A_DAY)).unwrap_or(i64::MAX);
        let second = u32::try_from(second % u64::from(A_DAY)).expect("less than a day");
        Self { days: self.days.saturating_add(days).min(LAST_DAY), second }
    }

    /// Year, month from 1 and day from 1.
    #[must_use]
    pub fn date(self) -> (i32, u8, u8) {
        // Howard Hinnant's algorithm: years that begin in March, so that a leap day comes last.
        let days = self.days + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        let small = |number: i64| u8::try_from(number).expect("a month or a day");
        (i32::try_from(year).expect("not after 9999"), small(month), small(day))
    }

    /// Minutes since midnight.
    #[must_use]
    pub fn minute_of_day(self) -> u32 {
        self.second / 60
    }

    /// The day of the week.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        // 1 January 1970 was a Thursday.
        Weekday::ALL[usize::try_from((self.days + 3).rem_euclid(7)).expect("less than seven")]
    }
}

impl From<Civil> for String {
    fn from(civil: Civil) -> Self {
        format!("{civil}:{:02}", civil.second % 60)
    }
}

impl TryFrom<String> for Civil {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
            .ok_or_else(|| format!("{text:?} is no moment such as 2026-03-03 10:00:00"))
    }
}

/// As `2026-03-03 10:00`.
impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let minute = self.minute_of_day();
        write!(f, "{year:04}-{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60)
    }
}

impl Weekday {
    /// The week, from Monday.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Its English name, in small letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }

    /// The day that is written `mon` or `Monday`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let is = |day: &Self| text == day.name() || text == day.name()[..3];
        Self::ALL.into_iter().find(is)
    }
}

/// Whether a month has such a day; without a year, whether it has it in any.
pub(crate) fn is_day(year: Option<i32>, month: u8, day: u8) -> bool {
    let leap = year.is_none_or(|year| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// 31 December 9999.
const LAST_DAY: i64 = 2_932_896;

fn days(year: i32, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let month = i64::from(month);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year =
        (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

pub(crate) fn number(text: &str) -> Option<u8> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_each_other() {
        let mut day = Civil::new((1999, 12, 31), (23, 59, 59)).expect("a moment");
        assert_eq!(day.weekday(), Weekday::Friday);
        day = day.after(Duration::from_secs(1));
        assert_eq!((day.date(), day.minute_of_day()), ((2000, 1, 1), 0));
        let leap = Civil::parse("2028-02-28 12:30").expect("a moment");
        assert_eq!(leap.after(Duration::from_secs(86_400)).date(), (2028, 2, 29));
        assert_eq!(leap.after(Duration::from_secs(2 * 86_400)).to_string(), "2028-03-01 12:30");
        for days in 0..150_000_u64 {
            let day = Civil::new((1800, 1, 1), (0, 0, 0)).expect("a moment");
            let later = day.after(Duration::from_secs(days * 86_400));
            assert_eq!(Civil::new(later.date(), (0, 0, 0)), Some(later));
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in
            ["2026-02-29 10:00", "2026-13-01 10:00", "2026-01-01 24:00", "tomorrow", "2026-01-01"]
        {
            assert_eq!(Civil::parse(text), None, "{text}");
        }
        let last = Civil::new((9999, 12, 31), (0, 0, 0)).expect("a moment");
        assert_eq!(last.after(Duration::MAX).date(), (9999, 12, 31));
    }
}
