//! The names that exist around a flow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use intent::grammar::{self, SlotKind};
use intent::{Examples, IntentExamples};

use crate::plan::Flow;

/// What a flow is checked against: the names around it. Nothing outside can be reached by any other name.
#[derive(Debug, Clone, Default)]
pub struct Book {
    /// Where callers may be sent, by name.
    pub destinations: BTreeSet<String>,
    /// What callers may want, as the receptionist's file lists it.
    pub wishes: Arc<Wishes>,
    /// The slots that the receptionist's file describes.
    pub slots: BTreeMap<String, SlotKind>,
    /// Flows that can be gone through. They have been checked before, so no flow can go through itself.
    pub flows: BTreeMap<String, Arc<Flow>>,
    /// The sound files that there are, if that is known.
    pub sounds: Option<BTreeSet<String>>,
}

/// What callers may want.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    /// Each with its own name, in the order in which an understanding numbers them.
    pub list: Vec<Wish>,
    /// What is said in patterns, by the names of the wishes, with the slots that stand in them.
    pub spoken: grammar::Domain,
}

/// One thing that a caller may want.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// The intent's name. Several wishes may share it that differ in a slot.
    pub intent: String,
    /// The slot whose value tells them apart, and the value.
    pub slot: Option<(String, String)>,
    /// What callers say.
    pub phrases: Vec<String>,
    /// Words that decide by themselves.
    pub keywords: Vec<String>,
    /// Where it leads.
    pub destination: Option<String>,
}

impl Wish {
    /// The one name that no other wish has.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.slot {
            Some((_, value)) => format!("{}: {value}", self.intent),
            None => self.intent.clone(),
        }
    }
}

impl Wishes {
    /// The names of the intents, each once.
    pub fn intents(&self) -> BTreeSet<&str> {
        self.list.iter().map(|wish| wish.intent.as_str()).collect()
    }

    /// The slots that wishes may fill.
    pub(crate) fn slots(&self) -> BTreeSet<&str> {
        let own = self.list.iter().filter_map(|wish| wish.slot.as_ref());
        let own = own.map(|(name, _)| name.as_str());
        own.chain(self.spoken.slots.keys().map(String::as_str)).collect()
    }

    pub(crate) fn examples(&self) -> Examples {
        let intents = self.list.iter().map(|wish| IntentExamples {
            name: wish.name(),
            phrases: wish.phrases.clone(),
            keywords: wish.keywords.clone(),
        });
        Examples { intents: intents.collect(), ..Examples::default() }
    }
}
