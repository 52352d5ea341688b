//! Variables of bridges. All since 22.10.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Bridges, post};
use crate::models::{Variable, Variables};
use crate::rest::error::RequestError;
use crate::rest::operation::Repeat;
use crate::rest::variable::{self, SetVariable, SetVariables, VariableValue};

impl Bridges<'_> {
    /// The value of a variable or function; refused as [`NoSuchVariable`](crate::Reason::NoSuchVariable) when there
    /// is none.
    pub async fn get_bridge_var(
        self,
        bridge: &str,
        variable: &str,
    ) -> Result<String, RequestError> {
        let operation = variable::get("getBridgeVar", ["bridges", bridge, "variable"], variable);
        self.0.fetch(operation).await.map(|variable: Variable| variable.value)
    }

    /// Sets a variable or function.
    pub async fn set_bridge_var(
        self,
        bridge: &str,
        variable: &str,
        value: impl Into<VariableValue>,
    ) -> Result<(), RequestError> {
        let operation = post("setBridgeVar", bridge, "variable").repeat(Repeat::Safe);
        let value = SetVariable::new(variable, value.into());
        self.0.perform(operation.body(&value)).await
    }

    /// The values of several variables or functions, by name; refused as
    /// [`NoSuchVariable`](crate::Reason::NoSuchVariable) when one of them does not exist.
    pub async fn get_bridge_vars(
        self,
        bridge: &str,
        variables: &[&str],
    ) -> Result<BTreeMap<String, String>, RequestError> {
        let names = variables.join(",");
        let operation = variable::get("getBridgeVars", ["bridges", bridge, "variables"], &names);
        self.0.fetch(operation).await.map(|variables: Variables| variables.variables)
    }

    /// Sets several variables or functions.
    pub async fn set_bridge_vars(
        self,
        bridge: &str,
        variables: &SetVariables,
    ) -> Result<(), RequestError> {
        let operation = post("setBridgeVars", bridge, "variables").repeat(Repeat::Safe);
        self.0.perform(operation.body(&json!({ "variables": variables }))).await
    }
}
