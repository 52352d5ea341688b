//! The command line.

mod ari;
mod bench;
mod calls;
mod demo;
mod doctor;
mod eval;
mod events;
mod flow;
mod models;
mod nearest;
mod number;
mod replay;
mod rooms;
mod say;
mod serve;
mod stored;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use engines::chain::Recognition;
use engines::hearing::{Hearing, HearingConfig};
use engines::models::ModelPaths;
use tracing_subscriber::EnvFilter;

use crate::desk::Desk;
use crate::hear::Ears;
use crate::labels::{self, SampleCall};
use crate::settings::Settings;
use crate::speech::Speech;

/// An AI receptionist for Asterisk: it answers, listens, and connects callers while they still speak.
#[derive(Parser)]
#[command(version, about)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play the sample calls to the sample receptionist over real sockets; nothing else is needed
    Demo(demo::Options),
    /// Answer the calls of a real Asterisk
    Serve(serve::Options),
    /// Run recorded calls through the same pipeline in virtual time
    Replay(replay::Options),
    /// Look for what keeps calls from being answered; exit code 0 well, 1 warnings, 2 failures
    Doctor(doctor::Options),
    /// Print what happens in Asterisk, one line an event
    Events(events::Options),
    /// Call any operation of Asterisk's REST interface by its path
    Ari(ari::Options),
    /// Fetch, list or verify the speech models
    #[command(subcommand)]
    Models(models::Action),
    /// Try how well callers are heard and understood
    #[command(subcommand)]
    Eval(eval::Evaluation),
    /// Say a text, as the receptionist says its prompts
    Say(say::Options),
    /// Measure
    #[command(subcommand)]
    Bench(bench::Bench),
    /// What happens in calls
    #[command(subcommand)]
    Flow(flow::Action),
    /// Run the tests that are stored with flows
    Test(flow::Files),
    /// Which flow answers which inbound number
    #[command(subcommand)]
    Number(number::Action),
    /// The calls that are kept
    Calls(calls::Options),
    /// The rooms of a running serve, and who is in them
    #[command(subcommand)]
    Rooms(rooms::Action),
    /// The calls that go on in a running serve; listen to one
    Supervise(rooms::Supervise),
}

/// Which receptionist works on which calls.
#[derive(Args)]
struct Rehearsed {
    /// A receptionist's file in place of the sample one
    #[arg(long, value_name = "FILE")]
    receptionist: Option<PathBuf>,
    /// Print one JSON object a line, a call each
    #[arg(long)]
    json: bool,
}

/// Runs the command line and says how it went.
pub(crate) fn run() -> ExitCode {
    let filter =
        EnvFilter::try_from_env("PATCHCORD_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let result = match CommandLine::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Replay(options) => replay::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Events(options) => events::run(&options),
        Command::Ari(options) => ari::run(&options),
        Command::Models(action) => models::run(&action),
        Command::Eval(evaluation) => eval::run(&evaluation),
        Command::Say(options) => say::run(&options),
        Command::Bench(bench) => bench::run(&bench),
        Command::Flow(action) => flow::run(&action),
        Command::Test(files) => flow::test(&files),
        Command::Number(action) => number::run(&action),
        Command::Calls(options) => calls::run(&options),
        Command::Rooms(action) => rooms::run(&action),
        Command::Supervise(options) => rooms::supervise(&options),
    };
    result.unwrap_or_else(|error| {
        eprintln!("patchcord: {error}");
        ExitCode::from(2)
    })
}

/// How a command went, or why it could not be carried out, in words for the user.
type CommandResult = Result<ExitCode, String>;

fn words(error: impl std::error::Error) -> String {
    error.to_string()
}

impl Rehearsed {
    fn desk(&self) -> Result<Desk, String> {
        match &self.receptionist {
            Some(path) => Desk::open(path),
            None => Desk::embedded(),
        }
        .map_err(words)
    }
}

/// The receptionist of a configuration, ready to work. `path` is for the messages.
fn desk(settings: &Settings, path: &Path) -> Result<Desk, String> {
    let speech = Speech::new(settings.synthesis());
    let desk = Desk::open_with(&settings.receptionist(), settings.flow().as_deref(), speech);
    let tapes = settings.tapes(path).map_err(words)?;
    let models = settings.models(path).map_err(words)?;
    let desk = desk.and_then(|desk| desk.keeping(path, tapes)?.writing(path, models));
    let desk = desk.map_err(words)?;
    let dialled = settings.dialling().suit(&desk.receptionist);
    dialled.map_err(|denied| format!("{}: {denied}", path.display()))?;
    Ok(desk)
}

fn calls(folder: Option<&PathBuf>) -> Result<Vec<SampleCall>, String> {
    folder.map_or_else(labels::embedded, |folder| labels::folder(folder)).map_err(words)
}

/// The models; fetched first if they are not there.
fn models_ready() -> Result<ModelPaths, String> {
    let store = models::store()?;
    match store.paths() {
        Ok(paths) => Ok(paths),
        Err(_) => {
            models::fetch(&store)?;
            store.paths().map_err(words)
        }
    }
}

fn ears(
    workers: Option<NonZeroUsize>,
    recognition: Option<Recognition>,
) -> Result<Arc<Ears>, String> {
    let paths = models_ready()?;
    let mut config = HearingConfig { recognition, ..HearingConfig::default() };
    if let Some(workers) = workers {
        config.workers = workers;
    }
    let epoch = config.epoch;
    let hearing = Hearing::start(&paths, config).map_err(words)?;
    Ok(Arc::new(Ears { hearing, epoch }))
}

/// A runtime for the control plane, and for the media legs.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(words)
}
