//! From a domain to a graph.

use std::collections::{BTreeMap, HashMap};

use super::domain::{Choice, Domain, GrammarError, Length, SlotKind};
use super::graph::{Builder, Graph, Label, Mark, State};
use super::heard::{is_common, spoken};
use super::pattern::{self, Piece};
use super::spoken_values;
use crate::sounds::{Phoneme, gap, pronunciations};

/// What it costs to leave out a word that every sentence has.
const LITTLE_WORD: f32 = 0.3;

/// The graph of a domain, and the values to which its marks point.
pub(super) fn compile(domain: &Domain) -> Result<(Graph, Vec<String>), GrammarError> {
    let mut compiler = Compiler {
        slots: &domain.slots,
        names: domain.slots.keys().map(String::as_str).collect(),
        builder: Builder::default(),
        values: Vec::new(),
        ways: HashMap::new(),
        said: HashMap::new(),
        intent: "",
        orders: 0,
    };
    let start = compiler.builder.join(&[]);
    let mut ends = HashMap::new();
    for (at, intent) in domain.intents.iter().enumerate() {
        compiler.intent = &intent.name;
        for text in &intent.patterns {
            let piece = pattern::parse(text).map_err(|cause| GrammarError::Pattern {
                intent: intent.name.clone(),
                pattern: text.clone(),
                cause,
            })?;
            compiler.orders = 0;
            let end = compiler.piece(start, &piece)?;
            // Another intent may end with the same words.
            let end = if ends.contains_key(&end) { compiler.builder.join(&[end]) } else { end };
            ends.insert(end, at as u32);
        }
    }
    if ends.is_empty() {
        return Err(GrammarError::Empty);
    }
    Ok((compiler.builder.finish(ends), compiler.values))
}

struct Compiler<'a> {
    slots: &'a BTreeMap<String, SlotKind>,
    names: Vec<&'a str>,
    builder: Builder,
    values: Vec<String>,
    /// The pronunciations of words met before.
    ways: HashMap<String, Vec<Vec<Phoneme>>>,
    /// Where each word leads from each state: patterns that begin alike are one path until they differ.
    said: HashMap<(State, String), State>,
    intent: &'a str,
    /// How many things of this pattern may come in any order.
    orders: u8,
}

impl<'a> Compiler<'a> {
    fn piece(&mut self, from: State, piece: &Piece) -> Result<State, GrammarError> {
        match piece {
            Piece::Word(word) => self.word(from, word),
            Piece::Slot(name) => self.slot(from, name),
            Piece::All(pieces) => pieces.iter().try_fold(from, |at, piece| self.piece(at, piece)),
            Piece::One(pieces) => {
                let ends: Result<Vec<State>, _> =
                    pieces.iter().map(|piece| self.piece(from, piece)).collect();
                Ok(self.builder.join(&ends?))
            }
            Piece::Maybe(piece) => {
                let end = self.piece(from, piece)?;
                Ok(self.builder.join(&[from, end]))
            }
            Piece::Any(pieces) => self.any_order(from, pieces),
        }
    }

    /// As many rounds as there are pieces; the paths remember which have come.
    fn any_order(&mut self, from: State, pieces: &[Piece]) -> Result<State, GrammarError> {
        let first = self.orders;
        self.orders = u8::try_from(pieces.len())
            .ok()
            .and_then(|count| first.checked_add(count))
            .filter(|count| *count <= 32)
            .ok_or_else(|| GrammarError::TooManyOrders { intent: self.intent.to_owned() })?;
        let mut at = from;
        let mut ends = vec![from];
        for _ in pieces {
            let mut round = Vec::new();
            for (bit, piece) in (first..).zip(pieces) {
                let once = self.builder.mark(at, Mark::Once(bit));
                round.push(self.piece(once, piece)?);
            }
            at = self.builder.join(&round);
            ends.push(at);
        }
        Ok(self.builder.join(&ends))
    }

    fn word(&mut self, from: State, word: &str) -> Result<State, GrammarError> {
        if let Some(end) = self.said.get(&(from, word.to_owned())) {
            return Ok(*end);
        }
        let intent = self.intent;
        let ways = self.ways(word, || format!("intent \"{intent}\""))?;
        let end = self.builder.word(from, word, &ways);
        if is_common(word) {
            let all: f32 = ways[0].iter().map(|sound| gap(*sound)).sum();
            self.builder.arc(from, end, Label::Free(all.min(LITTLE_WORD)));
        }
        self.said.insert((from, word.to_owned()), end);
        Ok(end)
    }

    fn ways(
        &mut self,
        word: &str,
        place: impl FnOnce() -> String,
    ) -> Result<Vec<Vec<Phoneme>>, GrammarError> {
        if let Some(known) = self.ways.get(word) {
            return Ok(known.clone());
        }
        let ways = pronunciations(word);
        if ways.iter().all(Vec::is_empty) {
            return Err(GrammarError::Unspeakable { word: word.to_owned(), place: place() });
        }
        self.ways.insert(word.to_owned(), ways.clone());
        Ok(ways)
    }

    fn slot(&mut self, from: State, name: &str) -> Result<State, GrammarError> {
        let slots: &'a BTreeMap<String, SlotKind> = self.slots;
        let Some(kind) = slots.get(name) else {
            let (intent, slot) = (self.intent.to_owned(), name.to_owned());
            return Err(GrammarError::NoSlot { intent, slot });
        };
        let no_value = || GrammarError::NoValue { slot: name.to_owned() };
        let index = self.names.iter().position(|known| *known == name).expect("it is one of them");
        let (place, first) = self.builder.enter(from, index as u32);
        let b = &mut self.builder;
        let sensible =
            |length: &Length| (1..=32).contains(&length.most) && length.least <= length.most;
        let end = match kind {
            SlotKind::Values(choices) | SlotKind::People(choices) if choices.is_empty() => {
                return Err(no_value());
            }
            SlotKind::Digits(length) | SlotKind::Code(length) if !sensible(length) => {
                return Err(no_value());
            }
            SlotKind::Values(choices) => {
                let said = choices.iter().flat_map(|choice| {
                    let all = std::iter::once(&choice.value).chain(&choice.also);
                    all.map(|said| (choice.value.as_str(), said.clone(), 0.0))
                });
                self.choices(first, name, said)?
            }
            SlotKind::People(choices) => {
                let whole = self.choices(first, name, choices.iter().flat_map(whole_names))?;
                let b = &mut self.builder;
                let mut titled = vec![first];
                for title in ["mister", "missus", "miss", "doctor"] {
                    titled.push(b.word(first, title, &pronunciations(title)));
                }
                let titled = b.join(&titled);
                let last = self.choices(titled, name, choices.iter().filter_map(last_name))?;
                self.builder.join(&[whole, last])
            }
            SlotKind::Digits(length) => spoken_values::digits(b, first, *length),
            SlotKind::Code(length) => spoken_values::code(b, first, *length),
            SlotKind::Number => spoken_values::number(b, first),
            SlotKind::Money => spoken_values::money(b, first),
            SlotKind::Date => spoken_values::date(b, first),
            SlotKind::Time => spoken_values::time(b, first),
        };
        Ok(self.builder.leave(place, end))
    }

    /// A trie of everything that the choices are called. Each is a value, what is said for it, and what it
    /// costs to say that.
    fn choices<'c>(
        &mut self,
        from: State,
        slot: &str,
        said: impl Iterator<Item = (&'c str, String, f32)>,
    ) -> Result<State, GrammarError> {
        let mut branches: HashMap<(State, Phoneme), State> = HashMap::new();
        let mut leaves: Vec<(State, u32, f32)> = Vec::new();
        let mut known: HashMap<&str, u32> = HashMap::new();
        for (value, said, cost) in said {
            let index = *known.entry(value).or_insert_with(|| {
                self.values.push(value.to_owned());
                self.values.len() as u32 - 1
            });
            let words = spoken(&said);
            if words.is_empty() {
                let (word, place) = (said, format!("slot \"{slot}\""));
                return Err(GrammarError::Unspeakable { word, place });
            }
            let mut fronts = vec![from];
            for word in &words {
                let ways = self.ways(word, || format!("slot \"{slot}\""))?;
                let mut next = Vec::new();
                // Few words have several pronunciations; a long value with many keeps the usual ones.
                let few = if fronts.len() > 8 { 1 } else { ways.len() };
                for front in fronts {
                    for way in ways.iter().take(few).filter(|way| !way.is_empty()) {
                        let end = way.iter().fold(front, |at, sound| {
                            *branches.entry((at, *sound)).or_insert_with(|| {
                                let to = self.builder.state();
                                self.builder.arc(at, to, Label::Sound(*sound));
                                to
                            })
                        });
                        next.push(end);
                        self.builder.spelled(front, end, word);
                    }
                }
                fronts = next;
                fronts.iter().for_each(|front| self.builder.between_words(*front));
            }
            leaves.extend(fronts.into_iter().map(|front| (front, index, cost)));
        }
        leaves.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
        leaves.dedup_by_key(|(state, index, _)| (*state, *index));
        let ends: Vec<State> = leaves
            .into_iter()
            .map(|(state, index, cost)| {
                let marked = self.builder.mark(state, Mark::Value(index));
                let paid = self.builder.state();
                self.builder.arc(marked, paid, Label::Free(cost));
                paid
            })
            .collect();
        Ok(self.builder.join(&ends))
    }
}

/// What it costs to take a part of a name for the whole: it says less.
const PART_OF_NAME: f32 = 0.25;

/// A person by the whole name, by a given nickname, or by the first name alone.
fn whole_names(person: &Choice) -> Vec<(&str, String, f32)> {
    let value = person.value.as_str();
    let mut all = vec![(value, value.to_owned(), 0.0)];
    all.extend(person.also.iter().map(|also| (value, also.clone(), 0.0)));
    all.extend(value.split_once(' ').map(|(first, _)| (value, first.to_owned(), PART_OF_NAME)));
    all
}

fn last_name(person: &Choice) -> Option<(&str, String, f32)> {
    let (_, last) = person.value.split_once(' ')?;
    Some((person.value.as_str(), last.to_owned(), PART_OF_NAME))
}

#[cfg(test)]
mod tests {
    use super::super::{Grammar, IntentPatterns};
    use super::*;

    fn domain(intents: &[(&str, &str)]) -> Domain {
        let patterns = |(name, pattern): &(&str, &str)| IntentPatterns {
            name: (*name).to_owned(),
            patterns: vec![(*pattern).to_owned()],
        };
        Domain { intents: intents.iter().map(patterns).collect(), slots: BTreeMap::new() }
    }

    #[test]
    fn patterns_that_begin_alike_are_one_path_until_they_differ() {
        let states = |intents: &[_]| compile(&domain(intents)).unwrap().0.last();
        let one = states(&[("a", "please send me the invoice again")]);
        let two = [("a", "please send me the invoice again"), ("b", "please send me the receipt")];
        assert!(states(&two) < one * 3 / 2);
    }

    #[test]
    fn words_that_mean_two_things_are_told_as_doubtful() {
        let both = [("a", "send it again"), ("b", "send it again"), ("c", "send it")];
        let grammar = Grammar::build(&domain(&both)).unwrap();
        let doubtful = grammar.hear("send it again").unwrap();
        assert!(doubtful.margin < 1e-6, "{doubtful:?}");
        assert_eq!(grammar.hear("send it").unwrap().intent, "c");
    }
}
