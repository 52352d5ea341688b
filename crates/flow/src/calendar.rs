//! When somebody is there.

use std::collections::BTreeMap;

use crate::civil::{Civil, Weekday, is_day, number};

/// The hours of a document, ready to be looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Calendar {
    /// Minutes since midnight, from and up to, by weekday.
    pub(crate) open: BTreeMap<Weekday, Vec<(u32, u32)>>,
    pub(crate) holidays: Vec<(Day, String)>,
}

/// A day of one year or of every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day {
    year: Option<i32>,
    month: u8,
    day: u8,
}

/// What hours say of a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Now<'c> {
    Open,
    Closed,
    /// The name of the day.
    Holiday(&'c str),
}

impl Calendar {
    pub(crate) fn at(&self, now: Civil) -> Now<'_> {
        let (year, month, day) = now.date();
        let is = |known: &Day| {
            (known.month, known.day) == (month, day) && known.year.is_none_or(|own| own == year)
        };
        if let Some((_, name)) = self.holidays.iter().find(|(known, _)| is(known)) {
            return Now::Holiday(name);
        }
        let minute = now.minute_of_day();
        let mut times = self.open.get(&now.weekday()).into_iter().flatten();
        match times.any(|(from, to)| (*from..*to).contains(&minute)) {
            true => Now::Open,
            false => Now::Closed,
        }
    }
}

impl Day {
    /// A day that is written `2026-12-25` or `12-25`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.trim().split('-').collect();
        let (year, month, day) = match parts[..] {
            [year, month, day] if year.len() == 4 => (Some(year.parse().ok()?), month, day),
            [month, day] => (None, month, day),
            _ => return None,
        };
        let (month, day) = (number(month)?, number(day)?);
        is_day(year, month, day).then_some(Self { year, month, day })
    }
}

/// The weekdays that are written `mon`, `mon-fri` or `mon, wed`.
pub(crate) fn weekdays(text: &str) -> Option<Vec<Weekday>> {
    let mut days = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => days.push(Weekday::parse(part)?),
            Some((from, to)) => {
                let (from, to) = (Weekday::parse(from)?, Weekday::parse(to)?);
                let week = || Weekday::ALL.into_iter();
                days.extend(match from <= to {
                    true => week().filter(|day| (from..=to).contains(day)).collect::<Vec<_>>(),
                    false => week().filter(|day| *day >= from || *day <= to).collect(),
                });
            }
        }
    }
    Some(days)
}

/// The minutes of a time that is written `09:00-17:30`; up to `24:00`.
pub(crate) fn minutes(text: &str) -> Option<(u32, u32)> {
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute) = (u32::from(number(hour)?), u32::from(number(minute)?));
        (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
    };
    let (from, to) = text.split_once('-')?;
    Some((minute(from)?, minute(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_open_and_close_and_rest() {
        let open = weekdays("mon-fri").expect("days").into_iter();
        let calendar = Calendar {
            open: open.map(|day| (day, vec![(540, 720), (780, 1_020)])).collect(),
            holidays: vec![
                (Day::parse("12-25").expect("a day"), "Christmas Day".to_owned()),
                (Day::parse("2026-07-03").expect("a day"), "the company's day".to_owned()),
            ],
        };
        for (at, now) in [
            ("2026-03-03 08:59", Now::Closed),
            ("2026-03-03 09:00", Now::Open),
            ("2026-03-03 11:59", Now::Open),
            ("2026-03-03 12:00", Now::Closed),
            ("2026-03-07 10:00", Now::Closed),
            ("2026-12-25 10:00", Now::Holiday("Christmas Day")),
            ("2026-07-03 10:00", Now::Holiday("the company's day")),
            ("2028-07-03 10:00", Now::Open),
        ] {
            assert_eq!(calendar.at(Civil::parse(at).expect("a moment")), now, "{at}");
        }
    }

    #[test]
    fn days_and_times_are_read() {
        assert_eq!(weekdays("sat-mon").map(|days| days.len()), Some(3));
        assert_eq!(weekdays("mon, Wednesday").map(|days| days.len()), Some(2));
        assert_eq!(weekdays("weekend"), None);
        assert_eq!(minutes("22:00-24:00"), Some((1_320, 1_440)));
        assert_eq!(minutes("9-17"), None);
        assert_eq!(minutes("09:00-24:01"), None);
        assert!(Day::parse("02-29").is_some());
        assert!(Day::parse("2026-02-29").is_none());
    }
}
