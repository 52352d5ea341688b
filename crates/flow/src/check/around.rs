//! The hours, the lookups and the sounds of a document.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Checker, Reader, Use};
use crate::calendar::{Calendar, Day, minutes, weekdays};
use crate::document::{At, Hours, Method, at};
use crate::plan::{Lookup, Texts};

impl Checker<'_> {
    pub(super) fn calendars(&mut self) {
        for (name, hours) in &self.document.hours {
            let calendar = self.calendar(name, hours);
            self.hours.insert(name, Arc::new(calendar));
        }
    }

    fn calendar(&mut self, name: &str, hours: &Hours) -> Calendar {
        let mut calendar = Calendar::default();
        for (days, times) in &hours.open {
            let place = at(["hours", name, "open", days]);
            let Some(read) = weekdays(days) else {
                let cause = format!("\"{days}\" are no days of the week");
                self.add(&place, cause, "write \"mon\", \"mon-fri\" or \"mon, wed\"");
                continue;
            };
            for (index, written) in times.iter().enumerate() {
                let place = at(["hours", name, "open", days, &index.to_string()]);
                match minutes(written) {
                    Some((from, to)) if from < to => {
                        for day in &read {
                            calendar.open.entry(*day).or_default().push((from, to));
                        }
                    }
                    Some((from, to)) => {
                        let cause = format!("\"{written}\" ends before it begins");
                        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
                        let mend = format!(
                            "for a night, write \"{}-24:00\", and \"00:00-{}\" for the day after",
                            clock(from),
                            clock(to)
                        );
                        self.add(&place, cause, mend);
                    }
                    None => {
                        let cause = format!("\"{written}\" is no time from and to");
                        self.add(&place, cause, "write \"09:00-17:30\"; a day ends at \"24:00\"");
                    }
                }
            }
        }
        for (holiday, day) in &hours.holidays {
            match Day::parse(day) {
                Some(day) => calendar.holidays.push((day, holiday.clone())),
                None => {
                    let cause = format!("\"{day}\" is no day");
                    let mend = "write a date, \"2026-07-03\", or a day of every year, \"12-25\"";
                    self.add(&at(["hours", name, "holidays", holiday]), cause, mend);
                }
            }
        }
        if hours.open.values().all(Vec::is_empty) {
            let cause = format!("the hours \"{name}\" never open");
            let mend = "add times, such as open = { \"mon-fri\" = [\"09:00-17:00\"] }";
            self.add(&at(["hours", name]), cause, mend);
        }
        calendar
    }

    pub(super) fn lookups(&mut self) {
        for (name, lookup) in &self.document.lookup {
            let place = |key: &str| at(["lookup", name, key]);
            let before = self.uses.len();
            let url = self.template(&place("url"), &lookup.url);
            self.reads(&place("url"), url.names(), &[]);
            let host = ["https://", "http://"].iter().find_map(|scheme| {
                url.beginning().strip_prefix(scheme)?.split_once('/').map(|(host, _)| host)
            });
            if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
                let cause = format!("\"{}\" does not say which host is asked", lookup.url);
                let mend =
                    "begin with \"https://\", a host and \"/\"; {names} may stand behind that only";
                self.add(&place("url"), cause, mend);
            }
            if lookup.method == Method::Get && !lookup.send.is_empty() {
                let mend = "write method = \"POST\", or put it into the url";
                self.add(
                    &place("send"),
                    format!("the lookup \"{name}\" only reads, and sends nothing"),
                    mend,
                );
            }
            let send = self.texts(&place("send"), &lookup.send);
            for (field, pointer) in &lookup.fields {
                if !pointer.starts_with('/') {
                    let cause = format!("\"{pointer}\" is no JSON pointer");
                    let mend =
                        format!("write the way to the field: \"/{}\"", pointer.replace('.', "/"));
                    self.add(&at(["lookup", name, "fields", field]), cause, mend);
                }
            }
            if !(50..=30_000).contains(&lookup.timeout_ms) {
                let cause = format!("timeout_ms = {} is out of range", lookup.timeout_ms);
                self.add(&place("timeout_ms"), cause, "use 50 to 30000; a caller waits for it");
            }
            if lookup.account && lookup.verifies {
                let cause = format!("the lookup \"{name}\" proves who calls, and wants it proven");
                let mend =
                    "leave out account = true: a lookup that verifies needs no verified caller";
                self.add(&place("account"), cause, mend);
            }
            for read in &mut self.uses[before..] {
                read.by = Reader::Lookup(name.clone());
            }
            let lookup = Lookup {
                name: name.clone(),
                url,
                method: lookup.method,
                send,
                timeout: Duration::from_millis(lookup.timeout_ms),
                fields: Arc::new(lookup.fields.clone()),
                account: lookup.account,
                verifies: lookup.verifies,
            };
            self.lookups.insert(name, Arc::new(lookup));
        }
    }

    /// Notes that a node reads what a lookup sends.
    pub(super) fn reads_as_lookup(&mut self, place: &At, lookup: &str) {
        let by = Reader::Lookup(lookup.to_owned());
        let own = |read: &&Use| read.by == by && read.place.starts_with(&at(["lookup"]));
        let reads = self.uses.iter().filter(own).map(|read| Use {
            place: place.clone(),
            name: read.name.clone(),
            by: by.clone(),
        });
        let reads: Vec<Use> = reads.collect();
        self.uses.extend(reads);
    }

    pub(super) fn texts(&mut self, place: &At, texts: &BTreeMap<String, String>) -> Texts {
        let mut templates = Texts::new();
        for (name, text) in texts {
            let mut place = place.clone();
            place.push(name.clone());
            let template = self.template(&place, text);
            self.reads(&place, template.names(), &[]);
            templates.insert(name.clone(), template);
        }
        templates
    }
}
