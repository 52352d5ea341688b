//! What to record, of a channel or a bridge.

use std::time::Duration;

use serde::Serialize;

use super::encode::whole_seconds;

/// What to record, and where to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its name, which is its id. A slash in it makes a folder.
    pub name: String,
    /// File format, such as `wav`.
    pub format: String,
    /// How long it may become, in whole seconds, rounded up; without end if none.
    #[serde(
        rename = "maxDurationSeconds",
        skip_serializing_if = "Option::is_none",
        serialize_with = "whole_seconds"
    )]
    pub max_duration: Option<Duration>,
    /// After how much silence it ends, in whole seconds, rounded up; never if none.
    #[serde(
        rename = "maxSilenceSeconds",
        skip_serializing_if = "Option::is_none",
        serialize_with = "whole_seconds"
    )]
    pub max_silence: Option<Duration>,
    /// What happens to a recording of that name.
    pub if_exists: IfExists,
    /// Whether a beep comes first.
    #[serde(
        rename = "beep",
        skip_serializing_if = "Beep::is_silent",
        serialize_with = "Beep::write"
    )]
    pub start: Beep,
    /// The key that ends it.
    pub terminate_on: TerminateOn,
}

/// What to record of all that is heard in a bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BridgeRecord {
    /// What, and where to.
    #[serde(flatten)]
    pub record: Record,
    /// Format of the channel that records, such as `slin16`. That of the file if none; before 22.7 always 8 kHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorder_format: Option<String>,
}

impl From<Record> for BridgeRecord {
    fn from(record: Record) -> Self {
        Self { record, recorder_format: None }
    }
}

/// What happens to a recording of the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IfExists {
    /// It stays, and the new one is refused.
    #[default]
    Fail,
    /// It is replaced.
    Overwrite,
    /// The new one follows it.
    Append,
}

/// How a recording begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beep {
    /// Silently.
    #[default]
    Silent,
    /// With a beep.
    Beep,
}

impl Beep {
    fn is_silent(&self) -> bool {
        *self == Self::Silent
    }

    fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(!self.is_silent())
    }
}

/// The key that ends a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum TerminateOn {
    /// None.
    #[default]
    #[serde(rename = "none")]
    Nothing,
    /// Each.
    #[serde(rename = "any")]
    Any,
    /// The star.
    #[serde(rename = "*")]
    Star,
    /// The pound sign.
    #[serde(rename = "#")]
    Pound,
}

impl Record {
    /// A recording that ends when it is stopped.
    pub fn new(name: impl Into<String>, format: impl Into<String>) -> Self {
        Self { name: name.into(), format: format.into(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recording_is_written_in_asterisks_names() {
        let plain = serde_json::to_value(Record::new("r", "wav")).unwrap();
        let expected =
            json!({ "name": "r", "format": "wav", "ifExists": "fail", "terminateOn": "none" });
        assert_eq!(plain, expected);
        let full = Record {
            max_duration: Some(Duration::from_millis(1500)),
            start: Beep::Beep,
            terminate_on: TerminateOn::Star,
            ..Record::new("r", "wav")
        };
        let full = serde_json::to_value(BridgeRecord::from(full)).unwrap();
        assert_eq!(full["maxDurationSeconds"], 2);
        assert_eq!((&full["beep"], &full["terminateOn"]), (&json!(true), &json!("*")));
    }
}
