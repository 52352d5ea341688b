//! The tests that are stored with a flow: calls that are made up, held to what must become of them.

mod caller;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use intent::{TeachError, Understanding};

use crate::civil::Civil;
use crate::document::Test;
use crate::plan::{FALLBACK, Flow, HANG_UP};
use crate::run::{Effect, Facts, Input, Outcome, Run, Step};
use crate::value::Value;
use crate::ways::ENDED;

use caller::{Caller, Does};

/// What became of one test.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// The test's name.
    pub name: String,
    /// The nodes that the call went through.
    pub trace: Vec<Step>,
    /// What the caller heard.
    pub heard: Vec<String>,
    /// Where the call ended, in the words of [`Expected::ends`](crate::Expected::ends).
    pub end: String,
    /// How many questions were put after the caller had done all that the test says.
    pub unanswered: usize,
    /// The first difference from what was expected, if there is one.
    pub difference: Option<Difference>,
}

/// How a call differs from what its test expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It went another way.
    Path {
        /// The place in the path, from 1.
        step: usize,
        /// The node that was expected, if the path was not at its end.
        expected: Option<String>,
        /// The node that it came to, if it went on.
        came: Option<String>,
        /// How it got there: the node before, its exit, and what the caller had done.
        after: String,
    },
    /// It ended elsewhere.
    End {
        /// Where it was to end.
        expected: String,
        /// Where it ended.
        came: String,
    },
    /// The caller did not hear something, or not in this order.
    Words {
        /// What was to be heard.
        expected: String,
        /// What was heard, from where the search began.
        heard: Vec<String>,
    },
    /// The flow asked a lookup for which the test has no answer.
    Unanswered(String),
}

/// Runs every test of a flow.
///
/// # Errors
/// [`TeachError`] if the wishes that its questions listen for cannot be learned.
pub fn rehearse(flow: &Arc<Flow>) -> Result<Vec<Rehearsal>, TeachError> {
    let tests = &flow.document().test;
    if tests.is_empty() {
        return Ok(Vec::new());
    }
    let stage = Stage::set(flow)?;
    Ok(tests.iter().map(|test| stage.rehearse(test)).collect())
}

/// A flow that understands its callers, for tests of any kind.
#[derive(Debug)]
pub struct Stage {
    flow: Arc<Flow>,
    ears: BTreeMap<String, Understanding>,
}

impl Stage {
    /// Learns to understand the answers to every question of the flow.
    ///
    /// # Errors
    /// [`TeachError`] if the wishes that its questions listen for cannot be learned.
    pub fn set(flow: &Arc<Flow>) -> Result<Self, TeachError> {
        let mut ears = BTreeMap::new();
        for question in flow.questions() {
            if let Some(understanding) = question.understanding()? {
                ears.insert(question.name().to_owned(), understanding);
            }
        }
        Ok(Self { flow: flow.clone(), ears })
    }

    /// Runs one test, whether it is stored with the flow or not.
    ///
    /// # Panics
    /// If its moment is none; those of stored tests have been checked.
    #[must_use]
    pub fn rehearse(&self, test: &Test) -> Rehearsal {
        one(&self.flow, test, &self.ears)
    }
}

fn one(flow: &Arc<Flow>, test: &Test, ears: &BTreeMap<String, Understanding>) -> Rehearsal {
    let mut run = Run::new(flow.clone(), facts(test));
    let mut caller = Caller::new(test, ears);
    let mut now = Duration::ZERO;
    run.handle(now, Input::Begin);
    let outcome = loop {
        let mut begun = None;
        let mut outcome = None;
        while let Some(effect) = run.poll() {
            match effect {
                Effect::Do { task, what } => begun = Some((task, what)),
                Effect::End(ended) => outcome = Some(ended),
                Effect::Stop { .. }
                | Effect::StopRecording
                | Effect::LeaveZone
                | Effect::OpenSpeech(_)
                | Effect::CloseSpeech => {}
            }
        }
        if let Some(outcome) = outcome {
            break outcome;
        }
        let does = begun
            .map_or(Does::Wait, |(task, what)| caller.meets(run.trace().len() - 1, task, &what));
        match does {
            Does::HangUp => run.handle(now, Input::HungUp),
            Does::Reply(task, wrote, replies) => {
                if let Some(wrote) = wrote {
                    run.handle(now, Input::Wrote { task, wrote });
                }
                for reply in replies {
                    now += Duration::from_secs(2);
                    run.handle(now, Input::Told { task, reply });
                }
            }
            Does::Wait => {
                now = run.deadline().map_or(now, |deadline| deadline.max(now));
                match run.deadline() {
                    Some(_) => run.handle(now, Input::Wake),
                    // Nobody ends the conversation but the caller.
                    None => run.handle(now, Input::HungUp),
                }
            }
        }
    };
    let end = end(&run, &outcome, now);
    let difference = difference(flow, test, &run, &caller, &end);
    Rehearsal {
        name: test.name.clone(),
        trace: run.trace().to_vec(),
        heard: caller.heard,
        end,
        unanswered: caller.silences,
        difference,
    }
}

fn facts(test: &Test) -> Facts {
    let named = |name: &str| test.caller.get(name).cloned().unwrap_or_default();
    let others =
        test.caller.iter().filter(|(name, _)| !["number", "name"].contains(&name.as_str()));
    Facts {
        caller_number: named("number"),
        caller_name: named("name"),
        called_number: String::new(),
        clock: Civil::parse(&test.at).expect("checked with the flow"),
        language: None,
        caller: others.map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect(),
    }
}

fn end(run: &Run, outcome: &Outcome, now: Duration) -> String {
    let last = run.trace().last().and_then(|step| step.exit.as_deref());
    match outcome {
        Outcome::HangUp if last == Some(ENDED) => run.value(now, "call.destination").to_string(),
        Outcome::HangUp => HANG_UP.to_owned(),
        Outcome::Fallback(_) => FALLBACK.to_owned(),
        Outcome::Dialplan { .. } | Outcome::Left => "dialplan".to_owned(),
        Outcome::CallerHungUp => "caller".to_owned(),
    }
}

fn difference(
    flow: &Flow,
    test: &Test,
    run: &Run,
    caller: &Caller<'_>,
    end: &str,
) -> Option<Difference> {
    let expected = &test.expect;
    if let Some(lookup) = &caller.unanswered {
        return Some(Difference::Unanswered(lookup.clone()));
    }
    if !expected.path.is_empty() {
        let names: Vec<String> = run.trace().iter().map(|step| called(flow, step)).collect();
        let steps = expected.path.len().max(names.len());
        if let Some(at) = (0..steps).find(|at| expected.path.get(*at) != names.get(*at)) {
            let before = at.checked_sub(1).and_then(|at| Some((at, run.trace().get(at)?)));
            let after = before.map_or_else(
                || "at the beginning".to_owned(),
                |(at, step)| {
                    let exit = step.exit.as_deref().unwrap_or("the end of the call");
                    let name = called(flow, step);
                    match caller.did(at) {
                        Some(act) => format!("after \"{name}\" by {exit}, when the caller {act}"),
                        None => format!("after \"{name}\" by {exit}"),
                    }
                },
            );
            return Some(Difference::Path {
                step: at + 1,
                expected: expected.path.get(at).cloned(),
                came: names.get(at).cloned(),
                after,
            });
        }
    }
    if let Some(expected) = expected.ends.as_ref().filter(|expected| *expected != end) {
        return Some(Difference::End { expected: expected.clone(), came: end.to_owned() });
    }
    let mut rest = &caller.heard[..];
    for words in &expected.hears {
        let wanted = words.to_lowercase();
        match rest.iter().position(|heard| heard.to_lowercase().contains(&wanted)) {
            Some(at) => rest = &rest[at..],
            None => {
                let heard = rest.to_vec();
                return Some(Difference::Words { expected: words.clone(), heard });
            }
        }
    }
    None
}

/// A node as tests call it.
fn called(flow: &Flow, step: &Step) -> String {
    match *step.flow == *flow.name {
        true => step.node.to_string(),
        false => format!("{}/{}", step.flow, step.node),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { step, expected, came, after } => {
                write!(f, "step {step}, {after}: ")?;
                match (expected, came) {
                    (Some(expected), Some(came)) => {
                        write!(f, "expected \"{expected}\", the call came to \"{came}\"")
                    }
                    (Some(expected), None) => {
                        write!(f, "expected \"{expected}\", the call was over")
                    }
                    (None, Some(came)) => {
                        write!(f, "expected the end, the call went on to \"{came}\"")
                    }
                    (None, None) => f.write_str("the paths differ"),
                }
            }
            Self::End { expected, came } => {
                write!(f, "expected the call to end with \"{expected}\", it ended with \"{came}\"")
            }
            Self::Words { expected, heard } if heard.is_empty() => {
                write!(f, "expected the caller to hear \"{expected}\", nothing was said")
            }
            Self::Words { expected, heard } => {
                write!(
                    f,
                    "expected the caller to hear \"{expected}\", heard: {}",
                    heard.join(" | ")
                )
            }
            Self::Unanswered(lookup) => {
                write!(
                    f,
                    "the lookup \"{lookup}\" was asked, and the test has no answer: add lookup.{lookup} = [...]"
                )
            }
        }
    }
}
