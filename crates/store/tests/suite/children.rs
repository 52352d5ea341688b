//! Other processes, which can be killed: this test program itself, asked for one of its parts.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use store::{Location, Store, Writer, WriterConfig};

use crate::ground::{call, zone};

/// A process that prints a line whenever something is done.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// One that keeps an SQLite file locked.
    pub(crate) fn locking(file: &Path) -> Child {
        let mut child =
            Child::start("keeps_a_file_locked", &[("STORE_FILE", file.to_str().unwrap())]);
        assert_eq!(child.next(), "locked");
        child
    }

    /// One that writes calls `PREFIX-0`, `PREFIX-1`..., and prints the number of each that is on the disk.
    pub(crate) fn writing(prefix: &str, address: &str, spool: &Path) -> Child {
        let spool = spool.to_str().unwrap();
        let variables =
            [("STORE_PREFIX", prefix), ("STORE_ADDRESS", address), ("STORE_SPOOL", spool)];
        Child::start("writes_until_it_is_killed", &variables)
    }

    fn start(part: &str, variables: &[(&str, &str)]) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let name = format!("children::{part}");
        command.args(["--exact", &name, "--ignored", "--nocapture", "--test-threads=1"]);
        command.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Child { process, lines }
    }

    /// What it prints next.
    pub(crate) fn next(&mut self) -> String {
        loop {
            let line = self.lines.next().expect("the child goes on").unwrap();
            // The test harness prints lines of its own.
            if let Some((_, said)) = line.split_once("child: ") {
                return said.to_owned();
            }
        }
    }

    /// Ends it as a crash would, and gives what it had printed until then.
    pub(crate) fn kill_and_read(&mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let rest = self.lines.by_ref().map_while(Result::ok);
        let said = |line: String| line.split_once("child: ").map(|(_, said)| said.to_owned());
        rest.filter_map(said).collect()
    }

    pub(crate) fn kill(mut self) {
        self.kill_and_read();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[test]
#[ignore = "the other process of other tests"]
fn keeps_a_file_locked() {
    let Some(file) = variable("STORE_FILE") else { return };
    let db = rusqlite::Connection::open(file).unwrap();
    db.busy_timeout(Duration::from_secs(30)).unwrap();
    db.execute_batch("BEGIN EXCLUSIVE").unwrap();
    println!("child: locked");
    loop {
        std::thread::park();
    }
}

#[tokio::test]
#[ignore = "the other process of other tests"]
async fn writes_until_it_is_killed() {
    let Some(prefix) = variable("STORE_PREFIX") else { return };
    let location = Location::parse(&variable("STORE_ADDRESS").unwrap()).unwrap();
    let config = WriterConfig::new(variable("STORE_SPOOL").unwrap());
    let writer = Writer::start(Store::lazy(&location), config).unwrap();
    for n in 0.. {
        let id = format!("{prefix}-{n}");
        writer.write(call(&id, n)).unwrap();
        writer.write(zone(&id, "zone.enter")).unwrap();
        writer.spooled().await;
        println!("child: {n}");
    }
}
