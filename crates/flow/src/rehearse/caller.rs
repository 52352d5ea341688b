//! The caller of a test, and the world around.

use std::collections::{BTreeMap, VecDeque};

use intent::{Commit, CommitConfig, Cut, Understanding};

use crate::document::{Act, Answer, PickUp, Sound, Test, Writes};
use crate::question::Question;
use crate::run::{Brief, Errand, Filled, Reply, Task, TaskId, Wrote};
use crate::secret::Secret;
use crate::value::Value;

/// Who meets the tasks of a run.
pub(super) struct Caller<'t> {
    test: &'t Test,
    ears: &'t BTreeMap<String, Understanding>,
    acts: VecDeque<&'t Act>,
    /// What the model has still to write.
    writes: VecDeque<&'t Writes>,
    /// How often each lookup was asked.
    asked: BTreeMap<String, usize>,
    /// What was said to the caller.
    pub(super) heard: Vec<String>,
    /// A lookup for which the test has no answer.
    pub(super) unanswered: Option<String>,
    /// How many questions were put after the last act.
    pub(super) silences: usize,
    /// The last act at each step of the trace.
    did: BTreeMap<usize, &'t Act>,
    step: usize,
}

/// What is done about a task.
pub(super) enum Does {
    /// These replies; before them, what a language model wrote.
    Reply(TaskId, Option<Wrote>, Vec<Reply>),
    HangUp,
    /// Nothing, until it is too late.
    Wait,
}

impl<'t> Caller<'t> {
    pub(super) fn new(test: &'t Test, ears: &'t BTreeMap<String, Understanding>) -> Self {
        Self {
            test,
            ears,
            acts: test.does.iter().collect(),
            writes: test.writes.iter().collect(),
            asked: BTreeMap::new(),
            heard: Vec::new(),
            unanswered: None,
            silences: 0,
            did: BTreeMap::new(),
            step: 0,
        }
    }

    /// What is done about a task that is begun at a step of the trace.
    pub(super) fn meets(&mut self, step: usize, task: TaskId, what: &Task) -> Does {
        self.step = step;
        self.listens(what);
        if let Some(Act::HangUp) = self.acts.front() {
            return Does::HangUp;
        }
        let mut wrote = None;
        let replies = match what {
            Task::Phrase { brief, otherwise } => {
                self.writes(brief, otherwise);
                vec![Reply::Done]
            }
            Task::Ask { say, question, brief: Some(brief), .. } => {
                wrote = self.writes(brief, say);
                vec![self.converses(question, brief, wrote.as_ref())]
            }
            Task::Say(_) | Task::Record(_) | Task::EnterZone => vec![Reply::Done],
            Task::Ask { question, .. } => vec![self.answers(question)],
            Task::Collect { question, keys, .. } => match self.act() {
                Some(Act::Says(words)) if question.listens() => {
                    vec![self.understood(question, words)]
                }
                Some(Act::Keys(pressed)) if keys.is_some() => {
                    vec![Reply::Digits(pressed.trim_end_matches('#').to_owned())]
                }
                _ => vec![Reply::NoInput],
            },
            Task::TakeCard { item, .. } => match self.act() {
                Some(Act::Keys(pressed)) => vec![Reply::Card(Secret::new(*item, pressed))],
                _ => vec![Reply::NoInput],
            },
            Task::Voicemail { .. } => match self.act() {
                Some(Act::Says(_)) => vec![Reply::Done],
                _ => vec![Reply::NoInput],
            },
            Task::Lookup { request, .. } | Task::Pay { request, .. } => {
                match self.looked_up(&request.lookup) {
                    Some(reply) => vec![reply],
                    None => return Does::Wait,
                }
            }
            Task::Connect { destinations, .. } => self.rings(destinations),
            Task::Queue { name, .. } => self.rings(std::slice::from_ref(name)),
            Task::Conference { room, .. } => vec![Reply::Connected(room.clone()), Reply::Ended],
            Task::Music { .. } => return Does::Wait,
        };
        Does::Reply(task, wrote, replies)
    }

    /// What the caller did at a step of the trace, in words.
    pub(super) fn did(&self, step: usize) -> Option<String> {
        self.did.get(&step).map(|act| match act {
            Act::Says(words) => format!("had said \"{words}\""),
            Act::Keys(keys) => format!("had pressed {keys}"),
            Act::Silence => "had kept silent".to_owned(),
            Act::HangUp => "had hung up".to_owned(),
        })
    }

    fn listens(&mut self, what: &Task) {
        let (say, announce): (&[Sound], Option<&Sound>) = match what {
            Task::Say(say)
            | Task::Ask { say, brief: None, .. }
            | Task::Collect { say, .. }
            | Task::Lookup { say, .. }
            | Task::Voicemail { say, .. }
            | Task::TakeCard { say, .. } => (say, None),
            Task::Connect { announce, .. }
            | Task::Queue { announce, .. }
            | Task::Conference { announce, .. } => (&[], announce.as_ref()),
            // What is said depends on what the model writes.
            Task::Phrase { .. } | Task::Ask { .. } => (&[], None),
            Task::Record(_) | Task::EnterZone | Task::Pay { .. } | Task::Music { .. } => {
                (&[], None)
            }
        };
        self.hears(say.iter().chain(announce));
    }

    fn hears<'s>(&mut self, sounds: impl Iterator<Item = &'s Sound>) {
        self.heard.extend(sounds.map(|sound| match sound {
            Sound::File(name) => name.clone(),
            Sound::Spoken(words) => words.clone(),
        }));
    }

    /// What a language model writes, which the caller hears; nothing if it fails, and then the caller hears what is said in
    /// its place.
    fn writes(&mut self, brief: &Brief, otherwise: &[Sound]) -> Option<Wrote> {
        let writes = self.writes.pop_front().filter(|it| match brief.errand {
            Errand::Phrase(_) => !it.words.is_empty(),
            Errand::Answer(_) => !it.words.is_empty() || it.end.is_some(),
        });
        let Some(Writes { words, slots, end }) = writes else {
            self.hears(otherwise.iter());
            return None;
        };
        self.heard.extend((!words.is_empty()).then(|| words.clone()));
        let slots = slots.iter();
        let slots = slots.map(|(slot, value)| Filled { slot: slot.clone(), value: value.clone() });
        Some(Wrote { words: words.clone(), slots: slots.collect(), label: end.clone() })
    }

    /// What comes of a question once the model has said its part.
    fn converses(&mut self, question: &Question, brief: &Brief, wrote: Option<&Wrote>) -> Reply {
        let chosen = wrote.and_then(|wrote| wrote.label.as_ref());
        match (&brief.errand, wrote) {
            (Errand::Answer(_), None) => Reply::TimedOut,
            (Errand::Answer(talk), _) if chosen.is_some_and(|it| talk.ends.contains_key(it)) => {
                Reply::Done
            }
            _ => self.answers(question),
        }
    }

    fn act(&mut self) -> Option<&'t Act> {
        let act = self.acts.pop_front();
        self.silences += usize::from(act.is_none());
        self.did.extend(act.map(|act| (self.step, act)));
        act
    }

    fn answers(&mut self, question: &Question) -> Reply {
        match self.act() {
            Some(Act::Says(words)) if question.listens() => self.understood(question, words),
            Some(Act::Keys(keys)) => Reply::Digits(keys.clone()),
            _ => Reply::NoInput,
        }
    }

    /// What words mean, by the rule that decides in a call.
    fn understood(&self, question: &Question, words: &str) -> Reply {
        let Some(understanding) = self.ears.get(question.name()) else { return Reply::NoMatch };
        let meaning = understanding.of(words);
        let mut commit = Commit::new(CommitConfig::default());
        let Some(decision) = commit.observe(&meaning.ranking, words, Cut::Final) else {
            return match question.takes_any_words() {
                true => Reply::Said(words.to_owned()),
                false => Reply::NoMatch,
            };
        };
        let slots = meaning.slots.into_iter();
        let slots = slots.map(|slot| Filled { slot: slot.name, value: slot.value });
        question.reply(decision.intent, decision.probability, slots.collect())
    }

    /// What a lookup answers; nothing if it does not.
    fn looked_up(&mut self, lookup: &str) -> Option<Reply> {
        let asked = self.asked.entry(lookup.to_owned()).or_default();
        let answers = self.test.lookup.get(lookup).map_or(&[][..], Vec::as_slice);
        let answer = answers.get(*asked).or(answers.last());
        *asked += 1;
        match answer {
            Some(Answer::Found(fields)) => {
                let fields = fields.iter();
                Some(Reply::Found(
                    fields.map(|(name, value)| (name.clone(), Value::from(value))).collect(),
                ))
            }
            Some(Answer::NotFound) => Some(Reply::NotFound),
            Some(Answer::Error) => Some(Reply::Failed("the test says so".to_owned())),
            Some(Answer::Timeout) => None,
            None => {
                self.unanswered.get_or_insert_with(|| lookup.to_owned());
                None
            }
        }
    }

    /// What becomes of a call to the first of these who takes it.
    fn rings(&self, destinations: &[String]) -> Vec<Reply> {
        let mut last = Reply::Gone;
        for name in destinations {
            last = match self.test.takes.get(name).copied().unwrap_or_default() {
                PickUp::Answers => return vec![Reply::Connected(name.clone()), Reply::Ended],
                PickUp::Busy => Reply::Busy,
                PickUp::NoAnswer => Reply::NoAnswer,
                PickUp::Refuses => Reply::Refused,
                PickUp::Gone => Reply::Gone,
                PickUp::Empty => Reply::Empty,
                PickUp::Full => Reply::Full,
            };
        }
        vec![last]
    }
}
