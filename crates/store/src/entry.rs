//! What a call leaves behind, one piece at a time.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Audit, Call, Journal, Recording, Turn};

/// A piece of what must be kept. Each has a key, so that it goes in once however often it is written: a call its id,
/// a turn its call and number, a journal its call, a recording its call and path, an audit row its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each says what it is")]
pub enum Entry {
    Call(Call),
    Turn(Turn),
    Journal(Journal),
    Recording(Recording),
    Audit(Audit),
}

impl Entry {
    /// About how many bytes of memory it takes.
    pub(crate) fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        size_of::<Entry>()
            + match self {
                Entry::Call(call) => {
                    let flow = call.flow.as_ref().map_or(0, |flow| flow.name.len());
                    let ends = text(&call.caller) + text(&call.called) + text(&call.destination);
                    let rest = text(&call.outcome) + text(&call.intent) + text(&call.node);
                    call.id.len() + flow + ends + rest + call.record.as_str().len()
                }
                Entry::Turn(turn) => {
                    turn.call.len() + turn.words.len() + text(&turn.intent) + text(&turn.node)
                }
                Entry::Journal(journal) => journal.call.len() + journal.bytes.len(),
                Entry::Recording(recording) => recording.call.len() + recording.path.len(),
                Entry::Audit(audit) => {
                    let documents = [&audit.before, &audit.after].into_iter().flatten();
                    let documents: usize = documents.map(|json| json.as_str().len()).sum();
                    audit.who.len() + audit.what.len() + text(&audit.subject) + documents
                }
            }
    }

    /// The same without what PostgreSQL cannot keep in a text: the character NUL, which a caller's name may hold.
    pub(crate) fn storable(mut self) -> Entry {
        let clean = |text: &mut String| {
            if text.contains('\0') {
                *text = text.replace('\0', "\u{fffd}");
            }
        };
        let clean_some = |text: &mut Option<String>| text.iter_mut().for_each(clean);
        match &mut self {
            Entry::Call(call) => {
                clean(&mut call.id);
                for text in [
                    &mut call.caller,
                    &mut call.called,
                    &mut call.destination,
                    &mut call.outcome,
                    &mut call.intent,
                    &mut call.node,
                ] {
                    clean_some(text);
                }
                call.flow.iter_mut().for_each(|flow| clean(&mut flow.name));
            }
            Entry::Turn(turn) => {
                clean(&mut turn.call);
                clean(&mut turn.words);
                clean_some(&mut turn.intent);
                clean_some(&mut turn.node);
            }
            Entry::Journal(journal) => clean(&mut journal.call),
            Entry::Recording(recording) => {
                clean(&mut recording.call);
                clean(&mut recording.path);
            }
            Entry::Audit(audit) => {
                clean(&mut audit.key);
                clean(&mut audit.who);
                clean(&mut audit.what);
                clean_some(&mut audit.subject);
            }
        }
        self
    }

    /// What it is, for messages; never what a caller said.
    pub(crate) fn label(&self) -> Cow<'static, str> {
        match self {
            Entry::Call(call) => format!("call {}", call.id).into(),
            Entry::Turn(turn) => format!("turn {} of call {}", turn.number, turn.call).into(),
            Entry::Journal(journal) => format!("the journal of call {}", journal.call).into(),
            Entry::Recording(recording) => format!("a recording of call {}", recording.call).into(),
            Entry::Audit(_) => "an audit row".into(),
        }
    }
}

impl From<Call> for Entry {
    fn from(call: Call) -> Entry {
        Entry::Call(call)
    }
}

impl From<Turn> for Entry {
    fn from(turn: Turn) -> Entry {
        Entry::Turn(turn)
    }
}

impl From<Journal> for Entry {
    fn from(journal: Journal) -> Entry {
        Entry::Journal(journal)
    }
}

impl From<Recording> for Entry {
    fn from(recording: Recording) -> Entry {
        Entry::Recording(recording)
    }
}

impl From<Audit> for Entry {
    fn from(audit: Audit) -> Entry {
        Entry::Audit(audit)
    }
}
