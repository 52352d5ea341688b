//! `patchcord demo`: the main job on embedded defaults.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::{CommandResult, Rehearsed, calls, ears, runtime};
use crate::journals::Journals;
use crate::rehearsal;
use crate::report::{self, Pen};

#[derive(Args)]
pub(super) struct Options {
    /// A folder with recorded callers in place of the sample ones
    #[arg(long, value_name = "DIR")]
    calls: Option<PathBuf>,
    /// How many callers at a time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    at_once: u16,
    /// Write a journal of each call into this folder, which is there
    #[arg(long, value_name = "DIR")]
    journals: Option<PathBuf>,
    #[command(flatten)]
    rehearsed: Rehearsed,
}

pub(super) fn run(options: &Options) -> CommandResult {
    let desk = Arc::new(options.rehearsed.desk()?);
    let samples = calls(options.calls.as_ref())?;
    let ears = ears(None, None)?;
    let journals = options.journals.clone().map(Journals::start).transpose()?.map(Arc::new);
    let json = options.rehearsed.json;
    let pen = Pen::for_stdout();
    if !json {
        println!(
            "{}: {} recorded callers ring, {} at a time.",
            desk.receptionist.name,
            samples.len(),
            options.at_once
        );
        println!("{}\n", pen.legend());
    }
    let mut finished = Vec::new();
    let at_once = options.at_once.into();
    runtime()?.block_on(rehearsal::run(desk, ears, &samples, at_once, journals, |call| {
        println!("{}", if json { report::json(&call) } else { pen.draw(&call) });
        finished.push(call);
    }))?;
    if !json {
        println!("\n{}", report::summary(&finished));
    }
    let as_expected = finished.iter().all(crate::finished::Finished::as_expected);
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
