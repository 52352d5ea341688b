//! Connecting: one destination after the other, or several at once, until somebody takes the caller.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use flow::{Introduction, Reply, Ring, Sound};

use super::in_flow::Progress;
use super::introducing::{Introducing, Verdict};
use super::{Context, Event, Ground};
use crate::budget::{Fallback, Stage, What};
use crate::receptionist::{DestinationId, Place};
use crate::record::{Attempt, Basis, Decision};
use crate::timers::Timer;
use crate::words::{Command, Input, Join, PlayId, Played, Why};

/// How long a caller who goes on speaking is left the floor before the announcement.
const POLITENESS: Duration = Duration::from_millis(1_500);

/// How much longer than its ringing time an attempt may take before it is given up by us: Asterisk should be first.
pub(super) const RING_GRACE: Duration = Duration::from_secs(2);

/// The class of music on hold that every Asterisk has.
pub(super) const MUSIC: &str = "default";

/// Somebody is sought.
#[derive(Debug)]
pub(super) struct Connecting {
    /// Who is tried when those who are rung do not take the call.
    waiting: VecDeque<DestinationId>,
    tried: Vec<DestinationId>,
    rung: Vec<Rung>,
    ring_for: Option<Duration>,
    /// What an agent is told before the caller is joined, if anything.
    introduction: Option<Introduction>,
    /// In place of the destination's own announcement.
    announce: Option<Sound>,
    announcement: Announcement,
}

/// An attempt that is under way.
#[derive(Debug)]
struct Rung {
    attempt: u32,
    destination: DestinationId,
    began: Duration,
    accepted: Option<Duration>,
    /// When it is given up, unless the agent is being told of the caller.
    until: Duration,
    introducing: Option<Introducing>,
}

/// Where the announcement of the destination stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announcement {
    /// The caller still speaks.
    Held,
    /// It plays; the ringing tone follows.
    Plays(PlayId),
    /// There is none any more.
    Given,
}

impl Connecting {
    /// Begins with `destinations`, of which there is at least one.
    pub(super) fn begin(
        context: &mut Context,
        destinations: &[String],
        ring: Ring,
        ring_for: Option<Duration>,
        announce: Option<Sound>,
        introduction: Option<Introduction>,
    ) -> Option<Self> {
        let known =
            destinations.iter().filter_map(|name| context.receptionist.destination_named(name));
        let mut waiting: VecDeque<DestinationId> = known.collect();
        let first = *waiting.front()?;
        let first = context.receptionist.destination(first).name.clone();
        context.decided(first);
        let mut connecting = Self {
            waiting: VecDeque::new(),
            tried: Vec::new(),
            rung: Vec::new(),
            ring_for,
            introduction,
            announce,
            announcement: Announcement::Held,
        };
        let at_once = if ring == Ring::All { waiting.len() } else { 1 };
        for destination in waiting.drain(..at_once) {
            connecting.ring(context, destination);
        }
        connecting.waiting = waiting;
        match context.speaking {
            true => context.arm(Timer::Announce, POLITENESS),
            false => connecting.announce(context),
        }
        Some(connecting)
    }

    pub(super) fn step(&mut self, context: &mut Context, event: Event) -> Progress {
        let progress = match event {
            Event::Input(input) => self.input(context, input),
            Event::Timer(timer) => self.timer(context, timer),
        };
        if let Progress::Over(_) | Progress::Talking(_) = progress {
            self.disarm(context);
        }
        progress
    }

    /// Gives up every attempt, since the caller chose otherwise.
    pub(super) fn give_up(mut self, context: &mut Context) {
        for rung in std::mem::take(&mut self.rung) {
            context.command(Command::Abandon { attempt: rung.attempt });
            context.failed(rung.attempt, Why::Overtaken);
        }
        self.disarm(context);
    }

    fn disarm(&self, context: &mut Context) {
        for timer in [Timer::Announce, Timer::Accept, Timer::Ring] {
            context.timers.disarm(timer);
        }
    }

    fn input(&mut self, context: &mut Context, input: Input) -> Progress {
        match input {
            Input::Accepted { attempt } => self.accepted(context, attempt),
            Input::Connected { attempt } => return self.connected(context, attempt),
            Input::LeftForDialplan => {
                // The event may come before the reply: it proves that the command was accepted.
                if let Some(rung) = self.rung.first().filter(|rung| rung.accepted.is_none()) {
                    self.accepted(context, rung.attempt);
                }
                return Progress::Over(Reply::Left);
            }
            Input::NotConnected { attempt, why } => {
                if let Some(at) = self.rung.iter().position(|rung| rung.attempt == attempt) {
                    return self.not_taken(context, at, why);
                }
            }
            Input::Reached { attempt } => self.reached(context, attempt),
            Input::WhisperEnded { attempt } => {
                if let Some(introducing) = self.introducing(attempt) {
                    introducing.told(context);
                    self.arm(context);
                }
            }
            Input::AgentDigit { attempt, key } => {
                let verdict = self.introducing(attempt).map(|introducing| introducing.key(key));
                return self.judged(context, attempt, verdict);
            }
            Input::AgentHeard { attempt, heard } => {
                let verdict =
                    self.introducing(attempt).map(|introducing| introducing.heard(&heard));
                return self.judged(context, attempt, verdict);
            }
            Input::Digit(key) => return Progress::Key(key),
            Input::SpeechStarted { at } => context.turn_began(at),
            Input::SpeechEnded { at } => {
                context.turn_ended(at);
                if self.announcement == Announcement::Held {
                    self.announce(context);
                }
            }
            Input::Heard(heard) => context.note_words(&heard),
            Input::PromptAudible { id, at } => self.audible(context, id, at),
            Input::PromptEnded(_) => {
                self.announcement = Announcement::Given;
                context.play(Played::Ringing);
            }
            Input::RecognizerFailed(why) => context.record.troubles.push(why),
            _ => {}
        }
        Progress::Going
    }

    fn timer(&mut self, context: &mut Context, timer: Timer) -> Progress {
        match timer {
            Timer::Announce => self.announce(context),
            Timer::Accept => {
                let late = |rung: &Rung| rung.accepted.is_none() && rung.until <= context.now;
                if let Some(at) = self.rung.iter().position(late) {
                    let budget = context.receptionist.budget.ari;
                    context.overrun(What::Stage(Stage::Ari), budget, Fallback::NextDestination);
                    context.command(Command::Abandon { attempt: self.rung[at].attempt });
                    return self.not_taken(context, at, Why::Failed);
                }
            }
            Timer::Ring => {
                let late = |rung: &Rung| rung.until() <= context.now;
                if let Some(at) = self.rung.iter().position(late) {
                    let rung = &mut self.rung[at];
                    if let Some(introducing) = &mut rung.introducing {
                        let (attempt, verdict) = (rung.attempt, introducing.late(context));
                        return self.judged(context, attempt, Some(verdict));
                    }
                    let rung = &self.rung[at];
                    let (attempt, ring) = (rung.attempt, self.rings(context, rung.destination));
                    context.overrun(What::Stage(Stage::Ring), ring, Fallback::NextDestination);
                    context.command(Command::Abandon { attempt });
                    return self.not_taken(context, at, Why::NoAnswer);
                }
            }
            _ => {}
        }
        Progress::Going
    }

    fn rings(&self, context: &Context, destination: DestinationId) -> Duration {
        self.ring_for.unwrap_or(context.receptionist.destination(destination).ring)
    }

    fn ring(&mut self, context: &mut Context, id: DestinationId) {
        let destination = context.receptionist.destination(id);
        let (name, place) = (destination.name.clone(), destination.place.clone());
        let ring = self.rings(context, id);
        context.record.attempts.push(Attempt { destination: name.clone(), failed: None });
        let attempt = context.record.attempts.len() as u32;
        self.tried.push(id);
        self.rung.push(Rung {
            attempt,
            destination: id,
            began: context.now,
            accepted: None,
            until: context.now + context.receptionist.budget.ari,
            introducing: None,
        });
        context.command(Command::Connect {
            attempt,
            name,
            place,
            ring,
            variables: BTreeMap::new(),
            join: if self.introduction.is_some() { Join::WhenAdmitted } else { Join::AtOnce },
        });
        self.arm(context);
    }

    /// Wakes for the attempt that is given up first.
    fn arm(&self, context: &mut Context) {
        for (timer, accepted) in [(Timer::Accept, false), (Timer::Ring, true)] {
            let waits = self.rung.iter().filter(|rung| rung.accepted.is_some() == accepted);
            match waits.map(Rung::until).min() {
                Some(until) => context.timers.arm(timer, until),
                None => context.timers.disarm(timer),
            }
        }
    }

    fn announce(&mut self, context: &mut Context) {
        context.timers.disarm(Timer::Announce);
        self.announcement = Announcement::Given;
        let Some(rung) = self.rung.first() else { return };
        let destination = context.receptionist.destination(rung.destination);
        let own = destination.announce.clone();
        let meanwhile = match destination.place {
            Place::Endpoint(_) => Some(Played::Ringing),
            Place::Queue(_) => Some(Played::Music(MUSIC.to_owned())),
            Place::Dialplan { .. } => None,
        };
        match self.announce.clone().or(own) {
            Some(sound) => {
                let id = context.play(Played::Sounds(vec![sound]));
                self.announcement = Announcement::Plays(id);
            }
            None => drop(meanwhile.map(|meanwhile| context.play(meanwhile))),
        }
    }

    fn accepted(&mut self, context: &mut Context, attempt: u32) {
        let Some(at) = self.rung.iter().position(|rung| rung.attempt == attempt) else { return };
        let ring = self.rings(context, self.rung[at].destination);
        let rung = &mut self.rung[at];
        rung.until = context.now + ring + RING_GRACE;
        rung.accepted = Some(context.now);
        context.record.mark(Stage::Ari, rung.began, context.now);
        context.record.accepted.get_or_insert(context.now);
        self.arm(context);
    }

    fn reached(&mut self, context: &mut Context, attempt: u32) {
        let rung = self.rung.iter_mut().find(|rung| rung.attempt == attempt);
        let (Some(rung), Some(introduction)) = (rung, &self.introduction) else {
            // Somebody else has the caller by now.
            return context.command(Command::Abandon { attempt });
        };
        rung.introducing = Some(Introducing::begin(context, attempt, introduction.clone()));
        rung.accepted.get_or_insert(context.now);
        self.arm(context);
    }

    fn introducing(&mut self, attempt: u32) -> Option<&mut Introducing> {
        let rung = self.rung.iter_mut().find(|rung| rung.attempt == attempt)?;
        rung.introducing.as_mut()
    }

    /// What follows from what an agent says to the introduction.
    fn judged(
        &mut self,
        context: &mut Context,
        attempt: u32,
        verdict: Option<Verdict>,
    ) -> Progress {
        let Some(at) = self.rung.iter().position(|rung| rung.attempt == attempt) else {
            return Progress::Going;
        };
        let why = match verdict {
            Some(Verdict::Takes) => {
                let rung = &mut self.rung[at];
                rung.introducing = None;
                rung.until = context.now + context.receptionist.budget.ari;
                context.command(Command::Admit { attempt });
                self.arm(context);
                return Progress::Going;
            }
            Some(Verdict::Refuses) => Why::Rejected,
            Some(Verdict::Silent) => Why::NoAnswer,
            Some(Verdict::Open) | None => {
                self.arm(context);
                return Progress::Going;
            }
        };
        context.command(Command::Abandon { attempt });
        self.not_taken(context, at, why)
    }

    fn connected(&mut self, context: &mut Context, attempt: u32) -> Progress {
        let Some(at) = self.rung.iter().position(|rung| rung.attempt == attempt) else {
            // Answered after all, but the caller is promised to somebody else by now.
            context.command(Command::Abandon { attempt });
            return Progress::Going;
        };
        let rung = self.rung.swap_remove(at);
        for other in std::mem::take(&mut self.rung) {
            context.command(Command::Abandon { attempt: other.attempt });
            context.failed(other.attempt, Why::Overtaken);
        }
        if let Some(accepted) = rung.accepted {
            context.record.mark(Stage::Ring, accepted, context.now);
        }
        let destination = context.receptionist.destination(rung.destination);
        Progress::Talking(destination.name.clone())
    }

    /// Goes on to the next choice; nobody is tried twice.
    fn not_taken(&mut self, context: &mut Context, at: usize, why: Why) -> Progress {
        let rung = self.rung.remove(at);
        context.failed(rung.attempt, why);
        if !self.rung.is_empty() {
            self.arm(context);
            return Progress::Going;
        }
        let own = context.receptionist.destination(rung.destination).next;
        let next = loop {
            let next = self.waiting.pop_front().or(own.filter(|own| !self.tried.contains(own)));
            match next {
                Some(next) if self.tried.contains(&next) => {}
                next => break next,
            }
        };
        let Some(next) = next else { return Progress::Over(not_connected(why)) };
        let busy = context.receptionist.prompts.busy.clone();
        let id = context.play(Played::Sounds(vec![busy]));
        self.announcement = Announcement::Plays(id);
        context.timers.disarm(Timer::Announce);
        self.ring(context, next);
        Progress::Going
    }

    fn audible(&self, context: &mut Context, id: PlayId, at: Duration) {
        let first = self.tried.len() == self.rung.len();
        if self.announcement == Announcement::Plays(id)
            && first
            && let Some(decision) = &context.record.decision
        {
            let decided = decision.at;
            context.record.mark(Stage::FirstAudioOut, decided, at);
        }
        context.replied(at);
    }
}

impl Rung {
    /// When something is to be done about it.
    fn until(&self) -> Duration {
        self.introducing.as_ref().map_or(self.until, Introducing::until)
    }
}

impl Context {
    /// Notes the decision to connect the caller.
    pub(super) fn decided(&mut self, destination: String) {
        let ground = self.ground.take().unwrap_or(Ground::of(Basis::Flow));
        self.record.decision = Some(Decision {
            at: self.now,
            basis: ground.basis,
            destination,
            intent: ground.intent,
            probability: ground.probability,
            word_end: ground.word_end,
        });
        self.record.accepted = None;
    }

    pub(super) fn failed(&mut self, attempt: u32, why: Why) {
        let at = (attempt as usize).wrapping_sub(1);
        let Some(attempt) = self.record.attempts.get_mut(at) else { return };
        attempt.failed = Some(why);
        if why == Why::Unknown {
            let name = &attempt.destination;
            let trouble = format!("Asterisk has no queue for {name}; add it to queues.conf");
            self.record.troubles.push(trouble);
        }
    }
}

fn not_connected(why: Why) -> Reply {
    match why {
        Why::Busy | Why::Full => Reply::Busy,
        Why::NoAnswer => Reply::NoAnswer,
        Why::Rejected => Reply::Refused,
        Why::Empty | Why::Unavailable | Why::Unknown | Why::Failed | Why::Overtaken => Reply::Gone,
    }
}
