//! What is kept of a call besides its record: recordings, messages, and when nothing might be kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The number of a recording in a call, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordingId(pub u32);

/// A recording of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its number.
    pub id: RecordingId,
    /// Who makes it.
    pub by: RecordedBy,
    /// The file, or the name under which Asterisk keeps it.
    pub path: String,
    /// When it began.
    pub from: Duration,
    /// When it ended; none while it goes on.
    pub to: Option<Duration>,
    /// Why it ended.
    pub ended: Option<RecordingEnd>,
}

/// Who makes a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordedBy {
    /// We do, of the caller's sound and ours, each on its own track; beside it lies a mix.
    Us,
    /// Asterisk does, of the caller and an agent who speak without us, mixed.
    Asterisk,
}

impl RecordedBy {
    /// The word in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Us => "patchcord",
            Self::Asterisk => "asterisk",
        }
    }
}

/// Why a recording ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordingEnd {
    /// It was to end here, or the call did.
    Stopped,
    /// The disk is full: what came before can be read.
    DiskFull,
    /// It is as long or as large as a recording may be.
    Limit,
    /// It failed. The text is for the operator.
    Failed(String),
}

impl RecordingEnd {
    /// The word in records.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::DiskFull => "disk_full",
            Self::Limit => "limit",
            Self::Failed(_) => "failed",
        }
    }
}

/// A message that the caller left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whose it is.
    pub mailbox: String,
    /// The file with its sound.
    pub path: String,
    /// When it had been kept.
    pub at: Duration,
}

/// Something that happened to a zone in which a card is keyed in: for the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneMark {
    /// When.
    pub at: Duration,
    /// What.
    pub what: ZoneEvent,
}

/// What happened to a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneEvent {
    /// Every cut was confirmed.
    Entered,
    /// The cuts were undone.
    Left,
    /// This cut was not confirmed, and the card was not asked for.
    Refused(ZoneCut),
}

impl ZoneEvent {
    /// The word in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Entered => "entered",
            Self::Left => "left",
            Self::Refused(_) => "refused",
        }
    }
}

/// What has to be cut off before a card may be keyed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ZoneCut {
    /// What the dialplan has begun to record of the caller (`MixMonitor`): it cannot be paused from here.
    MixMonitor,
    /// What Asterisk records for us.
    AsteriskRecording,
    /// Our own recordings, captures included.
    Recording,
    /// Somebody who looks after calls and listens to this one.
    Listener,
    /// All of them: no word came in time.
    Late,
}

impl ZoneCut {
    /// The word in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MixMonitor => "mix_monitor",
            Self::AsteriskRecording => "asterisk_recording",
            Self::Recording => "recording",
            Self::Listener => "listener",
            Self::Late => "late",
        }
    }
}
