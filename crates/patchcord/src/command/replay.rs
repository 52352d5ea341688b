//! `patchcord replay`: recorded calls in virtual time.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::{CommandResult, Rehearsed, models_ready, words};
use crate::agents::Agents;
use crate::labels;
use crate::replay::{self, Engines};
use crate::report::{self, Pen};

#[derive(Args)]
pub(super) struct Options {
    /// Recorded callers: WAV files, with a labels.jsonl beside them if there is one; the sample calls if none
    #[arg(value_name = "CALL.wav")]
    calls: Vec<PathBuf>,
    #[command(flatten)]
    rehearsed: Rehearsed,
}

pub(super) fn run(options: &Options) -> CommandResult {
    let desk = options.rehearsed.desk()?;
    let samples = match options.calls.as_slice() {
        [] => labels::embedded(),
        files => labels::files(files),
    }
    .map_err(words)?;
    let mut engines = Engines::load(&models_ready()?)?;
    let agents = Agents::embedded();
    let json = options.rehearsed.json;
    let pen = Pen::for_stdout();
    if !json {
        println!("{}\n", pen.legend());
    }
    let began = Instant::now();
    let mut finished = Vec::new();
    for sample in &samples {
        let call = replay::replay(&desk, &agents, &mut engines, sample);
        println!("{}", if json { report::json(&call) } else { pen.draw(&call) });
        finished.push(call);
    }
    if !json {
        let took = began.elapsed().as_secs_f64();
        let life: f64 = finished.iter().map(|call| call.record.lasted().as_secs_f64()).sum();
        println!("\n{}", report::summary(&finished));
        println!("{life:.1} s of calls in {took:.1} s: {:.1} times faster than life", life / took);
    }
    let as_expected = finished.iter().all(crate::finished::Finished::as_expected);
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
