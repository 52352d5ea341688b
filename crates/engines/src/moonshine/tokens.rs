//! Moonshine's vocabulary: token numbers to text.

use std::path::Path;

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
        Ok(Self { bytes: bytes.into(), offsets })
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

    fn token(&self, token: usize) -> &[u8] {
        if !(FIRST_WITH_TEXT..FIRST_RESERVED.min(self.len())).contains(&token) {
            return &[];
        }
        &self.bytes[self.offsets[token] as usize..self.offsets[token + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(tokens: &[&[u8]]) -> Vec<u8> {
        tokens.iter().flat_map(|token| [&[token.len() as u8], *token].concat()).collect()
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
