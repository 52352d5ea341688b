//! A contestant's process: what it is told, what it says, what it costs.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::contest::Entrant;
use crate::wire::Access;

/// The variable that makes this program a contestant.
pub(crate) const ENTRANT: &str = "BENCH_ENTRANT";

/// Running until it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Open for as long as the contestant is to run.
    _input: Option<ChildStdin>,
}

/// What a contestant says; `contestant.rs` has the meaning.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    Call { joined: Duration, media: Duration },
    Flood { events: u64, first: Duration, last: Duration },
    Road { road: String, operation: String, took: Duration },
}

impl Process {
    /// Starts a contestant and waits until it is ready.
    pub(crate) async fn start(
        entrant: Entrant,
        access: &Access,
        ports: usize,
        script: Option<&Path>,
    ) -> io::Result<Process> {
        let mut command = match script.filter(|_| entrant == Entrant::Npm) {
            Some(script) => {
                let mut node = Command::new("node");
                node.arg(script);
                node
            }
            None => Command::new(std::env::current_exe()?),
        };
        let Access { url, user, password } = access;
        let mut child = command
            .env(ENTRANT, entrant.name())
            .envs(Access::VARIABLES.into_iter().zip([url, user, password]))
            .env("BENCH_PORTS", ports.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut process =
            Process { _input: child.stdin.take(), lines: BufReader::new(output).lines(), child };
        match process.line().await?.as_str() {
            "ready" => Ok(process),
            other => Err(io::Error::other(format!("{} said {other}", entrant.name()))),
        }
    }

    /// The next thing it says.
    pub(crate) async fn says(&mut self) -> io::Result<Line> {
        let line = self.line().await?;
        Line::parse(&line).ok_or_else(|| io::Error::other(format!("it said: {line}")))
    }

    /// The CPU time of its living threads, of which a contestant loses none.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let id = self.child.id().ok_or(io::ErrorKind::NotFound)?;
        let mut nanos = 0;
        for task in std::fs::read_dir(format!("/proc/{id}/task"))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }

    async fn line(&mut self) -> io::Result<String> {
        match timeout(PATIENCE, self.lines.next_line()).await {
            Ok(line) => line?.ok_or_else(|| io::Error::other("it ended")),
            Err(_) => Err(io::Error::other(format!("it said nothing for {PATIENCE:?}"))),
        }
    }
}

impl Line {
    fn parse(line: &str) -> Option<Line> {
        let micros = |text: &str| text.parse().ok().map(Duration::from_micros);
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["call", _, joined, media] => {
                Some(Line::Call { joined: micros(joined)?, media: micros(media)? })
            }
            ["flood", _, events, first, last] => {
                let (first, last) = (micros(first)?, micros(last)?);
                Some(Line::Flood { events: events.parse().ok()?, first, last })
            }
            ["road", _, road, operation, took] => Some(Line::Road {
                road: road.to_owned(),
                operation: operation.replace('-', " "),
                took: micros(took)?,
            }),
            _ => None,
        }
    }
}

/// The CPU time of a process whose threads come and go, to the kernel's tick of 10 ms.
pub(crate) fn cpu_with_ended_threads(id: u32) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name, in brackets, may hold spaces; user and system time are fields 14 and 15.
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    let ticks: u64 = fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

const PATIENCE: Duration = Duration::from_secs(20);
