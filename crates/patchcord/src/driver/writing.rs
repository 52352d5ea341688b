//! What a language model writes for a call: what it is asked, and what comes of it. Numbers of payment cards never leave.

use std::time::Duration;

use call::{Input, Sound, Stage, WriteId, Written};
use engines::llm::{self, LlmError, Told};
use flow::{Brief, Errand, Filled, Said};
use intent::Redactor;
use intent::grammar::SlotKind;
use tokio::task::AbortHandle;

use super::{Driver, Made};

/// A request that is under way.
pub(super) struct Writing {
    began: Duration,
    task: AbortHandle,
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Driver {
    pub(super) fn write(&mut self, id: WriteId, brief: Brief) {
        let Some(llm) = self.desk.models.llm.clone() else {
            let what = Written::Failed("the configuration has no [llm]".to_owned());
            return self.tell(Input::Written { id, what });
        };
        let (prompt, made) = (prompt(brief), self.made.0.clone());
        let task = tokio::spawn(async move {
            // The call may be over; then nobody wants to know.
            let tell = |told| {
                let _ = made.send(Made::Written(id, Ok(told)));
            };
            if let Err(error) = llm.write(&prompt, tell).await {
                let _ = made.send(Made::Written(id, Err(error)));
            }
        });
        self.writing = Some(Writing { began: self.now(), task: task.abort_handle() });
    }

    pub(super) fn wrote(&mut self, id: WriteId, told: Result<Told, LlmError>) {
        let what = match told {
            Ok(Told::Begun) => {
                if let Some(writing) = &self.writing {
                    let (began, now) = (writing.began, self.now());
                    self.call.mark(Stage::LlmFirstToken, began, now);
                }
                return;
            }
            Ok(Told::Sentence(words)) => Written::Sentence(clean(&words)),
            Ok(Told::Done { slots, end }) => {
                let slots = slots.into_iter().map(|(slot, value)| Filled { slot, value });
                Written::Done { slots: slots.collect(), label: end }
            }
            Err(error) => {
                tracing::warn!(%error, "the language model has failed");
                Written::Failed(error.to_string())
            }
        };
        self.tell(Input::Written { id, what });
    }

    /// Has words spoken that will be wanted soon: the mouth remembers them.
    pub(super) fn prepare(&self, sounds: Vec<Sound>) {
        let desk = self.desk.clone();
        tokio::task::spawn_blocking(move || {
            // What cannot be said is told when it is to be heard.
            let _ = desk.sound_of_any(&sounds);
        });
    }
}

/// What a model is asked.
pub(super) fn prompt(brief: Brief) -> llm::Prompt {
    let errand = match brief.errand {
        Errand::Phrase(words) => llm::Errand::Phrase(clean(&words)),
        Errand::Answer(talk) => llm::Errand::Answer(llm::Conversation {
            about: clean(&talk.about),
            blanks: talk
                .blanks
                .into_iter()
                .map(|blank| llm::Blank { name: blank.slot, kind: kind(&blank.kind) })
                .collect(),
            ends: talk.ends.into_iter().collect(),
            said: said(talk.said),
        }),
    };
    llm::Prompt { errand, language: brief.language }
}

/// What was said, without cards, those included whose number goes on over several turns.
fn said(said: Vec<Said>) -> Vec<llm::Said> {
    let mut redactor = Redactor::new();
    let mut callers = Vec::new();
    for words in said.iter().filter_map(|said| match said {
        Said::ByCaller(words) => Some(words),
        Said::ByUs(_) | Said::ByModel(_) => None,
    }) {
        let redacted = redactor.turn(words);
        for earlier in redacted.earlier {
            let turn = usize::try_from(earlier.turn).ok().and_then(|at| callers.get_mut(at));
            turn.into_iter().for_each(|turn: &mut String| turn.clone_from(&earlier.text));
        }
        callers.push(redacted.text);
    }
    let mut callers = callers.into_iter();
    said.into_iter()
        .map(|said| match said {
            Said::ByCaller(_) => llm::Said::ByCaller(callers.next().unwrap_or_default()),
            Said::ByUs(words) => llm::Said::ByUs(clean(&words)),
            Said::ByModel(words) => llm::Said::ByModel(clean(&words)),
        })
        .collect()
}

pub(super) fn clean(words: &str) -> String {
    intent::redact(words).text
}

/// What may stand in a slot, in words.
fn kind(kind: &SlotKind) -> String {
    match kind {
        SlotKind::Values(choices) | SlotKind::People(choices) => {
            let values = choices.iter().take(100).map(|choice| choice.value.as_str());
            format!("one of: {}", values.collect::<Vec<_>>().join(", "))
        }
        SlotKind::Digits(length) => format!("{} to {} digits", length.least, length.most),
        SlotKind::Code(length) => {
            format!("{} to {} letters and digits", length.least, length.most)
        }
        SlotKind::Number => "a whole number, in digits".to_owned(),
        SlotKind::Money => "a sum of money, such as 20.50 pounds".to_owned(),
        SlotKind::Date => "a day, such as 2026-05-03, or tomorrow".to_owned(),
        SlotKind::Time => "a time of day, such as 15:30".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn no_card_leaves_in_a_prompt_not_even_one_that_was_said_in_parts() {
        let by_caller = |words: &str| Said::ByCaller(words.to_owned());
        let talk = flow::Conversation {
            about: "Your card is 4111 1111 1111 1111.".to_owned(),
            blanks: Vec::new(),
            ends: BTreeMap::new(),
            said: vec![
                by_caller("when do you open"),
                Said::ByUs("Is it 4111111111111111?".to_owned()),
                by_caller("it is four one one one one one one one"),
                by_caller("one one one one one one one one"),
            ],
        };
        let errand = Errand::Answer(talk);
        let patience = Duration::from_secs(1);
        let model = flow::Model::Text;
        let text = format!("{:?}", prompt(Brief { errand, language: None, patience, model }));
        assert!(text.contains("when do you open"), "{text}");
        assert!(!text.contains("1111") && !text.contains("one one"), "{text}");
    }
}
