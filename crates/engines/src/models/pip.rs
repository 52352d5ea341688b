//! The ordinary `pip` client, run as a command.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use super::manifest::Package;

/// The ways to call it, in order of preference: program and first arguments.
const WAYS: [(&str, &[&str]); 3] =
    [("python3", &["-m", "pip"]), ("python", &["-m", "pip"]), ("pip3", &[])];
/// How often the size of a download in progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A `pip` that answers.
#[derive(Debug)]
pub(super) struct Pip {
    program: PathBuf,
    arguments: &'static [&'static str],
    search_path: OsString,
}

/// How a download failed.
#[derive(Debug)]
pub(super) enum PipError {
    /// It could not be run.
    Run(io::Error),
    /// It ran and gave up; what it said.
    Failed { status: ExitStatus, said: String },
}

impl Pip {
    /// The first `pip` on `search_path` (written like `PATH`) that answers; `Err` lists what was
    /// tried.
    pub(super) fn find(search_path: Option<&OsStr>) -> Result<Self, String> {
        let search_path = search_path
            .map(OsStr::to_owned)
            .or_else(|| std::env::var_os("PATH"))
            .unwrap_or_default();
        let mut tried = Vec::new();
        for (name, arguments) in WAYS {
            let way = [&[name], arguments].concat().join(" ");
            let Some(program) = locate(&search_path, name) else {
                tried.push(format!("{way}: `{name}` is not installed"));
                continue;
            };
            let pip = Self { program, arguments, search_path: search_path.clone() };
            let answer = pip.command().arg("--version").stdin(Stdio::null()).output();
            match answer {
                Ok(output) if output.status.success() => return Ok(pip),
                Ok(output) => {
                    let said = String::from_utf8_lossy(&output.stderr);
                    tried.push(format!("{way}: {}", last_line(&said)));
                }
                Err(error) => tried.push(format!("{way}: {error}")),
            }
        }
        Err(tried.join("; "))
    }

    /// Downloads the wheel of `package` into `dir`, which also takes all temporary files. Reports
    /// the bytes there so far.
    pub(super) fn download(
        &self,
        package: &Package,
        dir: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), PipError> {
        let log = dir.join("pip.log");
        let output = File::create(&log).map_err(PipError::Run)?;
        let mut command = self.command();
        command
            .args(["download", "--no-deps", "--only-binary=:all:", "--no-input"])
            .args(["--disable-pip-version-check", "--progress-bar", "off", "-d"])
            .arg(dir)
            .arg(package.to_string())
            .envs(["TMPDIR", "TEMP", "TMP"].map(|name| (name, dir)))
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(PipError::Run)?)
            .stderr(output);
        let mut child = command.spawn().map_err(PipError::Run)?;
        let status = loop {
            match child.try_wait().map_err(PipError::Run)? {
                Some(status) => break status,
                None => std::thread::sleep(LOOK_EVERY),
            }
            progress(size_below(dir));
        };
        if status.success() {
            return Ok(());
        }
        let said = std::fs::read(&log).unwrap_or_default();
        Err(PipError::Failed { status, said: String::from_utf8_lossy(&said).into_owned() })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.arguments).env("PATH", &self.search_path);
        command
    }
}

/// The last line that says something, which is where `pip` and Python put the reason.
pub(super) fn last_line(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing")
}

fn locate(search_path: &OsStr, name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(search_path).map(|dir| dir.join(&file)).find(|path| path.is_file())
}

fn size_below(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .map(|(data, path)| if data.is_dir() { size_below(&path) } else { data.len() })
        .sum()
}
