//! Who competes, at what, in which order.

use std::error::Error;
use std::time::{Duration, Instant};

use tests::asterisk::Asterisk;
use tokio::time::sleep;

use crate::load::Load;
use crate::npm;
use crate::process::{Line, Process, cpu_with_ended_threads};
use crate::table::{self, Round};
use crate::wire::Access;

/// A contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entrant {
    /// The same requests with a plain HTTP client, `reqwest`: what everybody is measured by.
    Plain,
    /// Requests written by hand over HTTP: the least that can be.
    Bare,
    /// Requests written by hand over the event socket.
    BareSocket,
    /// Our crate.
    Ari,
    /// `ari-client` in node.
    Npm,
    /// Not in the contest: operation by operation over both roads.
    Roads,
}

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    rounds: usize,
    warm_up: usize,
    alone: usize,
    together: usize,
    at_once: usize,
    floods: usize,
    roads: usize,
}

impl Entrant {
    const ALL: [Entrant; 6] = [
        Entrant::Plain,
        Entrant::Bare,
        Entrant::BareSocket,
        Entrant::Ari,
        Entrant::Npm,
        Entrant::Roads,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Entrant::Bare => "by hand, HTTP",
            Entrant::BareSocket => "by hand, socket",
            Entrant::Plain => "plain HTTP client",
            Entrant::Ari => "ari (ours)",
            Entrant::Npm => "ari-client (npm)",
            Entrant::Roads => "roads",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Entrant> {
        Self::ALL.into_iter().find(|entrant| entrant.name() == name)
    }
}

impl Effort {
    pub(crate) const FULL: Effort = Effort {
        rounds: 4,
        warm_up: 10,
        alone: 20,
        together: 100,
        at_once: 16,
        floods: 4,
        roads: 60,
    };
    pub(crate) const SMOKE: Effort =
        Effort { rounds: 1, warm_up: 1, alone: 2, together: 6, at_once: 3, floods: 1, roads: 2 };

    fn calls(self) -> usize {
        self.warm_up + self.alone + self.together
    }
}

/// The contest and its table.
pub(crate) async fn run(
    asterisk: &Asterisk,
    effort: Effort,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let access = Access {
        url: asterisk.ari_url(),
        user: asterisk.username().to_owned(),
        password: asterisk.password().to_owned(),
    };
    let mut entrants = vec![Entrant::Plain, Entrant::Bare, Entrant::BareSocket, Entrant::Ari];
    let script = match npm::script() {
        Ok(script) => {
            entrants.push(Entrant::Npm);
            Some(script)
        }
        Err(reason) => {
            println!("control: without ari-client: {reason}");
            None
        }
    };
    let mut load = Load::new(asterisk, &access)?;
    let mut rounds = Vec::new();
    for number in 0..effort.rounds {
        for place in 0..entrants.len() {
            // Each follows each in turn.
            let entrant = entrants[(place + number) % entrants.len()];
            let process =
                Process::start(entrant, &access, effort.calls(), script.as_deref()).await?;
            let round = round(asterisk, &mut load, process, effort).await;
            match round {
                Ok(round) => {
                    println!("{}", table::progress(number + 1, effort.rounds, entrant, &round));
                    rounds.push((number, entrant, round));
                }
                // It loses events when Asterisk outruns it, and with them the call: its round is void, not ours.
                Err(error) if entrant == Entrant::Npm => {
                    println!("round {}  {} fell out: {error}", number + 1, entrant.name());
                    sweep(asterisk)?;
                }
                Err(error) => return Err(format!("{}: {error}", entrant.name()).into()),
            }
            empty(asterisk).await?;
        }
    }
    let walks = roads(&mut load, &access, effort.roads).await?;
    empty(asterisk).await?;
    println!("{}", table::standings(&entrants, &rounds));
    println!("{}", table::roads(&walks));
    Ok(())
}

async fn round(
    asterisk: &Asterisk,
    load: &mut Load,
    mut process: Process,
    effort: Effort,
) -> Result<Round, Box<dyn Error + Send + Sync>> {
    load.calls(&mut process, effort.warm_up, 1).await?;
    let alone = load.calls(&mut process, effort.alone, 1).await?;
    let (ours, theirs) = (process.cpu()?, cpu_with_ended_threads(asterisk.pid()?)?);
    let start = Instant::now();
    let together = load.calls(&mut process, effort.together, effort.at_once).await?;
    let took = start.elapsed();
    let calls = u32::try_from(effort.together)?;
    let (cpu, theirs) = (process.cpu()? - ours, cpu_with_ended_threads(asterisk.pid()?)? - theirs);
    let ours = process.cpu()?;
    let floods = load.floods(&mut process, effort.floods).await?;
    Ok(Round {
        alone,
        together,
        calls_per_second: f64::from(calls) / took.as_secs_f64(),
        cpu_per_call: cpu / calls,
        asterisk_per_call: theirs / calls,
        floods,
        flood_cpu: process.cpu()? - ours,
    })
}

/// Each operation over each road.
async fn roads(
    load: &mut Load,
    access: &Access,
    calls: usize,
) -> Result<Vec<Line>, Box<dyn Error + Send + Sync>> {
    let mut process = Process::start(Entrant::Roads, access, 0, None).await?;
    load.walks(&mut process, calls).await
}

/// Takes down what a contestant that fell out left behind.
fn sweep(asterisk: &Asterisk) -> Result<(), Box<dyn Error + Send + Sync>> {
    asterisk.cli("channel request hangup all")?;
    let bridges = asterisk.cli("bridge show all")?;
    for id in bridges.lines().skip(1).filter_map(|line| line.split_whitespace().next()) {
        asterisk.cli(&format!("bridge destroy {id}"))?;
    }
    Ok(())
}

/// Waits until nothing of a contestant is left in Asterisk.
async fn empty(asterisk: &Asterisk) -> Result<(), Box<dyn Error + Send + Sync>> {
    let give_up = Instant::now() + Duration::from_secs(10);
    loop {
        let holdings = asterisk.holdings()?;
        if holdings.channels == 0 && holdings.bridges == 0 {
            return Ok(());
        }
        if Instant::now() > give_up {
            return Err(format!("left behind in Asterisk: {holdings:?}").into());
        }
        sleep(Duration::from_millis(20)).await;
    }
}
