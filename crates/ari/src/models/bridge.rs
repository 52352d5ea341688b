//! Bridges.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::model;
use super::timestamp::Timestamp;

model! {
    /// A place where channels are joined.
    Bridge {
        /// Unique id, the one we chose.
        id: String = must,
        /// What mixes the media at present, such as `simple_bridge` or `softmix`.
        technology: String,
        /// `mixing` or `holding`.
        bridge_type: String,
        /// `stasis` for bridges of applications.
        bridge_class: String,
        /// What made the bridge, such as `Stasis`.
        creator: String,
        /// The name it was given.
        name: String,
        /// Ids of the channels inside.
        channels: Vec<String>,
        /// `talker` or `single`, where video flows.
        video_mode: Option<String> = may,
        /// The channel whose video is shown.
        video_source_id: Option<String> = may,
        /// When the bridge was made.
        creationtime: Option<Timestamp> = time,
        /// Variables. Since 22.10.
        bridgevars: BTreeMap<String, Value>,
    }
}
