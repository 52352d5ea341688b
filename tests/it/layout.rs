//! The rules of the workspace: which crate may know which, what a pure crate may not touch, how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Every arrow between our crates. Adding one needs a reason, and a line in `crates/README.md`.
const ARROWS: &[(&str, &[&str])] = &[
    ("ari", &[]),
    ("audio", &[]),
    ("intent", &[]),
    ("call", &["flow", "intent"]),
    ("engines", &["audio"]),
    ("flow", &["intent"]),
    ("media", &["audio"]),
    ("pbx", &["audio"]),
    ("store", &[]),
    ("patchcord", &["ari", "audio", "call", "engines", "flow", "intent", "media", "pbx", "store"]),
];

/// Crates that decide and compute, and do nothing else.
const PURE: &[&str] = &["audio", "call", "flow", "intent"];

/// What a pure crate may depend on besides our own: nothing that waits, opens or spawns.
const PURE_DEPENDENCIES: &[&str] = &[
    "hound",
    "ndarray",
    "opus-rs",
    "rubato",
    "serde",
    "serde_json",
    "serde_path_to_error",
    "strsim",
    "thiserror",
    "toml",
    "zeroize",
];

/// What must not stand in a pure crate's source: clocks, sockets, files, tasks, threads, output.
const IMPURE: &[&str] = &[
    "Instant::now",
    "SystemTime",
    ".elapsed()",
    "std::net",
    "std::fs",
    "std::thread",
    "std::env",
    "std::process",
    "std::io::std",
    "tokio",
    "async fn",
    "println!",
    "eprintln!",
    "tracing::",
];

/// A file with more lines than this, tests left out, says in its header why: a line that begins with `LONG_BECAUSE`.
const LONG: usize = 800;
const LONG_BECAUSE: &str = "//! Long because";

/// Half of all files stay below this.
const MEDIAN: usize = 200;

#[test]
fn arrows_are_those_of_the_map() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    let packages = packages();
    let ours: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    for (name, package) in &packages {
        if name == "tests" || name == "benches" {
            continue;
        }
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| {
            panic!("crate {name} is not on the map: add it to ARROWS and to crates/README.md")
        });
        let used: BTreeSet<&str> =
            dependencies(package).filter(|dependency| ours.contains(dependency)).collect();
        assert_eq!(&used, allowed, "the arrows of {name} are not those of the map");
    }
}

#[test]
fn pure_crates_depend_on_pure_things() {
    for (name, package) in packages().iter().filter(|(name, _)| PURE.contains(&name.as_str())) {
        for dependency in dependencies(package) {
            let pure = PURE.contains(&dependency) || PURE_DEPENDENCIES.contains(&dependency);
            assert!(pure, "{name} is pure and must not depend on {dependency}");
        }
    }
}

#[test]
fn pure_crates_touch_nothing() {
    for file in sources()
        .iter()
        .filter(|file| PURE.iter().any(|name| file.starts_with(root().join("crates").join(name))))
    {
        for (number, line) in code(file).lines().enumerate() {
            let line = line.trim_start();
            if line.starts_with("//") {
                continue;
            }
            for word in IMPURE {
                let place = format!("{}:{}", file.display(), number + 1);
                assert!(!line.contains(word), "{place}: a pure crate must not use {word}");
            }
        }
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let mut lengths: Vec<usize> = Vec::new();
    for file in sources() {
        let code = code(&file);
        let lines = code.lines().count();
        let reasoned = code.lines().any(|line| line.starts_with(LONG_BECAUSE));
        let name = file.display();
        assert!(
            lines <= LONG || reasoned,
            "{name} has {lines} lines: split it, or say in its header \"{LONG_BECAUSE} ...\""
        );
        lengths.push(lines);
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median < MEDIAN, "the median file has {median} lines");
}

/// The workspace denies `unsafe`; what opens it again is here.
#[test]
fn unsafe_code_stands_in_two_modules() {
    let opens = |file: &&PathBuf| code(file).contains("(unsafe_code");
    let files = sources();
    let found: Vec<_> = files
        .iter()
        .filter(opens)
        .map(|file| file.strip_prefix(root()).expect("below the root"))
        .filter(|file| !file.starts_with("tests/it"))
        .collect();
    let allowed = ["crates/audio/src/vector.rs", "crates/media/src/system.rs"].map(Path::new);
    assert_eq!(found, allowed);
}

#[test]
fn every_crate_explains_itself() {
    let map = std::fs::read_to_string(root().join("crates/README.md")).expect("crates/README.md");
    for name in packages().keys().filter(|name| !["tests", "benches"].contains(&name.as_str())) {
        let folder = root().join("crates").join(name).join("src");
        let entry = ["lib.rs", "main.rs"].map(|file| folder.join(file));
        let entry = entry.iter().find(|file| file.exists()).expect("a crate has an entry");
        let text = std::fs::read_to_string(entry).expect("readable");
        assert!(text.starts_with("//!"), "{} needs a header", entry.display());
        assert!(map.contains(&format!("`{name}`")), "crates/README.md does not name {name}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_owned()
}

fn packages() -> BTreeMap<String, Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages.map(|p| (p["name"].as_str().expect("a name").to_owned(), p.clone())).collect()
}

/// The names of a package's dependencies, those for tests left out.
fn dependencies(package: &Value) -> impl Iterator<Item = &str> {
    let all = package["dependencies"].as_array().expect("dependencies").iter();
    all.filter(|d| d["kind"] != "dev").map(|d| d["name"].as_str().expect("a name"))
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = ["crates", "tests", "benches"].map(|name| root().join(name)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// A file's text without the unit tests at its end.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("readable");
    match text.find("#[cfg(test)]\nmod tests {") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
