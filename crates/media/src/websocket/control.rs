//! The control text of a media WebSocket: what Asterisk tells and what it can be told.
//!
//! Asterisk's `chan_websocket` writes it in one of two formats, plain text (all releases) or JSON (since 20.18, 22.8 and
//! 23.2; asked for with `f(json)`). The first event shows which, and the commands must be in the same. Names and fields
//! are those of the driver's documentation; a command longer than [`MAX_COMMAND`] bytes would be ignored by it.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use thiserror::Error;

/// How control text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ControlFormat {
    /// A word, then fields parted by spaces.
    PlainText,
    /// An object.
    Json,
}

impl ControlFormat {
    /// The format of a text that Asterisk sent.
    pub fn of(text: &str) -> ControlFormat {
        if text.trim_start().starts_with('{') {
            ControlFormat::Json
        } else {
            ControlFormat::PlainText
        }
    }
}

/// The longest command that Asterisk reads, in bytes.
pub const MAX_COMMAND: usize = 128;

/// Something to tell Asterisk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Answers the channel, where it was made with `n`.
    Answer,
    /// Hangs the channel up.
    HangUp,
    /// From now on messages may end anywhere within a frame.
    StartMediaBuffering,
    /// The last message ends with the last frame, though that may be short. Tells
    /// [`Event::BufferingCompleted`] when all before it has been played.
    StopMediaBuffering(MarkId),
    /// Tells [`Event::MarkProcessed`] when all before it has been played. Since JSON.
    MarkMedia(MarkId),
    /// Forgets everything that waits to be played, marks too, and ends the buffering.
    FlushMedia,
    /// Plays nothing until told to continue. A flush does not end this.
    PauseMedia,
    /// Plays on.
    ContinueMedia,
    /// Asks for [`Event::Status`].
    GetStatus,
    /// Asks for one [`Event::QueueDrained`] when nothing waits any more.
    ReportQueueDrained,
}

/// Names a place in what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MarkId(pub u32);

impl Command {
    /// The command's text, at most [`MAX_COMMAND`] bytes.
    pub fn to_text(self, format: ControlFormat) -> String {
        let (name, id) = self.parts();
        match format {
            ControlFormat::PlainText => {
                let mut text = name.to_owned();
                if let Some(MarkId(id)) = id {
                    write!(text, " {id}").expect("a String takes everything");
                }
                text
            }
            ControlFormat::Json => {
                let mut object = Map::new();
                object.insert("command".into(), json!(name));
                if let Some(MarkId(id)) = id {
                    // Asterisk takes a string only.
                    object.insert("correlation_id".into(), json!(id.to_string()));
                }
                Value::Object(object).to_string()
            }
        }
    }

    fn parts(self) -> (&'static str, Option<MarkId>) {
        match self {
            Command::Answer => ("ANSWER", None),
            Command::HangUp => ("HANGUP", None),
            Command::StartMediaBuffering => ("START_MEDIA_BUFFERING", None),
            Command::StopMediaBuffering(id) => ("STOP_MEDIA_BUFFERING", Some(id)),
            Command::MarkMedia(id) => ("MARK_MEDIA", Some(id)),
            Command::FlushMedia => ("FLUSH_MEDIA", None),
            Command::PauseMedia => ("PAUSE_MEDIA", None),
            Command::ContinueMedia => ("CONTINUE_MEDIA", None),
            Command::GetStatus => ("GET_STATUS", None),
            Command::ReportQueueDrained => ("REPORT_QUEUE_DRAINED", None),
        }
    }
}

/// Something that Asterisk tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The first one, though sound may come before it.
    MediaStart(MediaStart),
    /// The caller has pressed a key.
    DtmfEnd(char),
    /// 900 frames wait: send nothing for now, at 1,000 Asterisk drops what comes.
    MediaXoff,
    /// Fewer than 800 frames wait: send on.
    MediaXon,
    /// The reply to [`Command::GetStatus`].
    Status(Status),
    /// All before a [`Command::StopMediaBuffering`] has been played; `None` for an id that is not ours.
    BufferingCompleted(Option<MarkId>),
    /// All before a [`Command::MarkMedia`] has been played; `None` for an id that is not ours.
    MarkProcessed(Option<MarkId>),
    /// Nothing waits any more.
    QueueDrained,
    /// A command could not be followed; Asterisk's own words.
    Error(String),
    /// Something that this version does not know: its name.
    Unknown(String),
}

/// What a media WebSocket is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaStart {
    /// The id with which we connected; where Asterisk connected, the section of `websocket_client.conf`.
    pub connection_id: String,
    /// The channel's id. Since 20.17, 22.7 and 23.1.
    pub channel_id: Option<String>,
    /// Asterisk's name of the format, both ways.
    pub format: String,
    /// Bytes of a frame; 0 where messages are passed through as they are.
    pub optimal_frame_size: usize,
    /// How long a frame sounds, in ms.
    pub ptime: u32,
}

/// How much waits to be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Frames that wait.
    pub queue_length: usize,
    /// Whether it is paused.
    pub media_paused: bool,
}

/// Why control text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlError {
    /// Neither format.
    #[error("control text that is not an event: {0}")]
    Unreadable(String),
    /// A field is not there or not what it should be.
    #[error("{event} without a proper {field}")]
    Field {
        /// The event's name.
        event: String,
        /// The field's.
        field: &'static str,
    },
}

impl Event {
    /// Reads what Asterisk sent, in either format.
    ///
    /// # Errors
    /// [`ControlError`]; text of an event that is not known is no error.
    pub fn parse(text: &str) -> Result<Event, ControlError> {
        let fields = match ControlFormat::of(text) {
            ControlFormat::PlainText => Fields::of_plain(text)?,
            ControlFormat::Json => serde_json::from_str(text)
                .map_err(|error| ControlError::Unreadable(error.to_string()))?,
        };
        fields.into_event()
    }
}

/// The fields of an event in either format.
#[derive(Debug, Default, Deserialize)]
struct Fields {
    event: String,
    connection_id: Option<String>,
    channel_id: Option<String>,
    format: Option<String>,
    optimal_frame_size: Option<usize>,
    ptime: Option<u32>,
    digit: Option<String>,
    queue_length: Option<usize>,
    media_paused: Option<bool>,
    correlation_id: Option<String>,
    error_text: Option<String>,
}

/// The keys of plain text. A value may have spaces in it, so it ends where the next key begins.
const KEYS: [&str; 14] = [
    "connection_id",
    "channel",
    "channel_id",
    "format",
    "optimal_frame_size",
    "ptime",
    "digit",
    "queue_length",
    "xon_level",
    "xoff_level",
    "queue_full",
    "bulk_media",
    "media_paused",
    "error_text",
];

impl Fields {
    fn of_plain(text: &str) -> Result<Fields, ControlError> {
        let text = text.trim();
        let (event, mut rest) = text.split_once(' ').unwrap_or((text, ""));
        let proper = |c: char| c.is_ascii_uppercase() || c == '_';
        if event.is_empty() || !event.chars().all(proper) {
            return Err(ControlError::Unreadable("it begins with no event's name".into()));
        }
        let mut fields = Fields { event: event.to_owned(), ..Fields::default() };
        if key_of(rest).is_none() && !rest.is_empty() {
            fields.correlation_id = Some(rest.to_owned());
            return Ok(fields);
        }
        while let Some(key) = key_of(rest) {
            let value = &rest[key.len() + 1..];
            let next_key = |at: &usize| key != "error_text" && key_of(&value[at + 1..]).is_some();
            let end = value.match_indices(' ').map(|(at, _)| at).find(next_key);
            fields.set(key, &value[..end.unwrap_or(value.len())]);
            rest = end.map_or("", |end| &value[end + 1..]);
        }
        Ok(fields)
    }

    fn set(&mut self, key: &str, value: &str) {
        let text = || Some(value.to_owned());
        match key {
            "connection_id" => self.connection_id = text(),
            "channel_id" => self.channel_id = text(),
            "format" => self.format = text(),
            "optimal_frame_size" => self.optimal_frame_size = value.parse().ok(),
            "ptime" => self.ptime = value.parse().ok(),
            "digit" => self.digit = text(),
            "queue_length" => self.queue_length = value.parse().ok(),
            "media_paused" => self.media_paused = value.parse().ok(),
            "error_text" => self.error_text = text(),
            _ => {}
        }
    }

    fn into_event(self) -> Result<Event, ControlError> {
        let event = self.event.clone();
        let lacks = |field| ControlError::Field { event: event.clone(), field };
        Ok(match self.event.as_str() {
            "MEDIA_START" => Event::MediaStart(MediaStart {
                connection_id: self.connection_id.ok_or_else(|| lacks("connection_id"))?,
                channel_id: self.channel_id,
                format: self.format.ok_or_else(|| lacks("format"))?,
                optimal_frame_size: self
                    .optimal_frame_size
                    .ok_or_else(|| lacks("optimal_frame_size"))?,
                ptime: self.ptime.ok_or_else(|| lacks("ptime"))?,
            }),
            "DTMF_END" => Event::DtmfEnd(
                self.digit.as_deref().and_then(only_char).ok_or_else(|| lacks("digit"))?,
            ),
            "MEDIA_XOFF" => Event::MediaXoff,
            "MEDIA_XON" => Event::MediaXon,
            "STATUS" => Event::Status(Status {
                queue_length: self.queue_length.ok_or_else(|| lacks("queue_length"))?,
                media_paused: self.media_paused.ok_or_else(|| lacks("media_paused"))?,
            }),
            "MEDIA_BUFFERING_COMPLETED" => Event::BufferingCompleted(self.mark()),
            "MEDIA_MARK_PROCESSED" => Event::MarkProcessed(self.mark()),
            "QUEUE_DRAINED" => Event::QueueDrained,
            "ERROR" => Event::Error(self.error_text.unwrap_or_default()),
            _ => Event::Unknown(self.event),
        })
    }

    fn mark(&self) -> Option<MarkId> {
        self.correlation_id.as_deref()?.parse().ok().map(MarkId)
    }
}

/// The key with which `text` begins, its colon left out.
fn key_of(text: &str) -> Option<&'static str> {
    KEYS.into_iter().find(|key| text.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))
}

fn only_char(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: [Command; 10] = [
        Command::Answer,
        Command::HangUp,
        Command::StartMediaBuffering,
        Command::StopMediaBuffering(MarkId(u32::MAX)),
        Command::MarkMedia(MarkId(u32::MAX)),
        Command::FlushMedia,
        Command::PauseMedia,
        Command::ContinueMedia,
        Command::GetStatus,
        Command::ReportQueueDrained,
    ];

    #[test]
    fn commands_fit_into_what_asterisk_reads() {
        for command in COMMANDS {
            for format in [ControlFormat::PlainText, ControlFormat::Json] {
                let text = command.to_text(format);
                assert!(text.len() <= MAX_COMMAND, "{text}");
                assert_eq!(ControlFormat::of(&text), format);
            }
        }
        let mark = Command::MarkMedia(MarkId(7));
        assert_eq!(mark.to_text(ControlFormat::PlainText), "MARK_MEDIA 7");
        assert_eq!(
            mark.to_text(ControlFormat::Json),
            r#"{"command":"MARK_MEDIA","correlation_id":"7"}"#
        );
        assert_eq!(
            Command::FlushMedia.to_text(ControlFormat::Json),
            r#"{"command":"FLUSH_MEDIA"}"#
        );
    }

    #[test]
    fn the_start_is_the_same_in_both_formats() {
        let start = MediaStart {
            connection_id: "32966726".into(),
            channel_id: Some("media 1".into()),
            format: "ulaw".into(),
            optimal_frame_size: 160,
            ptime: 20,
        };
        let plain = "MEDIA_START connection_id:32966726 channel:WebSocket/INCOMING/0x7f \
                     channel_id:media 1 format:ulaw optimal_frame_size:160 ptime:20";
        assert_eq!(Event::parse(plain), Ok(Event::MediaStart(start.clone())));
        let json = r#"{"event":"MEDIA_START","connection_id":"32966726","channel":"WebSocket/x","channel_id":"media 1",
            "format":"ulaw","optimal_frame_size":160,"ptime":20,"channel_variables":{"A":"b"}}"#;
        assert_eq!(Event::parse(json), Ok(Event::MediaStart(start.clone())));
        let of_22_6 = "MEDIA_START connection_id:32966726 channel:WebSocket/INCOMING/0x7f format:ulaw \
                       optimal_frame_size:160 ptime:20";
        let without = MediaStart { channel_id: None, ..start };
        assert_eq!(Event::parse(of_22_6), Ok(Event::MediaStart(without)));
    }

    #[test]
    fn the_other_events_are_read_in_both_formats() {
        let status = Event::Status(Status { queue_length: 12, media_paused: true });
        for (text, event) in [
            ("DTMF_END digit:# channel_id:c", Event::DtmfEnd('#')),
            (r#"{"event":"DTMF_END","channel_id":"c","digit":"5"}"#, Event::DtmfEnd('5')),
            ("MEDIA_XOFF", Event::MediaXoff),
            (r#"{"event":"MEDIA_XON","channel_id":"c"}"#, Event::MediaXon),
            (
                "STATUS channel_id:c queue_length:12 xon_level:800 xoff_level:900 queue_full:false \
                 bulk_media:false media_paused:true",
                status.clone(),
            ),
            (r#"{"event":"STATUS","queue_length":12,"media_paused":true}"#, status),
            ("MEDIA_BUFFERING_COMPLETED 3", Event::BufferingCompleted(Some(MarkId(3)))),
            ("MEDIA_BUFFERING_COMPLETED", Event::BufferingCompleted(None)),
            ("MEDIA_MARK_PROCESSED mine", Event::MarkProcessed(None)),
            (
                r#"{"event":"MEDIA_MARK_PROCESSED","correlation_id":"3"}"#,
                Event::MarkProcessed(Some(MarkId(3))),
            ),
            ("QUEUE_DRAINED", Event::QueueDrained),
            (
                "ERROR channel_id:c error_text:FLUSH_MEDIA format:is not supported",
                Event::Error("FLUSH_MEDIA format:is not supported".into()),
            ),
            ("MEDIA_DANCE at:once", Event::Unknown("MEDIA_DANCE".into())),
        ] {
            assert_eq!(Event::parse(text), Ok(event), "{text}");
        }
    }

    #[test]
    fn what_is_no_event_says_what_it_lacks() {
        for (text, words) in [
            ("", "no event's name"),
            ("hello", "no event's name"),
            ("{", "not an event"),
            (r#"{"event":3}"#, "not an event"),
            (r#"{"command":"ANSWER"}"#, "event"),
            ("DTMF_END", "DTMF_END without a proper digit"),
            ("DTMF_END digit:12", "DTMF_END without a proper digit"),
            ("MEDIA_START connection_id:1 format:ulaw ptime:20", "optimal_frame_size"),
            ("STATUS queue_length:-1 media_paused:true", "queue_length"),
        ] {
            let error = Event::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
