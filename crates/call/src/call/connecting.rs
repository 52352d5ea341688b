//! Connecting: one destination after the other until somebody takes the caller.

use std::time::Duration;

use super::conversing::note_words;
use super::{Context, Event, Ground, State};
use crate::budget::{Fallback, Stage, What};
use crate::receptionist::{DestinationId, Place};
use crate::record::{Attempt, Basis, Outcome};
use crate::timers::Timer;
use crate::words::{Command, Input, Prompt, Why};

/// How long a caller who goes on speaking is left the floor before the announcement.
const POLITENESS: Duration = Duration::from_millis(1_500);

/// How much longer than its ringing time an attempt may take before it is given up by us: Asterisk should be first.
const RING_GRACE: Duration = Duration::from_secs(2);

/// The state while an agent is sought.
#[derive(Debug)]
pub(super) struct Connecting {
    destination: DestinationId,
    attempt: u32,
    tried: Vec<DestinationId>,
    began: Duration,
    accepted: Option<Duration>,
    announcement: Announcement,
}

/// Where the announcement of the destination stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announcement {
    /// The caller still speaks.
    Held,
    /// It plays, and the ringing tone after it.
    Given,
}

impl Connecting {
    /// Begins with `destination`. `speaking`: the caller has the floor.
    pub(super) fn begin(
        context: &mut Context,
        destination: DestinationId,
        speaking: bool,
    ) -> State {
        let attempt = context.record.attempts.len() as u32;
        let mut connecting = Self {
            destination,
            attempt,
            tried: Vec::new(),
            began: context.now,
            accepted: None,
            announcement: Announcement::Held,
        };
        connecting.connect(context, destination);
        if speaking {
            context.arm(Timer::Announce, POLITENESS);
        } else {
            connecting.announce(context);
        }
        State::Connecting(connecting)
    }

    pub(super) fn step(self, context: &mut Context, event: Event) -> State {
        match event {
            Event::Input(input) => self.input(context, input),
            Event::Timer(timer) => self.timer(context, timer),
        }
    }

    fn input(mut self, context: &mut Context, input: Input) -> State {
        match input {
            Input::Accepted { attempt } if attempt == self.attempt => self.accepted(context),
            Input::Connected { attempt } if attempt == self.attempt => {
                return self.connected(context);
            }
            // Answered after all, but the caller is promised to somebody else by now.
            Input::Connected { attempt } => context.command(Command::Abandon { attempt }),
            Input::LeftForDialplan => {
                // The event may come before the reply: it proves that the command was accepted.
                if self.accepted.is_none() {
                    self.accepted(context);
                }
                return context.end(Outcome::Connected);
            }
            Input::NotConnected { attempt, why } if attempt == self.attempt => {
                return self.next(context, why);
            }
            Input::Digit(digit) => return self.digit(context, digit),
            Input::Heard(heard) => note_words(context, &heard),
            Input::SpeechEnded { at } => {
                if let Some(turn) = context.record.turns.last_mut() {
                    turn.to = Some(at);
                }
                if self.announcement == Announcement::Held {
                    self.announce(context);
                }
            }
            Input::PromptAudible { prompt, at } => self.audible(context, prompt, at),
            Input::PromptEnded(_) => context.command(Command::Play(Prompt::Ringing)),
            Input::RecognizerFailed(why) => context.record.troubles.push(why),
            _ => {}
        }
        State::Connecting(self)
    }

    fn timer(mut self, context: &mut Context, timer: Timer) -> State {
        match timer {
            Timer::Announce => self.announce(context),
            Timer::Accept => {
                let budget = context.receptionist.budget.ari;
                context.overrun(What::Stage(Stage::Ari), budget, Fallback::NextDestination);
                context.command(Command::Abandon { attempt: self.attempt });
                return self.next(context, Why::Failed);
            }
            Timer::Ring => {
                let ring = context.receptionist.destination(self.destination).ring;
                context.overrun(What::Stage(Stage::Ring), ring, Fallback::NextDestination);
                context.command(Command::Abandon { attempt: self.attempt });
                return self.next(context, Why::NoAnswer);
            }
            _ => {}
        }
        State::Connecting(self)
    }

    fn connect(&mut self, context: &mut Context, id: DestinationId) {
        let destination = context.receptionist.destination(id);
        let (place, ring) = (destination.place.clone(), destination.ring);
        let tried = Attempt { destination: destination.name.clone(), failed: None };
        self.destination = id;
        self.attempt += 1;
        self.tried.push(id);
        self.accepted = None;
        context.record.attempts.push(tried);
        context.command(Command::Connect { attempt: self.attempt, destination: id, place, ring });
        context.timers.disarm(Timer::Ring);
        context.arm(Timer::Accept, context.receptionist.budget.ari);
        self.began = context.now;
    }

    fn announce(&mut self, context: &mut Context) {
        context.timers.disarm(Timer::Announce);
        self.announcement = Announcement::Given;
        let destination = context.receptionist.destination(self.destination);
        let prompt = match (&destination.announce, &destination.place) {
            (Some(_), _) => Prompt::Connecting(self.destination),
            (None, Place::Endpoint(_)) => Prompt::Ringing,
            (None, Place::Dialplan { .. }) => return,
        };
        context.command(Command::Play(prompt));
    }

    fn accepted(&mut self, context: &mut Context) {
        context.timers.disarm(Timer::Accept);
        let ring = context.receptionist.destination(self.destination).ring;
        context.arm(Timer::Ring, ring + RING_GRACE);
        context.record.mark(Stage::Ari, self.began, context.now);
        context.record.accepted.get_or_insert(context.now);
        self.accepted = Some(context.now);
    }

    fn connected(self, context: &mut Context) -> State {
        if let Some(accepted) = self.accepted {
            context.record.mark(Stage::Ring, accepted, context.now);
        }
        context.record.outcome = Some(Outcome::Connected);
        context.timers.clear();
        context.command(Command::StopPlaying);
        context.command(Command::StopListening);
        context.command(Command::CloseMedia);
        State::Talking
    }

    /// Goes on to the next choice, then to the fallback; nobody is tried twice.
    fn next(mut self, context: &mut Context, why: Why) -> State {
        if let Some(attempt) = context.record.attempts.last_mut() {
            attempt.failed = Some(why);
        }
        let choices = [
            context.receptionist.destination(self.destination).next,
            Some(context.receptionist.fallback),
        ];
        match choices.into_iter().flatten().find(|id| !self.tried.contains(id)) {
            Some(next) => {
                context.command(Command::Play(Prompt::Busy));
                self.announcement = Announcement::Given;
                context.timers.disarm(Timer::Announce);
                self.connect(context, next);
                State::Connecting(self)
            }
            None => context.say_goodbye(),
        }
    }

    /// A key that leads elsewhere overtakes the attempt.
    fn digit(self, context: &mut Context, digit: char) -> State {
        match context.receptionist.digits.get(&digit).copied() {
            Some(destination) if destination != self.destination => {
                context.command(Command::Abandon { attempt: self.attempt });
                if let Some(attempt) = context.record.attempts.last_mut() {
                    attempt.failed = Some(Why::Overtaken);
                }
                context.decide(Ground::of(Basis::Digit), destination, false)
            }
            _ => State::Connecting(self),
        }
    }

    fn audible(&self, context: &mut Context, prompt: Prompt, at: Duration) {
        if prompt == Prompt::Connecting(self.destination)
            && let Some(decision) = &context.record.decision
        {
            let decided = decision.at;
            context.record.mark(Stage::FirstAudioOut, decided, at);
        }
        context.replied(at);
    }
}
