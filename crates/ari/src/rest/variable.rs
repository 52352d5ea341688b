//! Variables of channels and bridges.

use std::collections::BTreeMap;

use http::Method;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::operation::{Conflict, Operation};

/// Variables and functions such as `CALLERID(name)`, and what to set them to.
pub type SetVariables = BTreeMap<String, VariableValue>;

/// What a variable or function is set to. Text turns into one with `into()`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariableValue {
    /// The value.
    pub value: String,
    /// Where the value is to be seen afterwards.
    pub report: Report,
}

/// Where the value of a variable is to be seen, besides being asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Report {
    /// Nowhere, unless Asterisk's configuration lists the variable.
    #[default]
    AsConfigured,
    /// In every event about the channel or bridge, among its `channelvars` or `bridgevars`. Since 22.10.
    InEvents,
}

impl<T: Into<String>> From<T> for VariableValue {
    fn from(value: T) -> Self {
        Self { value: value.into(), report: Report::AsConfigured }
    }
}

impl Serialize for VariableValue {
    /// Plain text where that will do: releases before 22.10 know no other form.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.report {
            Report::AsConfigured => self.value.serialize(serializer),
            Report::InEvents => {
                let mut object = serializer.serialize_struct("VariableValue", 2)?;
                object.serialize_field("value", &self.value)?;
                object.serialize_field("report_events", &true)?;
                object.end()
            }
        }
    }
}

/// The parameters that set one variable.
#[derive(Serialize)]
pub(super) struct SetVariable<'a> {
    variable: &'a str,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    report_events: Option<bool>,
}

impl<'a> SetVariable<'a> {
    pub(super) fn new(variable: &'a str, value: VariableValue) -> Self {
        let report_events = match value.report {
            Report::AsConfigured => None,
            Report::InEvents => Some(true),
        };
        Self { variable, value: value.value, report_events }
    }
}

/// Asks for what the parameter that `segments` end with names: one variable, or several with commas between them.
pub(super) fn get(name: &'static str, segments: [&str; 3], wanted: &str) -> Operation {
    Operation::new(name, Method::GET, &segments)
        .query(segments[2], wanted)
        .conflict(Conflict::NotInStasis)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plain_value_is_text_and_a_reported_one_says_so() {
        let reported = VariableValue { value: "gold".into(), report: Report::InEvents };
        let variables = SetVariables::from([("A".into(), "1".into()), ("B".into(), reported)]);
        assert_eq!(
            serde_json::to_value(variables).unwrap(),
            json!({ "A": "1", "B": { "value": "gold", "report_events": true } })
        );
        let one = serde_json::to_value(SetVariable::new("A", "1".into())).unwrap();
        assert_eq!(one, json!({ "variable": "A", "value": "1" }));
    }
}
