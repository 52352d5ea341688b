//! Which calls are meant, and the conditions of a statement that say so.

use crate::{AuditFilter, Cursor, Timestamp};

/// Which calls: those that fit all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// That came at this moment or later.
    pub from: Option<Timestamp>,
    /// That came before this moment.
    pub to: Option<Timestamp>,
    /// From this caller.
    pub caller: Option<String>,
    /// To this inbound number.
    pub called: Option<String>,
    /// Taken by this destination.
    pub destination: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// With this intent.
    pub intent: Option<String>,
    /// Through this flow.
    pub flow: Option<String>,
    /// Through this version of the flow.
    pub version: Option<i64>,
}

/// How a database writes the place of a value: `?1`, or `$1`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark(pub(crate) char);

/// A value for such a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Moment(Timestamp),
}

/// Conditions that all hold. Only columns' names and marks become text; values never do.
#[derive(Debug)]
pub(crate) struct Conditions<'a> {
    mark: Mark,
    sql: String,
    values: Vec<Value<'a>>,
}

impl<'a> Conditions<'a> {
    pub(crate) fn of_calls(mark: Mark, filter: &'a Filter, after: Option<&'a Cursor>) -> Self {
        let mut conditions = Conditions { mark, sql: String::new(), values: Vec::new() };
        conditions.add("started >=", filter.from.map(Value::Moment));
        conditions.add("started <", filter.to.map(Value::Moment));
        let texts = [
            ("caller =", &filter.caller),
            ("called =", &filter.called),
            ("destination =", &filter.destination),
            ("outcome =", &filter.outcome),
            ("intent =", &filter.intent),
            ("flow =", &filter.flow),
        ];
        for (column, text) in texts {
            conditions.add(column, text.as_deref().map(Value::Text));
        }
        conditions.add("version =", filter.version.map(Value::Number));
        if let Some(cursor) = after {
            let started = conditions.place(Value::Moment(cursor.started));
            let id = conditions.place(Value::Text(&cursor.id));
            conditions.and(&format!("(started, id) < ({started}, {id})"));
        }
        conditions
    }

    pub(crate) fn of_audit(mark: Mark, filter: &'a AuditFilter) -> Self {
        let mut conditions = Conditions { mark, sql: String::new(), values: Vec::new() };
        conditions.add("who =", filter.who.as_deref().map(Value::Text));
        conditions.add("what =", filter.what.as_deref().map(Value::Text));
        conditions.add("subject =", filter.subject.as_deref().map(Value::Text));
        conditions.add("at >=", filter.from.map(Value::Moment));
        conditions.add("id <", filter.before_id.map(Value::Number));
        conditions
    }

    /// Adds a value that is no condition, and gives its place.
    pub(crate) fn place(&mut self, value: Value<'a>) -> String {
        self.values.push(value);
        format!("{}{}", self.mark.0, self.values.len())
    }

    /// `WHERE ...`, or nothing.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) fn values(&self) -> &[Value<'a>] {
        &self.values
    }

    fn add(&mut self, comparison: &str, value: Option<Value<'a>>) {
        if let Some(value) = value {
            let place = self.place(value);
            self.and(&format!("{comparison} {place}"));
        }
    }

    fn and(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() { "WHERE " } else { " AND " });
        self.sql.push_str(condition);
    }
}
