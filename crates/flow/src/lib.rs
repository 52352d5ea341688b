//! What happens next in a call: flows, as documents that a person can own, and the interpreter that cannot get stuck.
//!
//! A [`Document`] is a graph of typed nodes joined by named exits, in TOML or JSON. [`Flow::parse`] reads it, checks it
//! against the names around it (the [`Book`]) and tells every mistake at once, each with its line and its mend. A [`Run`]
//! is one call's way through a flow: it is told what happened and says what is to be done. [`rehearse`] runs the tests
//! that are stored with a flow.
//!
//! The graph owns every transition. What is heard can fill a slot or pick a label from a closed list; nothing that a
//! caller says names a node, a destination or an address.
//!
//! The crate is pure: no clock, no input or output, no randomness.

mod book;
mod calendar;
mod check;
mod civil;
mod document;
mod expression;
mod finding;
mod plan;
mod question;
mod rehearse;
mod run;
mod secret;
mod source;
mod template;
mod value;
mod ways;

pub use book::{Book, Wish, Wishes};
pub use civil::{Civil, Weekday};
pub use document::{
    Act, Agents, Answer, Ask, By, Case, Collect, Conference, Connect, Converse, Deed, Dialplan,
    Document, Enquire, Expected, HangUp, Hours, Lookup, Menu, Method, Model, Music, Node, PickUp,
    Queue, Record, Remind, Ring, RoomSays, SCHEMA, Say, Sound, Test, Turn, Voice, Voicemail,
    Writes, Zone,
};
pub use expression::{Expression, Name, Names, ParseError, Problem};
pub use finding::{Finding, Findings};
pub use plan::{Flow, Place};
pub use question::Question;
pub use rehearse::{Difference, Rehearsal, Stage, rehearse};
pub use run::{
    Blank, Brief, Conversation, Effect, Errand, Facts, Filled, Input, Introduction, Keys,
    MOST_STEPS, Outcome, Reply, Request, Run, Said, Step, Task, TaskId, Why, Wrote,
};
pub use secret::{CardItem, Secret};
pub use value::Value;
