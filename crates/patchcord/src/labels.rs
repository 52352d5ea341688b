//! Recorded calls and what is known of them.
//!
//! A folder of calls holds WAV files and, if somebody knows what should come of them, a `labels.jsonl` with one object
//! a line; `assets/calls/README.md` explains the fields.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use crate::assets;

/// One recorded call: the caller's side from the moment of answer.
#[derive(Debug, Clone)]
pub(crate) struct SampleCall {
    /// The file's name without its ending.
    pub name: String,
    /// 8 kHz mono.
    pub audio: Vec<i16>,
    /// What is known of it.
    pub label: Option<Label>,
}

/// What is known of a recorded call. Times count from the file's first sample.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Label {
    call: String,
    /// What the caller wants; none where it is nothing that the receptionist knows.
    #[serde(default)]
    pub intent: Option<String>,
    /// The destination that should take the call; none if it should end without one.
    #[serde(default)]
    pub destination: Option<String>,
    /// The outcome's name, where something other than a connection is expected.
    #[serde(default)]
    pub outcome: Option<String>,
    /// When the deciding word ends.
    #[serde(default)]
    pub decide_ms: Option<f64>,
    /// Keys that the caller presses.
    #[serde(default)]
    pub digits: Vec<Press>,
    /// When the caller hangs up by himself.
    #[serde(default)]
    pub hang_up_ms: Option<u64>,
}

/// A key pressed at a time.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Press {
    at_ms: u64,
    pub digit: char,
}

impl Press {
    pub(crate) fn at(&self) -> Duration {
        Duration::from_millis(self.at_ms)
    }
}

/// Why a folder of calls cannot be used.
#[derive(Debug, Error)]
pub(crate) enum CallsError {
    #[error("cannot read {path}: {source}\n  mend: name a folder with WAV files, or WAV files")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}:{line}: {source}\n  mend: one JSON object a line; see assets/calls/README.md")]
    Label { path: PathBuf, line: usize, source: serde_json::Error },
    #[error(
        "{path}: {source}\n  mend: convert it, for example with: sox IN.wav -r 8000 -c 1 -b 16 OUT.wav"
    )]
    Wav { path: PathBuf, source: audio::wav::WavError },
    #[error("{0} holds no WAV file\n  mend: name a folder with recorded calls")]
    Empty(PathBuf),
}

/// The sample calls that are part of the program.
pub(crate) fn embedded() -> Result<Vec<SampleCall>, CallsError> {
    let folder = Path::new("assets/calls");
    let labels = assets::file("calls/labels.jsonl").unwrap_or_default();
    let labels = parse_labels(&folder.join("labels.jsonl"), labels)?;
    let mut calls = Vec::new();
    for (name, bytes) in assets::folder("calls") {
        if name.ends_with(".wav") {
            calls.push(sample(&folder.join(name), bytes, &labels)?);
        }
    }
    calls.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(calls)
}

/// Every WAV file of a folder, in the order of their names.
pub(crate) fn folder(folder: &Path) -> Result<Vec<SampleCall>, CallsError> {
    let read = |source| CallsError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("wav")) {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(CallsError::Empty(folder.to_owned()));
    }
    files.sort();
    self::files(&files)
}

/// These WAV files, each with its label if there is one beside it.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<SampleCall>, CallsError> {
    let mut known: HashMap<PathBuf, HashMap<String, Label>> = HashMap::new();
    let mut calls = Vec::new();
    for path in paths {
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        if !known.contains_key(&folder) {
            let file = folder.join("labels.jsonl");
            let labels = match std::fs::read(&file) {
                Ok(text) => parse_labels(&file, &text)?,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => HashMap::new(),
                Err(source) => return Err(CallsError::Read { path: file, source }),
            };
            known.insert(folder.clone(), labels);
        }
        let bytes = std::fs::read(path)
            .map_err(|source| CallsError::Read { path: path.clone(), source })?;
        calls.push(sample(path, &bytes, &known[&folder])?);
    }
    Ok(calls)
}

fn sample(
    path: &Path,
    bytes: &[u8],
    labels: &HashMap<String, Label>,
) -> Result<SampleCall, CallsError> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let audio = audio::wav::read(bytes)
        .map_err(|source| CallsError::Wav { path: path.to_owned(), source })?;
    let label = labels.get(&name).cloned();
    Ok(SampleCall { name, audio, label })
}

fn parse_labels(path: &Path, text: &[u8]) -> Result<HashMap<String, Label>, CallsError> {
    let mut labels = HashMap::new();
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let label: Label = serde_json::from_slice(line).map_err(|source| CallsError::Label {
            path: path.to_owned(),
            line: index + 1,
            source,
        })?;
        labels.insert(label.call.clone(), label);
    }
    Ok(labels)
}
