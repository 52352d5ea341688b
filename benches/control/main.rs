//! What control costs: our `ari` crate beside the npm package `ari-client`, and beside the same requests made with a
//! plain HTTP client and written by hand, at the same work against the same real Asterisk, turn by turn in one run.
//!
//! `cargo bench -p benches --bench control` takes a minute or two; `-- --test` is a smoke of some seconds. Without
//! the rig (`tests/rig/setup`) it says so and ends; without node and npm `ari-client` sits out. The package `ari` of
//! PyPI cannot take part: its last release, 0.1.3 of 2014, imports its own modules by the rules of Python 2, and cannot
//! be imported in Python 3 (`No module named 'client'`).
//!
//! Each contestant is a process of its own, so that its CPU time can be told. Machines are noisy: what counts are
//! the ratios to the plain HTTP client of the same round, their median and their spread.
#![allow(clippy::print_stdout, reason = "a bench reports")]

mod bare;
mod contest;
mod contestant;
mod crate_ari;
mod load;
mod npm;
mod process;
mod roads;
mod table;
mod wire;

use std::error::Error;

use tests::asterisk::{Asterisk, RigError};

use crate::contest::{Effort, Entrant};
use crate::wire::Access;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Ok(name) = std::env::var(process::ENTRANT) {
        let entrant = Entrant::named(&name).ok_or_else(|| format!("no contestant {name}"))?;
        return runtime.block_on(compete(entrant));
    }
    let asterisk = match Asterisk::start() {
        Ok(asterisk) => asterisk,
        Err(RigError::Skipped(reason)) => {
            println!("control: skipped: {reason}");
            return Ok(());
        }
        Err(failed) => return Err(failed.into()),
    };
    let effort = match std::env::args().any(|argument| argument == "--test") {
        true => Effort::SMOKE,
        false => Effort::FULL,
    };
    runtime.block_on(contest::run(&asterisk, effort))
}

/// This process is a contestant.
async fn compete(entrant: Entrant) -> Result<(), Box<dyn Error + Send + Sync>> {
    let access = Access::from_environment()?;
    match entrant {
        Entrant::Bare => Ok(bare::run(access, bare::Choice::Http).await?),
        Entrant::BareSocket => Ok(bare::run(access, bare::Choice::Socket).await?),
        Entrant::Plain => Ok(bare::run(access, bare::Choice::Reqwest).await?),
        Entrant::Ari => crate_ari::run(access).await,
        Entrant::Roads => Ok(roads::run(access).await?),
        Entrant::Npm => Err("ari-client runs in node".into()),
    }
}
