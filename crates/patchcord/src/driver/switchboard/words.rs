//! What is said to Asterisk of a caller, and what its causes mean.

use call::Why;

/// A caller id that can be passed on: a caller's name and number are anybody's text.
pub(super) fn caller_id(name: &str, number: &str) -> String {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric() || " +-._".contains(*c)).take(80).collect()
    };
    let (name, number) = (plain(name), plain(number));
    match (name.is_empty(), number.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!("\"{name}\""),
        (true, false) => number,
        (false, false) => format!("\"{name}\" <{number}>"),
    }
}

/// The causes with which the dialplan context [`QUEUES`](super::QUEUES) ends a call that no agent took.
pub(super) fn why_not_queued(cause: i64) -> Why {
    match cause {
        3 => Why::Unknown,
        20 => Why::Empty,
        42 => Why::Full,
        16 | 18 | 19 => Why::NoAnswer,
        _ => Why::Unavailable,
    }
}

/// Q.850 causes as Asterisk reports them for a channel that never answered.
pub(super) fn why(cause: i64) -> Why {
    match cause {
        17 => Why::Busy,
        16 | 18 | 19 => Why::NoAnswer,
        21 => Why::Rejected,
        _ => Why::Unavailable,
    }
}
