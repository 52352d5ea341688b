//! ONNX Runtime, loaded once per process from a file that the model store has checked.
//!
//! The `ort` crate waits for ever when the library it is given cannot be loaded (making its error
//! needs the library). So the file is inspected first, and the load runs on a thread of its own
//! with a limit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use ort::environment::Environment;
use ort::ep;
use ort::logging::LogLevel;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{InMemorySession, Session};

/// The oldest minor version of ONNX Runtime 1.x whose interface this build calls (`api-22`).
const OLDEST_MINOR: u32 = 22;

/// Far longer than a load takes (about 30 ms warm, a few seconds from a cold disk).
const LOAD_LIMIT: Duration = Duration::from_secs(30);

/// Why ONNX Runtime is not there. Each text names the file and the mend.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The file is not there or cannot be read.
    #[error("cannot read ONNX Runtime at {}: {source}; run `patchcord models fetch`", path.display())]
    Missing {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is something else, or a build for another system.
    #[error(
        "{} is not an ONNX Runtime library for this machine ({}-{}): {detail}; run `patchcord models verify`",
        path.display(), std::env::consts::ARCH, std::env::consts::OS
    )]
    Unusable {
        /// The file that was asked for.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// An ONNX Runtime that is too old.
    #[error(
        "{} is ONNX Runtime {found}, but 1.{OLDEST_MINOR} or newer is needed; run `patchcord models fetch`",
        path.display()
    )]
    WrongVersion {
        /// The file that was asked for.
        path: PathBuf,
        /// Its version, such as `1.17.1`.
        found: String,
    },
    /// A process can hold one ONNX Runtime only.
    #[error(
        "ONNX Runtime is already loaded from {}; {} was asked for now: one process, one library",
        loaded.display(), asked.display()
    )]
    AnotherLoaded {
        /// The library in use.
        loaded: PathBuf,
        /// The library that was asked for.
        asked: PathBuf,
    },
}

/// The proof that ONNX Runtime is loaded, without which no model can be.
#[derive(Debug, Clone, Copy)]
pub struct Runtime(());

impl Runtime {
    /// Loads ONNX Runtime from `library` for the whole process. A second call with the same path
    /// does nothing.
    ///
    /// # Errors
    /// [`RuntimeError`]; after an error a later call with a good file still works, unless the
    /// load itself hung (the loader holds its lock then).
    pub fn load(library: &Path) -> Result<Self, RuntimeError> {
        load_once(library).map(|()| Self(()))
    }

    /// A session of `model`, with one thread and no arena: memory between runs is the weights
    /// alone.
    ///
    /// The file's bytes are read once and stay for the life of the process, like the library
    /// itself: sessions of the same model then share their weights in place, which halves what a
    /// further worker costs.
    pub(crate) fn session(self, model: &Path) -> Result<InMemorySession<'static>, ort::Error> {
        let bytes = resident(model).map_err(|error| ort::Error::new(error.to_string()))?;
        builder()?.commit_from_memory_directly(bytes)
    }

    /// A session of a model that was made here and is in no file, otherwise the same.
    pub(crate) fn session_of(self, model: &[u8]) -> Result<Session, ort::Error> {
        builder()?.commit_from_memory(model)
    }
}

fn builder() -> Result<SessionBuilder, ort::Error> {
    Ok(Session::builder()?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_memory_pattern(false)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_execution_providers([ep::CPU::default().with_arena_allocator(false).build()])?)
}

fn load_once(library: &Path) -> Result<(), RuntimeError> {
    static LOADED: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    match &*loaded {
        Some(path) if path == library => return Ok(()),
        Some(path) => {
            return Err(RuntimeError::AnotherLoaded {
                loaded: path.clone(),
                asked: library.to_owned(),
            });
        }
        None => {}
    }
    inspect(library)?;
    load_with_limit(library)?;
    *loaded = Some(library.to_owned());
    Ok(())
}

fn resident(model: &Path) -> Result<&'static [u8], std::io::Error> {
    static RESIDENT: Mutex<BTreeMap<PathBuf, &'static [u8]>> = Mutex::new(BTreeMap::new());
    let mut resident = RESIDENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(bytes) = resident.get(model) {
        return Ok(bytes);
    }
    let bytes: &'static [u8] = Box::leak(std::fs::read(model)?.into_boxed_slice());
    resident.insert(model.to_owned(), bytes);
    Ok(bytes)
}

fn load_with_limit(library: &Path) -> Result<(), RuntimeError> {
    let unusable = |detail: String| RuntimeError::Unusable { path: library.to_owned(), detail };
    let (done, outcome) = mpsc::channel();
    let path = library.to_owned();
    std::thread::Builder::new()
        .name("onnxruntime-load".into())
        .spawn(move || {
            // The receiver is gone only if the limit has passed, and then nobody wants to know.
            let _ = done.send(start(&path).map_err(|error| error.to_string()));
        })
        .map_err(|error| unusable(format!("no thread to load it: {error}")))?;
    match outcome.recv_timeout(LOAD_LIMIT) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(detail)) => Err(unusable(detail)),
        Err(_) => Err(unusable("the system's loader does not accept it".into())),
    }
}

fn start(library: &Path) -> Result<(), ort::Error> {
    ort::init_from(library)?
        .with_name("patchcord")
        .with_telemetry(false)
        .with_logger(Arc::new(|level, _, _, place, message| {
            tracing::debug!(?level, place, "onnxruntime: {message}");
        }))
        .commit();
    Environment::current()?.set_log_level(LogLevel::Error);
    Ok(())
}

/// Finds what can be known without loading: that the file is there, speaks ONNX Runtime's
/// interface, and (where the linker writes it, as on Linux) which version it is.
fn inspect(library: &Path) -> Result<(), RuntimeError> {
    let bytes = std::fs::read(library)
        .map_err(|source| RuntimeError::Missing { path: library.to_owned(), source })?;
    if find(&bytes, b"OrtGetApiBase").is_none() {
        return Err(RuntimeError::Unusable {
            path: library.to_owned(),
            detail: "it does not offer `OrtGetApiBase`".into(),
        });
    }
    if let Some(found) = linked_version(&bytes) {
        let minor = found.split('.').nth(1).and_then(|part| part.parse::<u32>().ok());
        if minor.is_some_and(|minor| minor < OLDEST_MINOR) {
            return Err(RuntimeError::WrongVersion { path: library.to_owned(), found });
        }
    }
    Ok(())
}

/// The version in the ELF symbol version `VERS_1.23.2`, which ONNX Runtime's Linux builds carry.
fn linked_version(bytes: &[u8]) -> Option<String> {
    const MARK: &[u8] = b"VERS_1.";
    let start = find(bytes, MARK)? + b"VERS_".len();
    let version = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
        .map(|byte| char::from(*byte))
        .collect();
    Some(version)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: &[u8]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("patchcord-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn a_missing_library_names_the_file_and_the_mend() {
        let error = Runtime::load(Path::new("/nowhere/libonnxruntime.so")).unwrap_err();
        assert!(matches!(error, RuntimeError::Missing { .. }));
        let text = error.to_string();
        assert!(text.contains("/nowhere/libonnxruntime.so") && text.contains("models fetch"));
    }

    #[test]
    fn another_file_is_refused_before_the_loader_sees_it() {
        let path = file("not-a-library", b"plain text");
        assert!(matches!(Runtime::load(&path), Err(RuntimeError::Unusable { .. })));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn an_old_version_is_named() {
        let path = file("old-library", b"\x7fELF\0OrtGetApiBase\0VERS_1.17.1\0");
        let error = Runtime::load(&path).unwrap_err();
        assert!(
            matches!(&error, RuntimeError::WrongVersion { found, .. } if found == "1.17.1"),
            "{error}"
        );
        std::fs::remove_file(path).unwrap();
    }
}
