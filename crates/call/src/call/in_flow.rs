//! A call on its way through a flow: the run says what is to be done, and is told what came of it.

use std::sync::Arc;
use std::time::Duration;

use flow::{Effect, Facts, Flow, Reply, Run, Task, TaskId};

use super::asking::Asking;
use super::conferring::{Conferring, Stay};
use super::connecting::Connecting;
use super::messages::Message;
use super::queueing::Queueing;
use super::recording::Switching;
use super::talking::Talking;
use super::writing::Phrasing;
use super::zone::{Entering, TakingCard};
use super::{Context, Event, Ground, State};
use crate::budget::{Fallback, Stage, What};
use crate::record::{Basis, Outcome};
use crate::timers::Timer;
use crate::words::{Command, Input, PlayId, Played};

/// The state while a flow goes on.
#[derive(Debug)]
pub(super) struct InFlow {
    run: Run,
    /// What the run is told of the caller, for the last resort.
    facts: Facts,
    doing: Doing,
    task: TaskId,
    resort: Resort,
}

/// Which flow this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resort {
    /// The call's own.
    Own,
    /// The fallback destination's, after the own flow came to nothing.
    Last,
}

/// What is under way. What waits for words or for somebody has a state of its own.
#[derive(Debug)]
enum Doing {
    Nothing,
    Saying(PlayId),
    Phrasing(Phrasing),
    Asking(Box<Asking>),
    /// Something is asked elsewhere: a payment, too.
    LookingUp,
    Switching(Switching),
    Message(Message),
    EnteringZone(Entering),
    TakingCard(TakingCard),
    Connecting(Connecting),
    Queueing(Queueing),
    Conferring(Conferring),
    Music,
    /// Caller and agent hear each other.
    Talking(Talking),
}

/// What came of an event.
pub(super) enum Progress {
    /// The task goes on.
    Going,
    /// It is over.
    Over(Reply),
    /// It goes on, and a key was pressed that means nothing to it.
    Key(char),
    /// The agent answered, and both hear each other.
    Talking(String),
    /// The caller is in a room, and we are still there for the caller.
    Joined(String),
}

impl InFlow {
    pub(super) fn begin(context: &mut Context, facts: Facts) -> State {
        let flow = context.course.flow.clone();
        Self::through(context, flow, facts, Resort::Own)
    }

    fn through(context: &mut Context, flow: Arc<Flow>, facts: Facts, resort: Resort) -> State {
        let run = Run::new(flow, facts.clone());
        let in_flow = Self { run, facts, doing: Doing::Nothing, task: TaskId(0), resort };
        Box::new(in_flow).tell(context, flow::Input::Begin)
    }

    pub(super) fn step(mut self: Box<Self>, context: &mut Context, event: Event) -> State {
        match &event {
            Event::Timer(Timer::Flow) => return self.tell(context, flow::Input::Wake),
            Event::Timer(Timer::FirstAudio) => return self.deaf(context),
            Event::Input(Input::FirstAudio) => {
                context.timers.disarm(Timer::FirstAudio);
                context.record.mark(Stage::RtpWait, context.began, context.now);
            }
            _ => {}
        }
        let progress = match &mut self.doing {
            Doing::Asking(asking) => asking.step(context, event),
            Doing::Connecting(connecting) => connecting.step(context, event),
            Doing::Queueing(queueing) => queueing.step(context, event),
            Doing::Conferring(conferring) => conferring.step(context, event),
            Doing::Phrasing(phrasing) => phrasing.step(context, event),
            Doing::Saying(playing) => saying(context, *playing, event),
            Doing::Talking(talking) => talking.step(context, event),
            Doing::LookingUp => match event {
                Event::Input(Input::LookedUp(reply)) => Progress::Over(reply),
                event => heard_besides(context, event),
            },
            Doing::Switching(switching) => {
                switching.step(&event).unwrap_or_else(|| heard_besides(context, event))
            }
            Doing::Message(message) => message.step(context, event),
            Doing::EnteringZone(entering) => entering.step(context, &event),
            Doing::TakingCard(taking) => taking.step(context, event),
            Doing::Music | Doing::Nothing => heard_besides(context, event),
        };
        match progress {
            Progress::Going => State::InFlow(self),
            Progress::Over(reply) => {
                let task = self.task;
                if let Doing::Asking(asking) = &self.doing
                    && let Some(wrote) = asking.wrote(context.now)
                {
                    self.run.handle(context.now, flow::Input::Wrote { task, wrote });
                }
                self.tell(context, flow::Input::Told { task, reply })
            }
            Progress::Key(key) => {
                if self.run.takes(key) {
                    context.ground = Some(Ground::of(Basis::Digit));
                }
                self.tell(context, flow::Input::Key(key))
            }
            Progress::Joined(room) => {
                context.record.outcome = Some(Outcome::Connected);
                context.decided(room.clone());
                let (task, reply) = (self.task, Reply::Connected(room));
                self.tell(context, flow::Input::Told { task, reply })
            }
            Progress::Talking(destination) => {
                self.doing = Doing::Talking(Talking::default());
                context.record.outcome = Some(Outcome::Connected);
                context.timers.clear();
                context.command(Command::StopPlaying);
                context.listening = None;
                context.command(Command::StopListening);
                context.command(Command::CloseMedia);
                let (task, reply) = (self.task, Reply::Connected(destination));
                self.tell(context, flow::Input::Told { task, reply })
            }
        }
    }

    /// The caller, or Asterisk, is gone.
    pub(super) fn gone(mut self: Box<Self>, context: &mut Context, outcome: Outcome) -> State {
        self.run.handle(context.now, flow::Input::HungUp);
        // Channels and prompts go with the call; what is kept of it has to be closed.
        if let Doing::Message(message) = std::mem::replace(&mut self.doing, Doing::Nothing) {
            message.stop(context);
        }
        while let Some(effect) = self.run.poll() {
            undo(context, &effect);
        }
        context.record.path.extend_from_slice(self.run.trace());
        context.end(outcome)
    }

    /// No packet of the caller's has come.
    fn deaf(mut self: Box<Self>, context: &mut Context) -> State {
        let budget = context.receptionist.budget.rtp_wait;
        context.overrun(What::Stage(Stage::RtpWait), budget, Fallback::DigitMenu);
        let Doing::Asking(asking) = &mut self.doing else { return State::InFlow(self) };
        asking.close(context);
        let (task, reply) = (self.task, Reply::Failed("nothing is heard of the caller".to_owned()));
        self.tell(context, flow::Input::Told { task, reply })
    }

    /// Tells the run, and does what it then wants done.
    fn tell(mut self: Box<Self>, context: &mut Context, input: flow::Input) -> State {
        self.run.handle(context.now, input);
        while let Some(effect) = self.run.poll() {
            match effect {
                Effect::Do { task, what } => {
                    self.task = task;
                    if !matches!(what, Task::Connect { .. }) {
                        context.ground = None;
                    }
                    match Doing::begin(context, what) {
                        Ok(doing) => self.doing = doing,
                        Err(reply) => {
                            self.run.handle(context.now, flow::Input::Told { task, reply });
                        }
                    }
                }
                Effect::Stop { .. } => self.stop(context),
                Effect::OpenSpeech(brief) => context.command(Command::OpenSpeech(*brief)),
                Effect::StopRecording | Effect::LeaveZone | Effect::CloseSpeech => {
                    undo(context, &effect);
                }
                Effect::End(outcome) => return self.end(context, outcome),
            }
        }
        match self.run.deadline() {
            Some(deadline) => context.timers.arm(Timer::Flow, deadline),
            None => context.timers.disarm(Timer::Flow),
        }
        State::InFlow(self)
    }

    fn stop(&mut self, context: &mut Context) {
        match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Asking(mut asking) => asking.close(context),
            Doing::Connecting(connecting) => connecting.give_up(context),
            Doing::LookingUp => context.command(Command::StopLookingUp),
            Doing::Queueing(queueing) => queueing.give_up(context),
            Doing::Conferring(mut conferring) => conferring.stop(context),
            Doing::Saying(_) => {
                context.timers.disarm(Timer::Audible);
                context.command(Command::StopPlaying);
            }
            Doing::Phrasing(mut phrasing) => phrasing.stop(context),
            Doing::Music => context.command(Command::StopPlaying),
            Doing::Message(message) => message.stop(context),
            Doing::TakingCard(mut taking) => taking.stop(context),
            // Whatever comes of these is undone by an effect of its own.
            Doing::Switching(_) | Doing::EnteringZone(_) => {}
            Doing::Talking(_) | Doing::Nothing => {}
        }
    }

    fn end(self, context: &mut Context, outcome: flow::Outcome) -> State {
        context.record.path.extend_from_slice(self.run.trace());
        context.timers.disarm(Timer::Flow);
        match outcome {
            flow::Outcome::HangUp => context.hang_up(),
            flow::Outcome::Left => context.end(Outcome::Connected),
            flow::Outcome::CallerHungUp => context.end(Outcome::Abandoned),
            flow::Outcome::Dialplan { place, variables } => {
                context.leave_for_dialplan(place, variables)
            }
            flow::Outcome::Fallback(_) => match self.resort {
                Resort::Own => {
                    context.ground = Some(Ground::of(Basis::Fallback));
                    let last = context.course.last_resort.clone();
                    Self::through(context, last, self.facts, Resort::Last)
                }
                Resort::Last => context.give_back(),
            },
        }
    }
}

impl Doing {
    /// Begins a task; what came of it, if that is known already.
    fn begin(context: &mut Context, task: Task) -> Result<Self, Reply> {
        Ok(match task {
            Task::Say(sounds) => {
                let playing = context.say(sounds).ok_or(Reply::Done)?;
                context.arm(Timer::Audible, AUDIBLE);
                Self::Saying(playing)
            }
            Task::Phrase { brief, otherwise } => {
                Self::Phrasing(Phrasing::begin(context, *brief, otherwise))
            }
            Task::Ask { say, question, wait, brief } => {
                let asking = Asking::begin(context, (say, brief), question, None, wait);
                Self::Asking(Box::new(asking))
            }
            Task::Collect { say, question, keys, wait } => {
                Self::Asking(Box::new(Asking::begin(context, (say, None), question, keys, wait)))
            }
            Task::Lookup { request, say } => {
                context.command(Command::LookUp(request));
                context.say(say);
                Self::LookingUp
            }
            Task::Connect { destinations, ring, ring_for, announce, introduce } => {
                let to = &destinations;
                let begun = Connecting::begin(context, to, ring, ring_for, announce, introduce);
                Self::Connecting(begun.ok_or(Reply::Gone)?)
            }
            Task::Queue { name, announce, variables, most } => {
                Self::Queueing(Queueing::begin(context, name, announce, variables, most))
            }
            Task::Music { class } => {
                context.hear_nothing();
                context.play(Played::Music(class));
                Self::Music
            }
            Task::Record(turn) => Self::Switching(Switching::begin(context, turn)?),
            Task::Voicemail { say, mailbox, most } => {
                Self::Message(Message::begin(context, say, mailbox, most))
            }
            Task::EnterZone => Self::EnteringZone(Entering::begin(context)),
            Task::TakeCard { item, say, wait } => {
                Self::TakingCard(TakingCard::begin(context, item, say, wait))
            }
            Task::Pay { request, card } => {
                context.command(Command::Pay { request, card });
                Self::LookingUp
            }
            Task::Conference { room, name, announce, most, remind, says } => {
                let stay = Stay { room, name, most, remind, says: *says };
                Self::Conferring(Conferring::begin(context, stay, announce))
            }
        })
    }
}

/// How long it may take until something that is said can be heard. Words may have to be spoken first.
pub(super) const AUDIBLE: Duration = Duration::from_secs(10);

fn saying(context: &mut Context, playing: PlayId, event: Event) -> Progress {
    match event {
        Event::Input(Input::PromptEnded(id)) if playing == id => {
            context.timers.disarm(Timer::Audible);
            Progress::Over(Reply::Done)
        }
        Event::Timer(Timer::Audible) => {
            Progress::Over(Reply::Failed("a prompt did not go out".to_owned()))
        }
        event => {
            if matches!(event, Event::Input(Input::PromptAudible { id, .. }) if playing == id) {
                context.timers.disarm(Timer::Audible);
            }
            heard_besides(context, event)
        }
    }
}

/// Ends what a run has left open.
fn undo(context: &mut Context, effect: &Effect) {
    match effect {
        Effect::StopRecording => context.command(Command::StopRecording),
        Effect::LeaveZone => context.leave_zone(),
        Effect::CloseSpeech => context.command(Command::CloseSpeech),
        Effect::Do { .. } | Effect::Stop { .. } | Effect::OpenSpeech(_) | Effect::End(_) => {}
    }
}

/// What is heard while nobody waits for it.
pub(super) fn heard_besides(context: &mut Context, event: Event) -> Progress {
    match event {
        Event::Input(Input::Digit(key)) => return Progress::Key(key),
        Event::Input(Input::PromptAudible { at, .. }) => context.replied(at),
        Event::Input(Input::RecognizerFailed(why)) => context.record.troubles.push(why),
        Event::Input(Input::Heard(heard)) => context.note_words(&heard),
        Event::Input(Input::SpeechStarted { at }) => context.turn_began(at),
        Event::Input(Input::SpeechEnded { at }) => context.turn_ended(at),
        _ => {}
    }
    Progress::Going
}
