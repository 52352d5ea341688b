//! Numbers in English words.

use crate::numerals::{SMALL, TENS};

const SCALES: [(u64, &str); 6] = [
    (1_000_000_000_000_000_000, "quintillion"),
    (1_000_000_000_000_000, "quadrillion"),
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];
/// Ordinals that are not the cardinal with "th".
const ORDINALS: [(&str, &str); 8] = [
    ("one", "first"),
    ("two", "second"),
    ("three", "third"),
    ("five", "fifth"),
    ("eight", "eighth"),
    ("nine", "ninth"),
    ("twelve", "twelfth"),
    ("y", "ieth"),
];

/// "one hundred five".
pub(super) fn cardinal(number: u64) -> String {
    if let Some((scale, name)) = SCALES.into_iter().find(|(scale, _)| number >= *scale) {
        let rest = number % scale;
        return joined(format!("{} {name}", cardinal(number / scale)), rest);
    }
    if number >= 100 {
        return joined(format!("{} hundred", cardinal(number / 100)), number % 100);
    }
    match SMALL.get(number as usize) {
        Some(small) => (*small).to_owned(),
        None => joined(TENS[number as usize / 10].to_owned(), number % 10),
    }
}

fn joined(words: String, rest: u64) -> String {
    if rest == 0 { words } else { format!("{words} {}", cardinal(rest)) }
}

/// "twenty first".
pub(super) fn ordinal(number: u64) -> String {
    let words = cardinal(number);
    for (end, ordinal) in ORDINALS {
        if let Some(start) = words.strip_suffix(end) {
            return format!("{start}{ordinal}");
        }
    }
    words + "th"
}

/// "nineteen oh five", "two thousand eight", "twenty twenty six".
pub(super) fn year(year: u64) -> String {
    let (century, rest) = (year / 100, year % 100);
    match (century, rest) {
        (10 | 20, 0..10) => cardinal(year),
        (_, 0) => format!("{} hundred", cardinal(century)),
        (_, 1..10) => format!("{} oh {}", cardinal(century), cardinal(rest)),
        _ => format!("{} {}", cardinal(century), cardinal(rest)),
    }
}

/// Digit by digit; anything else in `text` is left out.
pub(super) fn digits(text: &str) -> String {
    let words: Vec<&str> =
        text.chars().filter_map(|c| c.to_digit(10)).map(|digit| SMALL[digit as usize]).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_they_are() {
        for (number, said) in [
            (0, "zero"),
            (13, "thirteen"),
            (40, "forty"),
            (99, "ninety nine"),
            (105, "one hundred five"),
            (1_000, "one thousand"),
            (12_021, "twelve thousand twenty one"),
            (2_000_001, "two million one"),
        ] {
            assert_eq!(cardinal(number), said);
        }
        assert!(cardinal(u64::MAX).starts_with("eighteen quintillion"));
        for (number, said) in [
            (1, "first"),
            (5, "fifth"),
            (12, "twelfth"),
            (20, "twentieth"),
            (42, "forty second"),
            (100, "one hundredth"),
        ] {
            assert_eq!(ordinal(number), said);
        }
        for (number, said) in [
            (1905, "nineteen oh five"),
            (2008, "two thousand eight"),
            (1900, "nineteen hundred"),
            (2026, "twenty twenty six"),
        ] {
            assert_eq!(year(number), said);
        }
    }
}
