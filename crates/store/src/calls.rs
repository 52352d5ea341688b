//! What is kept of calls.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::str::FromStr;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::{AuditRow, Json, Timestamp};

/// One call: what is searched, and the whole record.
///
/// A call may be written when it begins and again when it is over: the first record with an end completes it, and
/// nothing changes it after that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Tells it from every other call, over all programs that share the database.
    pub id: String,
    /// When it came.
    pub started: Timestamp,
    /// When it was over; none while it goes on.
    pub ended: Option<Timestamp>,
    /// Who called.
    pub caller: Option<String>,
    /// The inbound number.
    pub called: Option<String>,
    /// The destination that took it.
    pub destination: Option<String>,
    /// How it ended for the caller.
    pub outcome: Option<String>,
    /// What the caller wanted.
    pub intent: Option<String>,
    /// The flow that it went through.
    pub flow: Option<FlowRef>,
    /// The node at which the flow was left.
    pub node: Option<String>,
    /// The whole record.
    pub record: Json,
}

/// A version of a flow, by its name and number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRef {
    /// The flow's name.
    pub name: String,
    /// Its version.
    pub version: i64,
}

/// A call in a list: all but the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each field is that of `Call`")]
pub struct Summary {
    pub id: String,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub caller: Option<String>,
    pub called: Option<String>,
    pub destination: Option<String>,
    pub outcome: Option<String>,
    pub intent: Option<String>,
    pub flow: Option<FlowRef>,
    pub node: Option<String>,
}

impl Call {
    pub(crate) fn of(summary: Summary, record: Json) -> Call {
        Call {
            id: summary.id,
            started: summary.started,
            ended: summary.ended,
            caller: summary.caller,
            called: summary.called,
            destination: summary.destination,
            outcome: summary.outcome,
            intent: summary.intent,
            flow: summary.flow,
            node: summary.node,
            record,
        }
    }
}

impl FlowRef {
    pub(crate) fn of(name: Option<String>, version: Option<i64>) -> Option<FlowRef> {
        name.zip(version).map(|(name, version)| FlowRef { name, version })
    }
}

words! {
    /// Who speaks.
    Speaker {
        /// Who called.
        Caller = "caller",
        /// The automatic one.
        Receptionist = "receptionist",
        /// The human who answered.
        Agent = "agent",
    }
}

/// What one speaker said in one go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The call's id.
    pub call: String,
    /// 0, 1, 2... in the order of the call.
    pub number: i64,
    /// Who spoke.
    pub speaker: Speaker,
    /// When it began, in milliseconds of the call.
    pub from_ms: i64,
    /// When it ended; none if the call was over first.
    pub to_ms: Option<i64>,
    /// The words.
    pub words: String,
    /// What was understood.
    pub intent: Option<String>,
    /// The node of the flow.
    pub node: Option<String>,
}

words! {
    /// What a recording holds.
    Track {
        /// The caller alone.
        Caller = "caller",
        /// Our side alone.
        Receptionist = "receptionist",
        /// The human who answered, alone.
        Agent = "agent",
        /// Everybody.
        Mix = "mix",
    }
}

words! {
    /// What became of a recording.
    RecordingState {
        /// It is being written, or the program was killed meanwhile.
        Running = "running",
        /// All of it is there.
        Complete = "complete",
        /// It ends where the disk was full.
        DiskFull = "disk_full",
        /// It ends where something else went wrong.
        Broken = "broken",
    }
}

/// A file of sound. It may be written when it is begun and again when it is done, as calls are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// The call's id.
    pub call: String,
    /// Where the file is.
    pub path: String,
    /// What it holds.
    pub track: Track,
    /// How long it is, in milliseconds.
    pub length_ms: i64,
    /// What became of it.
    pub state: RecordingState,
}

words! {
    /// How bytes are kept.
    Encoding {
        /// As they are.
        Plain = "plain",
        /// Compressed (RFC 1951).
        Deflate = "deflate",
    }
}

/// The journal of one call: bytes of a format that is not the store's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The call's id.
    pub call: String,
    /// The version of the format.
    pub format: i64,
    pub(crate) encoding: Encoding,
    #[serde(skip)]
    pub(crate) bytes: Vec<u8>,
}

/// Bytes that were compressed, and are not what compression makes.
#[derive(Debug, thiserror::Error)]
#[error("the journal of call {call} is damaged: {cause}\nmend: restore it from a backup")]
pub struct JournalError {
    /// The call's id.
    pub call: String,
    /// What is wrong.
    pub cause: std::io::Error,
}

impl Journal {
    /// The journal of `call`.
    #[must_use]
    pub fn new(call: impl Into<String>, format: i64, bytes: Vec<u8>) -> Journal {
        Journal { call: call.into(), format, encoding: Encoding::Plain, bytes }
    }

    /// How many bytes it takes in the store.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes as they were given.
    ///
    /// # Errors
    /// When compressed ones are damaged.
    pub fn into_bytes(self) -> Result<Vec<u8>, JournalError> {
        match self.encoding {
            Encoding::Plain => Ok(self.bytes),
            Encoding::Deflate => {
                let mut plain = Vec::with_capacity(self.bytes.len() * 4);
                match DeflateDecoder::new(self.bytes.as_slice()).read_to_end(&mut plain) {
                    Ok(_) => Ok(plain),
                    Err(cause) => Err(JournalError { call: self.call, cause }),
                }
            }
        }
    }

    /// The same, compressed if that makes it smaller by an eighth or more: telephone sound hardly shrinks, and is then
    /// read back without work.
    pub(crate) fn packed(self) -> Journal {
        if self.encoding == Encoding::Deflate {
            return self;
        }
        let worth = self.bytes.len() - self.bytes.len() / 8;
        let mut encoder = DeflateEncoder::new(Vec::with_capacity(worth), Compression::fast());
        let packed = encoder.write_all(&self.bytes).and_then(|()| encoder.finish());
        match packed {
            Ok(bytes) if bytes.len() < worth => {
                Journal { encoding: Encoding::Deflate, bytes, ..self }
            }
            _ => self,
        }
    }
}

/// One call with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeCall {
    /// The call.
    pub call: Call,
    /// Its turns, in order.
    pub turns: Vec<Turn>,
    /// Its recordings, by path.
    pub recordings: Vec<Recording>,
    /// What was audited about it, in order.
    pub audit: Vec<AuditRow>,
    /// The version of its journal's format, if it has one; [`Store::journal`](crate::Store::journal) reads it.
    pub journal: Option<i64>,
}

/// Calls, the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most as many as were asked for.
    pub calls: Vec<Summary>,
    /// Where the next page begins; none if this is the last.
    pub next: Option<Cursor>,
}

/// A place in the list of calls, which stays right while calls come in. In a URL it is `MILLISECONDS.ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When the last call of the page before came.
    pub started: Timestamp,
    /// Its id.
    pub id: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.started.0, self.id)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Cursor, CursorError> {
        let wrong = || CursorError(text.to_owned());
        let (started, id) = text.split_once('.').ok_or_else(wrong)?;
        Ok(Cursor { started: Timestamp(started.parse().map_err(|_| wrong())?), id: id.to_owned() })
    }
}

/// A text that is no place in the list of calls.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no place in the list of calls\nmend: begin with the first page again")]
pub struct CursorError(pub String);

words! {
    /// What calls are counted by.
    Grouping {
        /// The destination that took them.
        Destination = "destination",
        /// How they ended.
        Outcome = "outcome",
        /// What the callers wanted.
        Intent = "intent",
        /// The flow that they went through.
        Flow = "flow",
        /// The inbound number.
        Called = "called",
    }
}

/// How many calls have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count<K> {
    /// What they have in common.
    pub key: K,
    /// How many.
    pub calls: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_compressed_only_if_it_pays() {
        let text: Vec<u8> =
            (0..500).flat_map(|n| format!("{{\"at\":{n}}}\n").into_bytes()).collect();
        let journal = Journal::new("1", 1, text.clone()).packed();
        assert_eq!(journal.encoding, Encoding::Deflate);
        assert!(journal.stored_bytes() < text.len() / 2);
        assert_eq!(journal.clone().packed(), journal, "not twice");
        assert_eq!(journal.into_bytes().unwrap(), text);

        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let noise: Vec<u8> = (0..5000).map(|_| noise()).collect();
        let journal = Journal::new("1", 1, noise.clone()).packed();
        assert_eq!(journal.encoding, Encoding::Plain);
        assert_eq!(journal.into_bytes().unwrap(), noise);
        assert_eq!(Journal::new("1", 1, Vec::new()).packed().into_bytes().unwrap(), b"");
    }

    #[test]
    fn a_damaged_journal_says_whose_it_is() {
        let bytes = vec![0xff; 40];
        let journal =
            Journal { call: "17.4".into(), format: 1, encoding: Encoding::Deflate, bytes };
        let error = journal.into_bytes().unwrap_err().to_string();
        assert!(error.contains("17.4") && error.contains("mend: "), "{error}");
    }

    #[test]
    fn a_place_in_the_list_survives_a_url() {
        let cursor = Cursor { started: Timestamp(1_700_000_000_123), id: "1763.42".into() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert!("x.1".parse::<Cursor>().is_err() && "17".parse::<Cursor>().is_err());
    }
}
