//! From letters to sounds: `pronouncing.txt`, rules and the words that they get wrong, made from the
//! CMU Pronouncing Dictionary by `../../pronouncing/make.py`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::phoneme::Phoneme;

/// The sounds of a word in lower case, as it is said most often. A single letter is named ("b" as in
/// "plan b"). A few microseconds; the first call reads the dictionary, which takes some milliseconds.
#[must_use]
pub fn pronounce(word: &str) -> Vec<Phoneme> {
    LEXICON.usual(&plain(word))
}

/// Every way to say a word that the dictionary knows, the usual one first; at least one.
pub(crate) fn pronunciations(word: &str) -> Vec<Vec<Phoneme>> {
    let word = plain(word);
    match LEXICON.known(&word) {
        Some(known) => known.split(' ').map(read).collect(),
        None => vec![LEXICON.usual(&word)],
    }
}

static LEXICON: LazyLock<Lexicon> =
    LazyLock::new(|| Lexicon::parse(include_str!("pronouncing.txt")));

struct Lexicon {
    /// A letter between its neighbours, `left.letter.right`, and what it sounds like there.
    rules: HashMap<&'static str, &'static str>,
    /// What the rules get wrong; several ways of saying it are apart by a space.
    words: HashMap<String, &'static str>,
}

/// How many letters to the left and to the right a rule may look at; the widest first.
const CONTEXTS: [(usize, usize); 9] =
    [(4, 4), (3, 4), (3, 3), (2, 3), (2, 2), (1, 2), (1, 1), (0, 1), (0, 0)];

const ENDINGS: [&str; 8] = ["'s", "s", "ed", "d", "ing", "ly", "er", "ers"];

impl Lexicon {
    fn parse(text: &'static str) -> Lexicon {
        let (rules, words) = text.split_once("[words]\n").unwrap_or((text, ""));
        let rules = rules.lines().filter_map(|line| line.split_once('=')).collect();
        let mut lexicon = Lexicon { rules, words: HashMap::new() };
        // A word is written without the letters that it shares with the one before.
        let mut before = String::new();
        for (word, sounds) in words.lines().filter_map(|line| line.split_once(' ')) {
            let shared = usize::from(word.as_bytes()[0].saturating_sub(b'0'));
            before.truncate(shared);
            before.push_str(&word[1..]);
            lexicon.words.insert(before.clone(), sounds);
        }
        lexicon
    }

    fn known(&self, word: &str) -> Option<&'static str> {
        LETTERS
            .iter()
            .find(|(letter, _)| *letter == word)
            .map(|(_, name)| *name)
            .or_else(|| self.words.get(word).copied())
    }

    fn usual(&self, word: &str) -> Vec<Phoneme> {
        if let Some(known) = self.known(word) {
            return read(known.split(' ').next().unwrap_or_default());
        }
        for ending in ENDINGS {
            if let Some(stem) = word.strip_suffix(ending)
                && let Some(known) = self.words.get(stem)
            {
                return with_ending(read(known.split(' ').next().unwrap_or_default()), ending);
            }
        }
        match word.strip_suffix("'s") {
            Some(stem) if !stem.is_empty() => with_ending(self.usual(stem), "'s"),
            _ => self.by_rules(&word.replace('\'', "")),
        }
    }

    fn by_rules(&self, word: &str) -> Vec<Phoneme> {
        let padded = format!("#{word}#");
        let mut sounds = Vec::new();
        let mut key = String::new();
        for at in 1..=word.len() {
            let rule = CONTEXTS.iter().find_map(|&(left, right)| {
                key.clear();
                key.push_str(&padded[at.saturating_sub(left)..at]);
                key.push('.');
                key.push_str(&padded[at..=at]);
                key.push('.');
                key.push_str(&padded[at + 1..(at + 1 + right).min(padded.len())]);
                self.rules.get(key.as_str())
            });
            sounds.extend(rule.map_or(Vec::new(), |sounds| read(sounds)));
        }
        sounds
    }
}

/// What an ending sounds like after these sounds.
fn with_ending(mut sounds: Vec<Phoneme>, ending: &str) -> Vec<Phoneme> {
    let last = sounds.last().map_or(b'a', |sound| sound.letter());
    let ending = match ending {
        "'s" | "s" if b"szSZCJ".contains(&last) => "Iz",
        "'s" | "s" if b"ptkfT".contains(&last) => "s",
        "'s" | "s" => "z",
        "ed" | "d" if b"td".contains(&last) => "Id",
        "ed" | "d" if b"pkfTsSC".contains(&last) => "t",
        "ed" | "d" => "d",
        "ing" => "IG",
        "ly" => "li",
        "er" => "R",
        _ => "Rz",
    };
    sounds.extend(read(ending));
    sounds
}

fn read(sounds: &str) -> Vec<Phoneme> {
    sounds.bytes().filter_map(Phoneme::of_letter).collect()
}

/// The word with accents taken off and without what is no letter: ASCII throughout.
fn plain(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    for letter in word.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '\'' => plain.push(letter),
            '’' => plain.push('\''),
            'à'..='ã' | 'å' | 'ā' | 'ă' | 'ą' => plain.push('a'),
            'ä' | 'æ' => plain.push('e'),
            'ç' | 'ć' | 'č' => plain.push_str(if letter == 'ç' { "s" } else { "ch" }),
            'è'..='ë' | 'ē' | 'ę' | 'ě' => plain.push('e'),
            'ì'..='ï' | 'ī' | 'ı' => plain.push('i'),
            'ñ' => plain.push_str("ny"),
            'ń' | 'ň' => plain.push('n'),
            'ò'..='ó' | 'ô' | 'õ' | 'ø' | 'ö' | 'ő' => plain.push('o'),
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => plain.push('u'),
            'ý' | 'ÿ' => plain.push('y'),
            'ß' | 'ś' => plain.push_str("ss"),
            'š' | 'ş' => plain.push_str("sh"),
            'ž' | 'ź' | 'ż' => plain.push('z'),
            'ł' => plain.push('w'),
            'ð' | 'đ' => plain.push('d'),
            'þ' => plain.push_str("th"),
            'ř' => plain.push('r'),
            'ğ' => plain.push('g'),
            _ => {}
        }
    }
    plain
}

/// The names of the letters; "a" is an article first.
const LETTERS: [(&str, &str); 26] = [
    ("a", "A e"),
    ("b", "bi"),
    ("c", "si"),
    ("d", "di"),
    ("e", "i"),
    ("f", "Ef"),
    ("g", "Ji"),
    ("h", "eC"),
    ("i", "Y"),
    ("j", "Je"),
    ("k", "ke"),
    ("l", "El"),
    ("m", "Em"),
    ("n", "En"),
    ("o", "o"),
    ("p", "pi"),
    ("q", "kyu"),
    ("r", "ar"),
    ("s", "Es"),
    ("t", "ti"),
    ("u", "yu"),
    ("v", "vi"),
    ("w", "dAbAlyu"),
    ("x", "Eks"),
    ("y", "wY"),
    ("z", "zi zEd"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(word: &str) -> String {
        pronounce(word).iter().map(|sound| char::from(sound.letter())).collect()
    }

    #[test]
    fn words_sound_as_in_the_dictionary() {
        for (word, sounds) in [
            ("colonel", "kRnAl"),
            ("knight", "nYt"),
            ("through", "Tru"),
            ("mocha", "mokA"),
            ("two", "tu"),
            ("choir", "kwYR"),
            ("january", "J@nyuEri"),
            ("cheese's", "CizIz"),
            ("b", "bi"),
        ] {
            assert_eq!(said(word), sounds, "{word}");
        }
    }

    #[test]
    fn names_that_are_not_in_the_dictionary_follow_rules() {
        for (word, sounds) in [("blorfing", "blRrfIG"), ("trindle", "trIndAl"), ("zibbed", "zIbd")]
        {
            assert_eq!(said(word), sounds, "{word}");
        }
    }

    #[test]
    fn accents_and_other_scripts_do_no_harm() {
        assert_eq!(said("zoë"), said("zoe"));
        assert_eq!(said("Müller"), said("muller"));
        assert_eq!(said("東京"), "");
        assert_eq!(said("'"), "");
        assert_eq!(said(""), "");
    }

    #[test]
    fn several_ways_to_say_a_word_are_known() {
        assert!(pronunciations("either").len() > 1);
        assert_eq!(pronunciations("either")[0], pronounce("either"));
    }

    #[test]
    fn nearly_every_word_has_sounds() {
        let silent = LEXICON.words.keys().filter(|word| pronounce(word).is_empty()).count();
        assert_eq!(silent, 0);
        assert!(LEXICON.words.len() > 20_000 && LEXICON.rules.len() > 5_000);
    }
}
