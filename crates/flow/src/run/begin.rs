//! How each deed begins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Doing, Introduction, Next, Outcome, Request, Run, Task};
use crate::calendar::Now;
use crate::document::{Method, Sound};
use crate::plan::{Agent, Connect, Deed, Lookup, Prompt, Texts};
use crate::secret::{CardItem, Secret};
use crate::value::Value;
use crate::ways::{CLOSED, DONE, ERROR, GONE, HOLIDAY, OPEN, OTHERWISE};

/// How long a prompt may be.
const SAYING: Duration = Duration::from_secs(120);
/// How long a caller may take to answer, the prompt included, besides the time for which an answer is waited for.
pub(super) const ASKING: Duration = Duration::from_secs(240);
/// How long it may ring, whoever is tried.
const RINGING: Duration = Duration::from_secs(900);
/// How long it may take to join a room, its announcement included.
const JOINING: Duration = Duration::from_secs(60);
/// How long the recording may take to begin or to end.
const SWITCHING: Duration = Duration::from_secs(5);
/// How long it may take to cut off what records. Whoever cuts has less.
const CUTTING: Duration = Duration::from_secs(2);
/// What a message and a queue may take on top of their own time.
const AROUND: Duration = Duration::from_secs(180);

impl Run {
    pub(super) fn begin(&mut self, now: Duration, deed: &Deed) -> Next {
        match deed {
            Deed::Say { prompt, phrased } => {
                let say = self.sounds(now, [prompt]);
                let what = match self.phrase(now, phrased.as_ref()) {
                    Some(brief) => Task::Phrase { brief: Box::new(brief), otherwise: say },
                    None => Task::Say(say),
                };
                self.start(what, Some(now + SAYING), Doing::Saying)
            }
            Deed::Ask(ask) => self.ask(now, [&ask.prompts.first], 0),
            Deed::Collect(collect) => {
                let say = self.sounds(now, [&collect.prompts.first]);
                self.collect(now, say, 0)
            }
            Deed::Converse(converse) => self.converse(now, converse),
            Deed::Decide(cases) => {
                let names = self.names(now);
                let holds = cases.iter().find(|(when, _)| when.value(&names).holds());
                holds.map_or_else(|| Next::leave(OTHERWISE), |(_, exit)| Next::Leave(exit.clone()))
            }
            Deed::Hours(calendar) => {
                let clock = self.facts.clock.after(now.saturating_sub(self.began));
                match calendar.at(clock) {
                    Now::Open => Next::leave(OPEN),
                    Now::Closed => Next::leave(CLOSED),
                    Now::Holiday(name) => {
                        self.set("call.holiday".to_owned(), name.into());
                        Next::leave(HOLIDAY)
                    }
                }
            }
            Deed::Lookup { lookup, prompt } => {
                let Some(request) = self.request(now, lookup) else { return Next::leave(ERROR) };
                let say = self.sounds(now, prompt);
                let deadline = now + request.timeout;
                self.start(Task::Lookup { request, say }, Some(deadline), Doing::LookingUp)
            }
            Deed::Set(variables) => {
                let names = self.names(now);
                let values: Vec<Value> =
                    variables.iter().map(|(_, value)| value.value(&names)).collect();
                for ((name, _), value) in variables.iter().zip(values) {
                    self.set(name.clone(), value);
                }
                Next::leave(DONE)
            }
            Deed::Connect(connect) => self.connect(now, connect),
            Deed::Queue { name, announce, variables, most } => {
                let what = Task::Queue {
                    name: name.clone(),
                    announce: self.perhaps(now, announce.as_ref()),
                    variables: self.texts(now, variables),
                    most: *most,
                };
                self.start(what, Some(now + *most + AROUND), Doing::Connecting)
            }
            Deed::Voicemail { prompt, mailbox, most } => {
                let (mailbox, most) = (mailbox.clone(), *most);
                let what = Task::Voicemail { say: self.sounds(now, [prompt]), mailbox, most };
                self.start(what, Some(now + most + AROUND), Doing::TakingMessage)
            }
            Deed::Record { turn, consent: None } => self.record(now, *turn),
            Deed::Record { consent: Some(_), .. } => self.consent(now, 0),
            Deed::Zone(_) => {
                self.in_zone = true;
                self.start(Task::EnterZone, Some(now + CUTTING), Doing::EnteringZone)
            }
            Deed::Conference(conference) => {
                let what = Task::Conference {
                    room: conference.room.text(&self.names(now)),
                    name: conference.name.as_ref().map(|name| name.text(&self.names(now))),
                    announce: self.perhaps(now, conference.announce.as_ref()),
                    most: conference.most,
                    remind: conference.remind.as_ref().and_then(|(after, prompt)| {
                        Some((*after, self.perhaps(now, Some(prompt))?))
                    }),
                    says: Box::new(conference.says.clone()),
                };
                self.start(what, Some(now + JOINING), Doing::Connecting)
            }
            Deed::Music { class, length } => {
                let what = Task::Music { class: class.clone() };
                self.start(what, Some(now + *length), Doing::Playing)
            }
            Deed::Dialplan { place, variables } => Next::End(Outcome::Dialplan {
                place: place.clone(),
                variables: self.texts(now, variables),
            }),
            Deed::HangUp(None) => Next::End(Outcome::HangUp),
            Deed::HangUp(Some(prompt)) => {
                let say = self.sounds(now, [prompt]);
                let doing = Doing::Leaving(Outcome::HangUp);
                self.start(Task::Say(say), Some(now + SAYING), doing)
            }
            Deed::Flow(flow) => Next::Into(flow.clone()),
            Deed::Return(name) => Next::Back(name.clone()),
        }
    }

    /// Puts the question of the node, for the time after `tried`.
    pub(super) fn ask<'p>(
        &mut self,
        now: Duration,
        prompts: impl IntoIterator<Item = &'p Prompt>,
        tried: u32,
    ) -> Next {
        let (flow, node) = self.here();
        let Deed::Ask(ask) = &flow.nodes[node].deed else { return Next::leave(ERROR) };
        let wait = ask.wait;
        let say = self.sounds(now, prompts);
        let phrased = ask.phrased.as_ref().filter(|_| tried == 0);
        let brief = self.phrase(now, phrased).map(Box::new);
        let what = Task::Ask { say, question: ask.question.clone(), wait, brief };
        self.start(what, Some(now + wait + ASKING), Doing::Asking { tried })
    }

    /// Asks for the value of the node, for the time after `tried`.
    pub(super) fn collect(&mut self, now: Duration, say: Vec<Sound>, tried: u32) -> Next {
        let (flow, node) = self.here();
        let Deed::Collect(collect) = &flow.nodes[node].deed else { return Next::leave(ERROR) };
        let (question, keys, wait) = (collect.question.clone(), collect.keys, collect.wait);
        let what = Task::Collect { say, question, keys, wait };
        self.start(what, Some(now + wait + ASKING), Doing::Collecting { tried })
    }

    /// Asks whether the call may be recorded.
    pub(super) fn consent(&mut self, now: Duration, asked: u32) -> Next {
        let (flow, node) = self.here();
        let Deed::Record { consent: Some(confirm), .. } = &flow.nodes[node].deed else {
            return Next::leave(ERROR);
        };
        let say = self.sounds(now, [&confirm.prompt]);
        let what =
            Task::Ask { say, question: confirm.question.clone(), wait: CONFIRM_WAIT, brief: None };
        self.start(what, Some(now + ASKING), Doing::Consenting { asked })
    }

    /// Asks whether a value was understood.
    pub(super) fn read_back(
        &mut self,
        now: Duration,
        tried: u32,
        asked: u32,
        value: Value,
    ) -> Next {
        let (flow, node) = self.here();
        let Deed::Collect(collect) = &flow.nodes[node].deed else { return Next::leave(ERROR) };
        let Some(confirm) = &collect.read_back else { return Next::leave(ERROR) };
        let names = super::Scope { run: self, now, value: Some(&value) };
        let say = vec![confirm.prompt.sound(&names)];
        let what =
            Task::Ask { say, question: confirm.question.clone(), wait: CONFIRM_WAIT, brief: None };
        self.start(what, Some(now + ASKING), Doing::ReadingBack { tried, asked, value })
    }

    pub(super) fn record(&mut self, now: Duration, turn: crate::document::Turn) -> Next {
        // From here on it may be on, whatever becomes of the task.
        self.recording |= turn == crate::document::Turn::On;
        self.start(Task::Record(turn), Some(now + SWITCHING), Doing::Switching)
    }

    /// Asks for the item of the card that is taken next, or pays if all are there.
    pub(super) fn take_card(
        &mut self,
        now: Duration,
        tried: u32,
        card: Vec<(CardItem, Secret)>,
    ) -> Next {
        let (flow, node) = self.here();
        let Deed::Zone(zone) = &flow.nodes[node].deed else { return Next::leave(ERROR) };
        let Some((item, prompt)) = zone.items.get(card.len()) else {
            let Some(request) = self.request(now, &zone.lookup) else { return Next::leave(ERROR) };
            let deadline = now + request.timeout;
            return self.start(Task::Pay { request, card }, Some(deadline), Doing::Paying);
        };
        let again = zone.again.iter().filter(|_| tried > 0);
        let (say, wait) = (self.sounds(now, again.chain([prompt])), zone.wait);
        let what = Task::TakeCard { item: *item, say, wait };
        self.start(what, Some(now + wait + ASKING), Doing::TakingCard { tried, card })
    }

    fn connect(&mut self, now: Duration, connect: &Connect) -> Next {
        let named = connect.agents.iter().filter_map(|agent| match agent {
            Agent::Destination(name) => Some(name.clone()),
            Agent::Wish => self.wish.clone(),
        });
        let destinations: Vec<String> = named.collect();
        if destinations.is_empty() {
            return Next::leave(GONE);
        }
        let what = Task::Connect {
            destinations,
            ring: connect.ring,
            ring_for: connect.ring_for,
            announce: self.perhaps(now, connect.announce.as_ref()),
            introduce: connect.introduce.as_ref().map(|introduce| Introduction {
                say: self.sounds(now, [&introduce.confirm.prompt, &introduce.accept]),
                question: introduce.confirm.question.clone(),
            }),
        };
        self.start(what, Some(now + RINGING), Doing::Connecting)
    }

    /// What a lookup asks; nothing if it would touch the account of a caller who is not verified.
    fn request(&self, now: Duration, lookup: &Arc<Lookup>) -> Option<Request> {
        if lookup.account && !self.verified {
            return None;
        }
        let names = self.names(now);
        Some(Request {
            lookup: lookup.name.clone(),
            answered: self.answered.get(&lookup.name).copied().unwrap_or(0),
            method: lookup.method,
            url: lookup.url.address(&names),
            send: match lookup.method {
                Method::Get => BTreeMap::new(),
                Method::Post => self.texts(now, &lookup.send),
            },
            timeout: lookup.timeout,
            fields: lookup.fields.clone(),
        })
    }

    fn texts(&self, now: Duration, texts: &Texts) -> BTreeMap<String, String> {
        let names = self.names(now);
        texts.iter().map(|(name, text)| (name.clone(), text.text(&names))).collect()
    }

    fn perhaps(&self, now: Duration, prompt: Option<&Prompt>) -> Option<Sound> {
        prompt.map(|prompt| prompt.sound(&self.names(now)))
    }
}

/// How long a yes or a no is waited for.
const CONFIRM_WAIT: Duration = Duration::from_secs(5);
