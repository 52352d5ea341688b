//! The keywords in what a caller has said.

use crate::text;

/// Words of interest, each found as whole words and as recognisers write them: a long word may be off by a letter.
///
/// ```
/// let keywords = intent::Keywords::new(["password", "pay my bill"]);
/// assert_eq!(keywords.heard("I want to pay my bill, the pasword..."), ["password", "pay my bill"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Keywords(Vec<Keyword>);

#[derive(Debug, Clone)]
struct Keyword {
    spelling: String,
    words: Vec<String>,
}

impl Keywords {
    /// These keywords, each once.
    pub fn new<'k>(spellings: impl IntoIterator<Item = &'k str>) -> Self {
        let mut keywords: Vec<Keyword> = Vec::new();
        for spelling in spellings {
            let words = text::words(spelling);
            if !words.is_empty() && keywords.iter().all(|known| known.words != words) {
                keywords.push(Keyword { spelling: spelling.to_owned(), words });
            }
        }
        Self(keywords)
    }

    /// Those in `text`, in their own order and spelling.
    #[must_use]
    pub fn heard(&self, text: &str) -> Vec<&str> {
        let words = text::words(text);
        let heard = self.0.iter().filter(|keyword| said(&words, &keyword.words).is_some());
        heard.map(|keyword| keyword.spelling.as_str()).collect()
    }
}

/// How a keyword was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Said {
    /// With a word that is off by a letter.
    Nearly,
    Exactly,
}

/// How the words of a keyword stand in `words`, at their best.
pub(crate) fn said(words: &[String], keyword: &[String]) -> Option<Said> {
    let here = |at: &[String]| {
        at.iter()
            .zip(keyword)
            .try_fold(Said::Exactly, |worst, (heard, word)| Some(worst.min(same(heard, word)?)))
    };
    words.windows(keyword.len()).filter_map(here).max()
}

/// Whether a word of a keyword was said, as recognisers write: a long one may be off by a letter, not the first.
fn same(heard: &str, keyword: &str) -> Option<Said> {
    let alike = || {
        keyword.len() >= 5
            && heard.chars().next() == keyword.chars().next()
            && one_edit_apart(heard, keyword)
    };
    match heard == keyword {
        true => Some(Said::Exactly),
        false => alike().then_some(Said::Nearly),
    }
}

fn one_edit_apart(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let front = short.iter().zip(&long).take_while(|(a, b)| a == b).count();
    match long.len() - short.len() {
        0 => short[(front + 1).min(short.len())..] == long[(front + 1).min(long.len())..],
        1 => short[front..] == long[front + 1..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_whole_words_in_any_case() {
        let keywords = Keywords::new(["invoice", "bill", "Tom Becker", "bill", "  "]);
        assert_eq!(keywords.heard("Bill me, tom becker!"), ["bill", "Tom Becker"]);
        assert_eq!(keywords.heard("the billing of Tom"), [""; 0]);
        assert_eq!(keywords.heard("an invoise"), ["invoice"], "one letter off");
        assert_eq!(keywords.heard(""), [""; 0]);
    }
}
