//! `patchcord rooms` and `patchcord supervise`: what goes on in a running `patchcord serve`, and a hand in it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::stored::{table, who};
use super::{CommandResult, runtime, words};
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Action {
    /// Lists the rooms and who is in them
    List {
        #[command(flatten)]
        office: Office,
    },
    /// Rings a destination into a room
    Add {
        /// The room
        room: String,
        /// The destination's name
        destination: String,
        #[command(flatten)]
        office: Office,
    },
    /// Takes somebody out of a room
    Remove(Member),
    /// Has the others not hear somebody
    Mute(Member),
    /// And hear them again
    Unmute(Member),
    /// Has somebody hear music in place of the room
    Hold(Member),
    /// And the room again
    Resume(Member),
    /// Lets no more callers in
    Lock(Room),
    /// And lets them in again
    Unlock(Room),
}

#[derive(Args)]
pub(super) struct Member {
    /// The room
    room: String,
    /// The number there, as the list has it
    number: u64,
    #[command(flatten)]
    office: Office,
}

#[derive(Args)]
pub(super) struct Room {
    /// The room
    room: String,
    #[command(flatten)]
    office: Office,
}

/// Listen to a call, or list the calls that go on
#[derive(Args)]
pub(super) struct Supervise {
    /// The call, as the list has it, or its caller's number; ROOM/NUMBER for somebody in a room
    #[arg(requires = "from")]
    call: Option<String>,
    /// The destination that is rung to listen
    #[arg(long, value_name = "DESTINATION", requires = "call")]
    from: Option<String>,
    /// Be heard, too, by the agent alone; in a room by that one alone
    #[arg(long, requires = "call")]
    whisper: bool,
    #[command(flatten)]
    office: Office,
}

/// Where the running program lets us in.
#[derive(Args)]
pub(super) struct Office {
    /// The configuration file of `serve`, whose section `[control]` is meant
    #[arg(long, value_name = "FILE", default_value = "patchcord.toml")]
    config: PathBuf,
    /// Who does it; who is logged in unless told
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    room: String,
    locked: bool,
    members: Vec<Listing>,
}

#[derive(Deserialize)]
struct Listing {
    number: u64,
    name: String,
    host: bool,
    guest: bool,
    muted: bool,
    held: bool,
}

#[derive(Deserialize)]
struct Call {
    call: String,
    caller: String,
    called: String,
    seconds: u64,
    talks: bool,
    listeners: usize,
}

pub(super) fn run(action: &Action) -> CommandResult {
    let (office, path, deed) = match action {
        Action::List { office } => {
            print!("{}", drawn(office.ask("rooms")?));
            return Ok(ExitCode::SUCCESS);
        }
        Action::Add { room, destination, office } => {
            (office, vec![&**room], json!({ "do": "add", "destination": destination }))
        }
        Action::Lock(it) => (&it.office, vec![&*it.room], json!({ "do": "lock" })),
        Action::Unlock(it) => (&it.office, vec![&*it.room], json!({ "do": "unlock" })),
        Action::Remove(it) => return it.order("remove"),
        Action::Mute(it) => return it.order("mute"),
        Action::Unmute(it) => return it.order("unmute"),
        Action::Hold(it) => return it.order("hold"),
        Action::Resume(it) => return it.order("resume"),
    };
    office.order("rooms", &path, deed)
}

pub(super) fn supervise(options: &Supervise) -> CommandResult {
    let office = &options.office;
    let (Some(call), Some(from)) = (&options.call, &options.from) else {
        print!("{}", going_on(office.ask("calls")?));
        return Ok(ExitCode::SUCCESS);
    };
    let deed = json!({ "do": if options.whisper { "whisper" } else { "listen" }, "from": from });
    match call.rsplit_once('/') {
        Some((room, number)) => office.order("rooms", &[room, number], deed),
        None => office.order("calls", &[call], deed),
    }
}

impl Member {
    fn order(&self, what: &str) -> CommandResult {
        let number = self.number.to_string();
        self.office.order("rooms", &[&self.room, &number], json!({ "do": what }))
    }
}

impl Office {
    fn ask<T: DeserializeOwned>(&self, what: &str) -> Result<T, String> {
        let reply = self.send(&[what], None)?;
        serde_json::from_value(reply).map_err(words)
    }

    fn order(&self, of: &str, path: &[&str], mut deed: Value) -> CommandResult {
        deed["by"] = who(self.by.as_deref())?.into();
        let path: Vec<&str> = [of].into_iter().chain(path.iter().copied()).collect();
        let told = self.send(&path, Some(&deed))?;
        println!("{}", told["done"].as_str().unwrap_or("done"));
        Ok(ExitCode::SUCCESS)
    }

    fn send(&self, path: &[&str], deed: Option<&Value>) -> Result<Value, String> {
        let settings = Settings::open(&self.config).map_err(words)?;
        let control = settings.control(&self.config).map_err(words)?.ok_or_else(|| {
            let config = self.config.display();
            format!("{config}: there is no [control]\n  mend: add that section; assets/patchcord.toml explains it")
        })?;
        let address = format!("http://{}/", control.address);
        let mut url = reqwest::Url::parse(&address).map_err(words)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(path);
        }
        // No way in is encrypted, but the library wants to know how it would be.
        let tls = engines::tls::config().map_err(words)?;
        runtime()?.block_on(async {
            let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build();
            let client = client.map_err(words)?;
            let request = match deed {
                Some(deed) => client.post(url).json(deed),
                None => client.get(url),
            };
            let reply = request.bearer_auth(control.token.expose()).send().await;
            let reply = reply.map_err(|error| {
                format!("nobody answers at {address}: {error}\n  mend: start patchcord serve with this configuration")
            })?;
            let refused = !reply.status().is_success();
            let told: Value = reply.json().await.map_err(words)?;
            match told["error"].as_str().filter(|_| refused) {
                Some(cause) => Err(cause.to_owned()),
                None => Ok(told),
            }
        })
    }
}

fn drawn(rooms: Vec<Listed>) -> String {
    let rows = rooms.into_iter().flat_map(|listed| {
        let Listed { room, locked, members } = listed;
        members.into_iter().map(move |it| {
            let is = [
                ("host", it.host),
                ("guest", it.guest),
                ("muted", it.muted),
                ("held", it.held),
                ("room locked", locked),
            ];
            let is: Vec<&str> = is.into_iter().filter(|is| is.1).map(|is| is.0).collect();
            let name = if it.name.is_empty() { "-".to_owned() } else { it.name };
            [room.clone(), it.number.to_string(), name, is.join(", ")]
        })
    });
    table(["room", "number", "name", ""], &rows.collect::<Vec<_>>())
}

fn going_on(calls: Vec<Call>) -> String {
    let rows = calls.into_iter().map(|it| {
        let with = if it.talks { "an agent" } else { "the receptionist" };
        let listeners = it.listeners.to_string();
        [it.call, it.caller, it.called, it.seconds.to_string(), with.to_owned(), listeners]
    });
    let head = ["call", "caller", "called", "seconds", "talks with", "listeners"];
    table(head, &rows.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_drawn_with_what_is_special_about_each() {
        let rooms = json!([{ "room": "board", "locked": true, "members": [
            { "number": 1, "name": "Ann", "host": true, "guest": false, "muted": false, "held": false },
            { "number": 2, "name": "", "host": false, "guest": true, "muted": true, "held": false },
        ]}]);
        let drawn = drawn(serde_json::from_value(rooms).expect("as the program says it"));
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines[1], "board  1       Ann   host, room locked");
        assert_eq!(lines[2], "board  2       -     guest, muted, room locked");
    }
}
