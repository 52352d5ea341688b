//! `patchcord ari`: any operation of Asterisk's REST interface, by its path.

mod complete;
mod parameters;
mod refusal;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use ari::features::Description;
use ari::{Client, Method, RequestError};
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{CommandResult, runtime, words};
use crate::settings::Settings;
use parameters::Parameters;

const EXAMPLES: &str = "\
For example:
  patchcord ari GET channels
  patchcord ari POST channels/1795243053.17/play media=sound:hello-world
  patchcord ari POST bridges type=mixing name=lobby
  patchcord ari DELETE channels/1795243053.17 reason=busy
  patchcord ari --list

Exit code 0 for what Asterisk did, 1 for what it refused, 2 for what could not be asked.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// What to do with it
    #[arg(required_unless_present_any = ["list", "complete"], ignore_case = true)]
    method: Option<Verb>,
    /// The operation's path below /ari; ids are written as they are
    #[arg(required_unless_present_any = ["list", "complete"])]
    path: Option<String>,
    /// Parameters, of the type that Asterisk asks for; NAME:=JSON is sent as it is, variables.NAME=VALUE sets a variable
    #[arg(value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Print every operation of this Asterisk, as it describes them itself
    #[arg(long)]
    list: bool,
    /// Print what the last of these words can go on to, for a shell
    #[arg(long, hide = true, num_args = 0.., value_name = "WORD", allow_hyphen_values = true)]
    complete: Option<Vec<String>>,
    /// The configuration file of `serve`, for where Asterisk is and who we are
    #[arg(long, value_name = "FILE", default_value = "patchcord.toml")]
    config: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

impl Verb {
    fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

pub(super) fn run(options: &Options) -> CommandResult {
    let settings = Settings::open(&options.config).map_err(words)?;
    let app = ari::ids::unique("patchcord-ari");
    let config = settings.ari_for(&options.config, &app).map_err(words)?;
    runtime()?.block_on(async {
        let (client, _nobody_arrives) = Client::connect(config).await.map_err(words)?;
        let result = match (&options.complete, options.list) {
            (Some(typed), _) => {
                complete::run(&client, typed).await.map_err(words).and_then(print_lines)
            }
            (None, true) => list(&client).await.and_then(print_lines),
            (None, false) => request(&client, options).await,
        };
        client.close().await;
        result
    })
}

async fn request(client: &Client, options: &Options) -> CommandResult {
    let (Some(verb), Some(path)) = (options.method, &options.path) else {
        return Err("a method and a path are needed".to_owned());
    };
    let (method, path) = (verb.method(), below_ari(path));
    if (&method, path) == (&Method::GET, "events") {
        return Err("events are a stream of their own\n  mend: patchcord events".to_owned());
    }
    let parameters = Parameters::parse(&options.parameters)?;
    // The description says what type each parameter has. Without it everything is text.
    let described = if parameters.is_empty() { None } else { described(client, path).await? };
    let operation = described.as_ref().and_then(|description| description.find(&method, path));
    let sent = parameters.sent(&method, operation)?;
    let address = format!("{}{}", encoded(path), sent.query);
    match client.request(method.clone(), &address, sent.body).await {
        Ok(Value::Null) => Ok(ExitCode::SUCCESS),
        Ok(reply) => print_lines(vec![serde_json::to_string_pretty(&reply).map_err(words)?]),
        Err(error @ RequestError::Rejected { .. }) => {
            eprintln!("patchcord: {}", refusal::explained(client, &method, path, &error).await);
            Ok(ExitCode::FAILURE)
        }
        Err(error @ RequestError::UnreadableReply { .. }) => Err(format!(
            "{error}\n  mend: sound files are not JSON; fetch them with a program for downloads"
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// The description of the path's resource, where Asterisk has one.
async fn described(client: &Client, path: &str) -> Result<Option<Description>, String> {
    let resource = path.split('/').next().unwrap_or_default();
    match Description::of(client, resource).await {
        Ok(description) => Ok(Some(description)),
        Err(RequestError::Rejected { .. } | RequestError::UnreadableReply { .. }) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

async fn list(client: &Client) -> Result<Vec<String>, String> {
    let description = Description::fetch(client).await.map_err(|error| {
        format!("this Asterisk has no description of its operations (rest-api in its data folder): {error}")
    })?;
    let line = |operation: &ari::features::DescribedOperation| {
        let path = operation.path.trim_start_matches('/');
        format!("{:<6} {path:<62} {}", operation.method.as_str(), operation.summary)
    };
    Ok(description
        .operations()
        .iter()
        .map(|operation| line(operation).trim_end().to_owned())
        .collect())
}

/// The path without what people write before it.
fn below_ari(path: &str) -> &str {
    let path = path.trim_matches('/');
    path.strip_prefix("ari/").unwrap_or(path)
}

/// A path as it goes over the wire: slashes part it, `%2F` and the like stay, and what Asterisk would take for something
/// else is escaped, the plus sign too.
fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'/'
            | b':'
            | b'@'
            | b'%' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Prints lines to somebody who may stop reading.
fn print_lines(lines: Vec<String>) -> CommandResult {
    let mut out = io::stdout().lock();
    for line in lines {
        match writeln!(out, "{line}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written.map_err(words)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_people_write_them() {
        for path in ["channels/17.4", "/channels/17.4", "ari/channels/17.4", "/ari/channels/17.4/"]
        {
            assert_eq!(below_ari(path), "channels/17.4");
        }
        assert_eq!(encoded("deviceStates/Stasis:a b+c"), "deviceStates/Stasis:a%20b%2Bc");
        assert_eq!(encoded("recordings/stored/a%2Fb?x"), "recordings/stored/a%2Fb%3Fx");
    }
}
