//! The ways through a flow: what cannot be come to, what cannot be left, what is not yet known where it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Checker, Graph, Reader};
use crate::document::at;
use crate::finding::nearest;
use crate::plan::{Deed, Exit, Node, Returned, Target};
use crate::ways::{self, Class, DONE, FOUND, PAID, VERIFIED, WISH};

/// The name that is set once a caller has said what they want.
pub(super) const A_WISH: &str = "call.wish";

/// What is known on the way into a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    /// Whether any way leads here.
    reached: bool,
    /// The names that some way here sets.
    names: BTreeSet<String>,
    /// Whether the caller is verified on every way here.
    verified: bool,
}

impl Checker<'_> {
    /// Checks the graph as a whole, and says what can be said of it.
    pub(super) fn graph(
        &mut self,
        nodes: &[Node],
        start: usize,
        keys: &BTreeMap<char, Target>,
    ) -> Graph {
        let pressed = keys.values().filter_map(|target| match target {
            Target::Node(id) => Some(*id),
            _ => None,
        });
        let known = self.known(nodes, std::iter::once(start).chain(pressed).collect());
        for (node, known) in nodes.iter().zip(&known) {
            if !known.reached {
                let cause = format!("no way leads to node \"{}\"", node.name);
                let mend = "name it in the exit of another node, or take it out";
                self.add(&at(["node", &node.name]), cause, mend);
            }
        }
        let leaves = leaves(nodes);
        self.circles(nodes, &known, &leaves);
        self.unknown_names(nodes, &known);
        self.unverified(nodes, &known);
        let mut graph = Graph { returns: BTreeMap::new(), sets: BTreeSet::new(), ends: false };
        for (node, known) in nodes.iter().zip(&known).filter(|(_, known)| known.reached) {
            graph.sets.extend(known.names.iter().cloned());
            for exit in &node.exits {
                graph.sets.extend(sets(&node.deed, &exit.name));
            }
            match &node.deed {
                Deed::Return(name) => {
                    let verified = known.verified;
                    let returned =
                        graph.returns.entry(name.clone()).or_insert(Returned { verified });
                    returned.verified &= verified;
                }
                Deed::Dialplan { .. } | Deed::HangUp(_) => graph.ends = true,
                Deed::Flow(flow) => graph.ends |= flow.ends,
                _ => {}
            }
            graph.ends |= ways_on(node).any(|exit| !matches!(exit.target, Target::Node(_)));
        }
        graph
    }

    /// What is known on the way into each node: the least that is true of all ways.
    fn known(&self, nodes: &[Node], starts: Vec<usize>) -> Vec<Known> {
        let mut known = vec![Known::default(); nodes.len()];
        let needs = &self.document.needs;
        for start in &starts {
            known[*start] = Known {
                reached: true,
                verified: needs.iter().any(|need| need == VERIFIED),
                names: needs.iter().filter(|need| *need != VERIFIED).cloned().collect(),
            };
        }
        let mut open = starts;
        while let Some(id) = open.pop() {
            let node = &nodes[id];
            for exit in &node.exits {
                let Target::Node(to) = exit.target else { continue };
                let verified = known[id].verified || verifies(&node.deed, &exit.name);
                let before = &known[to];
                let mut after = Known {
                    reached: true,
                    verified: verified && (before.verified || !before.reached),
                    names: before.names.clone(),
                };
                after.names.extend(known[id].names.iter().cloned());
                after.names.extend(sets(&node.deed, &exit.name));
                if after != *before {
                    known[to] = after;
                    open.push(to);
                }
            }
        }
        known
    }

    /// Tells nodes that can only lead to each other, one finding for each circle.
    fn circles(&mut self, nodes: &[Node], known: &[Known], leaves: &[bool]) {
        let mut told = vec![false; nodes.len()];
        for id in 0..nodes.len() {
            if !known[id].reached || leaves[id] || told[id] {
                continue;
            }
            let mut circle = BTreeSet::from([id]);
            let mut open = vec![id];
            while let Some(id) = open.pop() {
                let next = ways_on(&nodes[id]).filter_map(|exit| match exit.target {
                    Target::Node(to) => Some(to),
                    _ => None,
                });
                open.extend(next.filter(|to| circle.insert(*to)));
            }
            circle.iter().for_each(|id| told[*id] = true);
            let names: Vec<String> =
                circle.iter().map(|id| format!("\"{}\"", nodes[*id].name)).collect();
            let cause = match &names[..] {
                [one] => format!("a call that comes to node {one} stays there for ever"),
                _ => {
                    format!("a call that comes to one of {} goes round for ever", names.join(", "))
                }
            };
            let mend =
                "let an exit of one of them lead out, to another node, \"hang_up\" or \"fallback\"";
            self.add(&at(["node", &nodes[id].name]), cause, mend);
        }
    }

    fn unknown_names(&mut self, nodes: &[Node], known: &[Known]) {
        let ids: BTreeMap<&str, usize> =
            nodes.iter().enumerate().map(|(id, node)| (&*node.name, id)).collect();
        let anywhere: BTreeSet<&String> = known.iter().flat_map(|known| &known.names).collect();
        for read in std::mem::take(&mut self.uses) {
            let ["node", node] = [read.place[0].as_str(), read.place[1].as_str()] else { continue };
            let tracked = ["slots.", "vars.", "lookup."];
            let tracked = tracked.iter().any(|kind| read.name.starts_with(kind));
            let Some(id) = ids.get(node) else { continue };
            let known = &known[*id];
            if !known.reached || known.names.contains(&read.name) {
                continue;
            }
            let name = &read.name;
            let cause = match &read.by {
                Reader::Connection => {
                    let cause = format!(
                        "node \"{node}\" connects the caller's wish, which nothing asks for before"
                    );
                    let mend =
                        "come to it from the exit \"wish\" of a node that asks with wishes = true";
                    self.add(&read.place, cause, mend);
                    continue;
                }
                _ if !tracked => continue,
                Reader::Lookup(lookup) => format!(
                    "the lookup \"{lookup}\" sends {{{name}}}, which nothing sets before node \"{node}\""
                ),
                Reader::Node => format!("nothing sets \"{name}\" before node \"{node}\""),
            };
            let others = known.names.iter().map(String::as_str);
            let mend = match nearest(&read.name, others) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None if anywhere.contains(&read.name) => {
                    "lead the call through the node that sets it first".to_owned()
                }
                None => "add a node before that sets it: collect, set, lookup or ask".to_owned(),
            };
            self.add(&read.place, cause, mend);
        }
        for (node, known) in nodes.iter().zip(known).filter(|(_, known)| known.reached) {
            let Deed::Flow(flow) = &node.deed else { continue };
            for need in flow.needs().iter().filter(|need| *need != VERIFIED) {
                let given =
                    known.names.contains(need) || super::names::ALWAYS.contains(&need.as_str());
                if !given {
                    let cause = format!(
                        "the flow \"{}\" needs \"{need}\", which nothing sets before",
                        flow.name
                    );
                    let mend = match need.starts_with("caller.") {
                        true => format!("write needs = [\"{need}\"] here as well"),
                        false => "add a node before that sets it".to_owned(),
                    };
                    self.add(&at(["node", &node.name, "flow"]), cause, mend);
                }
            }
        }
    }

    fn unverified(&mut self, nodes: &[Node], known: &[Known]) {
        let open = |known: &Known| known.reached && !known.verified;
        for (node, _) in nodes.iter().zip(known).filter(|(_, known)| open(known)) {
            let name = &node.name;
            let (what, place) = match &node.deed {
                Deed::Lookup { lookup, .. } if lookup.account => (&lookup.name, "lookup"),
                Deed::Zone(zone) if zone.lookup.account => (&zone.lookup.name, "zone"),
                Deed::Flow(flow) if flow.needs().iter().any(|need| need == VERIFIED) => {
                    let cause = format!(
                        "the flow \"{}\" needs a verified caller, and node \"{name}\" can be come to by others",
                        flow.name
                    );
                    self.add(&at(["node", name, "flow"]), cause, VERIFY);
                    continue;
                }
                _ => continue,
            };
            let cause = format!(
                "node \"{name}\" touches an account (\"{what}\"), and can be come to by callers who are not verified"
            );
            self.add(&at(["node", name, place]), cause, VERIFY);
        }
    }
}

const VERIFY: &str =
    "lead every way here through the exit \"verified\" of a lookup with verifies = true";

/// The exits by which a call goes on when nothing is broken.
fn ways_on(node: &Node) -> impl Iterator<Item = &Exit> {
    let troubles: Vec<String> = ways::ways(&node.deed)
        .into_iter()
        .filter(|(_, class)| *class == Class::Trouble)
        .map(|(name, _)| name)
        .collect();
    node.exits.iter().filter(move |exit| !troubles.iter().any(|name| **name == *exit.name))
}

/// Whether a call can come to an end from each node, when nothing is broken.
fn leaves(nodes: &[Node]) -> Vec<bool> {
    let mut from: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut leaves = vec![false; nodes.len()];
    let mut open = Vec::new();
    for (id, node) in nodes.iter().enumerate() {
        let mut ends = ways::ends(&node.deed);
        for exit in ways_on(node) {
            match exit.target {
                Target::Node(to) => from[to].push(id),
                Target::Fallback | Target::Failure | Target::HangUp => ends = true,
            }
        }
        if ends {
            leaves[id] = true;
            open.push(id);
        }
    }
    while let Some(id) = open.pop() {
        for before in std::mem::take(&mut from[id]) {
            if !std::mem::replace(&mut leaves[before], true) {
                open.push(before);
            }
        }
    }
    leaves
}

/// The names that are set when a node is left by an exit.
fn sets(deed: &Deed, exit: &str) -> Vec<String> {
    let fields = |lookup: &Arc<crate::plan::Lookup>| {
        let fields = lookup.fields.keys();
        fields.map(|field| format!("lookup.{}.{field}", lookup.name)).collect()
    };
    match (deed, exit) {
        (Deed::Ask(ask), exit) => {
            let wishes = ask.question.wishes();
            let a_wish =
                |wishes: &&crate::book::Wishes| exit == WISH || wishes.intents().contains(exit);
            match wishes.filter(a_wish) {
                Some(wishes) => {
                    let slots = wishes.slots().into_iter().map(|slot| format!("slots.{slot}"));
                    slots.chain([A_WISH.to_owned()]).collect()
                }
                None => ask.question.slots_of(exit).map(|slot| format!("slots.{slot}")).collect(),
            }
        }
        (Deed::Converse(converse), exit) => {
            let said = converse.question.slots_of(exit);
            let filled = converse.blanks.iter().map(|blank| blank.slot.as_str());
            said.chain(filled).map(|slot| format!("slots.{slot}")).collect()
        }
        (Deed::Collect(collect), DONE) => vec![format!("slots.{}", collect.slot)],
        (Deed::Set(variables), DONE) => variables.iter().map(|(name, _)| name.clone()).collect(),
        (Deed::Lookup { lookup, .. }, FOUND | VERIFIED) => fields(lookup),
        (Deed::Zone(zone), PAID) => fields(&zone.lookup),
        (Deed::Flow(flow), _) => flow.sets.iter().cloned().collect(),
        _ => Vec::new(),
    }
}

/// Whether the caller is verified when a node is left by an exit.
fn verifies(deed: &Deed, exit: &str) -> bool {
    match deed {
        Deed::Lookup { lookup, .. } => lookup.verifies && exit == VERIFIED,
        Deed::Flow(flow) => flow.returns.get(exit).is_some_and(|returned| returned.verified),
        _ => false,
    }
}
