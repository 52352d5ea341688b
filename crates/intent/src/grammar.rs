//! What callers may say, heard through a telephone and a recogniser: patterns with typed slots, matched by
//! sound.
//!
//! A [`Domain`] lists intents, patterns and slots. [`Grammar::build`] turns it into one graph of sounds, and
//! [`Grammar::hear`] finds the path through it that sounds most like what was heard: every sound taken for
//! another, missed or made up costs something, and so does every word that no pattern has. What is written
//! short ("$20", "4021") is tried in all the ways in which it may have been said.
//!
//! ```
//! use intent::grammar::{Domain, Grammar, IntentPatterns, SlotKind};
//!
//! let domain = Domain {
//!     intents: vec![IntentPatterns {
//!         name: "order".into(),
//!         patterns: vec!["(can i get|i would like) [a] [{size}] {drink}".into()],
//!     }],
//!     slots: [
//!         ("size".into(), SlotKind::Values(vec!["small".into(), "large".into()])),
//!         ("drink".into(), SlotKind::Values(vec!["mocha".into(), "latte".into()])),
//!     ]
//!     .into(),
//! };
//! let grammar = Grammar::build(&domain)?;
//! let understood = grammar.hear("um can I get a large mocker please").expect("it is an order");
//! assert_eq!(understood.intent, "order");
//! assert_eq!(understood.slot("drink"), Some("mocha"));
//! assert_eq!(understood.slot("size"), Some("large"));
//! assert!(understood.confidence > 0.8);
//! # Ok::<(), intent::grammar::GrammarError>(())
//! ```

mod align;
mod compile;
mod confidence;
mod domain;
mod graph;
mod heard;
mod hints;
mod pattern;
mod script;
mod spoken_values;
mod understood;

pub use domain::{Choice, Domain, GrammarError, IntentPatterns, Length, SlotKind};
pub use pattern::PatternError;
pub use script::{Script, Step};
pub use understood::{Slot, Understood};

use align::{Limits, Paths};
use confidence::Setting;
use graph::Graph;
use heard::Heard;

pub(crate) use heard::spoken;

/// A domain, ready to be heard. Immutable; share it between calls.
#[derive(Clone, Debug)]
pub struct Grammar {
    graph: Graph,
    intents: Vec<String>,
    slots: Vec<(String, SlotKind)>,
    values: Vec<String>,
    setting: Setting,
}

/// How much more than the cheapest a path may cost on its way.
const BEAM: f32 = 3.2;

/// Words read at once: the last ones count. A turn has fewer, and a recogniser gone wild must not stop a call.
const MOST_WORDS: usize = 60;

impl Grammar {
    /// Makes a domain ready.
    ///
    /// # Errors
    /// The first mistake found: a pattern that cannot be read, a slot that is missing or has no value, or a
    /// word that cannot be spoken.
    pub fn build(domain: &Domain) -> Result<Grammar, GrammarError> {
        let (graph, values) = compile::compile(domain)?;
        Ok(Grammar {
            graph,
            values,
            setting: Setting::Open,
            intents: domain.intents.iter().map(|intent| intent.name.clone()).collect(),
            slots: domain.slots.iter().map(|(name, kind)| (name.clone(), kind.clone())).collect(),
        })
    }

    /// The same grammar for answers to a question that has just been put: a short one that fits is believed.
    #[must_use]
    pub fn for_answers(self) -> Grammar {
        Grammar { setting: Setting::Question, ..self }
    }

    /// What `text` most likely meant, or none if no pattern is anywhere near it. A low
    /// [confidence](Understood::confidence) means that it was probably about something else.
    #[must_use]
    pub fn hear(&self, text: &str) -> Option<Understood> {
        let words = text.split_whitespace().count();
        let left_out = words.saturating_sub(MOST_WORDS);
        let heard = Heard::read(text, left_out);
        let limits = Limits {
            nodes: (0, heard.end()),
            states: (Graph::START, self.graph.last()),
            beam: BEAM,
        };
        let paths = Paths::find(&self.graph, &heard, limits);
        understood::understand(self, &heard, &paths)
    }
}
