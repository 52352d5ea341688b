//! What carrying sound costs: our media plane beside the stack that everybody writes first, and beside `rtpengine`, at
//! the same packets, turn by turn in one run.
//!
//! `cargo bench -p benches --bench media` takes two minutes; `-- --calls N --seconds S --rounds R` chooses the load, and
//! `-- --test` is a smoke of some seconds. `rtpengine` sits out where `tests/rig/setup rtpengine` has not been run.
//!
//! As many far ends as there are calls speak and are spoken to every 20 ms, over loopback, in G.711. First a bare loop
//! carries their packets, and does nothing with them: that is the floor. Each contestant is a process of its own, so that
//! the CPU time of all its threads can be told, and its memory. A call-frame is one packet received and one sent.
//! All are ordinary threads to the system. Machines are noisy: what counts are ratios within a round, their median and their spread.
//!
//! Ours and the obvious stack count their allocations, which is a hundredth of what the obvious one takes.
#![allow(clippy::print_stdout, reason = "a bench reports")]

mod contest;
mod contestant;
mod obvious;
mod patchcord;
mod process;
mod rtpengine;
mod table;

use std::error::Error;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use media::Scheduling;
use media::bench::Load;

use crate::contest::Entrant;

/// Of this program, whatever fails.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    if let Ok(name) = std::env::var(contestant::ENTRANT) {
        let entrant = Entrant::named(&name).ok_or_else(|| format!("no contestant {name}"))?;
        return compete(entrant);
    }
    contest::run(&load(std::env::args().collect())?)
}

/// This process is a contestant.
fn compete(entrant: Entrant) -> Result<()> {
    match entrant {
        Entrant::Plane => contestant::serve(patchcord::wide),
        Entrant::Relay => contestant::serve(patchcord::narrow),
        Entrant::Obvious => contestant::serve(obvious::open),
        Entrant::Floor | Entrant::Rtpengine => Err("it is no process of this program".into()),
    }
}

/// What the arguments ask for. Those that are not ours are cargo's.
fn load(arguments: Vec<String>) -> Result<Load> {
    let smoke = arguments.iter().any(|argument| argument == "--test");
    let (calls, milliseconds, rounds) = if smoke { (20, 300, 1) } else { (500, 4000, 5) };
    let calls = value(&arguments, "--calls")?.unwrap_or(calls);
    if calls % 2 == 1 {
        return Err(format!("--calls {calls}: it must be even, as a relay has two ends").into());
    }
    let seconds: Option<f64> = value(&arguments, "--seconds")?;
    let each = match seconds.map(Duration::try_from_secs_f64) {
        Some(each) => each?,
        None => Duration::from_millis(milliseconds),
    };
    Ok(Load {
        calls: NonZeroUsize::new(calls).ok_or("--calls 0: nothing to measure")?,
        each,
        rounds: NonZeroUsize::new(value(&arguments, "--rounds")?.unwrap_or(rounds))
            .ok_or("--rounds 0: nothing to measure")?,
        scheduling: Scheduling::Ordinary,
        ..Load::default()
    })
}

fn value<T: FromStr>(arguments: &[String], name: &str) -> Result<Option<T>> {
    let Some(place) = arguments.iter().position(|argument| argument == name) else {
        return Ok(None);
    };
    let text = arguments.get(place + 1).ok_or_else(|| format!("{name} lacks its number"))?;
    Ok(Some(text.parse().map_err(|_| format!("{name} {text}: not a number"))?))
}
