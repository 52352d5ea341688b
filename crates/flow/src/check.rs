//! From a document to a [`Flow`] in which nothing can go wrong but what has its exit.

mod around;
mod converse;
mod deed;
mod graph;
mod names;
mod question;
mod test;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::book::Book;
use crate::calendar::Calendar;
use crate::document::{At, Document, Report, Sound, at};
use crate::expression::Expression;
use crate::finding::{Findings, meant};
use crate::plan::{Deed, Exit, FALLBACK, Flow, HANG_UP, Lookup, Node, Prompt, Target};
use crate::template::Template;
use crate::value::Value;
use crate::ways::{self, Class, FAILURES};

pub(crate) use question::{NO_LABEL, YES_LABEL};

/// Checks what could be read of a document; `report` holds what could not.
pub(crate) fn flow(
    path: &str,
    document: Option<Document>,
    report: Report,
    book: &Book,
) -> Result<Flow, Findings> {
    let Some(document) = document else { return Err(report.findings(path)) };
    let mut checker = Checker::new(&document, report, book);
    match checker.flow() {
        Some(flow) if checker.report.is_empty() => Ok(flow),
        _ => Err(checker.report.findings(path)),
    }
}

struct Checker<'d> {
    document: &'d Document,
    book: &'d Book,
    report: Report,
    hours: BTreeMap<&'d str, Arc<Calendar>>,
    lookups: BTreeMap<&'d str, Arc<Lookup>>,
    /// The numbers of the nodes, by name.
    ids: BTreeMap<&'d str, usize>,
    /// What is said by nodes that do not say it in their own words.
    again: Option<Prompt>,
    /// Said behind every introduction.
    accept: Prompt,
    still_there: Option<Prompt>,
    /// The names that are read, and where.
    uses: Vec<Use>,
}

/// A name that a node reads.
struct Use {
    place: At,
    name: String,
    by: Reader,
}

/// What reads a name.
#[derive(Clone, PartialEq, Eq)]
enum Reader {
    /// Words or an expression of the node.
    Node,
    /// The lookup that sends it.
    Lookup(String),
    /// The connection to where it leads.
    Connection,
}

impl<'d> Checker<'d> {
    fn new(document: &'d Document, report: Report, book: &'d Book) -> Self {
        let ids = document.node.keys().enumerate().map(|(id, name)| (name.as_str(), id));
        Self {
            document,
            book,
            report,
            hours: BTreeMap::new(),
            lookups: BTreeMap::new(),
            ids: ids.collect(),
            again: None,
            accept: fixed(ACCEPT),
            still_there: None,
            uses: Vec::new(),
        }
    }

    /// The flow, if all its nodes can be made.
    fn flow(&mut self) -> Option<Flow> {
        self.head();
        self.calendars();
        self.lookups();
        self.voice();
        let nodes: Vec<Option<Node>> =
            self.document.node.iter().map(|(name, node)| self.node(name, node)).collect();
        let within = self.within(&nodes);
        let apology = match &self.document.voice.apology {
            Some(sound) => self.prompt(&at(["prompts", "apology"]), sound, &[]),
            None => fixed(APOLOGY),
        };
        self.tests();
        let keys = self.keys_at_any_moment();
        let start = self.target_node("start", &self.document.start, &at(["start"]));
        // What follows would tell the consequences of what is told already.
        let nodes = nodes.into_iter().collect::<Option<Vec<Node>>>()?;
        let (start, false) = (start?, self.report.has_broken()) else { return None };
        let graph = self.graph(&nodes, start, &keys);
        Some(Flow {
            name: self.document.name.as_str().into(),
            start,
            apology,
            keys,
            most: self.document.most_s.map(Duration::from_secs_f64),
            model: self.document.model_s.map_or(MODEL, Duration::from_secs_f64),
            returns: graph.returns,
            sets: graph.sets,
            ends: graph.ends,
            within,
            document: self.document.clone(),
            nodes,
        })
    }

    /// What stands before the nodes.
    fn head(&mut self) {
        let document = self.document;
        for (key, text) in [("name", &document.name), ("start", &document.start)] {
            if text.trim().is_empty() && !self.report.is_broken(&at([key])) {
                self.add(&at([key]), format!("\"{key}\" is empty"), "write a name");
            }
        }
        let is_tag = |tag: &String| {
            let part = |part: &str| {
                (1..=8).contains(&part.len())
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            };
            tag.split('-').all(part) && tag.split('-').next().is_some_and(|part| part.len() > 1)
        };
        if let Some(language) = document.language.as_ref().filter(|tag| !is_tag(tag)) {
            let cause = format!("\"{language}\" is no language");
            self.add(&at(["language"]), cause, "write a tag such as \"en\", \"en-GB\" or \"de\"");
        }
        if document.most_s.is_some_and(|most| !(1.0..=86_400.0).contains(&most)) {
            let mend = "write 1 to 86400 seconds, or leave it out";
            self.add(&at(["most_s"]), "no call can stay for that long", mend);
        }
        if document.model_s.is_some_and(|model| !(0.2..=10.0).contains(&model)) {
            let mend = "write 0.2 to 10 seconds, or leave it out";
            self.add(&at(["model_s"]), "no caller waits for words for that long", mend);
        }
        for (index, need) in document.needs.iter().enumerate() {
            let known = need == ways::VERIFIED
                || ["slots.", "vars.", "caller."]
                    .iter()
                    .any(|kind| need.strip_prefix(kind).is_some_and(|name| !name.is_empty()));
            if !known {
                let cause = format!("\"{need}\" is nothing that a flow can need");
                let mend = "write \"verified\", or a name such as \"slots.account\", \"vars.tier\" or \"caller.tier\"";
                self.add(&at(["needs", &index.to_string()]), cause, mend);
            }
        }
        for (exit, target) in &document.to {
            let place = at(["to", exit]);
            if !FAILURES.contains(&exit.as_str()) {
                let cause = format!("\"{exit}\" is no exit that has a default");
                let mend = meant(exit, FAILURES, "say in each node where it leads");
                self.add(&place, cause, mend);
            }
            self.target(exit, target, &place);
        }
    }

    /// Where keys lead at any moment.
    fn keys_at_any_moment(&mut self) -> BTreeMap<char, Target> {
        let document = self.document;
        for (key, target) in &document.keys {
            self.target(key, target, &at(["keys", key]));
        }
        let keys = self.keys(&at(["keys"]), &document.keys).into_iter();
        keys.filter_map(|(key, target)| Some((key, self.resolved(&target)?))).collect()
    }

    fn node(&mut self, name: &str, node: &crate::document::Node) -> Option<Node> {
        let place = at(["node", name]);
        if [FALLBACK, HANG_UP].contains(&name) {
            let cause = format!("a node is called \"{name}\", which is the name of an end");
            self.add(&place, cause, "give it another name");
        }
        if name.trim().is_empty() || name.contains('/') {
            let mend = "use letters, digits and \"_\"; \"/\" stands between a flow and its node";
            self.add(&place, format!("a node cannot be called \"{name}\""), mend);
        }
        let deed = self.deed(name, &node.deed);
        let Some(deed) = deed else {
            // Where it leads can still be wrong.
            for (exit, target) in &node.to {
                self.target(exit, target, &at(["node", name, "to", exit]));
            }
            return None;
        };
        let exits = self.exits(name, &deed, &node.to)?;
        Some(Node { name: name.into(), deed, exits })
    }

    /// Where a node leads; none if that is not certain.
    fn exits(
        &mut self,
        name: &str,
        deed: &Deed,
        to: &BTreeMap<String, String>,
    ) -> Option<Vec<Exit>> {
        let ways = ways::ways(deed);
        let mut certain = true;
        for exit in to.keys().filter(|exit| !ways.iter().any(|(name, _)| name == *exit)) {
            certain = false;
            let cause = format!("node \"{name}\" has no exit \"{exit}\"");
            let mend = match ways.is_empty() {
                true => "take it out: the call ends here".to_owned(),
                false => meant(exit, ways.iter().map(|(name, _)| name.as_str()), "take it out"),
            };
            self.add(&at(["node", name, "to", exit]), cause, mend);
        }
        let mut exits = Vec::new();
        for (way, class) in ways {
            let default = self.document.to.get(&way);
            let (target, place) = match (to.get(&way), class, default) {
                (Some(target), ..) => (target, at(["node", name, "to", &way])),
                (None, Class::Failure | Class::Trouble, Some(target)) => (target, at(["to", &way])),
                (None, Class::Failure | Class::Trouble, None) => {
                    exits.push(Exit { name: way.into(), target: Target::Failure });
                    continue;
                }
                (None, Class::Over, _) => {
                    exits.push(Exit { name: way.into(), target: Target::HangUp });
                    continue;
                }
                (None, Class::Spared, _) => continue,
                (None, Class::Given, _) => {
                    certain = false;
                    let cause = format!("node \"{name}\" does not say where \"{way}\" leads");
                    let mend = format!("add to = {{ {} = \"...\" }}", key(&way));
                    self.add(&at(["node", name]), cause, mend);
                    continue;
                }
            };
            let told = to.contains_key(&way);
            match self.resolved(target) {
                Some(target) => exits.push(Exit { name: way.into(), target }),
                None => {
                    certain = false;
                    if told {
                        self.target(&way, target, &place);
                    }
                }
            }
        }
        certain.then_some(exits)
    }

    /// What the name of a target means.
    fn resolved(&self, target: &str) -> Option<Target> {
        match target {
            FALLBACK => Some(Target::Fallback),
            HANG_UP => Some(Target::HangUp),
            name => self.ids.get(name).map(|id| Target::Node(*id)),
        }
    }

    /// Tells a target that does not exist.
    fn target(&mut self, exit: &str, target: &str, place: &At) {
        let broken = [at(["node"]), at(["node", target])];
        if self.resolved(target).is_none() && !broken.iter().any(|it| self.report.is_broken(it)) {
            let nodes = self.ids.keys().copied().chain([FALLBACK, HANG_UP]);
            let mend = meant(target, nodes, &format!("add a node [node.{target}]"));
            let cause = format!("\"{exit}\" leads to \"{target}\", which there is not");
            self.add(place, cause, mend);
        }
    }

    fn target_node(&mut self, exit: &str, target: &str, place: &At) -> Option<usize> {
        match self.resolved(target) {
            Some(Target::Node(id)) => Some(id),
            Some(_) => {
                let cause = format!("\"{exit}\" leads to the end \"{target}\"");
                self.add(place, cause, "name the first node");
                None
            }
            None if self.report.is_broken(place) => None,
            None => {
                self.target(exit, target, place);
                None
            }
        }
    }

    /// The flows that are gone through, with theirs; no two may share a name.
    fn within(&mut self, nodes: &[Option<Node>]) -> BTreeMap<Arc<str>, Arc<Flow>> {
        let mut within: BTreeMap<Arc<str>, Arc<Flow>> = BTreeMap::new();
        for node in nodes.iter().flatten() {
            let Deed::Flow(flow) = &node.deed else { continue };
            let theirs = flow.within.iter().map(|(name, flow)| (name.clone(), flow.clone()));
            for (name, flow) in theirs.chain([(flow.name.clone(), flow.clone())]) {
                let known = within.get(&name).is_some_and(|known| !Arc::ptr_eq(known, &flow));
                if known || *name == *self.document.name {
                    let cause = format!("two flows that belong together are named \"{name}\"");
                    let mend = "give one of them another name = \"...\"";
                    self.add(&at(["node", &node.name, "flow"]), cause, mend);
                }
                within.insert(name, flow);
            }
        }
        within
    }

    /// An expression; what cannot be parsed is told, and comes to nothing.
    fn expression(&mut self, place: &At, text: &str) -> Expression {
        Expression::parse(text).unwrap_or_else(|error| {
            let column = text[..error.at].chars().count() + 1;
            let cause = format!("in \"{text}\", at character {column}: {error}");
            self.add(place, cause, "mend the expression");
            Expression::constant(Value::Nothing)
        })
    }

    /// A text with names; what cannot be parsed is told, and stays as it is.
    fn template(&mut self, place: &At, text: &str) -> Template {
        Template::parse(text).unwrap_or_else(|error| {
            let column = text[..error.at].chars().count() + 1;
            let cause = format!("in \"{text}\", at character {column}: {error}");
            self.add(place, cause, "write a name in braces, such as {caller.name}, or no braces");
            Template::constant(text)
        })
    }

    /// Notes the names that are read at a place, and tells those that a document cannot know.
    fn reads<'n>(
        &mut self,
        place: &At,
        names: impl IntoIterator<Item = &'n crate::expression::Name>,
        besides: &[&str],
    ) {
        for name in names {
            let name = name.as_str();
            if besides.contains(&name) {
                continue;
            }
            match names::unknown(self.document, name) {
                Some((cause, mend)) => self.add(place, cause, mend),
                None => {
                    let name = name.to_owned();
                    self.uses.push(Use { place: place.clone(), name, by: Reader::Node });
                }
            }
        }
    }

    fn prompt(&mut self, place: &At, sound: &Sound, besides: &[&str]) -> Prompt {
        match sound {
            Sound::File(file) => {
                if let Some(files) = &self.book.sounds
                    && !files.contains(file)
                {
                    let files = files.iter().map(String::as_str);
                    let mend = meant(file, files, "record it, or write the words to be spoken");
                    self.add(place, format!("there is no sound file \"{file}\""), mend);
                }
                Prompt::File(file.clone())
            }
            Sound::Spoken(words) => {
                if !words.chars().any(char::is_alphanumeric) {
                    self.add(place, "there is nothing to say", "write what the caller hears");
                }
                let template = self.template(place, words);
                self.reads(place, template.names(), besides);
                Prompt::Spoken(template)
            }
        }
    }

    fn add(&mut self, place: &At, cause: impl Into<String>, mend: impl Into<String>) {
        self.report.add(place.clone(), cause, mend);
    }
}

/// Words that are always the same.
fn fixed(words: &str) -> Prompt {
    Prompt::Spoken(Template::constant(words))
}

/// What is said behind an introduction where a flow does not say it in words of its own.
const ACCEPT: &str = "Press 1 to take the call, or 2 to refuse it.";

/// What is said where a flow has no apology of its own.
const APOLOGY: &str = "I am sorry, something went wrong. Please hold on.";

/// How long a language model may take to its first words, unless a flow says so.
const MODEL: Duration = Duration::from_millis(1_500);

/// A key as TOML wants it.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.chars().all(bare) { name.to_owned() } else { format!("\"{name}\"") }
}

/// What the ways through a flow tell of it.
struct Graph {
    returns: BTreeMap<Arc<str>, crate::plan::Returned>,
    sets: BTreeSet<String>,
    ends: bool,
}
