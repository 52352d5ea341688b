//! A call's way through a flow.

mod begin;
mod brief;
mod names;
mod reply;
mod talk;
mod words;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::document::Sound;
use crate::plan::{Deed, Flow, Target};
use crate::secret::{CardItem, Secret};
use crate::value::Value;
use crate::ways;

pub use brief::{Blank, Brief, Conversation, Errand, Said, Wrote};
use names::Scope;
use talk::Talk;
pub use words::{
    Effect, Facts, Filled, Input, Introduction, Keys, Outcome, Reply, Request, Step, Task, TaskId,
    Why,
};

/// Nodes that a call goes through at most. One that comes so far goes round in circles: it is ended politely.
pub const MOST_STEPS: usize = 500;

/// One call's way through a flow.
///
/// A run is told what happened, by [`Run::handle`], and says what is to be done, by [`Run::poll`]. It reads no clock and
/// does nothing itself. One task is under way at a time; it is begun by [`Effect::Do`], and what came of it is told by
/// [`Input::Told`]. [`Effect::End`] comes exactly once, and last.
///
/// ```
/// use std::{collections::BTreeMap, sync::Arc, time::Duration};
/// use flow::{Book, Civil, Effect, Facts, Flow, Input, Outcome, Reply, Run, Sound, Task};
///
/// let text = r#"
/// schema = 1
/// name = "closed"
/// start = "sorry"
/// [node.sorry]
/// say = { prompt = "We are closed, {caller.name}." }
/// to = { done = "hang_up" }
/// "#;
/// let flow = Arc::new(Flow::parse("closed.toml", text, &Book::default())?);
/// let facts = Facts {
///     caller_number: "+441234".into(),
///     caller_name: "Ann".into(),
///     called_number: "100".into(),
///     clock: Civil::parse("2026-03-03 22:00").expect("a moment"),
///     language: None,
///     caller: BTreeMap::new(),
/// };
///
/// let mut run = Run::new(flow, facts);
/// run.handle(Duration::ZERO, Input::Begin);
/// let Some(Effect::Do { task, what: Task::Say(said) }) = run.poll() else { panic!("it speaks") };
/// assert_eq!(said, [Sound::Spoken("We are closed, Ann.".into())]);
/// run.handle(Duration::from_secs(2), Input::Told { task, reply: Reply::Done });
/// assert_eq!(run.poll(), Some(Effect::End(Outcome::HangUp)));
/// # Ok::<(), flow::Findings>(())
/// ```
#[derive(Debug, Clone)]
pub struct Run {
    facts: Facts,
    began: Duration,
    /// The flows within each other, the one that is gone through now last.
    frames: Vec<Frame>,
    state: State,
    tasks: u32,
    /// Slots, variables and what lookups have found, by their whole names.
    known: BTreeMap<String, Value>,
    /// How many answers each lookup has brought.
    answered: BTreeMap<String, u32>,
    /// Where the caller's last wish leads.
    wish: Option<String>,
    verified: bool,
    recording: bool,
    in_zone: bool,
    /// Whether a model hears the caller.
    in_speech: bool,
    trace: Vec<Step>,
    effects: VecDeque<Effect>,
    outcome: Option<Outcome>,
}

#[derive(Debug, Clone)]
struct Frame {
    flow: Arc<Flow>,
    node: usize,
    /// Where the node stands in the trace.
    step: usize,
}

#[derive(Debug, Clone)]
enum State {
    New,
    /// Between two tasks: only while an input is handled.
    Between,
    Doing {
        task: TaskId,
        deadline: Option<Duration>,
        doing: Doing,
    },
    Over,
}

/// What is under way.
#[derive(Debug, Clone)]
enum Doing {
    Saying,
    Asking {
        tried: u32,
    },
    Collecting {
        tried: u32,
    },
    Conversing(Talk),
    ReadingBack {
        tried: u32,
        asked: u32,
        value: Value,
    },
    Consenting {
        asked: u32,
    },
    LookingUp,
    Connecting,
    Talking,
    TakingMessage,
    Switching,
    EnteringZone,
    TakingCard {
        tried: u32,
        card: Vec<(CardItem, Secret)>,
    },
    Paying,
    Playing,
    /// The last words before this outcome.
    Leaving(Outcome),
}

/// What follows.
#[derive(Debug, Clone)]
enum Next {
    /// The task that was begun.
    Wait,
    /// The node is left by this exit.
    Leave(Arc<str>),
    /// Somewhere else, since a key leads there.
    Goto(Target),
    /// Another flow begins.
    Into(Arc<Flow>),
    /// This flow ends under a name.
    Back(Arc<str>),
    End(Outcome),
}

impl Next {
    fn leave(exit: &str) -> Self {
        Self::Leave(exit.into())
    }
}

impl Run {
    /// A run that has not begun.
    #[must_use]
    pub fn new(flow: Arc<Flow>, facts: Facts) -> Self {
        let frame = Frame { node: flow.start, flow, step: 0 };
        Self {
            facts,
            began: Duration::ZERO,
            frames: vec![frame],
            state: State::New,
            tasks: 0,
            known: BTreeMap::new(),
            answered: BTreeMap::new(),
            wish: None,
            verified: false,
            recording: false,
            in_zone: false,
            in_speech: false,
            trace: Vec::new(),
            effects: VecDeque::new(),
            outcome: None,
        }
    }

    /// Takes what happened at `now`, counted on any clock that does not go back.
    pub fn handle(&mut self, now: Duration, input: Input) {
        if let State::New = self.state {
            self.began = now;
            self.state = State::Between;
            match input {
                Input::HungUp => return self.end(Outcome::CallerHungUp),
                _ => self.enter(now, Target::Node(self.frames[0].flow.start)),
            }
        }
        match input {
            Input::Begin => {}
            Input::HungUp => self.end(Outcome::CallerHungUp),
            Input::Told { task, reply } => {
                if let Some(doing) = self.under_way(|known, _| known == task) {
                    let next = self.answered(now, doing, reply);
                    self.go_on(now, next);
                }
            }
            Input::Wrote { task, wrote } => {
                if self.task() == Some(task) {
                    self.wrote(wrote);
                }
            }
            Input::Key(key) => {
                let task = self.task();
                if let Some((depth, target)) = self.leads(key)
                    && let Some(_) = self.under_way(|_, _| true)
                {
                    self.frames.truncate(depth + 1);
                    self.effects.extend(task.map(|task| Effect::Stop { task }));
                    self.go_on(now, Next::Goto(target));
                }
            }
            Input::Wake if self.most().is_some_and(|most| most <= now) => {
                self.end(Outcome::Fallback(Why::TooLong));
            }
            Input::Wake => {
                let over = |deadline: Option<Duration>| deadline.is_some_and(|at| at <= now);
                let task = self.task();
                if let Some(doing) = self.under_way(|_, deadline| over(deadline)) {
                    let task = task.expect("something was under way");
                    self.effects.push_back(Effect::Stop { task });
                    let next = self.late(doing);
                    self.go_on(now, next);
                }
            }
        }
    }

    /// The next thing to do, if there is any.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to come back with [`Input::Wake`], if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Doing { deadline, .. } => deadline.iter().copied().chain(self.most()).min(),
            _ => None,
        }
    }

    /// Whether a key leads somewhere else now, if the task under way does not take it.
    #[must_use]
    pub fn takes(&self, key: char) -> bool {
        self.leads(key).is_some()
    }

    /// The nodes that it has come to, in order.
    #[must_use]
    pub fn trace(&self) -> &[Step] {
        &self.trace
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// What a name holds at `now`, such as `slots.account`; [`Value::Nothing`] if it holds nothing.
    #[must_use]
    pub fn value(&self, now: Duration, name: &str) -> Value {
        use crate::expression::Names;
        Scope { run: self, now, value: None }.value(name)
    }

    /// Whether the caller has proven who they are.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// Where a key leads now, and which of the flows says so. Not where the call is already.
    fn leads(&self, key: char) -> Option<(usize, Target)> {
        let free = match &self.state {
            // Keys between two people are theirs; in a room we are there, too.
            State::Doing { doing: Doing::Talking, .. } => self.is_in_room(),
            State::Doing { doing, .. } => !matches!(doing, Doing::Leaving(_)),
            _ => false,
        };
        let mut frames = self.frames.iter().enumerate().rev().filter(|_| free && !self.in_zone);
        let found = frames.find_map(|(depth, frame)| {
            let target = *frame.flow.keys.get(&key)?;
            Some((depth, target, frame.node))
        });
        let (depth, target, at) = found?;
        (target != Target::Node(at)).then_some((depth, target))
    }

    /// When the call has stayed as long as its flow allows, unless two people speak.
    fn most(&self) -> Option<Duration> {
        let talking = matches!(&self.state, State::Doing { doing: Doing::Talking, .. });
        let most = self.frames.first()?.flow.most.filter(|_| !talking)?;
        Some(self.began + most)
    }

    /// The task under way.
    fn task(&self) -> Option<TaskId> {
        match &self.state {
            State::Doing { task, .. } => Some(*task),
            _ => None,
        }
    }

    /// Takes what is under way, if it is the one that is meant.
    fn under_way(
        &mut self,
        is_meant: impl FnOnce(TaskId, Option<Duration>) -> bool,
    ) -> Option<Doing> {
        match std::mem::replace(&mut self.state, State::Between) {
            State::Doing { task, deadline, doing } if is_meant(task, deadline) => Some(doing),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Goes through nodes until one has to wait.
    fn enter(&mut self, now: Duration, target: Target) {
        let id = match target {
            Target::Node(id) => id,
            Target::Fallback => return self.end(Outcome::Fallback(Why::Chosen)),
            Target::Failure => return self.end(Outcome::Fallback(Why::Failure)),
            Target::HangUp => return self.end(Outcome::HangUp),
        };
        let next = self.come_to(now, id);
        self.go_on(now, next);
    }

    fn go_on(&mut self, now: Duration, mut next: Next) {
        loop {
            let target = match next {
                Next::Wait => return,
                Next::End(outcome) => return self.end(outcome),
                Next::Leave(exit) => self.leave(now, exit),
                Next::Goto(target) => {
                    self.abandon(now);
                    target
                }
                Next::Into(flow) => {
                    let start = Target::Node(flow.start);
                    self.frames.push(Frame { node: flow.start, flow, step: self.trace.len() });
                    start
                }
                Next::Back(name) => {
                    self.frames.pop();
                    match self.frames.is_empty() {
                        true => return self.end(Outcome::Fallback(Why::Chosen)),
                        false => self.leave(now, name),
                    }
                }
            };
            next = match target {
                Target::Node(id) => self.come_to(now, id),
                Target::Fallback => Next::End(Outcome::Fallback(Why::Chosen)),
                Target::Failure => Next::End(Outcome::Fallback(Why::Failure)),
                Target::HangUp => Next::End(Outcome::HangUp),
            };
        }
    }

    fn come_to(&mut self, now: Duration, id: usize) -> Next {
        if self.trace.len() >= MOST_STEPS {
            return self.apologise(now);
        }
        let step = self.trace.len();
        let frame = self.frames.last_mut().expect("a run has a flow until it is over");
        (frame.node, frame.step) = (id, step);
        let flow = frame.flow.clone();
        self.trace.push(Step {
            flow: flow.name.clone(),
            node: flow.nodes[id].name.clone(),
            at: now,
            exit: None,
            left: None,
            confidence: None,
        });
        self.begin(now, &flow.nodes[id].deed)
    }

    /// Where the node leads by an exit.
    fn leave(&mut self, now: Duration, exit: Arc<str>) -> Target {
        if std::mem::take(&mut self.in_zone) {
            self.effects.push_back(Effect::LeaveZone);
        }
        self.close_speech();
        let frame = self.frames.last().expect("a run has a flow until it is over");
        let step = &mut self.trace[frame.step];
        let exits = &frame.flow.nodes[frame.node].exits;
        let find = |name: &str| exits.iter().find(|exit| *exit.name == *name);
        let found = find(&exit).or_else(|| find(ways::ERROR));
        step.left = Some(now);
        step.exit = Some(found.map_or(exit, |found| found.name.clone()));
        found.map_or(Target::Failure, |found| found.target)
    }

    /// Leaves the node without an exit.
    fn abandon(&mut self, now: Duration) {
        self.close_speech();
        let frame = self.frames.last().expect("a run has a flow until it is over");
        self.trace[frame.step].left = Some(now);
    }

    fn apologise(&mut self, now: Duration) -> Next {
        let outermost = self.frames.first().expect("a run has a flow until it is over");
        let apology = outermost.flow.apology.clone();
        let say = vec![apology.sound(&self.names(now))];
        let doing = Doing::Leaving(Outcome::Fallback(Why::Runaway));
        self.start(Task::Say(say), Some(now + LAST_WORDS), doing)
    }

    fn start(&mut self, what: Task, deadline: Option<Duration>, doing: Doing) -> Next {
        self.tasks += 1;
        let task = TaskId(self.tasks);
        self.effects.push_back(Effect::Do { task, what });
        self.state = State::Doing { task, deadline, doing };
        Next::Wait
    }

    fn end(&mut self, outcome: Outcome) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Over => return,
            State::Doing { task, .. } => self.effects.push_back(Effect::Stop { task }),
            State::New | State::Between => {}
        }
        if std::mem::take(&mut self.in_zone) {
            self.effects.push_back(Effect::LeaveZone);
        }
        self.close_speech();
        if std::mem::take(&mut self.recording) {
            self.effects.push_back(Effect::StopRecording);
        }
        self.outcome = Some(outcome.clone());
        self.effects.push_back(Effect::End(outcome));
    }

    /// The node that the run is at.
    fn here(&self) -> (Arc<Flow>, usize) {
        let frame = self.frames.last().expect("a run has a flow until it is over");
        (frame.flow.clone(), frame.node)
    }

    fn is_in_room(&self) -> bool {
        let (flow, node) = self.here();
        matches!(flow.nodes[node].deed, Deed::Conference(_))
    }

    fn names(&self, now: Duration) -> Scope<'_> {
        Scope { run: self, now, value: None }
    }

    fn sounds<'p>(
        &self,
        now: Duration,
        prompts: impl IntoIterator<Item = &'p crate::plan::Prompt>,
    ) -> Vec<Sound> {
        let names = self.names(now);
        prompts.into_iter().map(|prompt| prompt.sound(&names)).collect()
    }

    fn set(&mut self, name: String, value: Value) {
        self.known.insert(name, value);
    }
}

/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(20);
