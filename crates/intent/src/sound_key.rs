//! A word as it sounds, coarsely: what a recogniser confuses on a telephone line gets one key.

/// The sound key of a normalised `word`: its consonants, folded to the classes that a telephone
/// line keeps apart, and whether it starts with a vowel. "lopes" and "lopez" share `LPS`. The idea
/// is that of Lawrence Philips' Metaphone (1990); the classes are wider.
pub(crate) fn key(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let silent_start = matches!(letters.as_slice(), ['k' | 'g' | 'p', 'n', ..] | ['w', 'r', ..]);
    let mut key = String::with_capacity(letters.len());
    let mut at = usize::from(silent_start);
    if letters.get(at).copied().is_some_and(is_vowel) {
        key.push('A');
    }
    while at < letters.len() {
        let (sounds, taken) = sound(at == 0, &letters[at..]);
        for sound in sounds.chars() {
            if !key.ends_with(sound) {
                key.push(sound);
            }
        }
        at += taken;
    }
    key
}

/// The sound at the start of `letters`, and how many letters spell it.
fn sound(first: bool, letters: &[char]) -> (&'static str, usize) {
    match *letters {
        ['s', 'c', 'h', ..] | ['t', 'c', 'h', ..] => ("X", 3),
        ['c' | 's', 'h', ..] | ['t', 'i', 'o', ..] => ("X", 2),
        ['s', 'c', 'e' | 'i' | 'y', ..] => ("S", 2),
        // In "past word" or "last month" nobody hears the t.
        ['s', 't', next, ..] if !is_vowel(next) && !matches!(next, 'r' | 'h') => ("S", 2),
        ['p', 'h', ..] | ['t', 'h', ..] => ("F", 2),
        ['g', 'h', ..] => (if first { "K" } else { "" }, 2),
        ['c', 'k', ..] => ("K", 2),
        ['d', 'g', 'e' | 'i' | 'y', ..] => ("X", 2),
        ['m', 'b'] => ("N", 2),
        ['x', ..] => (if first { "S" } else { "KS" }, 1),
        ['c', 'e' | 'i' | 'y', ..] | ['s' | 'z' | 'ß', ..] => ("S", 1),
        ['g', 'e' | 'i' | 'y', ..] | ['j', ..] => ("X", 1),
        ['c' | 'g' | 'k' | 'q', ..] => ("K", 1),
        ['b' | 'p', ..] => ("P", 1),
        ['d' | 't', ..] => ("T", 1),
        ['f' | 'v', ..] => ("F", 1),
        ['m' | 'n', ..] => ("N", 1),
        ['l', ..] => ("L", 1),
        ['r', ..] => ("R", 1),
        ['w', ..] => (if first { "W" } else { "" }, 1),
        ['#', ..] => ("#", 1),
        _ => ("", 1),
    }
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn words_that_sound_alike_share_a_key() {
        for (said, heard) in [
            ("lopez", "lopes"),
            ("becker", "bekker"),
            ("broken", "brokn"),
            ("knight", "night"),
            ("phone", "fone"),
            ("write", "right"),
            ("judge", "juge"),
            ("bill", "pill"),
            ("password", "pastword"),
            ("laptop", "labtop"),
        ] {
            assert_eq!(key(said), key(heard), "{said} and {heard}");
        }
    }

    #[test]
    fn words_that_sound_different_do_not() {
        for (one, other) in [
            ("password", "passport"),
            ("billing", "building"),
            ("sales", "salad"),
            ("maria", "area"),
        ] {
            assert_ne!(key(one), key(other), "{one} and {other}");
        }
    }

    #[test]
    fn a_word_without_letters_of_ours_has_an_empty_key() {
        assert_eq!(key("東京"), "");
        assert_eq!(key(""), "");
    }
}
