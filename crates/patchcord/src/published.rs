//! Flows from the store. One that another goes through is found there by the name under which it is published, in the
//! version that is published at that moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use flow::{Book, Deed, Flow, Node, Say, Sound};
use store::{InboundNumber, Snapshot};

use crate::desk::{Desk, DeskError};
use crate::flows::{self, FlowError, Written};

/// The flows that are published, or would be.
#[derive(Clone, Default)]
pub(crate) struct Published(BTreeMap<String, Text>);

#[derive(Clone)]
struct Text {
    /// None before it is published.
    version: Option<i64>,
    /// What messages call it.
    shown: String,
    text: String,
}

/// The versions of a flow and of all that it goes through, by name: two that are equal are the same.
pub(crate) type Parts = BTreeMap<String, Option<i64>>;

impl Published {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let flows = snapshot.flows().map(|it| {
            let shown = format!("flow {} version {}", it.flow, it.version);
            let text = Text { version: Some(it.version), shown, text: it.text.clone() };
            (it.flow.clone(), text)
        });
        Self(flows.collect())
    }

    /// The same, if this were published, which messages call `shown`.
    pub(crate) fn with(mut self, name: &str, shown: String, text: &str) -> Self {
        self.0.insert(name.to_owned(), Text { version: None, shown, text: text.to_owned() });
        self
    }

    /// The flow of this name, checked.
    pub(crate) fn flow(&self, name: &str, book: &Book) -> Result<Flow, FlowError> {
        Ok(self.with_book(name, "this", book)?.0)
    }

    /// The flow of an inbound number, which begins as that says: with the hours, then with the greeting.
    pub(crate) fn at_number(&self, number: &InboundNumber, book: &Book) -> Result<Flow, FlowError> {
        let wanted_by = format!("number {}", number.pattern);
        let (flow, book) = self.with_book(&number.flow, &wanted_by, book)?;
        if !flow.stands_alone() {
            let mut needs = flow.needs().iter().filter(|need| !need.starts_with("caller."));
            let need = needs.next().cloned().unwrap_or_default();
            return Err(FlowError::NotAlone { shown: self.shown(&number.flow), need });
        }
        let mut document = flow.document().clone();
        let mut first = |name: &str, deed: Deed, exits: &[(&str, &str)]| {
            let to =
                exits.iter().map(|(exit, to)| ((*exit).to_owned(), (*to).to_owned())).collect();
            document.node.insert(name.to_owned(), Node { deed, to });
            name.clone_into(&mut document.start);
        };
        let mut start = flow.document().start.clone();
        if let Some(greeting) = &number.greeting {
            let say = Deed::Say(Say { prompt: Sound::Spoken(greeting.clone()), phrased: None });
            first(GREETING, say, &[("done", &start)]);
            GREETING.clone_into(&mut start);
        }
        if let Some(hours) = &number.hours {
            let known = flow.document().hours.get(hours);
            let holidays = known.is_some_and(|hours| !hours.holidays.is_empty());
            let exits = [("open", start.as_str()), ("closed", "fallback"), ("holiday", "fallback")];
            first(HOURS, Deed::Hours(hours.clone()), &exits[..if holidays { 3 } else { 2 }]);
        }
        if number.greeting.is_none() && number.hours.is_none() {
            return Ok(flow);
        }
        // They are about the flow alone.
        document.test.clear();
        let shown = format!("{wanted_by}, {}", self.shown(&number.flow));
        Flow::check(&shown, document, &book).map_err(|wrong| {
            // What is wrong stands in no file, and has no line.
            let told = wrong.findings.iter().map(|it| format!("{}\n  mend: {}", it.cause, it.mend));
            FlowError::Number { shown, told: told.collect::<Vec<_>>().join("\n") }
        })
    }

    /// What a flow consists of.
    pub(crate) fn parts(&self, name: &str) -> Parts {
        let mut parts = Parts::new();
        let mut left = vec![name.to_owned()];
        while let Some(name) = left.pop() {
            if let Some(text) = self.0.get(&name)
                && parts.insert(name.clone(), text.version).is_none()
            {
                left.extend(flows::inner(&text.written()));
            }
        }
        parts
    }

    /// Checks all that a change of the flow `name` may break: it, each published flow that goes through it, and each
    /// number that leads to one of those.
    pub(crate) fn check<'n>(
        &self,
        name: &str,
        numbers: impl Iterator<Item = &'n InboundNumber>,
        book: &Book,
    ) -> Result<Flow, DeskError> {
        let changed = self.flow(name, book)?;
        Desk::can_do(Path::new(&self.shown(name)), &changed)?;
        let concerned = |other: &&String| self.parts(other).contains_key(name);
        let concerned: BTreeSet<&String> = self.0.keys().filter(concerned).collect();
        for other in concerned.iter().filter(|other| ***other != name) {
            self.flow(other, book)?;
        }
        for number in numbers.filter(|number| concerned.contains(&number.flow)) {
            self.at_number(number, book)?;
        }
        Ok(changed)
    }

    fn with_book(
        &self,
        name: &str,
        wanted_by: &str,
        book: &Book,
    ) -> Result<(Flow, Book), FlowError> {
        let find = |wanted_by: &str, name: &str| self.find(wanted_by, name).map(Some);
        flows::through(&self.find(wanted_by, name)?, &find, book.clone(), &mut Vec::new())
    }

    fn find(&self, wanted_by: &str, name: &str) -> Result<Written, FlowError> {
        let text = self.0.get(name).ok_or_else(|| FlowError::Unpublished {
            name: name.to_owned(),
            wanted_by: wanted_by.to_owned(),
        })?;
        Ok(text.written())
    }

    fn shown(&self, name: &str) -> String {
        self.0.get(name).map_or_else(|| format!("flow {name}"), |text| text.shown.clone())
    }
}

impl Text {
    fn written(&self) -> Written {
        Written { shown: self.shown.clone(), text: self.text.clone().into_bytes() }
    }
}

/// The nodes that a number puts before its flow.
const GREETING: &str = "the number's greeting";
const HOURS: &str = "the number's hours";

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: &str =
        "schema = 1\nname = \"inner\"\nstart = \"a\"\n[node.a]\nreturn = \"done\"\n";
    const OUTER: &str = "schema = 1\nname = \"outer\"\nstart = \"a\"\n\
        [hours.office]\nopen.mon-fri = [\"09:00-17:00\"]\nholidays.christmas = \"12-25\"\n\
        [node.a]\nhours = \"office\"\nto = { open = \"b\", closed = \"b\", holiday = \"b\" }\n\
        [node.b]\nflow = \"inner\"\nto = { done = \"hang_up\" }\n";

    fn published(flows: &[(&str, &str)]) -> Published {
        let none = Published::default();
        flows.iter().fold(none, |all, (name, text)| all.with(name, format!("flow {name}"), text))
    }

    fn number(greeting: Option<&str>, hours: Option<&str>) -> InboundNumber {
        InboundNumber {
            pattern: "100".parse().expect("a pattern"),
            flow: "outer".to_owned(),
            language: None,
            greeting: greeting.map(str::to_owned),
            hours: hours.map(str::to_owned),
            fallback: None,
        }
    }

    #[test]
    fn a_flow_goes_through_others_by_the_names_under_which_they_are_published() {
        let both = published(&[("outer", OUTER), ("inner", INNER)]);
        assert!(both.flow("outer", &Book::default()).is_ok());
        assert_eq!(both.parts("outer").len(), 2);
        let error = published(&[("outer", OUTER)]).flow("outer", &Book::default());
        let error = error.expect_err("a part is missing").to_string();
        assert_eq!(
            error,
            "flow outer goes through the flow \"inner\", which is not published\n  mend: publish that one first, --as inner"
        );
        let circle =
            published(&[("outer", OUTER), ("inner", &OUTER.replace("\"inner\"", "\"outer\""))]);
        let error = circle.flow("outer", &Book::default()).expect_err("a circle");
        assert!(error.to_string().contains("goes through itself"), "{error}");
        assert_eq!(circle.parts("outer").len(), 2);
    }

    #[test]
    fn a_number_is_greeted_and_has_hours_before_its_flow_begins() {
        let both = published(&[("outer", OUTER), ("inner", INNER)]);
        let plain = both.at_number(&number(None, None), &Book::default()).expect("well formed");
        assert_eq!(plain.document().start, "a");
        let number = number(Some("Good morning."), Some("office"));
        let flow = both.at_number(&number, &Book::default()).expect("well formed");
        assert_eq!(flow.document().start, HOURS);
        let exits: Vec<_> = flow.exits(HOURS).collect();
        for exit in [("open", GREETING), ("closed", "fallback"), ("holiday", "fallback")] {
            assert!(exits.contains(&exit), "{exits:?}");
        }
        assert!(flow.exits(GREETING).any(|exit| exit == ("done", "a")));
    }

    #[test]
    fn what_a_number_wants_and_cannot_have_is_told() {
        let both = published(&[("outer", OUTER), ("inner", INNER)]);
        let wrong = |number: &InboundNumber| {
            let error = both.at_number(number, &Book::default()).expect_err("it cannot be had");
            error.to_string()
        };
        let error = wrong(&number(None, Some("ofice")));
        assert!(error.starts_with("number 100, flow outer"), "{error}");
        assert!(error.contains("did you mean \"office\"?"), "{error}");
        let error = wrong(&number(Some("Hello {caller.nmae}, {nobody}."), None));
        assert!(error.starts_with("number 100, flow outer"), "{error}");
        let nothing = InboundNumber { flow: "night".to_owned(), ..number(None, None) };
        assert_eq!(
            wrong(&nothing),
            "number 100 goes through the flow \"night\", which is not published\n  mend: publish that one first, --as night"
        );
    }

    #[test]
    fn a_flow_that_needs_something_cannot_begin_a_call() {
        let needs = OUTER.replace("start =", "needs = [\"slots.account\"]\nstart =");
        let both = published(&[("outer", &needs), ("inner", INNER)]);
        let error = both.at_number(&number(None, None), &Book::default()).expect_err("it needs it");
        let error = error.to_string();
        assert!(
            error.starts_with("flow outer cannot begin a call: it needs slots.account"),
            "{error}"
        );
    }

    #[test]
    fn a_change_is_checked_with_all_that_it_may_break() {
        let both = published(&[("outer", OUTER), ("inner", INNER)]);
        let numbers = [number(None, Some("office"))];
        let check = |all: Published, name: &str| {
            all.check(name, numbers.iter(), &Book::default()).map(drop).map_err(|e| e.to_string())
        };
        assert_eq!(check(both.clone(), "inner"), Ok(()));
        let other = INNER.replace("\"done\"", "\"over\"");
        let error = check(both.clone().with("inner", "i.toml".to_owned(), &other), "inner");
        assert!(
            error.clone().expect_err("an exit is gone").starts_with("flow outer:"),
            "{error:?}"
        );
        let other = OUTER.replace("office", "shop");
        let error = check(both.with("outer", "o.toml".to_owned(), &other), "outer");
        assert!(
            error.clone().expect_err("its hours are gone").starts_with("number 100, o.toml"),
            "{error:?}"
        );
    }
}
