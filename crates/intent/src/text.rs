//! A transcript as plain words: one spelling for what a recogniser may write in several.

use crate::numerals;

/// The words of `text` in lower case, without punctuation, fillers and stutters; contractions are
/// written out ("can't" as "cannot", "I'd" as "i would") and every number is the one word `#`.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for raw in text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’')) {
        let word: String =
            raw.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect();
        let apostrophe = raw.chars().rev().take_while(|c| c.is_alphanumeric()).count();
        push_word(&mut words, word, apostrophe);
    }
    words
}

/// `text` without its last word: what stays certain while that word may still be unfinished.
pub(crate) fn without_last_word(text: &str) -> &str {
    let text = text.trim_end();
    text.rfind(char::is_whitespace).map_or("", |space| &text[..space])
}

/// Adds `word`, of which the last `tail` letters followed an apostrophe (all of them: there was none).
fn push_word(words: &mut Vec<String>, word: String, tail: usize) {
    if word.is_empty() || FILLERS.contains(&word.as_str()) {
        return;
    }
    if is_number(&word) {
        return push(words, "#");
    }
    if let Some((_, written_out)) = CONTRACTIONS.iter().find(|(short, _)| *short == word) {
        return written_out.split(' ').for_each(|word| push(words, word));
    }
    let letters = word.chars().count();
    if tail >= letters {
        // "dont" and "isnt" are how some recognisers write what has an apostrophe elsewhere.
        return match word.strip_suffix("nt").filter(|verb| AUXILIARIES.contains(verb)) {
            Some(verb) => [verb, "not"].into_iter().for_each(|word| push(words, word)),
            None => push(words, &word),
        };
    }
    let (stem, ending) =
        word.split_at(word.char_indices().nth(letters - tail).map_or(0, |(at, _)| at));
    let second = match ending {
        "d" => "would",
        "ll" => "will",
        "m" => "am",
        "re" => "are",
        "ve" => "have",
        "t" if stem.ends_with('n') => "not",
        // A possessive: "Maria's" is about Maria.
        "s" | "" => return push(words, stem),
        _ => return push(words, &word),
    };
    push(words, if second == "not" { &stem[..stem.len() - 1] } else { stem });
    push(words, second);
}

fn push(words: &mut Vec<String>, word: &str) {
    if words.last().is_none_or(|last| last != word) {
        words.push(word.to_owned());
    }
}

/// "one" is none: it is a pronoun more often than a number.
fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        || numerals::value([word]).is_some_and(|number| number > 1)
}

const FILLERS: [&str; 11] = ["um", "uh", "uhm", "er", "erm", "ah", "eh", "hm", "hmm", "mm", "mhm"];

const AUXILIARIES: [&str; 14] = [
    "do", "does", "did", "is", "are", "was", "were", "has", "have", "had", "would", "could",
    "should", "must",
];

/// Contractions, without their apostrophe, that no rule covers.
const CONTRACTIONS: [(&str, &str); 19] = [
    ("cant", "cannot"),
    ("wont", "will not"),
    ("im", "i am"),
    ("ive", "i have"),
    ("its", "it is"),
    ("thats", "that is"),
    ("theres", "there is"),
    ("whats", "what is"),
    ("wheres", "where is"),
    ("whos", "who is"),
    ("hows", "how is"),
    ("whens", "when is"),
    ("heres", "here is"),
    ("hes", "he is"),
    ("shes", "she is"),
    ("lets", "let us"),
    ("gonna", "going to"),
    ("wanna", "want to"),
    ("gotta", "got to"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> String {
        words(text).join(" ")
    }

    #[test]
    fn casing_punctuation_fillers_and_stutters_do_not_matter() {
        assert_eq!(joined("  Um, Hello -- my, uh, my LAPTOP!  "), "hello my laptop");
        assert_eq!(joined("...?!"), "");
    }

    #[test]
    fn contractions_are_written_out_with_or_without_apostrophe() {
        assert_eq!(joined("I'd I’ll we've they're I'm"), "i would i will we have they are i am");
        assert_eq!(joined("can't cant won't don't doesnt"), "cannot will not do not does not");
        assert_eq!(joined("what's Maria's 'plan'"), "what is maria plan");
    }

    #[test]
    fn numbers_are_one_word() {
        assert_eq!(joined("extension 4021 at twenty past 3rd"), "extension # at # past #");
    }

    #[test]
    fn the_last_word_can_be_left_out() {
        assert_eq!(without_last_word("reset my pass "), "reset my");
        assert_eq!(without_last_word("hello"), "");
        assert_eq!(without_last_word(""), "");
    }

    #[test]
    fn letters_of_any_script_are_words() {
        assert_eq!(joined("Zoë's Straße 東京"), "zoë straße 東京");
    }
}
