//! Digits of a card: wiped from memory when they are dropped, and printed as dots.

use std::fmt;

use serde::{Deserialize, Serialize};

use zeroize::Zeroizing;

/// What is taken of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum CardItem {
    /// The number on its front.
    Number,
    /// The month and year of its expiry, four digits: `0927`.
    Expiry,
    /// The three or four digits on its back.
    Cvc,
}

/// Digits that a caller has keyed in within a zone. They print as dots, compare by what can be seen, and are wiped.
/// Stored, they are forgotten.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "Forgotten", from = "Forgotten")]
pub struct Secret {
    digits: Zeroizing<String>,
    count: usize,
    plausible: bool,
}

impl Secret {
    /// Takes the digits of `item`; other characters are left out.
    #[must_use]
    pub fn new(item: CardItem, keyed: &str) -> Self {
        // As long as it can become, so that no copy stays behind where it grew.
        let mut digits = Zeroizing::new(String::with_capacity(keyed.len()));
        digits.extend(keyed.chars().filter(char::is_ascii_digit));
        let plausible = item.may_be(&digits);
        Self { count: digits.len(), digits, plausible }
    }

    /// One that stands for digits which nobody kept: for the replay of a call.
    #[must_use]
    pub fn forgotten(count: usize, plausible: bool) -> Self {
        Self { digits: Zeroizing::default(), count, plausible }
    }

    /// The digits; empty if they are forgotten.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.digits
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether they can be what was asked for, as far as their number, the check digit or the month tell.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        self.plausible
    }
}

impl CardItem {
    /// How the payment's lookup calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "card",
            Self::Expiry => "expiry",
            Self::Cvc => "cvc",
        }
    }

    /// How many digits it has, at least and at most.
    #[must_use]
    pub fn length(self) -> (usize, usize) {
        match self {
            Self::Number => (13, 19),
            Self::Expiry => (4, 4),
            Self::Cvc => (3, 4),
        }
    }

    fn may_be(self, digits: &str) -> bool {
        let (least, most) = self.length();
        (least..=most).contains(&digits.len())
            && match self {
                Self::Number => passes_luhn(digits),
                Self::Expiry => {
                    digits[..2].parse().is_ok_and(|month: u8| (1..=12).contains(&month))
                }
                Self::Cvc => true,
            }
    }
}

/// Whether the check digit is right (ISO/IEC 7812-1, annex B).
fn passes_luhn(digits: &str) -> bool {
    let digits = digits.bytes().rev().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => digit,
            _ if digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// What is stored of digits.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forgotten {
    count: usize,
    plausible: bool,
}

impl From<Secret> for Forgotten {
    fn from(secret: Secret) -> Self {
        Self { count: secret.count, plausible: secret.plausible }
    }
}

impl From<Forgotten> for Secret {
    fn from(Forgotten { count, plausible }: Forgotten) -> Self {
        Self::forgotten(count, plausible)
    }
}

/// Dots, as many as there are digits.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..self.count).try_for_each(|_| f.write_str("•"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        (self.count, self.plausible) == (other.count, other.plausible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_print_as_dots() {
        let secret = Secret::new(CardItem::Number, "4111 1111 1111 1111");
        assert_eq!(secret.reveal(), "4111111111111111");
        for printed in [format!("{secret}"), format!("{secret:?}"), format!("{:#?}", Some(&secret))]
        {
            assert!(printed.contains("••••••••••••••••") && !printed.contains('1'), "{printed}");
        }
        assert_eq!(secret, Secret::forgotten(16, true));
        let stored = serde_json::to_string(&secret).expect("it can be stored");
        assert_eq!(stored, r#"{"count":16,"plausible":true}"#);
        assert_eq!(serde_json::from_str::<Secret>(&stored).expect("and read"), secret);
    }

    #[test]
    fn a_slip_is_seen() {
        for (item, digits, plausible) in [
            (CardItem::Number, "4111111111111111", true),
            (CardItem::Number, "4111111111111112", false),
            (CardItem::Number, "4222222222222", true),
            (CardItem::Number, "42", false),
            (CardItem::Expiry, "0927", true),
            (CardItem::Expiry, "1327", false),
            (CardItem::Cvc, "123", true),
            (CardItem::Cvc, "12", false),
        ] {
            assert_eq!(Secret::new(item, digits).is_plausible(), plausible, "{item:?} {digits}");
        }
    }
}
