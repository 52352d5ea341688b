//! The journals of calls on disk: one file a call, `CHANNEL.journal`, its format in [`call::journal`].
//!
//! One thread writes for all calls. A call hands its lines over and never waits: where the disk is full or too slow, the
//! journal is lost, which is logged and stands in the record. Lines are given to the system as they come, so that a kill
//! loses what waits in the queue and no more.

pub(crate) mod again;
pub(crate) mod whatif;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Instant;

use call::journal::{Header, VERSION};
use flow::Facts;
use jiff::Timestamp;

use crate::capture::file_name;
use crate::desk::Desk;

/// Handovers that wait for the disk, of all calls together.
const QUEUE: usize = 4_096;

/// Writes journals into a folder. Dropped, it waits until all is written.
#[derive(Debug)]
pub(crate) struct Journals {
    folder: PathBuf,
    queue: Option<SyncSender<Work>>,
    writer: Option<JoinHandle<()>>,
}

/// The journal of one call.
#[derive(Debug)]
pub(crate) struct Page {
    sheet: Arc<Sheet>,
    journals: Arc<Journals>,
}

/// The file of one journal: opened with the first lines, closed with the last.
#[derive(Debug)]
struct Sheet {
    path: PathBuf,
    file: OnceLock<File>,
    lost: OnceLock<String>,
}

#[derive(Debug)]
struct Work {
    sheet: Arc<Sheet>,
    text: String,
}

impl Journals {
    /// # Errors
    /// In words.
    pub(crate) fn start(folder: PathBuf) -> Result<Self, String> {
        let (queue, works) = sync_channel(QUEUE);
        let writer = std::thread::Builder::new()
            .name("journals".to_owned())
            .spawn(move || write(&works))
            .map_err(|error| format!("journals cannot be written: {error}"))?;
        Ok(Self { folder, queue: Some(queue), writer: Some(writer) })
    }

    /// A call's journal. A file that is there already is left as it is; then nothing is written.
    pub(crate) fn page(self: &Arc<Self>, channel: &str) -> Page {
        let path = self.folder.join(format!("{}.journal", file_name(channel)));
        let sheet = Sheet { path, file: OnceLock::new(), lost: OnceLock::new() };
        Page { sheet: Arc::new(sheet), journals: self.clone() }
    }
}

impl Drop for Journals {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A panic in it has been logged.
            let _ = writer.join();
        }
    }
}

impl Page {
    /// Hands lines over; whether they were taken.
    pub(crate) fn write(&self, text: String) -> bool {
        if self.sheet.lost.get().is_some() {
            return false;
        }
        let queue = self.journals.queue.as_ref().expect("it is there until the end");
        match queue.try_send(Work { sheet: self.sheet.clone(), text }) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => self.sheet.lose("the disk is too slow"),
            Err(TrySendError::Disconnected(_)) => self.sheet.lose("its writer has ended"),
        }
    }

    /// Why it is not whole, as far as is known by now.
    pub(crate) fn lost(&self) -> Option<&str> {
        self.sheet.lost.get().map(String::as_str)
    }
}

impl Sheet {
    fn lose(&self, why: &str) -> bool {
        if self.lost.set(why.to_owned()).is_ok() {
            let path = self.path.display();
            tracing::warn!(%path, why, "a journal is lost");
        }
        false
    }

    fn append(&self, text: &str) -> io::Result<()> {
        if self.file.get().is_none() {
            let mut how = OpenOptions::new();
            how.write(true).create_new(true).mode(0o600);
            // Nobody else sets it: one thread writes.
            let _ = self.file.set(how.open(&self.path)?);
        }
        let mut file = self.file.get().expect("it was opened");
        file.write_all(text.as_bytes())
    }
}

fn write(works: &Receiver<Work>) {
    for Work { sheet, text } in works {
        if sheet.lost.get().is_none()
            && let Err(error) = sheet.append(&text)
        {
            sheet.lose(&error.to_string());
        }
    }
}

/// The first line of a call's journal.
pub(crate) fn header(
    desk: &Desk,
    facts: &Facts,
    channel: &str,
    arrived: Instant,
    packets: Option<PathBuf>,
) -> Header {
    let ago = jiff::SignedDuration::try_from(arrived.elapsed()).unwrap_or_default();
    let (receptionist, flows) = desk.documents.clone();
    Header {
        journal: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        call: channel.to_owned(),
        began: (Timestamp::now() - ago).to_string(),
        capture: packets.map(|path| path.display().to_string()),
        facts: facts.clone(),
        receptionist,
        fallback: desk.receptionist.destination(desk.receptionist.fallback).name.clone(),
        flows,
    }
}
