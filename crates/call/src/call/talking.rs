//! Caller and agent talk without us. What is left to do: to know when the agent hands the caller on, and to do it where
//! Asterisk leaves that to us. An agent names somebody as a phone does; only who is a destination can be meant.

use std::collections::BTreeMap;
use std::time::Duration;

use flow::Reply;

use super::connecting::{MUSIC, RING_GRACE};
use super::in_flow::Progress;
use super::{Context, Event};
use crate::receptionist::{Destination, Place};
use crate::record::{Attempt, Outcome};
use crate::timers::Timer;
use crate::words::{Command, Input, Join, Played, TransferNews, Why};

/// Two people talk.
#[derive(Debug, Default)]
pub(super) struct Talking {
    handing: Option<Handing>,
}

/// Somebody is rung to whom the caller is handed on.
#[derive(Debug)]
struct Handing {
    /// The agent's who asked.
    by: u32,
    /// Whether that agent is still there.
    waits: bool,
    attempt: u32,
    to: String,
}

impl Talking {
    pub(super) fn step(&mut self, context: &mut Context, event: Event) -> Progress {
        match (event, &mut self.handing) {
            (Event::Input(Input::AgentHungUp), None) => return Progress::Over(Reply::Ended),
            (Event::Input(Input::AgentHungUp), Some(handing)) => handing.waits = false,
            (Event::Input(Input::Transferred { to }), _) => context.transferred(to),
            (Event::Input(Input::TransferAsked { attempt, to }), None) => {
                self.handing = begin(context, attempt, &to);
            }
            (Event::Input(Input::TransferAsked { attempt, .. }), Some(_)) => {
                context.report(attempt, TransferNews::Refused);
            }
            (Event::Input(Input::Accepted { attempt }), Some(handing))
                if attempt == handing.attempt =>
            {
                context.report(handing.by, TransferNews::Rings);
            }
            (Event::Input(Input::Connected { attempt }), Some(handing))
                if attempt == handing.attempt =>
            {
                context.timers.disarm(Timer::Ring);
                context.command(Command::StopPlaying);
                context.report(handing.by, TransferNews::Done);
                context.transferred(std::mem::take(&mut handing.to));
                self.handing = None;
            }
            (Event::Input(Input::NotConnected { attempt, why }), Some(handing))
                if attempt == handing.attempt =>
            {
                return self.not_taken(context, why);
            }
            (Event::Timer(Timer::Ring), Some(handing)) => {
                context.command(Command::Abandon { attempt: handing.attempt });
                return self.not_taken(context, Why::NoAnswer);
            }
            _ => {}
        }
        Progress::Going
    }

    /// Agent and caller are together again; if the agent has left, the conversation is over.
    fn not_taken(&mut self, context: &mut Context, why: Why) -> Progress {
        let Some(handing) = self.handing.take() else { return Progress::Going };
        context.timers.disarm(Timer::Ring);
        context.failed(handing.attempt, why);
        context.command(Command::StopPlaying);
        context.report(handing.by, TransferNews::NotTaken);
        if handing.waits { Progress::Going } else { Progress::Over(Reply::Ended) }
    }
}

fn begin(context: &mut Context, by: u32, to: &str) -> Option<Handing> {
    let receptionist = context.receptionist.clone();
    let mut destinations = receptionist.destinations.iter();
    let Some(destination) = destinations.find(|destination| is_meant(destination, to)) else {
        let trouble = format!("an agent would transfer the caller to {to}, who is no destination");
        context.record.troubles.push(trouble);
        context.report(by, TransferNews::Refused);
        return None;
    };
    let (to, ring) = (destination.name.clone(), destination.ring);
    context.record.attempts.push(Attempt { destination: to.clone(), failed: None });
    let attempt = context.record.attempts.len() as u32;
    context.command(Command::Connect {
        attempt,
        name: to.clone(),
        place: destination.place.clone(),
        ring,
        variables: BTreeMap::new(),
        join: Join::AtOnce,
    });
    let most: Duration = context.receptionist.budget.ari + ring + RING_GRACE;
    context.arm(Timer::Ring, most);
    context.play(Played::Music(MUSIC.to_owned()));
    Some(Handing { by, waits: true, attempt, to })
}

/// Whether a phone that names somebody so means this destination: by its name, or by its phone's. A dialplan place takes the
/// caller's channel away and can tell nobody whether the caller was taken.
fn is_meant(destination: &Destination, to: &str) -> bool {
    match &destination.place {
        Place::Endpoint(endpoint) => {
            destination.name == to || endpoint.split_once('/').is_some_and(|(_, phone)| phone == to)
        }
        Place::Queue(queue) => destination.name == to || queue == to,
        Place::Dialplan { .. } => false,
    }
}

impl Context {
    fn transferred(&mut self, to: String) {
        self.record.outcome = Some(Outcome::Transferred);
        self.record.transferred = Some(to);
    }

    fn report(&mut self, attempt: u32, news: TransferNews) {
        self.command(Command::ReportTransfer { attempt, news });
    }
}
