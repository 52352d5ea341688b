//! The state machine of one call.
//!
//! ```text
//! Arriving ──► Conversing ──► Connecting ──► Talking ──► Leaving ──► Ended
//!     └────────────┴──────────────┴──────────────────────────┘ hang-up from every state
//! ```
//!
//! A state owns its data, and a transition consumes it: what belongs to a greeting cannot survive into a transfer.

mod back_channel;
mod barge_in;
mod connecting;
mod conversing;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::budget::{Fallback, Overrun, What};
use crate::receptionist::{DestinationId, Receptionist};
use crate::record::{Basis, Outcome, Record, Reply};
use crate::timers::{Timer, Timers};
use crate::words::{Command, Input, Prompt};

use connecting::Connecting;
use conversing::Conversing;

/// How long a channel may take to leave once it was told to.
const LEAVE: Duration = Duration::from_secs(8);

/// One call, from its arrival to its end. See the [crate's header](crate) for the contract.
#[derive(Debug)]
pub struct Call {
    context: Context,
    state: State,
}

/// What every state works with.
#[derive(Debug)]
struct Context {
    receptionist: Arc<Receptionist>,
    now: Duration,
    commands: VecDeque<Command>,
    timers: Timers,
    record: Record,
}

#[derive(Debug)]
enum State {
    Arriving(Arriving),
    Conversing(Conversing),
    Connecting(Connecting),
    /// Caller and agent hear each other.
    Talking,
    /// The caller's channel has been told to go.
    Leaving(Leaving),
    Ended,
}

/// Waits for the answer and for audio. Whatever else happens meanwhile is kept for the conversation.
#[derive(Debug, Default)]
struct Arriving {
    answered: bool,
    media: bool,
    queued: Vec<Input>,
}

/// Where a leaving channel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// A last prompt plays; then back to the dialplan.
    AfterGoodbye,
    /// Back to the dialplan.
    ToDialplan,
    /// Hung up by us.
    HungUp,
}

impl Call {
    /// A call that has just arrived, at time zero. Its first commands are ready to be polled.
    #[must_use]
    pub fn new(receptionist: Arc<Receptionist>) -> Self {
        let setup = receptionist.budget.setup;
        let mut timers = Timers::default();
        timers.arm(Timer::Setup, setup);
        let context = Context {
            receptionist,
            now: Duration::ZERO,
            commands: VecDeque::from([Command::Answer, Command::OpenMedia]),
            timers,
            record: Record::default(),
        };
        Self { context, state: State::Arriving(Arriving::default()) }
    }

    /// Tells the call what happened. `now` never goes back.
    ///
    /// Deadlines that have passed are seen to first, in their order.
    pub fn handle(&mut self, now: Duration, input: Input) {
        self.context.now = now.max(self.context.now);
        while let Some(timer) = self.context.timers.take_due(self.context.now) {
            self.step(Event::Timer(timer));
        }
        if input != Input::Wake {
            self.step(Event::Input(input));
        }
    }

    /// The next thing to do, if any.
    pub fn poll(&mut self) -> Option<Command> {
        self.context.commands.pop_front()
    }

    /// When to call [`handle`](Self::handle) with [`Input::Wake`] if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.context.timers.deadline()
    }

    /// What has been kept of the call so far.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.context.record
    }

    /// Adds a bar to the waterfall for a stage that only the driver can time.
    pub fn mark(&mut self, stage: crate::Stage, start: Duration, end: Duration) {
        self.context.record.mark(stage, start, end);
    }

    fn step(&mut self, event: Event) {
        let context = &mut self.context;
        let state = std::mem::replace(&mut self.state, State::Ended);
        self.state = match (state, event) {
            (State::Ended, _) => State::Ended,
            (State::Leaving(to), event) => leaving(to, context, &event),
            (_, Event::Input(Input::CallerHungUp)) => context.end(Outcome::Abandoned),
            (_, Event::Input(Input::PbxLost)) => context.end(Outcome::PbxLost),
            (State::Arriving(arriving), event) => arriving.step(context, event),
            (State::Conversing(conversing), event) => conversing.step(context, event),
            (State::Connecting(connecting), event) => connecting.step(context, event),
            (State::Talking, event) => talking(context, &event),
        };
        self.replay_queued();
    }

    /// Hands what was queued before the conversation to the conversation, in its order.
    fn replay_queued(&mut self) {
        let State::Conversing(conversing) = &mut self.state else { return };
        for input in std::mem::take(&mut conversing.queued) {
            self.step(Event::Input(input));
        }
    }
}

/// What a state is stepped by.
#[derive(Debug)]
enum Event {
    Input(Input),
    Timer(Timer),
}

impl Arriving {
    fn step(mut self, context: &mut Context, event: Event) -> State {
        match event {
            Event::Input(Input::Answered) => self.answered = true,
            Event::Input(Input::MediaUp) => self.media = true,
            Event::Input(Input::SetupFailed(why)) => {
                context.record.troubles.push(why);
                return context.give_back();
            }
            Event::Timer(Timer::Setup) => {
                let budget = context.receptionist.budget.setup;
                context.overrun(What::Setup, budget, Fallback::Dialplan);
                return context.give_back();
            }
            Event::Input(input) => self.queued.push(input),
            Event::Timer(_) => {}
        }
        if self.answered && self.media {
            context.timers.disarm(Timer::Setup);
            State::Conversing(Conversing::begin(context, self.queued))
        } else {
            State::Arriving(self)
        }
    }
}

fn talking(context: &mut Context, event: &Event) -> State {
    match event {
        Event::Input(Input::AgentHungUp) => context.hang_up(),
        _ => State::Talking,
    }
}

fn leaving(to: Leaving, context: &mut Context, event: &Event) -> State {
    match (to, event) {
        (_, Event::Input(Input::LeftForDialplan)) => context.end(Outcome::HandedBack),
        (_, Event::Input(Input::PbxLost)) => context.end(Outcome::PbxLost),
        (Leaving::HungUp, Event::Input(Input::CallerHungUp)) => context.end(Outcome::Dropped),
        (_, Event::Input(Input::CallerHungUp)) => context.end(Outcome::Abandoned),
        (Leaving::AfterGoodbye, Event::Input(Input::PromptEnded(Prompt::Goodbye)))
        | (Leaving::AfterGoodbye, Event::Timer(Timer::Leave)) => context.give_back(),
        (Leaving::ToDialplan, Event::Timer(Timer::Leave) | Event::Input(Input::SetupFailed(_))) => {
            context.record.troubles.push("the channel would not go on in the dialplan".to_owned());
            context.hang_up()
        }
        (Leaving::HungUp, Event::Timer(Timer::Leave)) => context.end(Outcome::Dropped),
        _ => State::Leaving(to),
    }
}

impl Context {
    fn command(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    fn arm(&mut self, timer: Timer, after: Duration) {
        self.timers.arm(timer, self.now + after);
    }

    fn overrun(&mut self, what: What, budget: Duration, fallback: Fallback) {
        self.record.overruns.push(Overrun { what, at: self.now, budget, fallback });
    }

    /// Ends the call. An outcome that stands already is kept: who was connected stays connected.
    fn end(&mut self, outcome: Outcome) -> State {
        self.record.outcome.get_or_insert(outcome);
        self.record.ended = Some(self.now);
        self.timers.clear();
        self.command(Command::Finish);
        State::Ended
    }

    fn give_back(&mut self) -> State {
        self.leave(Command::GiveBack, Leaving::ToDialplan)
    }

    fn hang_up(&mut self) -> State {
        self.leave(Command::HangUp, Leaving::HungUp)
    }

    fn say_goodbye(&mut self) -> State {
        self.leave(Command::Play(Prompt::Goodbye), Leaving::AfterGoodbye)
    }

    fn leave(&mut self, command: Command, to: Leaving) -> State {
        self.timers.clear();
        self.arm(Timer::Leave, LEAVE);
        self.command(command);
        State::Leaving(to)
    }

    /// Decides for `destination` and begins to connect.
    fn decide(&mut self, decision: Ground, destination: DestinationId, speaking: bool) -> State {
        self.record.decision = Some(crate::Decision {
            at: self.now,
            basis: decision.basis,
            destination: self.receptionist.destination(destination).name.clone(),
            intent: decision.intent,
            probability: decision.probability,
            word_end: decision.word_end,
        });
        self.record.accepted = None;
        self.timers.clear();
        Connecting::begin(self, destination, speaking)
    }

    fn decide_fallback(&mut self) -> State {
        let fallback = self.receptionist.fallback;
        self.decide(Ground::of(Basis::Fallback), fallback, false)
    }

    /// Notes a reply that can be heard, if the caller had said something before.
    fn replied(&mut self, audible: Duration) {
        let turn_end = self.record.turns.last().and_then(|turn| turn.to);
        if let Some(turn_end) = turn_end.filter(|&end| end <= audible) {
            let known = self.record.reply.is_some_and(|reply| reply.turn_end == turn_end);
            if !known {
                self.record.reply = Some(Reply { turn_end, audible });
            }
        }
    }
}

/// The ground of a decision, before its time and place are known.
#[derive(Debug)]
struct Ground {
    basis: Basis,
    intent: Option<String>,
    probability: Option<f32>,
    word_end: Option<Duration>,
}

impl Ground {
    fn of(basis: Basis) -> Self {
        Self { basis, intent: None, probability: None, word_end: None }
    }
}
