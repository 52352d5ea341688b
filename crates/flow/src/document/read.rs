//! From text to a [`Document`], with every misplaced word told.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::report::Report;
use super::told::told;
use super::{At, Deed, Document, Node, SCHEMA, Voice, at};
use crate::finding::{Finding, Findings, meant};
use crate::source::Source;

/// A document is not longer than this, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// A flow does not have more nodes than this.
const MOST_NODES: usize = 1_000;

const DIVIDE: &str = "divide it: a part that stands for itself can be a flow of its own";

/// The keys of a document.
const KEYS: [&str; 15] = [
    "schema",
    "name",
    "start",
    "language",
    "time_zone",
    "most_s",
    "model_s",
    "needs",
    "prompts",
    "to",
    "keys",
    "hours",
    "lookup",
    "node",
    "test",
];

/// What nodes may do.
const DEEDS: [&str; 20] = [
    "say",
    "ask",
    "menu",
    "collect",
    "converse",
    "decide",
    "hours",
    "lookup",
    "set",
    "connect",
    "queue",
    "voicemail",
    "record",
    "zone",
    "conference",
    "music",
    "dialplan",
    "hang_up",
    "flow",
    "return",
];

/// What can be read of a document, if it is one at all.
pub(crate) fn parse(path: &str, text: &str) -> Result<(Option<Document>, Report), Findings> {
    let alone = |line, cause: String, mend: &str| {
        let finding = Finding { at: Vec::new(), line, cause, mend: mend.to_owned() };
        Findings { path: path.to_owned(), findings: vec![finding] }
    };
    if text.len() > MOST_BYTES {
        let cause = format!("the document has more than {MOST_BYTES} bytes");
        return Err(alone(1, cause, DIVIDE));
    }
    let mut source = Source::read(text).map_err(|unreadable| {
        let mend = "mend the line, or look for a quote or bracket that is not closed above it";
        alone(unreadable.line, unreadable.cause, mend)
    })?;
    let tree = source.tree.take();
    let twice = std::mem::take(&mut source.twice);
    let mut report = Report::of(source);
    for at in twice {
        let key = at.last().cloned().unwrap_or_default();
        report.add(
            at,
            format!("\"{key}\" stands twice"),
            "keep one of them, or give one another name",
        );
    }
    let Value::Object(tree) = tree else {
        let cause = "this is no flow".to_owned();
        return Err(alone(1, cause, "begin with schema = 1, name and start, then the nodes"));
    };
    let document = Reader { report: &mut report }.document(tree);
    Ok((document, report))
}

struct Reader<'r> {
    report: &'r mut Report,
}

impl Reader<'_> {
    fn document(&mut self, mut tree: Map<String, Value>) -> Option<Document> {
        let schema = tree.remove("schema");
        if schema != Some(Value::from(SCHEMA)) {
            let cause = match schema {
                None => "it is not said which schema this is".to_owned(),
                Some(other) => format!("schema {other} is not known here"),
            };
            let mend = format!("write schema = {SCHEMA}, the only one that there is so far");
            self.report.add(at(["schema"]), cause, mend);
            return None;
        }
        for key in tree.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let mend = meant(key, KEYS, "take it out");
            self.report.add(at([key]), format!("\"{key}\" is not known here"), mend);
        }
        let name = self.required(&mut tree, "name", "name = \"front desk\"");
        let start = self.required(&mut tree, "start", "start = \"greet\", the first node's name");
        let node = self.nodes(tree.remove("node"));
        Some(Document {
            schema: SCHEMA,
            name: name.unwrap_or_default(),
            start: start.unwrap_or_default(),
            language: self.optional(&mut tree, "language").flatten(),
            time_zone: self.optional(&mut tree, "time_zone").flatten(),
            most_s: self.optional(&mut tree, "most_s").flatten(),
            model_s: self.optional(&mut tree, "model_s").flatten(),
            needs: self.optional(&mut tree, "needs").unwrap_or_default(),
            voice: self.optional::<Voice>(&mut tree, "prompts").unwrap_or_default(),
            to: self.optional(&mut tree, "to").unwrap_or_default(),
            keys: self.optional(&mut tree, "keys").unwrap_or_default(),
            hours: self.named(&mut tree, "hours"),
            lookup: self.named(&mut tree, "lookup"),
            node,
            test: self.listed(&mut tree, "test"),
        })
    }

    fn required(
        &mut self,
        tree: &mut Map<String, Value>,
        key: &str,
        example: &str,
    ) -> Option<String> {
        if !tree.contains_key(key) {
            self.report.breaks(at([key]));
            self.report.add(
                at([key]),
                format!("\"{key}\" is missing"),
                format!("add a line: {example}"),
            );
        }
        self.optional(tree, key)
    }

    fn optional<T: DeserializeOwned>(
        &mut self,
        tree: &mut Map<String, Value>,
        key: &str,
    ) -> Option<T> {
        let value = tree.remove(key)?;
        self.typed(at([key]), value)
    }

    /// A table of tables, each by itself, so that one mistake does not hide the next.
    fn named<T: DeserializeOwned>(
        &mut self,
        tree: &mut Map<String, Value>,
        key: &str,
    ) -> BTreeMap<String, T> {
        match tree.remove(key) {
            Some(Value::Object(table)) => {
                let each = table.into_iter();
                each.filter_map(|(name, value)| {
                    let typed = self.typed(at([key, &name]), value)?;
                    Some((name, typed))
                })
                .collect()
            }
            Some(other) => self.typed(at([key]), other).unwrap_or_default(),
            None => BTreeMap::new(),
        }
    }

    fn listed<T: DeserializeOwned>(&mut self, tree: &mut Map<String, Value>, key: &str) -> Vec<T> {
        match tree.remove(key) {
            Some(Value::Array(items)) => {
                let each = items.into_iter().enumerate();
                each.filter_map(|(index, item)| self.typed(at([key, &index.to_string()]), item))
                    .collect()
            }
            Some(other) => self.typed(at([key]), other).unwrap_or_default(),
            None => Vec::new(),
        }
    }

    fn nodes(&mut self, nodes: Option<Value>) -> BTreeMap<String, Node> {
        match nodes {
            Some(Value::Object(nodes)) if nodes.len() > MOST_NODES => {
                let cause = format!("there are more than {MOST_NODES} nodes");
                self.report.breaks(at(["node"]));
                self.report.add(at(["node"]), cause, DIVIDE);
                BTreeMap::new()
            }
            Some(Value::Object(nodes)) if !nodes.is_empty() => {
                let mut read = BTreeMap::new();
                for (name, node) in nodes {
                    match self.node(&name, node) {
                        Some(node) => {
                            read.insert(name, node);
                        }
                        None => {
                            self.report.breaks(at(["node", &name]));
                        }
                    }
                }
                read
            }
            _ => {
                let mend = "add the first: [node.greet] with say = { prompt = \"Hello.\" }";
                self.report.breaks(at(["node"]));
                self.report.add(at(["node"]), "there are no nodes", mend);
                BTreeMap::new()
            }
        }
    }

    fn node(&mut self, name: &str, node: Value) -> Option<Node> {
        let place = at(["node", name]);
        let Value::Object(mut node) = node else {
            let mend = format!("write [node.{name}] and below it what it does");
            self.report.add(place, format!("\"{name}\" is no node"), mend);
            return None;
        };
        let to = node
            .remove("to")
            .map_or(Some(BTreeMap::new()), |to| self.typed(at(["node", name, "to"]), to));
        let unknown = node.keys().filter(|key| !DEEDS.contains(&key.as_str()));
        for key in unknown.cloned().collect::<Vec<_>>() {
            let known = DEEDS.into_iter().chain(["to"]);
            let mend = meant(&key, known, "take it out");
            let cause = format!("\"{key}\" is nothing that a node can do");
            self.report.add(at(["node", name, &key]), cause, mend);
            node.remove(&key);
            if node.is_empty() {
                return None;
            }
        }
        let deeds: Vec<&str> = node.keys().map(String::as_str).collect();
        match deeds[..] {
            [] => {
                let mend = format!("give it one of: {}", DEEDS.join(", "));
                self.report.add(place, format!("node \"{name}\" does nothing"), mend);
                return None;
            }
            [_] => {}
            _ => {
                let cause =
                    format!("node \"{name}\" does {} things: {}", deeds.len(), deeds.join(" and "));
                let mend = "make a node of each, and let one lead to the next";
                self.report.add(place, cause, mend);
                return None;
            }
        }
        let deed: Deed = self.typed(place, Value::Object(node))?;
        Some(Node { deed, to: to? })
    }

    /// A value of its type; a finding, and nothing, if it is none.
    fn typed<T: DeserializeOwned>(&mut self, place: At, value: Value) -> Option<T> {
        let error = match serde_path_to_error::deserialize(value) {
            Ok(typed) => return Some(typed),
            Err(error) => error,
        };
        let mut place_found = place.clone();
        place_found.extend(error.path().iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { variant } => Some(variant.clone()),
            Segment::Unknown => None,
        }));
        let told = told(&error.inner().to_string());
        if let Some(key) = told.key.filter(|key| place_found.last() != Some(key)) {
            place_found.push(key);
        }
        self.report.breaks(place);
        self.report.add(place_found, told.cause, told.mend);
        None
    }
}
