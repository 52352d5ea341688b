//! A flow as it is written: one schema, in TOML or in JSON.
//!
//! ```toml
//! schema = 1
//! name = "front desk"
//! start = "greet"
//!
//! [to]                                   # where every node goes that does not say otherwise
//! no_input = "operator"
//!
//! [node.greet]
//! say = { prompt = "Fabrikam, good morning." }
//! to = { done = "wish" }
//!
//! [node.wish.ask]
//! prompt = "How can I help you?"
//! answers = { bills = ["[it is] about (a|my) (bill|invoice)"], sales = ["i want to buy something"] }
//! keys = { 1 = "bills", 2 = "sales" }
//! [node.wish.to]
//! bills = "accounts"
//! sales = "operator"
//!
//! [node.accounts]
//! connect = { destination = "billing" }
//!
//! [node.operator]
//! connect = { destination = "operator" }
//! ```
//!
//! These types are written back as they were read, but for comments and the order of tables.

mod around;
mod deed;
mod read;
mod report;
mod room;
mod test;
mod told;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::finding::Findings;

pub use around::{Hours, Lookup, Method, Sound, Voice};
pub use deed::{
    Agents, Ask, By, Case, Collect, Conference, Connect, Converse, Deed, Dialplan, Enquire, HangUp,
    Menu, Model, Music, Queue, Record, Remind, Ring, Say, Turn, Voicemail, Zone,
};
pub use room::RoomSays;
pub use test::{Act, Answer, Expected, PickUp, Test, Writes};

/// The schema that this version of Patchcord reads and writes.
pub const SCHEMA: u32 = 1;

/// A flow document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What people call it.
    pub name: String,
    /// Its first node.
    pub start: String,
    /// What callers hear and speak, as a BCP 47 tag such as "en" or "de-CH".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whose clocks its hours are read from, by its IANA name, such as "Europe/London". The one who starts the flow
    /// converts to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// How long a call may stay in this flow before the fallback takes it, in seconds; the time for which two people speak
    /// does not count. No limit if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_s: Option<f64>,
    /// How long a language model may take to its first words, in seconds, before what is written is said in their place. 1.5
    /// if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_s: Option<f64>,
    /// What must be known before it is begun: `slots.account`, `caller.tier`, or `verified` if only a verified caller
    /// may come here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// What is said in every node that does not say it in its own words.
    #[serde(rename = "prompts", skip_serializing_if = "Voice::is_default")]
    pub voice: Voice,
    /// Where a failure leads in nodes that do not say so themselves.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub to: BTreeMap<String, String>,
    /// Where a key leads at any moment, 0 to 9, * and #: until somebody is connected, unless the node itself takes it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
    /// When somebody is there, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hours: BTreeMap<String, Hours>,
    /// What can be asked elsewhere, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub lookup: BTreeMap<String, Lookup>,
    /// The nodes, by name.
    pub node: BTreeMap<String, Node>,
    /// Calls that are made up, and what must become of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<Test>,
}

/// One node: what it does, and where it leads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// What it does.
    #[serde(flatten)]
    pub deed: Deed,
    /// Where each exit leads: the name of a node, or `fallback` or `hang_up`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub to: BTreeMap<String, String>,
}

impl Document {
    /// Reads a document without checking what it means: for that, see [`Flow::parse`](crate::Flow::parse). `path` is
    /// only for the messages.
    ///
    /// # Errors
    /// Every place that is not written as the schema wants it.
    pub fn read(path: &str, text: &str) -> Result<Self, Findings> {
        let (document, report) = parse(path, text)?;
        match document {
            Some(document) if report.is_empty() => Ok(document),
            _ => Err(report.findings(path)),
        }
    }

    /// Everything that is said by it.
    pub fn sounds(&self) -> impl Iterator<Item = &Sound> {
        let voice = &self.voice;
        let voice = [&voice.again, &voice.still_there, &voice.apology, &voice.accept];
        let nodes = self.node.values().flat_map(|node| node.deed.sounds());
        voice.into_iter().flatten().chain(nodes)
    }

    /// As JSON, with one key a line.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("every key is text")
    }

    /// As TOML.
    ///
    /// # Errors
    /// [`toml::ser::Error`] if a number is too large for TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }
}

pub(crate) use read::parse;
pub(crate) use report::Report;

pub(crate) type At = Vec<String>;

/// A place in a document.
pub(crate) fn at<S: AsRef<str>>(parts: impl IntoIterator<Item = S>) -> At {
    parts.into_iter().map(|part| part.as_ref().to_owned()).collect()
}
