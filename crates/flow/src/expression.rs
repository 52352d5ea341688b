//! Conditions and sums that a flow writes: `slots.amount > 100 and caller.tier in ["gold", "silver"]`.
//!
//! The language is total: every expression comes to a value in as many steps as it is long. There is no loop, no
//! division, no error while a call goes on: what makes no sense (a sum of words, a name that holds nothing) comes to
//! nothing, and nothing is not true. What can be known to be wrong beforehand is told when it is parsed.
//!
//! | | |
//! |---|---|
//! | `or`, `and`, `not` | of conditions |
//! | `==`, `!=`, `<`, `<=`, `>`, `>=` | numbers by size, text by the alphabet, without regard to case |
//! | `in`, `contains` | of a list or of text |
//! | `+`, `-`, `*` | of numbers; `+` joins text |
//! | `"text"`, `12.5`, `yes`, `no`, `nothing`, `["a", "b"]` | values |
//! | `slots.size`, `caller.number` | names |
//! | `known(x)`, `length(x)`, `first(x, n)`, `last(x, n)`, `digits(x)`, `spell(x)`, `amount(x)`, `lower(x)`, `default(x, y)` | functions |
//!
//! `spell("4021")` is "4 0 2 1", as a number is said digit by digit; `amount("20.50 pounds")` is the number 20.5;
//! `default(vars.count, 0)` is 0 as long as the name holds nothing.

mod parse;

use std::fmt;

use crate::value::Value;

pub use parse::{ParseError, Problem};

/// An expression that has been parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    root: Term,
    text: String,
}

/// Where names find their values.
pub trait Names {
    /// What `name` holds; [`Value::Nothing`] if it holds nothing.
    fn value(&self, name: &str) -> Value;
}

/// A name, its parts divided by dots: `lookup.customer.tier`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Value(Value),
    Name(Name),
    List(Vec<Term>),
    Not(Box<Term>),
    Binary(Box<Term>, Operator, Box<Term>),
    Call(Function, Vec<Term>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Is,
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
    Contains,
    Plus,
    Minus,
    Times,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Known,
    Length,
    First,
    Last,
    Digits,
    Spell,
    Amount,
    Lower,
    Default,
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// [`ParseError`] with the place of the first mistake, and what would be right there.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let root = parse::term(text)?;
        Ok(Self { root, text: text.to_owned() })
    }

    /// One that always comes to this value.
    pub(crate) fn constant(value: Value) -> Self {
        Self { text: value.to_string(), root: Term::Value(value) }
    }

    /// What it comes to.
    #[must_use]
    pub fn value(&self, names: &impl Names) -> Value {
        self.root.value(names)
    }

    /// The names in it, in their order; one that is used twice stands twice.
    #[must_use]
    pub fn names(&self) -> Vec<&Name> {
        let mut names = Vec::new();
        self.root.add_names(&mut names);
        names
    }
}

/// As it was written.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Name {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Term {
    fn value(&self, names: &impl Names) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Name(name) => names.value(name.as_str()),
            Self::List(terms) => Value::List(terms.iter().map(|term| term.value(names)).collect()),
            Self::Not(term) => Value::Bool(!term.value(names).holds()),
            Self::Binary(left, Operator::Or, right) => {
                Value::Bool(left.value(names).holds() || right.value(names).holds())
            }
            Self::Binary(left, Operator::And, right) => {
                Value::Bool(left.value(names).holds() && right.value(names).holds())
            }
            Self::Binary(left, operator, right) => {
                operator.apply(&left.value(names), &right.value(names))
            }
            Self::Call(function, arguments) => {
                let values: Vec<_> = arguments.iter().map(|term| term.value(names)).collect();
                function.apply(&values)
            }
        }
    }

    fn add_names<'t>(&'t self, names: &mut Vec<&'t Name>) {
        match self {
            Self::Value(_) => {}
            Self::Name(name) => names.push(name),
            Self::Not(term) => term.add_names(names),
            Self::Binary(left, _, right) => {
                left.add_names(names);
                right.add_names(names);
            }
            Self::List(terms) | Self::Call(_, terms) => {
                terms.iter().for_each(|term| term.add_names(names));
            }
        }
    }
}

impl Operator {
    /// Of two values that are known; `or` and `and` are looked at before.
    fn apply(self, left: &Value, right: &Value) -> Value {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let ordered = |right_ones: &[std::cmp::Ordering]| {
            Value::Bool(compared(left, right).is_some_and(|order| right_ones.contains(&order)))
        };
        match self {
            Self::Or => Value::Bool(left.holds() || right.holds()),
            Self::And => Value::Bool(left.holds() && right.holds()),
            Self::Is => Value::Bool(left.is(right)),
            Self::IsNot => Value::Bool(!left.is(right)),
            Self::Less => ordered(&[Less]),
            Self::AtMost => ordered(&[Less, Equal]),
            Self::More => ordered(&[Greater]),
            Self::AtLeast => ordered(&[Greater, Equal]),
            Self::In => Value::Bool(contains(right, left)),
            Self::Contains => Value::Bool(contains(left, right)),
            Self::Plus => match (left, right) {
                (Value::Text(one), Value::Text(two)) => Value::Text(format!("{one}{two}")),
                _ => calculated(left, right, |a, b| a + b),
            },
            Self::Minus => calculated(left, right, |a, b| a - b),
            Self::Times => calculated(left, right, |a, b| a * b),
        }
    }
}

/// Which of two comes first; none where they cannot be compared.
fn compared(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Text(one), Value::Text(two))
            if left.as_number().is_none() || right.as_number().is_none() =>
        {
            Some(one.to_lowercase().cmp(&two.to_lowercase()))
        }
        _ => left.as_number()?.partial_cmp(&right.as_number()?),
    }
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::List(values), part) => values.iter().any(|value| value.is(part)),
        (Value::Text(whole), Value::Text(part)) => {
            !part.is_empty() && whole.to_lowercase().contains(&part.to_lowercase())
        }
        _ => false,
    }
}

fn calculated(left: &Value, right: &Value, how: impl Fn(f64, f64) -> f64) -> Value {
    match (left.as_number(), right.as_number()) {
        (Some(left), Some(right)) => Value::number(how(left, right)),
        _ => Value::Nothing,
    }
}

impl Function {
    const ALL: [(&'static str, Function, usize); 9] = [
        ("known", Self::Known, 1),
        ("length", Self::Length, 1),
        ("first", Self::First, 2),
        ("last", Self::Last, 2),
        ("digits", Self::Digits, 1),
        ("spell", Self::Spell, 1),
        ("amount", Self::Amount, 1),
        ("lower", Self::Lower, 1),
        ("default", Self::Default, 2),
    ];

    /// Of as many values as the parser has let through.
    fn apply(self, values: &[Value]) -> Value {
        let text = || values.first().map(ToString::to_string).unwrap_or_default();
        let count = || values.get(1).and_then(Value::as_number).unwrap_or(0.0).max(0.0) as usize;
        match (self, values.first()) {
            (Self::Known, value) => {
                Value::Bool(value.is_some_and(|value| *value != Value::Nothing))
            }
            (Self::Default, Some(Value::Nothing)) => values.get(1).cloned().unwrap_or_default(),
            (Self::Default, Some(value)) => value.clone(),
            (_, None | Some(Value::Nothing)) => Value::Nothing,
            (Self::Length, Some(Value::List(values))) => Value::Number(values.len() as f64),
            (Self::Length, _) => Value::Number(text().chars().count() as f64),
            (Self::First, _) => Value::Text(text().chars().take(count()).collect()),
            (Self::Last, _) => {
                let text = text();
                let before = text.chars().count().saturating_sub(count());
                Value::Text(text.chars().skip(before).collect())
            }
            (Self::Digits, _) => Value::Text(text().chars().filter(char::is_ascii_digit).collect()),
            (Self::Spell, _) => {
                let characters: Vec<String> =
                    text().chars().filter(|c| !c.is_whitespace()).map(String::from).collect();
                Value::Text(characters.join(" "))
            }
            (Self::Amount, _) => {
                let text = text();
                let number = text.split_whitespace().find_map(|word| word.parse().ok());
                number.map_or(Value::Nothing, Value::number)
            }
            (Self::Lower, _) => Value::Text(text().to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Known(BTreeMap<&'static str, Value>);

    impl Names for Known {
        fn value(&self, name: &str) -> Value {
            self.0.get(name).cloned().unwrap_or_default()
        }
    }

    fn value(text: &str) -> Value {
        let names = Known(BTreeMap::from([
            ("slots.amount", Value::Number(120.0)),
            ("slots.account", "4021-77".into()),
            ("caller.tier", "Gold".into()),
            ("caller.tags", Value::List(vec!["late".into(), "vip".into()])),
        ]));
        Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).value(&names)
    }

    #[test]
    fn conditions_hold_as_a_person_would_read_them() {
        for (text, holds) in [
            ("slots.amount > 100 and caller.tier == \"gold\"", true),
            ("slots.amount > 100 and not caller.tier == \"gold\"", false),
            ("caller.tier in [\"silver\", \"gold\"]", true),
            ("caller.tags contains \"VIP\"", true),
            ("slots.amount - 20 == 50 * 2", true),
            ("slots.amount >= \"120\"", true),
            ("1 + 2 * 3 == 7 and (1 + 2) * 3 == 9", true),
            ("no or yes and no", false),
            ("known(slots.size)", false),
            ("slots.size > 3", false),
            ("slots.size <= 3", false),
            ("slots.size != 3", true),
            ("last(digits(slots.account), 2) == \"77\"", true),
            ("length(slots.account) == 7", true),
            ("first(lower(caller.tier), 1) + \"!\" == \"g!\"", true),
            ("caller.tier + 1", false),
            ("caller.tier < \"silver\"", true),
            ("default(slots.size, 2) + default(slots.amount, 3) == 122", true),
            ("spell(slots.account) == \"4 0 2 1 - 7 7\"", true),
            ("amount(\"20.50 pounds\") * 2 == 41", true),
        ] {
            assert_eq!(value(text).holds(), holds, "{text}: {:?}", value(text));
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, at, says) in [
            ("", 0, "value"),
            ("slots.size = 3", 11, "=="),
            ("slots.size == ", 14, "value"),
            ("(1 + 2", 6, ")"),
            ("\"open", 0, "quote"),
            ("1 / 2", 2, "/"),
            ("size(slots.a)", 0, "length"),
            ("first(slots.a)", 0, "2"),
            ("slots.", 6, "name"),
            ("1 2", 2, "operator"),
            ("a && b", 2, "and"),
        ] {
            let error = Expression::parse(text).expect_err(text);
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.to_string().contains(says), "{text}: {error}");
        }
        let deep = format!("{}1{}", "(".repeat(500), ")".repeat(500));
        assert!(matches!(Expression::parse(&deep), Err(ParseError { problem: Problem::Deep, .. })));
        let deep = format!("{}yes", "not ".repeat(400));
        assert!(matches!(Expression::parse(&deep), Err(ParseError { problem: Problem::Deep, .. })));
        let long = format!("1{}", "+1".repeat(1_000_000));
        assert!(matches!(Expression::parse(&long), Err(ParseError { problem: Problem::Long, .. })));
        assert_eq!(value(&long[..1_999]), Value::Number(1_000.0));
    }
}
