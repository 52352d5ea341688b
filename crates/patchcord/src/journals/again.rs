//! Journals that are replayed: by themselves, or with other documents than those that they hold.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use call::journal::{Difference, Document, Header, Journal, JournalError, Replay};
use call::{Call, Course, Findings, Receptionist, Record};
use thiserror::Error;

use crate::flows::{self, FlowError};

/// What replays work with in place of what the journals hold.
#[derive(Debug, Default)]
pub(crate) struct Replaced {
    pub receptionist: Option<Document>,
    /// The file of a flow.
    pub flow: Option<PathBuf>,
}

/// What became of one journal.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub journal: Journal,
    pub record: Record,
    pub difference: Option<Difference>,
}

/// Why a journal cannot be replayed.
#[derive(Debug, Error)]
pub(crate) enum ReplayError {
    #[error("cannot read {path}: {source}\n  mend: name a journal, CHANNEL.journal")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}: {source}")]
    Journal { path: PathBuf, source: JournalError },
    #[error("{path}: the receptionist's file: {source}")]
    Receptionist { path: PathBuf, source: Findings },
    #[error("{path}: the flow: {source}")]
    Flow { path: PathBuf, source: FlowError },
}

/// A receptionist and what happens in its calls.
pub(crate) type Desk = (Arc<Receptionist>, Course);

/// What a desk is made of: the receptionist's file, who takes the callers whom its flow fails, and its flows.
type Documents = (Document, Option<String>, Vec<Document>);

/// Replays one journal after the other. Journals of one desk have the same documents, which are checked once.
#[derive(Debug, Default)]
pub(crate) struct Replayer {
    replaced: Replaced,
    last: Option<(Documents, Desk)>,
}

impl Replayer {
    pub(crate) fn new(replaced: Replaced) -> Self {
        Self { replaced, last: None }
    }

    pub(crate) fn replay(&mut self, path: &Path) -> Result<Replayed, ReplayError> {
        let journal = read(path)?;
        let (receptionist, course) = self.desk(path, &journal)?;
        let call = Call::new(receptionist, course, journal.header.facts.clone());
        let Replay { record, difference } = journal.replay(call);
        Ok(Replayed { journal, record, difference })
    }

    /// What the calls of a journal work with.
    pub(crate) fn desk(&mut self, path: &Path, journal: &Journal) -> Result<Desk, ReplayError> {
        let Header { receptionist, fallback, flows, .. } = &journal.header;
        let (receptionist, fallback) = match &self.replaced.receptionist {
            Some(other) => (other, None),
            None => (receptionist, Some(fallback)),
        };
        let key = (receptionist.clone(), fallback.cloned(), flows.clone());
        if let Some((known, desk)) = &self.last
            && *known == key
        {
            return Ok(desk.clone());
        }
        let wrong = |source| ReplayError::Receptionist { path: path.to_owned(), source };
        let mut parsed =
            Receptionist::parse(&receptionist.file, &receptionist.text).map_err(wrong)?;
        if let Some(fallback) = fallback.and_then(|name| parsed.destination_named(name)) {
            parsed.fallback = fallback;
        }
        let mut course = parsed.course().map_err(wrong)?;
        let book = parsed.book();
        let flow = match &self.replaced.flow {
            Some(path) => Some(flows::open(path, &book)),
            None => flows::of_documents(flows, &book),
        };
        if let Some(flow) = flow {
            let flow =
                flow.map_err(|source| ReplayError::Flow { path: path.to_owned(), source })?;
            course.flow = Arc::new(flow);
        }
        let desk = (Arc::new(parsed), course);
        self.last = Some((key, desk.clone()));
        Ok(desk)
    }
}

fn read(path: &Path) -> Result<Journal, ReplayError> {
    let bytes = std::fs::read(path)
        .map_err(|source| ReplayError::Read { path: path.to_owned(), source })?;
    Journal::read(&bytes).map_err(|source| ReplayError::Journal { path: path.to_owned(), source })
}
