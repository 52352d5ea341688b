//! Variables of channels.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Channels, post};
use crate::models::{Variable, Variables};
use crate::rest::error::RequestError;
use crate::rest::operation::{Completion, Repeat};
use crate::rest::variable::{self, SetVariable, SetVariables, VariableValue};

impl Channels<'_> {
    /// The value of a variable or function such as `CALLERID(num)`; refused as
    /// [`NoSuchVariable`](crate::Reason::NoSuchVariable) when there is none.
    pub async fn get_channel_var(
        self,
        channel: &str,
        variable: &str,
    ) -> Result<String, RequestError> {
        let operation = variable::get("getChannelVar", ["channels", channel, "variable"], variable);
        self.0.fetch(operation).await.map(|variable: Variable| variable.value)
    }

    /// Sets a variable or function.
    pub async fn set_channel_var(
        self,
        channel: &str,
        variable: &str,
        value: impl Into<VariableValue>,
    ) -> Result<(), RequestError> {
        let operation = post("setChannelVar", channel, "variable")
            .repeat(Repeat::Safe)
            .completion(Completion::Blocking);
        let value = SetVariable::new(variable, value.into());
        self.0.perform(operation.body(&value)).await
    }

    /// The values of several variables or functions, by name; refused as
    /// [`NoSuchVariable`](crate::Reason::NoSuchVariable) when one of them does not exist. Since 22.10.
    pub async fn get_channel_vars(
        self,
        channel: &str,
        variables: &[&str],
    ) -> Result<BTreeMap<String, String>, RequestError> {
        let names = variables.join(",");
        let operation = variable::get("getChannelVars", ["channels", channel, "variables"], &names);
        self.0.fetch(operation).await.map(|variables: Variables| variables.variables)
    }

    /// Sets several variables or functions. Since 22.10.
    pub async fn set_channel_vars(
        self,
        channel: &str,
        variables: &SetVariables,
    ) -> Result<(), RequestError> {
        let operation = post("setChannelVars", channel, "variables")
            .repeat(Repeat::Safe)
            .completion(Completion::Blocking);
        self.0.perform(operation.body(&json!({ "variables": variables }))).await
    }
}
