//! What a flow computes with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value of an expression, a slot, a variable or the result of a lookup.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum Value {
    /// Nothing is known.
    #[default]
    Nothing,
    /// Yes or no.
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// Text, without regard to case where it is compared.
    Text(String),
    /// Several values.
    List(Vec<Value>),
}

impl Value {
    /// A number, or [`Value::Nothing`] where it is not finite.
    #[must_use]
    pub fn number(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Nothing }
    }

    /// Whether a condition holds that has come to this value: everything but nothing, "no", 0 and what is empty.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Bool(yes) => *yes,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(values) => !values.is_empty(),
        }
    }

    /// Whether two values are the same to a person: "Gold" is "gold", and the text "5" is the number 5.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) => one.to_lowercase() == two.to_lowercase(),
            (Self::Text(text), Self::Number(number)) | (Self::Number(number), Self::Text(text)) => {
                text.trim().parse() == Ok(*number)
            }
            (Self::List(one), Self::List(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(a, b)| a.is(b))
            }
            _ => self == other,
        }
    }

    /// The number that this is, or that is written in it.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }
}

/// As it is said to a caller; nothing is nothing.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Bool(yes) => f.write_str(if *yes { "yes" } else { "no" }),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(values) => {
                for (at, value) in values.iter().enumerate() {
                    let before = match at {
                        0 => "",
                        _ if at + 1 == values.len() => " and ",
                        _ => ", ",
                    };
                    write!(f, "{before}{value}")?;
                }
                Ok(())
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&serde_json::Value> for Value {
    /// A table is nothing: its fields are asked for one by one.
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null | serde_json::Value::Object(_) => Self::Nothing,
            serde_json::Value::Bool(yes) => Self::Bool(*yes),
            serde_json::Value::Number(number) => {
                number.as_f64().map_or(Self::Nothing, Self::number)
            }
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(values) => Self::List(values.iter().map(Self::from).collect()),
        }
    }
}
