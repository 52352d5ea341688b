//! `patchcord number`: which flow answers which inbound number.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use store::{InboundNumber, Pattern, Store};

use super::stored::{Place, Signed, or_dash, published, table};
use super::{CommandResult, words};
use crate::desk::Desk;
use crate::published::Published;
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Action {
    /// Has a flow answer a number; takes the place of what was set for it
    Set(Set),
    /// Lists the numbers
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Forgets a number: its calls go by the next pattern that fits, or by the configuration
    Remove(Remove),
}

#[derive(Args)]
pub(super) struct Set {
    /// A number as the dialplan has it (5550100), the beginning of numbers and a star (555*), or * for every other
    #[arg(value_name = "PATTERN")]
    pattern: Pattern,
    /// The published flow that answers
    #[arg(long, value_name = "NAME")]
    flow: String,
    /// What callers hear and speak, if it is not the flow's own language, such as de
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// Words that are said before the flow begins
    #[arg(long, value_name = "TEXT")]
    greeting: Option<String>,
    /// The name of the flow's hours outside of which the fallback takes the call at once
    #[arg(long, value_name = "NAME")]
    hours: Option<String>,
    /// The destination that takes a caller for whom the flow has no way on, in place of the receptionist's
    #[arg(long, value_name = "DESTINATION")]
    fallback: Option<String>,
    #[command(flatten)]
    signed: Signed,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct Remove {
    #[arg(value_name = "PATTERN")]
    pattern: Pattern,
    #[command(flatten)]
    signed: Signed,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(action: &Action) -> CommandResult {
    match action {
        Action::Set(options) => {
            options.place.open(async |settings, store| set(options, settings, &store).await)?;
        }
        Action::List { place } => place.open(async |_, store| list(&store).await)?,
        Action::Remove(options) => {
            options.place.open(async |_, store| remove(options, &store).await)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn set(options: &Set, settings: &Settings, store: &Store) -> Result<(), String> {
    let by = options.signed.by()?;
    let number = InboundNumber {
        pattern: options.pattern.clone(),
        flow: options.flow.clone(),
        language: options.language.clone(),
        greeting: options.greeting.clone(),
        hours: options.hours.clone(),
        fallback: options.fallback.clone(),
    };
    let snapshot = published(store).await?;
    let receptionist = Desk::receptionist(&settings.receptionist()).map_err(words)?;
    Published::of(&snapshot).at_number(&number, &receptionist.book()).map_err(words)?;
    Desk::fallback(&receptionist, &number).map_err(words)?;
    store.set_number(&number, &by).await.map_err(words)?;
    println!("{} is answered by {}", number.pattern, number.flow);
    Ok(())
}

async fn list(store: &Store) -> Result<(), String> {
    let snapshot = published(store).await?;
    let rows = store.numbers().await.map_err(words)?.into_iter().map(|it| {
        let version = snapshot.flow(&it.flow).map(|flow| flow.version);
        [
            it.pattern.to_string(),
            it.flow,
            or_dash(version),
            or_dash(it.language),
            or_dash(it.hours),
            or_dash(it.fallback),
            or_dash(it.greeting),
        ]
    });
    let head = ["number", "flow", "version", "language", "hours", "fallback", "greeting"];
    print!("{}", table(head, &rows.collect::<Vec<_>>()));
    Ok(())
}

async fn remove(options: &Remove, store: &Store) -> Result<(), String> {
    let (pattern, by) = (&options.pattern, options.signed.by()?);
    if store.remove_number(pattern, &by).await.map_err(words)? {
        println!("{pattern} is forgotten");
        return Ok(());
    }
    let known = store.numbers().await.map_err(words)?;
    let known: Vec<_> = known.iter().map(|number| number.pattern.to_string()).collect();
    let mend = match &known[..] {
        [] => "there is none".to_owned(),
        known => format!("use one of: {}", known.join(", ")),
    };
    Err(format!("nothing is set for the number {pattern}\n  mend: {mend}"))
}
