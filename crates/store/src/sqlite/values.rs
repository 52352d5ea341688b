//! Our values as SQLite's.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::filter::Value;
use crate::{Encoding, Json, Pattern, RecordingState, Speaker, Timestamp, Track};

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.storable().0.into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Timestamp> {
        i64::column_result(value).map(Timestamp)
    }
}

impl ToSql for Json {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for Json {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Json> {
        let text = String::column_result(value)?;
        Json::parse(text).map_err(|error| FromSqlError::Other(error.into()))
    }
}

impl ToSql for Pattern {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

impl FromSql for Pattern {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Pattern> {
        let text = value.as_str()?;
        text.parse().map_err(|error: crate::PatternError| FromSqlError::Other(error.into()))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Value::Text(text) => text.to_sql(),
            Value::Number(number) => number.to_sql(),
            Value::Moment(moment) => moment.to_sql(),
        }
    }
}

/// Enums whose variants are words.
macro_rules! words_in_columns {
    ($($name:ident),*) => { $(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.name().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<$name> {
                $name::from_name(value.as_str()?).ok_or(FromSqlError::InvalidType)
            }
        }
    )* };
}

words_in_columns!(Encoding, RecordingState, Speaker, Track);
