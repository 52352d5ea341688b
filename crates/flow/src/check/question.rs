//! What is asked: questions, menus, values, and the words around them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use intent::grammar::{GrammarError, SlotKind};

use super::Checker;
use crate::document::{self, At, By, Sound, at};
use crate::finding::meant;
use crate::plan::{Ask, Collect, Confirm, Deed, Prompt, Prompts};
use crate::question::Question;
use crate::run::Keys;
use crate::ways::{FAILURES, WISH};

/// What English callers say who mean yes, and who mean no.
const YES: [&str; 14] = [
    "(yes|yeah|yep|yup) [please|thanks|thank you]",
    "(sure|okay|ok|right|correct|exactly|absolutely|certainly|of course)",
    "(that is|that's|it is|it's|this is) (right|correct|fine|good|it)",
    "[yes] (go ahead|i do|i am|you may|you can|i agree)",
    "yes",
    "yeah",
    "yes please",
    "yes that's right",
    "yes i think so",
    "yes it is",
    "sure go ahead",
    "that's right",
    "okay",
    "correct",
];
const NO: [&str; 13] = [
    "(no|nope|nah) [thanks|thank you]",
    "(wrong|incorrect|never)",
    "[no] (that is|that's|it is|it's|this is) (wrong|not right|not correct|incorrect|not it)",
    "[no] (i don't|i do not|i'd rather not|please don't|don't|i am not|i'm not)",
    "no",
    "nope",
    "no thanks",
    "no that's wrong",
    "no it is not",
    "that's not right",
    "i would rather not",
    "please don't",
    "wrong",
];

/// Numbers of this length may be cards (ISO/IEC 7812-1).
const CARD: RangeInclusive<usize> = 13..=19;

impl Checker<'_> {
    pub(super) fn ask(&mut self, node: &str, ask: &document::Ask) -> Deed {
        let place = |parts: &[&str]| at(["node", node, "ask"].iter().chain(parts));
        let keys = self.keys(&place(&["keys"]), &ask.keys);
        if ask.answers.is_empty() && keys.is_empty() && !ask.wishes {
            let mend = "add answers = { label = [\"what they say\"] }, keys or wishes = true";
            self.add(&place(&[]), format!("node \"{node}\" asks, and takes no answer"), mend);
        }
        let wishes = self.book.wishes.clone();
        let intents = wishes.intents();
        for label in ask.answers.keys() {
            if ask.wishes && intents.contains(label.as_str()) {
                let cause = format!("the answer \"{label}\" has the name of an intent");
                let mend = "give it another name, or take it out: with wishes = true it may be said anyway";
                self.add(&place(&["answers", label]), cause, mend);
            }
        }
        let labels: BTreeSet<&String> = ask.answers.keys().chain(ask.keys.values()).collect();
        self.labels(&place(&[]), labels);
        let mut question = Question::keyed(self.named(node, None), keys)
            .with_answers(&ask.answers, &self.book.slots);
        if ask.wishes {
            if wishes.list.is_empty() {
                let cause = "there is nothing that callers may want";
                let mend = "add intents to the receptionist's file, or take wishes = true out";
                self.add(&place(&["wishes"]), cause, mend);
            }
            question = question.with_wishes(wishes);
        }
        self.answers(&place(&["answers"]), &question, &ask.answers);
        Deed::Ask(Ask {
            question: Arc::new(question),
            prompts: self.prompts(
                &place(&[]),
                &ask.prompt,
                ask.again.as_ref(),
                ask.still_there.as_ref(),
            ),
            phrased: self.phrased(&place(&["phrased"]), ask.phrased.as_ref()),
            tries: self.tries(&place(&["tries"]), ask.tries),
            wait: self.wait(&place(&["wait_s"]), ask.wait_s),
        })
    }

    /// Tells answers that nobody can give, or that could mean several things.
    pub(super) fn answers(
        &mut self,
        place: &At,
        question: &Question,
        answers: &BTreeMap<String, Vec<String>>,
    ) {
        let below = |parts: &[&str]| at(place.iter().map(String::as_str).chain(parts.to_vec()));
        let mut seen: BTreeMap<Vec<String>, &str> = BTreeMap::new();
        for (label, phrases) in answers {
            if phrases.iter().all(|phrase| phrase.trim().is_empty()) {
                let cause = format!("nobody can give the answer \"{label}\"");
                let mend =
                    "write what callers say who mean it; for keys alone, only name it in keys";
                self.add(&below(&[label]), cause, mend);
            }
            for (index, phrase) in phrases.iter().enumerate() {
                if let Some(other) = seen.insert(said(phrase), label)
                    && other != label
                {
                    let cause =
                        format!("\"{phrase}\" stands under \"{other}\" and under \"{label}\"");
                    let mend = "keep it where it belongs: a phrase can mean one thing only";
                    self.add(&below(&[label, &index.to_string()]), cause, mend);
                }
            }
        }
        self.patterns(place, question, answers);
        for label in answers.keys() {
            let slots: Vec<String> = question.slots_of(label).map(str::to_owned).collect();
            for slot in slots {
                let kind = self.book.slots[&slot].clone();
                self.no_card(&below(&[label]), &slot, &kind);
            }
        }
    }

    pub(super) fn menu(&mut self, node: &str, menu: &document::Menu) -> Deed {
        let place = |parts: &[&str]| at(["node", node, "menu"].iter().chain(parts));
        let keys = self.keys(&place(&["keys"]), &menu.keys);
        if keys.is_empty() && menu.keys.is_empty() {
            let mend = "add keys = { 1 = \"sales\" }, or make it a say";
            self.add(&place(&["keys"]), format!("the menu \"{node}\" has no keys"), mend);
        }
        self.labels(&place(&["keys"]), menu.keys.values().collect());
        Deed::Ask(Ask {
            question: Arc::new(Question::keyed(self.named(node, None), keys)),
            prompts: self.prompts(
                &place(&[]),
                &menu.prompt,
                menu.again.as_ref(),
                menu.still_there.as_ref(),
            ),
            phrased: None,
            tries: self.tries(&place(&["tries"]), menu.tries),
            wait: self.wait(&place(&["wait_s"]), menu.wait_s),
        })
    }

    pub(super) fn collect(&mut self, node: &str, collect: &document::Collect) -> Option<Deed> {
        let place = |parts: &[&str]| at(["node", node, "collect"].iter().chain(parts));
        let slot = &collect.slot;
        let Some(kind) = collect.kind.as_ref().or_else(|| self.book.slots.get(slot)).cloned()
        else {
            let known = self.book.slots.keys().map(String::as_str);
            let mend = meant(
                slot,
                known,
                "say what may fill it: kind = \"number\", or { digits = { least = 4, most = 8 } }",
            );
            self.add(&place(&["slot"]), format!("the slot \"{slot}\" is not described"), mend);
            return None;
        };
        self.no_card(&place(&["slot"]), slot, &kind);
        let keyed = match &kind {
            SlotKind::Digits(length) => Some(Keys { least: length.least, most: length.most }),
            SlotKind::Number => Some(Keys { least: 1, most: 9 }),
            _ => None,
        };
        let by = collect.by.unwrap_or(if keyed.is_some() { By::Both } else { By::Speech });
        if by != By::Speech && keyed.is_none() {
            let cause = format!("the slot \"{slot}\" cannot be keyed in");
            let mend = "write by = \"speech\", or give it digits or a number";
            self.add(&place(&["by"]), cause, mend);
        }
        let name = self.named(node, None);
        let question = match by {
            By::Keys => Question::keyed(name, BTreeMap::new()),
            By::Speech | By::Both => Question::for_value(name, slot, kind.clone()),
        };
        if let Err(error) = question.try_patterns() {
            let (cause, mend) = told(&error);
            self.add(&place(&["kind"]), cause, mend);
        }
        let read_back = collect.read_back.as_ref().map(|prompt| {
            self.confirm(&place(&["read_back"]), node, "read_back", prompt, &["value"])
        });
        let valid = collect.valid.as_ref().map(|valid| {
            let condition = self.expression(&place(&["valid"]), valid);
            self.reads(&place(&["valid"]), condition.names(), &["value"]);
            condition
        });
        let invalid = collect.invalid.as_ref();
        if let (Some(_), None) = (invalid, &valid) {
            let mend = "add valid = \"...\", the condition that it tells of";
            self.add(&place(&["invalid"]), "nothing makes a value invalid", mend);
        }
        Some(Deed::Collect(Box::new(Collect {
            question: Arc::new(question),
            keys: keyed.filter(|_| by != By::Speech),
            slot: slot.clone(),
            kind,
            valid,
            invalid: invalid.map(|prompt| self.prompt(&place(&["invalid"]), prompt, &["value"])),
            read_back,
            prompts: self.prompts(
                &place(&[]),
                &collect.prompt,
                collect.again.as_ref(),
                collect.still_there.as_ref(),
            ),
            tries: self.tries(&place(&["tries"]), collect.tries),
            wait: self.wait(&place(&["wait_s"]), collect.wait_s),
        })))
    }

    pub(super) fn confirm(
        &mut self,
        place: &At,
        node: &str,
        part: &str,
        prompt: &Sound,
        besides: &[&str],
    ) -> Confirm {
        let keys = BTreeMap::from([('1', YES_LABEL.to_owned()), ('2', NO_LABEL.to_owned())]);
        let question = Question::keyed(self.named(node, Some(part)), keys)
            .with_answers(&self.yes_or_no(), &BTreeMap::new());
        let prompt = self.prompt(place, prompt, besides);
        Confirm { question: Arc::new(question), prompt }
    }

    /// What callers say who mean yes, and who mean no.
    fn yes_or_no(&self) -> BTreeMap<String, Vec<String>> {
        let voice = &self.document.voice;
        let own = |own: &[String], english: &[&str]| match own.is_empty() {
            true => english.iter().map(|phrase| (*phrase).to_owned()).collect(),
            false => own.to_vec(),
        };
        let (yes, no) = (own(&voice.yes, &YES), own(&voice.no, &NO));
        BTreeMap::from([(YES_LABEL.to_owned(), yes), (NO_LABEL.to_owned(), no)])
    }

    /// The prompts that a document has for all its nodes.
    pub(super) fn voice(&mut self) {
        let voice = &self.document.voice;
        self.again = self.perhaps(&at(["prompts", "again"]), voice.again.as_ref());
        self.still_there =
            self.perhaps(&at(["prompts", "still_there"]), voice.still_there.as_ref());
        let accept = self.perhaps(&at(["prompts", "accept"]), voice.accept.as_ref());
        self.accept = accept.unwrap_or_else(|| self.accept.clone());
        if voice.yes.is_empty() != voice.no.is_empty() {
            let cause = "only one of yes and no is written in other words";
            self.add(&at(["prompts"]), cause, "write both lists, yes and no, or none");
        }
        if !voice.yes.is_empty() && !voice.no.is_empty() {
            let answers = self.yes_or_no();
            let question = Question::keyed(String::new(), BTreeMap::new());
            let question = question.with_answers(&answers, &BTreeMap::new());
            self.patterns(&at(["prompts"]), &question, &answers);
        }
    }

    /// The name of a node's question.
    pub(super) fn named(&self, node: &str, part: Option<&str>) -> String {
        let flow = &self.document.name;
        match part {
            Some(part) => format!("{flow}/{node}/{part}"),
            None => format!("{flow}/{node}"),
        }
    }

    pub(super) fn keys(
        &mut self,
        place: &At,
        written: &BTreeMap<String, String>,
    ) -> BTreeMap<char, String> {
        let mut keys = BTreeMap::new();
        for (key, label) in written {
            let mut chars = key.chars();
            match (chars.next(), chars.next()) {
                (Some(key @ ('0'..='9' | '*' | '#' | 'A'..='D')), None) => {
                    keys.insert(key, label.clone());
                }
                _ => {
                    let mut place = place.clone();
                    place.push(key.clone());
                    let cause = format!("\"{key}\" is no key of a telephone");
                    self.add(&place, cause, "use one of 0 to 9, \"*\" or \"#\"");
                }
            }
        }
        keys
    }

    /// Tells labels that would be taken for something else.
    pub(super) fn labels(&mut self, place: &At, labels: BTreeSet<&String>) {
        for label in labels {
            let taken = FAILURES.contains(&label.as_str()) || label == WISH;
            if label.trim().is_empty() || taken {
                let cause = format!("an answer cannot be called \"{label}\"");
                self.add(place, cause, "give it a name of its own");
            }
        }
    }

    /// Tells patterns that nobody can say.
    fn patterns(
        &mut self,
        place: &At,
        question: &Question,
        answers: &BTreeMap<String, Vec<String>>,
    ) {
        let Err(error) = question.try_patterns() else { return };
        let mut all = answers.iter().flat_map(|(label, patterns)| {
            patterns.iter().enumerate().map(move |(index, pattern)| (label, index, pattern))
        });
        let found = all.find(|(label, _, pattern)| match &error {
            GrammarError::Pattern { pattern: wrong, .. } => *pattern == wrong,
            GrammarError::NoSlot { intent, slot } => {
                *label == intent && pattern.contains(slot.as_str())
            }
            GrammarError::Unspeakable { word, .. } => pattern.contains(word.as_str()),
            GrammarError::TooManyOrders { intent } => *label == intent,
            GrammarError::Empty | GrammarError::NoValue { .. } => false,
        });
        let mut place = place.clone();
        if let Some((label, index, _)) = found {
            place.extend([label.clone(), index.to_string()]);
        }
        let empty =
            matches!(&error, GrammarError::Pattern { pattern, .. } if pattern.trim().is_empty());
        if empty && answers.values().any(|patterns| patterns.iter().all(|it| it.trim().is_empty()))
        {
            return; // It is told as an answer that nobody can give.
        }
        let (cause, mend) = told(&error);
        self.add(&place, cause, mend);
    }

    pub(super) fn no_card(&mut self, place: &At, slot: &str, kind: &SlotKind) {
        if let SlotKind::Digits(length) | SlotKind::Code(length) = kind
            && length.least <= *CARD.end()
            && length.most >= *CARD.start()
        {
            let cause =
                format!("the slot \"{slot}\" can hold a card number, and a slot is written down");
            let mend =
                "take cards in a zone; another number: at most 12 characters, or 20 and more";
            self.add(place, cause, mend);
        }
    }

    pub(super) fn prompts(
        &mut self,
        place: &At,
        first: &Sound,
        again: Option<&Sound>,
        still_there: Option<&Sound>,
    ) -> Prompts {
        let below = |key: &str| {
            let mut place = place.clone();
            place.push(key.to_owned());
            place
        };
        let first = self.prompt(&below("prompt"), first, &[]);
        let retry = |own: Option<Prompt>, common: &Option<Prompt>| match own {
            Some(own) => vec![own],
            None => common.iter().chain([&first]).cloned().collect(),
        };
        let again = self.perhaps(&below("again"), again);
        let again = retry(again, &self.again);
        let still_there = self.perhaps(&below("still_there"), still_there);
        let still_there = retry(still_there, &self.still_there);
        Prompts { first, again, still_there }
    }
}

pub(crate) const YES_LABEL: &str = "yes";
pub(crate) const NO_LABEL: &str = "no";

/// A phrase as it is said.
fn said(phrase: &str) -> Vec<String> {
    let marks = |c: char| "()[]{}|;".contains(c);
    let mut said = Vec::new();
    for piece in phrase.split_inclusive(marks) {
        let words = piece.trim_end_matches(marks);
        said.extend(intent::spoken_words(words));
        said.extend(piece[words.len()..].chars().map(String::from));
    }
    said
}

/// What is wrong with a pattern, and the mend.
fn told(error: &GrammarError) -> (String, String) {
    let error = error.to_string().replacen("intent ", "answer ", 1);
    match error.rsplit_once(": ") {
        Some((cause, mend)) => (cause.to_owned(), mend.to_owned()),
        None => (error, "see the patterns in assets/flows".to_owned()),
    }
}
