//! Slots whose values nobody can list: how numbers, sums, days and times are said, and what they come to.
//!
//! Each builder writes the ways of saying a value into the graph, with pieces of the value along the way;
//! [`value`] puts the pieces of a path together.

use super::domain::{Length, SlotKind};
use super::graph::{Builder, State};
use crate::numerals;
use crate::sounds::pronunciations;

/// Says `words` after `from`, and adds `piece` to the value.
fn say(b: &mut Builder, from: State, words: &str, piece: &'static str) -> State {
    let said = words.split(' ').fold(from, |at, word| b.word(at, word, &pronunciations(word)));
    if piece.is_empty() { said } else { b.piece(said, piece) }
}

/// Says one of `words`, each of which is its own piece.
fn one_of(b: &mut Builder, from: State, words: impl IntoIterator<Item = &'static str>) -> State {
    let ends: Vec<State> = words.into_iter().map(|word| say(b, from, word, word)).collect();
    b.join(&ends)
}

/// Says `words`, or leaves them out.
fn perhaps(b: &mut Builder, from: State, words: &[&str]) -> State {
    let mut ends = vec![from];
    ends.extend(words.iter().map(|words| say(b, from, words, "")));
    b.join(&ends)
}

/// A place in a row of characters, each of which may add one or several.
struct Row {
    /// What leads to each length.
    arriving: Vec<Vec<State>>,
    least: usize,
}

impl Row {
    fn new(from: State, length: Length) -> Row {
        let mut arriving = vec![Vec::new(); length.most + 1];
        arriving[0].push(from);
        Row { arriving, least: length.least }
    }

    fn arrive(&mut self, length: usize, state: State) {
        if let Some(states) = self.arriving.get_mut(length) {
            states.push(state);
        }
    }

    /// Builds what may follow each length, and joins the lengths that are enough.
    fn build(
        mut self,
        b: &mut Builder,
        mut follow: impl FnMut(&mut Builder, &mut Row, usize, State),
    ) -> State {
        let mut ends = Vec::new();
        for length in 0..self.arriving.len() {
            let at = b.join(&std::mem::take(&mut self.arriving[length]));
            if length >= self.least.max(1) {
                ends.push(at);
            }
            if length + 1 < self.arriving.len() {
                follow(b, &mut self, length, at);
            }
        }
        b.join(&ends)
    }
}

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// One digit after `from`, said by its name or by one of its others; each adds its piece of `pieces`.
fn digit(b: &mut Builder, from: State, pieces: &[&'static str; 10]) -> State {
    let mut ends: Vec<State> =
        (0..10).map(|digit| say(b, from, numerals::small(digit), pieces[digit])).collect();
    ends.extend(["oh", "nought"].map(|zero| say(b, from, zero, pieces[0])));
    b.join(&ends)
}

pub(super) fn digits(b: &mut Builder, from: State, length: Length) -> State {
    Row::new(from, length).build(b, |b, row, length, at| {
        digits_after(b, row, length, at);
        // "forty twenty-one", "four hundred", "two thousand".
        for (teen, piece) in TWO_DIGITS.iter().enumerate().take(20).skip(10) {
            let end = say(b, at, numerals::small(teen), piece);
            row.arrive(length + 2, end);
        }
        let tens: Vec<State> =
            (2..10).map(|tens| say(b, at, numerals::tens(tens), DIGITS[tens])).collect();
        let tens = b.join(&tens);
        let round = b.piece(tens, "0");
        let ones: Vec<State> =
            (1..10).map(|digit| say(b, tens, numerals::small(digit), DIGITS[digit])).collect();
        row.arrive(length + 2, round);
        ones.into_iter().for_each(|end| row.arrive(length + 2, end));
    })
}

fn digits_after(b: &mut Builder, row: &mut Row, length: usize, at: State) {
    const DOUBLE: [&str; 10] = ["00", "11", "22", "33", "44", "55", "66", "77", "88", "99"];
    const TRIPLE: [&str; 10] =
        ["000", "111", "222", "333", "444", "555", "666", "777", "888", "999"];
    let single = digit(b, at, &DIGITS);
    row.arrive(length + 1, single);
    let hundred = say(b, single, "hundred", "00");
    row.arrive(length + 3, hundred);
    let thousand = say(b, single, "thousand", "000");
    row.arrive(length + 4, thousand);
    let double = say(b, at, "double", "");
    let double = digit(b, double, &DOUBLE);
    row.arrive(length + 2, double);
    let triple = say(b, at, "triple", "");
    let triple = digit(b, triple, &TRIPLE);
    row.arrive(length + 3, triple);
}

pub(super) fn code(b: &mut Builder, from: State, length: Length) -> State {
    Row::new(from, length).build(b, |b, row, length, at| {
        let single = digit(b, at, &DIGITS);
        row.arrive(length + 1, single);
        let mut ends = Vec::new();
        for (letter, name, spelling) in LETTERS {
            let said = b.word(at, letter, &letter_names(name));
            let word = b.word(at, spelling, &pronunciations(spelling));
            // "s as in sierra", "s for sierra", and "sierra" alone.
            let joint: Vec<State> =
                ["as in", "like", "for"].iter().map(|joint| say(b, said, joint, "")).collect();
            let joint = b.join(&joint);
            let explained = b.word(joint, spelling, &pronunciations(spelling));
            let any = b.join(&[said, word, explained]);
            ends.push(b.piece(any, letter));
        }
        let letter = b.join(&ends);
        row.arrive(length + 1, letter);
    })
}

/// The name of a letter, never the word that it may also be.
fn letter_names(name: &str) -> Vec<Vec<crate::sounds::Phoneme>> {
    let ways = pronunciations(name);
    if name == "a" { ways.into_iter().skip(1).collect() } else { ways }
}

/// Piece, letter, and its word in the spelling alphabet of radio and aviation.
#[rustfmt::skip]
const LETTERS: [(&str, &str, &str); 26] = [
    ("A", "a", "alpha"), ("B", "b", "bravo"), ("C", "c", "charlie"), ("D", "d", "delta"),
    ("E", "e", "echo"), ("F", "f", "foxtrot"), ("G", "g", "golf"), ("H", "h", "hotel"),
    ("I", "i", "india"), ("J", "j", "juliet"), ("K", "k", "kilo"), ("L", "l", "lima"),
    ("M", "m", "mike"), ("N", "n", "november"), ("O", "o", "oscar"), ("P", "p", "papa"),
    ("Q", "q", "quebec"), ("R", "r", "romeo"), ("S", "s", "sierra"), ("T", "t", "tango"),
    ("U", "u", "uniform"), ("V", "v", "victor"), ("W", "w", "whiskey"), ("X", "x", "xray"),
    ("Y", "y", "yankee"), ("Z", "z", "zulu"),
];

/// 1 to 99.
fn below_hundred(b: &mut Builder, from: State) -> State {
    let small = one_of(b, from, (1..20).map(numerals::small));
    let tens = one_of(b, from, (2..10).map(numerals::tens));
    let ones = one_of(b, tens, (1..10).map(numerals::small));
    b.join(&[small, tens, ones])
}

/// 1 to 1999, in hundreds and what is left: "a hundred and five", "fifteen hundred".
fn below_thousand(b: &mut Builder, from: State) -> State {
    let a = say(b, from, "a", "");
    let count = one_of(b, from, (1..20).map(numerals::small));
    let count = b.join(&[a, count]);
    let hundreds = say(b, count, "hundred", "hundred");
    let and = perhaps(b, hundreds, &["and"]);
    let rest = below_hundred(b, and);
    let alone = below_hundred(b, from);
    b.join(&[hundreds, rest, alone])
}

pub(super) fn number(b: &mut Builder, from: State) -> State {
    let zero = say(b, from, "zero", "zero");
    let mut ends = vec![zero];
    let mut at = from;
    for unit in ["million", "thousand"] {
        let count = below_thousand(b, at);
        let a = say(b, at, "a", "");
        let count = b.join(&[count, a]);
        let said = say(b, count, unit, unit);
        ends.push(said);
        let and = perhaps(b, said, &["and"]);
        at = b.join(&[at, and]);
    }
    ends.push(below_thousand(b, at));
    b.join(&ends)
}

pub(super) fn money(b: &mut Builder, from: State) -> State {
    let whole = number(b, from);
    let units: Vec<State> =
        CURRENCIES.iter().map(|(said, piece)| say(b, whole, said, piece)).collect();
    let unit = b.join(&units);
    let and = perhaps(b, unit, &["and"]);
    let dot = b.piece(and, ".");
    let part = below_hundred(b, dot);
    let part = perhaps(b, part, &["cents", "pence", "cent"]);
    let point = say(b, whole, "point", ".");
    let decimals = below_hundred(b, point);
    let units: Vec<State> =
        CURRENCIES.iter().map(|(said, piece)| say(b, decimals, said, piece)).collect();
    let after_decimals = b.join(&units);
    let dot = b.piece(from, ".");
    let cents = below_hundred(b, dot);
    let cents = one_of(b, cents, ["cents", "pence"]);
    b.join(&[unit, part, after_decimals, cents])
}

const CURRENCIES: [(&str, &str); 9] = [
    ("dollars", "dollars"),
    ("dollar", "dollars"),
    ("bucks", "dollars"),
    ("pounds", "pounds"),
    ("pound", "pounds"),
    ("quid", "pounds"),
    ("euros", "euros"),
    ("euro", "euros"),
    ("francs", "francs"),
];

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

const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const TWO_DIGITS: [&str; 60] = [
    "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15",
    "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31",
    "32", "33", "34", "35", "36", "37", "38", "39", "40", "41", "42", "43", "44", "45", "46", "47",
    "48", "49", "50", "51", "52", "53", "54", "55", "56", "57", "58", "59",
];

pub(super) fn date(b: &mut Builder, from: State) -> State {
    let words = ["today", "tomorrow", "tonight", "yesterday"];
    let near = one_of(b, from, words);
    let after = say(b, from, "day after tomorrow", "day after tomorrow");
    let which = one_of(b, from, ["next", "this", "last"]);
    let weekday_start = b.join(&[from, which]);
    let weekday = one_of(b, weekday_start, WEEKDAYS);
    let other = one_of(b, which, ["week", "month", "weekend"]);
    // A weekday before a date adds nothing to it.
    let skipped: Vec<State> = WEEKDAYS.iter().map(|day| say(b, from, day, "")).collect();
    let skipped = b.join(&skipped);
    let start = b.join(&[from, skipped]);
    let the = perhaps(b, start, &["the"]);
    // "the third of may", and "may the third".
    let day_first = b.piece(the, "day");
    let day_first = day_of_month(b, day_first, false);
    let of = perhaps(b, day_first, &["of"]);
    let day_then_month = month(b, of);
    let month_first = month(b, start);
    let the = perhaps(b, month_first, &["the"]);
    let day = b.piece(the, "day");
    let month_then_day = day_of_month(b, day, true);
    let day_alone = b.piece(day_first, "alone");
    let full = b.join(&[day_then_month, month_then_day]);
    let year = b.piece(full, "year");
    let year = year_after(b, year);
    b.join(&[near, after, weekday, other, day_alone, full, year])
}

fn month(b: &mut Builder, from: State) -> State {
    let ends: Vec<State> = MONTHS
        .iter()
        .enumerate()
        .map(|(at, month)| {
            let said = b.piece(from, "month");
            say(b, said, month, TWO_DIGITS[at + 1])
        })
        .collect();
    b.join(&ends)
}

/// "third", and "three" where a month stands before it.
fn day_of_month(b: &mut Builder, from: State, cardinals: bool) -> State {
    let mut ends = Vec::new();
    for (day, piece) in TWO_DIGITS.iter().enumerate().take(32).skip(1) {
        ends.push(say(b, from, &numerals::ordinal(day).join(" "), piece));
        if cardinals {
            ends.push(say(b, from, &numerals::cardinal(day as u64).join(" "), piece));
        }
    }
    b.join(&ends)
}

/// "twenty twenty-six", "nineteen eighty-four", "two thousand and three".
fn year_after(b: &mut Builder, from: State) -> State {
    let mut ends = Vec::new();
    let nineteen = say(b, from, "nineteen", "19");
    let twenty = say(b, from, "twenty", "20");
    let century = b.join(&[nineteen, twenty]);
    ends.extend((10..20).map(|n| say(b, century, numerals::small(n), TWO_DIGITS[n])));
    for (tens, piece) in DIGITS.iter().enumerate().skip(2) {
        let said = say(b, century, numerals::tens(tens), piece);
        ends.push(b.piece(said, "0"));
        ends.extend((1..10).map(|n| say(b, said, numerals::small(n), DIGITS[n])));
    }
    let oh = say(b, century, "oh", "0");
    ends.extend((1..10).map(|n| say(b, oh, numerals::small(n), DIGITS[n])));
    let thousand = say(b, from, "two thousand", "20");
    let and = perhaps(b, thousand, &["and"]);
    ends.extend((1..20).map(|n| say(b, and, numerals::small(n), TWO_DIGITS[n])));
    let twenties = say(b, and, "twenty", "2");
    ends.extend((1..10).map(|n| say(b, twenties, numerals::small(n), DIGITS[n])));
    b.join(&ends)
}

pub(super) fn time(b: &mut Builder, from: State) -> State {
    let noon = say(b, from, "noon", "12:00");
    let midday = say(b, from, "midday", "12:00");
    let midnight = say(b, from, "midnight", "0:00");
    // "ten past three", "quarter to four", "half past three".
    let mut ends = Vec::new();
    for (minutes, words) in [
        (5, "five"),
        (10, "ten"),
        (15, "quarter"),
        (20, "twenty"),
        (25, "twenty five"),
        (30, "half"),
    ] {
        let a = perhaps(b, from, if minutes == 15 { &["a"] } else { &[] });
        let said = say(b, a, words, TWO_DIGITS[minutes]);
        for (joint, piece) in [("past", "past"), ("after", "past"), ("to", "to"), ("before", "to")]
        {
            ends.push(say(b, said, joint, piece));
        }
    }
    let relative = b.join(&ends);
    let relative = hour(b, relative);
    let whole = hour(b, from);
    let clock = say(b, whole, "o'clock", "");
    let hundred = say(b, whole, "hundred", "");
    // "three thirty", "three oh five".
    let mut ends = Vec::new();
    for (minute, piece) in TWO_DIGITS.iter().enumerate().skip(1) {
        let words = match minute {
            1..10 => format!("oh {}", numerals::small(minute)),
            _ => numerals::cardinal(minute as u64).join(" "),
        };
        ends.push(say(b, whole, &words, piece));
    }
    let minutes = b.join(&ends);
    let said = b.join(&[relative, whole, clock, hundred, minutes]);
    let mut halves = vec![said];
    for (words, piece) in [
        ("a m", "am"),
        ("p m", "pm"),
        ("in the morning", "am"),
        ("in the afternoon", "pm"),
        ("in the evening", "pm"),
        ("at night", "pm"),
    ] {
        halves.push(say(b, said, words, piece));
    }
    let said = b.join(&halves);
    b.join(&[noon, midday, midnight, said])
}

fn hour(b: &mut Builder, from: State) -> State {
    let ends: Vec<State> = (0..24)
        .map(|hour| {
            let marked = b.piece(from, "hour");
            say(b, marked, &numerals::cardinal(hour as u64).join(" "), TWO_DIGITS[hour])
        })
        .collect();
    b.join(&ends)
}

/// The value that the pieces of a path come to; none if they are no value, such as the 31st of June.
pub(super) fn value(kind: &SlotKind, pieces: &[&str]) -> Option<String> {
    match kind {
        SlotKind::Values(_) | SlotKind::People(_) => None,
        SlotKind::Digits(_) | SlotKind::Code(_) => Some(pieces.concat()),
        SlotKind::Number => Some(numerals::value(pieces.iter().copied())?.to_string()),
        SlotKind::Money => money_value(pieces),
        SlotKind::Date => date_value(pieces),
        SlotKind::Time => time_value(pieces),
    }
}

fn money_value(pieces: &[&str]) -> Option<String> {
    let is_unit = |piece: &&str| CURRENCIES.iter().any(|(_, unit)| unit == piece);
    let unit = pieces.iter().copied().find(is_unit);
    let mut halves = pieces.split(|piece| *piece == ".");
    let amount = |half: Option<&[&str]>| {
        let words = half.unwrap_or_default().iter().copied();
        numerals::value(words.filter(|word| !is_unit(word) && !["cents", "pence"].contains(word)))
    };
    let (whole, part) = (amount(halves.next()), amount(halves.next()));
    let small = pieces.last().filter(|piece| ["cents", "pence"].contains(piece));
    let unit = unit.or(small.copied())?;
    Some(match (whole, part) {
        (Some(whole), Some(part)) => format!("{whole}.{part:02} {unit}"),
        (Some(whole), None) => format!("{whole} {unit}"),
        (None, part) => format!("{} {unit}", part?),
    })
}

fn date_value(pieces: &[&str]) -> Option<String> {
    let after = |name| {
        let at = pieces.iter().position(|piece| *piece == name)?;
        Some(
            pieces[at + 1..]
                .iter()
                .take_while(|piece| piece.starts_with(|c: char| c.is_ascii_digit())),
        )
    };
    let text = |name| after(name).map(|pieces| pieces.copied().collect::<String>());
    let (day, month, year) = (text("day"), text("month"), text("year"));
    match (day, month) {
        (Some(day), Some(month)) => {
            const DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            let at: usize = month.parse().ok()?;
            let possible = day.parse::<u32>().ok()? <= *DAYS.get(at.checked_sub(1)?)?;
            let year = year.filter(|year| year.len() == 4).unwrap_or_else(|| "-".to_owned());
            possible.then(|| format!("{year}-{month}-{day}"))
        }
        (Some(day), None) => Some(format!("---{day}")),
        _ => Some(pieces.join(" ")),
    }
}

fn time_value(pieces: &[&str]) -> Option<String> {
    if let [whole] = pieces {
        return Some((*whole).to_owned());
    }
    let at = pieces.iter().position(|piece| *piece == "hour")?;
    let hour: u32 = pieces.get(at + 1)?.parse().ok()?;
    let before = pieces[..at].first().and_then(|minutes| minutes.parse::<u32>().ok());
    let after = pieces.get(at + 2).and_then(|minutes| minutes.parse::<u32>().ok());
    let (mut hour, minute) = match (before, pieces[..at].get(1).copied()) {
        (Some(minutes), Some("to")) => ((hour + 23) % 24, 60 - minutes),
        (Some(minutes), _) => (hour, minutes),
        (None, _) => (hour, after.unwrap_or(0)),
    };
    match pieces.last().copied() {
        Some("pm") if hour < 12 => hour += 12,
        Some("am") if hour == 12 => hour = 0,
        _ => {}
    }
    Some(format!("{hour}:{minute:02}"))
}
