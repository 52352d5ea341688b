//! What digits a row of atoms may be: each way to read the next few of them.

use super::atoms::{Atom, Kind};
use crate::numerals;

/// A way to read some atoms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// One after the last atom that is read.
    pub(super) end: usize,
    /// 0 to 9 each.
    pub(super) digits: Vec<u8>,
}

/// Words of one number at most: "four hundred and eleven thousand one hundred and eleven" has nine.
const WORDS: usize = 9;

/// Fillers within one number, in a row.
const WITHIN: usize = 4;

/// Every way to read atoms from `from` on as digits, as few atoms as it takes.
pub(super) fn readings(atoms: &[Atom], from: usize) -> Vec<Reading> {
    let atom = &atoms[from];
    let one = |digits| Reading { end: from + 1, digits };
    let mut all = Vec::new();
    match atom.kind {
        Kind::Digits => all.push(one(atom.text.bytes().filter_map(value_of).collect())),
        Kind::Number(word) | Kind::SoundsLike(word) => all.extend(simple(word).map(one)),
        Kind::Many(digit) => all.push(one(vec![digit])),
        Kind::Times(times) => {
            let next = after_fillers(atoms, from + 1);
            let digit = next.and_then(|next| Some((next, single(&atoms[next])?)));
            let repeated =
                digit.map(|(at, digit)| Reading { end: at + 1, digits: vec![digit; times] });
            all.extend(repeated);
        }
        _ => return all,
    }
    // "four ones".
    if let Some(count @ 2..) = single(atom)
        && let Some(next) = atoms.get(from + 1)
        && let Kind::Many(digit) = next.kind
    {
        all.push(Reading { end: from + 2, digits: vec![digit; usize::from(count)] });
    }
    all.extend(numbers(atoms, from));
    all
}

/// At most how many digits an atom adds.
pub(super) fn most(atom: &Atom) -> usize {
    match atom.kind {
        Kind::Digits => atom.text.len(),
        Kind::Number("hundred") => 2,
        Kind::Number("thousand") => 3,
        Kind::Number(word) | Kind::SoundsLike(word) => {
            simple(word).map_or(0, |digits| digits.len())
        }
        Kind::Times(times) => times - 1,
        Kind::Many(_) => 8,
        _ => 0,
    }
}

fn value_of(byte: u8) -> Option<u8> {
    byte.checked_sub(b'0').filter(|digit| *digit < 10)
}

/// The digits of a word that is a number alone.
fn simple(word: &str) -> Option<Vec<u8>> {
    let number = Some(word).filter(|word| !matches!(*word, "hundred" | "thousand"));
    Some(digits_of(numerals::value(number)?))
}

fn digits_of(number: u64) -> Vec<u8> {
    number.to_string().bytes().filter_map(value_of).collect()
}

/// The digit that an atom is.
fn single(atom: &Atom) -> Option<u8> {
    let digits = match atom.kind {
        Kind::Digits => atom.text.bytes().filter_map(value_of).collect(),
        Kind::Number(word) | Kind::SoundsLike(word) => simple(word)?,
        Kind::Many(digit) => vec![digit],
        _ => return None,
    };
    <[u8; 1]>::try_from(digits).ok().map(|[digit]| digit)
}

fn after_fillers(atoms: &[Atom], from: usize) -> Option<usize> {
    let rest = atoms.get(from..)?.iter().take(WITHIN + 1);
    rest.into_iter().position(|atom| atom.kind != Kind::Filler).map(|skipped| from + skipped)
}

/// The numbers of several words that begin here: "forty one", "four thousand one hundred".
fn numbers(atoms: &[Atom], from: usize) -> Vec<Reading> {
    let mut words: Vec<&'static str> = Vec::new();
    let (mut at, mut all) = (from, Vec::new());
    while words.len() < WORDS {
        match atoms[at].kind {
            Kind::Number(word) | Kind::SoundsLike(word) => words.push(word),
            Kind::Digits if atoms[at].text.len() <= 2 && !atoms[at].text.starts_with('0') => {
                let number = atoms[at].text.parse().unwrap_or_default();
                words.extend(numerals::cardinal(number));
            }
            _ => break,
        }
        // "a hundred" is one.
        if matches!(words[..], ["hundred" | "thousand"]) {
            match from.checked_sub(1).map(|before| atoms[before].text.as_str()) {
                Some("a") => words.insert(0, "one"),
                _ => break,
            }
        }
        if words.len() > 1
            && let Some(number) = whole(&words)
        {
            all.push(Reading { end: at + 1, digits: digits_of(number) });
        }
        match after_fillers(atoms, at + 1) {
            Some(next) => at = next,
            None => break,
        }
    }
    all
}

/// The number that these words are, if people say it so: "forty one hundred" too.
fn whole(words: &[&str]) -> Option<u64> {
    let value = numerals::value(words.iter().copied())?;
    if numerals::cardinal(value) == words {
        return Some(value);
    }
    let hundred = words.iter().position(|word| *word == "hundred")?;
    let (count, rest) = (&words[..hundred], &words[hundred + 1..]);
    let part = |words: &[&str]| {
        let value = numerals::value(words.iter().copied())?;
        (value < 100 && numerals::cardinal(value) == words).then_some(value)
    };
    let rest = if rest.is_empty() { Some(0) } else { part(rest) };
    Some(part(count)? * 100 + rest?)
}

#[cfg(test)]
mod tests {
    use super::{super::atoms::atoms, *};

    fn said(text: &str) -> Vec<String> {
        let atoms = atoms([text]);
        let whole = readings(&atoms, 0).into_iter().filter(|reading| reading.end == atoms.len());
        whole.map(|r| r.digits.iter().map(|d| char::from(b'0' + d)).collect()).collect()
    }

    #[test]
    fn numbers_are_read_as_people_say_them() {
        for (text, digits) in [
            ("4111", "4111"),
            ("four", "4"),
            ("for", "4"),
            ("forty", "40"),
            ("forty one", "41"),
            ("forty uh one", "41"),
            ("double five", "55"),
            ("triple um seven", "777"),
            ("four ones", "1111"),
            ("two oh", ""),
            ("forty one hundred", "4100"),
            ("forty one hundred eleven", "4111"),
            ("four thousand one hundred", "4100"),
            ("four thousand one hundred and eleven", "4111"),
            ("four hundred and eleven", "411"),
            ("4 thousand 1 hundred", "4100"),
            ("hundred", ""),
            ("hello", ""),
        ] {
            let read = said(text);
            assert_eq!(read.first().map_or("", String::as_str), digits, "{text}: {read:?}");
        }
    }
}
