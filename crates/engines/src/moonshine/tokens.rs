//! Moonshine's vocabulary: token numbers to text, and words to token numbers.

use std::path::Path;

use crate::recognizer::{self, Token};

/// `▁`, which stands for the space before a word.
const SPACE_MARK: &str = "\u{2581}";
/// Numbers below this are `<unk>`, `<s>` and `</s>`; they have no text.
const FIRST_WITH_TEXT: usize = 3;
/// Numbers from here on are reserved marks (`<<ST_0>>`...) which never are words.
const FIRST_RESERVED: usize = 32_000;

/// The byte strings of `tokenizer.bin`, by token number.
#[derive(Debug)]
pub(super) struct Vocabulary {
    bytes: Box<[u8]>,
    /// Start of each token in `bytes`, and the end of the last.
    offsets: Vec<u32>,
    /// The tokens with text in the order of their bytes. A letter has two: one for its byte, and a
    /// later one that is used.
    sorted: Box<[u32]>,
}

/// A word, as it is written.
#[derive(Debug)]
pub(super) struct Spelled {
    pub(super) text: String,
    pub(super) confidence: f32,
}

/// How a token stands to the word before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// It begins another word.
    NewWord,
    /// It goes on with the word.
    WordGoesOn,
    /// It is a punctuation mark, or nothing.
    Mark,
}

impl Vocabulary {
    pub(super) fn load(path: &Path) -> Result<Self, String> {
        Self::parse(&std::fs::read(path).map_err(|error| error.to_string())?)
    }

    /// The file is a sequence of byte strings, each behind its length: one byte below 128, else
    /// two, the low seven bits first.
    fn parse(mut file: &[u8]) -> Result<Self, String> {
        let mut bytes = Vec::with_capacity(file.len());
        let mut offsets = vec![0];
        while let Some((&first, rest)) = file.split_first() {
            let (length, rest) = if first < 128 {
                (usize::from(first), rest)
            } else {
                let (&second, rest) = rest.split_first().ok_or("it ends inside a length")?;
                (usize::from(first) - 128 + 128 * usize::from(second), rest)
            };
            let (token, rest) = rest.split_at_checked(length).ok_or("it ends inside a token")?;
            bytes.extend_from_slice(token);
            offsets.push(u32::try_from(bytes.len()).map_err(|_| "it is too long")?);
            file = rest;
        }
        if offsets.len() <= FIRST_WITH_TEXT {
            return Err("it holds no tokens".into());
        }
        let mut vocabulary = Self { bytes: bytes.into(), offsets, sorted: Box::default() };
        let count = vocabulary.len().min(FIRST_RESERVED) as u32;
        let mut sorted: Vec<_> = (FIRST_WITH_TEXT as u32..count).collect();
        sorted.sort_by_key(|token| vocabulary.token(*token as usize));
        vocabulary.sorted = sorted.into();
        Ok(vocabulary)
    }

    /// How many tokens there are.
    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The text of `tokens`, without the space before the first word.
    pub(super) fn text(&self, tokens: impl IntoIterator<Item = u32>) -> String {
        let mut bytes = Vec::new();
        for token in tokens {
            bytes.extend_from_slice(self.token(token as usize));
        }
        String::from_utf8_lossy(&bytes).replace(SPACE_MARK, " ").trim().to_owned()
    }

    /// The words that `tokens` spell, each with its probabilities.
    pub(super) fn words(&self, tokens: &[Token]) -> Vec<Spelled> {
        let mut words: Vec<Vec<Token>> = Vec::new();
        for token in tokens {
            match words.last_mut() {
                Some(word) if self.spelling(token.id) != Spelling::NewWord => word.push(*token),
                _ => words.push(vec![*token]),
            }
        }
        let spell = |tokens: Vec<Token>| Spelled {
            text: self.text(tokens.iter().map(|token| token.id)),
            confidence: recognizer::confidence(&tokens),
        };
        words.into_iter().map(spell).filter(|word| !word.text.is_empty()).collect()
    }

    /// How a token stands to what is before it.
    pub(super) fn spelling(&self, token: u32) -> Spelling {
        let bytes = self.token(token as usize);
        if bytes.starts_with(SPACE_MARK.as_bytes()) {
            return Spelling::NewWord;
        }
        let letters = bytes.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
        if letters || bytes == b"'" { Spelling::WordGoesOn } else { Spelling::Mark }
    }

    /// Spells a word, and the space before it, as the model itself does: letters are joined to
    /// tokens pair by pair, the token with the lowest number first (byte-pair encoding, whose
    /// tokens are numbered in the order of their making). What has no token becomes bytes.
    pub(super) fn tokens_of_word(&self, word: &str) -> Vec<u32> {
        self.tokens_of(&format!("{SPACE_MARK}{word}"))
    }

    /// The token of a punctuation mark, if there is one.
    pub(super) fn mark(&self, mark: &str) -> Option<u32> {
        self.find(mark.as_bytes())
    }

    /// Spells what follows on the word before without a space.
    pub(super) fn tokens_of(&self, spaced: &str) -> Vec<u32> {
        let mut ends: Vec<_> = spaced.char_indices().map(|(start, _)| start).skip(1).collect();
        ends.push(spaced.len());
        let start = |ends: &[usize], n: usize| if n == 0 { 0 } else { ends[n - 1] };
        let joined = |ends: &[usize], n: usize| {
            self.find(&spaced.as_bytes()[start(ends, n)..ends[n + 1]]).map(|token| (token, n))
        };
        while let Some((_, n)) = (0..ends.len() - 1).filter_map(|n| joined(&ends, n)).min() {
            ends.remove(n);
        }
        let mut tokens = Vec::with_capacity(ends.len());
        for n in 0..ends.len() {
            let piece = &spaced.as_bytes()[start(&ends, n)..ends[n]];
            match self.find(piece) {
                Some(token) => tokens.push(token),
                None => tokens.extend(piece.iter().filter_map(|byte| self.find(&[*byte]))),
            }
        }
        tokens
    }

    /// The token that stands for `bytes`; of two, the later.
    fn find(&self, bytes: &[u8]) -> Option<u32> {
        let beyond = self.sorted.partition_point(|token| self.token(*token as usize) <= bytes);
        let token = *self.sorted.get(beyond.checked_sub(1)?)?;
        (self.token(token as usize) == bytes).then_some(token)
    }

    fn token(&self, token: usize) -> &[u8] {
        if !(FIRST_WITH_TEXT..FIRST_RESERVED.min(self.len())).contains(&token) {
            return &[];
        }
        &self.bytes[self.offsets[token] as usize..self.offsets[token + 1] as usize]
    }
}

#[cfg(test)]
impl Vocabulary {
    /// A vocabulary of these tokens; the first has number 3, after those without text.
    pub(super) fn for_tests(tokens: &[&str]) -> Self {
        let all = ["<unk>", "<s>", "</s>"].iter().chain(tokens);
        let bytes = all.flat_map(|token| [&[token.len() as u8], token.as_bytes()].concat());
        Self::parse(&bytes.collect::<Vec<_>>()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(tokens: &[&[u8]]) -> Vec<u8> {
        tokens.iter().flat_map(|token| [&[token.len() as u8], *token].concat()).collect()
    }

    #[test]
    fn words_are_spelled_pair_by_pair_the_earliest_token_first() {
        let vocabulary = Vocabulary::for_tests(&["at", "ma", "\u{2581}m", "mat", "m", "a", "t"]);
        let (at, space_m) = (3, 5);
        assert_eq!(vocabulary.tokens_of_word("mat"), [space_m, at], "`at` was made before `ma`");
        assert_eq!(vocabulary.tokens_of_word("m"), [space_m]);
        assert_eq!(vocabulary.tokens_of_word("a?"), [8], "what has no token is left out");
    }

    #[test]
    fn a_word_is_its_tokens_and_its_marks() {
        let vocabulary = Vocabulary::for_tests(&["\u{2581}yes", "ter", ",", "\u{2581}no", "'"]);
        let token = |id| Token { id, probability: 0.5 };
        let words = vocabulary.words(&[3, 4, 5, 6, 2].map(token));
        let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["yester,", "no"]);
        assert!((words[0].confidence - 0.5).abs() < 1e-6);
        let spellings = [3, 4, 5, 7].map(|token| vocabulary.spelling(token));
        use Spelling::{Mark, NewWord, WordGoesOn};
        assert_eq!(spellings, [NewWord, WordGoesOn, Mark, WordGoesOn]);
    }

    #[test]
    fn joins_pieces_and_bytes_into_words() {
        let tokens: [&[u8]; 8] = [
            b"<unk>",
            b"<s>",
            b"</s>",
            "\u{2581}caf".as_bytes(),
            &[0xc3],
            &[0xa9],
            "\u{2581}open".as_bytes(),
            b"",
        ];
        let vocabulary = Vocabulary::parse(&file(&tokens)).unwrap();
        assert_eq!(vocabulary.len(), 8);
        assert_eq!(vocabulary.text([1, 3, 4, 5, 7, 6, 2]), "café open");
        assert_eq!(vocabulary.text([3, 4]), "caf\u{fffd}", "half a letter is not an error");
        assert_eq!(vocabulary.text([99_999]), "");
    }

    #[test]
    fn reads_long_lengths() {
        let long = vec![b'x'; 300];
        let mut bytes = file(&[b"a", b"b", b"c"]);
        bytes.extend_from_slice(&[128 + 44, 2]);
        bytes.extend_from_slice(&long);
        assert_eq!(Vocabulary::parse(&bytes).unwrap().text([3]).len(), 300);
    }

    #[test]
    fn a_cut_file_is_an_error() {
        let bytes = file(&[b"a", b"b", b"c", b"word"]);
        assert!(Vocabulary::parse(&bytes[..bytes.len() - 1]).is_err());
        assert!(Vocabulary::parse(&[200]).is_err());
        assert!(Vocabulary::parse(&[]).is_err());
    }
}
