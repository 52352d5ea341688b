//! What the caller of a journal did, and how the world around took it, as a test that any flow can be held to.

use std::collections::BTreeMap;

use flow::{Act, Answer, Expected, PickUp, Reply, Test, Value, Writes};
use serde_json::Value as Json;

use super::reading::{Journal, What};
use crate::record::Outcome;
use crate::words::{Input, Why, Written};

impl Journal {
    /// The call as a test: what was said, turn by turn in the words of the last reading, and the keys that were
    /// pressed; what each lookup answered; which destinations did not take the call. A caller's silence is left out: who
    /// has nothing more to say is silent in a test as well.
    ///
    /// Nothing is expected. It says what the caller said and not why: a question that was never put has no answer here.
    #[must_use]
    pub fn retold(&self) -> Test {
        let facts = &self.header.facts;
        let mut caller: BTreeMap<String, String> =
            facts.caller.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        caller.insert("number".to_owned(), facts.caller_number.clone());
        caller.insert("name".to_owned(), facts.caller_name.clone());
        let mut retelling = Retelling::default();
        for line in &self.lines {
            match &line.what {
                What::In(_, input) => retelling.told(input),
                What::Out(text) => {
                    // It was read as JSON once.
                    let out: Json = serde_json::from_str(text).unwrap_or_default();
                    retelling.commanded(&out["out"]);
                }
                What::Mark(_) => {}
            }
        }
        // Who gave up before anybody was rung would do so again.
        let outcome = self.end.as_ref().and_then(|end| end.outcome);
        retelling.close();
        if outcome == Some(Outcome::Abandoned) && retelling.rung.is_empty() {
            retelling.acts.push((Act::HangUp, Open::No));
        }
        Test {
            name: self.header.call.clone(),
            at: String::from(facts.clock),
            caller,
            does: retelling.acts.into_iter().map(|(act, _)| act).collect(),
            lookup: retelling.lookups,
            writes: retelling.writes,
            takes: retelling.takes,
            expect: Expected::default(),
        }
    }
}

#[derive(Default)]
struct Retelling {
    /// What was done, and whether more may come that belongs to it.
    acts: Vec<(Act, Open)>,
    lookups: BTreeMap<String, Vec<Answer>>,
    /// What a language model wrote, each time it was asked.
    writes: Vec<Writes>,
    takes: BTreeMap<String, PickUp>,
    /// The lookup that is under way.
    asked: Option<String>,
    /// The destinations by attempt.
    rung: BTreeMap<u64, String>,
}

/// Whether more may come that belongs to an act.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Yes,
    No,
}

impl Retelling {
    fn told(&mut self, input: &Input) {
        match input {
            Input::SpeechStarted { .. } => {
                self.close();
                self.acts.push((Act::Says(String::new()), Open::Yes));
            }
            Input::Heard(heard) => match self.acts.last_mut() {
                Some((Act::Says(words), Open::Yes)) => words.clone_from(&heard.text),
                _ => self.acts.push((Act::Says(heard.text.clone()), Open::Yes)),
            },
            Input::Digit(key) => match self.acts.last_mut() {
                Some((Act::Keys(keys), Open::Yes)) => keys.push(*key),
                _ => {
                    self.close();
                    self.acts.push((Act::Keys(key.to_string()), Open::Yes));
                }
            },
            Input::Written { what, .. } => self.written(what),
            Input::LookedUp(reply) => self.looked_up(reply),
            Input::NotConnected { attempt, why } => {
                let took = match why {
                    Why::Busy => PickUp::Busy,
                    Why::NoAnswer => PickUp::NoAnswer,
                    Why::Rejected => PickUp::Refuses,
                    Why::Empty => PickUp::Empty,
                    Why::Full => PickUp::Full,
                    Why::Unavailable | Why::Unknown | Why::Failed => PickUp::Gone,
                    Why::Overtaken => return,
                };
                self.takes.extend(self.rung.get(&u64::from(*attempt)).map(|it| (it.clone(), took)));
            }
            _ => {}
        }
    }

    fn commanded(&mut self, out: &Json) {
        if out.get("Play").is_some() {
            // Whatever comes now answers something else. A turn that was decided early still goes on.
            if let Some((Act::Keys(_), open)) = self.acts.last_mut() {
                *open = Open::No;
            }
        } else if out.get("Write").is_some() {
            self.writes.push(Writes::default());
        } else if let Some(lookup) = out["LookUp"]["lookup"].as_str() {
            self.asked = Some(lookup.to_owned());
        } else if out == "StopLookingUp" {
            self.looked_up(&Reply::TimedOut);
        } else if let Some(connect) = out.get("Connect")
            && let (Some(attempt), Some(name)) =
                (connect["attempt"].as_u64(), connect["name"].as_str())
        {
            self.rung.insert(attempt, name.to_owned());
        }
    }

    fn written(&mut self, what: &Written) {
        let Some(writes) = self.writes.last_mut() else { return };
        match what {
            Written::Voice => {}
            Written::Sentence(words) | Written::Spoken { words, .. } => {
                let space = if writes.words.is_empty() { "" } else { " " };
                writes.words.extend([space, words]);
            }
            Written::Done { slots, label } => {
                let slots = slots.iter().map(|it| (it.slot.clone(), it.value.clone()));
                writes.slots = slots.collect();
                writes.end.clone_from(label);
            }
            // What had been written by then is followed by what is said in its place.
            Written::Failed(_) => *writes = Writes::default(),
        }
    }

    fn looked_up(&mut self, reply: &Reply) {
        let Some(lookup) = self.asked.take() else { return };
        let answer = match reply {
            Reply::Found(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.clone(), json(value)));
                Answer::Found(fields.collect())
            }
            Reply::NotFound => Answer::NotFound,
            Reply::TimedOut => Answer::Timeout,
            _ => Answer::Error,
        };
        self.lookups.entry(lookup).or_default().push(answer);
    }

    /// The last act is over; noises were none.
    fn close(&mut self) {
        if let Some((Act::Says(words), _)) = self.acts.last()
            && words.trim().is_empty()
        {
            self.acts.pop();
        }
        if let Some((_, open)) = self.acts.last_mut() {
            *open = Open::No;
        }
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Nothing => Json::Null,
        Value::Bool(yes) => (*yes).into(),
        Value::Number(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(values) => values.iter().map(json).collect(),
    }
}
