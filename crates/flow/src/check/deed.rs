//! What each node does.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use intent::grammar::{GrammarError, SlotKind};

use super::Checker;
use crate::document::{self, Agents, At, By, Deed as Written, Sound, at};
use crate::finding::meant;
use crate::plan::{Agent, Ask, Collect, Confirm, Connect, Deed, Place, Prompt, Prompts, Zone};
use crate::question::Question;
use crate::run::Keys;
use crate::secret::CardItem;
use crate::ways::{FAILURES, WISH};

/// What English callers say who mean yes, and who mean no.
const YES: [&str; 14] = [
    "(yes|yeah|yep|yup) [please|thanks|thank you]",
    "(sure|okay|ok|right|correct|exactly|absolutely|certainly|of course)",
    "(that is|that's|it is|it's|this is) (right|correct|fine|good|it)",
    "[yes] (go ahead|i do|i am|you may|you can|i agree)",
    "yes",
    "yeah",
    "yes please",
    "yes that's right",
    "yes i think so",
    "yes it is",
    "sure go ahead",
    "that's right",
    "okay",
    "correct",
];
const NO: [&str; 13] = [
    "(no|nope|nah) [thanks|thank you]",
    "(wrong|incorrect|never)",
    "[no] (that is|that's|it is|it's|this is) (wrong|not right|not correct|incorrect|not it)",
    "[no] (i don't|i do not|i'd rather not|please don't|don't|i am not|i'm not)",
    "no",
    "nope",
    "no thanks",
    "no that's wrong",
    "no it is not",
    "that's not right",
    "i would rather not",
    "please don't",
    "wrong",
];

/// Numbers of this length may be cards (ISO/IEC 7812-1).
const CARD: RangeInclusive<usize> = 13..=19;

impl Checker<'_> {
    /// A node's deed; none if it cannot be known where it leads.
    pub(super) fn deed(&mut self, node: &str, deed: &Written) -> Option<Deed> {
        let place = |parts: &[&str]| at(["node", node].iter().chain(parts));
        Some(match deed {
            Written::Say(say) => {
                Deed::Say(self.prompt(&place(&["say", "prompt"]), &say.prompt, &[]))
            }
            Written::Ask(ask) => self.ask(node, ask),
            Written::Menu(menu) => self.menu(node, menu),
            Written::Collect(collect) => self.collect(node, collect)?,
            Written::Decide(cases) => {
                if cases.is_empty() {
                    let mend =
                        "write [ { when = \"...\", exit = \"...\" } ], or leave the node out";
                    self.add(&place(&["decide"]), format!("node \"{node}\" decides nothing"), mend);
                }
                let mut read = Vec::new();
                for (index, case) in cases.iter().enumerate() {
                    let place = place(&["decide", &index.to_string(), "when"]);
                    let when = self.expression(&place, &case.when);
                    self.reads(&place, when.names(), &[]);
                    read.push((when, case.exit.as_str().into()));
                }
                Deed::Decide(read)
            }
            Written::Hours(name) => {
                let Some(calendar) = self.hours.get(name.as_str()) else {
                    if !self.report.is_broken(&at(["hours", name])) {
                        let known = self.document.hours.keys().map(String::as_str);
                        let mend = meant(name, known, &format!("add a table [hours.{name}]"));
                        self.add(
                            &place(&["hours"]),
                            format!("there are no hours \"{name}\""),
                            mend,
                        );
                    }
                    return None;
                };
                Deed::Hours(calendar.clone())
            }
            Written::Lookup(ask) => {
                let lookup = self.lookup(&place(&["lookup", "name"]), &ask.name)?;
                let prompt = self.perhaps(&place(&["lookup", "prompt"]), ask.prompt.as_ref());
                Deed::Lookup { lookup, prompt }
            }
            Written::Set(variables) => {
                let mut set = Vec::new();
                for (name, value) in variables {
                    let place = place(&["set", name]);
                    let bare = name.chars().all(|c| c.is_alphanumeric() || c == '_');
                    if name.is_empty() || !bare {
                        let mend = "write a name of letters, such as tier; it is read as vars.tier";
                        self.add(&place, format!("\"{name}\" cannot be set"), mend);
                    }
                    let value = self.expression(&place, value);
                    self.reads(&place, value.names(), &[]);
                    set.push((format!("vars.{name}"), value));
                }
                Deed::Set(set)
            }
            Written::Connect(connect) => self.connect(node, connect),
            Written::Queue(queue) => Deed::Queue {
                name: queue.name.clone(),
                announce: self.perhaps(&place(&["queue", "announce"]), queue.announce.as_ref()),
                variables: self.texts(&place(&["queue", "variables"]), &queue.variables),
                most: self.seconds(&place(&["queue", "most_s"]), queue.most_s, 1.0..=14_400.0),
            },
            Written::Voicemail(voicemail) => Deed::Voicemail {
                prompt: self.prompt(&place(&["voicemail", "prompt"]), &voicemail.prompt, &[]),
                mailbox: voicemail.mailbox.clone(),
                most: self.seconds(
                    &place(&["voicemail", "most_s"]),
                    voicemail.most_s,
                    1.0..=3_600.0,
                ),
            },
            Written::Record(record) => {
                if let (document::Turn::Off, Some(_)) = (record.turn, &record.consent) {
                    let mend = "take consent out: nobody needs to agree that a recording ends";
                    self.add(
                        &place(&["record", "consent"]),
                        "ending a recording asks for consent",
                        mend,
                    );
                }
                let asked = record.consent.as_ref();
                Deed::Record {
                    turn: record.turn,
                    consent: asked.map(|prompt| {
                        self.confirm(&place(&["record", "consent"]), node, "consent", prompt, &[])
                    }),
                }
            }
            Written::Zone(zone) => self.zone(node, zone)?,
            Written::Conference(conference) => {
                let place_of_room = place(&["conference", "room"]);
                let room = self.template(&place_of_room, &conference.room);
                self.reads(&place_of_room, room.names(), &[]);
                let announce = conference.announce.as_ref();
                let announce = self.perhaps(&place(&["conference", "announce"]), announce);
                Deed::Conference { room, announce }
            }
            Written::Music(music) => Deed::Music {
                class: music.class.clone(),
                length: self.seconds(&place(&["music", "for_s"]), music.for_s, 1.0..=3_600.0),
            },
            Written::Dialplan(dialplan) => {
                let place_of_place = place(&["dialplan", "place"]);
                Deed::Dialplan {
                    place: self.dialplan(&place_of_place, &dialplan.place),
                    variables: self.texts(&place(&["dialplan", "variables"]), &dialplan.variables),
                }
            }
            Written::HangUp(hang_up) => {
                Deed::HangUp(self.perhaps(&place(&["hang_up", "prompt"]), hang_up.prompt.as_ref()))
            }
            Written::Flow(name) => {
                let Some(flow) = self.book.flows.get(name) else {
                    let known = self.book.flows.keys().map(String::as_str);
                    let cause = format!("there is no flow \"{name}\" to go through");
                    let mend =
                        meant(name, known, "check that flow first; none can go through itself");
                    self.add(&place(&["flow"]), cause, mend);
                    return None;
                };
                Deed::Flow(flow.clone())
            }
            Written::Return(name) => {
                if name.trim().is_empty() {
                    self.add(
                        &place(&["return"]),
                        "it returns without a name",
                        "write return = \"done\"",
                    );
                }
                Deed::Return(name.as_str().into())
            }
        })
    }

    fn ask(&mut self, node: &str, ask: &document::Ask) -> Deed {
        let place = |parts: &[&str]| at(["node", node, "ask"].iter().chain(parts));
        let keys = self.keys(&place(&["keys"]), &ask.keys);
        if ask.answers.is_empty() && keys.is_empty() && !ask.wishes {
            let mend = "add answers = { label = [\"what they say\"] }, keys or wishes = true";
            self.add(&place(&[]), format!("node \"{node}\" asks, and takes no answer"), mend);
        }
        let mut seen: BTreeMap<Vec<String>, &str> = BTreeMap::new();
        let wishes = self.book.wishes.clone();
        let intents = wishes.intents();
        for (label, phrases) in &ask.answers {
            if phrases.iter().all(|phrase| phrase.trim().is_empty()) {
                let cause = format!("nobody can give the answer \"{label}\"");
                let mend =
                    "write what callers say who mean it; for keys alone, only name it in keys";
                self.add(&place(&["answers", label]), cause, mend);
            }
            if ask.wishes && intents.contains(label.as_str()) {
                let cause = format!("the answer \"{label}\" has the name of an intent");
                let mend = "give it another name, or take it out: with wishes = true it may be said anyway";
                self.add(&place(&["answers", label]), cause, mend);
            }
            for (index, phrase) in phrases.iter().enumerate() {
                if let Some(other) = seen.insert(said(phrase), label)
                    && other != label
                {
                    let cause =
                        format!("\"{phrase}\" stands under \"{other}\" and under \"{label}\"");
                    let mend = "keep it where it belongs: a phrase can mean one thing only";
                    self.add(&place(&["answers", label, &index.to_string()]), cause, mend);
                }
            }
        }
        let labels: BTreeSet<&String> = ask.answers.keys().chain(ask.keys.values()).collect();
        self.labels(&place(&[]), labels);
        let mut question = Question::keyed(self.named(node, None), keys)
            .with_answers(&ask.answers, &self.book.slots);
        if ask.wishes {
            if wishes.list.is_empty() {
                let cause = "there is nothing that callers may want";
                let mend = "add intents to the receptionist's file, or take wishes = true out";
                self.add(&place(&["wishes"]), cause, mend);
            }
            question = question.with_wishes(wishes);
        }
        self.patterns(&place(&["answers"]), &question, &ask.answers);
        for label in ask.answers.keys() {
            let slots: Vec<String> = question.slots_of(label).map(str::to_owned).collect();
            for slot in slots {
                let kind = self.book.slots[&slot].clone();
                self.no_card(&place(&["answers", label]), &slot, &kind);
            }
        }
        Deed::Ask(Ask {
            question: Arc::new(question),
            prompts: self.prompts(
                &place(&[]),
                &ask.prompt,
                ask.again.as_ref(),
                ask.still_there.as_ref(),
            ),
            tries: self.tries(&place(&["tries"]), ask.tries),
            wait: self.wait(&place(&["wait_s"]), ask.wait_s),
        })
    }

    fn menu(&mut self, node: &str, menu: &document::Menu) -> Deed {
        let place = |parts: &[&str]| at(["node", node, "menu"].iter().chain(parts));
        let keys = self.keys(&place(&["keys"]), &menu.keys);
        if keys.is_empty() && menu.keys.is_empty() {
            let mend = "add keys = { 1 = \"sales\" }, or make it a say";
            self.add(&place(&["keys"]), format!("the menu \"{node}\" has no keys"), mend);
        }
        self.labels(&place(&["keys"]), menu.keys.values().collect());
        Deed::Ask(Ask {
            question: Arc::new(Question::keyed(self.named(node, None), keys)),
            prompts: self.prompts(
                &place(&[]),
                &menu.prompt,
                menu.again.as_ref(),
                menu.still_there.as_ref(),
            ),
            tries: self.tries(&place(&["tries"]), menu.tries),
            wait: self.wait(&place(&["wait_s"]), menu.wait_s),
        })
    }

    fn collect(&mut self, node: &str, collect: &document::Collect) -> Option<Deed> {
        let place = |parts: &[&str]| at(["node", node, "collect"].iter().chain(parts));
        let slot = &collect.slot;
        let Some(kind) = collect.kind.as_ref().or_else(|| self.book.slots.get(slot)).cloned()
        else {
            let known = self.book.slots.keys().map(String::as_str);
            let mend = meant(
                slot,
                known,
                "say what may fill it: kind = \"number\", or { digits = { least = 4, most = 8 } }",
            );
            self.add(&place(&["slot"]), format!("the slot \"{slot}\" is not described"), mend);
            return None;
        };
        self.no_card(&place(&["slot"]), slot, &kind);
        let keyed = match &kind {
            SlotKind::Digits(length) => Some(Keys { least: length.least, most: length.most }),
            SlotKind::Number => Some(Keys { least: 1, most: 9 }),
            _ => None,
        };
        let by = collect.by.unwrap_or(if keyed.is_some() { By::Both } else { By::Speech });
        if by != By::Speech && keyed.is_none() {
            let cause = format!("the slot \"{slot}\" cannot be keyed in");
            let mend = "write by = \"speech\", or give it digits or a number";
            self.add(&place(&["by"]), cause, mend);
        }
        let name = self.named(node, None);
        let question = match by {
            By::Keys => Question::keyed(name, BTreeMap::new()),
            By::Speech | By::Both => Question::for_value(name, slot, kind.clone()),
        };
        if let Err(error) = question.try_patterns() {
            let (cause, mend) = told(&error);
            self.add(&place(&["kind"]), cause, mend);
        }
        let read_back = collect.read_back.as_ref().map(|prompt| {
            self.confirm(&place(&["read_back"]), node, "read_back", prompt, &["value"])
        });
        let valid = collect.valid.as_ref().map(|valid| {
            let condition = self.expression(&place(&["valid"]), valid);
            self.reads(&place(&["valid"]), condition.names(), &["value"]);
            condition
        });
        let invalid = collect.invalid.as_ref();
        if let (Some(_), None) = (invalid, &valid) {
            let mend = "add valid = \"...\", the condition that it tells of";
            self.add(&place(&["invalid"]), "nothing makes a value invalid", mend);
        }
        Some(Deed::Collect(Box::new(Collect {
            question: Arc::new(question),
            keys: keyed.filter(|_| by != By::Speech),
            slot: slot.clone(),
            kind,
            valid,
            invalid: invalid.map(|prompt| self.prompt(&place(&["invalid"]), prompt, &["value"])),
            read_back,
            prompts: self.prompts(
                &place(&[]),
                &collect.prompt,
                collect.again.as_ref(),
                collect.still_there.as_ref(),
            ),
            tries: self.tries(&place(&["tries"]), collect.tries),
            wait: self.wait(&place(&["wait_s"]), collect.wait_s),
        })))
    }

    fn connect(&mut self, node: &str, connect: &document::Connect) -> Deed {
        let place = |key: &str| at(["node", node, "connect", key]);
        let names = connect.destination.names();
        if names.is_empty() {
            self.add(&place("destination"), "it connects to nobody", "name a destination");
        }
        for (index, name) in names.iter().enumerate() {
            let place = match &connect.destination {
                Agents::One(_) => place("destination"),
                Agents::Several(_) => {
                    at(["node", node, "connect", "destination", &index.to_string()])
                }
            };
            if name == WISH {
                self.uses.push(super::Use {
                    place,
                    name: super::graph::A_WISH.to_owned(),
                    lookup: None,
                });
            } else if !self.book.destinations.contains(name) {
                let known = self.book.destinations.iter().map(String::as_str);
                let mend = meant(name, known, "add it to the receptionist's file");
                self.add(&place, format!("there is no destination \"{name}\""), mend);
            }
        }
        if let (Some(_), Agents::One(_)) = (connect.ring, &connect.destination) {
            let mend = "take ring out, or name several destinations: [\"maria\", \"tom\"]";
            self.add(&place("ring"), "one destination has no order", mend);
        }
        let agent = |name: &String| match name.as_str() {
            WISH => Agent::Wish,
            _ => Agent::Destination(name.clone()),
        };
        Deed::Connect(Connect {
            agents: names.iter().map(agent).collect(),
            ring: connect.ring.unwrap_or_default(),
            ring_for: connect.ring_s.map(|ring| self.seconds(&place("ring_s"), ring, 1.0..=300.0)),
            announce: self.perhaps(&place("announce"), connect.announce.as_ref()),
            introduce: self.perhaps(&place("introduce"), connect.introduce.as_ref()),
        })
    }

    fn zone(&mut self, node: &str, zone: &document::Zone) -> Option<Deed> {
        let place = |key: &str| at(["node", node, "zone", key]);
        let mut items = vec![(CardItem::Number, self.prompt(&place("card"), &zone.card, &[]))];
        for (item, key, sound) in
            [(CardItem::Expiry, "expiry", &zone.expiry), (CardItem::Cvc, "cvc", &zone.cvc)]
        {
            let prompt = self.perhaps(&place(key), sound.as_ref());
            items.extend(prompt.map(|prompt| (item, prompt)));
        }
        let again = self.perhaps(&place("again"), zone.again.as_ref());
        let lookup = self.lookup(&place("lookup"), &zone.lookup)?;
        if lookup.method != document::Method::Post {
            let cause =
                format!("the lookup \"{}\" would put a card number into an address", lookup.name);
            let mend = format!("write method = \"POST\" in [lookup.{}]", lookup.name);
            self.add(&place("lookup"), cause, mend);
        }
        Some(Deed::Zone(Zone {
            items,
            again,
            lookup,
            tries: self.tries(&place("tries"), zone.tries),
            wait: self.wait(&place("wait_s"), zone.wait_s),
        }))
    }

    fn lookup(&mut self, place: &At, name: &str) -> Option<Arc<crate::plan::Lookup>> {
        if let Some(lookup) = self.lookups.get(name).cloned() {
            self.reads_as_lookup(place, name);
            return Some(lookup);
        }
        if !self.report.is_broken(&at(["lookup", name])) {
            let known = self.document.lookup.keys().map(String::as_str);
            let mend = meant(name, known, &format!("add a table [lookup.{name}]"));
            self.add(place, format!("there is no lookup \"{name}\""), mend);
        }
        None
    }

    fn dialplan(&mut self, place: &At, written: &str) -> Place {
        let parts: Vec<&str> = written.split(',').map(str::trim).collect();
        if let [context, exten, priority] = parts[..]
            && let Ok(priority @ 1..) = priority.parse()
            && !context.is_empty()
            && !exten.is_empty()
        {
            return Place { context: context.to_owned(), exten: exten.to_owned(), priority };
        }
        let cause = format!("\"{written}\" is no place in a dialplan");
        let mend = "write context, extension and priority, such as \"queues,700,1\"";
        self.add(place, cause, mend);
        Place { context: String::new(), exten: String::new(), priority: 1 }
    }

    fn confirm(
        &mut self,
        place: &At,
        node: &str,
        part: &str,
        prompt: &Sound,
        besides: &[&str],
    ) -> Confirm {
        let keys = BTreeMap::from([('1', YES_LABEL.to_owned()), ('2', NO_LABEL.to_owned())]);
        let question = Question::keyed(self.named(node, Some(part)), keys)
            .with_answers(&self.yes_or_no(), &BTreeMap::new());
        let prompt = self.prompt(place, prompt, besides);
        Confirm { question: Arc::new(question), prompt }
    }

    /// What callers say who mean yes, and who mean no.
    fn yes_or_no(&self) -> BTreeMap<String, Vec<String>> {
        let voice = &self.document.voice;
        let own = |own: &[String], english: &[&str]| match own.is_empty() {
            true => english.iter().map(|phrase| (*phrase).to_owned()).collect(),
            false => own.to_vec(),
        };
        let (yes, no) = (own(&voice.yes, &YES), own(&voice.no, &NO));
        BTreeMap::from([(YES_LABEL.to_owned(), yes), (NO_LABEL.to_owned(), no)])
    }

    /// The prompts that a document has for all its nodes.
    pub(super) fn voice(&mut self) {
        let voice = &self.document.voice;
        self.again = self.perhaps(&at(["prompts", "again"]), voice.again.as_ref());
        self.still_there =
            self.perhaps(&at(["prompts", "still_there"]), voice.still_there.as_ref());
        if voice.yes.is_empty() != voice.no.is_empty() {
            let cause = "only one of yes and no is written in other words";
            self.add(&at(["prompts"]), cause, "write both lists, yes and no, or none");
        }
        if !voice.yes.is_empty() && !voice.no.is_empty() {
            let answers = self.yes_or_no();
            let question = Question::keyed(String::new(), BTreeMap::new());
            let question = question.with_answers(&answers, &BTreeMap::new());
            self.patterns(&at(["prompts"]), &question, &answers);
        }
    }

    /// The name of a node's question.
    fn named(&self, node: &str, part: Option<&str>) -> String {
        let flow = &self.document.name;
        match part {
            Some(part) => format!("{flow}/{node}/{part}"),
            None => format!("{flow}/{node}"),
        }
    }

    fn keys(&mut self, place: &At, written: &BTreeMap<String, String>) -> BTreeMap<char, String> {
        let mut keys = BTreeMap::new();
        for (key, label) in written {
            let mut chars = key.chars();
            match (chars.next(), chars.next()) {
                (Some(key @ ('0'..='9' | '*' | '#')), None) => {
                    keys.insert(key, label.clone());
                }
                _ => {
                    let mut place = place.clone();
                    place.push(key.clone());
                    let cause = format!("\"{key}\" is no key of a telephone");
                    self.add(&place, cause, "use one of 0 to 9, \"*\" or \"#\"");
                }
            }
        }
        keys
    }

    /// Tells labels that would be taken for something else.
    fn labels(&mut self, place: &At, labels: BTreeSet<&String>) {
        for label in labels {
            let taken = FAILURES.contains(&label.as_str()) || label == WISH;
            if label.trim().is_empty() || taken {
                let cause = format!("an answer cannot be called \"{label}\"");
                self.add(place, cause, "give it a name of its own");
            }
        }
    }

    /// Tells patterns that nobody can say.
    fn patterns(
        &mut self,
        place: &At,
        question: &Question,
        answers: &BTreeMap<String, Vec<String>>,
    ) {
        let Err(error) = question.try_patterns() else { return };
        let mut all = answers.iter().flat_map(|(label, patterns)| {
            patterns.iter().enumerate().map(move |(index, pattern)| (label, index, pattern))
        });
        let found = all.find(|(label, _, pattern)| match &error {
            GrammarError::Pattern { pattern: wrong, .. } => *pattern == wrong,
            GrammarError::NoSlot { intent, slot } => {
                *label == intent && pattern.contains(slot.as_str())
            }
            GrammarError::Unspeakable { word, .. } => pattern.contains(word.as_str()),
            GrammarError::TooManyOrders { intent } => *label == intent,
            GrammarError::Empty | GrammarError::NoValue { .. } => false,
        });
        let mut place = place.clone();
        if let Some((label, index, _)) = found {
            place.extend([label.clone(), index.to_string()]);
        }
        let empty =
            matches!(&error, GrammarError::Pattern { pattern, .. } if pattern.trim().is_empty());
        if empty && answers.values().any(|patterns| patterns.iter().all(|it| it.trim().is_empty()))
        {
            return; // It is told as an answer that nobody can give.
        }
        let (cause, mend) = told(&error);
        self.add(&place, cause, mend);
    }

    fn no_card(&mut self, place: &At, slot: &str, kind: &SlotKind) {
        if let SlotKind::Digits(length) | SlotKind::Code(length) = kind
            && length.least <= *CARD.end()
            && length.most >= *CARD.start()
        {
            let cause =
                format!("the slot \"{slot}\" can hold a card number, and a slot is written down");
            let mend =
                "take cards in a zone; another number: at most 12 characters, or 20 and more";
            self.add(place, cause, mend);
        }
    }

    fn prompts(
        &mut self,
        place: &At,
        first: &Sound,
        again: Option<&Sound>,
        still_there: Option<&Sound>,
    ) -> Prompts {
        let below = |key: &str| {
            let mut place = place.clone();
            place.push(key.to_owned());
            place
        };
        let first = self.prompt(&below("prompt"), first, &[]);
        let retry = |own: Option<Prompt>, common: &Option<Prompt>| match own {
            Some(own) => vec![own],
            None => common.iter().chain([&first]).cloned().collect(),
        };
        let again = self.perhaps(&below("again"), again);
        let again = retry(again, &self.again);
        let still_there = self.perhaps(&below("still_there"), still_there);
        let still_there = retry(still_there, &self.still_there);
        Prompts { first, again, still_there }
    }

    fn perhaps(&mut self, place: &At, sound: Option<&Sound>) -> Option<Prompt> {
        sound.map(|sound| self.prompt(place, sound, &[]))
    }

    fn tries(&mut self, place: &At, tries: u32) -> u32 {
        if !(1..=10).contains(&tries) {
            self.add(place, format!("tries = {tries} is out of range"), "use 1 to 10");
        }
        tries
    }

    fn wait(&mut self, place: &At, wait_s: f64) -> Duration {
        self.seconds(place, wait_s, 0.5..=60.0)
    }

    fn seconds(&mut self, place: &At, seconds: f64, range: RangeInclusive<f64>) -> Duration {
        if range.contains(&seconds) {
            return Duration::from_secs_f64(seconds);
        }
        let key = place.last().map_or("", String::as_str);
        let cause = format!("{key} = {seconds} is out of range");
        self.add(place, cause, format!("use {} to {} seconds", range.start(), range.end()));
        Duration::from_secs_f64(*range.start())
    }
}

pub(crate) const YES_LABEL: &str = "yes";
pub(crate) const NO_LABEL: &str = "no";

/// A phrase as it is said.
fn said(phrase: &str) -> Vec<String> {
    let marks = |c: char| "()[]{}|;".contains(c);
    let mut said = Vec::new();
    for piece in phrase.split_inclusive(marks) {
        let words = piece.trim_end_matches(marks);
        said.extend(intent::spoken_words(words));
        said.extend(piece[words.len()..].chars().map(String::from));
    }
    said
}

/// What is wrong with a pattern, and the mend.
fn told(error: &GrammarError) -> (String, String) {
    let error = error.to_string().replacen("intent ", "answer ", 1);
    match error.rsplit_once(": ") {
        Some((cause, mend)) => (cause.to_owned(), mend.to_owned()),
        None => (error, "see the patterns in assets/flows".to_owned()),
    }
}
