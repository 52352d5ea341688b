//! `patchcord serve`: a receptionist at a real Asterisk.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use store::{Live, Store, Writer, WriterConfig};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::{CommandResult, calls, desk, ears, runtime, words};
use crate::capture::Capture;
use crate::conferences::Conferences;
use crate::control::Control;
use crate::desk::Desk;
use crate::desks::Desks;
use crate::dialling::Dialling;
use crate::driver::{Driven, Lookups, Shared, Tap};
use crate::finished::Finished;
use crate::journals::Journals;
use crate::keep::Keeper;
use crate::labels::SampleCall;
use crate::live_calls::LiveCalls;
use crate::media_road::MediaRoad;
use crate::report::{self, Pen};
use crate::settings::{Settings, StoreSettings};
use crate::tapes::Tapes;
use crate::{rehearsal, service};

#[derive(Args)]
pub(super) struct Options {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Recordings that callers will play, each calling under the name of its file: measures the clocks against labels
    #[arg(long, value_name = "DIR")]
    rehearse: Option<PathBuf>,
    /// Print one JSON object a line, a call each
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> CommandResult {
    let settings = Settings::open(&options.config).map_err(words)?;
    let desk = Arc::new(desk(&settings, &options.config)?);
    let tapes = Some(Arc::new(Tapes::start(desk.places.clone())?));
    let config = settings.ari(&options.config).map_err(words)?;
    let media = settings.media().map_err(words)?;
    let capture = settings.capture(&options.config).map_err(words)?;
    let journals = settings.journals(&options.config).map_err(words)?;
    if let Some(capture) = &capture {
        let folder = capture.folder.display();
        eprintln!(
            "warning: what callers say, and the keys that they press, is written to {folder}"
        );
    }
    if let Some(folder) = &journals {
        let folder = folder.display();
        eprintln!("warning: who calls, and what they say and press, is written to {folder}");
    }
    let journals = journals.map(Journals::start).transpose()?.map(Arc::new);
    let capture = capture.map(Capture::start).transpose()?.map(Arc::new);
    if let Some(exposed) = settings.exposed_password() {
        eprintln!("warning: {exposed}");
    }
    let store = settings.store(&options.config).map_err(words)?;
    if let Some(exposed) = store.as_ref().and_then(|store| store.exposed.as_ref()) {
        eprintln!("warning: {exposed}");
    }
    let control = settings.control(&options.config).map_err(words)?;
    let recordings = match &options.rehearse {
        Some(folder) => calls(Some(folder))?,
        None => Vec::new(),
    };
    let recordings: HashMap<String, SampleCall> =
        recordings.into_iter().map(|sample| (sample.name.clone(), sample)).collect();
    let runtime = runtime()?;
    let recognition =
        settings.recognition(&options.config, runtime.handle().clone()).map_err(words)?;
    let ears = ears(settings.workers(), Some(recognition))?;
    let (json, pen) = (options.json, Pen::for_stdout());
    runtime.block_on(async {
        let name = desk.receptionist.name.clone();
        let url = settings.ari_url().to_owned();
        let (desks, keeper) = match store {
            Some(store) => open(&store, desk).await?,
            None => (Desks::from(desk), Keeper::default()),
        };
        let (client, arrivals) = ari::Client::connect(config).await.map_err(words)?;
        let tap = if recordings.is_empty() { Tap::Off } else { Tap::On };
        let road = Arc::new(MediaRoad::build(&media, &client).await?);
        let lookups = Lookups::new()?;
        let (client_of_calls, kept) = (client.clone(), keeper.clone());
        let shared = Shared {
            desks,
            client: client_of_calls,
            ears,
            road,
            dialling: Arc::new(Dialling::new(settings.dialling())),
            conferences: Conferences::default(),
            calls: LiveCalls::default(),
            lookups,
            tap,
            capture,
            journals,
            tapes,
            keeper,
        };
        let control = match control {
            Some(settings) => Some(Control::open(settings, &shared).await?),
            None => None,
        };
        let (over, mut driven) = mpsc::unbounded_channel::<Driven>();
        let (stop, stopped) = watch::channel(false);
        let mut service = tokio::spawn(service::serve(shared, arrivals, over, stopped));
        eprintln!("{name} answers the calls of {url}");
        let mut interrupt = signal(SignalKind::interrupt()).map_err(words)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(words)?;
        let mut taken = 0_usize;
        let left = loop {
            tokio::select! {
                Some(call) = driven.recv() => {
                    taken += 1;
                    let call = finished(call, &recordings);
                    println!("{}", if json { report::json(&call) } else { pen.draw(&call) });
                }
                left = &mut service => break left.map_err(words)?,
                _ = interrupt.recv() => { stop.send_replace(true); }
                _ = terminate.recv() => { stop.send_replace(true); }
            }
        };
        while let Ok(call) = driven.try_recv() {
            taken += 1;
            let call = finished(call, &recordings);
            println!("{}", if json { report::json(&call) } else { pen.draw(&call) });
        }
        if let Some(control) = control {
            control.close().await;
        }
        let state = client.state().borrow().clone();
        client.close().await;
        if let Some(left) = kept.stop(LAST_WORDS).await {
            eprintln!("warning: {left}");
        }
        eprintln!("{taken} calls taken, {left} cut off at the end");
        match state {
            ari::ConnectionState::Replaced => {
                Err("another client has taken the application over; Patchcord has stopped\n  \
                 mend: give each instance an application of its own"
                    .to_owned())
            }
            _ => Ok(ExitCode::SUCCESS),
        }
    })
}

/// How long the store may take what the last calls left, before that waits in the spool.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The store: what calls go through, and where they are kept. It may be away: then calls go through what was last seen of
/// it, and what they leave waits on the disk.
async fn open(settings: &StoreSettings, desk: Arc<Desk>) -> Result<(Desks, Keeper), String> {
    let store = Store::lazy(&settings.location);
    let writer = Writer::start(store.clone(), WriterConfig::new(&settings.spool)).map_err(words)?;
    let keeper = Keeper::new(writer);
    let live = Live::start_kept(store, settings.last_seen()).await;
    let desks = Desks::follow(desk, live, keeper.clone()).await;
    Ok((desks, keeper))
}

fn finished(call: Driven, recordings: &HashMap<String, SampleCall>) -> Finished {
    match recordings.get(&call.caller) {
        Some(sample) => rehearsal::judge(call, sample),
        None => {
            let mut finished = Finished::new(call.caller, call.record, None, None);
            finished.opening = Some(call.opening);
            finished
        }
    }
}
