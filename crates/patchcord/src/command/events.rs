//! `patchcord events`: what happens in Asterisk, as it happens, one line an event.

mod line;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use ari::{Client, ConnectionState, Delivery, Event, Mailbox, Received};
use clap::Args;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::nearest::nearest;
use super::{CommandResult, runtime, words};
use crate::settings::Settings;
use line::Look;

const EXAMPLES: &str = "\
For example:
  patchcord events --type ChannelDtmfReceived --type Dial
  patchcord events --channel 1795243053.17 --json

It takes no call and disturbs no Patchcord that serves: it looks on under an application name of its own.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// Only events of this kind, such as ChannelDtmfReceived; may be given several times
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    kinds: Vec<String>,
    /// Only events that name this channel, by its id or its name; may be given several times
    #[arg(long = "channel", value_name = "ID")]
    channels: Vec<String>,
    /// Print each event as Asterisk wrote it, one JSON object a line
    #[arg(long)]
    json: bool,
    /// The configuration file of `serve`, for where Asterisk is and who we are
    #[arg(long, value_name = "FILE", default_value = "patchcord.toml")]
    config: PathBuf,
}

/// How many events may wait for a slow terminal or pipe before some are lost.
const CAPACITY: usize = 65_536;

/// And how many bytes.
const BYTES: usize = 64 << 20;

pub(super) fn run(options: &Options) -> CommandResult {
    let settings = Settings::open(&options.config).map_err(words)?;
    let app = ari::ids::unique("patchcord-events");
    let mut config = settings.ari_for(&options.config, &app).map_err(words)?;
    (config.mailbox_capacity, config.mailbox_bytes) = (CAPACITY, BYTES);
    runtime()?.block_on(async {
        let (client, mut everything) = Client::look_on(config).await.map_err(words)?;
        eprintln!("events of {}; Ctrl-C ends", settings.ari_url());
        let shown = show(&mut everything, options).await;
        let state = client.state().borrow().clone();
        client.close().await;
        shown?;
        match state {
            ConnectionState::Replaced => Err("another client has taken our application".to_owned()),
            _ => Ok(ExitCode::SUCCESS),
        }
    })
}

/// Prints until interrupted, until nobody reads any more, or until the connection has ended for good.
async fn show(everything: &mut Mailbox, options: &Options) -> Result<(), String> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(words)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(words)?;
    loop {
        let delivery = tokio::select! {
            delivery = everything.recv() => delivery,
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        };
        match delivery {
            Some(Delivery::Event(event)) => match print(&event, options) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                printed => printed.map_err(words)?,
            },
            Some(Delivery::Lost { count }) => {
                eprintln!(
                    "{count} events are missing here: they came faster than they could be printed"
                );
            }
            Some(Delivery::ConnectionLost { cause }) => {
                eprintln!("events are missing from here on: {cause}");
            }
            Some(Delivery::Reconnected { gap }) => {
                eprintln!("connected again; the events of {:.1} s are missing", gap.as_secs_f64());
            }
            None => return Ok(()),
        }
    }
}

fn print(received: &Received, options: &Options) -> io::Result<()> {
    let text = received.json();
    let event: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let look = Look(&event);
    let wanted = options.kinds.is_empty() || options.kinds.iter().any(|kind| kind == look.kind());
    let named = options.channels.is_empty() || options.channels.iter().any(|id| look.names(id));
    if !(wanted && named) {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    if options.json { writeln!(out, "{text}") } else { writeln!(out, "{look}") }?;
    out.flush()
}

/// Asterisk's name for a kind of event, however its letters are written.
fn kind(text: &str) -> Result<String, String> {
    if let Some(kind) = Event::KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(text)) {
        return Ok((*kind).to_owned());
    }
    let near = nearest(text, Event::KINDS.iter().copied());
    Err(if near.is_empty() {
        format!("no event is called so; they are {}", Event::KINDS.join(", "))
    } else {
        format!("no event is called so; did you mean {}?", near.join(" or "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_or_suggested() {
        assert_eq!(kind("channeldtmfreceived").as_deref(), Ok("ChannelDtmfReceived"));
        let error = kind("ChannelDtmfRecieved").expect_err("a mistake");
        assert_eq!(error, "no event is called so; did you mean ChannelDtmfReceived?");
        assert!(kind("dtmf").expect_err("a mistake").contains("ChannelDtmfReceived"));
        assert!(kind("xyzzy").expect_err("a mistake").contains("they are StasisStart, "));
    }
}
