//! What each node does.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::graph::A_WISH;
use super::{Checker, Reader, Use};
use crate::document::{self, Agents, At, Deed as Written, Sound, at};
use crate::finding::meant;
use crate::plan::{Agent, Conference, Connect, Deed, Introduce, Lookup, Place, Prompt, Zone};
use crate::secret::CardItem;
use crate::ways::WISH;

impl Checker<'_> {
    /// A node's deed; none if it cannot be known where it leads.
    pub(super) fn deed(&mut self, node: &str, deed: &Written) -> Option<Deed> {
        let place = |parts: &[&str]| at(["node", node].iter().chain(parts));
        Some(match deed {
            Written::Say(say) => {
                let prompt = self.prompt(&place(&["say", "prompt"]), &say.prompt, &[]);
                let phrased = self.phrased(&place(&["say", "phrased"]), say.phrased.as_ref());
                Deed::Say { prompt, phrased }
            }
            Written::Ask(ask) => self.ask(node, ask),
            Written::Converse(converse) => self.converse(node, converse)?,
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
                let place_of_name = place(&["conference", "name"]);
                let name = conference.name.as_ref().map(|name| self.template(&place_of_name, name));
                if let Some(name) = &name {
                    self.reads(&place_of_name, name.names(), &[]);
                }
                let announce = conference.announce.as_ref();
                let announce = self.perhaps(&place(&["conference", "announce"]), announce);
                let place_of_most = place(&["conference", "most_s"]);
                let most = conference.most_s;
                let most = most.map(|most| self.seconds(&place_of_most, most, 1.0..=86_400.0));
                let remind = conference.remind.as_ref().and_then(|remind| {
                    let before = place(&["conference", "remind", "before_s"]);
                    let before = self.seconds(&before, remind.before_s, 0.0..=86_400.0);
                    let prompt = place(&["conference", "remind", "prompt"]);
                    let prompt = self.prompt(&prompt, &remind.prompt, &[]);
                    let after = most.and_then(|most| most.checked_sub(before));
                    if after.is_none() {
                        let cause = "the caller is reminded before the time begins";
                        let mend = "make most_s longer than before_s";
                        self.add(&place(&["conference", "remind"]), cause, mend);
                    }
                    Some((after?, prompt))
                });
                for (key, mistake) in conference.says.mistakes() {
                    let mend =
                        "write {who} for the one who comes or goes, and nothing else in braces";
                    self.add(&place(&["conference", "says", key]), mistake, mend);
                }
                let says = conference.says.clone();
                Deed::Conference(Conference { room, name, announce, most, remind, says })
            }
            Written::Music(music) => Deed::Music {
                class: music.class.clone(),
                length: self.seconds(&place(&["music", "for_s"]), music.for_s, 1.0..=3_600.0),
            },
            Written::Dialplan(dialplan) => {
                let place_of_place = place(&["dialplan", "place"]);
                Deed::Dialplan {
                    place: dialplan.place.as_ref().map(|it| self.dialplan(&place_of_place, it)),
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
                let name = A_WISH.to_owned();
                self.uses.push(Use { place, name, by: Reader::Connection });
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
        let introduce = connect.introduce.as_ref().map(|sound| Introduce {
            confirm: self.confirm(&place("introduce"), node, "introduce", sound, &[]),
            accept: self.accept.clone(),
        });
        Deed::Connect(Connect {
            agents: names.iter().map(agent).collect(),
            ring: connect.ring.unwrap_or_default(),
            ring_for: connect.ring_s.map(|ring| self.seconds(&place("ring_s"), ring, 1.0..=300.0)),
            announce: self.perhaps(&place("announce"), connect.announce.as_ref()),
            introduce,
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

    fn lookup(&mut self, place: &At, name: &str) -> Option<Arc<Lookup>> {
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

    pub(super) fn perhaps(&mut self, place: &At, sound: Option<&Sound>) -> Option<Prompt> {
        sound.map(|sound| self.prompt(place, sound, &[]))
    }

    pub(super) fn tries(&mut self, place: &At, tries: u32) -> u32 {
        if !(1..=10).contains(&tries) {
            self.add(place, format!("tries = {tries} is out of range"), "use 1 to 10");
        }
        tries
    }

    pub(super) fn wait(&mut self, place: &At, wait_s: f64) -> Duration {
        self.seconds(place, wait_s, 0.5..=600.0)
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
