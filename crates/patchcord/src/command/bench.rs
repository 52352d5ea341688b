//! `patchcord bench`: measurements over the real sockets.

mod media;
mod soak;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::{CommandResult, Rehearsed, calls, ears, runtime};
use crate::{rehearsal, report};

#[derive(Subcommand)]
pub(super) enum Bench {
    /// Routes the sample calls and prints the three clocks
    Route(Route),
    /// Carries the sound of many calls over loopback, and prints its cost beside the host's own
    Media(media::Options),
    /// Carries the sound of many calls for long, and prints each minute whether anything grows
    Soak(soak::Options),
}

#[derive(Args)]
pub(super) struct Route {
    /// A folder with recorded callers in place of the sample ones
    #[arg(long, value_name = "DIR")]
    calls: Option<PathBuf>,
    /// How many callers at a time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    at_once: u16,
    /// How often each caller rings
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    #[command(flatten)]
    rehearsed: Rehearsed,
}

pub(super) fn run(bench: &Bench) -> CommandResult {
    match bench {
        Bench::Route(options) => route(options),
        Bench::Media(options) => media::run(options),
        Bench::Soak(options) => soak::run(options),
    }
}

fn route(route: &Route) -> CommandResult {
    let desk = Arc::new(route.rehearsed.desk()?);
    let samples = calls(route.calls.as_ref())?;
    let ears = ears(None, None)?;
    let runtime = runtime()?;
    let mut finished = Vec::new();
    for _ in 0..route.rounds {
        let (desk, ears) = (desk.clone(), ears.clone());
        let run = rehearsal::run(desk, ears, &samples, route.at_once.into(), None, |call| {
            if route.rehearsed.json {
                println!("{}", report::json(&call));
            }
            finished.push(call);
        });
        runtime.block_on(run)?;
    }
    if !route.rehearsed.json {
        println!("{} callers at a time, {} rounds", route.at_once, route.rounds);
        println!("{}", report::summary(&finished));
    }
    Ok(ExitCode::SUCCESS)
}
