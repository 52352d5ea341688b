//! What is known of a call when it begins: who calls whom, and what the clocks say there.

use std::collections::BTreeMap;

use ari::Channel;
use flow::{Civil, Facts, Value};
use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::desk::Desk;

/// What the dialplan may pass on after the application's name, as `NAME=VALUE`.
pub(crate) fn of(channel: &Channel, args: &[String], desk: &Desk) -> Facts {
    let flow = &desk.course.flow;
    let passed = args.iter().filter_map(|arg| arg.split_once('='));
    Facts {
        caller_number: channel.caller.number.clone(),
        caller_name: channel.caller.name.clone(),
        called_number: channel.dialplan.exten.clone(),
        clock: clock(zone(flow.document().time_zone.as_deref()).unwrap_or(TimeZone::UTC)),
        language: desk.language.clone(),
        caller: passed.map(|(name, value)| (name.to_owned(), Value::from(value))).collect(),
    }
}

/// A caller of whom nothing is known, at noon on a Tuesday: replays are the same whenever they run.
pub(crate) fn of_nobody() -> Facts {
    Facts {
        caller_number: String::new(),
        caller_name: String::new(),
        called_number: String::new(),
        clock: Civil::new((2026, 3, 3), (12, 0, 0)).expect("a moment"),
        language: None,
        caller: BTreeMap::new(),
    }
}

/// The time zone of this name; the machine's own if none is named.
///
/// # Errors
/// In words, where the machine does not know it.
pub(crate) fn zone(name: Option<&str>) -> Result<TimeZone, String> {
    match name {
        None => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(name).map_err(|error| error.to_string()),
    }
}

fn clock(zone: TimeZone) -> Civil {
    let now = Zoned::now().with_time_zone(zone);
    let (date, time) = (now.date(), now.time());
    let small = |part: i8| u8::try_from(part).unwrap_or_default();
    let day = (i32::from(date.year()), small(date.month()), small(date.day()));
    let time = (small(time.hour()), small(time.minute()), small(time.second()));
    Civil::new(day, time).expect("the system's clock shows a moment")
}
