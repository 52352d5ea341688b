//! What the words so far say about whether more will come.

use crate::numerals::{SMALL, TENS};

/// What the last words of a reading promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// Nothing either way.
    None,
    /// There are no words at all: a noise, or the recogniser has missed them.
    Wordless,
    /// A number that may go on: digits and tens are said in groups, with pauses between them.
    Number,
    /// A word that cannot be the last: an article, a preposition, "and", "my", "I'm", a hesitation.
    More,
}

/// Nobody stops behind these.
const BINDING: &[&str] = &[
    "a", "about", "am", "an", "and", "are", "as", "at", "because", "between", "but", "by", "for",
    "from", "i", "i'd", "i'll", "i'm", "if", "in", "into", "is", "it's", "like", "my", "no", "of",
    "or", "our", "so", "that's", "than", "the", "their", "then", "to", "uh", "um", "er", "erm",
    "was", "well", "were", "with", "without", "would", "your", "you're", "we're", "need", "want",
    "have", "got",
];

/// What stands in numbers besides [`SMALL`] and [`TENS`], and may be followed by another.
const NUMBERS: &[&str] = &["oh", "hundred", "thousand", "double", "triple", "point", "number"];

/// What `text` promises, which was read at a pause.
#[must_use]
pub fn promise(text: &str) -> Promise {
    let bare = |word: &str| {
        word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().replace('’', "'")
    };
    let Some(last) = text.split_whitespace().map(bare).rfind(|word| !word.is_empty()) else {
        return Promise::Wordless;
    };
    let among = |words: &[&str]| words.contains(&last.as_str());
    let digits = last.chars().all(|c| c.is_ascii_digit());
    if digits || [&SMALL[..], &TENS, NUMBERS].into_iter().any(among) {
        Promise::Number
    } else if among(BINDING) {
        Promise::More
    } else {
        Promise::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_says_whether_more_will_come() {
        for text in ["I would like to", "My account and, um...", "A large latte with", "I'm"] {
            assert_eq!(promise(text), Promise::More, "{text}");
        }
        for text in ["it is four five", "Extension 42", "twenty.", "my number"] {
            assert_eq!(promise(text), Promise::Number, "{text}");
        }
        for text in ["billing please", "Tom Becker.", "I forgot my password"] {
            assert_eq!(promise(text), Promise::None, "{text}");
        }
        assert_eq!(promise(" ... "), Promise::Wordless);
    }
}
