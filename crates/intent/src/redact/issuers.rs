//! How the numbers of payment cards begin and end: ISO/IEC 7812-1 for the check digit and the
//! length, and for who issues what the ranges that the networks publish to merchants.

/// The shortest card number that is looked for, in digits.
pub(super) const SHORTEST: usize = 13;

/// The longest (ISO/IEC 7812-1).
pub(super) const LONGEST: usize = 19;

/// Digits of a number that tell its issuer.
pub(super) const PREFIX: usize = 6;

/// Numbers that begin alike.
struct Range {
    first: u32,
    last: u32,
    /// Digits of `first` and `last`.
    digits: usize,
    lengths: std::ops::RangeInclusive<usize>,
    /// How long nearly all of them are.
    usual: usize,
}

const fn range(
    first: u32,
    last: u32,
    digits: usize,
    lengths: std::ops::RangeInclusive<usize>,
    usual: usize,
) -> Range {
    Range { first, last, digits, lengths, usual }
}

#[rustfmt::skip]
const RANGES: [Range; 24] = [
    // Visa.
    range(4, 4, 1, 16..=19, 16), range(4, 4, 1, 13..=13, 16),
    // Mastercard.
    range(51, 55, 2, 16..=16, 16), range(2221, 2720, 4, 16..=16, 16),
    // American Express.
    range(34, 34, 2, 15..=15, 15), range(37, 37, 2, 15..=15, 15),
    // Discover.
    range(6011, 6011, 4, 16..=19, 16), range(644, 649, 3, 16..=19, 16), range(65, 65, 2, 16..=19, 16),
    // JCB, today's and the old ones.
    range(3528, 3589, 4, 16..=19, 16), range(2131, 2131, 4, 15..=15, 15), range(1800, 1800, 4, 15..=15, 15),
    // Diners Club.
    range(300, 305, 3, 14..=19, 14), range(3095, 3095, 4, 14..=19, 14), range(36, 36, 2, 14..=19, 14),
    range(38, 39, 2, 14..=19, 14),
    // UnionPay.
    range(62, 62, 2, 16..=19, 16), range(81, 81, 2, 16..=19, 16),
    // Maestro.
    range(50, 50, 2, 13..=19, 16), range(56, 59, 2, 13..=19, 16), range(63, 63, 2, 13..=19, 16),
    range(67, 67, 2, 13..=19, 16),
    // Mir, RuPay.
    range(2200, 2204, 4, 16..=19, 16), range(60, 60, 2, 16..=16, 16),
];

/// How well a number's beginning and length go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// An issuer has such numbers.
    Possible,
    /// And nearly all of its numbers are so long.
    Usual,
}

/// What `len` digits that begin with the six of `prefix` are.
pub(super) fn fit(prefix: u32, len: usize) -> Option<Fit> {
    let begins = |range: &&Range| {
        let head = prefix / 10_u32.pow((PREFIX - range.digits) as u32);
        (range.first..=range.last).contains(&head) && range.lengths.contains(&len)
    };
    let usual = |range: &Range| if range.usual == len { Fit::Usual } else { Fit::Possible };
    RANGES.iter().filter(begins).map(usual).max()
}

/// How many digits more or fewer than it has a recogniser may hear of a number.
const MISHEARD: usize = 3;

/// Lengths that the numbers of most cards have when one digit was lost or doubled, the first one perhaps.
const MOST_MISHEARD: std::ops::RangeInclusive<usize> = 15..=17;

/// Whether `len` digits that begin with the six of `prefix` may be a number that was misheard.
pub(super) fn nearly_fit(prefix: u32, len: usize) -> bool {
    let near = len.saturating_sub(MISHEARD)..=len + MISHEARD;
    MOST_MISHEARD.contains(&len) || near.into_iter().any(|len| fit(prefix, len).is_some())
}

/// Whether some card begins with this digit.
pub(super) fn may_begin(digit: u8) -> bool {
    (1..=6).contains(&digit) || digit == 8
}

/// The sum of a number's digits as Luhn's formula has it (ISO/IEC 7812-1, annex B), digit by digit,
/// while nobody knows yet how many there will be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Luhn {
    /// Modulo 10, if the number has an even count of digits.
    even: u8,
    /// If it has an odd one.
    odd: u8,
}

impl Luhn {
    /// Takes the digit that has `before` others before it.
    pub(super) fn push(&mut self, digit: u8, before: usize) {
        let doubled = 2 * digit / 10 + 2 * digit % 10;
        let (even, odd) =
            if before.is_multiple_of(2) { (doubled, digit) } else { (digit, doubled) };
        self.even = (self.even + even) % 10;
        self.odd = (self.odd + odd) % 10;
    }

    /// Whether `len` digits end with the right one.
    pub(super) fn holds(self, len: usize) -> bool {
        (if len.is_multiple_of(2) { self.even } else { self.odd }) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: &str) -> (Option<Fit>, bool) {
        let mut luhn = Luhn::default();
        number.bytes().enumerate().for_each(|(at, digit)| luhn.push(digit - b'0', at));
        (fit(number[..PREFIX].parse().unwrap(), number.len()), luhn.holds(number.len()))
    }

    #[test]
    fn the_networks_numbers_for_tests_are_cards() {
        for number in [
            "4111111111111111",
            "4012888888881881",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "371449635398431",
            "6011111111111117",
            "3530111333300000",
            "30569309025904",
            "38520000023237",
            "6759649826438453",
            "6205500000000000004",
        ] {
            let (fit, luhn) = check(number);
            assert!(fit.is_some() && luhn, "{number}: {fit:?}, {luhn}");
        }
        assert_eq!(check("4222222222222"), (Some(Fit::Possible), true));
        assert_eq!(check("4111111111111112"), (Some(Fit::Usual), false));
        assert_eq!(check("9111111111111111").0, None);
        assert_eq!(check("411111111111111").0, None, "none of 15 digits");
    }
}
