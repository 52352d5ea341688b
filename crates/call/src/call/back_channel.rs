//! Words with which a listener says "go on": over a prompt they are no answer to it.

/// What the words of a reading weigh while a prompt plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// There are none.
    Nothing,
    /// Only signs of listening, or of hesitation.
    Listening,
    /// Somebody says something.
    Words,
}

/// As recognisers write them, without marks; those of two words stand apart.
const SIGNS: [&str; 45] = [
    "a", "ah", "aha", "ahem", "ahh", "alright", "cool", "eh", "er", "erm", "good", "great", "ha",
    "hah", "haha", "hm", "hmm", "hmmm", "huh", "hum", "m", "mhm", "mhmm", "mm", "mmhm", "mmhmm",
    "mmm", "nah", "oh", "ok", "okay", "ooh", "right", "sure", "uh", "uhhuh", "uhuh", "um", "umhm",
    "well", "yeah", "yep", "yes", "yo", "yup",
];
/// Signs that are none by each of their words.
const PAIRS: [[&str; 2]; 4] = [["all", "right"], ["got", "it"], ["i", "see"], ["of", "course"]];

/// Weighs the words of a reading.
pub(super) fn weight(text: &str) -> Weight {
    let words: Vec<String> = text
        .split_whitespace()
        .flat_map(|word| word.split('-'))
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .map(|word| word.to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        return Weight::Nothing;
    }
    let mut rest = words.iter().map(String::as_str).collect::<Vec<_>>();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.first().is_some_and(|second| PAIRS.contains(&[first, second]));
        match (pair, SIGNS.contains(first)) {
            (true, _) => rest = after[1..].to_vec(),
            (false, true) => rest = after.to_vec(),
            (false, false) => return Weight::Words,
        }
    }
    Weight::Listening
}

/// Whether these are so few words that a recogniser may have imagined them: it finds one or two in many a cough.
pub(super) fn is_slight(text: &str) -> bool {
    text.split_whitespace().count() <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_listening_are_no_words_alone_and_nothing_beside_others() {
        for sign in ["Uh-huh.", "Mm-hmm.", "Okay, okay.", "Yeah, right.", "I see.", "Oh, got it."] {
            assert_eq!(weight(sign), Weight::Listening, "{sign}");
        }
        for words in ["Okay, billing please.", "I", "right to billing", "see", "Help."] {
            assert_eq!(weight(words), Weight::Words, "{words}");
        }
        for nothing in ["", " ", "...", "- -"] {
            assert_eq!(weight(nothing), Weight::Nothing, "{nothing}");
        }
    }
}
