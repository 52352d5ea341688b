//! Patterns of what callers say, as text: `(get|give) me [a] [{size}] {drink}`.

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// One word.
    Word(String),
    /// A slot, by its name.
    Slot(String),
    /// One after the other.
    All(Vec<Piece>),
    /// One of them: `(a|b)`.
    One(Vec<Piece>),
    /// Perhaps: `[a]`, or one of them or nothing: `[a|b]`.
    Maybe(Box<Piece>),
    /// Any of them, in any order, each at most once: `[a; b; c]`.
    Any(Vec<Piece>),
}

/// A pattern cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A bracket has no partner.
    #[error("\"{0}\" stands alone: write (this|or that), [perhaps this] and {{slot}}")]
    Unpaired(char),
    /// `;` stands where order matters.
    #[error(
        "\";\" belongs into square brackets, between things that may come in any order: [{{one}}; {{other}}]"
    )]
    Order,
    /// `|` and `;` stand side by side.
    #[error("\"|\" and \";\" in one pair of brackets: put brackets around what \"|\" divides")]
    Mixed,
    /// There is nothing to say.
    #[error("it says nothing: write at least one word or slot that is not in [square brackets]")]
    Empty,
}

/// Reads a pattern.
pub(super) fn parse(text: &str) -> Result<Piece, PatternError> {
    let mut reader = Reader { rest: text };
    let piece = reader.list(None)?;
    if is_silent(&piece) { Err(PatternError::Empty) } else { Ok(piece) }
}

/// Whether a piece can be said by saying nothing.
fn is_silent(piece: &Piece) -> bool {
    match piece {
        Piece::Word(_) | Piece::Slot(_) => false,
        Piece::All(pieces) => pieces.iter().all(is_silent),
        Piece::One(pieces) => pieces.iter().any(is_silent),
        Piece::Maybe(_) | Piece::Any(_) => true,
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Reads up to the bracket that closes, or to the end if there is none to close.
    fn list(&mut self, open: Option<char>) -> Result<Piece, PatternError> {
        let mut parts = vec![Vec::new()];
        let mut divider = None;
        loop {
            let Some(next) = self.rest.chars().next() else {
                return match open {
                    Some(open) => Err(PatternError::Unpaired(open)),
                    None => finish(parts, divider, open),
                };
            };
            match next {
                ')' | ']' => {
                    let partner = if next == ')' { '(' } else { '[' };
                    if open != Some(partner) {
                        return Err(PatternError::Unpaired(next));
                    }
                    self.skip(1);
                    return finish(parts, divider, open);
                }
                '(' | '[' => {
                    self.skip(1);
                    let piece = self.list(Some(next))?;
                    parts.last_mut().expect("there is always a part").push(piece);
                }
                '|' | ';' => {
                    if divider.is_some_and(|known| known != next) {
                        return Err(PatternError::Mixed);
                    }
                    divider = Some(next);
                    parts.push(Vec::new());
                    self.skip(1);
                }
                '{' => {
                    let end = self.rest.find('}').ok_or(PatternError::Unpaired('{'))?;
                    let name = self.rest[1..end].trim().to_owned();
                    parts.last_mut().expect("there is always a part").push(Piece::Slot(name));
                    self.skip(end + 1);
                }
                '}' => return Err(PatternError::Unpaired('}')),
                _ => {
                    let end = self.rest.find(['(', ')', '[', ']', '{', '}', '|', ';']);
                    let (words, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                    let words = super::heard::spoken(words).into_iter().map(Piece::Word);
                    parts.last_mut().expect("there is always a part").extend(words);
                    self.rest = rest;
                }
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }
}

fn finish(
    parts: Vec<Vec<Piece>>,
    divider: Option<char>,
    open: Option<char>,
) -> Result<Piece, PatternError> {
    let mut parts: Vec<Piece> = parts.into_iter().map(Piece::All).collect();
    match (divider, open) {
        (Some(';'), Some('[')) => Ok(Piece::Any(parts)),
        (Some(';'), _) => Err(PatternError::Order),
        (divider, open) => {
            let piece = match divider {
                Some(_) => Piece::One(parts),
                None => parts.remove(0),
            };
            Ok(if open == Some('[') { Piece::Maybe(Box::new(piece)) } else { piece })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(word: &str) -> Piece {
        Piece::Word(word.to_owned())
    }

    #[test]
    fn brackets_mean_what_they_say() {
        let piece = parse("(get|give) me [a] {size}").unwrap();
        let one =
            |words: &[&str]| Piece::One(words.iter().map(|w| Piece::All(vec![word(w)])).collect());
        let maybe = Piece::Maybe(Box::new(Piece::All(vec![word("a")])));
        let slot = Piece::Slot("size".to_owned());
        assert_eq!(piece, Piece::All(vec![one(&["get", "give"]), word("me"), maybe, slot]));
        let any = parse("go [{a}; to {b}]").unwrap();
        assert!(
            matches!(&any, Piece::All(pieces) if matches!(&pieces[1], Piece::Any(any) if any.len() == 2))
        );
    }

    #[test]
    fn numbers_are_words() {
        assert_eq!(parse("24 hours").unwrap(), parse("twenty-four hours").unwrap());
    }

    #[test]
    fn mistakes_are_told() {
        for (text, error) in [
            ("(a|b", PatternError::Unpaired('(')),
            ("a]", PatternError::Unpaired(']')),
            ("[a)", PatternError::Unpaired(')')),
            ("{a", PatternError::Unpaired('{')),
            ("a}", PatternError::Unpaired('}')),
            ("a; b", PatternError::Order),
            ("[a|b;c]", PatternError::Mixed),
            ("", PatternError::Empty),
            ("[please] (|a)", PatternError::Empty),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}
