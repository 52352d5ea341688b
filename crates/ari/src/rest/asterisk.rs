//! `/asterisk`.

use std::fmt;

use http::Method;
use serde_json::json;

use super::error::RequestError;
use super::operation::{Completion, Operation, Repeat};
use super::roads::Roads;
use crate::models::{AsteriskInfo, AsteriskPing, ConfigTuple, LogChannel, Module, Variable};

/// Operations on Asterisk itself. [`Client::asterisk`](crate::Client::asterisk) has them.
#[derive(Clone, Copy, Debug)]
pub struct Asterisk<'a>(pub(crate) &'a Roads);

impl Asterisk<'_> {
    /// Version, build, settings and age.
    pub async fn get_info(self) -> Result<AsteriskInfo, RequestError> {
        self.get_info_only(&[]).await
    }

    /// Some of what [`get_info`](Self::get_info) tells; all of it if no part is named.
    pub async fn get_info_only(self, parts: &[InfoPart]) -> Result<AsteriskInfo, RequestError> {
        let mut operation = Operation::new("getInfo", Method::GET, &["asterisk", "info"]);
        if !parts.is_empty() {
            let parts: Vec<_> = parts.iter().map(InfoPart::to_string).collect();
            operation = operation.query("only", &parts.join(","));
        }
        self.0.fetch(operation).await
    }

    /// Whether Asterisk answers, and what its clock says.
    pub async fn ping(self) -> Result<AsteriskPing, RequestError> {
        self.0.fetch(Operation::new("ping", Method::GET, &["asterisk", "ping"])).await
    }

    /// The modules that are loaded.
    pub async fn list_modules(self) -> Result<Vec<Module>, RequestError> {
        self.0.fetch(Operation::new("listModules", Method::GET, &["asterisk", "modules"])).await
    }

    /// One module.
    pub async fn get_module(self, module: &str) -> Result<Module, RequestError> {
        self.0.fetch(Operation::new("getModule", Method::GET, &modules(module))).await
    }

    /// Loads a module, such as `res_ari_channels.so`.
    pub async fn load_module(self, module: &str) -> Result<(), RequestError> {
        self.slowly(Operation::new("loadModule", Method::POST, &modules(module))).await
    }

    /// Unloads a module.
    pub async fn unload_module(self, module: &str) -> Result<(), RequestError> {
        self.slowly(Operation::new("unloadModule", Method::DELETE, &modules(module))).await
    }

    /// Makes a module read its configuration again.
    pub async fn reload_module(self, module: &str) -> Result<(), RequestError> {
        self.slowly(Operation::new("reloadModule", Method::PUT, &modules(module))).await
    }

    /// The logs that are written.
    pub async fn list_log_channels(self) -> Result<Vec<LogChannel>, RequestError> {
        self.0.fetch(Operation::new("listLogChannels", Method::GET, &["asterisk", "logging"])).await
    }

    /// Begins a log, with levels such as `notice,warning,error`.
    pub async fn add_log(self, log: &str, levels: &str) -> Result<(), RequestError> {
        let operation = Operation::new("addLog", Method::POST, &["asterisk", "logging", log]);
        self.slowly(operation.body(&json!({ "configuration": levels }))).await
    }

    /// Ends a log.
    pub async fn delete_log(self, log: &str) -> Result<(), RequestError> {
        let segments = ["asterisk", "logging", log];
        self.slowly(Operation::new("deleteLog", Method::DELETE, &segments)).await
    }

    /// Begins a new file for a log.
    pub async fn rotate_log(self, log: &str) -> Result<(), RequestError> {
        let segments = ["asterisk", "logging", log, "rotate"];
        let operation = Operation::new("rotateLog", Method::PUT, &segments);
        self.slowly(operation.repeat(Repeat::Unsafe)).await
    }

    /// A dynamic configuration object, such as a PJSIP endpoint kept in a database.
    pub async fn get_object(
        self,
        object: ConfigObject<'_>,
    ) -> Result<Vec<ConfigTuple>, RequestError> {
        let operation = Operation::new("getObject", Method::GET, &object.segments());
        self.0.fetch(operation.completion(Completion::Slow)).await
    }

    /// Makes or changes a dynamic configuration object; fields that are not named stay. The reply has them all.
    pub async fn update_object(
        self,
        object: ConfigObject<'_>,
        fields: &[ConfigTuple],
    ) -> Result<Vec<ConfigTuple>, RequestError> {
        let operation = Operation::new("updateObject", Method::PUT, &object.segments());
        let operation = operation.body(&json!({ "fields": fields }));
        self.0.fetch(operation.completion(Completion::Slow)).await
    }

    /// Deletes a dynamic configuration object.
    pub async fn delete_object(self, object: ConfigObject<'_>) -> Result<(), RequestError> {
        self.slowly(Operation::new("deleteObject", Method::DELETE, &object.segments())).await
    }

    /// The value of a global variable or function.
    pub async fn get_global_var(self, variable: &str) -> Result<String, RequestError> {
        let operation = Operation::new("getGlobalVar", Method::GET, &["asterisk", "variable"])
            .query("variable", variable);
        self.0.fetch(operation).await.map(|variable: Variable| variable.value)
    }

    /// Sets a global variable or function.
    pub async fn set_global_var(self, variable: &str, value: &str) -> Result<(), RequestError> {
        let operation = Operation::new("setGlobalVar", Method::POST, &["asterisk", "variable"])
            .body(&json!({ "variable": variable, "value": value }))
            .repeat(Repeat::Safe);
        self.0.perform(operation).await
    }

    async fn slowly(self, operation: Operation) -> Result<(), RequestError> {
        self.0.perform(operation.completion(Completion::Slow)).await
    }
}

fn modules(module: &str) -> [&str; 3] {
    ["asterisk", "modules", module]
}

/// A part of what Asterisk says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InfoPart {
    /// How it was built.
    Build,
    /// Version and identity.
    System,
    /// Settings in force.
    Config,
    /// Since when it runs.
    Status,
}

impl fmt::Display for InfoPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Build => "build",
            Self::System => "system",
            Self::Config => "config",
            Self::Status => "status",
        })
    }
}

/// Which dynamic configuration object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigObject<'a> {
    /// Whose configuration, such as `res_pjsip`.
    pub config_class: &'a str,
    /// What kind, such as `endpoint`.
    pub object_type: &'a str,
    /// Which one.
    pub id: &'a str,
}

impl<'a> ConfigObject<'a> {
    fn segments(self) -> [&'a str; 6] {
        ["asterisk", "config", "dynamic", self.config_class, self.object_type, self.id]
    }
}
