//! `patchcord eval`: how well callers are heard and understood.

mod speech;

use clap::Subcommand;

use super::CommandResult;

#[derive(Subcommand)]
pub(super) enum Evaluation {
    /// Recorded utterances, heard as over a telephone and understood as in a call
    Speech(speech::Options),
}

pub(super) fn run(evaluation: &Evaluation) -> CommandResult {
    match evaluation {
        Evaluation::Speech(options) => speech::run(options),
    }
}
