//! `patchcord eval`: how well callers are understood, measured on data of one's own.

mod intents;

use clap::Subcommand;

use super::CommandResult;

#[derive(Subcommand)]
pub(super) enum Eval {
    /// Learn intents from one file of phrases and test them on another
    Intents(intents::Options),
}

pub(super) fn run(eval: &Eval) -> CommandResult {
    match eval {
        Eval::Intents(options) => intents::run(options),
    }
}
