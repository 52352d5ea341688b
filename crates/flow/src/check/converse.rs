//! What a language model may do: phrase what is said, and lead a conversation.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Checker;
use crate::document::{self, At, at};
use crate::finding::meant;
use crate::plan::{Converse, Deed};
use crate::question::Question;
use crate::run::Blank;
use crate::template::Template;
use crate::ways::DONE;

/// The text that a model answers from is not longer than this, in bytes: all of it is sent with every turn.
const MOST_TEXT: usize = 20_000;

impl Checker<'_> {
    /// What a model is to say in its own words.
    pub(super) fn phrased(&mut self, place: &At, written: Option<&String>) -> Option<Template> {
        let written = written?;
        if written.trim().is_empty() {
            self.add(place, "there is nothing to phrase", "say what the caller is to be told");
        }
        Some(self.text(place, written))
    }

    pub(super) fn converse(&mut self, node: &str, converse: &document::Converse) -> Option<Deed> {
        let place = |parts: &[&str]| at(["node", node, "converse"].iter().chain(parts));
        if converse.about.trim().is_empty() {
            let cause = format!("in node \"{node}\" the model knows nothing to answer from");
            self.add(&place(&["about"]), cause, "write what callers may be told");
        }
        if converse.about.len() > MOST_TEXT {
            let cause = format!("this text is longer than {MOST_TEXT} bytes");
            self.add(&place(&["about"]), cause, "shorten it: all of it is sent with every turn");
        }
        let about = self.text(&place(&["about"]), &converse.about);
        for (label, _) in converse.ends.iter().filter(|(_, when)| when.trim().is_empty()) {
            let cause = format!("it is not said when the model may choose \"{label}\"");
            let mend = "write when, such as \"when there is nothing more to ask\"";
            self.add(&place(&["ends", label]), cause, mend);
        }
        let keys = self.keys(&place(&["keys"]), &converse.keys);
        let labels: BTreeSet<&String> =
            converse.ends.keys().chain(converse.answers.keys()).chain(keys.values()).collect();
        if labels.iter().any(|label| *label == DONE) {
            let cause = "\"done\" is the exit when the caller has spoken as often as allowed";
            self.add(&place(&[]), cause, "give this end another name");
        }
        self.labels(&place(&[]), labels);
        let mut blanks = Vec::new();
        let mut known_all = true;
        for (index, slot) in converse.slots.iter().enumerate() {
            let place = place(&["slots", &index.to_string()]);
            let Some(kind) = self.book.slots.get(slot).cloned() else {
                let known = self.book.slots.keys().map(String::as_str);
                let mend = meant(slot, known, "describe it in the receptionist's file");
                self.add(&place, format!("the slot \"{slot}\" is not described"), mend);
                known_all = false;
                continue;
            };
            self.no_card(&place, slot, &kind);
            blanks.push(Blank { slot: slot.clone(), kind });
        }
        let question = Question::keyed(self.named(node, None), keys)
            .with_answers(&converse.answers, &self.book.slots)
            .open_to_all();
        self.answers(&place(&["answers"]), &question, &converse.answers);
        let deed = Converse {
            model: converse.model,
            question: Arc::new(question),
            prompts: self.prompts(
                &place(&[]),
                &converse.prompt,
                converse.again.as_ref(),
                converse.still_there.as_ref(),
            ),
            sorry: self.prompt(&place(&["sorry"]), &converse.sorry, &[]),
            about,
            blanks,
            ends: converse.ends.clone(),
            tries: self.tries(&place(&["tries"]), converse.tries),
            turns: self.turns(&place(&["turns"]), converse.turns),
            wait: self.wait(&place(&["wait_s"]), converse.wait_s),
        };
        known_all.then(|| Deed::Converse(Box::new(deed)))
    }

    fn text(&mut self, place: &At, written: &str) -> Template {
        let template = self.template(place, written);
        self.reads(place, template.names(), &[]);
        template
    }

    fn turns(&mut self, place: &At, turns: u32) -> u32 {
        if !(1..=50).contains(&turns) {
            self.add(place, format!("turns = {turns} is out of range"), "use 1 to 50");
        }
        turns
    }
}
