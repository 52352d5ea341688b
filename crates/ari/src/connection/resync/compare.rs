//! The comparison itself: what mailboxes were told, against what Asterisk has. Pure.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::ids::{self, Maker};
use crate::routing::{Held, Resource, Standing, Told};

/// What is known on our side.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) app: String,
    /// What mailboxes watch, as it was before Asterisk was asked.
    pub(crate) watched: Vec<(Resource, Standing)>,
    /// Bridges of this run that mailboxes have let go.
    pub(crate) let_go: Vec<String>,
    /// What the live events that wait will tell.
    pub(crate) held: Held,
    pub(crate) now: Instant,
    /// How long after it is first watched a thing may still come into being.
    pub(crate) patience: Duration,
}

/// What Asterisk has. Of what is not watched by the mailboxes in question it need not say anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Theirs {
    /// Channels that our application is subscribed to.
    pub(crate) channel_ids: HashSet<String>,
    /// Bridges that our application is subscribed to.
    pub(crate) bridge_ids: HashSet<String>,
    pub(crate) channels: HashMap<String, Value>,
    pub(crate) bridges: HashSet<String>,
}

/// What follows from the comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Findings {
    /// Watched things that are there, of which nothing was heard.
    pub(crate) present: Vec<Resource>,
    /// What those who watch have missed.
    pub(crate) missed: Vec<Missed>,
    /// Callers that nobody knows of, in Asterisk's words.
    pub(crate) arrivals: Vec<(String, Value)>,
    /// Channels and bridges of our making that nobody watches.
    pub(crate) sweep: Vec<Resource>,
    /// When it can be said of all that they are gone or were never made.
    pub(crate) look_again: Option<Instant>,
}

/// Something that was missed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Missed {
    pub(crate) resource: Resource,
    /// What was told before; if it has changed, the finding is out of date.
    pub(crate) told: Told,
    pub(crate) change: Change,
}

/// What happened meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// The channel came into the application.
    Entered(Value),
    /// The channel left the application; where it is now, if anywhere.
    Left(Option<Value>),
    /// It is gone, and never was in the application.
    Gone,
}

/// Compares.
///
/// A channel counts as ours, to be handed out or swept, only if Asterisk says both that our application is
/// subscribed to it and that it runs `Stasis()` with our application's name: other programs' channels are never
/// touched, not even those that we subscribed to.
pub(crate) fn compare(ours: &Ours, theirs: &Theirs) -> Findings {
    let mut findings = Findings::default();
    let mut watched = HashSet::new();
    for (resource, standing) in &ours.watched {
        watched.insert(resource);
        let (verdict, held) = match resource {
            Resource::Channel(id) => (
                of_channel(ours, theirs, id, standing.told),
                ours.held.starts.contains(id) || ours.held.ends.contains(id),
            ),
            Resource::Bridge(id) => {
                (of_bridge(theirs, id, standing.told), ours.held.bridge_ends.contains(id))
            }
            Resource::Playback(_) | Resource::Recording(_) => continue,
        };
        let doubt_ends = standing.since + ours.patience;
        let told = standing.told;
        let missed = |change| Missed { resource: resource.clone(), told, change };
        match verdict {
            Verdict::AsTold => {}
            Verdict::Present => findings.present.push(resource.clone()),
            Verdict::Changed(_) | Verdict::Absent if held => {}
            Verdict::Changed(change) => findings.missed.push(missed(change)),
            Verdict::Absent if doubt_ends <= ours.now => {
                findings.missed.push(missed(Change::Gone));
            }
            Verdict::Absent => findings.look_again = findings.look_again.max(Some(doubt_ends)),
        }
    }
    let unwatched = |resource: &Resource| !watched.contains(resource);
    for (id, channel) in &theirs.channels {
        if !unwatched(&Resource::Channel(id.clone())) || ours.held.ends.contains(id) {
            continue;
        }
        let subscribed = theirs.channel_ids.contains(id);
        let inside = is_inside(ours, theirs, id, channel);
        match ids::maker(id) {
            Maker::ThisRun if subscribed => findings.sweep.push(Resource::Channel(id.clone())),
            Maker::AnEarlierRun if inside => findings.sweep.push(Resource::Channel(id.clone())),
            Maker::SomebodyElse if inside && !ours.held.starts.contains(id) => {
                findings.arrivals.push((id.clone(), channel.clone()));
            }
            _ => {}
        }
    }
    for id in &theirs.bridges {
        let known = match ids::maker(id) {
            Maker::ThisRun => theirs.bridge_ids.contains(id) || ours.let_go.contains(id),
            Maker::AnEarlierRun => theirs.bridge_ids.contains(id),
            Maker::SomebodyElse => false,
        };
        let bridge = Resource::Bridge(id.clone());
        if known && unwatched(&bridge) {
            findings.sweep.push(bridge);
        }
    }
    findings
}

/// How something that is watched compares with what was told of it.
enum Verdict {
    AsTold,
    /// There, though nothing was told.
    Present,
    /// Not there, and nothing was told: gone, or not made yet.
    Absent,
    Changed(Change),
}

fn of_channel(ours: &Ours, theirs: &Theirs, id: &str, told: Told) -> Verdict {
    let channel = theirs.channels.get(id);
    match (told, channel) {
        (Told::Inside(_), None) => Verdict::Changed(Change::Left(None)),
        (Told::Inside(_), Some(channel)) if has_left(theirs, id, channel) => {
            Verdict::Changed(Change::Left(Some(channel.clone())))
        }
        (Told::Inside(_), Some(_)) => Verdict::AsTold,
        (_, Some(channel)) if is_inside(ours, theirs, id, channel) => {
            Verdict::Changed(Change::Entered(channel.clone()))
        }
        (Told::Nothing, Some(_)) => Verdict::Present,
        (Told::Nothing, None) => Verdict::Absent,
        (Told::Exists, None) => Verdict::Changed(Change::Gone),
        (Told::Exists, Some(_)) | (Told::Ended(_), _) => Verdict::AsTold,
    }
}

fn of_bridge(theirs: &Theirs, id: &str, told: Told) -> Verdict {
    match (told, theirs.bridges.contains(id)) {
        (Told::Nothing, true) => Verdict::Present,
        (Told::Nothing, false) => Verdict::Absent,
        (Told::Exists | Told::Inside(_), false) => Verdict::Changed(Change::Gone),
        (Told::Exists | Told::Inside(_), true) | (Told::Ended(_), _) => Verdict::AsTold,
    }
}

/// Whether a channel is in our application beyond doubt.
fn is_inside(ours: &Ours, theirs: &Theirs, id: &str, channel: &Value) -> bool {
    let running = &channel["dialplan"];
    let data = running["app_data"].as_str().unwrap_or_default();
    theirs.channel_ids.contains(id)
        && running["app_name"] == "Stasis"
        && data.split(',').next() == Some(&ours.app)
}

/// Whether a channel that was in our application is so no longer, beyond doubt. One that was moved to us, claimed
/// from a broadcast or dialled after it was created does not show our name.
fn has_left(theirs: &Theirs, id: &str, channel: &Value) -> bool {
    let running = channel["dialplan"]["app_name"].as_str().unwrap_or_default();
    let may_be_ours =
        running.is_empty() || running.starts_with("Stasis") || running.starts_with("AppDial");
    !theirs.channel_ids.contains(id) || !may_be_ours
}

#[cfg(test)]
mod tests;
