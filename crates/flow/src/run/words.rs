//! What a run is told, and what it wants done: closed enums in the flow's own words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::brief::{Brief, Wrote};
use crate::civil::Civil;
use crate::document::{Method, Ring, RoomSays, Sound, Turn};
use crate::plan::Place;
use crate::question::Question;
use crate::secret::{CardItem, Secret};
use crate::value::Value;

/// What is known when a run begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The caller's number; empty if it is withheld.
    pub caller_number: String,
    /// The caller's name; empty if it is not known.
    pub caller_name: String,
    /// The number that was called.
    pub called_number: String,
    /// The time when the run begins, on the clocks of the flow's time zone.
    pub clock: Civil,
    /// The language of the call, if it is not the flow's own.
    pub language: Option<String>,
    /// What else is known of the caller, such as what the dialplan passed on: read as `{caller.NAME}`.
    pub caller: BTreeMap<String, Value>,
}

/// The number of a task, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u32);

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The caller can hear and be heard. Comes first.
    Begin,
    /// What came of a task. One that has been stopped, or has told its end before, is passed over.
    Told {
        /// Which.
        task: TaskId,
        /// What came of it.
        reply: Reply,
    },
    /// What a language model has written in the course of a task with a brief, which goes on. Comes before what the task
    /// comes to.
    Wrote {
        /// Which task.
        task: TaskId,
        /// What it wrote.
        wrote: Wrote,
    },
    /// The caller pressed a key that the task under way does not take. Whether it leads anywhere:
    /// [`Run::takes`](crate::Run::takes).
    Key(char),
    /// The caller hung up, or is gone for another reason.
    HungUp,
    /// Time has passed: the moment that [`Run::deadline`](crate::Run::deadline) named has come.
    Wake,
}

/// What came of a task. Which replies a task may have stands with [`Task`]; any other is a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Reply {
    /// It is done.
    Done,
    /// The caller gave one of the answers.
    Answer {
        /// Its label.
        label: String,
        /// What was said in slots of it.
        slots: Vec<Filled>,
        /// How likely it is that this was said, 0 to 1.
        confidence: f32,
    },
    /// The caller said what they want.
    Wish {
        /// The intent's name.
        intent: String,
        /// Where it leads.
        destination: Option<String>,
        /// What was said in its slots.
        slots: Vec<Filled>,
        /// How likely it is that this was said, 0 to 1.
        confidence: f32,
    },
    /// The caller said the value that was asked for.
    Value {
        /// The value, in the words of the slot.
        value: String,
        /// How likely it is that this was said, 0 to 1.
        confidence: f32,
    },
    /// The caller pressed keys; the `#` that ends a number is not among them.
    Digits(String),
    /// The caller keyed in an item of the card.
    Card(Secret),
    /// The caller said this, which is none of the answers, to a question that [takes any
    /// words](crate::Question::takes_any_words).
    Said(String),
    /// The caller said something else.
    NoMatch,
    /// The caller kept silent, in words and keys.
    NoInput,
    /// The lookup has an answer: what its fields held, by name. Proven, if it proves who calls; paid, if it pays.
    Found(BTreeMap<String, Value>),
    /// The lookup's answer is no: HTTP's 404, 401, 402 and 403. Refused, or declined.
    NotFound,
    /// The caller speaks with this destination, or has joined the queue or the room.
    Connected(String),
    /// What [`Connected`](Reply::Connected) began has ended and the caller is still there.
    Ended,
    /// The caller's channel has gone on elsewhere: nothing more will be heard of it here.
    Left,
    /// The destination is busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The destination, or the agent who was told of the caller, does not want the call.
    Refused,
    /// The destination does not exist, or cannot be reached now.
    Gone,
    /// Nobody serves the queue.
    Empty,
    /// The queue is full.
    Full,
    /// Not everything that records could be cut off in time.
    CutFailed,
    /// It took too long.
    TimedOut,
    /// It failed. The text is for the record.
    Failed(String),
}

/// A slot with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filled {
    /// The slot's name.
    pub slot: String,
    /// What fills it.
    pub value: String,
}

/// Something that is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Begin a task. There is never more than one; [`Input::Told`] says what came of it.
    Do {
        /// Its number.
        task: TaskId,
        /// What is to be done.
        what: Task,
    },
    /// Stop the task under way. Nothing is told of it.
    Stop {
        /// Its number.
        task: TaskId,
    },
    /// Stop the recording that was begun. Nothing is told of it.
    StopRecording,
    /// Leave the zone: what was cut may hear and record again. Nothing is told of it.
    LeaveZone,
    /// A conversation begins with a model that hears the caller: have it ready to listen. What it knows and may choose
    /// stands in the brief; what it is to answer is asked by tasks. Nothing is told of it.
    OpenSpeech(Box<Brief>),
    /// The conversation is over: nothing more goes to that model. Nothing is told of it.
    CloseSpeech,
    /// It is over. Comes exactly once, and last.
    End(Outcome),
}

/// What is to be done, and what may come of it; besides that, always [`Reply::TimedOut`] and [`Reply::Failed`].
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Say this, one after the other. [`Reply::Done`].
    Say(Vec<Sound>),
    /// Let a language model say this; and what is written, where it has no words in time or breaks off. [`Reply::Done`].
    Phrase {
        /// What the model is to say.
        brief: Box<Brief>,
        /// What is said in its place.
        otherwise: Vec<Sound>,
    },
    /// Ask, and take one answer: [`Reply::Answer`], [`Reply::Wish`], [`Reply::Digits`] with one key of the question's,
    /// [`Reply::NoMatch`], [`Reply::NoInput`], [`Reply::Said`] to an open question.
    Ask {
        /// What is said.
        say: Vec<Sound>,
        /// What may be answered.
        question: Arc<Question>,
        /// How long an answer is waited for.
        wait: Duration,
        /// What a language model is to say in place of `say`, which is said only where it has no words in time or breaks off.
        /// If it was to [answer](crate::Errand::Answer), the task is over then: [`Reply::TimedOut`] or
        /// [`Reply::Failed`]. If it has chosen one of the labels, the task is over when its words are said:
        /// [`Reply::Done`].
        brief: Option<Box<Brief>>,
    },
    /// Ask for a value: [`Reply::Value`], [`Reply::Digits`], [`Reply::NoMatch`], [`Reply::NoInput`].
    Collect {
        /// What is said.
        say: Vec<Sound>,
        /// What may be said, if anything: [`Question::listens`].
        question: Arc<Question>,
        /// Whether it may be keyed in, and with how many keys.
        keys: Option<Keys>,
        /// How long it is waited for.
        wait: Duration,
    },
    /// Ask elsewhere: [`Reply::Found`], [`Reply::NotFound`].
    Lookup {
        /// What is asked.
        request: Request,
        /// What is said while it takes; it is cut short by the answer.
        say: Vec<Sound>,
    },
    /// Connect the caller to the first of these who takes the call: [`Reply::Connected`] and then [`Reply::Ended`] or
    /// [`Reply::Left`]; or [`Reply::Busy`], [`Reply::NoAnswer`], [`Reply::Refused`], [`Reply::Gone`].
    Connect {
        /// The destinations' names; at least one.
        destinations: Vec<String>,
        /// In which order they are rung.
        ring: Ring,
        /// How long each may ring, if not as long as it says itself.
        ring_for: Option<Duration>,
        /// What the caller hears before.
        announce: Option<Sound>,
        /// What the agent hears first, and may then refuse.
        introduce: Option<Introduction>,
    },
    /// Hand the caller to a queue: [`Reply::Connected`] and then [`Reply::Ended`] or [`Reply::Left`]; or
    /// [`Reply::Empty`], [`Reply::Full`].
    Queue {
        /// The queue.
        name: String,
        /// What the caller hears before.
        announce: Option<Sound>,
        /// Channel variables.
        variables: BTreeMap<String, String>,
        /// How long the caller may wait.
        most: Duration,
    },
    /// Take a message: [`Reply::Done`], [`Reply::NoInput`].
    Voicemail {
        /// What is said before the tone.
        say: Vec<Sound>,
        /// Whose it is.
        mailbox: String,
        /// How long it may be.
        most: Duration,
    },
    /// Begin or end the recording: [`Reply::Done`].
    Record(Turn),
    /// Cut off everything that records or listens, and keep it so until [`Effect::LeaveZone`]: [`Reply::Done`] only
    /// when every cut is confirmed, [`Reply::CutFailed`] otherwise.
    EnterZone,
    /// Within the zone, ask for an item of the card by keys: [`Reply::Card`], [`Reply::NoInput`].
    TakeCard {
        /// Which.
        item: CardItem,
        /// What is said.
        say: Vec<Sound>,
        /// How long a key is waited for.
        wait: Duration,
    },
    /// Within the zone, pay: [`Reply::Found`] if it is paid, [`Reply::NotFound`] if it is declined.
    Pay {
        /// What is asked, without the card.
        request: Request,
        /// What goes along.
        card: Vec<(CardItem, Secret)>,
    },
    /// Put the caller into a room: [`Reply::Connected`] and then [`Reply::Ended`]; or [`Reply::Refused`] if it is locked.
    Conference {
        /// The room.
        room: String,
        /// Who comes, for the others to hear.
        name: Option<String>,
        /// What the caller hears before.
        announce: Option<Sound>,
        /// How long the caller may stay.
        most: Option<Duration>,
        /// What the caller alone hears, and how long after entering.
        remind: Option<(Duration, Sound)>,
        /// What the caller alone is told of the room.
        says: Box<RoomSays>,
    },
    /// Play music until it is stopped.
    Music {
        /// Its class.
        class: String,
    },
}

/// What an agent is told of a caller before the two are joined, and how the agent takes or refuses the call.
#[derive(Debug, Clone, PartialEq)]
pub struct Introduction {
    /// What is said, one after the other.
    pub say: Vec<Sound>,
    /// To be answered by yes or no: [`Question::yes_or_no`].
    pub question: Arc<Question>,
}

/// How many keys make a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// At least.
    pub least: usize,
    /// At most; the last one ends it.
    pub most: usize,
}

/// What is asked elsewhere, ready to be sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// The lookup's name.
    pub lookup: String,
    /// How many answers it has brought in this call. What brought none may have been done all the same, such as a charge
    /// whose answer came too late: it is asked again under the same number.
    #[serde(skip_serializing_if = "is_first")]
    pub answered: u32,
    /// How.
    pub method: Method,
    /// The address.
    pub url: String,
    /// The body: one JSON object of these; none for [`Method::Get`].
    pub send: BTreeMap<String, String>,
    /// How long the answer may take.
    pub timeout: Duration,
    /// What is wanted of the answer: JSON pointers by name.
    #[serde(serialize_with = "pointers")]
    pub fields: Arc<BTreeMap<String, String>>,
}

impl Request {
    /// What is wanted of an answer.
    #[must_use]
    pub fn found(&self, answer: &serde_json::Value) -> BTreeMap<String, Value> {
        let fields = self.fields.iter();
        fields.map(|(name, pointer)| (name.clone(), value_at(answer, pointer))).collect()
    }
}

fn is_first(answered: &u32) -> bool {
    *answered == 0
}

fn pointers<S: serde::Serializer>(
    fields: &Arc<BTreeMap<String, String>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    fields.as_ref().serialize(to)
}

fn value_at(answer: &serde_json::Value, pointer: &str) -> Value {
    answer.pointer(pointer).map_or(Value::Nothing, Value::from)
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Hang the caller up: all is done.
    HangUp,
    /// Let the inbound number's fallback destination take the call.
    Fallback(Why),
    /// Let the caller's channel go on in the dialplan.
    Dialplan {
        /// Where; none is behind the line that handed the call over.
        place: Option<Place>,
        /// Channel variables.
        variables: BTreeMap<String, String>,
    },
    /// The caller's channel has gone on by itself.
    Left,
    /// The caller hung up.
    CallerHungUp,
}

/// Why the fallback takes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The flow says so.
    Chosen,
    /// Something failed that the flow says nothing about.
    Failure,
    /// The call has stayed as long as the flow allows.
    TooLong,
    /// The call has gone through [`MOST_STEPS`](crate::MOST_STEPS) nodes.
    Runaway,
}

/// A node that a run has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The flow.
    pub flow: Arc<str>,
    /// The node.
    pub node: Arc<str>,
    /// When.
    pub at: Duration,
    /// The exit, once it has left.
    pub exit: Option<Arc<str>>,
    /// When it left.
    pub left: Option<Duration>,
    /// How sure the caller was understood, where that led to the exit.
    pub confidence: Option<f32>,
}
