//! `patchcord replay`: recorded calls, and journals of calls, in virtual time.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use call::journal::Document;
use clap::Args;
use serde_json::json;

use super::{CommandResult, Rehearsed, models_ready, words};
use crate::agents::Agents;
use crate::captured::{self, CapturedCall};
use crate::desk::DeskError;
use crate::finished::Finished;
use crate::journals::again::{Replaced, Replayer};
use crate::labels;
use crate::replay::{self, Engines};
use crate::report::{self, Pen};

#[derive(Args)]
pub(super) struct Options {
    /// Recorded callers: WAV files, with a labels.jsonl beside them if there is one, captures (.pcapng) of the media of a
    /// call, and journals (.journal), which are held to what the call did; the sample calls if none
    #[arg(value_name = "CALL")]
    calls: Vec<PathBuf>,
    /// The caller's stream in captures that do not tell, such as 0x1a2b3c4d
    #[arg(long, value_name = "SSRC", value_parser = ssrc)]
    ssrc: Option<u32>,
    /// A flow in place of the one in journals
    #[arg(long, value_name = "FILE")]
    flow: Option<PathBuf>,
    #[command(flatten)]
    rehearsed: Rehearsed,
}

pub(super) fn run(options: &Options) -> CommandResult {
    let (journals, calls): (Vec<PathBuf>, Vec<PathBuf>) =
        options.calls.iter().cloned().partition(|path| is(path, "journal"));
    if options.flow.is_some() && journals.is_empty() {
        return Err("--flow is for journals, and none is named\n  mend: name one, CHANNEL.journal, or serve calls with the flow".to_owned());
    }
    let same = again(options, &journals)?;
    if !journals.is_empty() && calls.is_empty() {
        return Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let desk = options.rehearsed.desk()?;
    let (captures, recordings): (Vec<PathBuf>, Vec<PathBuf>) =
        calls.iter().cloned().partition(|path| is(path, "pcapng"));
    let samples = match calls.as_slice() {
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
    Ok(if as_expected && same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Replays journals; whether each call came to the same.
fn again(options: &Options, journals: &[PathBuf]) -> Result<bool, String> {
    let json = options.rehearsed.json;
    let mut replayer = Replayer::new(replaced(options)?);
    let mut same = true;
    for path in journals {
        let replayed = replayer.replay(path).map_err(words)?;
        let (lines, whole) = (replayed.journal.lines(), replayed.journal.is_whole());
        let difference = replayed.difference.as_ref();
        // Nobody can tell a change from what was not kept.
        same &= difference.is_none_or(|difference| difference.after_card);
        if json {
            let difference = difference.map(|it| {
                json!({
                    "line": it.line, "at_ms": it.at.as_secs_f64() * 1e3, "expected": it.expected,
                    "came": it.came, "after_card": it.after_card,
                })
            });
            let path = path.display().to_string();
            println!(
                "{}",
                json!({ "journal": path, "lines": lines, "whole": whole, "difference": difference })
            );
            continue;
        }
        let path = path.display();
        match difference {
            Some(difference) => println!("{path}: {difference}"),
            None if whole => println!("{path}: identical, {lines} lines"),
            None => println!("{path}: identical, {lines} lines; it was cut off there"),
        }
    }
    Ok(same)
}

/// What stands in for the documents of journals.
fn replaced(options: &Options) -> Result<Replaced, String> {
    let document = |path: &PathBuf| {
        let text = std::fs::read_to_string(path)
            .map_err(|source| words(DeskError::Read { path: path.clone(), source }))?;
        Ok::<_, String>(Document { file: path.display().to_string(), text })
    };
    let receptionist = options.rehearsed.receptionist.as_ref().map(document).transpose()?;
    Ok(Replaced { receptionist, flow: options.flow.clone() })
}

fn is(path: &Path, kind: &str) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(kind))
}

fn ssrc(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u32::from_str_radix(digits, 16).map_err(|_| "not 32 bits in hexadecimal".to_owned())
}
