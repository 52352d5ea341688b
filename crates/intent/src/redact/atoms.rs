//! A text in pieces: which of them are digits, which may be, and which people say between them.

use crate::numerals;

/// The least piece of a text: letters, or digits, without anything between.
#[derive(Debug)]
pub(super) struct Atom {
    /// The turn, by its place among those that are looked at.
    pub(super) turn: usize,
    /// The word of the turn, as spaces part them.
    pub(super) word: usize,
    /// In lower case.
    pub(super) text: String,
    pub(super) kind: Kind,
    /// Whether a sign or the end of a turn stands before it.
    pub(super) apart: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Written digits.
    Digits,
    /// A word of a number.
    Number(&'static str),
    /// A word that sounds like one.
    SoundsLike(&'static str),
    /// "double": as many times the next digit.
    Times(usize),
    /// "ones": a digit of which several come.
    Many(u8),
    /// Says nothing.
    Filler,
    /// What was said just before was wrong.
    Correction,
    /// What is counted was no card's digits: dollars.
    Unit,
    /// Names another kind of number.
    Elsewhere,
    Other,
}

impl Kind {
    /// Whether it is digits and nothing else.
    pub(super) fn is_digits(self) -> bool {
        matches!(self, Kind::Digits | Kind::Number(_) | Kind::Many(_))
    }
}

/// Atoms within which a card's number is said, from the word that calls it so.
pub(super) const LONGEST_SAID: usize = 30;

/// The atoms of turns that follow each other.
pub(super) fn atoms<'a>(turns: impl IntoIterator<Item = &'a str>) -> Vec<Atom> {
    let turns = turns.into_iter().enumerate();
    let mut atoms: Vec<Atom> = turns.flat_map(|(turn, text)| atoms_of(turn, text)).collect();
    let is_card = |atom: &Atom| CARDS.contains(&atom.text.as_str());
    for at in 1..atoms.len() {
        let one = atoms[at - 1].text == "one";
        match atoms[at].text.as_str() {
            "moment" | "sec" | "minute" if one => {
                atoms[at - 1].kind = Kind::Filler;
                atoms[at].kind = Kind::Filler;
            }
            "second" if one => atoms[at - 1].kind = Kind::SoundsLike("one"),
            // Between two numbers it parts them; in one that is called a card's it is a misheard digit.
            "or" if atoms[at.saturating_sub(LONGEST_SAID)..at].iter().any(is_card) => {
                atoms[at].kind = Kind::SoundsLike("four");
            }
            _ => {}
        }
    }
    atoms
}

fn atoms_of(turn: usize, text: &str) -> Vec<Atom> {
    let mut atoms: Vec<Atom> = Vec::new();
    let mut apart = true;
    for (word, raw) in text.split_whitespace().enumerate() {
        let mut joined = false;
        for c in raw.chars() {
            let piece = match digit(c) {
                Some(digit) => Some((true, char::from(b'0' + digit))),
                None if c.is_alphabetic() => Some((false, c)),
                // An apostrophe parts nothing.
                None if c == '\'' || c == '’' => continue,
                None => None,
            };
            let Some((is_digit, c)) = piece else {
                apart |= SIGNS.contains(&c);
                joined = false;
                continue;
            };
            let last = atoms.last_mut().filter(|_| joined);
            match last {
                Some(last) if (last.kind == Kind::Digits) == is_digit => {
                    last.text.extend(c.to_lowercase());
                }
                _ => {
                    // Letters right after digits are a code of some kind.
                    let code = joined && !is_digit;
                    let kind = match (is_digit, code) {
                        (true, _) => Kind::Digits,
                        (false, true) => Kind::Elsewhere,
                        (false, false) => Kind::Other,
                    };
                    let text = c.to_lowercase().collect();
                    atoms.push(Atom { turn, word, text, kind, apart });
                    apart = false;
                }
            }
            joined = true;
        }
    }
    for atom in &mut atoms {
        if atom.kind == Kind::Other {
            atom.kind = kind_of(&atom.text);
        }
    }
    atoms
}

/// Signs that part groups of digits, other than those which join them.
const SIGNS: [char; 5] = [',', ';', ':', '!', '?'];

/// The value of a decimal digit, in the scripts that phones and recognisers write.
fn digit(c: char) -> Option<u8> {
    let zeros = ['0', '\u{660}', '\u{6F0}', '\u{966}', '\u{FF10}'];
    let value = |zero: char| u32::from(c).checked_sub(u32::from(zero)).filter(|value| *value < 10);
    zeros.into_iter().find_map(value).map(|value| value as u8)
}

fn kind_of(word: &str) -> Kind {
    if let Some(number) = number(word) {
        return Kind::Number(number);
    }
    let like = |(said, meant): &(&str, &'static str)| (*said == word).then_some(*meant);
    if let Some(meant) = ZEROS.iter().find_map(like) {
        return Kind::Number(meant);
    }
    if let Some(meant) = HOMOPHONES.iter().find_map(like) {
        return Kind::SoundsLike(meant);
    }
    match word {
        "double" => return Kind::Times(2),
        "triple" | "treble" => return Kind::Times(3),
        "quadruple" => return Kind::Times(4),
        _ => {}
    }
    let singular = word.strip_suffix("es").and_then(number);
    let singular = singular.or_else(|| number(word.strip_suffix('s')?));
    let singular = singular.or_else(|| (word == "ohs").then_some("zero"));
    if let Some(digit) = singular.and_then(|word| (0..10).find(|d| numerals::small(*d) == word)) {
        return Kind::Many(digit as u8);
    }
    let lists = [
        (&FILLERS[..], Kind::Filler),
        (&CORRECTIONS, Kind::Correction),
        (&UNITS, Kind::Unit),
        (&ELSEWHERE, Kind::Elsewhere),
    ];
    let kind = lists.into_iter().find(|(words, _)| words.contains(&word));
    kind.map_or(Kind::Other, |(_, kind)| kind)
}

/// The word of a number as [`numerals`] spells it.
fn number(word: &str) -> Option<&'static str> {
    let word = match word {
        "fourty" => "forty",
        "ninty" => "ninety",
        "fourtee" | "fourten" => "fourteen",
        word => word,
    };
    let small = (0..20).map(numerals::small);
    let all = small.chain((2..10).map(numerals::tens)).chain(["hundred", "thousand"]);
    all.into_iter().find(|known| *known == word)
}

/// Other names of zero.
const ZEROS: [(&str, &str); 5] =
    [("oh", "zero"), ("nought", "zero"), ("naught", "zero"), ("nil", "zero"), ("niner", "nine")];

/// Words that a recogniser writes where a digit was said. Each may also be itself.
#[rustfmt::skip]
const HOMOPHONES: [(&str, &str); 27] = [
    ("o", "zero"), ("owe", "zero"), ("ow", "zero"), ("null", "zero"), ("aught", "zero"),
    ("won", "one"), ("wun", "one"), ("wan", "one"),
    ("to", "two"), ("too", "two"), ("tu", "two"), ("tew", "two"),
    ("tree", "three"), ("free", "three"), ("thee", "three"),
    ("for", "four"), ("fore", "four"), ("foe", "four"),
    ("fife", "five"),
    ("sicks", "six"), ("sics", "six"), ("sex", "six"), ("sick", "six"),
    ("ate", "eight"), ("ait", "eight"), ("hate", "eight"),
    ("nein", "nine"),
];

#[rustfmt::skip]
const FILLERS: [&str; 63] = [
    "um", "uh", "uhm", "er", "erm", "ah", "eh", "hm", "hmm", "mm", "mhm", "umm", "uhh",
    "that", "thats", "is", "it", "its", "and", "then", "so", "okay", "ok", "next", "now", "the", "a", "yes", "yeah",
    "yep", "well", "like", "let", "me", "see", "i", "think", "my", "card", "here", "just", "hold", "hang", "on", "right",
    "again", "followed", "by", "after", "dash", "hyphen", "space", "dot", "point", "comma", "minus", "digits", "number",
    "got", "you", "go", "stroke", "slash",
];

const CORRECTIONS: [&str; 8] =
    ["sorry", "no", "wait", "correction", "actually", "mean", "scratch", "oops"];

#[rustfmt::skip]
const UNITS: [&str; 17] = [
    "dollars", "dollar", "bucks", "pounds", "pound", "euros", "euro", "cents", "cent", "pence", "percent", "oclock", "am",
    "pm", "days", "years", "minutes",
];

/// What says that they are a card's.
pub(super) const CARDS: [&str; 10] = [
    "card",
    "cards",
    "visa",
    "mastercard",
    "amex",
    "express",
    "maestro",
    "discover",
    "debit",
    "credit",
];

/// What says that the digits behind it are those of something else.
#[rustfmt::skip]
const ELSEWHERE: [&str; 25] = [
    "phone", "telephone", "mobile", "cell", "fax", "account", "iban", "order", "extension", "postcode", "zip", "reference",
    "booking", "invoice", "policy", "birth", "born", "membership", "tracking", "routing", "sort", "expiry", "expires",
    "expiration", "or",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_told_apart() {
        let kinds = |text: &str| -> Vec<Kind> { atoms([text]).iter().map(|a| a.kind).collect() };
        use Kind::{Digits, Elsewhere, Filler, Many, Number, Other, SoundsLike, Times};
        assert_eq!(kinds("4111-1111"), [Digits, Digits]);
        assert_eq!(kinds("forty-one, oh"), [Number("forty"), Number("one"), Number("zero")]);
        assert_eq!(
            kinds("that's for double sixes"),
            [Filler, SoundsLike("four"), Times(2), Many(6)]
        );
        assert_eq!(kinds("41ab card4 hello"), [Digits, Elsewhere, Filler, Digits, Other]);
        assert_eq!(atoms(["٤１1"])[0].text, "411");
        let text = "one, two three-four? five";
        let apart: Vec<bool> = atoms([text]).iter().map(|atom| atom.apart).collect();
        assert_eq!(apart, [true, true, false, false, true]);
    }
}
