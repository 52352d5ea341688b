//! Which exits a deed has, and what becomes of those that a node does not mention.

use crate::plan::Deed;

/// What becomes of an exit that a node does not mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// It must be mentioned.
    Given,
    /// Another exit serves in its place.
    Spared,
    /// The document's `[to]` says where it leads, or else the fallback takes the call.
    Failure,
    /// As a failure, and it says that something is broken, not what somebody did.
    Trouble,
    /// The call is over.
    Over,
}

pub(crate) const DONE: &str = "done";
pub(crate) const OTHERWISE: &str = "otherwise";
pub(crate) const WISH: &str = "wish";
pub(crate) const NO_MATCH: &str = "no_match";
pub(crate) const NO_INPUT: &str = "no_input";
pub(crate) const TIMEOUT: &str = "timeout";
pub(crate) const ERROR: &str = "error";
pub(crate) const OPEN: &str = "open";
pub(crate) const CLOSED: &str = "closed";
pub(crate) const HOLIDAY: &str = "holiday";
pub(crate) const FOUND: &str = "found";
pub(crate) const NOT_FOUND: &str = "not_found";
pub(crate) const VERIFIED: &str = "verified";
pub(crate) const REFUSED: &str = "refused";
pub(crate) const ENDED: &str = "ended";
pub(crate) const BUSY: &str = "busy";
pub(crate) const NO_ANSWER: &str = "no_answer";
pub(crate) const GONE: &str = "gone";
pub(crate) const EMPTY: &str = "empty";
pub(crate) const FULL: &str = "full";
pub(crate) const PAID: &str = "paid";
pub(crate) const DECLINED: &str = "declined";
pub(crate) const CUT_FAILED: &str = "cut_failed";

/// The exits that `[to]` may name: those that have a default.
pub(crate) const FAILURES: [&str; 11] =
    [NO_MATCH, NO_INPUT, TIMEOUT, ERROR, BUSY, NO_ANSWER, REFUSED, GONE, EMPTY, FULL, CUT_FAILED];

/// The exits of a deed.
pub(crate) fn ways(deed: &Deed) -> Vec<(String, Class)> {
    use Class::{Failure, Given, Over, Spared, Trouble};
    let own: Vec<(&str, Class)> = match deed {
        Deed::Say { .. } | Deed::Music { .. } => vec![(DONE, Given)],
        Deed::Conference(_) => vec![(DONE, Given), (REFUSED, Failure)],
        Deed::Set(_) => return vec![(DONE.to_owned(), Given)],
        Deed::Voicemail { .. } => vec![(DONE, Given), (NO_INPUT, Failure)],
        Deed::Record { consent: None, .. } => vec![(DONE, Given)],
        Deed::Record { consent: Some(_), .. } => vec![(DONE, Given), (REFUSED, Given)],
        Deed::Ask(ask) => {
            let labels = ask.question.labels().into_iter();
            // A label that is called like a failure is told as such.
            let labels = labels.filter(|label| !FAILURES.contains(label) && *label != WISH);
            let mut ways: Vec<_> = labels.map(|label| (label, Given)).collect();
            if let Some(wishes) = ask.question.wishes() {
                ways.push((WISH, Given));
                ways.extend(wishes.intents().into_iter().map(|intent| (intent, Spared)));
            }
            ways.extend([(NO_MATCH, Failure), (NO_INPUT, Failure)]);
            ways
        }
        Deed::Converse(converse) => {
            let mut labels = converse.question.labels();
            labels.extend(converse.ends.keys().map(String::as_str));
            labels.retain(|label| !FAILURES.contains(label) && *label != DONE);
            let mut ways: Vec<_> = labels.into_iter().map(|label| (label, Given)).collect();
            ways.extend([(DONE, Given), (NO_MATCH, Failure), (NO_INPUT, Failure)]);
            ways
        }
        Deed::Collect(_) => vec![(DONE, Given), (NO_MATCH, Failure), (NO_INPUT, Failure)],
        Deed::Decide(cases) => {
            let mut exits: Vec<String> = cases.iter().map(|(_, exit)| exit.to_string()).collect();
            exits.push(OTHERWISE.to_owned());
            exits.sort_unstable();
            exits.dedup();
            return exits.into_iter().map(|exit| (exit, Given)).collect();
        }
        Deed::Hours(calendar) => {
            let mut exits = vec![OPEN, CLOSED];
            if !calendar.holidays.is_empty() {
                exits.push(HOLIDAY);
            }
            return exits.into_iter().map(|exit| (exit.to_owned(), Given)).collect();
        }
        Deed::Lookup { lookup, .. } if lookup.verifies => {
            vec![(VERIFIED, Given), (REFUSED, Given)]
        }
        Deed::Lookup { .. } => vec![(FOUND, Given), (NOT_FOUND, Given)],
        Deed::Connect(_) => vec![
            (ENDED, Over),
            (BUSY, Failure),
            (NO_ANSWER, Failure),
            (REFUSED, Failure),
            (GONE, Failure),
        ],
        Deed::Queue { .. } => vec![(ENDED, Over), (EMPTY, Failure), (FULL, Failure)],
        Deed::Zone(_) => vec![
            (PAID, Given),
            (DECLINED, Given),
            (NO_MATCH, Failure),
            (NO_INPUT, Failure),
            (CUT_FAILED, Failure),
        ],
        Deed::Flow(flow) => {
            let returns = flow.returns.keys();
            return returns.map(|name| (name.to_string(), Given)).collect();
        }
        Deed::Dialplan { .. } | Deed::HangUp(_) | Deed::Return(_) => return Vec::new(),
    };
    let trouble = [(TIMEOUT, Trouble), (ERROR, Trouble)];
    own.into_iter().chain(trouble).map(|(name, class)| (name.to_owned(), class)).collect()
}

/// Whether a call can end in a node without leaving it by an exit.
pub(crate) fn ends(deed: &Deed) -> bool {
    match deed {
        Deed::Dialplan { .. } | Deed::HangUp(_) | Deed::Return(_) => true,
        Deed::Flow(flow) => flow.ends,
        _ => false,
    }
}
