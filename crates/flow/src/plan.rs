//! A flow that has been checked: every name is resolved, nothing is parsed again while a call goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use intent::grammar::SlotKind;
use serde::Serialize;

use crate::book::Book;
use crate::calendar::Calendar;
use crate::check;
use crate::document::{self, Document, Method, Model, Ring, RoomSays, Sound, Turn};
use crate::expression::{Expression, Names};
use crate::finding::{Finding, Findings};
use crate::question::Question;
use crate::run::{Blank, Keys};
use crate::secret::CardItem;
use crate::template::Template;

/// A checked flow. Immutable; share it between calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    pub(crate) name: Arc<str>,
    pub(crate) start: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) apology: Prompt,
    /// Where keys lead at any moment.
    pub(crate) keys: BTreeMap<char, Target>,
    /// How long a call may stay.
    pub(crate) most: Option<Duration>,
    /// How long a language model may take to its first words.
    pub(crate) model: Duration,
    /// By the name of a `return` node that can be come to.
    pub(crate) returns: BTreeMap<Arc<str>, Returned>,
    /// The names that it may set.
    pub(crate) sets: BTreeSet<String>,
    /// Whether a call can end within it.
    pub(crate) ends: bool,
    /// The flows that it goes through, and those that they go through, by name.
    pub(crate) within: BTreeMap<Arc<str>, Arc<Flow>>,
    pub(crate) document: Document,
}

/// How a flow ends that another goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Returned {
    /// Whether the caller is then verified, on every way there.
    pub(crate) verified: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    pub(crate) deed: Deed,
    pub(crate) exits: Vec<Exit>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exit {
    pub(crate) name: Arc<str>,
    pub(crate) target: Target,
}

/// Where an exit leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Node(usize),
    /// As the flow says.
    Fallback,
    /// Since the flow says nothing.
    Failure,
    HangUp,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deed {
    Say { prompt: Prompt, phrased: Option<Template> },
    Ask(Ask),
    Collect(Box<Collect>),
    Converse(Box<Converse>),
    Decide(Vec<(Expression, Arc<str>)>),
    Hours(Arc<Calendar>),
    Lookup { lookup: Arc<Lookup>, prompt: Option<Prompt> },
    Set(Vec<(String, Expression)>),
    Connect(Connect),
    Queue { name: String, announce: Option<Prompt>, variables: Texts, most: Duration },
    Voicemail { prompt: Prompt, mailbox: String, most: Duration },
    Record { turn: Turn, consent: Option<Confirm> },
    Zone(Zone),
    Conference(Conference),
    Music { class: String, length: Duration },
    Dialplan { place: Option<Place>, variables: Texts },
    HangUp(Option<Prompt>),
    Flow(Arc<Flow>),
    Return(Arc<str>),
}

/// A question with a closed list of answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    pub(crate) question: Arc<Question>,
    pub(crate) prompts: Prompts,
    /// What a model is to ask the first time.
    pub(crate) phrased: Option<Template>,
    pub(crate) tries: u32,
    pub(crate) wait: Duration,
}

/// A conversation that a language model leads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Converse {
    pub(crate) model: Model,
    /// What leads on at once; any other words are the model's to answer.
    pub(crate) question: Arc<Question>,
    pub(crate) prompts: Prompts,
    pub(crate) sorry: Prompt,
    pub(crate) about: Template,
    pub(crate) blanks: Vec<Blank>,
    /// Labels, and when the model may choose them.
    pub(crate) ends: BTreeMap<String, String>,
    pub(crate) tries: u32,
    pub(crate) turns: u32,
    pub(crate) wait: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Collect {
    pub(crate) question: Arc<Question>,
    pub(crate) keys: Option<Keys>,
    pub(crate) slot: String,
    pub(crate) kind: SlotKind,
    pub(crate) valid: Option<Expression>,
    pub(crate) invalid: Option<Prompt>,
    pub(crate) read_back: Option<Confirm>,
    pub(crate) prompts: Prompts,
    pub(crate) tries: u32,
    pub(crate) wait: Duration,
}

/// A question that is answered by yes or no.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Confirm {
    pub(crate) question: Arc<Question>,
    pub(crate) prompt: Prompt,
}

/// What is said to put a question, at first and again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prompts {
    pub(crate) first: Prompt,
    pub(crate) again: Vec<Prompt>,
    pub(crate) still_there: Vec<Prompt>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Connect {
    pub(crate) agents: Vec<Agent>,
    pub(crate) ring: Ring,
    pub(crate) ring_for: Option<Duration>,
    pub(crate) announce: Option<Prompt>,
    pub(crate) introduce: Option<Introduce>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conference {
    pub(crate) room: Template,
    pub(crate) name: Option<Template>,
    pub(crate) announce: Option<Prompt>,
    pub(crate) most: Option<Duration>,
    /// How long after the beginning, and what is said.
    pub(crate) remind: Option<(Duration, Prompt)>,
    pub(crate) says: RoomSays,
}

/// What an agent is told of the caller, and asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Introduce {
    pub(crate) confirm: Confirm,
    pub(crate) accept: Prompt,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Agent {
    Destination(String),
    /// Where the caller's last wish leads.
    Wish,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Zone {
    pub(crate) items: Vec<(CardItem, Prompt)>,
    pub(crate) again: Option<Prompt>,
    pub(crate) lookup: Arc<Lookup>,
    pub(crate) tries: u32,
    pub(crate) wait: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lookup {
    pub(crate) name: String,
    pub(crate) url: Template,
    pub(crate) method: Method,
    pub(crate) send: Texts,
    pub(crate) timeout: Duration,
    pub(crate) fields: Arc<BTreeMap<String, String>>,
    pub(crate) account: bool,
    pub(crate) verifies: bool,
}

pub(crate) type Texts = BTreeMap<String, Template>;

/// A place in the dialplan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The context.
    pub context: String,
    /// The extension.
    pub exten: String,
    /// The priority, 1 or more.
    pub priority: u32,
}

/// A sound whose names have been parsed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Prompt {
    File(String),
    Spoken(Template),
}

impl Prompt {
    pub(crate) fn sound(&self, names: &impl Names) -> Sound {
        match self {
            Self::File(name) => Sound::File(name.clone()),
            Self::Spoken(words) => Sound::Spoken(words.text(names)),
        }
    }
}

impl Flow {
    /// Reads and checks a flow, in TOML or JSON. `path` is only for the messages.
    ///
    /// # Errors
    /// Every mistake in the text, in the order of its lines.
    pub fn parse(path: &str, text: &str, book: &Book) -> Result<Self, Findings> {
        let (document, report) = document::parse(path, text)?;
        check::flow(path, document, report, book)
    }

    /// Reads and checks a flow from the bytes of a file.
    ///
    /// # Errors
    /// As [`Flow::parse`], and if the bytes are no UTF-8.
    pub fn from_bytes(path: &str, bytes: &[u8], book: &Book) -> Result<Self, Findings> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(path, text, book),
            Err(error) => {
                let before = &bytes[..error.valid_up_to()];
                let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
                let cause = "a character is not written in UTF-8".to_owned();
                let mend = "save the file as UTF-8".to_owned();
                let finding = Finding { at: Vec::new(), line, cause, mend };
                Err(Findings { path: path.to_owned(), findings: vec![finding] })
            }
        }
    }

    /// Checks a document that has no text; the findings tell their places by [`Finding::at`] and not by line.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn check(path: &str, document: Document, book: &Book) -> Result<Self, Findings> {
        check::flow(path, Some(document), document::Report::default(), book)
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The document that it was made of.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The same and those of the flows that it goes through.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        let within = self.within.values().map(|flow| &flow.document);
        std::iter::once(&self.document).chain(within)
    }

    /// The flows that it goes through, and those that they go through, by the names under which they do.
    pub fn within(&self) -> impl Iterator<Item = (&str, &Flow)> {
        self.within.iter().map(|(name, flow)| (&**name, &**flow))
    }

    /// What must be known before it is begun: names such as `slots.account`, or `verified`.
    #[must_use]
    pub fn needs(&self) -> &[String] {
        &self.document.needs
    }

    /// Whether a call can begin with it, since it needs nothing but names of `caller.`.
    #[must_use]
    pub fn stands_alone(&self) -> bool {
        self.needs().iter().all(|need| need.starts_with("caller."))
    }

    /// Its nodes, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| &*node.name)
    }

    /// Where the exits of a node lead, after every default has been filled in: an exit, and a node of this flow, or
    /// `fallback` or `hang_up`.
    pub fn exits(&self, node: &str) -> impl Iterator<Item = (&str, &str)> {
        let found = self.nodes.iter().find(|known| &*known.name == node);
        let exits = found.map_or(&[][..], |node| &node.exits);
        exits.iter().map(|exit| {
            let target = match exit.target {
                Target::Node(at) => &*self.nodes[at].name,
                Target::Fallback | Target::Failure => FALLBACK,
                Target::HangUp => HANG_UP,
            };
            (&*exit.name, target)
        })
    }

    /// The questions of this flow and of those that it goes through. No two have the same name.
    pub fn questions(&self) -> impl Iterator<Item = &Arc<Question>> {
        let within = self.within.values().map(|flow| &**flow);
        std::iter::once(self).chain(within).flat_map(|flow| &flow.nodes).flat_map(|node| {
            let asked = match &node.deed {
                Deed::Ask(ask) => [Some(&ask.question), None],
                Deed::Converse(converse) => [Some(&converse.question), None],
                Deed::Collect(collect) => {
                    let read_back = collect.read_back.as_ref().map(|confirm| &confirm.question);
                    [Some(&collect.question), read_back]
                }
                Deed::Record { consent: Some(confirm), .. } => [Some(&confirm.question), None],
                Deed::Connect(Connect { introduce: Some(introduce), .. }) => {
                    [Some(&introduce.confirm.question), None]
                }
                _ => [None, None],
            };
            asked.into_iter().flatten()
        })
    }

    /// What it says in the same words every time, that of the flows that it goes through included; each once.
    #[must_use]
    pub fn fixed_sounds(&self) -> BTreeSet<&Sound> {
        let flows = self.within.values().map(|flow| &**flow).chain([self]);
        let said = flows.flat_map(|flow| flow.document.sounds());
        let holds_names =
            |sound: &&Sound| matches!(sound, Sound::Spoken(words) if words.contains(['{', '}']));
        said.filter(|sound| !holds_names(sound)).collect()
    }

    /// The sound files that it plays, and those of the flows that it goes through, each once.
    #[must_use]
    pub fn files(&self) -> BTreeSet<&str> {
        let within = self.within.values().map(|flow| &**flow);
        let sounds = std::iter::once(self).chain(within).flat_map(|flow| flow.document.sounds());
        let files = sounds.filter_map(|sound| match sound {
            Sound::File(file) => Some(file.as_str()),
            Sound::Spoken(_) => None,
        });
        files.collect()
    }
}

/// The target that means the inbound number's fallback destination.
pub(crate) const FALLBACK: &str = "fallback";

/// The target that means that the call is over.
pub(crate) const HANG_UP: &str = "hang_up";
