//! What follows from what came of a task.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use intent::grammar::SlotKind;

use super::{Doing, Filled, Next, Outcome, Reply, Run, Scope};
use crate::plan::{Collect, Deed, Lookup};
use crate::secret::{CardItem, Secret};
use crate::value::Value;
use crate::ways::{
    BUSY, CUT_FAILED, DECLINED, DONE, EMPTY, ENDED, ERROR, FOUND, FULL, GONE, NO_ANSWER, NO_INPUT,
    NO_MATCH, NOT_FOUND, PAID, REFUSED, TIMEOUT, VERIFIED, WISH,
};

/// How often a yes or a no is asked for.
const CONFIRMS: u32 = 2;

impl Run {
    /// What follows from a reply.
    pub(super) fn answered(&mut self, now: Duration, doing: Doing, reply: Reply) -> Next {
        let (flow, node) = self.here();
        let deed = &flow.nodes[node].deed;
        match (doing, reply) {
            (Doing::Leaving(outcome), _) => Next::End(outcome),
            (Doing::EnteringZone, Reply::Done) => self.take_card(now, 0, Vec::new()),
            // Whatever else came of it, it is not certain that nothing records.
            (Doing::EnteringZone, _) => Next::leave(CUT_FAILED),
            (_, Reply::TimedOut) => Next::leave(TIMEOUT),
            (_, Reply::Failed(_)) => Next::leave(ERROR),
            (Doing::Asking { tried }, reply) => match deed {
                Deed::Ask(_) => self.asked(now, deed, tried, reply),
                _ => Next::leave(ERROR),
            },
            (Doing::Conversing(talk), reply) => match deed {
                Deed::Converse(converse) => self.talked(now, converse, talk, reply),
                _ => Next::leave(ERROR),
            },
            (Doing::Collecting { tried }, reply) => match deed {
                Deed::Collect(collect) => self.collected(now, collect, tried, reply),
                _ => Next::leave(ERROR),
            },
            (Doing::ReadingBack { tried, asked, value }, reply) => match deed {
                Deed::Collect(collect) => {
                    self.was_read_back(now, collect, (tried, asked), value, reply)
                }
                _ => Next::leave(ERROR),
            },
            (Doing::Consenting { asked }, reply) => match deed {
                Deed::Record { turn, consent: Some(confirm) } => {
                    match confirm.question.yes_or_no(&reply) {
                        Some(true) => self.record(now, *turn),
                        None if asked + 1 < CONFIRMS => self.consent(now, asked + 1),
                        _ => Next::leave(REFUSED),
                    }
                }
                _ => Next::leave(ERROR),
            },
            (Doing::LookingUp, reply) => match deed {
                Deed::Lookup { lookup, .. } => self.looked_up(lookup, reply),
                _ => Next::leave(ERROR),
            },
            (Doing::TakingCard { tried, card }, reply) => match deed {
                Deed::Zone(zone) => self.took_card(now, (tried, zone.tries), card, reply),
                _ => Next::leave(ERROR),
            },
            (Doing::Paying, reply) => match deed {
                Deed::Zone(zone) => self.paid(&zone.lookup, reply),
                _ => Next::leave(ERROR),
            },
            (Doing::Connecting | Doing::Talking, reply) => self.connected(reply),
            (Doing::Switching, Reply::Done) => {
                if let Deed::Record { turn: crate::document::Turn::Off, .. } = deed {
                    self.recording = false;
                }
                Next::leave(DONE)
            }
            (Doing::TakingMessage, Reply::NoInput) => Next::leave(NO_INPUT),
            (Doing::Saying | Doing::TakingMessage | Doing::Playing, Reply::Done) => {
                Next::leave(DONE)
            }
            (Doing::Saying | Doing::TakingMessage | Doing::Playing | Doing::Switching, _) => {
                Next::leave(ERROR)
            }
        }
    }

    /// What follows when a task has taken too long, and has been stopped.
    pub(super) fn late(&mut self, doing: Doing) -> Next {
        match doing {
            Doing::Leaving(outcome) => Next::End(outcome),
            Doing::Playing => Next::leave(DONE),
            Doing::EnteringZone => Next::leave(CUT_FAILED),
            _ => Next::leave(TIMEOUT),
        }
    }

    fn asked(&mut self, now: Duration, deed: &Deed, tried: u32, reply: Reply) -> Next {
        let Deed::Ask(ask) = deed else { return Next::leave(ERROR) };
        let question = &ask.question;
        let (prompts, exit) = match reply {
            Reply::Answer { label, slots, confidence } if question.labels().contains(&*label) => {
                self.fill(slots);
                self.sure(confidence);
                return self.labelled(label);
            }
            Reply::Wish { intent, destination, slots, confidence }
                if question.wishes().is_some() =>
            {
                self.fill(slots);
                self.sure(confidence);
                self.wish = destination;
                self.set("call.wish".to_owned(), Value::Text(intent.clone()));
                let (flow, node) = self.here();
                let own = flow.nodes[node].exits.iter().find(|exit| *exit.name == *intent);
                return own.map_or_else(|| Next::leave(WISH), |own| Next::Leave(own.name.clone()));
            }
            Reply::Digits(keys) => match question.pressed(&keys) {
                Some(label) => return self.labelled(label.to_owned()),
                None => match keys.chars().next().and_then(|key| self.leads_from_answer(key)) {
                    Some(next) => return next,
                    None => (&ask.prompts.again, NO_MATCH),
                },
            },
            Reply::NoMatch => (&ask.prompts.again, NO_MATCH),
            Reply::NoInput => (&ask.prompts.still_there, NO_INPUT),
            _ => return Next::leave(ERROR),
        };
        match tried + 1 < ask.tries {
            true => self.ask(now, prompts, tried + 1),
            false => Next::leave(exit),
        }
    }

    /// Where a key leads that was pressed in answer to a question and is none of its answers.
    pub(super) fn leads_from_answer(&mut self, key: char) -> Option<Next> {
        let depth = self.frames.iter().rposition(|frame| frame.flow.keys.contains_key(&key))?;
        let target = *self.frames[depth].flow.keys.get(&key)?;
        self.frames.truncate(depth + 1);
        Some(Next::Goto(target))
    }

    pub(super) fn labelled(&mut self, label: String) -> Next {
        let exit = label.as_str().into();
        self.set("call.answer".to_owned(), Value::Text(label));
        Next::Leave(exit)
    }

    fn collected(&mut self, now: Duration, collect: &Collect, tried: u32, reply: Reply) -> Next {
        let value = match reply {
            Reply::Value { value, confidence } => {
                self.sure(confidence);
                Some(value)
            }
            Reply::Digits(keys) => {
                let fits = |keys: &super::Keys, given: &str| {
                    (keys.least..=keys.most).contains(&given.len())
                        && given.bytes().all(|key| key.is_ascii_digit())
                };
                collect.keys.as_ref().filter(|allowed| fits(allowed, &keys)).map(|_| keys)
            }
            Reply::NoMatch => None,
            Reply::NoInput => {
                return match tried + 1 < collect.tries {
                    true => {
                        let say = self.sounds(now, &collect.prompts.still_there);
                        self.collect(now, say, tried + 1)
                    }
                    false => Next::leave(NO_INPUT),
                };
            }
            _ => return Next::leave(ERROR),
        };
        let Some(value) = value else {
            return self.collect_again(now, collect, tried, None);
        };
        let value = of_kind(&collect.kind, value);
        let valid = collect.valid.as_ref().is_none_or(|valid| {
            valid.value(&Scope { run: self, now, value: Some(&value) }).holds()
        });
        match (valid, &collect.read_back) {
            (false, _) => self.collect_again(now, collect, tried, Some(&value)),
            (true, Some(_)) => self.read_back(now, tried, 0, value),
            (true, None) => self.filled(collect, value),
        }
    }

    /// Asks once more, if that is not too often; `invalid` is a value that the condition refused.
    fn collect_again(
        &mut self,
        now: Duration,
        collect: &Collect,
        tried: u32,
        invalid: Option<&Value>,
    ) -> Next {
        if tried + 1 >= collect.tries {
            return Next::leave(NO_MATCH);
        }
        let say = match (invalid, &collect.invalid) {
            (Some(value), Some(prompt)) => {
                vec![prompt.sound(&Scope { run: self, now, value: Some(value) })]
            }
            _ => self.sounds(now, &collect.prompts.again),
        };
        self.collect(now, say, tried + 1)
    }

    fn was_read_back(
        &mut self,
        now: Duration,
        collect: &Collect,
        (tried, asked): (u32, u32),
        value: Value,
        reply: Reply,
    ) -> Next {
        let Some(confirm) = &collect.read_back else { return Next::leave(ERROR) };
        match (confirm.question.yes_or_no(&reply), reply) {
            (Some(true), _) => self.filled(collect, value),
            (Some(false), _) if tried + 1 < collect.tries => {
                let say = self.sounds(now, [&collect.prompts.first]);
                self.collect(now, say, tried + 1)
            }
            (Some(false), _) => Next::leave(NO_MATCH),
            (None, _) if asked + 1 < CONFIRMS => self.read_back(now, tried, asked + 1, value),
            (None, Reply::NoInput) => Next::leave(NO_INPUT),
            (None, _) => Next::leave(NO_MATCH),
        }
    }

    fn filled(&mut self, collect: &Collect, value: Value) -> Next {
        self.set(format!("slots.{}", collect.slot), value);
        Next::leave(DONE)
    }

    fn looked_up(&mut self, lookup: &Arc<Lookup>, reply: Reply) -> Next {
        self.count(lookup, &reply);
        match (reply, lookup.verifies) {
            (Reply::Found(fields), verifies) => {
                self.found(lookup, fields);
                self.verified |= verifies;
                Next::leave(if verifies { VERIFIED } else { FOUND })
            }
            (Reply::NotFound, true) => Next::leave(REFUSED),
            (Reply::NotFound, false) => Next::leave(NOT_FOUND),
            _ => Next::leave(ERROR),
        }
    }

    fn paid(&mut self, lookup: &Lookup, reply: Reply) -> Next {
        self.count(lookup, &reply);
        match reply {
            Reply::Found(fields) => {
                self.found(lookup, fields);
                Next::leave(PAID)
            }
            Reply::NotFound => Next::leave(DECLINED),
            _ => Next::leave(ERROR),
        }
    }

    fn count(&mut self, lookup: &Lookup, reply: &Reply) {
        if matches!(reply, Reply::Found(_) | Reply::NotFound) {
            *self.answered.entry(lookup.name.clone()).or_default() += 1;
        }
    }

    /// Keeps the fields that are wanted of an answer, and no others.
    fn found(&mut self, lookup: &Lookup, mut fields: BTreeMap<String, Value>) {
        for field in lookup.fields.keys() {
            let value = fields.remove(field).unwrap_or_default();
            self.set(format!("lookup.{}.{field}", lookup.name), value);
        }
    }

    fn took_card(
        &mut self,
        now: Duration,
        (tried, tries): (u32, u32),
        mut card: Vec<(CardItem, Secret)>,
        reply: Reply,
    ) -> Next {
        let (flow, node) = self.here();
        let Deed::Zone(zone) = &flow.nodes[node].deed else { return Next::leave(ERROR) };
        let Some((item, _)) = zone.items.get(card.len()) else { return Next::leave(ERROR) };
        let exit = match reply {
            Reply::Card(secret) if secret.is_plausible() => {
                card.push((*item, secret));
                return self.take_card(now, 0, card);
            }
            Reply::Card(_) | Reply::NoMatch => NO_MATCH,
            Reply::NoInput => NO_INPUT,
            _ => return Next::leave(ERROR),
        };
        match tried + 1 < tries {
            true => self.take_card(now, tried + 1, card),
            false => Next::leave(exit),
        }
    }

    /// Of somebody who is rung, a queue or a room.
    fn connected(&mut self, reply: Reply) -> Next {
        match reply {
            Reply::Connected(with) => {
                self.set("call.destination".to_owned(), Value::Text(with));
                // Two people speak now: as long as they like.
                let task = super::TaskId(self.tasks);
                self.state = super::State::Doing { task, deadline: None, doing: Doing::Talking };
                Next::Wait
            }
            Reply::Ended => {
                let (flow, node) = self.here();
                match flow.nodes[node].deed {
                    Deed::Conference(_) => Next::leave(DONE),
                    _ => Next::leave(ENDED),
                }
            }
            Reply::Left => Next::End(Outcome::Left),
            Reply::Busy => Next::leave(BUSY),
            Reply::NoAnswer => Next::leave(NO_ANSWER),
            Reply::Refused => Next::leave(REFUSED),
            Reply::Gone => Next::leave(GONE),
            Reply::Empty => Next::leave(EMPTY),
            Reply::Full => Next::leave(FULL),
            _ => Next::leave(ERROR),
        }
    }

    pub(super) fn fill(&mut self, slots: Vec<Filled>) {
        for Filled { slot, value } in slots {
            self.set(format!("slots.{slot}"), Value::Text(value));
        }
    }

    /// Notes how sure the caller was understood.
    pub(super) fn sure(&mut self, confidence: f32) {
        if let Some(step) = self.trace.last_mut() {
            step.confidence = Some(confidence);
        }
    }
}

pub(super) fn of_kind(kind: &SlotKind, value: String) -> Value {
    match kind {
        SlotKind::Number => value.parse().map_or(Value::Text(value), Value::number),
        _ => Value::Text(value),
    }
}
