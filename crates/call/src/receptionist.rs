//! The receptionist's file: what callers may want, and where each wish goes.
//!
//! [`Receptionist::parse`] reads the text and either gives a receptionist in which every name resolves, or every
//! mistake found, each with its line and its mend. Nothing is checked again later.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flow::{Book, Findings, Flow, Sound};
use intent::{
    CommitConfig, Examples, IntentExamples, IntentId, Keywords, TeachError, Understanding, grammar,
};
use serde::Serialize;

use crate::budget::Budget;

mod document;
mod front_desk;
mod wants;

pub use wants::Domain;

/// The index of a destination in [`Receptionist::destinations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DestinationId(pub usize);

/// A checked receptionist's file.
#[derive(Debug, Clone)]
pub struct Receptionist {
    /// What the file calls itself, for screens and logs.
    pub name: String,
    /// Everything the receptionist says.
    pub prompts: Prompts,
    /// What a caller may want, in the order in which the intent model learns it: class `n` of the model is
    /// `wishes[n]`.
    pub wishes: Vec<Wish>,
    /// The keywords of all wishes.
    pub keywords: Keywords,
    spoken: grammar::Domain,
    /// The places where a caller may be sent.
    pub destinations: Vec<Destination>,
    /// Where a digit leads, at any moment of the conversation.
    pub digits: BTreeMap<char, DestinationId>,
    /// Who takes a caller whom nothing else could place.
    pub fallback: DestinationId,
    /// How long to wait, and how often to ask.
    pub patience: Patience,
    /// What wrong and late decisions cost: how sure one must be.
    pub caution: CommitConfig,
    /// What each stage may cost, and what happens when it costs more.
    pub budget: Budget,
}

/// What happens in a call.
#[derive(Debug, Clone)]
pub struct Course {
    /// What happens first.
    pub flow: Arc<Flow>,
    /// What becomes of a call for which that has no way on: the fallback destination, and if nobody is there, back to
    /// the dialplan.
    pub last_resort: Arc<Flow>,
}

/// One thing that a caller may want: an intent, with the slot value that tells its destination if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The intent's name.
    pub intent: String,
    /// The value of the intent's own slot: a colleague's name, for example.
    pub slot: Option<Filled>,
    /// Example phrases, slots filled in; none if the intent has patterns alone.
    pub phrases: Vec<String>,
    /// Words that decide by themselves.
    pub keywords: Vec<String>,
    /// Where the caller is connected.
    pub destination: DestinationId,
}

/// A slot with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The slot's name.
    pub name: String,
    /// What fills it.
    pub value: String,
}

/// A named place where a caller may be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// The name: the only word by which anything in Patchcord can choose this place.
    pub name: String,
    /// What Asterisk is told.
    pub place: Place,
    /// How long it may ring.
    pub ring: Duration,
    /// Who is tried when this one is busy, does not answer or does not exist.
    pub next: Option<DestinationId>,
    /// What it costs to send a caller there by mistake, in seconds of patience, where that differs from
    /// [`caution`](Receptionist::caution).
    pub wrong_route_s: Option<f32>,
    /// What the caller hears while it rings.
    pub announce: Option<Sound>,
}

/// A destination in Asterisk's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Place {
    /// A channel to originate, such as `PJSIP/helpdesk` or `Local/700@queues`.
    Endpoint(String),
    /// A place in the dialplan where the caller's channel continues.
    Dialplan {
        /// The context.
        context: String,
        /// The extension.
        exten: String,
        /// The priority, 1 or more.
        priority: u32,
    },
    /// A queue of Asterisk, by its name in queues.conf. The caller waits with us; the connection stands when an agent of
    /// the queue has answered.
    Queue(String),
}

/// The prompts that every receptionist needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompts {
    /// Said first.
    pub greeting: Sound,
    /// Said when the wish was not understood.
    pub again: Sound,
    /// Said when the caller keeps silent.
    pub still_there: Sound,
    /// Said when speech cannot help: the digits and what they are for.
    pub menu: Sound,
    /// Said before the next choice is tried.
    pub busy: Sound,
    /// Said when nobody can take the call.
    pub goodbye: Sound,
}

/// How long the receptionist waits, and how often it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long a caller may keep silent after a prompt.
    pub silence: Duration,
    /// How often a caller is asked before the fallback destination takes the call; the greeting counts.
    pub asks: u32,
    /// How long the whole conversation may last before the fallback destination takes the call.
    pub conversation: Duration,
}

impl Receptionist {
    /// Reads and checks a receptionist's file. `path` is only for the messages.
    ///
    /// # Errors
    /// Every mistake in the text, in the order of its lines.
    pub fn parse(path: &str, text: &str) -> Result<Self, Findings> {
        document::read(path, text)
    }

    /// The destination behind an id of this receptionist.
    #[must_use]
    pub fn destination(&self, id: DestinationId) -> &Destination {
        &self.destinations[id.0]
    }

    /// The wish that an intent of the model stands for.
    #[must_use]
    pub fn wish(&self, intent: IntentId) -> &Wish {
        &self.wishes[intent.0 as usize]
    }

    /// The destination of this name.
    #[must_use]
    pub fn destination_named(&self, name: &str) -> Option<DestinationId> {
        self.destinations.iter().position(|known| known.name == name).map(DestinationId)
    }

    /// What it costs to send a caller to the destination of this name by mistake, in seconds of patience; what it
    /// usually costs if there is none.
    #[must_use]
    pub fn wrong_route_s(&self, name: Option<&str>) -> f32 {
        let own = name.and_then(|name| self.destination_named(name));
        let own = own.and_then(|id| self.destination(id).wrong_route_s);
        own.unwrap_or(self.caution.wrong_route_s)
    }

    /// What the receptionist does with a call: the file as flows.
    ///
    /// # Errors
    /// What flows do not allow, such as an intent that is called like one of their exits.
    pub fn course(&self) -> Result<Course, Findings> {
        front_desk::course(self)
    }

    /// The names that flows of this receptionist may use.
    #[must_use]
    pub fn book(&self) -> Book {
        front_desk::book(self)
    }

    /// Learns to understand this receptionist's callers; intent `n` is `wishes[n]`.
    ///
    /// # Errors
    /// [`TeachError`] if there is nothing to learn from.
    pub fn understanding(&self) -> Result<Understanding, TeachError> {
        Understanding::learn(&examples(&self.wishes), &self.spoken)
    }

    /// Everything that the receptionist says, each once.
    pub fn sounds(&self) -> impl Iterator<Item = &Sound> {
        let p = &self.prompts;
        let fixed = [&p.greeting, &p.again, &p.still_there, &p.menu, &p.busy, &p.goodbye];
        let announced = self.destinations.iter().filter_map(|d| d.announce.as_ref());
        let all: std::collections::BTreeSet<&Sound> = fixed.into_iter().chain(announced).collect();
        all.into_iter()
    }
}

/// What the wishes' phrases teach; intent `n` is `wishes[n]`.
fn examples(wishes: &[Wish]) -> Examples {
    let intents = wishes.iter().map(|wish| IntentExamples {
        name: match &wish.slot {
            Some(slot) => format!("{}: {}", wish.intent, slot.value),
            None => wish.intent.clone(),
        },
        phrases: wish.phrases.clone(),
        keywords: wish.keywords.clone(),
    });
    Examples { intents: intents.collect(), ..Examples::default() }
}
