//! How parameters are written that Asterisk wants in a form of its own.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// Whole seconds, rounded up. As a number, since Asterisk passes over a time that is text.
pub(super) fn whole_seconds<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let seconds = time.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0));
    seconds.serialize(serializer)
}

/// Whole milliseconds.
pub(super) fn millis<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}

/// Words with commas between.
pub(super) fn comma_separated<S: Serializer>(
    words: &[String],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&words.join(","))
}
