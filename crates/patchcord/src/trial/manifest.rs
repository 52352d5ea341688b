//! The list of utterances: one JSON object a line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use crate::recording::{self, RecordingError};

/// An utterance and what is known of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// A WAV file of any rate, or one of Asterisk's files, relative to the manifest.
    pub(crate) audio: PathBuf,
    /// What is said.
    pub(crate) text: Option<String>,
    /// What is wanted; `null` says that it is nothing the domain has, and no field that it is not known.
    #[serde(default, deserialize_with = "present")]
    pub(crate) intent: Option<Option<String>>,
    /// The slots that are said, with their values.
    pub(crate) slots: Option<BTreeMap<String, String>>,
    /// When the speech ends, in milliseconds from the file's first sample.
    pub(crate) speech_end_ms: Option<f64>,
    /// When the word ends that decides.
    pub(crate) decide_ms: Option<f64>,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("cannot read {path}: {source}\n  mend: name a file with one JSON object a line")]
    Read { path: PathBuf, source: std::io::Error },
    #[error(
        "{path}:{line}: {source}\n  mend: write one object a line, such as {{\"audio\": \"a.wav\", \"text\": \"a large latte\", \"intent\": \"order\", \"slots\": {{\"size\": \"large\"}}}}"
    )]
    Row { path: PathBuf, line: usize, source: serde_json::Error },
    #[error("{0} has no rows\n  mend: write one JSON object a line")]
    Empty(PathBuf),
    #[error(
        "{path}:{line}: cannot read {audio}: {source}\n  mend: name a recording relative to the manifest, or take the row out"
    )]
    Audio { path: PathBuf, line: usize, audio: PathBuf, source: RecordingError },
}

/// Reads a manifest, and the sound of each row at 8 kHz.
pub(crate) fn rows(path: &Path) -> Result<Vec<(Row, Vec<i16>)>, ManifestError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ManifestError::Read { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (path, line_number) = (|| path.to_owned(), index + 1);
        let row: Row = serde_json::from_str(line).map_err(|source| ManifestError::Row {
            path: path(),
            line: line_number,
            source,
        })?;
        let audio = recording::open(&folder.join(&row.audio)).map_err(|source| {
            let audio = row.audio.clone();
            ManifestError::Audio { path: path(), line: line_number, audio, source }
        })?;
        rows.push((row, audio));
    }
    if rows.is_empty() { Err(ManifestError::Empty(path.to_owned())) } else { Ok(rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_intent_and_an_unknown_one_are_two_things() {
        let row = |text| serde_json::from_str::<Row>(text).expect("a row");
        assert_eq!(row(r#"{"audio": "a.wav"}"#).intent, None);
        assert_eq!(row(r#"{"audio": "a.wav", "intent": null}"#).intent, Some(None));
        let named = row(r#"{"audio": "a.wav", "intent": "order"}"#).intent;
        assert_eq!(named, Some(Some("order".to_owned())));
    }

    #[test]
    fn mistakes_name_file_line_and_mend() {
        let folder = std::env::temp_dir().join(format!("manifest-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("m.jsonl");
        std::fs::write(folder.join("empty.wav"), audio::wav::write(&[])).expect("written");
        for (text, says) in [
            ("", "has no rows"),
            ("{\"audio\": \"a.wav\"", "m.jsonl:1: "),
            ("\n{\"audio\": \"missing.wav\"}", "m.jsonl:2: cannot read missing.wav"),
            ("{\"audio\": \"empty.wav\"}", "m.jsonl:1: cannot read empty.wav: there is no sound"),
            ("{\"audio\": \"a.wav\", \"word\": 1}", "unknown field `word`"),
        ] {
            std::fs::write(&path, text).expect("written");
            let error = rows(&path).expect_err(text).to_string();
            assert!(error.contains(says) && error.contains("mend: "), "{error}");
        }
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
