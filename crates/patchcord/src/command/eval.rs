//! `patchcord eval`: how well callers are heard and understood, measured on data of one's own.

mod intents;
mod speech;

use clap::Subcommand;

use super::CommandResult;

#[derive(Subcommand)]
pub(super) enum Evaluation {
    /// Recorded utterances, heard as over a telephone and understood as in a call
    Speech(speech::Options),
    /// Learn intents from one file of phrases and test them on another
    Intents(intents::Options),
}

pub(super) fn run(evaluation: &Evaluation) -> CommandResult {
    match evaluation {
        Evaluation::Speech(options) => speech::run(options),
        Evaluation::Intents(options) => intents::run(options),
    }
}
