//! A queue of Asterisk: the caller waits with us, hears music, and is joined with the agent whom the queue finds.

use std::collections::BTreeMap;
use std::time::Duration;

use flow::{Reply, Sound};

use super::connecting::{MUSIC, RING_GRACE};
use super::in_flow::{Progress, heard_besides};
use super::{Context, Event};
use crate::budget::{Fallback, Stage, What};
use crate::receptionist::Place;
use crate::record::Attempt;
use crate::timers::Timer;
use crate::words::{Command, Input, Join, PlayId, Played, Why};

/// A caller who waits for an agent of a queue.
#[derive(Debug)]
pub(super) struct Queueing {
    name: String,
    attempt: u32,
    began: Duration,
    accepted: Option<Duration>,
    most: Duration,
    /// What is said before the music.
    announcement: Option<PlayId>,
}

impl Queueing {
    pub(super) fn begin(
        context: &mut Context,
        name: String,
        announce: Option<Sound>,
        variables: BTreeMap<String, String>,
        most: Duration,
    ) -> Self {
        context.decided(name.clone());
        context.record.attempts.push(Attempt { destination: name.clone(), failed: None });
        let attempt = context.record.attempts.len() as u32;
        let place = Place::Queue(name.clone());
        context.command(Command::Connect {
            attempt,
            name: name.clone(),
            place,
            ring: most,
            variables,
            join: Join::AtOnce,
        });
        context.arm(Timer::Accept, context.receptionist.budget.ari);
        // Music is nothing to be read.
        context.hear_nothing();
        let announcement = context.say(announce.into_iter().collect());
        if announcement.is_none() {
            context.play(Played::Music(MUSIC.to_owned()));
        }
        Self { name, attempt, began: context.now, accepted: None, most, announcement }
    }

    pub(super) fn step(&mut self, context: &mut Context, event: Event) -> Progress {
        let progress = match event {
            Event::Input(Input::Accepted { attempt }) if attempt == self.attempt => {
                self.accepted = Some(context.now);
                context.record.mark(Stage::Ari, self.began, context.now);
                context.record.accepted.get_or_insert(context.now);
                context.timers.disarm(Timer::Accept);
                context.arm(Timer::Ring, self.most + RING_GRACE);
                Progress::Going
            }
            Event::Input(Input::Connected { attempt }) if attempt == self.attempt => {
                let accepted = self.accepted.unwrap_or(self.began);
                context.record.mark(Stage::Ring, accepted, context.now);
                Progress::Talking(self.name.clone())
            }
            Event::Input(Input::NotConnected { attempt, why }) if attempt == self.attempt => {
                self.failed(context, why)
            }
            Event::Input(Input::PromptEnded(id)) if self.announcement == Some(id) => {
                self.announcement = None;
                context.play(Played::Music(MUSIC.to_owned()));
                Progress::Going
            }
            Event::Timer(Timer::Accept) => {
                let budget = context.receptionist.budget.ari;
                context.overrun(What::Stage(Stage::Ari), budget, Fallback::NextDestination);
                context.command(Command::Abandon { attempt: self.attempt });
                self.failed(context, Why::Failed)
            }
            Event::Timer(Timer::Ring) => {
                context.command(Command::Abandon { attempt: self.attempt });
                self.failed(context, Why::NoAnswer)
            }
            event => heard_besides(context, event),
        };
        if let Progress::Over(_) | Progress::Talking(_) = progress {
            self.disarm(context);
        }
        progress
    }

    /// Takes the caller out of the queue.
    pub(super) fn give_up(self, context: &mut Context) {
        context.command(Command::Abandon { attempt: self.attempt });
        context.command(Command::StopPlaying);
        context.failed(self.attempt, Why::Overtaken);
        self.disarm(context);
    }

    fn failed(&self, context: &mut Context, why: Why) -> Progress {
        context.failed(self.attempt, why);
        context.command(Command::StopPlaying);
        Progress::Over(match why {
            Why::NoAnswer => Reply::TimedOut,
            Why::Empty => Reply::Empty,
            Why::Full | Why::Busy => Reply::Full,
            Why::Rejected | Why::Unavailable | Why::Unknown | Why::Failed | Why::Overtaken => {
                Reply::Gone
            }
        })
    }

    fn disarm(&self, context: &mut Context) {
        context.timers.disarm(Timer::Accept);
        context.timers.disarm(Timer::Ring);
    }
}
