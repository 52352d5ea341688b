//! Files in which entries wait for the database.
//!
//! Entries are appended to the newest file and taken from the oldest; a file whose entries are all in the database is
//! removed, and the last one is emptied. A group of entries is one write and one `fdatasync`. What a kill or a loss of
//! power leaves torn at the end of a file is cut off when the spool is next opened: it had never been acknowledged.
//! A program that was killed finds some entries that are in the database already; they have keys, and do not go in
//! twice.

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tracing::warn;

use super::frame::{self, MAGIC, Next};
use crate::Entry;

/// A file that has grown to this is followed by the next.
const FILE: u64 = 4 << 20;
const START: u64 = MAGIC.len() as u64;
const ENDING: &str = "spool";
/// Where entries go that the database will never take.
const REFUSED: &str = "refused.entries";

/// What is wrong with the spool.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Its folder cannot be used.
    #[error(
        "cannot use the spool folder {path}: {cause}\nmend: name a folder on a local disk that this user may write to"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        cause: io::Error,
    },
    /// Another program uses it.
    #[error(
        "the spool folder {0} is in use by another program\nmend: give each program a folder of its own"
    )]
    InUse(PathBuf),
    /// It holds as much as it may.
    #[error(
        "the spool in {path} is full ({limit} bytes): the database has been away for too long\nmend: bring the database \
         back, or allow the spool more"
    )]
    Full {
        /// The folder.
        path: PathBuf,
        /// The most that it may hold.
        limit: u64,
    },
    /// Its disk does not take, or give, what it should.
    #[error(
        "cannot write to the spool in {path}: {cause}\nmend: make room on that disk, and look at its health"
    )]
    Disk {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        cause: io::Error,
    },
}

#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    limit: u64,
    /// The oldest first. Entries are added to the last, if that is open.
    files: VecDeque<SpoolFile>,
    next_number: u64,
    /// How far the first file is done.
    head: u64,
    waiting: u64,
    _lock: File,
}

#[derive(Debug)]
struct SpoolFile {
    path: PathBuf,
    file: File,
    length: u64,
}

/// Entries from the oldest file.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) bytes: u64,
}

impl Spool {
    /// Opens the spool in `folder`, which is made if it is missing, with what an earlier program has left there.
    pub(super) fn open(folder: &Path, limit: u64) -> Result<Spool, SpoolError> {
        let wrong = |cause| SpoolError::Folder { path: folder.to_owned(), cause };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(wrong)?;
        let mut lock = OpenOptions::new();
        lock.write(true).create(true).truncate(false).mode(0o600);
        let lock = lock.open(folder.join("lock")).map_err(wrong)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SpoolError::InUse(folder.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(wrong(cause)),
        }
        let mut numbers: Vec<(u64, PathBuf)> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                let stem = path.file_stem().and_then(|stem| stem.to_str());
                let number = stem.and_then(|stem| stem.parse().ok());
                numbers.extend(number.map(|number| (number, path)));
            }
        }
        numbers.sort_unstable();
        let mut spool = Spool {
            folder: folder.to_owned(),
            limit,
            files: VecDeque::new(),
            next_number: numbers.last().map_or(1, |(last, _)| last + 1),
            head: START,
            waiting: 0,
            _lock: lock,
        };
        for (_, path) in numbers {
            spool.adopt(path).map_err(wrong)?;
        }
        Ok(spool)
    }

    /// Entries that are not known to be in the database.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Bytes on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.length).sum()
    }

    /// Adds a group of entries: all of them are on the disk afterwards, or none.
    pub(super) fn append(&mut self, group: &[u8], entries: u64) -> Result<(), SpoolError> {
        let adds = group.len() as u64;
        if self.bytes() + adds > self.limit {
            return Err(SpoolError::Full { path: self.folder.clone(), limit: self.limit });
        }
        let disk = |cause| SpoolError::Disk { path: self.folder.clone(), cause };
        let full = |file: &SpoolFile| file.length > START && file.length + adds > FILE;
        if self.files.back().is_none_or(full) {
            let file = begin(&self.folder, self.next_number).map_err(disk)?;
            self.next_number += 1;
            self.files.push_back(file);
        }
        let last = self.files.back_mut().expect("there is one now");
        let written = last.file.write_all_at(group, last.length);
        if let Err(cause) = written.and_then(|()| last.file.sync_data()) {
            // Whatever of it is there would be torn, or would come twice.
            let _ = last.file.set_len(last.length);
            return Err(SpoolError::Disk { path: self.folder.clone(), cause });
        }
        last.length += adds;
        self.waiting += entries;
        Ok(())
    }

    /// The oldest entries, at most so many, and at most about so many bytes; `None` if there are none. They stay until
    /// they are [`Spool::done`].
    pub(super) fn oldest(&self, most: usize, bytes: usize) -> Result<Option<Batch>, SpoolError> {
        let disk = |cause| SpoolError::Disk { path: self.folder.clone(), cause };
        let Some(first) = self.files.front().filter(|file| file.length > self.head) else {
            return Ok(None);
        };
        let left = first.length - self.head;
        let mut chunk = vec![0; left.min(bytes as u64) as usize];
        let mut batch = Batch { entries: Vec::new(), bytes: 0 };
        first.file.read_exact_at(&mut chunk, self.head).map_err(disk)?;
        while batch.entries.len() < most {
            match frame::decode(&chunk[batch.bytes as usize..]) {
                Next::Entry(entry, length) => {
                    batch.entries.push(*entry);
                    batch.bytes += length as u64;
                }
                // A single entry that is larger than a batch should be.
                Next::Incomplete(needed) if batch.entries.is_empty() && needed as u64 <= left => {
                    chunk.resize(needed, 0);
                    first.file.read_exact_at(&mut chunk, self.head).map_err(disk)?;
                }
                Next::Incomplete(_) => break,
                // What was read back when the file was opened, or was written since, has changed on the disk.
                Next::Damaged | Next::Unknown => break,
            }
        }
        if batch.entries.is_empty() {
            let cause = io::Error::new(io::ErrorKind::InvalidData, "the file has changed");
            return Err(SpoolError::Disk { path: first.path.clone(), cause });
        }
        Ok(Some(batch))
    }

    /// The oldest entries, which were a [`Batch`] of so many bytes, need not wait any more.
    pub(super) fn done(&mut self, entries: u64, bytes: u64) -> Result<(), SpoolError> {
        let disk = |cause| SpoolError::Disk { path: self.folder.clone(), cause };
        self.head += bytes;
        self.waiting -= entries;
        let only = self.files.len() == 1;
        let Some(first) = self.files.front_mut() else { return Ok(()) };
        if self.head < first.length {
            return Ok(());
        }
        self.head = START;
        if only {
            first.length = START;
            return first.file.set_len(START).map_err(disk);
        }
        let path = first.path.clone();
        self.files.pop_front();
        std::fs::remove_file(path).map_err(disk)
    }

    /// Puts an entry aside that the database will never take. Renamed to `NUMBER.spool`, the file is tried again when
    /// the program next starts.
    pub(super) fn set_aside(&mut self, entry: &Entry) -> Result<PathBuf, SpoolError> {
        let path = self.folder.join(REFUSED);
        let disk = |cause| SpoolError::Disk { path: path.clone(), cause };
        let mut file = OpenOptions::new();
        let file = file.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(disk)?;
        let mut length = file.metadata().map_err(disk)?.len();
        let mut bytes = Vec::new();
        if length == 0 {
            bytes.extend_from_slice(MAGIC);
        }
        frame::encode(entry, &mut bytes);
        if length + bytes.len() as u64 > self.limit {
            length = 0;
            warn!("{} is full of what the database has refused: it begins again", path.display());
            file.set_len(0).map_err(disk)?;
            bytes.clear();
            bytes.extend_from_slice(MAGIC);
            frame::encode(entry, &mut bytes);
        }
        file.write_all_at(&bytes, length).and_then(|()| file.sync_data()).map_err(disk)?;
        Ok(path)
    }

    /// Takes over a file that an earlier program has left.
    fn adopt(&mut self, path: PathBuf) -> io::Result<()> {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let bytes = std::fs::read(&path)?;
        if bytes.len() < MAGIC.len() {
            // Killed before it had written a byte of an entry.
            return std::fs::remove_file(path);
        }
        if !bytes.starts_with(MAGIC) {
            warn!("{} is not of this program's making, and is left alone", path.display());
            return Ok(());
        }
        let mut length = MAGIC.len();
        let mut entries = 0;
        loop {
            match frame::decode(&bytes[length..]) {
                Next::Entry(_, taken) => length += taken,
                Next::Unknown => {
                    warn!("{} is of a newer program, and is left to it", path.display());
                    return Ok(());
                }
                Next::Incomplete(_) | Next::Damaged => break,
            }
            entries += 1;
        }
        let torn = bytes.len() - length;
        if torn > 0 {
            warn!(
                "{} ends in {torn} bytes that are no whole entry: they are dropped",
                path.display()
            );
            file.set_len(length as u64)?;
        }
        if entries == 0 {
            return std::fs::remove_file(path);
        }
        self.waiting += entries;
        self.files.push_back(SpoolFile { path, file, length: length as u64 });
        Ok(())
    }
}

fn begin(folder: &Path, number: u64) -> io::Result<SpoolFile> {
    let path = folder.join(format!("{number:010}.{ENDING}"));
    let mut file = OpenOptions::new();
    let file = file.read(true).write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.write_all_at(MAGIC, 0)?;
    // The name of the file must survive as well as what is in it.
    File::open(folder)?.sync_all()?;
    Ok(SpoolFile { path, file, length: START })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Audit, Journal};

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let name = format!("store-spool-{name}-{}", std::process::id());
            let folder = Folder(std::env::temp_dir().join(name));
            let _ = std::fs::remove_dir_all(&folder.0);
            folder
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn add(spool: &mut Spool, entries: &[Entry]) -> Result<(), SpoolError> {
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| frame::encode(entry, &mut bytes));
        spool.append(&bytes, entries.len() as u64)
    }

    fn drain(spool: &mut Spool) -> Vec<Entry> {
        let mut all = Vec::new();
        while let Some(batch) = spool.oldest(3, 1 << 10).unwrap() {
            spool.done(batch.entries.len() as u64, batch.bytes).unwrap();
            all.extend(batch.entries);
        }
        all
    }

    fn audits(count: usize) -> Vec<Entry> {
        (0..count).map(|_| Audit::new("test", "made").into()).collect()
    }

    #[test]
    fn entries_come_out_in_order_and_leave_no_bytes() {
        let folder = Folder::new("order");
        let mut spool = Spool::open(&folder.0, 1 << 30).unwrap();
        let entries = audits(10);
        add(&mut spool, &entries[..4]).unwrap();
        add(&mut spool, &entries[4..]).unwrap();
        assert_eq!(spool.waiting(), 10);
        assert_eq!(drain(&mut spool), entries);
        assert_eq!((spool.waiting(), spool.bytes()), (0, START));
        // And again, in the same file.
        add(&mut spool, &entries).unwrap();
        assert_eq!(drain(&mut spool), entries);
    }

    #[test]
    fn a_large_spool_has_several_files_and_a_larger_entry_than_a_batch_comes_alone() {
        let folder = Folder::new("large");
        let mut spool = Spool::open(&folder.0, 1 << 30).unwrap();
        let journal =
            |n: usize| Entry::from(Journal::new(n.to_string(), 1, vec![n as u8; 3 << 20]));
        let entries: Vec<Entry> = (0..4).map(journal).collect();
        entries.iter().for_each(|entry| add(&mut spool, std::slice::from_ref(entry)).unwrap());
        assert_eq!(spool.files.len(), 4);
        drop(spool);
        let mut spool = Spool::open(&folder.0, 1 << 30).unwrap();
        assert_eq!(drain(&mut spool), entries);
        assert_eq!(spool.files.len(), 1);
    }

    #[test]
    fn what_was_not_done_is_there_after_a_restart_and_a_torn_tail_is_not() {
        let folder = Folder::new("torn");
        let entries = audits(5);
        let mut spool = Spool::open(&folder.0, 1 << 30).unwrap();
        add(&mut spool, &entries).unwrap();
        let path = spool.files[0].path.clone();
        drop(spool);
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..60 {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let mut spool = Spool::open(&folder.0, 1 << 30).unwrap();
            assert_eq!(spool.waiting(), 4, "cut by {cut}");
            add(&mut spool, &entries[4..]).unwrap();
            assert_eq!(drain(&mut spool), entries, "cut by {cut}");
        }
    }

    #[test]
    fn a_full_spool_says_so_and_takes_more_when_it_is_not() {
        let folder = Folder::new("full");
        let mut spool = Spool::open(&folder.0, 1000).unwrap();
        let entries = audits(1);
        let error = loop {
            if let Err(error) = add(&mut spool, &entries) {
                break error;
            }
        };
        let text = error.to_string();
        assert!(text.contains("is full (1000 bytes)") && text.contains("mend: "), "{text}");
        let waiting = spool.waiting();
        assert_eq!(drain(&mut spool).len() as u64, waiting);
        add(&mut spool, &entries).unwrap();
    }

    #[test]
    fn a_folder_serves_one_program() {
        let folder = Folder::new("lock");
        let first = Spool::open(&folder.0, 1000).unwrap();
        assert!(matches!(Spool::open(&folder.0, 1000), Err(SpoolError::InUse(_))));
        drop(first);
        Spool::open(&folder.0, 1000).unwrap();
        let file = folder.0.join("lock");
        let error = Spool::open(&file, 1000).unwrap_err().to_string();
        assert!(error.contains("lock") && error.contains("mend: "), "{error}");
    }

    #[test]
    fn what_was_set_aside_can_be_tried_again() {
        let folder = Folder::new("aside");
        let entries = audits(2);
        let mut spool = Spool::open(&folder.0, 1 << 20).unwrap();
        let aside = spool.set_aside(&entries[0]).unwrap();
        spool.set_aside(&entries[1]).unwrap();
        drop(spool);
        std::fs::rename(aside, folder.0.join("7.spool")).unwrap();
        let mut spool = Spool::open(&folder.0, 1 << 20).unwrap();
        assert_eq!(drain(&mut spool), entries);
    }

    #[test]
    fn a_file_of_another_format_is_left_alone() {
        let folder = Folder::new("foreign");
        drop(Spool::open(&folder.0, 1 << 20).unwrap());
        // Another beginning; and an entry of a kind that is not known yet, behind one that is.
        let mut newer = MAGIC.to_vec();
        frame::encode(&audits(1)[0], &mut newer);
        let unknown = b"\x04\0\0\0null";
        newer.extend_from_slice(&(unknown.len() as u32).to_le_bytes());
        newer.extend_from_slice(&crc32fast::hash(unknown).to_le_bytes());
        newer.extend_from_slice(unknown);
        let files = [("3.spool", b"PCSPOOL9 and more".to_vec()), ("4.spool", newer)];
        for (name, bytes) in &files {
            std::fs::write(folder.0.join(name), bytes).unwrap();
        }
        let mut spool = Spool::open(&folder.0, 1 << 20).unwrap();
        assert_eq!(spool.waiting(), 0);
        add(&mut spool, &audits(1)).unwrap();
        for (name, bytes) in files {
            assert_eq!(std::fs::read(folder.0.join(name)).unwrap(), bytes);
        }
    }
}
