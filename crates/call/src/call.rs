//! The state machine of one call.
//!
//! ```text
//! Arriving ──► InFlow ──► Leaving ──► Ended
//!     └───────────┴──────────┘ hang-up from every state
//! ```
//!
//! What happens next is the flow's: its run begins one task after the other, and is told what came of each. How a task is
//! done is the call's. A state owns its data, and a transition consumes it: what belongs to a question cannot survive
//! into a connection.

mod asking;
mod back_channel;
mod barge_in;
mod conferring;
mod connecting;
mod in_flow;
mod introducing;
mod keying;
mod messages;
mod queueing;
mod recording;
mod talking;
mod voice;
mod writing;
mod zone;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use flow::{Facts, Place, Question, Sound};
use intent::{Cut, Sentiment};

use crate::budget::{Fallback, Overrun, Stage, What};
use crate::receptionist::{Course, Receptionist};
use crate::record::{Basis, Outcome, Record, Reply, Turn};
use crate::timers::{Timer, Timers};
use crate::words::{Command, Heard, Input, PlayId, Played};

use in_flow::InFlow;
use zone::Zone;

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
    course: Course,
    now: Duration,
    commands: VecDeque<Command>,
    timers: Timers,
    record: Record,
    /// How many times something was played.
    plays: u32,
    /// How many times a language model was asked to write.
    writings: u32,
    /// On what ground the flow goes where it goes now, if on any since the last decision.
    ground: Option<Ground>,
    /// Whether the caller speaks, as far as is known.
    speaking: bool,
    /// The question that the recogniser listens for, if it does.
    listening: Option<Arc<Question>>,
    /// When the flow began.
    began: Duration,
    zone: Zone,
    /// How many times a zone was to be entered.
    zones: u32,
}

#[derive(Debug)]
enum State {
    Arriving(Arriving),
    InFlow(Box<InFlow>),
    /// The caller's channel has been told to go.
    Leaving(Leaving),
    Ended,
}

/// Waits for the answer and for audio. Whatever else happens meanwhile is kept for the flow.
#[derive(Debug)]
struct Arriving {
    facts: Facts,
    answered: bool,
    media: bool,
    queued: Vec<Input>,
}

/// Where a leaving channel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// Back to the dialplan.
    ToDialplan,
    /// Hung up by us.
    HungUp,
}

impl Call {
    /// A call that has just arrived, at time zero. Its first commands are ready to be polled.
    #[must_use]
    pub fn new(receptionist: Arc<Receptionist>, course: Course, facts: Facts) -> Self {
        let setup = receptionist.budget.setup;
        let mut timers = Timers::default();
        timers.arm(Timer::Setup, setup);
        let context = Context {
            receptionist,
            course,
            now: Duration::ZERO,
            commands: VecDeque::from([Command::Answer, Command::OpenMedia]),
            timers,
            record: Record::default(),
            plays: 0,
            writings: 0,
            ground: None,
            speaking: false,
            listening: None,
            began: Duration::ZERO,
            zone: Zone::Outside,
            zones: 0,
        };
        let arriving = Arriving { facts, answered: false, media: false, queued: Vec::new() };
        Self { context, state: State::Arriving(arriving) }
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
        context.note(&event);
        let state = std::mem::replace(&mut self.state, State::Ended);
        self.state = match (state, event) {
            (State::Ended, _) => State::Ended,
            (State::Leaving(to), event) => leaving(to, context, &event),
            (State::InFlow(in_flow), Event::Input(Input::CallerHungUp)) => {
                in_flow.gone(context, Outcome::Abandoned)
            }
            (State::InFlow(in_flow), Event::Input(Input::PbxLost)) => {
                in_flow.gone(context, Outcome::PbxLost)
            }
            (State::Arriving(_), Event::Input(Input::CallerHungUp)) => {
                context.end(Outcome::Abandoned)
            }
            (State::Arriving(_), Event::Input(Input::PbxLost)) => context.end(Outcome::PbxLost),
            (State::Arriving(arriving), event) => return self.arrive(arriving, event),
            (State::InFlow(in_flow), event) => in_flow.step(context, event),
        };
    }

    fn arrive(&mut self, mut arriving: Arriving, event: Event) {
        let context = &mut self.context;
        match event {
            Event::Input(Input::Answered) => arriving.answered = true,
            Event::Input(Input::MediaUp) => arriving.media = true,
            Event::Input(Input::SetupFailed(why)) => {
                context.record.troubles.push(why);
                self.state = context.give_back();
                return;
            }
            Event::Timer(Timer::Setup) => {
                let budget = context.receptionist.budget.setup;
                context.overrun(What::Setup, budget, Fallback::Dialplan);
                self.state = context.give_back();
                return;
            }
            Event::Input(input) => arriving.queued.push(input),
            Event::Timer(_) => {}
        }
        if !(arriving.answered && arriving.media) {
            self.state = State::Arriving(arriving);
            return;
        }
        context.timers.disarm(Timer::Setup);
        context.arm(Timer::FirstAudio, context.receptionist.budget.rtp_wait);
        context.began = context.now;
        self.state = InFlow::begin(context, arriving.facts);
        for input in arriving.queued {
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

fn leaving(to: Leaving, context: &mut Context, event: &Event) -> State {
    match (to, event) {
        (_, Event::Input(Input::LeftForDialplan)) => context.end(Outcome::HandedBack),
        (_, Event::Input(Input::PbxLost)) => context.end(Outcome::PbxLost),
        (Leaving::HungUp, Event::Input(Input::CallerHungUp)) => context.end(Outcome::Dropped),
        (_, Event::Input(Input::CallerHungUp)) => context.end(Outcome::Abandoned),
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

    /// Keeps what is known of the caller whatever is going on.
    fn note(&mut self, event: &Event) {
        if let Event::Input(input) = event {
            self.note_kept(input);
        }
        match event {
            Event::Input(Input::SpeechStarted { .. } | Input::SpeechResumed { .. }) => {
                self.speaking = true;
            }
            Event::Input(Input::SpeechEnded { .. }) => self.speaking = false,
            _ => {}
        }
    }

    fn play(&mut self, what: Played) -> PlayId {
        self.plays += 1;
        let id = PlayId(self.plays);
        self.command(Command::Play { id, what });
        id
    }

    /// Listens for the answers to a question, if words can answer it.
    fn listen(&mut self, question: &Arc<Question>) {
        let known = self.listening.as_ref().is_some_and(|known| known.hears_like(question));
        if question.listens() && !known {
            self.listening = Some(Arc::clone(question));
            self.command(Command::Listen(Arc::clone(question)));
        }
    }

    /// Stops listening: what comes is no word of the caller's, or nobody wants it. What was being said is not waited for.
    fn hear_nothing(&mut self) {
        if self.listening.take().is_some() {
            self.command(Command::StopListening);
        }
        if std::mem::take(&mut self.speaking) {
            self.turn_ended(self.now);
        }
    }

    fn turn_began(&mut self, at: Duration) {
        self.record.turns.push(Turn { from: at, ..Turn::default() });
    }

    fn turn_ended(&mut self, at: Duration) {
        if let Some(turn) = self.record.turns.last_mut() {
            turn.to = Some(at);
        }
    }

    /// Keeps the words of a reading, what they tell at once, and its times.
    fn note_words(&mut self, heard: &Heard) {
        let stage = if heard.cut == Cut::Final { Stage::SttFinal } else { Stage::SttPartial };
        self.record.mark(stage, heard.asked, heard.done);
        self.record.mark(Stage::Intent, heard.done, heard.done + heard.ranked_in);
        if let Some(turn) = self.record.turns.last_mut() {
            let keywords = self.receptionist.keywords.heard(&heard.text);
            turn.keywords = keywords.into_iter().map(str::to_owned).collect();
            turn.sentiment = Sentiment::of(&heard.text);
            turn.words.clone_from(&heard.text);
        }
        self.record.slots.clone_from(&heard.slots);
    }

    /// Plays sounds in place of what plays now; nothing is played for none.
    fn say(&mut self, sounds: Vec<Sound>) -> Option<PlayId> {
        (!sounds.is_empty()).then(|| self.play(Played::Sounds(sounds)))
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
        self.leave_for_dialplan(None, BTreeMap::new())
    }

    fn leave_for_dialplan(
        &mut self,
        place: Option<Place>,
        variables: BTreeMap<String, String>,
    ) -> State {
        self.leave(Command::GiveBack { place, variables }, Leaving::ToDialplan)
    }

    fn hang_up(&mut self) -> State {
        self.leave(Command::HangUp, Leaving::HungUp)
    }

    fn leave(&mut self, command: Command, to: Leaving) -> State {
        self.timers.clear();
        self.arm(Timer::Leave, LEAVE);
        self.command(command);
        State::Leaving(to)
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
#[derive(Debug, Clone)]
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
