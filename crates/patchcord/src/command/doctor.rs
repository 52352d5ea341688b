//! `patchcord doctor`: what keeps calls from being answered, each finding with its mend.

mod asterisk;
mod media_check;
mod store_check;

use std::path::PathBuf;
use std::process::ExitCode;

use ari::{Client, ConnectError, Reason, RequestError};
use clap::Args;
use engines::models::FileState;

use super::{CommandResult, desk, models, runtime};
use crate::settings::Settings;

#[derive(Args)]
pub(super) struct Options {
    /// The configuration file of `serve`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// What was looked at, and how it is.
struct Finding {
    what: &'static str,
    state: State,
    says: String,
    /// What to do; empty where all is well, and where what is said names the mend already.
    mend: String,
}

/// How a thing is. The exit code is that of the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Well,
    /// Good to know; nothing keeps calls from being answered.
    Note,
    Warning,
    Failure,
}

impl State {
    fn exit_code(self) -> ExitCode {
        match self {
            Self::Well | Self::Note => ExitCode::SUCCESS,
            Self::Warning => ExitCode::from(1),
            Self::Failure => ExitCode::from(2),
        }
    }
}

/// The password in `assets/asterisk/ari.conf`.
const SAMPLE_PASSWORD: &str = "change-me";

/// The application under which the doctor looks, so that no serving Patchcord is disturbed.
const APP: &str = "patchcord-doctor";

pub(super) fn run(options: &Options) -> CommandResult {
    let mut findings = Vec::new();
    examine(options, &mut findings)?;
    for finding in &findings {
        let sign = match finding.state {
            State::Well => "ok     ",
            State::Note => "note   ",
            State::Warning => "warning",
            State::Failure => "FAILURE",
        };
        println!("{sign}  {:<12} {}", finding.what, finding.says);
        if !finding.mend.is_empty() {
            println!("         {:<12} mend: {}", "", finding.mend);
        }
    }
    let worst = findings.iter().map(|finding| finding.state).max().unwrap_or(State::Well);
    Ok(worst.exit_code())
}

fn examine(options: &Options, findings: &mut Vec<Finding>) -> Result<(), String> {
    findings.push(look_at_models());
    let settings = match Settings::open(&options.config) {
        Ok(settings) => settings,
        Err(error) => {
            findings.push(failure("settings", error.to_string(), ""));
            return Ok(());
        }
    };
    let desk = match desk(&settings, &options.config) {
        Ok(desk) => {
            findings
                .push(well("receptionist", format!("{} is well formed", desk.receptionist.name)));
            Some(desk)
        }
        Err(error) => {
            findings.push(failure("receptionist", error, ""));
            None
        }
    };
    match settings.store(&options.config) {
        Ok(None) => {}
        Ok(Some(store)) => runtime()?.block_on(store_check::look(&store, desk, findings)),
        Err(error) => findings.push(failure("store", error.to_string(), "")),
    }
    let ours = settings.ari(&options.config);
    let configs = ours.and_then(|ours| Ok((settings.ari_for(&options.config, APP)?, ours)));
    let (config, app) = match configs {
        Ok((config, ours)) => (config, ours.app().to_owned()),
        Err(error) => {
            findings.push(failure("settings", error.to_string(), ""));
            return Ok(());
        }
    };
    if settings.password_is(SAMPLE_PASSWORD) {
        findings.push(warning(
            "password",
            "the ARI password is the one of the sample configuration".to_owned(),
            "put a long random one into ari.conf and into Patchcord's configuration",
        ));
    }
    runtime()?.block_on(async {
        let url = settings.ari_url().to_owned();
        let (client, _arrivals) = match Client::connect(config).await {
            Ok(connected) => connected,
            Err(error) => {
                findings.push(not_connected(&url, &error));
                return;
            }
        };
        findings.push(well("asterisk", format!("{url} is reached and lets us in")));
        asterisk::look(&client, &app, findings).await;
        findings.push(
            match media_check::round_trip(&client, settings.media_address()).await {
                Ok(says) => well("media", says),
                Err(cause) => failure(
                    "media",
                    cause,
                    "set [media] address to an address of this machine that Asterisk can reach by UDP, and check the firewall and rtp.conf",
                ),
            },
        );
        client.close().await;
    });
    Ok(())
}

fn look_at_models() -> Finding {
    let entries = match models::store() {
        Ok(store) => store.verify(),
        Err(error) => return failure("models", error, ""),
    };
    match entries.iter().find(|entry| entry.state != FileState::Present) {
        None => well("models", format!("{} files, checksums right", entries.len())),
        Some(bad) => failure(
            "models",
            format!("{} is {}", bad.path.display(), bad.state.word()),
            "patchcord models fetch",
        ),
    }
}

fn not_connected(url: &str, error: &ConnectError) -> Finding {
    let mend = match error {
        ConnectError::Unauthorized { .. } => {
            "compare username and password with ari.conf, then: asterisk -rx \"module reload res_ari.so\""
        }
        _ => {
            "start Asterisk; check enabled, bindaddr and bindport in http.conf and enabled in ari.conf; \
             see assets/asterisk"
        }
    };
    failure("asterisk", format!("{url}: {error}"), mend)
}

fn refused(what: &'static str, error: &RequestError) -> Finding {
    let mend = match error.reason() {
        Some(Reason::Forbidden) => "set read_only = no for this user in ari.conf",
        _ => "look into Asterisk's log",
    };
    failure(what, error.to_string(), mend)
}

fn well(what: &'static str, says: String) -> Finding {
    Finding { what, state: State::Well, says, mend: String::new() }
}

fn note(what: &'static str, says: String, mend: &str) -> Finding {
    Finding { what, state: State::Note, says, mend: mend.to_owned() }
}

fn warning(what: &'static str, says: String, mend: &str) -> Finding {
    Finding { what, state: State::Warning, says, mend: mend.to_owned() }
}

fn failure(what: &'static str, says: String, mend: &str) -> Finding {
    Finding { what, state: State::Failure, says, mend: mend.to_owned() }
}
