//! A PostgreSQL server of one test's own: on a socket in its own folder, gone when it is dropped.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::folder::Folder;

pub(crate) const PASSWORD: &str = "open-sesame";
const USER: &str = "patchcord";
/// How long the server may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Postgres {
    programs: PathBuf,
    /// Whom the server runs as: it refuses to run as root.
    account: Option<(u32, u32)>,
    folder: Folder,
    options: Vec<String>,
    server: Option<Child>,
}

impl Postgres {
    /// Starts one; `None` where there are no programs of it, with the reason printed.
    pub(crate) fn start(options: &[&str]) -> Option<Postgres> {
        let Some(programs) = programs() else {
            let reason = "PostgreSQL is not installed here (tests/rig/postgresql installs it)";
            assert!(std::env::var_os("PATCHCORD_REQUIRE_RIG").is_none(), "{reason}");
            println!("skipped: {reason}");
            return None;
        };
        let folder = Folder::new("postgres");
        let root = folder.path().metadata().unwrap().uid() == 0;
        let account = root.then(|| account("postgres").or_else(|| account("nobody")).unwrap());
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut postgres = Postgres { programs, account, folder, options, server: None };
        postgres.make_data();
        postgres.begin();
        Some(postgres)
    }

    /// The address of its socket, with the password.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgresql://{USER}:{PASSWORD}@{folder}/postgres")
    }

    /// Where it keeps its data; certificates may be put there before it is begun again.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Ends it as a crash of the machine would: the server, and each of its sessions, which go on for a moment when
    /// only the server is killed.
    pub(crate) fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        let id = server.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        server.kill().unwrap();
        server.wait().unwrap();
        for child in children.unwrap_or_default().split_whitespace() {
            // It may have seen that the server is gone, and have ended by itself.
            let _ = Command::new("kill").args(["-KILL", child]).stderr(Stdio::null()).status();
        }
    }

    /// Begins it, again or for the first time, and waits until it takes sessions.
    pub(crate) fn begin(&mut self) {
        let give_up = Instant::now() + PATIENCE;
        // Right after a crash the remains of the old server may hold its memory for a moment: then it is tried again.
        while !self.try_begin(give_up) {
            assert!(Instant::now() < give_up, "PostgreSQL does not start:\n{}", self.log());
            std::thread::sleep(POLL);
        }
    }

    /// A setting for when it is begun again.
    pub(crate) fn add_option(&mut self, setting: &str) {
        self.options.push(setting.to_owned());
    }

    /// Gives a file in its folder to the account that it runs as.
    pub(crate) fn give(&self, path: &Path) {
        if let Some((user, group)) = self.account {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    fn try_begin(&mut self, give_up: Instant) -> bool {
        let log = self.folder.path().join("log");
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path());
        for setting in ["listen_addresses=", "fsync=off", "shared_buffers=16MB"] {
            command.args(["-c", setting]);
        }
        for setting in &self.options {
            command.args(["-c", setting]);
        }
        let log_too = log.try_clone().unwrap();
        let mut server = command.stdout(log).stderr(log_too).spawn().unwrap();
        let pid = server.id().to_string();
        loop {
            // The server writes its state here: its process first, "ready" last.
            let state = std::fs::read_to_string(self.data().join("postmaster.pid"));
            let state = state.unwrap_or_default();
            let mut lines = state.lines().map(str::trim);
            if lines.next() == Some(pid.as_str()) && lines.nth(6) == Some("ready") {
                self.server = Some(server);
                return true;
            }
            if server.try_wait().unwrap().is_some() {
                return false;
            }
            if Instant::now() > give_up {
                server.kill().unwrap();
                server.wait().unwrap();
                return false;
            }
            std::thread::sleep(POLL);
        }
    }

    /// A folder of data: a copy of one that an earlier test made, or a new one.
    fn make_data(&self) {
        let version = Command::new(self.programs.join("postgres")).arg("--version").output();
        let version = String::from_utf8(version.unwrap().stdout).unwrap();
        let version: String = version.chars().filter(char::is_ascii_alphanumeric).collect();
        let template = Path::new(env!("CARGO_TARGET_TMPDIR")).join(version);
        self.give(self.folder.path());
        if !template.exists() {
            let password = self.folder.path().join("password");
            std::fs::write(&password, PASSWORD).unwrap();
            let mut initdb = self.program("initdb");
            initdb.args(["-U", USER, "--auth=scram-sha-256", "--no-sync", "--wal-segsize=1"]);
            initdb.args(["--encoding=UTF8", "--no-locale"]);
            initdb.arg("--pwfile").arg(password).arg("-D").arg(self.data());
            run(&mut initdb);
            let mine = template.with_extension(std::process::id().to_string());
            run(Command::new("cp").arg("-a").arg(self.data()).arg(&mine));
            if std::fs::rename(&mine, &template).is_err() {
                // Another test was first.
                let _ = std::fs::remove_dir_all(mine);
            }
            return;
        }
        run(Command::new("cp").arg("-a").arg(template).arg(self.data()));
        if let Some((user, group)) = self.account {
            run(Command::new("chown").args(["-R", &format!("{user}:{group}")]).arg(self.data()));
        }
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.stdin(Stdio::null()).current_dir("/").env("LC_ALL", "C");
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("PostgreSQL's log:\n{}", self.log());
        }
        let Some(mut server) = self.server.take() else { return };
        // INT: sessions are ended and the memory is given back; KILL would leave some of it behind.
        let _ = Command::new("kill").args(["-INT", &server.id().to_string()]).status();
        let give_up = Instant::now() + PATIENCE;
        while matches!(server.try_wait(), Ok(None)) && Instant::now() < give_up {
            std::thread::sleep(POLL);
        }
        let _ = server.kill();
        let _ = server.wait();
    }
}

/// Where `initdb` and `postgres` are: in the path, or where packages put them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for (place, rest) in
        [("/usr/lib/postgresql", "bin"), ("/usr", "bin"), ("/usr/local/opt", "bin")]
    {
        let Ok(entries) = std::fs::read_dir(place) else { continue };
        let entries = entries.filter_map(|entry| Some(entry.ok()?.path().join(rest)));
        folders.extend(entries);
    }
    let both =
        |folder: &PathBuf| ["initdb", "postgres"].iter().all(|name| folder.join(name).exists());
    folders.into_iter().find(both)
}

/// The user and group of an account.
fn account(name: &str) -> Option<(u32, u32)> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mine = fields.into_iter().find(|fields| fields[0] == name)?;
    Some((mine.get(2)?.parse().ok()?, mine.get(3)?.parse().ok()?))
}

fn run(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error: io::Error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
