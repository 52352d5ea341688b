//! From the text of a receptionist's file to a checked [`Receptionist`].

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use flow::{Finding, Findings, Sound};
use intent::{CommitConfig, Keywords};
use serde::Deserialize;
use toml::Spanned;

use super::wants::{RawIntent, RawSlots};
use super::{Destination, DestinationId, Patience, Place, Prompts, Receptionist};
use crate::budget::Budget;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: String,
    fallback: Spanned<String>,
    prompts: RawPrompts,
    intent: Vec<Spanned<RawIntent>>,
    #[serde(default)]
    slots: RawSlots,
    destination: BTreeMap<Spanned<String>, Spanned<RawDestination>>,
    #[serde(default)]
    digits: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    patience: RawPatience,
    #[serde(default)]
    caution: Option<Spanned<CommitConfig>>,
    #[serde(default)]
    budget: RawBudget,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrompts {
    greeting: Spanned<RawSound>,
    again: Spanned<RawSound>,
    still_there: Spanned<RawSound>,
    menu: Spanned<RawSound>,
    busy: Spanned<RawSound>,
    goodbye: Spanned<RawSound>,
}

/// `"file.wav"` or `{ say = "words" }`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "write a file's name, or words to be spoken: { say = \"Hello\" }")]
enum RawSound {
    File(String),
    Spoken(RawSpoken),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpoken {
    say: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDestination {
    endpoint: Option<String>,
    dialplan: Option<Spanned<String>>,
    queue: Option<String>,
    ring_s: Option<Spanned<u64>>,
    next: Option<Spanned<String>>,
    announce: Option<Spanned<RawSound>>,
    wrong_route_s: Option<Spanned<f32>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawPatience {
    silence_ms: Option<u64>,
    asks: Option<Spanned<u32>>,
    conversation_s: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawBudget {
    setup_ms: Option<u64>,
    rtp_wait_ms: Option<u64>,
    stt_partial_ms: Option<u64>,
    stt_final_ms: Option<u64>,
    ari_ms: Option<u64>,
    decide_ms: Option<u64>,
}

const RING: Duration = Duration::from_secs(20);
/// How long a caller waits in a queue if the file does not say.
const QUEUE: Duration = Duration::from_secs(600);
const PATIENCE: Patience =
    Patience { silence: Duration::from_secs(6), asks: 2, conversation: Duration::from_secs(90) };

pub(super) fn read(path: &str, text: &str) -> Result<Receptionist, Findings> {
    let document: Document = parse(path, text)?;
    let mut checker = Checker::new(text);
    let receptionist = checker.check(document);
    checker.finish(path, receptionist)
}

/// Reads the text as TOML.
pub(super) fn parse<T: serde::de::DeserializeOwned>(path: &str, text: &str) -> Result<T, Findings> {
    toml::from_str(text).map_err(|e| Findings {
        path: path.to_owned(),
        findings: vec![Finding {
            at: Vec::new(),
            line: line_of(text, e.span().map_or(0, |span| span.start)),
            cause: e.message().to_owned(),
            mend: "see assets/receptionist.toml, where every key is explained".to_owned(),
        }],
    })
}

/// Collects what is wrong with a file.
pub(super) struct Checker<'a> {
    text: &'a str,
    findings: Vec<Finding>,
    places: Places,
}

/// What the names of destinations are held against.
enum Places {
    Known(HashMap<String, DestinationId>),
    /// Only what callers say matters; every name will do.
    Any,
}

impl<'a> Checker<'a> {
    /// For a file whose destinations do not matter.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, findings: Vec::new(), places: Places::Any }
    }

    /// What was read, if nothing was found.
    pub(super) fn finish<T>(mut self, path: &str, read: Option<T>) -> Result<T, Findings> {
        self.findings.sort_by_key(|finding| finding.line);
        match read {
            Some(read) if self.findings.is_empty() => Ok(read),
            _ => Err(Findings { path: path.to_owned(), findings: self.findings }),
        }
    }

    /// Whether an intent must name where it leads.
    pub(super) fn needs_destinations(&self) -> bool {
        matches!(self.places, Places::Known(_))
    }

    /// Where a word stands in the file.
    pub(super) fn find(&self, word: &str) -> Option<usize> {
        self.text.find(word)
    }

    /// Whether nothing has been found.
    pub(super) fn is_content(&self) -> bool {
        self.findings.is_empty()
    }

    fn check(&mut self, document: Document) -> Option<Receptionist> {
        let names = document.destination.keys().enumerate();
        let ids = names.map(|(index, name)| (name.get_ref().clone(), DestinationId(index)));
        self.places = Places::Known(ids.collect());
        let fallback = self.destination(&document.fallback);
        let destinations: Vec<Destination> =
            document.destination.into_iter().map(|(name, raw)| self.place(name, raw)).collect();
        let (wishes, spoken) = self.wants(document.intent, document.slots);
        let keywords = wishes.iter().flat_map(|wish| &wish.keywords).map(String::as_str);
        let keywords = Keywords::new(keywords);
        let digits = self.digits(&document.digits);
        let patience = self.patience(&document.patience);
        let caution = self.caution(document.caution.as_ref());
        let p = document.prompts;
        Some(Receptionist {
            name: document.name,
            prompts: Prompts {
                greeting: self.sound(p.greeting),
                again: self.sound(p.again),
                still_there: self.sound(p.still_there),
                menu: self.sound(p.menu),
                busy: self.sound(p.busy),
                goodbye: self.sound(p.goodbye),
            },
            keywords,
            wishes,
            spoken,
            destinations,
            digits,
            fallback: fallback?,
            patience,
            caution,
            budget: budget(&document.budget),
        })
    }

    pub(super) fn destination(&mut self, name: &Spanned<String>) -> Option<DestinationId> {
        let Places::Known(ids) = &self.places else { return Some(DestinationId(0)) };
        let id = ids.get(name.get_ref()).copied();
        if id.is_none() {
            let mut known: Vec<&str> = ids.keys().map(String::as_str).collect();
            known.sort_unstable();
            let mend = format!(
                "use one of: {}; or add a table [destination.{}]",
                known.join(", "),
                name.get_ref()
            );
            self.report(name, format!("there is no destination \"{}\"", name.get_ref()), &mend);
        }
        id
    }

    fn place(&mut self, name: Spanned<String>, raw: Spanned<RawDestination>) -> Destination {
        let at = raw.span();
        let raw = raw.into_inner();
        let place = match (raw.endpoint, raw.dialplan, raw.queue) {
            (Some(endpoint), None, None)
                if endpoint
                    .split_once('/')
                    .is_some_and(|(tech, rest)| !tech.is_empty() && !rest.is_empty()) =>
            {
                Some(Place::Endpoint(endpoint))
            }
            (Some(endpoint), None, None) => {
                self.report_at(
                    at.start,
                    format!("\"{endpoint}\" is no Asterisk endpoint"),
                    "write technology and resource, such as \"PJSIP/helpdesk\"",
                );
                None
            }
            (None, Some(dialplan), None) => self.dialplan(&dialplan),
            (None, None, Some(queue)) if is_queue(&queue) => Some(Place::Queue(queue)),
            (None, None, Some(queue)) => {
                self.report_at(
                    at.start,
                    format!("\"{queue}\" is no name of a queue"),
                    "write a name of queues.conf in letters, digits, \"-\", \"_\" and \".\"",
                );
                None
            }
            _ => {
                self.report_at(
                    at.start,
                    format!("destination \"{}\" needs one place", name.get_ref()),
                    "give it one of endpoint = \"PJSIP/...\", queue = \"...\" and dialplan = \"context,extension,priority\"",
                );
                None
            }
        };
        let next = raw.next.as_ref().and_then(|next| {
            if next.get_ref() == name.get_ref() {
                self.report(
                    next,
                    format!("destination \"{}\" names itself as its next choice", name.get_ref()),
                    "name another destination, or leave next out: the fallback comes last anyway",
                );
            }
            self.destination(next)
        });
        if let (Some(Place::Dialplan { .. }), Some(announce)) = (&place, &raw.announce) {
            self.report(
                announce,
                "a dialplan place cannot be announced: the caller leaves at once".to_owned(),
                "remove announce and let the dialplan speak, or use an endpoint such as \"Local/700@queues\"",
            );
        }
        let longest = if let Some(Place::Queue(_)) = place { 3_600 } else { 300 };
        let in_range = |ring: &&Spanned<u64>| !(1..=longest).contains(ring.get_ref());
        if let Some(ring) = raw.ring_s.as_ref().filter(in_range) {
            let mend = format!("use 1 to {longest} seconds");
            self.report(ring, "ring_s is out of range".to_owned(), &mend);
        }
        let ring = if let Some(Place::Queue(_)) = place { QUEUE } else { RING };
        let cost = raw.wrong_route_s.as_ref();
        if let Some(cost) = cost.filter(|cost| !(1.0..=3_600.0).contains(cost.get_ref())) {
            self.report(cost, "wrong_route_s is out of range".to_owned(), "use 1 to 3600 seconds");
        }
        Destination {
            name: name.into_inner(),
            place: place.unwrap_or_else(|| Place::Endpoint(String::new())),
            ring: raw.ring_s.map_or(ring, |ring| Duration::from_secs(ring.into_inner())),
            next,
            wrong_route_s: raw.wrong_route_s.map(Spanned::into_inner),
            announce: raw.announce.map(|announce| self.sound(announce)),
        }
    }

    fn sound(&mut self, raw: Spanned<RawSound>) -> Sound {
        let at = raw.span().start;
        match raw.into_inner() {
            RawSound::File(name) => Sound::File(name),
            RawSound::Spoken(RawSpoken { say }) => {
                if !say.chars().any(char::is_alphanumeric) {
                    let mend =
                        "write what the caller hears, such as { say = \"How can I help you?\" }";
                    self.report_at(at, "there is nothing to say".to_owned(), mend);
                }
                Sound::Spoken(say)
            }
        }
    }

    fn dialplan(&mut self, place: &Spanned<String>) -> Option<Place> {
        let parts: Vec<&str> = place.get_ref().split(',').map(str::trim).collect();
        if let [context, exten, priority] = parts[..]
            && let Ok(priority @ 1..) = priority.parse::<u32>()
            && !context.is_empty()
            && !exten.is_empty()
        {
            return Some(Place::Dialplan {
                context: context.to_owned(),
                exten: exten.to_owned(),
                priority,
            });
        }
        self.report(
            place,
            format!("\"{}\" is no place in a dialplan", place.get_ref()),
            "write context, extension and priority, such as \"queues,700,1\"",
        );
        None
    }

    fn digits(
        &mut self,
        raw: &BTreeMap<Spanned<String>, Spanned<String>>,
    ) -> BTreeMap<char, DestinationId> {
        let mut digits = BTreeMap::new();
        for (digit, destination) in raw {
            let mut chars = digit.get_ref().chars();
            match (chars.next(), chars.next()) {
                (Some(c @ ('0'..='9' | '*' | '#' | 'A'..='D')), None) => {
                    if let Some(id) = self.destination(destination) {
                        digits.insert(c, id);
                    }
                }
                _ => self.report(
                    digit,
                    format!("\"{}\" is no key of a telephone", digit.get_ref()),
                    "use one of 0 to 9, \"*\", \"#\" or \"A\" to \"D\"",
                ),
            }
        }
        digits
    }

    fn patience(&mut self, raw: &RawPatience) -> Patience {
        if let Some(asks) = raw.asks.as_ref().filter(|asks| !(1..=5).contains(asks.get_ref())) {
            self.report(asks, "asks is out of range".to_owned(), "use 1 to 5");
        }
        Patience {
            silence: raw.silence_ms.map_or(PATIENCE.silence, Duration::from_millis),
            asks: raw.asks.as_ref().map_or(PATIENCE.asks, |asks| *asks.get_ref()),
            conversation: raw.conversation_s.map_or(PATIENCE.conversation, Duration::from_secs),
        }
    }

    fn caution(&mut self, raw: Option<&Spanned<CommitConfig>>) -> CommitConfig {
        let Some(raw) = raw else { return CommitConfig::default() };
        let caution = *raw.get_ref();
        let costs = [
            caution.next_reading_s,
            caution.turn_end_s,
            caution.ask_again_s,
            caution.wrong_route_s,
        ];
        if !costs.is_sorted() || costs[0] <= 0.0 || !costs.iter().all(|cost| cost.is_finite()) {
            self.report(
                raw,
                "these costs would make late decisions dearer than wrong ones".to_owned(),
                "keep 0 < next_reading_s <= turn_end_s <= ask_again_s <= wrong_route_s",
            );
        }
        if !(0.0..=1.0).contains(&caution.certain) {
            self.report(
                raw,
                "certain is a probability".to_owned(),
                "use a number between 0 and 1, such as 0.998",
            );
        }
        caution
    }

    pub(super) fn report<T>(&mut self, at: &Spanned<T>, cause: String, mend: &str) {
        self.report_at(at.span().start, cause, mend);
    }

    pub(super) fn report_at(&mut self, offset: usize, cause: String, mend: &str) {
        let line = line_of(self.text, offset);
        self.findings.push(Finding { at: Vec::new(), line, cause, mend: mend.to_owned() });
    }
}

fn budget(raw: &RawBudget) -> Budget {
    let or = |ms: Option<u64>, default| ms.map_or(default, Duration::from_millis);
    let default = Budget::default();
    Budget {
        setup: or(raw.setup_ms, default.setup),
        rtp_wait: or(raw.rtp_wait_ms, default.rtp_wait),
        stt_partial: or(raw.stt_partial_ms, default.stt_partial),
        stt_final: or(raw.stt_final_ms, default.stt_final),
        ari: or(raw.ari_ms, default.ari),
        decide: or(raw.decide_ms, default.decide),
    }
}

/// The line, from 1, in which the byte `offset` of `text` stands.
fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1
}

/// Whether a name can stand in a dialplan's extension, where the queue is looked for.
fn is_queue(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "Desk"
fallback = "operator"
[prompts]
greeting = "g.wav"
again = "a.wav"
still_there = "s.wav"
menu = "m.wav"
busy = "b.wav"
goodbye = "bye.wav"
[[intent]]
name = "billing"
destination = "billing"
phrases = ["a question about my bill"]
[[intent]]
name = "colleague"
phrases = ["can i speak to {person}"]
[intent.slot]
name = "person"
values = { "Maria Lopez" = "operator", "Tom Becker" = "billing" }
[destination.billing]
dialplan = "queues,700,1"
[destination.operator]
endpoint = "PJSIP/operator"
ring_s = 5
announce = "o.wav"
[digits]
0 = "operator"
"#;

    #[test]
    fn a_good_file_resolves_every_name() {
        let r = Receptionist::parse("desk.toml", GOOD).expect("good");
        assert_eq!(r.destination(r.fallback).name, "operator");
        assert_eq!(r.wishes.len(), 3);
        assert_eq!(
            r.wishes[1].phrases,
            ["can i speak to Maria Lopez", "can i speak to Maria", "can i speak to Lopez"]
        );
        assert_eq!(r.destination(r.digits[&'0']).ring, Duration::from_secs(5));
        assert_eq!(r.sounds().count(), 7);
    }

    /// The line, counted by looking for the text that the mistake replaces.
    #[test]
    fn each_mistake_is_told_with_its_line() {
        for (was, becomes, says) in [
            ("fallback = \"operator\"", "fallback = \"nobody\"", "no destination \"nobody\""),
            ("ring_s = 5", "ring_s = 5000", "ring_s is out of range"),
            ("ring_s = 5", "ring_s = \"5\"", "invalid type"),
            ("ring_s = 5", "rings = 5", "unknown field `rings`"),
            ("ring_s = 5", "wrong_route_s = 0", "wrong_route_s is out of range"),
            ("\"queues,700,1\"", "\"queues,700\"", "no place in a dialplan"),
            ("0 = \"operator\"", "12 = \"operator\"", "no key of a telephone"),
            ("[\"can i speak to {person}\"]", "[\"hello\"]", "has the slot {person}"),
            ("[\"a question about my bill\"]", "[]", "has no phrases"),
            ("endpoint = \"PJSIP/operator\"", "endpoint = \"operator\"", "no Asterisk endpoint"),
            ("ring_s = 5", "next = \"operator\"", "names itself"),
            ("dialplan = \"queues,700,1\"", "", "needs one place"),
            ("\"m.wav\"", "{ say = \" ... \" }", "nothing to say"),
            ("\"m.wav\"", "{ speak = \"Hello\" }", "{ say = "),
        ] {
            let text = GOOD.replace(was, becomes);
            assert_ne!(text, GOOD, "{was} must occur");
            let findings = Receptionist::parse("desk.toml", &text).expect_err(becomes);
            assert!(findings.to_string().contains(says), "{becomes}: {findings}");
            let line = GOOD.lines().position(|l| l.contains(was)).expect("occurs") + 1;
            let near = findings.findings.iter().any(|f| f.line.abs_diff(line) <= 3);
            assert!(near, "{becomes}: line {line}, told {findings}");
        }
    }

    #[test]
    fn a_prompt_is_a_file_or_words() {
        let text = GOOD.replace("\"g.wav\"", "{ say = \"Hello.\" }");
        let prompts = Receptionist::parse("desk.toml", &text).expect("it is right").prompts;
        assert_eq!(prompts.greeting, Sound::Spoken("Hello.".to_owned()));
        assert_eq!(prompts.again, Sound::File("a.wav".to_owned()));
    }

    #[test]
    fn all_mistakes_are_told_at_once_in_the_order_of_lines() {
        let text = GOOD
            .replace("ring_s = 5", "ring_s = 0")
            .replace("fallback = \"operator\"", "fallback = \"x\"");
        let findings = Receptionist::parse("desk.toml", &text).expect_err("two mistakes").findings;
        assert_eq!(findings.len(), 2);
        assert!(findings[0].line < findings[1].line);
    }
}
