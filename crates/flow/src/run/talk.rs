//! A conversation that a language model leads. It writes what is said, and nothing more: where the call goes is a label of the
//! node's own list, and a slot takes only what is of its kind.

use std::time::Duration;

use super::begin::ASKING;
use super::reply::of_kind;
use super::{
    Brief, Conversation, Doing, Effect, Errand, Filled, Next, Reply, Run, Said, State, Task, Wrote,
};
use crate::document::{Model, Sound};
use crate::plan::{Converse, Deed};
use crate::template::Template;
use crate::value::Value;
use crate::ways::{DONE, ERROR, NO_INPUT, NO_MATCH};

/// How far a conversation has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Talk {
    said: Vec<Said>,
    /// How often the caller has spoken.
    turns: u32,
    /// How often in a row nothing was said, or a wrong key pressed.
    missed: u32,
    /// The label that the model chose last.
    chosen: Option<String>,
}

impl Run {
    /// What the model is to say in its own words, if it is to.
    pub(super) fn phrase(&self, now: Duration, phrased: Option<&Template>) -> Option<Brief> {
        let words = phrased?.text(&self.names(now));
        Some(self.brief(now, Errand::Phrase(words), Model::Text))
    }

    fn brief(&self, now: Duration, errand: Errand, model: Model) -> Brief {
        use crate::expression::Names;
        let (flow, _) = self.here();
        let language = match self.names(now).value("call.language") {
            Value::Text(language) => Some(language),
            _ => None,
        };
        Brief { errand, language, patience: flow.model, model }
    }

    pub(super) fn converse(&mut self, now: Duration, converse: &Converse) -> Next {
        if converse.model == Model::Speech {
            let brief = self.asks(now, converse, Vec::new());
            self.effects.push_back(Effect::OpenSpeech(Box::new(brief)));
            self.in_speech = true;
        }
        let say = self.sounds(now, [&converse.prompts.first]);
        self.hear_out(now, converse, say, None, Talk::default())
    }

    /// The node is left: a model that hears the caller hears no more.
    pub(super) fn close_speech(&mut self) {
        if std::mem::take(&mut self.in_speech) {
            self.effects.push_back(Effect::CloseSpeech);
        }
    }

    /// What the model of the node is asked, after so much has been said.
    fn asks(&self, now: Duration, converse: &Converse, said: Vec<Said>) -> Brief {
        let talk = Conversation {
            about: converse.about.text(&self.names(now)),
            blanks: converse.blanks.clone(),
            ends: converse.ends.clone(),
            said,
        };
        self.brief(now, Errand::Answer(talk), converse.model)
    }

    /// Says something, or lets the model do so, and hears the caller out.
    fn hear_out(
        &mut self,
        now: Duration,
        converse: &Converse,
        say: Vec<Sound>,
        brief: Option<Brief>,
        mut talk: Talk,
    ) -> Next {
        if brief.is_none() {
            let words = say.iter().filter_map(|sound| match sound {
                Sound::Spoken(words) => Some(words.as_str()),
                Sound::File(_) => None,
            });
            talk.said.push(Said::ByUs(words.collect::<Vec<_>>().join(" ")));
        }
        let wait = converse.wait;
        let question = converse.question.clone();
        let what = Task::Ask { say, question, wait, brief: brief.map(Box::new) };
        self.start(what, Some(now + wait + ASKING), Doing::Conversing(talk))
    }

    /// Takes what the model has written up to now; the task goes on.
    pub(super) fn wrote(&mut self, wrote: Wrote) {
        let (flow, node) = self.here();
        let Deed::Converse(converse) = &flow.nodes[node].deed else { return };
        for Filled { slot, value } in &wrote.slots {
            let Some(blank) = converse.blanks.iter().find(|blank| blank.slot == *slot) else {
                continue;
            };
            if let Some(value) = blank.value(value) {
                self.set(format!("slots.{slot}"), of_kind(&blank.kind, value));
            }
        }
        if let State::Doing { doing: Doing::Conversing(talk), .. } = &mut self.state {
            if !wrote.words.is_empty() {
                talk.said.push(Said::ByModel(wrote.words));
            }
            talk.chosen = wrote.label.filter(|label| converse.ends.contains_key(label));
        }
    }

    pub(super) fn talked(
        &mut self,
        now: Duration,
        converse: &Converse,
        mut talk: Talk,
        reply: Reply,
    ) -> Next {
        let question = &converse.question;
        let chosen = talk.chosen.take();
        let (prompts, exit) = match reply {
            Reply::Said(words) => {
                talk.said.push(Said::ByCaller(words));
                talk.turns += 1;
                talk.missed = 0;
                if talk.turns > converse.turns {
                    return Next::leave(DONE);
                }
                let brief = self.asks(now, converse, talk.said.clone());
                let sorry = self.sounds(now, [&converse.sorry]);
                return self.hear_out(now, converse, sorry, Some(brief), talk);
            }
            // All that it wrote was said.
            Reply::Done => {
                return chosen.map_or_else(|| Next::leave(ERROR), |label| self.labelled(label));
            }
            Reply::Answer { label, slots, confidence } if question.labels().contains(&*label) => {
                self.fill(slots);
                self.sure(confidence);
                return self.labelled(label);
            }
            Reply::Digits(keys) => match question.pressed(&keys) {
                Some(label) => return self.labelled(label.to_owned()),
                None => match keys.chars().next().and_then(|key| self.leads_from_answer(key)) {
                    Some(next) => return next,
                    None => (&converse.prompts.again, NO_MATCH),
                },
            },
            Reply::NoMatch => (&converse.prompts.again, NO_MATCH),
            Reply::NoInput => (&converse.prompts.still_there, NO_INPUT),
            _ => return Next::leave(ERROR),
        };
        talk.missed += 1;
        match talk.missed < converse.tries {
            true => {
                let say = self.sounds(now, prompts);
                self.hear_out(now, converse, say, None, talk)
            }
            false => Next::leave(exit),
        }
    }
}
