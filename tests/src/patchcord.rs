//! The program under test, as its users run it: `patchcord serve` in a process of its own.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::asterisk::{Asterisk, RigError, USERNAME};
use crate::softphone::locked;

/// How long the models may take to load.
const START: Duration = Duration::from_secs(60);

/// A Patchcord that serves an Asterisk. Dropping it ends it, and replays the journals of all its calls: a call that did not
/// what its journal says is a failure of whatever was tried.
#[derive(Debug)]
pub struct Patchcord {
    child: Child,
    folder: PathBuf,
    calls: Receiver<Value>,
    log: Arc<Mutex<String>>,
}

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belongings {
    /// Open file descriptors: sockets and all.
    pub files: usize,
    /// Threads.
    pub threads: usize,
}

impl Patchcord {
    /// Starts one with the sample receptionist, changed by `change`, and waits until it is connected.
    ///
    /// # Errors
    /// [`RigError::Failed`] with what it said if it does not come up.
    pub fn start(
        asterisk: &Asterisk,
        change: impl FnOnce(String) -> String,
    ) -> Result<Patchcord, RigError> {
        Patchcord::start_at(asterisk, &asterisk.ari_url(), change)
    }

    /// The same, where ARI is reached at another URL than the Asterisk's own, such as a [`Proxy`]'s.
    ///
    /// # Errors
    /// As for [`Patchcord::start`].
    ///
    /// [`Proxy`]: crate::proxy::Proxy
    pub fn start_at(
        asterisk: &Asterisk,
        ari_url: &str,
        change: impl FnOnce(String) -> String,
    ) -> Result<Patchcord, RigError> {
        Patchcord::start_with(asterisk, ari_url, change, "")
    }

    /// The same with lines added to its configuration.
    ///
    /// # Errors
    /// As for [`Patchcord::start`].
    pub fn start_with(
        asterisk: &Asterisk,
        ari_url: &str,
        change: impl FnOnce(String) -> String,
        added: &str,
    ) -> Result<Patchcord, RigError> {
        Patchcord::launch(asterisk, ari_url, change, None, added, "warn")
    }

    /// Starts one whose calls go through `flow`, and waits until it is connected.
    ///
    /// # Errors
    /// As for [`Patchcord::start`].
    pub fn start_through(asterisk: &Asterisk, flow: &str) -> Result<Patchcord, RigError> {
        Patchcord::start_through_with(asterisk, flow, "")
    }

    /// The same with lines added to its configuration.
    ///
    /// # Errors
    /// As for [`Patchcord::start`].
    pub fn start_through_with(
        asterisk: &Asterisk,
        flow: &str,
        added: &str,
    ) -> Result<Patchcord, RigError> {
        Patchcord::launch(asterisk, &asterisk.ari_url(), |text| text, Some(flow), added, "warn")
    }

    /// The same, logging all that there is to log.
    ///
    /// # Errors
    /// As for [`Patchcord::start`].
    pub fn start_tracing(
        asterisk: &Asterisk,
        flow: &str,
        added: &str,
    ) -> Result<Patchcord, RigError> {
        Patchcord::launch(asterisk, &asterisk.ari_url(), |text| text, Some(flow), added, "trace")
    }

    fn launch(
        asterisk: &Asterisk,
        ari_url: &str,
        change: impl FnOnce(String) -> String,
        flow: Option<&str>,
        added: &str,
        level: &str,
    ) -> Result<Patchcord, RigError> {
        let folder = std::env::temp_dir().join(format!(
            "patchcord-{}-{}",
            std::process::id(),
            asterisk.sip_port()
        ));
        std::fs::create_dir_all(&folder)?;
        let assets = assets();
        let receptionist = std::fs::read_to_string(assets.join("receptionist.toml"))?;
        std::fs::write(folder.join("receptionist.toml"), change(receptionist))?;
        let prompts = folder.join("prompts");
        if !prompts.exists() {
            std::os::unix::fs::symlink(assets.join("prompts"), prompts)?;
        }
        let through = match flow {
            Some(flow) => {
                std::fs::write(folder.join("flow.toml"), flow)?;
                "flow = \"flow.toml\"\n"
            }
            None => "",
        };
        let config = folder.join("patchcord.toml");
        std::fs::write(
            &config,
            format!(
                "receptionist = \"receptionist.toml\"\n{through}journals = \"journals\"\n[ari]\nurl = \"{ari_url}\"\nusername = \"{USERNAME}\"\n\
                 password_env = \"PATCHCORD_ARI_PASSWORD\"\n{added}"
            ),
        )?;
        let mut child = Command::new(program()?)
            .args(["serve", "--json", "--config"])
            .arg(&config)
            .arg("--rehearse")
            .arg(assets.join("calls"))
            .env("PATCHCORD_ARI_PASSWORD", asterisk.password())
            .env("PATCHCORD_LOG", level)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (lines, calls) = channel();
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no stdout"))?;
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let call = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if lines.send(call).is_err() {
                    return;
                }
            }
        });
        let (said, hears) = channel();
        let log = Arc::<Mutex<String>>::default();
        let logged = log.clone();
        let traces = level == "trace";
        let stderr = child.stderr.take().ok_or_else(|| io::Error::other("no stderr"))?;
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if !traces {
                    eprintln!("patchcord: {line}");
                }
                *locked(&logged) += &format!("{line}\n");
                // Only the first lines are waited for.
                let _ = said.send(line);
            }
        });
        let patchcord = Patchcord { child, folder, calls, log };
        let failed =
            |what| RigError::Failed(format!("patchcord serve {what}: {}", patchcord.log()));
        let deadline = Instant::now() + START;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match hears.recv_timeout(left) {
                Ok(line) if line.contains("answers the calls of") => break,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(failed("did not come up in time"));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(failed("ended at once"));
                }
            }
        }
        Ok(patchcord)
    }

    /// The JSON line of the next call to end.
    ///
    /// # Errors
    /// [`RigError::Failed`] if none ends within `patience`.
    pub fn next_call(&self, patience: Duration) -> Result<Value, RigError> {
        self.calls
            .recv_timeout(patience)
            .map_err(|_| RigError::Failed(format!("no call ended within {patience:?}")))
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        locked(&self.log).clone()
    }

    /// The folder with its configuration.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the process holds now.
    ///
    /// # Errors
    /// When it is gone.
    pub fn belongings(&self) -> io::Result<Belongings> {
        let count = |what: &str| -> io::Result<usize> {
            Ok(std::fs::read_dir(format!("/proc/{}/{what}", self.child.id()))?.count())
        };
        Ok(Belongings { files: count("fd")?, threads: count("task")? })
    }

    /// Tells it to stop, and waits until it has.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn stop(mut self) -> io::Result<ExitStatus> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()
    }
}

impl Drop for Patchcord {
    fn drop(&mut self) {
        // Both fail only if it is over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let replayed = replay(&self.folder.join("journals"));
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Err(difference) = replayed
            && !std::thread::panicking()
        {
            panic!("{difference}");
        }
    }
}

/// Replays the journals of a folder in a process of their own.
fn replay(folder: &Path) -> Result<(), String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let journals: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    if journals.is_empty() {
        return Ok(());
    }
    let program = program().map_err(|error| error.to_string())?;
    let output = Command::new(program).arg("replay").args(journals).output();
    let output = output.map_err(|error| error.to_string())?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let differ = || format!("{}{}", said(&output.stdout), said(&output.stderr));
    output.status.success().then_some(()).ok_or_else(differ)
}

/// The folder with the sample receptionist and the sample calls.
#[must_use]
pub fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets")
}

/// The program as people run it: what `cargo build --release` makes, however this test was built.
///
/// # Errors
/// When it has not been built.
pub fn program() -> io::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let program = here.ancestors().nth(3).map(|target| target.join("release/patchcord"));
    program.filter(|program| program.exists()).ok_or_else(|| {
        io::Error::other("there is no patchcord to test; run: cargo build --release")
    })
}
