//! What the nodes of a document share: sounds, prompts, hours, lookups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Something that is said: words for the voice, or `{ file = "greeting.wav" }`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Sound {
    /// A recording, by its name relative to the document.
    File(String),
    /// Words; in a document they may hold `{names}`.
    Spoken(String),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "write words to be spoken, or a recording: { file = \"hello.wav\" }")]
enum Written {
    Spoken(String),
    File(File),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    file: String,
}

impl From<Written> for Sound {
    fn from(written: Written) -> Self {
        match written {
            Written::Spoken(words) => Self::Spoken(words),
            Written::File(File { file }) => Self::File(file),
        }
    }
}

impl From<Sound> for Written {
    fn from(sound: Sound) -> Self {
        match sound {
            Sound::Spoken(words) => Self::Spoken(words),
            Sound::File(file) => Self::File(File { file }),
        }
    }
}

impl From<&str> for Sound {
    fn from(words: &str) -> Self {
        Self::Spoken(words.to_owned())
    }
}

/// What is said in every node that does not say it in its own words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// Said before a question is put again that was answered with something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Sound>,
    /// Said before a question is put again that was met with silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_there: Option<Sound>,
    /// Said when the call is ended because it went round in circles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apology: Option<Sound>,
    /// Said behind the introduction of a caller: how the agent takes the call, or refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<Sound>,
    /// What callers say who mean yes, as phrases or patterns; English if it is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yes: Vec<String>,
    /// What callers say who mean no.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no: Vec<String>,
}

impl Voice {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// When somebody is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Times by weekday or range of weekdays: `"mon-fri" = ["09:00-12:00", "13:00-17:30"]`.
    pub open: BTreeMap<String, Vec<String>>,
    /// Days on which nobody is there, by their names: a date, `"2026-07-03"`, or a day of every year, `"12-25"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holidays: BTreeMap<String, String>,
}

/// What can be asked elsewhere, by HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The address, with `{names}` behind the host.
    pub url: String,
    /// How it is asked.
    #[serde(default)]
    pub method: Method,
    /// What is sent along, as a JSON object of texts with `{names}`; for [`Method::Post`] alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub send: BTreeMap<String, String>,
    /// How long the answer may take.
    #[serde(default = "two_seconds")]
    pub timeout_ms: u64,
    /// What is kept of the answer: a JSON pointer (RFC 6901) by name, such as `tier = "/customer/tier"`. They are read
    /// as `{lookup.NAME.tier}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// It reads or changes something that is the caller's: only verified callers may come to it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub account: bool,
    /// Its success proves who calls.
    #[serde(default, skip_serializing_if = "is_no")]
    pub verifies: bool,
}

/// How a lookup is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Sends something along, and a key (`Idempotency-Key`) that stays the same until an answer has come, so that a server
    /// which knows such keys does nothing twice.
    Post,
}

fn two_seconds() -> u64 {
    2_000
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
pub(super) fn is_no(yes: &bool) -> bool {
    !yes
}
