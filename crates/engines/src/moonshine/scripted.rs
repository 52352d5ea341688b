//! The sentence of a script that is most likely what was said: the decoder judges only tokens that go on with one.
//!
//! A recogniser that writes whatever it likes hears "dark rose mocker"; asked which of the things that may be said
//! this was, its own probabilities say "dark roast mocha".

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::decoder::{Candidate, Context, Decoder, END, Row};
use super::tokens::Vocabulary;
use crate::recognizer::Token;
use crate::script::{Script, Spot};

/// Sentences followed at once.
const WIDTH: usize = 8;
/// A sentence this many nats behind the best is given up.
const HOPELESS: f32 = 9.0;
/// Whole sentences told, and how many nats the last may be behind the first.
const MOST: usize = 4;
const NEAR: f32 = 4.0;
/// Spots remembered from one utterance to the next; where many things come in any order there is no end of them.
const MOST_TRIES: usize = 20_000;
/// What may stand between words, once, without being said.
const MARKS: [&str; 5] = [",", ".", "?", "!", "-"];

/// A script in the model's tokens, as far as it has been needed.
#[derive(Debug)]
pub(super) struct SpelledScript {
    script: Arc<Script>,
    spots: HashMap<Spot, usize>,
    tries: Vec<Trie>,
    words: HashMap<String, Arc<[Vec<u32>]>>,
    marks: Vec<u32>,
}

/// The words that may come next at a spot.
#[derive(Debug, Default)]
struct Trie {
    nodes: Vec<Node>,
    may_end: bool,
}

#[derive(Debug, Default)]
struct Node {
    next: BTreeMap<u32, usize>,
    /// Where the words lead that are whole here.
    whole: Vec<Spot>,
}

/// A place within a word, or between two: which trie, and which of its nodes.
type At = (usize, usize);

#[derive(Debug, Clone, Default)]
struct Path {
    tokens: Vec<Token>,
    log_probability: f32,
    at: Vec<At>,
    marked: bool,
    parent: usize,
}

/// A sentence with its log-probability, the end of the utterance included.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    pub(super) log_probability: f32,
}

impl SpelledScript {
    pub(super) fn new(script: Arc<Script>, vocabulary: &Vocabulary) -> Self {
        let marks = MARKS.iter().filter_map(|mark| vocabulary.mark(mark)).collect();
        let (spots, tries, words) = Default::default();
        Self { script, spots, tries, words, marks }
    }

    pub(super) fn is_of(&self, script: &Arc<Script>) -> bool {
        Arc::ptr_eq(&self.script, script)
    }

    /// The likeliest sentences of at most `limit` tokens, the best first.
    pub(super) fn likeliest(
        &mut self,
        decoder: &mut Decoder,
        vocabulary: &Vocabulary,
        context: &mut Context,
        limit: usize,
    ) -> ort::Result<Vec<Sentence>> {
        if self.tries.len() > MOST_TRIES {
            self.tries.clear();
            self.spots.clear();
        }
        let start = self.trie(Spot::default(), vocabulary);
        let mut paths = vec![Path { at: vec![(start, 0)], ..Path::default() }];
        let mut found = Found::default();
        let mut rows = decoder.begin(context, &[])?;
        for _ in 0..limit {
            let mut next: Vec<(f32, usize, Candidate, Vec<At>)> = Vec::new();
            for (number, path) in paths.iter().enumerate() {
                let row = rows.row(number)?;
                self.continuations(path, &row, |candidate, at| {
                    let score = path.log_probability + candidate.log_probability;
                    next.push((score, number, candidate, at));
                });
            }
            next.sort_by(|a, b| b.0.total_cmp(&a.0));
            let least = next.first().map_or(f32::MIN, |first| first.0 - HOPELESS);
            let mut followed = Vec::with_capacity(WIDTH);
            for (score, parent, candidate, at) in next {
                if score < least || score <= found.least() || followed.len() == WIDTH {
                    break;
                }
                let mut tokens = paths[parent].tokens.clone();
                if candidate.id == END {
                    let text = vocabulary.text(tokens.iter().map(|token| token.id));
                    found.add(Sentence { text, tokens, log_probability: score });
                    continue;
                }
                tokens.push(candidate.into());
                let marked = self.marks.contains(&candidate.id);
                let at = at.into_iter().flat_map(|at| self.settle(at, vocabulary)).collect();
                followed.push(Path { tokens, log_probability: score, at, marked, parent });
            }
            if followed.is_empty() {
                break;
            }
            paths = followed;
            let step: Vec<_> = paths
                .iter()
                .filter_map(|path| Some((path.parent, path.tokens.last()?.id)))
                .collect();
            rows = decoder.step(context, &step)?;
        }
        Ok(found.sentences)
    }

    /// The tokens that may come next on a path, and where each leads.
    fn continuations(&self, path: &Path, row: &Row<'_>, mut take: impl FnMut(Candidate, Vec<At>)) {
        let mut by_token: BTreeMap<u32, Vec<At>> = BTreeMap::new();
        let between: Vec<At> = path.at.iter().copied().filter(|(_, node)| *node == 0).collect();
        for (trie, node) in &path.at {
            for (token, to) in &self.tries[*trie].nodes[*node].next {
                by_token.entry(*token).or_default().push((*trie, *to));
            }
        }
        if !path.marked && !path.tokens.is_empty() && !between.is_empty() {
            for mark in &self.marks {
                by_token.entry(*mark).or_default().extend(&between);
            }
        }
        if between.iter().any(|(trie, _)| self.tries[*trie].may_end) {
            by_token.insert(END, Vec::new());
        }
        for (token, at) in by_token {
            if let Some(candidate) = row.candidate(token) {
                take(candidate, at);
            }
        }
    }

    /// A place after a token, and the beginnings of the words that may follow if it ends a word.
    fn settle(&mut self, at: At, vocabulary: &Vocabulary) -> Vec<At> {
        let (trie, node) = at;
        if node == 0 {
            return vec![at];
        }
        let whole = self.tries[trie].nodes[node].whole.clone();
        let mut all: Vec<At> = Vec::with_capacity(whole.len() + 1);
        if !self.tries[trie].nodes[node].next.is_empty() {
            all.push(at);
        }
        all.extend(whole.into_iter().map(|spot| (self.trie(spot, vocabulary), 0)));
        all
    }

    /// The words that may come next at a spot; put together when they are first asked for.
    fn trie(&mut self, spot: Spot, vocabulary: &Vocabulary) -> usize {
        if let Some(&known) = self.spots.get(&spot) {
            return known;
        }
        let script = Arc::clone(&self.script);
        let (words, may_end) = script.next(spot);
        let mut trie = Trie { nodes: vec![Node::default()], may_end };
        for (ways, to) in words {
            for way in ways {
                if !self.words.contains_key(way) {
                    self.words.insert(way.clone(), spellings(way, vocabulary));
                }
                for tokens in self.words[way].iter() {
                    trie.add(tokens, to);
                }
            }
        }
        self.tries.push(trie);
        self.spots.insert(spot, self.tries.len() - 1);
        self.tries.len() - 1
    }
}

/// The best few different sentences.
#[derive(Default)]
struct Found {
    sentences: Vec<Sentence>,
}

impl Found {
    fn add(&mut self, sentence: Sentence) {
        // A sentence is found first in its likeliest way to be written.
        if self.sentences.iter().any(|known| says_the_same(&known.text, &sentence.text)) {
            return;
        }
        let better = |known: &Sentence| known.log_probability >= sentence.log_probability;
        let at = self.sentences.partition_point(better);
        self.sentences.insert(at, sentence);
        self.sentences.truncate(MOST);
    }

    /// What a path must be better than to add anything.
    fn least(&self) -> f32 {
        let (first, last) = (self.sentences.first(), self.sentences.get(MOST - 1));
        let near = first.map_or(f32::MIN, |best| best.log_probability - NEAR);
        last.map_or(near, |last| last.log_probability.max(near))
    }
}

/// Whether two sentences differ in case, hyphens and punctuation alone.
fn says_the_same(one: &str, other: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    letters(one) == letters(other)
}

impl Trie {
    fn add(&mut self, tokens: &[u32], to: Spot) {
        let mut node = 0;
        for &token in tokens {
            node = match self.nodes[node].next.get(&token) {
                Some(&next) => next,
                None => {
                    self.nodes.push(Node::default());
                    let fresh = self.nodes.len() - 1;
                    self.nodes[node].next.insert(token, fresh);
                    fresh
                }
            };
        }
        if node != 0 && !self.nodes[node].whole.contains(&to) {
            self.nodes[node].whole.push(to);
        }
    }
}

/// A word as the model may write it: small or as a name, alone or joined to the word before by a hyphen.
fn spellings(word: &str, vocabulary: &Vocabulary) -> Arc<[Vec<u32>]> {
    let mut letters = word.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    let name: String = first.chain(letters).collect();
    let mut all = vec![vocabulary.tokens_of_word(word), vocabulary.tokens_of_word(&name)];
    all.push(vocabulary.tokens_of(&format!("-{word}")));
    all.sort();
    all.dedup();
    all.into()
}
