//! Asterisk itself, its modules and applications.

use serde::Deserialize;
use serde_json::Value;

use super::timestamp::{Timestamp, lenient_timestamp};

/// What Asterisk says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct AsteriskInfo {
    /// How it was built.
    pub build: Option<BuildInfo>,
    /// Version and identity.
    pub system: Option<SystemInfo>,
    /// Settings in force.
    pub config: Option<ConfigInfo>,
    /// Since when it runs.
    pub status: Option<StatusInfo>,
}

/// How Asterisk was built.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BuildInfo {
    /// Operating system.
    pub os: String,
    /// Kernel of the building machine.
    pub kernel: String,
    /// Compile options.
    pub options: String,
    /// Architecture.
    pub machine: String,
    /// Date, as text.
    pub date: String,
    /// Who built it.
    pub user: String,
}

/// Version and identity.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SystemInfo {
    /// Release, such as `22.10.1`; distributions may add to it.
    pub version: String,
    /// Identity: `entityid` of `asterisk.conf`, or a MAC address.
    pub entity_id: String,
}

/// Settings in force.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfigInfo {
    /// System name.
    pub name: String,
    /// Language of prompts.
    pub default_language: String,
    /// Most channels at once, where limited.
    pub max_channels: Option<u64>,
    /// Most open files, where limited.
    pub max_open_files: Option<u64>,
    /// Highest load average for new calls, where limited.
    pub max_load: Option<f64>,
    /// User and group it runs as.
    pub setid: SetId,
}

/// User and group that Asterisk runs as, empty when it did not change them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SetId {
    /// User.
    pub user: String,
    /// Group.
    pub group: String,
}

/// Since when Asterisk runs.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct StatusInfo {
    /// Start of the process.
    #[serde(default, deserialize_with = "lenient_timestamp")]
    pub startup_time: Option<Timestamp>,
    /// Latest reload of the configuration.
    #[serde(default, deserialize_with = "lenient_timestamp")]
    pub last_reload_time: Option<Timestamp>,
}

/// The reply to a ping.
#[derive(Clone, Debug, Deserialize)]
pub struct AsteriskPing {
    /// Identity, as in [`SystemInfo::entity_id`].
    #[serde(default)]
    pub asterisk_id: String,
    /// Always `pong`.
    pub ping: String,
    /// Asterisk's clock.
    #[serde(default, deserialize_with = "lenient_timestamp")]
    pub timestamp: Option<Timestamp>,
}

/// A loadable module.
#[derive(Clone, Debug, Deserialize)]
pub struct Module {
    /// File name, such as `res_ari_channels.so`.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// How many users it has at present.
    #[serde(default)]
    pub use_count: i64,
    /// `Running` or `Not Running`.
    #[serde(default)]
    pub status: String,
    /// `core`, `extended` or `deprecated`.
    #[serde(default)]
    pub support_level: String,
}

/// A Stasis application and what it is subscribed to.
#[derive(Clone, Debug, Deserialize)]
pub struct Application {
    /// Name.
    pub name: String,
    /// Channels.
    #[serde(default)]
    pub channel_ids: Vec<String>,
    /// Bridges.
    #[serde(default)]
    pub bridge_ids: Vec<String>,
    /// Endpoints, `TECH/resource`.
    #[serde(default)]
    pub endpoint_ids: Vec<String>,
    /// Device states.
    #[serde(default)]
    pub device_names: Vec<String>,
    /// Events that the filter lets pass; empty means all.
    #[serde(default)]
    pub events_allowed: Vec<Value>,
    /// Events that the filter holds back.
    #[serde(default)]
    pub events_disallowed: Vec<Value>,
}

/// The value of a variable or function.
#[derive(Clone, Debug, Deserialize)]
pub struct Variable {
    /// The value, empty when it has none.
    pub value: String,
}
