//! What would have become of recorded calls in a draft of a flow.
//!
//! The caller of a journal is retold as a test and meets two flows: the one of the call, and the draft. A call in which
//! the test does not end where the call did cannot be judged: there was more to it than a test can say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use call::journal::Document;
use call::{Outcome, Receptionist, Record};
use flow::{Difference, Flow, PickUp, Rehearsal, Stage, Test};

use super::again::{Replaced, Replayed, Replayer};
use crate::flows;

/// What becomes of a recorded call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It ends there again.
    Same(String),
    /// It ends elsewhere.
    Elsewhere { then: String, now: String },
    /// Nobody knows, and why.
    Unknown(String),
}

/// A draft of a flow.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    /// Whose names it uses, if not those of the calls.
    receptionist: Option<PathBuf>,
    replayer: Replayer,
    /// The flow of the calls, and the draft for their receptionist.
    then: Option<(Arc<Flow>, Stage)>,
    now: Option<(Document, Scene)>,
}

/// The draft with the receptionist whose names it uses.
#[derive(Debug)]
struct Scene {
    stage: Stage,
    fallback: String,
}

/// The journals of a folder by their age, the `last` ones if not all.
///
/// # Errors
/// In words.
pub(crate) fn journals(folder: &Path, last: Option<usize>) -> Result<Vec<PathBuf>, String> {
    let wrong = |error: std::io::Error| {
        format!(
            "cannot read {}: {error}\n  mend: name the folder of the key journals",
            folder.display()
        )
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == "journal") {
            let written = entry.metadata().and_then(|it| it.modified()).map_err(wrong)?;
            found.push((written, path));
        }
    }
    found.sort();
    let first = found.len().saturating_sub(last.unwrap_or(usize::MAX));
    Ok(found.into_iter().skip(first).map(|(_, path)| path).collect())
}

impl Draft {
    pub(crate) fn new(path: PathBuf, receptionist: Option<PathBuf>) -> Self {
        let replayer = Replayer::new(Replaced::default());
        Self { path, receptionist, replayer, then: None, now: None }
    }

    /// # Errors
    /// In words, if the draft itself is wrong.
    pub(crate) fn judge(&mut self, path: &Path) -> Result<Verdict, String> {
        let Replayed { journal, record, difference } = match self.replayer.replay(path) {
            Ok(replayed) => replayed,
            Err(error) => return Ok(Verdict::Unknown(error.to_string())),
        };
        if let Some(difference) = difference {
            return Ok(Verdict::Unknown(format!(
                "its journal comes to something else: {difference}"
            )));
        }
        if !journal.is_whole() {
            return Ok(Verdict::Unknown("its journal was cut off".to_owned()));
        }
        let (receptionist, course) =
            self.replayer.desk(path, &journal).map_err(|error| error.to_string())?;
        let test = journal.retold();
        let known = self.then.as_ref().is_some_and(|(flow, _)| Arc::ptr_eq(flow, &course.flow));
        if !known {
            let stage = Stage::set(&course.flow).map_err(|error| error.to_string())?;
            self.then = Some((course.flow, stage));
        }
        let (_, stage) = self.then.as_ref().expect("set above");
        let then = stage.rehearse(&test);
        let ended = end_of(&record);
        let retold = end(&then, &receptionist.destination(receptionist.fallback).name, &test);
        if ended.as_ref() != Some(&retold) {
            let ended = ended.unwrap_or_else(|| "nowhere".to_owned());
            return Ok(Verdict::Unknown(format!(
                "it went to {ended}, and what its caller said and pressed leads to {retold}"
            )));
        }
        let scene = self.scene(&journal.header.receptionist)?;
        let now = scene.stage.rehearse(&test);
        if let Some(Difference::Unanswered(lookup)) = &now.difference {
            return Ok(Verdict::Unknown(format!("it never asked the lookup \"{lookup}\"")));
        }
        if now.unanswered > then.unanswered {
            let node = now.trace.last().map_or_else(String::new, |step| step.node.to_string());
            return Ok(Verdict::Unknown(format!(
                "its caller was never asked so much: the draft came to \"{node}\""
            )));
        }
        let now = end(&now, &scene.fallback, &test);
        Ok(match now == retold {
            true => Verdict::Same(now),
            false => Verdict::Elsewhere { then: retold, now },
        })
    }

    /// The draft, checked against the names of a receptionist's file.
    fn scene(&mut self, of_call: &Document) -> Result<&Scene, String> {
        let document = match &self.receptionist {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                Document { file: path.display().to_string(), text }
            }
            None => of_call.clone(),
        };
        if self.now.as_ref().is_none_or(|(known, _)| *known != document) {
            let receptionist = Receptionist::parse(&document.file, &document.text)
                .map_err(|error| error.to_string())?;
            let flow =
                flows::open(&self.path, &receptionist.book()).map_err(|error| error.to_string())?;
            let stage = Stage::set(&Arc::new(flow)).map_err(|error| error.to_string())?;
            let fallback = receptionist.destination(receptionist.fallback).name.clone();
            self.now = Some((document, Scene { stage, fallback }));
        }
        Ok(&self.now.as_ref().expect("set above").1)
    }
}

/// Where a call ended, in the words of a test; none for one that Asterisk lost.
fn end_of(record: &Record) -> Option<String> {
    let rung = record.attempts.last().map(|attempt| attempt.destination.clone());
    Some(match record.outcome? {
        Outcome::Connected | Outcome::Transferred => record.destination()?.to_owned(),
        // Somebody would have answered in the end.
        Outcome::Abandoned => rung.unwrap_or_else(|| "caller".to_owned()),
        Outcome::HandedBack => "dialplan".to_owned(),
        Outcome::Dropped => "hang_up".to_owned(),
        Outcome::PbxLost => return None,
    })
}

/// Where a test ended. The fallback is a destination, and behind it the dialplan.
fn end(rehearsal: &Rehearsal, fallback: &str, test: &Test) -> String {
    if rehearsal.end != "fallback" {
        return rehearsal.end.clone();
    }
    match test.takes.get(fallback) {
        None | Some(PickUp::Answers) => fallback.to_owned(),
        Some(_) => "dialplan".to_owned(),
    }
}
