//! Leaning towards phrases: a trie of their tokens, walked beside the decoder.
//!
//! Each token that goes on with a phrase is worth a reward; when the match breaks off before the phrase is
//! whole, the reward is taken back (shallow fusion). Fail-over links, as those of Aho and Corasick, lead from
//! a match that broke off to the longest one that still stands.

use std::collections::HashMap;

use super::tokens::{Spelling, Vocabulary};
use crate::phrases::Phrases;

/// What a token of a phrase of ordinary weight is worth, in nats.
const REWARD: f32 = 1.8;

/// A place in the trie: how much of which phrase the last tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Place(u32);

/// What [`Phrases`] are to the decoder.
#[derive(Debug)]
pub(super) struct Bias {
    nodes: Vec<Node>,
    edges: HashMap<(Place, u32), Place>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// The longest proper suffix of this place's tokens that begins a phrase.
    fail: Place,
    /// Rewards on the way here.
    reward: f32,
    /// How much of it stays if the phrase breaks off here: that of a whole phrase it began with.
    kept: f32,
    /// Whether a phrase is whole here.
    whole: bool,
}

impl Bias {
    /// Spells `phrases` in the model's tokens, in each way in which it may write them: as they are given, as
    /// the first words of a sentence, and as names.
    pub(super) fn compile(phrases: &Phrases, vocabulary: &Vocabulary) -> Self {
        let mut bias = Self { nodes: vec![Node::default()], edges: HashMap::new() };
        let mut words = HashMap::new();
        let mut tokens = Vec::new();
        for phrase in phrases.iter().filter(|phrase| phrase.weight > 0.0) {
            for written in ways_to_write(&phrase.text) {
                tokens.clear();
                for word in written.split_whitespace() {
                    let spelled = words
                        .entry(word.to_owned())
                        .or_insert_with(|| vocabulary.tokens_of_word(word));
                    tokens.extend_from_slice(spelled);
                }
                bias.add(&tokens, phrase.weight * REWARD, vocabulary);
            }
        }
        bias.link();
        bias
    }

    /// Takes a token at a place: where that leads, and what it adds to the score or takes from it.
    pub(super) fn take(&self, place: Place, token: u32, spelling: Spelling) -> (Place, f32) {
        if let Some(&next) = self.edges.get(&(place, token)) {
            return (next, self.node(next).reward - self.node(place).reward);
        }
        if spelling == Spelling::Mark {
            return (place, 0.0);
        }
        let lost = self.lost(place, spelling);
        let mut from = place;
        // A phrase that is whole is not looked for overlaps: its words are counted already.
        if self.node(place).whole && spelling == Spelling::NewWord {
            from = Place::default();
        }
        loop {
            if let Some(&next) = self.edges.get(&(from, token)) {
                return (next, self.node(next).reward - lost);
            }
            if from == Place::default() {
                return (from, -lost);
            }
            from = self.node(from).fail;
        }
    }

    /// What is taken back if the utterance ends at a place; not positive.
    pub(super) fn end(&self, place: Place) -> f32 {
        -self.lost(place, Spelling::NewWord)
    }

    /// What a match loses that breaks off before a token which is spelled so.
    fn lost(&self, place: Place, next: Spelling) -> f32 {
        let node = self.node(place);
        let whole = node.whole && next != Spelling::WordGoesOn;
        node.reward - if whole { node.reward } else { node.kept }
    }

    fn node(&self, place: Place) -> &Node {
        &self.nodes[place.0 as usize]
    }

    fn add(&mut self, tokens: &[u32], reward: f32, vocabulary: &Vocabulary) {
        let mut place = Place::default();
        for &token in tokens {
            let fresh = Place(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
            let next = *self.edges.entry((place, token)).or_insert(fresh);
            let before = *self.node(place);
            if next == fresh {
                self.nodes.push(Node::default());
            }
            let keeps = before.whole && vocabulary.spelling(token) != Spelling::WordGoesOn;
            let node = &mut self.nodes[next.0 as usize];
            node.reward = node.reward.max(before.reward + reward);
            node.kept = node.kept.max(if keeps { before.reward } else { before.kept });
            place = next;
        }
        if place != Place::default() {
            self.nodes[place.0 as usize].whole = true;
        }
    }

    /// Sets the fail-over links, shorter matches first.
    fn link(&mut self) {
        let mut edges: Vec<_> = self.edges.iter().map(|(from, to)| (*from, *to)).collect();
        // Sorted by where they lead, children come after their parents; but a link must be known for every
        // shorter match, which is a matter of depth.
        edges.sort_unstable_by_key(|(_, to)| to.0);
        let mut depth = vec![0_u32; self.nodes.len()];
        for ((from, _), to) in &edges {
            depth[to.0 as usize] = depth[from.0 as usize] + 1;
        }
        edges.sort_by_key(|(_, to)| depth[to.0 as usize]);
        for ((from, token), to) in edges {
            let mut shorter = from;
            let fail = loop {
                if shorter == Place::default() {
                    break Place::default();
                }
                shorter = self.node(shorter).fail;
                if let Some(&next) = self.edges.get(&(shorter, token)) {
                    break next;
                }
            };
            self.nodes[to.0 as usize].fail = fail;
        }
    }
}

fn ways_to_write(phrase: &str) -> [String; 4] {
    let mut title = String::new();
    for word in phrase.split_whitespace() {
        title.push_str(&capitalised(word));
        title.push(' ');
    }
    [phrase.to_owned(), capitalised(phrase.trim_start()), title, phrase.to_lowercase()]
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: [&str; 8] = [
        "\u{2581}dark",
        "\u{2581}roast",
        "\u{2581}late",
        "s",
        "\u{2581}Dark",
        "\u{2581}coffee",
        ",",
        "\u{2581}tea",
    ];

    /// What `tokens` are worth with these phrases, if the utterance ends after them.
    fn worth(phrases: &[&str], tokens: &[u32]) -> f32 {
        let vocabulary = Vocabulary::for_tests(&TOKENS);
        let bias = Bias::compile(&phrases.iter().copied().collect(), &vocabulary);
        let (mut place, mut sum) = (Place::default(), 0.0);
        for token in tokens {
            let (next, worth) = bias.take(place, *token, vocabulary.spelling(*token));
            (place, sum) = (next, sum + worth);
        }
        (sum + bias.end(place)) / REWARD
    }

    const DARK: u32 = 3;
    const ROAST: u32 = 4;
    const LATE: u32 = 5;
    const S: u32 = 6;
    const CAPITAL_DARK: u32 = 7;
    const COFFEE: u32 = 8;
    const COMMA: u32 = 9;
    const TEA: u32 = 10;

    #[test]
    fn a_whole_phrase_is_worth_its_tokens() {
        assert_eq!(worth(&["dark roast"], &[DARK, ROAST]), 2.0);
        assert_eq!(worth(&["dark roast"], &[CAPITAL_DARK, ROAST]), 2.0, "as a sentence begins");
        assert_eq!(worth(&["dark roast"], &[TEA, DARK, COMMA, ROAST, TEA]), 2.0, "inside");
        assert_eq!(worth(&["dark roast"], &[DARK, ROAST, DARK, ROAST]), 4.0, "twice");
    }

    #[test]
    fn what_breaks_off_is_worth_nothing() {
        assert_eq!(worth(&["dark roast"], &[DARK]), 0.0);
        assert_eq!(worth(&["dark roast"], &[DARK, TEA]), 0.0);
        assert_eq!(worth(&["dark roast coffee"], &[DARK, ROAST, TEA]), 0.0);
        assert_eq!(worth(&["late"], &[LATE, S]), 0.0, "`lates` is another word");
        assert_eq!(worth(&[], &[DARK]), 0.0);
    }

    #[test]
    fn a_phrase_in_a_phrase_stays_when_the_longer_breaks_off() {
        let phrases = ["dark roast coffee", "dark", "roast"];
        assert_eq!(worth(&phrases, &[DARK, TEA]), 1.0);
        assert_eq!(worth(&phrases, &[DARK, ROAST, COFFEE]), 3.0);
        assert_eq!(worth(&["dark roast coffee", "roast"], &[DARK, ROAST, TEA]), 1.0, "its end");
        assert_eq!(worth(&["dark roast", "roast late"], &[TEA, ROAST, LATE]), 2.0);
    }
}
