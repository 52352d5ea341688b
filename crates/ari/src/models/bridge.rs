//! Bridges.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::timestamp::{Timestamp, lenient_timestamp};

/// A place where channels are joined.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Bridge {
    /// Unique id, the one we chose.
    pub id: String,
    /// What mixes the media at present, such as `simple_bridge` or `softmix`.
    #[serde(default)]
    pub technology: String,
    /// `mixing` or `holding`.
    #[serde(default)]
    pub bridge_type: String,
    /// `stasis` for bridges of applications.
    #[serde(default)]
    pub bridge_class: String,
    /// What made the bridge, such as `Stasis`.
    #[serde(default)]
    pub creator: String,
    /// The name it was given.
    #[serde(default)]
    pub name: String,
    /// Ids of the channels inside.
    #[serde(default)]
    pub channels: Vec<String>,
    /// `talker` or `single`, where video flows.
    pub video_mode: Option<String>,
    /// The channel whose video is shown.
    pub video_source_id: Option<String>,
    /// When the bridge was made.
    #[serde(default, deserialize_with = "lenient_timestamp")]
    pub creationtime: Option<Timestamp>,
    /// Variables. Since 22.10.
    #[serde(default)]
    pub bridgevars: BTreeMap<String, Value>,
}
