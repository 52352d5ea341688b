//! Numbers of payment cards in what was said or written, taken out before anybody keeps it.
//!
//! What is taken for one: 13 to 19 digits with the check digit of ISO/IEC 7812-1 (Luhn) that begin and
//! are as long as those of an issuer (the ranges that the networks publish). They may be written
//! in any grouping, or said: digit by digit, in pairs, as numbers, "double five", "four ones", with
//! hesitations, corrections and other words between, over several turns. A word that sounds like a digit
//! counts as one if that makes a card ("for" is four). Digits that were called a card's are taken out
//! even where the check digit is wrong, or where they are a few more or fewer: one of them was misheard,
//! doubled or lost, and the others are still the card's.
//! Beside a card its expiry date and its security code go too.
//!
//! ```
//! let said = "yes it's four one one one, uh, 1111 eleven eleven triple one one thanks";
//! let redacted = intent::redact(said);
//! assert_eq!(redacted.text, "yes it's [card] thanks");
//! // The words that were replaced, as spaces part them: their sound can be silenced too.
//! assert_eq!(redacted.marks[0].words, 2..13);
//! ```
//!
//! A phone number, a date or a short account number has not these lengths. Of numbers of 16 digits that
//! are none, 3 to 8 in a hundred look like a card's, and of 20 digits read out in one breath a quarter
//! holds one: what is doubtful is taken out.

mod atoms;
mod details;
mod issuers;
mod readings;
mod search;
#[cfg(test)]
mod tests;

use self::atoms::{Atom, Kind, atoms};
use self::issuers::{LONGEST, Luhn, PREFIX, SHORTEST};
use std::{collections::VecDeque, fmt, ops::Range};

/// Takes the card numbers out of a text that stands alone. A caller's turns belong to a [`Redactor`].
#[must_use]
pub fn redact(text: &str) -> Redacted {
    Redactor::new().turn(text)
}

/// Whether these are the digits of a card's number and nothing else: by their count, by whose they can be, and by the
/// check digit.
#[must_use]
pub fn is_card_number(digits: &str) -> bool {
    let len = digits.len();
    if !(SHORTEST..=LONGEST).contains(&len) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let mut luhn = Luhn::default();
    for (before, digit) in digits.bytes().enumerate() {
        luhn.push(digit - b'0', before);
    }
    let prefix = digits[..PREFIX].parse().ok();
    luhn.holds(len) && prefix.is_some_and(|prefix| issuers::fit(prefix, len).is_some())
}

/// How many of these digits, the last ones, are the number of a card; the longest if there are several.
#[must_use]
pub fn card_at_end(digits: &[char]) -> Option<usize> {
    let from = (0..digits.len().saturating_sub(SHORTEST - 1))
        .find(|from| is_card_number(&String::from_iter(&digits[*from..])))?;
    Some(digits.len() - from)
}

/// Whether a text breaks off in digits, with which a number may go on in the next turn.
#[must_use]
pub fn ends_in_digits(text: &str) -> bool {
    !digits_at_end(&atoms([text])).is_empty()
}

/// How many digits a text holds at most, whichever way they are said.
#[must_use]
pub fn digits_in(text: &str) -> usize {
    atoms([text]).iter().map(readings::most).sum()
}

/// A text without card numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text; what was taken out is "\[card\]", "\[expiry\]" or "\[code\]". Where nothing was, it is
    /// the text as it came.
    pub text: String,
    /// What was taken out, in order.
    pub marks: Vec<Mark>,
    /// Earlier turns whose end, as is known now, belongs to a card's number.
    pub earlier: Vec<Earlier>,
}

/// Words that were taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which, counted from 0 in the text as it came, as spaces part them.
    pub words: Range<usize>,
    /// What they held.
    pub held: Held,
}

/// What the words that were taken out have held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Held {
    /// A card's number, or a part of it, with what was said together with it.
    CardNumber,
    /// The end of a partial that may become a card's number.
    PerhapsCardNumber,
    /// Until when a card is good.
    Expiry,
    /// The three or four digits that prove that somebody has the card.
    SecurityCode,
}

/// An earlier turn that has to be redacted again. Partials of that turn, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Which of the caller's turns, counted from 0.
    pub turn: u64,
    /// All of it.
    pub text: String,
    /// All that is taken out of it, what was before included.
    pub marks: Vec<Mark>,
}

/// Takes card numbers out of what one caller says, turn after turn. It keeps the last turns, since a
/// number may go on in the next one; nothing of them shows in its `Debug`.
#[derive(Default)]
pub struct Redactor {
    last: VecDeque<Turn>,
    next: u64,
}

/// Turns over which one number may stretch.
const TURNS: usize = 8;

/// Turns after a card's number in which digits alone are taken for its date or code.
const NEAR: u64 = 4;

/// Digits at the end of a partial that are held back.
const HELD_BACK: usize = 12;

/// The same where they are called a card's. Its last four everybody says.
const HELD_BACK_IF_NAMED: usize = 5;

/// Digits that may be said in one breath behind a card's: a date with its whole year, and a code.
const WITH_CARD: usize = 10;

struct Turn {
    number: u64,
    text: String,
    marks: Vec<Mark>,
}

impl Redactor {
    /// For a call that begins.
    #[must_use]
    pub fn new() -> Redactor {
        Redactor::default()
    }

    /// Takes the next turn, as it was heard in the end.
    pub fn turn(&mut self, text: &str) -> Redacted {
        let (marks, changed) = self.look(text, Cut::Whole);
        let earlier = changed.into_iter().map(|(at, marks)| {
            let turn = &mut self.last[at];
            turn.marks = marks;
            Earlier { turn: turn.number, text: turn.redacted(), marks: turn.marks.clone() }
        });
        let earlier = earlier.collect();
        let turn = Turn { number: self.next, text: text.to_owned(), marks };
        let redacted = Redacted { text: turn.redacted(), marks: turn.marks.clone(), earlier };
        self.next += 1;
        self.last.push_back(turn);
        if self.last.len() > TURNS {
            self.last.pop_front();
        }
        redacted
    }

    /// The same for what is heard of a turn that still goes on. Twelve digits and more at its end, or five
    /// that are called a card's with a few words between, are held back, whatever they will be; nothing is
    /// remembered.
    #[must_use]
    pub fn partial(&self, text: &str) -> Redacted {
        let (marks, changed) = self.look(text, Cut::GoesOn);
        let earlier = changed.into_iter().map(|(at, marks)| {
            let Turn { number, text, .. } = &self.last[at];
            Earlier { turn: *number, text: replaced(text, &marks), marks }
        });
        let earlier = earlier.collect();
        Redacted { text: replaced(text, &marks), marks, earlier }
    }

    /// The marks of a text that follows the last turns; and which of those have new ones.
    fn look(&self, text: &str, cut: Cut) -> (Vec<Mark>, Vec<(usize, Vec<Mark>)>) {
        let all = atoms(self.last.iter().map(|turn| turn.text.as_str()).chain([text]));
        let this = self.last.len();
        let begin = all.partition_point(|atom| atom.turn < this);

        let mut found: Vec<(Range<usize>, Held)> = search::cards(&all)
            .into_iter()
            .map(|card| (details::with_digits_behind(&all, card), Held::CardNumber))
            .collect();
        if cut == Cut::GoesOn {
            found.extend(
                held_back(&all[begin..], is_named(&all))
                    .map(|at| (begin + at.start..begin + at.end, Held::PerhapsCardNumber)),
            );
        }
        let before = self.last.iter().any(|turn| {
            turn.number + NEAR >= self.next
                && turn.marks.iter().any(|mark| mark.held == Held::CardNumber)
        });
        if before || !found.is_empty() {
            found.extend(details::named(&all));
        }
        if before && let Some((at, held)) = details::alone(&all[begin..]) {
            found.push((begin + at.start..begin + at.end, held));
        }

        let mut marks: Vec<Vec<Mark>> = self.last.iter().map(|turn| turn.marks.clone()).collect();
        marks.push(Vec::new());
        for (range, held) in found {
            for part in all[range].chunk_by(|a, b| a.turn == b.turn) {
                mark(&mut marks[part[0].turn], part, held);
            }
        }
        let own = marks.pop().unwrap_or_default();
        let changed = marks.into_iter().enumerate();
        (own, changed.filter(|(at, marks)| *marks != self.last[*at].marks).collect())
    }
}

/// Whether a text is all that was said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Whole,
    GoesOn,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("turns", &self.next).finish_non_exhaustive()
    }
}

impl Turn {
    fn redacted(&self) -> String {
        replaced(&self.text, &self.marks)
    }
}

/// Marks what of one turn's atoms may be digits, in one piece with what it touches.
fn mark(marks: &mut Vec<Mark>, atoms: &[Atom], held: Held) {
    let is_number = |atom: &&Atom| {
        let besides = matches!(held, Held::Expiry | Held::SecurityCode);
        besides || readings::most(atom) > 0 || matches!(atom.kind, Kind::Times(_))
    };
    let mut saying = atoms.iter().filter(is_number);
    let Some(first) = saying.next() else { return };
    let last = saying.next_back().unwrap_or(first);
    let mut words = first.word..last.word + 1;
    let mut held = held;
    marks.retain(|mark| {
        let apart = mark.words.end <= words.start || words.end <= mark.words.start;
        if !apart {
            words = words.start.min(mark.words.start)..words.end.max(mark.words.end);
            if mark.held == Held::CardNumber {
                held = mark.held;
            }
        }
        apart
    });
    let at = marks.partition_point(|mark| mark.words.start < words.start);
    marks.insert(at, Mark { words, held });
}

/// The digits at the end of a partial, if they are many.
fn held_back(atoms: &[Atom], named: bool) -> Option<Range<usize>> {
    let (tail, least) = match named {
        true => (digits_between_words(atoms), HELD_BACK_IF_NAMED),
        false => (digits_at_end(atoms), HELD_BACK),
    };
    let digits: usize = atoms[tail.clone()].iter().map(readings::most).sum();
    (digits >= least).then_some(tail)
}

/// The same where a misheard digit may be a few words.
fn digits_between_words(atoms: &[Atom]) -> Range<usize> {
    let (mut start, mut words) = (atoms.len(), 0);
    for (at, atom) in atoms.iter().enumerate().rev() {
        match atom.kind {
            Kind::Unit | Kind::Elsewhere => break,
            Kind::Other => words += 1,
            _ if readings::most(atom) > 0 => (start, words) = (at, 0),
            _ => {}
        }
        if words > search::WORDS {
            break;
        }
    }
    start..atoms.len()
}

/// Whether the last of this speaks of a card.
fn is_named(atoms: &[Atom]) -> bool {
    let is_card = |atom: &Atom| atoms::CARDS.contains(&atom.text.as_str());
    atoms[atoms.len().saturating_sub(atoms::LONGEST_SAID)..].iter().any(is_card)
}

/// What may be digits, from somewhere to the end; empty if the end is none.
fn digits_at_end(atoms: &[Atom]) -> Range<usize> {
    let goes_on = |atom: &&Atom| !matches!(atom.kind, Kind::Other | Kind::Unit | Kind::Elsewhere);
    let tail = atoms.iter().rev().take_while(goes_on);
    let start = atoms.len() - tail.clone().count();
    match tail.map(readings::most).any(|most| most > 0) {
        true => start..atoms.len(),
        false => atoms.len()..atoms.len(),
    }
}

/// `text` with what is marked replaced.
fn replaced(text: &str, marks: &[Mark]) -> String {
    if marks.is_empty() {
        return text.to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    for (at, word) in text.split_whitespace().enumerate() {
        let Some(mark) = marks.iter().find(|mark| mark.words.contains(&at)) else {
            parts.push(word.to_owned());
            continue;
        };
        if at + 1 == mark.words.end {
            let held = match mark.held {
                Held::CardNumber | Held::PerhapsCardNumber => "[card]",
                Held::Expiry => "[expiry]",
                Held::SecurityCode => "[code]",
            };
            let sign = word.chars().next_back().filter(|c| ".,;:!?".contains(*c));
            parts.push(held.chars().chain(sign).collect());
        }
    }
    parts.join(" ")
}
