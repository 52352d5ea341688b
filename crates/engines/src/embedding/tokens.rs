//! WordPiece, as BERT's uncased models read text (Wu et al., 2016; Devlin et al., 2018): words in lower
//! case without accents, each cut into the longest pieces that the vocabulary has.

use std::collections::HashMap;

/// A letter's worth of a very long word is noise: such a word is one unknown piece.
const LONGEST_WORD: usize = 100;
/// What marks a piece that is not the first of its word.
const CONTINUES: &str = "##";

/// The vocabulary of a model, and the marks around every text.
#[derive(Debug)]
pub(super) struct WordPiece {
    pieces: HashMap<String, u32>,
    unknown: u32,
    start: u32,
    end: u32,
}

impl WordPiece {
    /// Reads a `vocab.txt`: a piece a line, numbered from 0. None if a mark is missing.
    pub(super) fn parse(vocabulary: &str) -> Option<Self> {
        let pieces: HashMap<String, u32> =
            vocabulary.lines().map(|line| line.trim_end().to_owned()).zip(0..).collect();
        let mark = |name: &str| pieces.get(name).copied();
        let (unknown, start, end) = (mark("[UNK]")?, mark("[CLS]")?, mark("[SEP]")?);
        Some(Self { pieces, unknown, start, end })
    }

    /// How many pieces there are.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The numbers of the pieces of `text` between both marks; at most `longest`, of which the rest
    /// of a longer text is cut.
    pub(super) fn encode(&self, text: &str, longest: usize) -> Vec<u32> {
        let mut found = vec![self.start];
        for word in words(text) {
            self.cut(&word, &mut found);
        }
        found.truncate(longest - 1);
        found.push(self.end);
        found
    }

    fn cut(&self, word: &str, found: &mut Vec<u32>) {
        let before = found.len();
        if word.chars().count() > LONGEST_WORD {
            return found.push(self.unknown);
        }
        let mut rest = word;
        let mut piece = String::new();
        while !rest.is_empty() {
            let ends = rest.char_indices().map(|(at, letter)| at + letter.len_utf8()).rev();
            let longest = ends.into_iter().find_map(|end| {
                piece.clear();
                if rest.len() < word.len() {
                    piece.push_str(CONTINUES);
                }
                piece.push_str(&rest[..end]);
                self.pieces.get(&piece).map(|&number| (number, end))
            });
            let Some((number, end)) = longest else {
                found.truncate(before);
                return found.push(self.unknown);
            };
            found.push(number);
            rest = &rest[end..];
        }
    }
}

/// The words of a text, every punctuation mark and every Chinese character a word of its own.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut close = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            _ if letter.is_whitespace() => close(&mut word),
            // What has no shape, and accents that stand apart from their letter.
            _ if letter.is_control() || letter == '\u{fffd}' => {}
            '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{300}'..='\u{36f}' => {}
            _ if stands_alone(letter) => {
                close(&mut word);
                word.push(letter);
                close(&mut word);
            }
            _ => word.push(without_accent(letter)),
        }
    }
    close(&mut word);
    words
}

fn stands_alone(letter: char) -> bool {
    letter.is_ascii_punctuation()
        || matches!(letter,
            '¡' | '§' | '«' | '¶' | '·' | '»' | '¿'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}')
}

/// The letter under the accents of Latin scripts (the canonical decomposition of Unicode's Latin-1 Supplement and
/// Latin Extended-A, in lower case).
fn without_accent(letter: char) -> char {
    match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' => 's',
        'ţ' | 'ť' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<u32> {
        let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\npass\n##word\n##wo\nmy\n'\n!\ncafe\n東\n##s";
        WordPiece::parse(vocabulary).unwrap().encode(text, 8)
    }

    #[test]
    fn a_word_is_cut_into_its_longest_pieces() {
        assert_eq!(pieces("My Passwords!"), [2, 7, 4, 5, 12, 9, 3]);
    }

    #[test]
    fn a_word_that_cannot_be_cut_is_one_unknown() {
        assert_eq!(pieces("my passport"), [2, 7, 1, 3]);
        assert_eq!(pieces(&"s".repeat(200)), [2, 1, 3]);
    }

    #[test]
    fn accents_fall_off_and_marks_stand_alone() {
        assert_eq!(pieces("Café cafe\u{301} 東東"), [2, 10, 10, 11, 11, 3]);
        assert_eq!(pieces(" \t\u{0}\u{feff}"), [2, 3]);
    }

    #[test]
    fn a_long_text_is_cut_and_still_closed() {
        assert_eq!(pieces("my my my my my my my my my my"), [2, 7, 7, 7, 7, 7, 7, 3]);
    }

    #[test]
    fn a_vocabulary_without_marks_is_none() {
        assert!(WordPiece::parse("a\nb").is_none());
    }
}
