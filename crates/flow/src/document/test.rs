//! Calls that are made up, and what must become of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A call that is made up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// What it shows.
    pub name: String,
    /// When the call comes in, as `2026-03-03 10:00`; a Tuesday morning if it does not matter.
    #[serde(default = "tuesday")]
    pub at: String,
    /// What is known of the caller: `number`, `name`, and what the dialplan passes on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub caller: BTreeMap<String, String>,
    /// What the caller does, one act a question. A caller who has done it all is silent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub does: Vec<Act>,
    /// What each lookup answers, in turn; the last answer is given again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lookup: BTreeMap<String, Vec<Answer>>,
    /// What a language model writes, in turn. When nothing is left it has no words in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Writes>,
    /// How destinations and queues take the call, those left out by answering it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub takes: BTreeMap<String, PickUp>,
    /// What must become of it.
    pub expect: Expected,
}

/// What a caller does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Says this.
    Says(String),
    /// Presses these keys.
    Keys(String),
    /// Keeps silent.
    Silence,
    /// Hangs up, as soon as what stands before is done.
    HangUp,
}

/// What a lookup answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// These fields; the caller is verified if that is what is asked, and a card is charged.
    Found(BTreeMap<String, serde_json::Value>),
    /// There is no such thing; the caller is refused, or a card declined.
    NotFound,
    /// Nothing in time.
    Timeout,
    /// Something is broken.
    Error,
}

/// What a language model writes when it is asked. Without words and an end it fails.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Writes {
    /// What is said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// What it fills, by slot.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slots: BTreeMap<String, String>,
    /// The label by which it ends the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// How a destination or a queue takes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PickUp {
    /// It answers, and hangs up some time later.
    #[default]
    Answers,
    /// It is busy.
    Busy,
    /// It rings on.
    NoAnswer,
    /// It does not want the caller.
    Refuses,
    /// It does not exist, or cannot be reached.
    Gone,
    /// Nobody serves the queue.
    Empty,
    /// The queue is full.
    Full,
}

/// What must become of a call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The nodes it goes through, each of them, in order; those of another flow as `flow/node`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// Where it ends: with a destination or a queue, or with `fallback`, `hang_up`, `dialplan` or `caller` (who hung
    /// up).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// What the caller hears, in this order, among other things.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hears: Vec<String>,
}

fn tuesday() -> String {
    "2026-03-03 10:00".to_owned()
}
