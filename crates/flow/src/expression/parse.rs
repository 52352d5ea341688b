//! From text to an expression, by recursive descent.

use std::fmt;

use super::{Function, Name, Operator, Term};
use crate::value::Value;

/// Bytes of an expression at most; its terms cannot be deeper within each other than that allows.
const MOST_BYTES: usize = 2_000;

/// Parentheses, lists and negations within each other at most.
const DEEPEST: usize = 32;

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The byte at which it is wrong.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong at one place of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Something else should stand here.
    Expected(&'static str),
    /// This is written differently here.
    Instead(String, &'static str),
    /// There is no such function.
    NoFunction(String),
    /// The function takes another number of values.
    Count(&'static str, usize),
    /// Too many parentheses within each other.
    Deep,
    /// It is too long.
    Long,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Expected(what) => write!(f, "{what} should stand here"),
            Problem::Instead(found, right) => write!(f, "\"{found}\" is not known here: {right}"),
            Problem::NoFunction(name) => {
                let known: Vec<_> = Function::ALL.iter().map(|(name, ..)| *name).collect();
                write!(f, "there is no function \"{name}\", only {}", known.join(", "))
            }
            Problem::Count(name, count) => write!(f, "{name}() takes {count} values"),
            Problem::Long => write!(f, "it is longer than {MOST_BYTES} bytes"),
            Problem::Deep => write!(f, "more than {DEEPEST} parentheses stand within each other"),
        }
    }
}

impl std::error::Error for ParseError {}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Value(Value),
    Word(String),
    Mark(&'static str),
    End,
}

/// The longer ones first.
const MARKS: [&str; 15] =
    ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "(", ")", "[", "]", ",", "."];

/// Parses a whole text.
pub(super) fn term(text: &str) -> Result<Term, ParseError> {
    if text.len() > MOST_BYTES {
        return Err(ParseError { at: 0, problem: Problem::Long });
    }
    let mut parser = Parser { text, at: 0, next: (0, Token::End), depth: 0 };
    parser.advance()?;
    let term = parser.binary(0)?;
    match parser.next.1 {
        Token::End => Ok(term),
        _ => parser.fail(Problem::Expected("an operator, such as and, or, ==, <, in,")),
    }
}

struct Parser<'t> {
    text: &'t str,
    /// Behind the next token.
    at: usize,
    /// The next token, and where it begins.
    next: (usize, Token),
    depth: usize,
}

impl Parser<'_> {
    /// A term of operators that bind at least as tightly as `level`.
    fn binary(&mut self, level: u8) -> Result<Term, ParseError> {
        let mut left = self.unary()?;
        while let Some((operator, binds)) = self.operator().filter(|(_, binds)| *binds >= level) {
            self.advance()?;
            let right = self.binary(binds + 1)?;
            left = Term::Binary(Box::new(left), operator, Box::new(right));
        }
        Ok(left)
    }

    fn operator(&self) -> Option<(Operator, u8)> {
        let token = match &self.next.1 {
            Token::Mark(mark) => mark,
            Token::Word(word) => word.as_str(),
            _ => return None,
        };
        Some(match token {
            "or" => (Operator::Or, 0),
            "and" => (Operator::And, 1),
            "==" => (Operator::Is, 3),
            "!=" => (Operator::IsNot, 3),
            "<" => (Operator::Less, 3),
            "<=" => (Operator::AtMost, 3),
            ">" => (Operator::More, 3),
            ">=" => (Operator::AtLeast, 3),
            "in" => (Operator::In, 3),
            "contains" => (Operator::Contains, 3),
            "+" => (Operator::Plus, 4),
            "-" => (Operator::Minus, 4),
            "*" => (Operator::Times, 5),
            _ => return None,
        })
    }

    fn unary(&mut self) -> Result<Term, ParseError> {
        let (at, token) = self.take()?;
        match token {
            Token::Value(value) => Ok(Term::Value(value)),
            Token::Mark("-") => match self.take()? {
                (_, Token::Value(Value::Number(number))) => Ok(Term::Value(Value::Number(-number))),
                (at, _) => Err(ParseError { at, problem: Problem::Expected("a number") }),
            },
            Token::Mark("(") => self.deeper(at, |parser| {
                let term = parser.binary(0)?;
                parser.expect(")", "a )").map(|()| term)
            }),
            Token::Mark("[") => {
                self.deeper(at, |parser| parser.several("]", "a ]").map(Term::List))
            }
            Token::Word(word) => match word.as_str() {
                // It binds less tightly than a comparison.
                "not" => self.deeper(at, |parser| Ok(Term::Not(Box::new(parser.binary(2)?)))),
                "yes" | "true" => Ok(Term::Value(Value::Bool(true))),
                "no" | "false" => Ok(Term::Value(Value::Bool(false))),
                "nothing" => Ok(Term::Value(Value::Nothing)),
                _ if self.next.1 == Token::Mark("(") => self.call(at, &word),
                _ => self.name(word),
            },
            _ => Err(ParseError { at, problem: Problem::Expected("a value or a name") }),
        }
    }

    fn call(&mut self, at: usize, name: &str) -> Result<Term, ParseError> {
        let known = Function::ALL.into_iter().find(|(known, ..)| *known == name);
        let Some((name, function, count)) = known else {
            return Err(ParseError { at, problem: Problem::NoFunction(name.to_owned()) });
        };
        self.advance()?;
        let arguments = self.deeper(at, |parser| parser.several(")", "a )"))?;
        if arguments.len() != count {
            return Err(ParseError { at, problem: Problem::Count(name, count) });
        }
        Ok(Term::Call(function, arguments))
    }

    fn name(&mut self, first: String) -> Result<Term, ParseError> {
        let mut name = first;
        while self.next.1 == Token::Mark(".") {
            self.advance()?;
            match self.take()? {
                (_, Token::Word(part)) => {
                    name.push('.');
                    name.push_str(&part);
                }
                (at, _) => {
                    return Err(ParseError {
                        at,
                        problem: Problem::Expected("the rest of the name"),
                    });
                }
            }
        }
        Ok(Term::Name(Name(name)))
    }

    /// Terms with commas between them, up to `close`.
    fn several(
        &mut self,
        close: &'static str,
        says: &'static str,
    ) -> Result<Vec<Term>, ParseError> {
        let mut terms = Vec::new();
        while self.next.1 != Token::Mark(close) {
            terms.push(self.binary(0)?);
            if self.next.1 != Token::Mark(",") {
                break;
            }
            self.advance()?;
        }
        self.expect(close, says).map(|()| terms)
    }

    fn deeper<T>(
        &mut self,
        at: usize,
        parse: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.depth == DEEPEST {
            return Err(ParseError { at, problem: Problem::Deep });
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn expect(&mut self, mark: &'static str, says: &'static str) -> Result<(), ParseError> {
        match self.next.1 == Token::Mark(mark) {
            true => self.advance(),
            false => self.fail(Problem::Expected(says)),
        }
    }

    fn fail<T>(&self, problem: Problem) -> Result<T, ParseError> {
        Err(ParseError { at: self.next.0, problem })
    }

    fn take(&mut self) -> Result<(usize, Token), ParseError> {
        let taken = self.next.clone();
        self.advance()?;
        Ok(taken)
    }

    /// Reads the next token.
    fn advance(&mut self) -> Result<(), ParseError> {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        let from = self.at + rest.len() - trimmed.len();
        let (token, length) = token(trimmed).map_err(|problem| ParseError { at: from, problem })?;
        self.next = (from, token);
        self.at = from + length;
        Ok(())
    }
}

/// The token that a text begins with, and its length.
fn token(text: &str) -> Result<(Token, usize), Problem> {
    let Some(first) = text.chars().next() else { return Ok((Token::End, 0)) };
    let length_of = |part: fn(char) -> bool| text.find(|c| !part(c)).unwrap_or(text.len());
    if first.is_ascii_digit() {
        let length = length_of(|c| c.is_ascii_digit() || c == '.');
        let number = text[..length].parse().map(Value::number);
        return match number {
            Ok(number) => Ok((Token::Value(number), length)),
            Err(_) => Err(Problem::Expected("a number such as 12.5")),
        };
    }
    if first.is_alphabetic() || first == '_' {
        let length = length_of(|c| c.is_alphanumeric() || c == '_');
        return Ok((Token::Word(text[..length].to_owned()), length));
    }
    if first == '"' || first == '\'' {
        return match text[1..].find(first) {
            Some(end) => Ok((Token::Value(Value::from(&text[1..=end])), end + 2)),
            None => Err(Problem::Expected("a closing quote behind the text that begins here")),
        };
    }
    if let Some(mark) = MARKS.into_iter().find(|mark| text.starts_with(mark)) {
        return Ok((Token::Mark(mark), mark.len()));
    }
    let right = match first {
        '=' => "write == to compare",
        '&' => "write and",
        '|' => "write or",
        '!' => "write not",
        '/' => "there is no division; multiply the other side",
        _ => "take it out",
    };
    Err(Problem::Instead(first.to_string(), right))
}
