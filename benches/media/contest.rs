//! Who competes, in which order, and how it is measured.

use std::io::{self, BufRead as _, BufReader, Lines, Write as _};
use std::net::SocketAddr;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use media::bench::{self, Far, Load};

use crate::Result;
use crate::contestant::{CALLS, ENTRANT, FAR_PORT, UP};
use crate::process::Process;
use crate::rtpengine::{Found, Rtpengine};
use crate::table::{self, Round};

/// A contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrant {
    /// The packets and nothing else.
    Floor,
    /// Ours: receive, jitter buffer, decode, 8 to 16 kHz, paced send.
    Plane,
    /// The same work, as everybody writes it first.
    Obvious,
    /// Ours without 16 kHz.
    Relay,
    /// A packet in, the same packet out.
    Rtpengine,
}

impl Entrant {
    const ALL: [Entrant; 5] =
        [Entrant::Floor, Entrant::Plane, Entrant::Obvious, Entrant::Relay, Entrant::Rtpengine];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Entrant::Floor => "floor",
            Entrant::Plane => "patchcord",
            Entrant::Obvious => "obvious stack",
            Entrant::Relay => "patchcord, relay",
            Entrant::Rtpengine => "rtpengine, relay",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Entrant> {
        Self::ALL.into_iter().find(|entrant| entrant.name() == name)
    }
}

/// The contest and its table.
pub(crate) fn run(load: &Load) -> Result<()> {
    let mut entrants = Entrant::ALL.to_vec();
    if let Found::Not(reason) = Rtpengine::start()? {
        println!("media: without rtpengine: {reason}");
        entrants.retain(|entrant| *entrant != Entrant::Rtpengine);
    }
    let mut rounds = Vec::new();
    for number in 0..load.rounds.get() {
        for place in 0..entrants.len() {
            // Each follows each in turn.
            let entrant = entrants[(place + number) % entrants.len()];
            let round =
                round(load, entrant).map_err(|error| format!("{}: {error}", entrant.name()))?;
            println!("{}", table::progress(number + 1, load, entrant, &round));
            rounds.push((number, entrant, round));
        }
    }
    println!("{}", table::standings(load, &entrants, &rounds));
    Ok(())
}

fn round(load: &Load, entrant: Entrant) -> Result<Round> {
    let calls = load.calls.get();
    let socket = Far::socket()?;
    let far_port = socket.local_addr()?.port();
    match entrant {
        Entrant::Floor => {
            let cpu = bench::floor(load)?.cpu;
            Ok(Round { cpu, carried: 1.0, allocations: None, memory: None })
        }
        Entrant::Rtpengine => {
            let Found::Here(mut rtpengine) = Rtpengine::start()? else {
                return Err("it was there a moment ago".into());
            };
            let at_rest = rtpengine.process().resident()?;
            let far = Far::on(socket, &rtpengine.open(calls, far_port)?)?;
            measure(load, &far, at_rest, rtpengine.process(), || Ok(None))
        }
        Entrant::Plane | Entrant::Relay | Entrant::Obvious => {
            let (process, mut pipes) = start(entrant, calls, far_port)?;
            let at_rest = process.resident()?;
            let far = Far::on(socket, &pipes.open()?)?;
            measure(load, &far, at_rest, &process, || pipes.count().map(Some))
        }
    }
}

/// What a contestant counts itself.
#[derive(Clone, Copy)]
struct Counts {
    allocations: u64,
    heard: u64,
}

/// Has the far ends speak, and looks twice at what it costs.
fn measure(
    load: &Load,
    far: &Far,
    at_rest: u64,
    process: &Process,
    mut ask: impl FnMut() -> Result<Option<Counts>>,
) -> Result<Round> {
    far.speak();
    sleep(WARM_UP);
    let look = || -> io::Result<_> { Ok((process.cpu()?, far.sent(), far.received())) };
    // Answering costs too, so it is asked before and after.
    let counts = ask()?;
    let (cpu, sent, received) = look()?;
    sleep(load.each);
    let (cpu_then, sent_then, received_then) = look()?;
    let counts_then = ask()?;
    let memory = process.resident()?.saturating_sub(at_rest);
    let (sent, received) = (sent_then - sent, received_then - received);
    let own = counts_then.zip(counts).map(|(then, before)| Counts {
        allocations: then.allocations - before.allocations,
        heard: then.heard - before.heard,
    });
    // A relay has heard what it has sent.
    let heard = own.map_or(received, |own| own.heard);
    let frames = (heard + received) as f64 / 2.0;
    Ok(Round {
        cpu: (cpu_then - cpu).as_nanos() as f64 / frames,
        carried: heard.min(received) as f64 / sent as f64,
        allocations: own.map(|own| own.allocations as f64 / frames),
        memory: Some(memory as f64 / load.calls.get() as f64),
    })
}

/// The input and the output of a contestant of ours.
struct Pipes {
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Starts a contestant of ours; it has no calls yet.
fn start(entrant: Entrant, calls: usize, far_port: u16) -> Result<(Process, Pipes)> {
    let mut child = Command::new(std::env::current_exe()?)
        .env(ENTRANT, entrant.name())
        .env(CALLS, calls.to_string())
        .env(FAR_PORT, far_port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let input = child.stdin.take().ok_or("it has no input")?;
    let output = child.stdout.take().ok_or("it has no output")?;
    let process = Process(child);
    let mut pipes = Pipes { input, lines: BufReader::new(output).lines() };
    match pipes.line()?.as_str() {
        UP => Ok((process, pipes)),
        other => Err(format!("it said {other}").into()),
    }
}

impl Pipes {
    /// Has it open its calls; says where each hears.
    fn open(&mut self) -> Result<Vec<SocketAddr>> {
        let addresses = self.ask("open")?;
        Ok(addresses.split(' ').map(str::parse).collect::<std::result::Result<_, _>>()?)
    }

    fn count(&mut self) -> Result<Counts> {
        let line = self.ask("count")?;
        let (allocations, heard) = line.split_once(' ').ok_or("it does not count")?;
        Ok(Counts { allocations: allocations.parse()?, heard: heard.parse()? })
    }

    fn ask(&mut self, question: &str) -> Result<String> {
        writeln!(self.input, "{question}")?;
        self.line()
    }

    fn line(&mut self) -> Result<String> {
        Ok(self.lines.next().transpose()?.ok_or("it ended")?)
    }
}

/// How long the far ends speak before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);
