//! What callers may want: the `[[intent]]` tables and `[slots]` of a receptionist's file.

use std::collections::{BTreeMap, HashMap};

use intent::Understanding;
use intent::grammar::{self, Grammar, GrammarError, IntentPatterns, SlotKind};
use serde::Deserialize;
use toml::Spanned;

use super::document::{self, Checker};
use super::{DestinationId, Filled, Wish, examples};
use flow::Findings;

/// What callers may want, without the rest of a receptionist's file: enough to try how well they are understood.
#[derive(Debug, Clone)]
pub struct Domain {
    /// In the order in which the understanding numbers them.
    pub wishes: Vec<Wish>,
    spoken: grammar::Domain,
}

impl Domain {
    /// Reads and checks the `[[intent]]` tables and `[slots]` of a receptionist's file, which may hold the rest or
    /// not; destinations are not looked at. `path` is only for the messages.
    ///
    /// # Errors
    /// Every mistake found, in the order of the lines.
    pub fn parse(path: &str, text: &str) -> Result<Self, Findings> {
        let document: Document = document::parse(path, text)?;
        let mut checker = Checker::new(text);
        let (wishes, spoken) = checker.wants(document.intent, document.slots);
        checker.finish(path, Some(Self { wishes, spoken }))
    }

    /// Learns to understand these callers.
    ///
    /// # Errors
    /// [`intent::TeachError`] if there is nothing to learn from.
    pub fn understanding(&self) -> Result<Understanding, intent::TeachError> {
        Understanding::learn(&examples(&self.wishes), &self.spoken)
    }
}

#[derive(Deserialize)]
struct Document {
    intent: Vec<Spanned<RawIntent>>,
    #[serde(default)]
    slots: RawSlots,
}

pub(super) type RawSlots = BTreeMap<Spanned<String>, SlotKind>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIntent {
    name: String,
    destination: Option<Spanned<String>>,
    #[serde(default)]
    phrases: Vec<Spanned<String>>,
    #[serde(default)]
    patterns: Vec<Spanned<String>>,
    #[serde(default)]
    keywords: Vec<String>,
    slot: Option<RawSlot>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSlot {
    name: Spanned<String>,
    values: BTreeMap<Spanned<String>, Spanned<String>>,
}

impl Checker<'_> {
    /// The wishes, and what is said in patterns.
    pub(super) fn wants(
        &mut self,
        intents: Vec<Spanned<RawIntent>>,
        slots: RawSlots,
    ) -> (Vec<Wish>, grammar::Domain) {
        let mut wishes = Vec::new();
        let mut seen = HashMap::new();
        for intent in &intents {
            let at = intent.span().start;
            let intent = intent.get_ref();
            if wishes.iter().any(|wish: &Wish| wish.intent == intent.name) {
                self.report_at(
                    at,
                    format!("there are two intents named \"{}\"", intent.name),
                    "put their phrases together under one name",
                );
            }
            if intent.phrases.is_empty() && intent.patterns.is_empty() {
                self.report_at(
                    at,
                    format!("intent \"{}\" has no phrases", intent.name),
                    "add five to fifteen that callers would say, or a pattern",
                );
            }
            self.phrases(intent, &mut seen);
            self.wish(at, intent, &mut wishes);
        }
        if wishes.is_empty() && self.is_content() {
            self.report_at(0, "no intents".to_owned(), "add at least one [[intent]]");
        }
        let spoken = self.spoken(&intents, slots);
        (wishes, spoken)
    }

    /// Checks the phrases of an intent; `seen` are those of all intents before it.
    fn phrases(&mut self, intent: &RawIntent, seen: &mut HashMap<String, String>) {
        for phrase in &intent.phrases {
            let folded = phrase.get_ref().trim().to_lowercase();
            if folded.is_empty() {
                self.report(phrase, "an empty phrase".to_owned(), "remove it");
            } else if intent.slot.is_none() && folded.contains(['{', '[', '(', '|']) {
                self.report(
                    phrase,
                    format!("\"{}\" is a pattern among phrases", phrase.get_ref()),
                    "move it to patterns = [...]; a phrase is said word by word",
                );
            } else if let Some(other) = seen.insert(folded, intent.name.clone())
                && other != intent.name
            {
                let (phrase_text, name) = (phrase.get_ref(), &intent.name);
                self.report(
                    phrase,
                    format!("\"{phrase_text}\" stands under \"{other}\" and under \"{name}\""),
                    "keep it where it belongs: a phrase can mean one thing only",
                );
            }
        }
    }

    fn wish(&mut self, at: usize, intent: &RawIntent, wishes: &mut Vec<Wish>) {
        match (&intent.slot, &intent.destination) {
            (Some(slot), None) if intent.patterns.is_empty() => {
                self.slot_wishes(intent, slot, wishes);
            }
            (None, destination) if destination.is_some() || !self.needs_destinations() => {
                let destination = match destination {
                    Some(destination) => self.destination(destination),
                    None => Some(DestinationId(0)),
                };
                let Some(destination) = destination else { return };
                wishes.push(Wish {
                    intent: intent.name.clone(),
                    slot: None,
                    phrases: intent.phrases.iter().map(|phrase| phrase.get_ref().clone()).collect(),
                    keywords: intent.keywords.clone(),
                    destination,
                });
            }
            (Some(_), None) => self.report_at(
                at,
                format!("intent \"{}\" has patterns and an [intent.slot]", intent.name),
                "give it a destination and put the slot among the [slots] of the file, or write phrases",
            ),
            _ => self.report_at(
                at,
                format!("intent \"{}\" needs one way to a destination", intent.name),
                "give it either destination = \"...\" or an [intent.slot] whose values name destinations",
            ),
        }
    }

    fn slot_wishes(&mut self, intent: &RawIntent, slot: &RawSlot, wishes: &mut Vec<Wish>) {
        let name = slot.name.get_ref();
        let hole = format!("{{{name}}}");
        if !intent.phrases.iter().any(|phrase| phrase.get_ref().contains(&hole)) {
            self.report(
                &slot.name,
                format!("no phrase of \"{}\" has the slot {hole}", intent.name),
                &format!("write {hole} where callers say it, such as \"can I speak to {hole}\""),
            );
        }
        if slot.values.is_empty() {
            self.report(
                &slot.name,
                format!("the slot {hole} has no values"),
                "add lines such as \"Maria Lopez\" = \"maria\"",
            );
        }
        for (value, destination) in &slot.values {
            let Some(destination) = self.destination(destination) else { continue };
            wishes.push(Wish {
                intent: intent.name.clone(),
                slot: Some(Filled { name: name.clone(), value: value.get_ref().clone() }),
                phrases: filled(&intent.phrases, &hole, value.get_ref()),
                keywords: own_words(slot, value.get_ref()),
                destination,
            });
        }
    }

    /// The patterns, if the whole of them can be spoken.
    fn spoken(&mut self, intents: &[Spanned<RawIntent>], slots: RawSlots) -> grammar::Domain {
        let with_patterns =
            || intents.iter().filter(|intent| !intent.get_ref().patterns.is_empty());
        let text = |pattern: &Spanned<String>| pattern.get_ref().clone();
        let domain = grammar::Domain {
            intents: with_patterns()
                .map(|intent| IntentPatterns {
                    name: intent.get_ref().name.clone(),
                    patterns: intent.get_ref().patterns.iter().map(text).collect(),
                })
                .collect(),
            slots: slots
                .iter()
                .map(|(name, kind)| (name.get_ref().clone(), kind.clone()))
                .collect(),
        };
        if domain.intents.is_empty() {
            if let Some((name, _)) = slots.iter().next() {
                self.report(
                    name,
                    format!("no pattern says the slot \"{}\"", name.get_ref()),
                    "add patterns = [\"...\"] to an intent, or remove the slot",
                );
            }
        } else if let Err(error) = Grammar::build(&domain) {
            let place = match &error {
                GrammarError::Pattern { pattern, .. } => with_patterns()
                    .flat_map(|intent| &intent.get_ref().patterns)
                    .find(|known| known.get_ref() == pattern)
                    .map(|pattern| pattern.span().start),
                GrammarError::NoSlot { intent, slot } => with_patterns()
                    .filter(|known| known.get_ref().name == *intent)
                    .flat_map(|intent| &intent.get_ref().patterns)
                    .find(|pattern| pattern.get_ref().contains(slot.as_str()))
                    .map(|pattern| pattern.span().start),
                GrammarError::TooManyOrders { intent } => with_patterns()
                    .find(|known| known.get_ref().name == *intent)
                    .map(|intent| intent.span().start),
                GrammarError::NoValue { slot } => {
                    slots.keys().find(|name| name.get_ref() == slot).map(|name| name.span().start)
                }
                GrammarError::Unspeakable { word, .. } => self.find(word),
                GrammarError::Empty => None,
            };
            let error = error.to_string();
            let (cause, mend) = error.rsplit_once(": ").unwrap_or((&error, "see the patterns"));
            self.report_at(place.unwrap_or(0), cause.to_owned(), mend);
        }
        domain
    }
}

/// The phrases with `hole` filled by a name as it may be said: in full, or by its first or last word alone.
fn filled(phrases: &[Spanned<String>], hole: &str, name: &str) -> Vec<String> {
    let mut said = vec![name];
    if let Some((first, rest)) = name.split_once(char::is_whitespace) {
        said.push(first);
        said.extend(rest.split_whitespace().last());
    }
    let phrases = || phrases.iter().map(Spanned::get_ref).filter(|phrase| phrase.contains(hole));
    said.iter().flat_map(|said| phrases().map(move |phrase| phrase.replace(hole, said))).collect()
}

/// The words of a name that no other value of the slot has: each tells who is meant.
fn own_words(slot: &RawSlot, name: &str) -> Vec<String> {
    let others = || slot.values.keys().map(Spanned::get_ref).filter(|other| *other != name);
    let shared = |word: &str| others().any(|other| other.split_whitespace().any(|w| w == word));
    name.split_whitespace().filter(|word| !shared(word)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: &str = r#"
[[intent]]
name = "order"
patterns = ["(can i get|i want) [a] [{size}] {drink}"]
[[intent]]
name = "complain"
phrases = ["this is cold", "i am not happy"]
[slots]
size = { values = ["small", { value = "large", also = ["big"] }] }
drink = { values = ["mocha", "latte"] }
"#;

    #[test]
    fn a_domain_needs_no_destinations() {
        let domain = Domain::parse("orders.toml", ORDERS).expect("good");
        let understanding = domain.understanding().expect("good");
        let meaning = understanding.of("can I get a big latte");
        let best = meaning.ranking.best().expect("an order");
        assert_eq!(domain.wishes[best.intent.0 as usize].intent, "order");
        let slots: Vec<_> = meaning.slots.iter().map(|slot| slot.value.as_str()).collect();
        assert_eq!(slots, ["large", "latte"]);
    }

    #[test]
    fn each_mistake_is_told_with_its_line() {
        for (was, becomes, says) in [
            ("[{size}]", "[{sizes}]", "names the slot \"sizes\", which there is not"),
            ("(can i get|i want)", "(can i get|i want", "stands alone"),
            ("[\"mocha\", \"latte\"]", "[]", "slot \"drink\" has no value"),
            ("\"latte\"", "\"???\"", "nobody can say"),
            ("\"this is cold\"", "\"this is [too] cold\"", "is a pattern among phrases"),
            ("[\"this is cold\", \"i am not happy\"]", "[]", "has no phrases"),
            ("size = { values", "size = { value", "unknown variant `value`"),
        ] {
            let text = ORDERS.replace(was, becomes);
            assert_ne!(text, ORDERS, "{was} must occur");
            let findings = Domain::parse("orders.toml", &text).expect_err(becomes);
            assert!(findings.to_string().contains(says), "{becomes}: {findings}");
            let line = ORDERS.lines().position(|l| l.contains(was)).expect("occurs") + 1;
            let near = findings.findings.iter().any(|f| f.line.abs_diff(line) <= 2);
            assert!(near, "{becomes}: line {line}, told {findings}");
        }
    }
}
