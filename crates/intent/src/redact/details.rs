//! What people say beside a card's number: how long the card is good, and its security code.

use super::{
    Held, WITH_CARD,
    atoms::{Atom, Kind},
    readings::readings,
};
use std::ops::Range;

/// Atoms that may stand between a card's number and the digits that belong to it.
const BETWEEN: usize = 3;

/// Atoms that may stand between "expires" and the date: "expiry date on it is".
const AFTER_NAME: usize = 5;

/// The end of a card's number with the digits that were said with it, unless it is a sum of money.
pub(super) fn with_digits_behind(atoms: &[Atom], card: Range<usize>) -> Range<usize> {
    let turn = atoms[card.end - 1].turn;
    let Some(first) = skip(atoms, card.end, BETWEEN, |kind| kind == Kind::Filler) else {
        return card;
    };
    match run(atoms, first) {
        Some(run) if run.digits <= WITH_CARD && atoms[run.end - 1].turn == turn => {
            let mut end = run.end;
            if atoms.get(end).is_some_and(|atom| atom.kind == Kind::Unit) {
                // "for fifty dollars".
                let sum = atoms[first..run.last].iter().rev();
                let or_not = sum.take_while(|atom| matches!(atom.kind, Kind::SoundsLike(_)));
                end = run.last - or_not.count();
            }
            card.start..if end > first { end } else { card.end }
        }
        _ => card,
    }
}

/// What is named in a text that has a card's number in it, or just before it.
pub(super) fn named(atoms: &[Atom]) -> Vec<(Range<usize>, Held)> {
    let mut all = Vec::new();
    for at in 0..atoms.len() {
        let word = |ahead: usize| atoms.get(at + ahead).map_or("", |atom| atom.text.as_str());
        let (held, behind) = match (word(0), word(1), word(2)) {
            ("expiry" | "expires" | "expire" | "expiration" | "exp" | "thru", ..) => {
                (Held::Expiry, at + 1)
            }
            ("valid" | "good", "through" | "until" | "till" | "to", _) => (Held::Expiry, at + 2),
            ("cvc" | "cvv" | "cvd" | "csc" | "cid", ..) => (Held::SecurityCode, at + 1),
            ("c", "v", "c" | "v") => (Held::SecurityCode, at + 3),
            ("security" | "verification", "code" | "number" | "digits" | "value", _) => {
                (Held::SecurityCode, at + 2)
            }
            ("on", "the", "back") => {
                all.extend(before(atoms, at).map(|run| (run, Held::SecurityCode)));
                (Held::SecurityCode, at + 3)
            }
            _ => continue,
        };
        let passed = |kind| matches!(kind, Kind::Filler | Kind::Other | Kind::SoundsLike(_));
        let first = skip(atoms, behind, AFTER_NAME, passed);
        let Some(found) = first.and_then(|first| run(atoms, first)) else { continue };
        let digits = match held {
            Held::Expiry => 1..=8,
            _ => 3..=5,
        };
        if digits.contains(&found.digits) {
            all.push((found.start..found.end, held));
        }
    }
    all
}

/// The digits of a turn that says nothing else: the answer to "and the code?".
pub(super) fn alone(atoms: &[Atom]) -> Option<(Range<usize>, Held)> {
    let silent = |kind| matches!(kind, Kind::Filler | Kind::Correction);
    let found = run(atoms, skip(atoms, 0, atoms.len(), silent)?)?;
    if !atoms[found.end..].iter().all(|atom| silent(atom.kind)) {
        return None;
    }
    let held = match found.digits {
        3 => Held::SecurityCode,
        4 if found.month > 12 => Held::SecurityCode,
        4..=8 => Held::Expiry,
        _ => return None,
    };
    Some((found.start..found.end, held))
}

/// Digits in a row, months among them.
struct Run {
    start: usize,
    end: usize,
    /// Where the last number in it begins.
    last: usize,
    digits: usize,
    /// The first two.
    month: u8,
}

/// The digits that begin at `start`.
fn run(atoms: &[Atom], start: usize) -> Option<Run> {
    let (mut end, mut last, mut at) = (start, start, Some(start));
    let mut said: Vec<u8> = Vec::new();
    while let Some(here) = at.filter(|at| *at < atoms.len()) {
        let word = atoms[here].text.as_str();
        let month = MONTHS.iter().position(|month| word.len() > 2 && month.starts_with(word));
        end = match (month, longest(atoms, here)) {
            (Some(month), _) => {
                said.extend([(month as u8 + 1) / 10, (month as u8 + 1) % 10]);
                here + 1
            }
            (None, Some((end, digits))) => {
                said.extend(digits);
                end
            }
            (None, None) => break,
        };
        last = here;
        at = skip(atoms, end, 1, |kind| kind == Kind::Filler);
    }
    let month = said.iter().take(2).fold(0, |month, digit| 10 * month + digit);
    (end > start).then_some(Run { start, end, last, digits: said.len(), month })
}

/// The reading of most atoms.
fn longest(atoms: &[Atom], at: usize) -> Option<(usize, Vec<u8>)> {
    let best = readings(atoms, at).into_iter().max_by_key(|reading| reading.end)?;
    Some((best.end, best.digits))
}

/// Three or four digits that end just before `end`, fillers aside.
fn before(atoms: &[Atom], end: usize) -> Option<Range<usize>> {
    (end.saturating_sub(4 + BETWEEN)..end).find_map(|start| {
        let found = run(atoms, start).filter(|run| (3..=4).contains(&run.digits))?;
        let rest = atoms.get(found.end..end)?;
        rest.iter().all(|atom| matches!(atom.kind, Kind::Filler)).then_some(start..found.end)
    })
}

/// The first atom from `from` on that is not `passed`, if it comes after `most` of them.
fn skip(atoms: &[Atom], from: usize, most: usize, passed: impl Fn(Kind) -> bool) -> Option<usize> {
    let is_month = |atom: &Atom| MONTHS.contains(&atom.text.as_str());
    let rest = atoms.get(from..)?.iter().take(most + 1);
    let skipped = rest.into_iter().position(|atom| !passed(atom.kind) || is_month(atom))?;
    Some(from + skipped)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
