//! Hang-up causes (ITU-T Q.850, as in Asterisk's `causes.h` and `main/channel.c`).

pub(crate) const UNALLOCATED: u16 = 1;
pub(crate) const NORMAL_CLEARING: u16 = 16;
pub(crate) const USER_BUSY: u16 = 17;
pub(crate) const NO_USER_RESPONSE: u16 = 18;
pub(crate) const NO_ANSWER: u16 = 19;
pub(crate) const CALL_REJECTED: u16 = 21;
pub(crate) const INTERWORKING: u16 = 127;

/// The `cause` of a `ChannelHangupRequest` that the PBX itself made: Asterisk sends its soft
/// hang-up flag (`AST_SOFTHANGUP_EXPLICIT`) in this field, not a Q.850 cause.
pub(crate) const SOFT_HANGUP_EXPLICIT: u16 = 32;

/// Asterisk's words for a cause.
pub(crate) fn text(cause: u16) -> &'static str {
    match cause {
        1 => "Unallocated (unassigned) number",
        3 => "No route to destination",
        16 => "Normal Clearing",
        17 => "User busy",
        18 => "No user responding",
        19 => "User alerting, no answer",
        20 => "Subscriber absent",
        21 => "Call Rejected",
        22 => "Number changed",
        26 => "Answered elsewhere",
        27 => "Destination out of order",
        28 => "Invalid number format",
        31 => "Normal, unspecified",
        34 => "Circuit/channel congestion",
        38 => "Network out of order",
        41 => "Temporary failure",
        42 => "Switching equipment congestion",
        44 => "Requested channel not available",
        58 => "Bearer capability not available",
        127 => "Interworking, unspecified",
        _ => "Unknown",
    }
}

/// The cause for a `reason` of `DELETE /channels/{channelId}`.
pub(crate) fn from_reason(reason: &str) -> Option<u16> {
    Some(match reason {
        "normal" => NORMAL_CLEARING,
        "busy" => USER_BUSY,
        "congestion" => 34,
        "no_answer" => NO_ANSWER,
        "timeout" => NO_USER_RESPONSE,
        "rejected" => CALL_REJECTED,
        "unallocated" => UNALLOCATED,
        "normal_unspecified" => 31,
        "number_incomplete" => 28,
        "codec_mismatch" => 58,
        "interworking" => 127,
        "failure" => 38,
        "answered_elsewhere" => 26,
        _ => return None,
    })
}

/// The `dialstatus` of a dial that ended with this cause.
pub(crate) fn dial_status(cause: u16) -> &'static str {
    match cause {
        USER_BUSY => "BUSY",
        34 => "CONGESTION",
        3 | 20 => "CHANUNAVAIL",
        _ => "NOANSWER",
    }
}

/// The SIP status of a phone that refuses a call, so that this cause comes of it.
pub(crate) fn refusal_status(cause: u16) -> u16 {
    match cause {
        CALL_REJECTED => 603,
        other => sip_status(other),
    }
}

/// The SIP status that stands behind a cause (`tech_cause` of a PJSIP channel).
pub(crate) fn sip_status(cause: u16) -> u16 {
    match cause {
        UNALLOCATED | 3 => 404,
        USER_BUSY => 486,
        NO_USER_RESPONSE => 408,
        NO_ANSWER | 20 => 480,
        CALL_REJECTED => 403,
        28 => 484,
        _ => 503,
    }
}
