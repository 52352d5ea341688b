//! What a caller may answer, ready to be heard.

use std::collections::BTreeMap;
use std::sync::Arc;

use intent::grammar::{Domain, Grammar, GrammarError, IntentPatterns, SlotKind};
use intent::{IntentExamples, IntentId, TeachError, Understanding};

use crate::book::Wishes;
use crate::check::{NO_LABEL, YES_LABEL};
use crate::run::{Filled, Reply};

/// One question of a flow: what may be said to it, and what may be pressed.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    name: String,
    keys: BTreeMap<char, String>,
    labels: Vec<String>,
    wishes: Option<Arc<Wishes>>,
    /// The slot that an answer is the value of.
    value_of: Option<String>,
    domain: Domain,
    others: Others,
}

/// What becomes of words that are none of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// They answer nothing.
    NoMatch,
    /// They are told as they are.
    Said,
}

impl Question {
    /// A question for keys alone.
    pub(crate) fn keyed(name: String, keys: BTreeMap<char, String>) -> Self {
        Self {
            name,
            keys,
            labels: Vec::new(),
            wishes: None,
            value_of: None,
            domain: Domain::default(),
            others: Others::NoMatch,
        }
    }

    /// Adds what may be said, by label, with the slots that the patterns name.
    pub(crate) fn with_answers(
        mut self,
        answers: &BTreeMap<String, Vec<String>>,
        slots: &BTreeMap<String, SlotKind>,
    ) -> Self {
        for (label, patterns) in answers {
            let patterns = patterns.clone();
            self.labels.push(label.clone());
            self.domain.intents.push(IntentPatterns { name: label.clone(), patterns });
        }
        let patterns = || answers.values().flatten();
        let said = slots.iter().filter(|(slot, _)| {
            let hole = format!("{{{slot}}}");
            patterns().any(|pattern| pattern.contains(&hole))
        });
        self.domain.slots = said.map(|(slot, kind)| (slot.clone(), kind.clone())).collect();
        self
    }

    /// Adds the wishes of the receptionist's file.
    pub(crate) fn with_wishes(mut self, wishes: Arc<Wishes>) -> Self {
        self.wishes = Some(wishes);
        self
    }

    /// Takes any other words, too.
    pub(crate) fn open_to_all(self) -> Self {
        Self { others: Others::Said, ..self }
    }

    /// A question for the value of a slot.
    pub(crate) fn for_value(name: String, slot: &str, kind: SlotKind) -> Self {
        let pattern = format!(
            "[(it is|it's|that is|that's|this is|i am|i'm|at|about|i would say|my (name|number|code) is|the number is)] {{{slot}}}"
        );
        let answers = BTreeMap::from([(slot.to_owned(), vec![pattern])]);
        let slots = BTreeMap::from([(slot.to_owned(), kind)]);
        let question = Self::keyed(name, BTreeMap::new()).with_answers(&answers, &slots);
        Self { value_of: Some(slot.to_owned()), ..question }
    }

    /// The question's own name: the flow's, the node's and, where one node asks twice, what it asks.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The labels by the keys that may be pressed. For the value of a slot, see the task.
    #[must_use]
    pub fn keys(&self) -> &BTreeMap<char, String> {
        &self.keys
    }

    /// Whether anything may be said.
    #[must_use]
    pub fn listens(&self) -> bool {
        !self.labels.is_empty() || self.wishes.is_some() || self.takes_any_words()
    }

    /// Whether words that are none of its answers are a reply as well: [`Reply::Said`].
    #[must_use]
    pub fn takes_any_words(&self) -> bool {
        self.others == Others::Said
    }

    /// The slot whose value is asked for, if it is that.
    #[must_use]
    pub fn value_of(&self) -> Option<&str> {
        self.value_of.as_deref()
    }

    /// Learns to understand the answers; nothing where only keys count. It takes as long as the wishes take to be learned:
    /// do it once, when a flow is loaded.
    ///
    /// # Errors
    /// [`TeachError`] if the wishes cannot be learned; the rest has been tried when the flow was checked.
    pub fn understanding(&self) -> Result<Option<Understanding>, TeachError> {
        if !self.listens() {
            return Ok(None);
        }
        if self.labels.is_empty() && self.wishes.is_none() {
            return Ok(Some(Understanding::of_nothing()));
        }
        // The phrases help to understand what the patterns do not say. Should they not be learned, one of them being a
        // phrase of a wish as well, the patterns hold by themselves.
        self.learn(self.phrases()).or_else(|_| self.learn(Vec::new())).map(Some)
    }

    fn learn(&self, phrases: Vec<Vec<String>>) -> Result<Understanding, TeachError> {
        let wishes = self.wishes.as_deref();
        let mut examples = wishes.map(Wishes::examples).unwrap_or_default();
        let mut domain = wishes.map(|wishes| wishes.spoken.clone()).unwrap_or_default();
        domain.intents.extend(self.domain.intents.iter().cloned());
        domain.slots.extend(self.domain.slots.clone());
        let mut phrases = phrases.into_iter();
        examples.intents.extend(self.labels.iter().map(|label| IntentExamples {
            name: label.clone(),
            phrases: phrases.next().unwrap_or_default(),
            keywords: Vec::new(),
        }));
        let understanding = Understanding::learn(&examples, &domain)?;
        Ok(match self.labels.is_empty() {
            true => understanding,
            false => understanding.for_answers(),
        })
    }

    /// The phrases of each label that are no patterns, if all labels have enough of them to be learned: from too few,
    /// anything would look a little like one of them.
    fn phrases(&self) -> Vec<Vec<String>> {
        let is_plain = |pattern: &&String| !pattern.contains(['(', '[', '{', '|', ';']);
        let answers = self.domain.intents.iter();
        let phrases: Vec<Vec<String>> = answers
            .map(|answer| answer.patterns.iter().filter(is_plain).cloned().collect())
            .collect();
        match phrases.iter().all(|phrases| phrases.len() >= ENOUGH) {
            true => phrases,
            false => Vec::new(),
        }
    }

    /// Where each answer leads, in the order in which the understanding numbers them; none where the flow says so.
    pub fn destinations(&self) -> impl Iterator<Item = Option<&str>> {
        let wishes = self.wishes.iter().flat_map(|wishes| &wishes.list);
        let wishes = wishes.map(|wish| wish.destination.as_deref());
        wishes.chain(self.labels.iter().map(|_| None))
    }

    /// Whether the same may be said to both, so that one understanding serves both.
    #[must_use]
    pub fn hears_like(&self, other: &Self) -> bool {
        let wishes = match (&self.wishes, &other.wishes) {
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            (one, two) => one.is_none() && two.is_none(),
        };
        wishes
            && (&self.labels, &self.value_of, &self.domain, self.others)
                == (&other.labels, &other.value_of, &other.domain, other.others)
    }

    /// What the caller has answered, once it has been decided that they mean `intent` of this question's
    /// [`understanding`](Self::understanding).
    #[must_use]
    pub fn reply(&self, intent: IntentId, confidence: f32, mut slots: Vec<Filled>) -> Reply {
        if let Some(value_of) = &self.value_of {
            let value = slots.into_iter().find(|filled| filled.slot == *value_of);
            return value
                .map_or(Reply::NoMatch, |filled| Reply::Value { value: filled.value, confidence });
        }
        let at = intent.0 as usize;
        let wishes = self.wishes.as_ref().map_or(&[][..], |wishes| &wishes.list);
        if let Some(wish) = wishes.get(at) {
            let own = wish.slot.iter();
            slots.extend(
                own.map(|(slot, value)| Filled { slot: slot.clone(), value: value.clone() }),
            );
            return Reply::Wish {
                intent: wish.intent.clone(),
                destination: wish.destination.clone(),
                slots,
                confidence,
            };
        }
        match self.labels.get(at - wishes.len()) {
            Some(label) => Reply::Answer { label: label.clone(), slots, confidence },
            None => Reply::NoMatch,
        }
    }

    /// Whether a reply is a yes to this question, if it is one of the two.
    #[must_use]
    pub fn yes_or_no(&self, reply: &Reply) -> Option<bool> {
        let label = match reply {
            Reply::Answer { label, .. } => label.as_str(),
            Reply::Digits(keys) => self.pressed(keys)?,
            _ => return None,
        };
        match label {
            YES_LABEL => Some(true),
            NO_LABEL => Some(false),
            _ => None,
        }
    }

    /// The label of the key that was pressed, if it is one key.
    pub(crate) fn pressed(&self, keys: &str) -> Option<&str> {
        let mut keys = keys.chars();
        match (keys.next(), keys.next()) {
            (Some(key), None) => self.keys.get(&key).map(String::as_str),
            _ => None,
        }
    }

    /// Whether everything that may be said can be: the patterns of this question alone.
    pub(crate) fn try_patterns(&self) -> Result<(), GrammarError> {
        match self.domain.intents.is_empty() {
            true => Ok(()),
            false => Grammar::build(&self.domain).map(|_| ()),
        }
    }

    /// The slots that stand in the answers of one label.
    pub(crate) fn slots_of(&self, label: &str) -> impl Iterator<Item = &str> {
        let intent = self.domain.intents.iter().find(|intent| intent.name == label);
        let patterns = intent.map_or(&[][..], |intent| &intent.patterns);
        let said = |slot: &&String| {
            let hole = format!("{{{slot}}}");
            patterns.iter().any(|pattern| pattern.contains(&hole))
        };
        self.domain.slots.keys().filter(said).map(String::as_str)
    }

    /// The labels, spoken and pressed, each once and in order.
    pub(crate) fn labels(&self) -> std::collections::BTreeSet<&str> {
        self.labels.iter().chain(self.keys.values()).map(String::as_str).collect()
    }

    pub(crate) fn wishes(&self) -> Option<&Wishes> {
        self.wishes.as_deref()
    }
}

/// Phrases that each label needs for any to be learned.
const ENOUGH: usize = 4;
