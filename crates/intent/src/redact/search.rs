//! Finds the atoms that are a card's number, whichever way it was said.

use super::{
    WITH_CARD,
    atoms::{Atom, CARDS, Kind},
    issuers::{Fit, LONGEST, Luhn, PREFIX, SHORTEST, fit, may_begin, nearly_fit},
    readings::{Reading, most, readings},
};
use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};

/// Atoms between two digits of a number that say nothing, at most, in one turn.
const FILLERS: usize = 12;

/// Those that do say something.
pub(super) const WORDS: usize = 4;

/// Digits that one correction takes back, at most.
const TAKEN_BACK: usize = 8;

/// Ways to read one text that are followed. A card takes a few thousand; with more nobody can say that
/// none is among them.
const WAYS: usize = 50_000;

/// The digits of a reading so far, as far as they matter for the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Way {
    len: usize,
    /// The first six.
    prefix: u32,
    luhn: Luhn,
}

impl Way {
    fn and(mut self, digits: &[u8]) -> Option<Way> {
        for digit in digits {
            if self.len < PREFIX {
                self.prefix = self.prefix * 10 + u32::from(*digit);
            }
            self.luhn.push(*digit, self.len);
            self.len += 1;
        }
        (self.len <= LONGEST).then_some(self)
    }
}

/// The ranges of atoms that are numbers of cards, in order, none touching another.
pub(super) fn cards(atoms: &[Atom]) -> Vec<Range<usize>> {
    // Nearly every text ends here.
    if atoms.iter().map(most).sum::<usize>() < SHORTEST {
        return Vec::new();
    }
    let mut search = Search::new(atoms);
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while from < atoms.len() {
        let longest = search.longest(from);
        let end = match longest {
            Longest::None => {
                from += 1;
                continue;
            }
            Longest::Card { end } | Longest::Unclear { end } => end,
        };
        match found.last_mut() {
            Some(last) if from < last.end => last.end = last.end.max(end),
            _ => found.push(from..end),
        }
        // Another one may begin within a card's, and end behind it.
        from = if let Longest::Unclear { end } = longest { end } else { from + 1 };
    }
    found
}

/// What begins with an atom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Longest {
    None,
    /// A card's number, until one after its last atom.
    Card {
        end: usize,
    },
    /// More ways to read these digits than can be followed.
    Unclear {
        end: usize,
    },
}

struct Search<'a> {
    atoms: &'a [Atom],
    readings: Vec<Vec<Reading>>,
    /// How many digits there are from each atom on, at most, until something breaks a number off.
    ahead: Vec<usize>,
    followed: usize,
}

impl<'a> Search<'a> {
    fn new(atoms: &'a [Atom]) -> Search<'a> {
        let readings = (0..atoms.len()).map(|at| readings(atoms, at)).collect();
        let mut ahead = vec![0; atoms.len() + 1];
        for at in (0..atoms.len()).rev() {
            let breaks = matches!(atoms[at].kind, Kind::Unit | Kind::Elsewhere);
            ahead[at] = if breaks { 0 } else { ahead[at + 1] + most(&atoms[at]) };
        }
        Search { atoms, readings, ahead, followed: 0 }
    }

    /// The longest card's number that begins with the atom `from`.
    fn longest(&mut self, from: usize) -> Longest {
        let named = self.names_a_card(from);
        let begins = |reading: &&Reading| {
            let first = reading.digits.first();
            first.is_some_and(|digit| named == Named::Card || may_begin(*digit))
        };
        if self.ahead[from] < SHORTEST || !self.readings[from].iter().any(|r| begins(&r)) {
            return Longest::None;
        }
        // "I want to pay": what only sounds like a digit begins nothing but with digits behind it.
        if let Kind::SoundsLike(_) = self.atoms[from].kind {
            let mut behind =
                (from + 1..self.atoms.len()).skip_while(|at| self.atoms[*at].kind == Kind::Filler);
            let within = self.readings[from].iter().any(|reading| reading.end > from + 1);
            if !within && behind.next().is_none_or(|at| self.readings[at].is_empty()) {
                return Longest::None;
            }
        }
        let mut ways: BTreeMap<usize, HashSet<Way>> = BTreeMap::new();
        for reading in self.readings[from].iter().filter(begins) {
            if let Some(way) = Way::default().and(&reading.digits) {
                ways.entry(reading.end).or_default().insert(way);
            }
        }
        let mut best: Option<(Sure, usize)> = None;
        while let Some((at, here)) = ways.pop_first() {
            self.followed += here.len();
            if self.followed > WAYS {
                return Longest::Unclear { end: self.end_of_digits(at) };
            }
            let sure = here.iter().filter_map(|way| self.is_card(*way, from..at, named)).max();
            let sure = match (best, sure) {
                // More of the same digits, and nothing said between.
                (Some((Sure::Usual, end)), Some(Sure::Possible)) if self.is_one(end..at) => {
                    Some(Sure::Usual)
                }
                (_, sure) => sure,
            };
            best = best.max(sure.map(|sure| (sure, at)));
            let going: Vec<Way> = here.into_iter().filter(|way| way.len < LONGEST).collect();
            if going.is_empty() {
                continue;
            }
            for next in self.next(at) {
                for reading in &self.readings[next] {
                    let ends = going.iter().filter_map(|way| way.and(&reading.digits));
                    ways.entry(reading.end).or_default().extend(ends);
                }
            }
        }
        best.map_or(Longest::None, |(_, end)| Longest::Card { end })
    }

    /// Whether digits that were read from these atoms are a card's.
    fn is_card(&self, way: Way, at: Range<usize>, named: Named) -> Option<Sure> {
        if way.len < SHORTEST {
            return None;
        }
        // In the midst of other digits chance makes many numbers.
        let whole = || at.len() == 1 || self.begins_apart(at.start) && self.ends_apart(at.end);
        match (fit(way.prefix, way.len), way.luhn.holds(way.len)) {
            (Some(Fit::Usual), true) => Some(Sure::Usual),
            (Some(Fit::Possible), true) if whole() => Some(Sure::Possible),
            // A digit was heard wrong, twice or not at all, and the others are still the card's.
            _ if named == Named::Card && nearly_fit(way.prefix, way.len) => {
                whole().then_some(Sure::Named)
            }
            _ => None,
        }
    }

    fn begins_apart(&self, at: usize) -> bool {
        self.atoms[at].apart
            || at.checked_sub(1).is_none_or(|before| !self.atoms[before].kind.is_digits())
    }

    /// Whether no more digits follow than a date and a code have.
    fn ends_apart(&self, end: usize) -> bool {
        let goes_on = |at: &usize| {
            let atom = &self.atoms[*at];
            !atom.apart && atom.kind.is_digits()
        };
        let behind = (end..self.atoms.len()).take_while(goes_on);
        behind.map(|at| most(&self.atoms[at])).sum::<usize>() <= WITH_CARD
    }

    /// Where digits end that go on at `at`.
    fn end_of_digits(&self, at: usize) -> usize {
        let says = |at: &usize| !matches!(self.atoms[*at].kind, Kind::Other | Kind::Elsewhere);
        at + (at..self.atoms.len()).take_while(says).count()
    }

    /// Whether nothing but digits and hesitation is there.
    fn is_one(&self, at: Range<usize>) -> bool {
        !self.atoms[at].iter().any(|atom| matches!(atom.kind, Kind::Other | Kind::Correction))
    }

    /// What the words before say that the digits are.
    fn names_a_card(&self, from: usize) -> Named {
        let before = self.atoms[..from].iter().rev().take(FILLERS);
        let names = before.map_while(|atom| match atom.kind {
            Kind::Elsewhere | Kind::Unit => None,
            _ => Some(CARDS.contains(&atom.text.as_str())),
        });
        if names.into_iter().any(|named| named) { Named::Card } else { Named::Nothing }
    }

    /// The atoms with which a number may go on whose last digit was just before `at`.
    fn next(&self, at: usize) -> Vec<usize> {
        let mut all = Vec::new();
        self.skip(at, &mut all);
        if let Some(corrected) = self.corrected(at) {
            self.skip(corrected, &mut all);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn skip(&self, from: usize, to: &mut Vec<usize>) {
        let (mut fillers, mut words) = (0, 0);
        for at in from..self.atoms.len() {
            let atom = &self.atoms[at];
            if at > 0 && atom.turn != self.atoms[at - 1].turn {
                (fillers, words) = (0, 0);
            }
            if !self.readings[at].is_empty() {
                to.push(at);
            }
            match atom.kind {
                Kind::Filler | Kind::SoundsLike(_) | Kind::Times(_) | Kind::Correction => {
                    fillers += 1
                }
                Kind::Number("hundred" | "thousand") => fillers += 1,
                Kind::Other => words += 1,
                _ => return,
            }
            if fillers > FILLERS || words > WORDS {
                return;
            }
        }
    }

    /// The atom behind a correction of the digits from `from` on.
    fn corrected(&self, from: usize) -> Option<usize> {
        let mut digits = 0;
        for (at, atom) in self.atoms.iter().enumerate().skip(from) {
            match atom.kind {
                Kind::Correction if digits > 0 => return Some(at + 1),
                Kind::Filler => {}
                _ => digits += Some(most(atom)).filter(|digits| *digits > 0)?,
            }
            if digits > TAKEN_BACK {
                return None;
            }
        }
        None
    }
}

/// Why digits are taken for a card's, the weakest reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    /// They are called so, and nearly as many.
    Named,
    /// They have a check digit, and a length that few cards have.
    Possible,
    /// They have a check digit, and the length of nearly all cards.
    Usual,
}

/// What digits are said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Card,
    Nothing,
}
