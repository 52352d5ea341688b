//! `patchcord flow` and `patchcord test`: flows that are checked, rehearsed, and kept in the store.

mod stored;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use flow::{Flow, rehearse};

use super::{CommandResult, words};
use crate::desk::Desk;
use crate::flows;
use crate::journals::whatif::{self, Draft, Verdict};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Checks flows, and tells every mistake with its line and its mend
    Check(Files),
    #[command(flatten)]
    Stored(stored::Action),
    /// Replays what callers did in calls of the past against a draft of a flow, and lists those that would go elsewhere;
    /// exit code 1 if there are any
    Whatif(WhatIf),
}

#[derive(Args)]
pub(super) struct WhatIf {
    /// The draft, in TOML or JSON
    #[arg(value_name = "FLOW")]
    draft: PathBuf,
    /// The folder with the journals
    #[arg(long, value_name = "FOLDER")]
    journals: PathBuf,
    /// Only the last so many calls
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// The receptionist's file whose names the draft uses; the calls' own if it is left out
    #[arg(long, value_name = "FILE")]
    receptionist: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Files {
    /// Flows, in TOML or JSON
    #[arg(required = true, value_name = "FLOW")]
    flows: Vec<PathBuf>,
    /// The receptionist's file whose destinations, intents and slots the flows use; the sample one if it is left out
    #[arg(long, value_name = "FILE")]
    receptionist: Option<PathBuf>,
}

pub(super) fn run(action: &Action) -> CommandResult {
    match action {
        Action::Check(files) => check(files),
        Action::Stored(action) => stored::run(action),
        Action::Whatif(options) => what_if(options),
    }
}

fn check(files: &Files) -> CommandResult {
    each(files, |path, flow| {
        let nodes = flow.nodes().count();
        let tests = flow.document().test.len();
        println!(
            "{}: {} is well formed: {nodes} nodes, {tests} tests",
            path.display(),
            flow.name()
        );
        Ok(true)
    })
}

fn what_if(options: &WhatIf) -> CommandResult {
    let journals = whatif::journals(&options.journals, options.last)?;
    let mut draft = Draft::new(options.draft.clone(), options.receptionist.clone());
    let (mut same, mut elsewhere, mut unknown) = (0, 0, 0);
    for path in &journals {
        let name = path.file_stem().unwrap_or_default().display();
        match draft.judge(path)? {
            Verdict::Same(_) => same += 1,
            Verdict::Elsewhere { then, now } => {
                elsewhere += 1;
                println!("{name}: went to {then}, would go to {now}");
            }
            Verdict::Unknown(why) => {
                unknown += 1;
                println!("{name}: cannot be judged: {why}");
            }
        }
    }
    let count = journals.len();
    println!("{count} calls: {same} as before, {elsewhere} elsewhere, {unknown} cannot be judged");
    Ok(if elsewhere == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the tests that are stored with flows.
pub(super) fn test(files: &Files) -> CommandResult {
    each(files, |path, flow| {
        let rehearsals = rehearse(flow).map_err(words)?;
        if rehearsals.is_empty() {
            println!("{}: no tests", path.display());
        }
        for rehearsal in &rehearsals {
            match &rehearsal.difference {
                None => println!("{}: {}: as expected", path.display(), rehearsal.name),
                Some(difference) => {
                    println!("{}: {}: {difference}", path.display(), rehearsal.name);
                }
            }
        }
        Ok(rehearsals.iter().all(|rehearsal| rehearsal.difference.is_none()))
    })
}

/// Does something with each flow that is well formed; how all of them went.
fn each(
    files: &Files,
    mut does: impl FnMut(&Path, &Arc<Flow>) -> Result<bool, String>,
) -> CommandResult {
    let book = match &files.receptionist {
        Some(path) => Desk::names(path).map_err(words)?,
        None => Desk::embedded_names().map_err(words)?,
    };
    let mut well = true;
    for path in &files.flows {
        match flows::open(path, &book) {
            Ok(flow) => well &= does(path, &Arc::new(flow))?,
            Err(error) => {
                println!("{error}");
                well = false;
            }
        }
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
