//! What a recogniser wrote, as the sounds that it may stand for.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use crate::background;
use crate::numerals;
use crate::sounds::{Phoneme, pronounce, pronunciations};

/// A graph of sounds: nodes in the order of time, and what leads into each. A word that may be read in
/// several ways ("4021") is several paths.
pub(super) struct Heard {
    nodes: Vec<Vec<(u32, Move)>>,
    pub(super) tokens: Vec<Token>,
    /// Which token each node ends in; the first node is before all of them.
    token_of: Vec<u32>,
}

/// From one node to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Move {
    Sound(Phoneme),
    /// Past a whole word, at this cost.
    Skip(f32),
}

/// A word, or a number, or what is written like one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    /// The word between spaces that it is part of.
    pub(super) word: usize,
    /// How many sounds it has.
    pub(super) sounds: usize,
    pub(super) weight: Weight,
}

/// How much a word tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// "um", "please".
    Filler,
    /// "would", "with": every sentence has them.
    Common,
    Telling,
}

impl Heard {
    /// Reads `text` but for its first `left_out` words.
    pub(super) fn read(text: &str, left_out: usize) -> Heard {
        let mut heard = Heard { nodes: vec![Vec::new()], tokens: Vec::new(), token_of: vec![0] };
        for (word, written) in text.split_whitespace().enumerate().skip(left_out) {
            for readings in readings(&written.to_lowercase()) {
                heard.push(word, &readings);
            }
        }
        heard
    }

    /// The last node.
    pub(super) fn end(&self) -> u32 {
        self.nodes.len() as u32 - 1
    }

    /// What leads into a node, and from where.
    pub(super) fn into(&self, node: u32) -> &[(u32, Move)] {
        &self.nodes[node as usize]
    }

    /// The token that ends at a node, or goes on there.
    pub(super) fn token(&self, node: u32) -> Option<(usize, &Token)> {
        let index = self.token_of[node as usize] as usize;
        self.tokens.get(index).map(|token| (index, token))
    }

    /// What it costs to take the words between two nodes for none of ours.
    pub(super) fn skipped(&self, nodes: Range<u32>) -> f32 {
        let moves = (nodes.start + 1..=nodes.end).flat_map(|node| self.into(node));
        moves
            .map(|(_, heard_move)| if let Move::Skip(cost) = heard_move { *cost } else { 0.0 })
            .sum()
    }

    fn push(&mut self, word: usize, readings: &[Vec<String>]) {
        let ways: Vec<Vec<Phoneme>> = match readings {
            // A letter may be a word or a name: "a" as in "a tea", or as in "plan a".
            [words] if matches!(words.as_slice(), [word] if word.len() == 1) => {
                pronunciations(&words[0])
            }
            _ => {
                let say =
                    |words: &Vec<String>| words.iter().flat_map(|word| pronounce(word)).collect();
                readings.iter().map(say).collect()
            }
        };
        let sounds = ways.first().map_or(0, Vec::len);
        let weight = match readings {
            [only] => weight(only),
            _ => Weight::Telling,
        };
        let index = self.tokens.len() as u32;
        let begin = self.end();
        let mut lasts = vec![(begin, Move::Skip(skip(weight, sounds)))];
        for way in &ways {
            let Some((last, sounds)) = way.split_last() else { continue };
            let mut from = begin;
            for sound in sounds {
                self.nodes.push(vec![(from, Move::Sound(*sound))]);
                self.token_of.push(index);
                from = self.end();
            }
            lasts.push((from, Move::Sound(*last)));
        }
        self.nodes.push(lasts);
        self.token_of.push(index);
        self.tokens.push(Token { word, sounds, weight });
    }
}

/// What it costs to pass over a word: more the more it may have to say.
fn skip(weight: Weight, sounds: usize) -> f32 {
    match weight {
        Weight::Filler => 0.1,
        Weight::Common => 0.3 + 0.1 * sounds as f32,
        Weight::Telling => 0.55 + 0.32 * sounds as f32,
    }
}

fn weight(words: &[String]) -> Weight {
    let all = |of: &dyn Fn(&str) -> bool| words.iter().all(|word| of(word));
    if all(&|word| FILLERS.contains(&word)) {
        Weight::Filler
    } else if all(&is_common) {
        Weight::Common
    } else {
        Weight::Telling
    }
}

/// Whether a word stands in sentences of every kind.
pub(super) fn is_common(word: &str) -> bool {
    let known = |word: &str| COMMON.contains(word);
    known(word) || word.split_once('\'').is_some_and(|(stem, _)| known(stem))
}

static COMMON: LazyLock<HashSet<String>> =
    LazyLock::new(|| background::Background::beside(&[]).common);

const FILLERS: [&str; 14] = [
    "um", "uh", "uhm", "er", "erm", "ah", "eh", "hm", "hmm", "mm", "mhm", "please", "thanks",
    "well",
];

/// The parts of what stands between two spaces, each with its readings as words.
fn readings(written: &str) -> Vec<Vec<Vec<String>>> {
    let mut parts: Vec<Vec<Vec<String>>> = Vec::new();
    let mut chars = written.chars().peekable();
    let mut currency = None;
    let mut decimal = false;
    while let Some(&first) = chars.peek() {
        let mut take = |of: &dyn Fn(char) -> bool| {
            let mut run = String::new();
            while let Some(next) = chars.next_if(|c| of(*c)) {
                run.push(next);
            }
            run
        };
        if first.is_ascii_digit() {
            // "1,200" is one number; the comma after it is not part of it.
            let digits: String = take(&|c| c.is_ascii_digit() || c == ',');
            let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
            let suffix = take(&|c| c.is_alphabetic());
            let place = matches!(suffix.as_str(), "st" | "nd" | "rd" | "th");
            match digits.parse::<usize>() {
                Ok(number @ 0..100) if place => parts.push(vec![owned(&numerals::ordinal(number))]),
                _ => {
                    parts
                        .push(numerals::readings(&digits).iter().map(|said| owned(said)).collect());
                }
            }
            if !suffix.is_empty() && !place {
                parts.push(vec![vec![written_out(&suffix)]]);
            }
            if let Some((whole, part)) = currency {
                parts.push(vec![owned(&[if decimal { part } else { whole }])]);
            }
            decimal = false;
        } else if first.is_alphanumeric() {
            let word = take(&|c| c.is_alphabetic() || matches!(c, '\'' | '’'));
            parts.push(vec![vec![written_out(word.trim_matches(['\'', '’']))]]);
        } else {
            chars.next();
            match first {
                '$' => currency = Some(("dollars", "cents")),
                '£' => currency = Some(("pounds", "pence")),
                '€' => currency = Some(("euros", "cents")),
                '.' if chars.peek().is_some_and(char::is_ascii_digit) && !parts.is_empty() => {
                    decimal = true;
                    if currency.is_none() {
                        parts.push(vec![vec!["point".to_owned()]]);
                    }
                }
                '%' => parts.push(vec![vec!["percent".to_owned()]]),
                '&' => parts.push(vec![vec!["and".to_owned()]]),
                '@' => parts.push(vec![vec!["at".to_owned()]]),
                '+' => parts.push(vec![vec!["plus".to_owned()]]),
                _ => {}
            }
            continue;
        }
        if !decimal && chars.peek() != Some(&'.') {
            currency = None;
        }
    }
    parts
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// What a short form is said as.
fn written_out(short: &str) -> String {
    match short {
        "mr" => "mister",
        "mrs" => "missus",
        "dr" => "doctor",
        "oz" => "ounce",
        "lb" | "lbs" => "pounds",
        "kg" => "kilograms",
        other => other,
    }
    .to_owned()
}

/// The words of a phrase as they are said: numbers in their first reading, no punctuation.
pub(crate) fn spoken(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split_whitespace()
        .flat_map(readings)
        .filter_map(|readings| readings.into_iter().next())
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_short_is_read_out() {
        for (written, said) in [
            ("12-ounce", "twelve ounce"),
            ("8oz, please.", "eight ounce please"),
            ("$20.50", "twenty dollars fifty cents"),
            ("£7", "seven pounds"),
            ("3:30pm", "three thirty pm"),
            ("the 21st", "the twenty first"),
            ("1,200 and 2.5", "one thousand two hundred and two point five"),
            ("Tom's 'plan B'", "tom's plan b"),
            ("...", ""),
        ] {
            assert_eq!(spoken(written).join(" "), said);
        }
    }

    #[test]
    fn words_keep_their_place() {
        let heard = Heard::read("um 12-ounce mocha", 0);
        let words: Vec<usize> = heard.tokens.iter().map(|token| token.word).collect();
        assert_eq!(words, [0, 1, 1, 2]);
        assert_eq!(heard.tokens[0].weight, Weight::Filler);
        assert_eq!(heard.tokens[3].weight, Weight::Telling);
        let all = heard.skipped(0..heard.end());
        assert!(all > heard.skipped(0..1));
    }
}
