//! `patchcord replay`: recorded calls in virtual time.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::{CommandResult, Rehearsed, models_ready, words};
use crate::agents::Agents;
use crate::captured::{self, CapturedCall};
use crate::finished::Finished;
use crate::labels;
use crate::replay::{self, Engines};
use crate::report::{self, Pen};

#[derive(Args)]
pub(super) struct Options {
    /// Recorded callers: WAV files, with a labels.jsonl beside them if there is one, and captures (.pcapng) of the media
    /// of a call; the sample calls if none
    #[arg(value_name = "CALL")]
    calls: Vec<PathBuf>,
    /// The caller's stream in captures that do not tell, such as 0x1a2b3c4d
    #[arg(long, value_name = "SSRC", value_parser = ssrc)]
    ssrc: Option<u32>,
    #[command(flatten)]
    rehearsed: Rehearsed,
}

pub(super) fn run(options: &Options) -> CommandResult {
    let desk = options.rehearsed.desk()?;
    let (captures, recordings): (Vec<PathBuf>, Vec<PathBuf>) =
        options.calls.iter().cloned().partition(|path| is_capture(path));
    let samples = match options.calls.as_slice() {
        [] => labels::embedded(),
        _ => labels::files(&recordings),
    }
    .map_err(words)?;
    let captures = captures.iter().map(|path| captured::open(path, options.ssrc));
    let captures: Vec<CapturedCall> = captures.collect::<Result<_, _>>().map_err(words)?;
    let mut engines = Engines::load(&models_ready()?)?;
    let agents = Agents::embedded();
    let json = options.rehearsed.json;
    let pen = Pen::for_stdout();
    if !json {
        println!("{}\n", pen.legend());
    }
    let began = Instant::now();
    let mut finished = Vec::new();
    let mut tell = |call: Finished| {
        println!("{}", if json { report::json(&call) } else { pen.draw(&call) });
        finished.push(call);
    };
    for sample in &samples {
        tell(replay::replay(&desk, &agents, &mut engines, sample));
    }
    for capture in &captures {
        tell(replay::replay_capture(&desk, &agents, &mut engines, capture));
    }
    if !json {
        let took = began.elapsed().as_secs_f64();
        let life: f64 = finished.iter().map(|call| call.record.lasted().as_secs_f64()).sum();
        println!("\n{}", report::summary(&finished));
        println!("{life:.1} s of calls in {took:.1} s: {:.1} times faster than life", life / took);
    }
    let as_expected = finished.iter().all(Finished::as_expected);
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn is_capture(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("pcapng"))
}

fn ssrc(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u32::from_str_radix(digits, 16).map_err(|_| "not 32 bits in hexadecimal".to_owned())
}
