//! Asterisk itself, its modules and applications.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::model;
use super::timestamp::Timestamp;

model! {
    /// What Asterisk says of itself.
    AsteriskInfo {
        /// How it was built.
        build: Option<BuildInfo> = may,
        /// Version and identity.
        system: Option<SystemInfo> = may,
        /// Settings in force.
        config: Option<ConfigInfo> = may,
        /// Since when it runs.
        status: Option<StatusInfo> = may,
    }
}

model! {
    /// How Asterisk was built.
    BuildInfo {
        /// Operating system.
        os: String,
        /// Kernel of the building machine.
        kernel: String,
        /// Compile options.
        options: String,
        /// Architecture.
        machine: String,
        /// Date, as text.
        date: String,
        /// Who built it.
        user: String,
    }
}

model! {
    /// Version and identity.
    SystemInfo {
        /// Release, such as `22.10.1`; distributions may add to it.
        version: String,
        /// Identity: `entityid` of `asterisk.conf`, or a MAC address.
        entity_id: String,
    }
}

model! {
    /// Settings in force.
    ConfigInfo {
        /// System name.
        name: String,
        /// Language of prompts.
        default_language: String,
        /// Most channels at once, where limited.
        max_channels: Option<u64> = may,
        /// Most open files, where limited.
        max_open_files: Option<u64> = may,
        /// Highest load average for new calls, where limited.
        max_load: Option<f64> = may,
        /// User and group it runs as.
        setid: SetId,
    }
}

model! {
    /// User and group that Asterisk runs as, empty when it did not change them.
    SetId {
        /// User.
        user: String,
        /// Group.
        group: String,
    }
}

model! {
    /// Since when Asterisk runs.
    StatusInfo {
        /// Start of the process.
        startup_time: Option<Timestamp> = time,
        /// Latest reload of the configuration.
        last_reload_time: Option<Timestamp> = time,
    }
}

model! {
    /// The reply to a ping.
    AsteriskPing {
        /// Identity, as in [`SystemInfo::entity_id`].
        asterisk_id: String,
        /// Always `pong`.
        ping: String = must,
        /// Asterisk's clock.
        timestamp: Option<Timestamp> = time,
    }
}

model! {
    /// A loadable module.
    Module {
        /// File name, such as `res_ari_channels.so`.
        name: String = must,
        /// What it is for.
        description: String,
        /// How many users it has at present.
        use_count: i64,
        /// `Running` or `Not Running`.
        status: String,
        /// `core`, `extended` or `deprecated`.
        support_level: String,
    }
}

model! {
    /// A Stasis application and what it is subscribed to.
    Application {
        /// Name.
        name: String = must,
        /// Channels.
        channel_ids: Vec<String>,
        /// Bridges.
        bridge_ids: Vec<String>,
        /// Endpoints, `TECH/resource`.
        endpoint_ids: Vec<String>,
        /// Device states.
        device_names: Vec<String>,
        /// Events that the filter lets pass; empty means all.
        events_allowed: Vec<Value>,
        /// Events that the filter holds back.
        events_disallowed: Vec<Value>,
    }
}

model! {
    /// The value of a variable or function.
    Variable {
        /// The value, empty when it has none.
        value: String = must,
    }
}

model! {
    /// The values of several variables and functions.
    Variables {
        /// By name.
        variables: BTreeMap<String, String>,
    }
}

model! {
    /// A log that Asterisk writes.
    LogChannel {
        /// Its name, most often that of its file.
        channel: String = must,
        /// What it is, such as `File` or `Console`.
        kind as "type": String,
        /// `Enabled` or `Disabled`.
        status: String,
        /// The levels that it has.
        configuration: String,
    }
}

model! {
    /// A field of a dynamic configuration object.
    ConfigTuple {
        /// Its name.
        attribute: String = must,
        /// Its value.
        value: String,
    }
}

impl ConfigTuple {
    /// A field with its value.
    pub fn new(attribute: impl Into<String>, value: impl Into<String>) -> Self {
        Self { attribute: attribute.into(), value: value.into(), ..Self::default() }
    }
}
