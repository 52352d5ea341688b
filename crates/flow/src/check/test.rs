//! The tests that are stored with a flow: what they name must be there.

use super::Checker;
use crate::civil::Civil;
use crate::document::{self, Act, Deed, at};
use crate::finding::meant;
use crate::plan::{FALLBACK, HANG_UP};

impl<'d> Checker<'d> {
    pub(super) fn tests(&mut self) {
        let document = self.document;
        let mut named: Vec<&str> = Vec::new();
        for (index, test) in document.test.iter().enumerate() {
            let index = index.to_string();
            let place = |parts: &[&str]| at(["test", &index].iter().chain(parts));
            let name = &test.name;
            if named.contains(&name.as_str()) {
                let cause = format!("two tests are named \"{name}\"");
                self.add(&place(&["name"]), cause, "give one of them another name");
            }
            named.push(name);
            if Civil::parse(&test.at).is_none() {
                let cause = format!("\"{}\" is no date and time", test.at);
                self.add(&place(&["at"]), cause, "write \"2026-03-03 10:00\"");
            }
            for (act, number) in test.does.iter().zip(0..) {
                let Act::Keys(keys) = act else { continue };
                if keys.is_empty()
                    || !keys.chars().all(|key| key.is_ascii_digit() || "*#".contains(key))
                {
                    let cause = format!("\"{keys}\" cannot be pressed");
                    self.add(&place(&["does", &number.to_string()]), cause, "use 0 to 9, * and #");
                }
            }
            for lookup in test.lookup.keys().filter(|name| !document.lookup.contains_key(*name)) {
                let known = document.lookup.keys().map(String::as_str);
                let mend = meant(lookup, known, "take it out");
                let cause = format!(
                    "the test \"{name}\" answers the lookup \"{lookup}\", which there is not"
                );
                self.add(&place(&["lookup", lookup]), cause, mend);
            }
            for (number, writes) in test.writes.iter().enumerate() {
                let number = number.to_string();
                for slot in writes.slots.keys() {
                    let fills = |it: &document::Converse| it.slots.contains(slot);
                    if !self.conversations().any(fills) {
                        let cause = format!("no model may fill the slot \"{slot}\"");
                        let mend = "take it out, or name it in the slots of a converse node";
                        self.add(&place(&["writes", &number, "slots", slot]), cause, mend);
                    }
                }
                for end in writes.end.iter() {
                    let ends = |it: &document::Converse| it.ends.contains_key(end);
                    if !self.conversations().any(ends) {
                        let cause = format!("no model may choose the label \"{end}\"");
                        let mend = "take it out, or name it in the ends of a converse node";
                        self.add(&place(&["writes", &number, "end"]), cause, mend);
                    }
                }
            }
            let queues = self.queues();
            for taker in test.takes.keys() {
                if !self.book.destinations.contains(taker) && !queues.contains(&taker.as_str()) {
                    let known = self.book.destinations.iter().map(String::as_str);
                    let mend = meant(taker, known.chain(queues.iter().copied()), "take it out");
                    let cause = format!(
                        "the test \"{name}\" names the destination \"{taker}\", which there is not"
                    );
                    self.add(&place(&["takes", taker]), cause, mend);
                }
            }
            for (number, step) in test.expect.path.iter().enumerate() {
                let here = self.ids.contains_key(step.as_str())
                    || self.report.is_broken(&at(["node", step]));
                if !here && !self.is_of_another(step) {
                    let nodes = self.ids.keys().copied();
                    let mend =
                        meant(step, nodes, "take it out; a node of another flow is \"flow/node\"");
                    let cause = format!(
                        "the test \"{name}\" expects the node \"{step}\", which there is not"
                    );
                    self.add(&place(&["expect", "path", &number.to_string()]), cause, mend);
                }
            }
            if let Some(end) = &test.expect.ends {
                self.end(&place(&["expect", "ends"]), name, end, &queues);
            }
            if test.expect == crate::document::Expected::default() {
                let cause = format!("the test \"{name}\" expects nothing");
                let mend = "add expect = { path = [...] }, ends = \"...\" or hears = [...]";
                self.add(&place(&["expect"]), cause, mend);
            }
        }
    }

    fn end(&mut self, place: &crate::document::At, test: &str, end: &str, queues: &[&str]) {
        let destinations = self.book.destinations.iter().map(String::as_str);
        let known: Vec<&str> = [FALLBACK, HANG_UP, "dialplan", "caller"]
            .into_iter()
            .chain(queues.iter().copied())
            .chain(destinations)
            .collect();
        // Another flow may have queues and mailboxes of its own.
        if !known.contains(&end) && self.book.flows.is_empty() {
            let mend = meant(end, known.iter().copied(), "take it out");
            let cause =
                format!("the test \"{test}\" expects the end \"{end}\", which there is not");
            self.add(place, cause, mend);
        }
    }

    fn conversations(&self) -> impl Iterator<Item = &'d document::Converse> + use<'d> {
        let nodes = self.document.node.values();
        nodes.filter_map(|node| match &node.deed {
            Deed::Converse(converse) => Some(converse),
            _ => None,
        })
    }

    fn queues(&self) -> Vec<&'d str> {
        let document = self.document;
        let queues = document.node.values().filter_map(|node| match &node.deed {
            Deed::Queue(queue) => Some(queue.name.as_str()),
            _ => None,
        });
        queues.collect()
    }

    /// Whether `step` is `flow/node`, of a flow that there is.
    fn is_of_another(&self, step: &str) -> bool {
        step.split_once('/').is_some_and(|(flow, node)| {
            self.book
                .flows
                .values()
                .any(|known| known.name() == flow && known.nodes().any(|known| known == node))
        })
    }
}
