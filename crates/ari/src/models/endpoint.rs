//! Endpoints, what is known of their devices, and what they send.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::model;
use super::open_enum::open_enum;

model! {
    /// A phone, trunk or other party that a technology knows.
    Endpoint {
        /// Technology, such as `PJSIP`.
        technology: String,
        /// Its name there.
        resource: String,
        /// Whether it can be reached.
        state: Option<EndpointState> = may,
        /// Ids of its channels.
        channel_ids: Vec<String>,
    }
}

open_enum! {
    /// Whether an endpoint can be reached.
    EndpointState {
        /// Not known.
        Unknown = "unknown",
        /// It cannot.
        Offline = "offline",
        /// It can.
        Online = "online",
    }
}

model! {
    /// Where an endpoint said that it is.
    ContactInfo {
        /// Address.
        uri: String,
        /// Whether it answers there.
        contact_status: ContactStatus,
        /// Name of its address of record.
        aor: String,
        /// How long an answer takes, in microseconds, as text.
        roundtrip_usec: Option<String> = may,
    }
}

open_enum! {
    /// Whether a contact answers.
    ContactStatus {
        /// It does not.
        Unreachable = "Unreachable",
        /// It does.
        Reachable = "Reachable",
        /// Not known yet.
        Unknown = "Unknown",
        /// It is not asked.
        NonQualified = "NonQualified",
        /// It is gone.
        Removed = "Removed",
    }
}

model! {
    /// How the peer behind an endpoint is.
    Peer {
        /// Such as `Reachable` or `Registered`.
        peer_status: String,
        /// Why it changed.
        cause: Option<String> = may,
        /// Its address.
        address: Option<String> = may,
        /// Its port, as text.
        port: Option<String> = may,
        /// How long it took to answer, as text.
        time: Option<String> = may,
    }
}

model! {
    /// A text message, as SIP MESSAGE for one.
    TextMessage {
        /// Who sent it.
        from: String,
        /// To whom.
        to: String,
        /// Its text.
        body: String,
        /// What the technology sent along.
        variables: BTreeMap<String, Value>,
    }
}

model! {
    /// The state of a device, as lamps show it.
    DeviceState {
        /// The device, such as `PJSIP/alice` or `Stasis:desk`.
        name: String = must,
        /// Its state.
        state: DeviceStateWord,
    }
}

open_enum! {
    /// The state of a device.
    DeviceStateWord {
        /// Not known.
        Unknown = "UNKNOWN",
        /// Free.
        NotInUse = "NOT_INUSE",
        /// In use.
        InUse = "INUSE",
        /// Busy.
        Busy = "BUSY",
        /// No device.
        Invalid = "INVALID",
        /// Out of reach.
        Unavailable = "UNAVAILABLE",
        /// Rings.
        Ringing = "RINGING",
        /// Rings while in use.
        RingInUse = "RINGINUSE",
        /// On hold.
        OnHold = "ONHOLD",
    }
}

model! {
    /// Counts of the voice messages of one box; `Mailbox` in Asterisk's words.
    VoiceMailbox {
        /// Name.
        name: String = must,
        /// Messages that were heard.
        old_messages: u64,
        /// Messages that were not.
        new_messages: u64,
    }
}
