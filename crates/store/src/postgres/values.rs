//! Our values as PostgreSQL's.

use std::error::Error;
use std::time::SystemTime;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::filter::Value;
use crate::{Encoding, Json, Pattern, RecordingState, Speaker, Timestamp, Track};

type Wrong = Box<dyn Error + Sync + Send>;

impl ToSql for Timestamp {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        self.storable().system_time().to_sql(kind, out)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl FromSql<'_> for Timestamp {
    fn from_sql(kind: &Type, raw: &[u8]) -> Result<Timestamp, Wrong> {
        SystemTime::from_sql(kind, raw).map(Timestamp::from)
    }

    accepts!(TIMESTAMPTZ);
}

impl ToSql for Json {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        out.extend_from_slice(self.as_str().as_bytes());
        Ok(IsNull::No)
    }

    accepts!(JSON);
    to_sql_checked!();
}

impl FromSql<'_> for Json {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Json, Wrong> {
        Ok(Json::parse(String::from_utf8(raw.to_vec())?)?)
    }

    accepts!(JSON);
}

impl ToSql for Pattern {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        self.to_string().to_sql(kind, out)
    }

    accepts!(TEXT);
    to_sql_checked!();
}

impl FromSql<'_> for Pattern {
    fn from_sql(kind: &Type, raw: &[u8]) -> Result<Pattern, Wrong> {
        Ok(<&str>::from_sql(kind, raw)?.parse()?)
    }

    accepts!(TEXT);
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        match self {
            Value::Text(text) => text.to_sql(kind, out),
            Value::Number(number) => number.to_sql(kind, out),
            Value::Moment(moment) => moment.to_sql(kind, out),
        }
    }

    accepts!(TEXT, INT8, TIMESTAMPTZ);
    to_sql_checked!();
}

/// Enums whose variants are words.
macro_rules! words_in_columns {
    ($($name:ident),*) => { $(
        impl ToSql for $name {
            fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
                self.name().to_sql(kind, out)
            }

            accepts!(TEXT);
            to_sql_checked!();
        }

        impl FromSql<'_> for $name {
            fn from_sql(kind: &Type, raw: &[u8]) -> Result<$name, Wrong> {
                let word = <&str>::from_sql(kind, raw)?;
                $name::from_name(word).ok_or_else(|| format!("{word:?} is not known here").into())
            }

            accepts!(TEXT);
        }
    )* };
}

words_in_columns!(Encoding, RecordingState, Speaker, Track);
