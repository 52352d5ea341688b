//! What was said before: passages in memory, and on disk where a folder is named.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// Passages by voice and text. What was asked for least recently goes first when a limit is reached.
#[derive(Debug)]
pub(super) struct Cache {
    memory: Mutex<Memory>,
    disk: Option<Disk>,
}

type Key = [u8; 32];

#[derive(Debug)]
struct Memory {
    /// In bytes.
    limit: usize,
    held: usize,
    /// Counts what was asked for, so that each entry knows when it last was.
    now: u64,
    passages: HashMap<Key, (u64, Arc<[i16]>)>,
}

#[derive(Debug)]
struct Disk {
    folder: PathBuf,
    limit: u64,
    /// Held while the folder is looked through.
    tidying: Mutex<()>,
}

impl Cache {
    /// A cache of `limit` bytes in memory and as many in `folder`.
    pub(super) fn new(limit: usize, folder: Option<&Path>) -> std::io::Result<Self> {
        if let Some(folder) = folder {
            fs::create_dir_all(folder)?;
        }
        let disk = folder.map(|folder| Disk {
            folder: folder.to_owned(),
            limit: limit as u64,
            tidying: Mutex::new(()),
        });
        let memory = Memory { limit, held: 0, now: 0, passages: HashMap::new() };
        Ok(Self { memory: Mutex::new(memory), disk })
    }

    /// From memory alone, which no thread has to wait for.
    pub(super) fn at_hand(&self, voice: &str, text: &str) -> Option<Arc<[i16]>> {
        self.memory().get(key(voice, text))
    }

    pub(super) fn get(&self, voice: &str, text: &str) -> Option<Arc<[i16]>> {
        let key = key(voice, text);
        if let Some(found) = self.memory().get(key) {
            return Some(found);
        }
        let found: Arc<[i16]> = self.disk.as_ref()?.get(key)?.into();
        self.memory().put(key, found.clone());
        Some(found)
    }

    pub(super) fn put(&self, voice: &str, text: &str, samples: Arc<[i16]>) {
        let key = key(voice, text);
        if let Some(disk) = &self.disk
            && let Err(error) = disk.put(key, &samples)
        {
            tracing::warn!("a spoken passage cannot be kept in {}: {error}", disk.folder.display());
        }
        self.memory().put(key, samples);
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hash, so that no folder tells what was said to whom.
fn key(voice: &str, text: &str) -> Key {
    let mut hash = Sha256::new();
    hash.update((voice.len() as u64).to_le_bytes());
    hash.update(voice);
    hash.update(text);
    hash.finalize().into()
}

impl Memory {
    fn get(&mut self, key: Key) -> Option<Arc<[i16]>> {
        self.now += 1;
        let (used, samples) = self.passages.get_mut(&key)?;
        *used = self.now;
        Some(samples.clone())
    }

    fn put(&mut self, key: Key, samples: Arc<[i16]>) {
        let bytes = 2 * samples.len();
        if bytes > self.limit {
            return;
        }
        self.now += 1;
        self.held += bytes;
        if let Some((_, before)) = self.passages.insert(key, (self.now, samples)) {
            self.held -= 2 * before.len();
        }
        while self.held > self.limit {
            let oldest =
                self.passages.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key);
            let Some((_, dropped)) = oldest.and_then(|key| self.passages.remove(&key)) else {
                break;
            };
            self.held -= 2 * dropped.len();
        }
    }
}

impl Disk {
    fn path(&self, key: Key) -> PathBuf {
        let name: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name + ".wav")
    }

    fn get(&self, key: Key) -> Option<Vec<i16>> {
        let bytes = fs::read(self.path(key)).ok()?;
        let samples = audio::wav::read(&bytes).ok()?;
        (!samples.is_empty()).then_some(samples)
    }

    fn put(&self, key: Key, samples: &[i16]) -> std::io::Result<()> {
        let path = self.path(key);
        // Another process may write the same passage: each has a name of its own until it is whole.
        let part = path.with_extension(format!("{}.part", std::process::id()));
        let _tidying = self.tidying.lock().unwrap_or_else(PoisonError::into_inner);
        fs::write(&part, audio::wav::write(samples))?;
        fs::rename(&part, &path)?;
        self.tidy()
    }

    /// Removes the oldest files until the rest fits.
    fn tidy(&self) -> std::io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == "wav") {
                let about = entry.metadata()?;
                files.push((about.modified()?, about.len(), path));
            }
        }
        let mut held: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        files.sort();
        for (_, bytes, path) in files {
            if held <= self.limit {
                break;
            }
            fs::remove_file(path)?;
            held -= bytes;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(count: usize) -> Arc<[i16]> {
        vec![7; count].into()
    }

    #[test]
    fn what_was_not_asked_for_goes_first() {
        let cache = Cache::new(400, None).unwrap();
        for text in ["a", "b"] {
            cache.put("slt", text, samples(100));
        }
        assert!(cache.get("slt", "a").is_some());
        cache.put("slt", "c", samples(50));
        assert!(cache.get("slt", "b").is_none());
        assert!(cache.get("slt", "a").is_some() && cache.get("slt", "c").is_some());
        assert!(cache.get("rms", "a").is_none(), "another voice");
        cache.put("slt", "long", samples(201));
        assert!(cache.get("slt", "long").is_none() && cache.get("slt", "a").is_some());
        cache.put("slt", "a", samples(120));
        assert_eq!(cache.memory().held, 340, "a passage that is replaced counts once");
    }

    #[test]
    fn a_folder_outlives_the_process_keeps_its_limit_and_no_text() {
        let folder = std::env::temp_dir().join(format!("patchcord-said-{}", std::process::id()));
        let open = || Cache::new(1_000, Some(&folder)).unwrap();
        open().put("slt", "my secret", samples(300));
        assert_eq!(open().get("slt", "my secret").unwrap().len(), 300);
        let names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(names.len() == 1 && !format!("{names:?}").contains("secret"), "{names:?}");
        open().put("slt", "another", samples(300));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "two do not fit");
        fs::remove_dir_all(folder).unwrap();
    }
}
