//! The words of one turn, from however many engines they came.

use crate::words::Word;

/// What a turn says so far. Words of a later engine, which was given audio again that an earlier one had settled, are told
/// apart by their place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TurnWords {
    settled: Vec<Word>,
    interim: Vec<Word>,
    /// Up to here the words are settled.
    boundary: u64,
}

impl TurnWords {
    /// A turn that begins at `from` and has said nothing.
    pub(super) fn new(from: u64) -> Self {
        Self { settled: Vec::new(), interim: Vec::new(), boundary: from }
    }

    /// Up to here the words are settled.
    pub(super) fn boundary(&self) -> u64 {
        self.boundary
    }

    /// The words that may still change. None of them is at or behind `end`.
    pub(super) fn guess(&mut self, words: Vec<Word>, end: Option<u64>) {
        self.interim = words.into_iter().filter(|word| self.is_new(word, end)).collect();
    }

    /// Words that will not change, which settle the audio up to `through`.
    pub(super) fn settle(&mut self, words: Vec<Word>, through: u64, end: Option<u64>) {
        let new: Vec<_> = words.into_iter().filter(|word| self.is_new(word, end)).collect();
        self.boundary = self.boundary.max(through);
        if let Some(last) = new.last() {
            self.boundary = self.boundary.max(last.at.end);
        }
        self.settled.extend(new);
        self.interim.clear();
    }

    /// What an engine guessed that has failed is forgotten.
    pub(super) fn forget_guesses(&mut self) {
        self.interim.clear();
    }

    /// Whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        self.settled.is_empty() && self.interim.is_empty()
    }

    /// All words, and how many of them will not change.
    pub(super) fn all(&self) -> (Vec<Word>, usize) {
        let words = self.settled.iter().chain(&self.interim).cloned().collect();
        (words, self.settled.len())
    }

    /// Whether `word` is not one of the settled ones told again.
    fn is_new(&self, word: &Word, end: Option<u64>) -> bool {
        let middle = word.at.start + (word.at.end - word.at.start) / 2;
        if end.is_some_and(|end| middle >= end && middle > self.boundary) {
            return false;
        }
        match self.settled.last() {
            None => true,
            // Two engines place the same word a little apart.
            Some(last) if word.at.start < self.boundary && same(&last.text, &word.text) => false,
            Some(_) => middle >= self.boundary,
        }
    }
}

/// Whether two words differ in nothing but case and punctuation.
fn same(one: &str, other: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(|letter| letter.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    letters(one) == letters(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, from: u64, to: u64) -> Word {
        Word { text: text.into(), at: from..to, confidence: 1.0 }
    }

    fn text(words: &TurnWords) -> String {
        let (words, stable) = words.all();
        let words: Vec<_> = words.iter().map(|word| &*word.text).collect();
        format!("{}|{}", words[..stable].join(" "), words[stable..].join(" "))
    }

    #[test]
    fn words_told_again_count_once() {
        let mut words = TurnWords::new(0);
        words.guess(vec![word("dark", 0, 100), word("rose", 100, 200)], None);
        assert_eq!(text(&words), "|dark rose");
        words.settle(vec![word("dark", 0, 100), word("roast", 100, 200)], 210, None);
        words.settle(vec![word("dark", 0, 100), word("roast", 100, 200)], 210, None);
        assert_eq!(text(&words), "dark roast|");
        // Another engine, which heard from 50 on.
        words.guess(vec![word("Roast,", 130, 300), word("mocha", 300, 400)], None);
        assert_eq!(text(&words), "dark roast|mocha");
        words.settle(
            vec![word("k", 50, 60), word("Roast,", 130, 300), word("mocha", 300, 400)],
            400,
            None,
        );
        assert_eq!(text(&words), "dark roast mocha|");
    }

    #[test]
    fn a_word_said_twice_counts_twice() {
        let mut words = TurnWords::new(0);
        words.settle(vec![word("two", 0, 100)], 100, None);
        words.settle(vec![word("two", 110, 200)], 200, None);
        assert_eq!(text(&words), "two two|");
    }

    #[test]
    fn words_behind_the_end_belong_to_the_next_turn() {
        let mut words = TurnWords::new(0);
        words.settle(vec![word("yes", 0, 100), word("no", 300, 400)], 400, Some(200));
        assert_eq!(text(&words), "yes|");
    }
}
