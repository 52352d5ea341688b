//! What names hold while a run goes on.

use std::time::Duration;

use super::Run;
use crate::expression::Names;
use crate::value::Value;

/// The names of a run at one moment.
pub(super) struct Scope<'r> {
    pub(super) run: &'r Run,
    pub(super) now: Duration,
    /// What `value` is, where something is being collected.
    pub(super) value: Option<&'r Value>,
}

impl Names for Scope<'_> {
    fn value(&self, name: &str) -> Value {
        if let (VALUE, Some(value)) = (name, self.value) {
            return value.clone();
        }
        let facts = &self.run.facts;
        match name {
            "caller.number" => text(&facts.caller_number),
            "caller.name" => text(&facts.caller_name),
            "call.number" => text(&facts.called_number),
            "call.language" => {
                let own = || self.run.frames.first()?.flow.document.language.clone();
                facts.language.clone().or_else(own).map_or(Value::Nothing, Value::Text)
            }
            _ => match name.split_once('.') {
                Some(("clock", part)) => self.clock(part),
                Some(("caller", part)) => facts.caller.get(part).cloned().unwrap_or_default(),
                _ => self.run.known.get(name).cloned().unwrap_or_default(),
            },
        }
    }
}

pub(super) const VALUE: &str = "value";

impl Scope<'_> {
    fn clock(&self, part: &str) -> Value {
        let now = self.run.facts.clock.after(self.now.saturating_sub(self.run.began));
        let (year, month, day) = now.date();
        let minute = now.minute_of_day();
        match part {
            "year" => Value::Number(f64::from(year)),
            "month" => Value::Number(f64::from(month)),
            "hour" => Value::Number(f64::from(minute / 60)),
            "weekday" => now.weekday().name().into(),
            "date" => Value::Text(format!("{year:04}-{month:02}-{day:02}")),
            "time" => Value::Text(format!("{:02}:{:02}", minute / 60, minute % 60)),
            _ => Value::Nothing,
        }
    }
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Nothing } else { text.into() }
}
