//! Flows in the store: published, drafted, compared, rolled back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use store::{Draft, Publication, Source, Store};

use crate::command::stored::{Place, Signed, or_dash, published, shown, table, who};
use crate::command::{CommandResult, words};
use crate::desk::Desk;
use crate::diff;
use crate::published::Published;
use crate::settings::Settings;

#[derive(Subcommand)]
pub(in crate::command) enum Action {
    /// Publishes a flow, after a check: new calls take it within two seconds, and those under way keep theirs
    Publish(Publish),
    /// Saves a flow that is not ready; `publish` without a file publishes it
    Draft(SaveDraft),
    /// Lists the flows; with a name, its versions and what was published when
    List(List),
    /// Prints a flow
    Show(Show),
    /// Prints what changed: from what is published to the draft or to a file, or between two versions
    Diff(Diff),
    /// Has new calls take an older version again
    Rollback(Rollback),
}

#[derive(Args)]
pub(in crate::command) struct Publish {
    /// A flow, in TOML or JSON; the draft if it is left out
    #[arg(value_name = "FLOW")]
    file: Option<PathBuf>,
    /// The name under which numbers and other flows know it
    #[arg(long = "as", value_name = "NAME", value_parser = name)]
    name: String,
    #[command(flatten)]
    signed: Signed,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(in crate::command) struct SaveDraft {
    /// A flow, in TOML or JSON; it may have mistakes
    #[arg(value_name = "FLOW")]
    file: PathBuf,
    /// The name under which numbers and other flows know it
    #[arg(long = "as", value_name = "NAME", value_parser = name)]
    name: String,
    /// Who does it; who is logged in unless told
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// The edit of the draft that this takes the place of, as `list` tells it
    #[arg(long, value_name = "EDIT")]
    over: Option<i64>,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(in crate::command) struct List {
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(in crate::command) struct Show {
    #[arg(value_name = "NAME")]
    name: String,
    /// A version's number, `published` or `draft`
    #[arg(value_name = "VERSION", default_value = "published")]
    version: Which,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(in crate::command) struct Diff {
    /// A flow's name, or a file (it ends in .toml or .json)
    #[arg(value_name = "NAME|FLOW")]
    what: String,
    /// A version's number, `published` or `draft`; of a file, what it is compared with
    #[arg(value_name = "A")]
    from: Option<Which>,
    #[arg(value_name = "B")]
    to: Option<Which>,
    /// The name of the flow that a file is compared with; that of the file unless told
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(in crate::command) struct Rollback {
    #[arg(value_name = "NAME")]
    name: String,
    #[arg(value_name = "VERSION")]
    version: i64,
    #[command(flatten)]
    signed: Signed,
    #[command(flatten)]
    place: Place,
}

/// Which text of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Version(i64),
    Published,
    Draft,
}

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "published" => Ok(Self::Published),
            "draft" => Ok(Self::Draft),
            number => number.parse().map(Self::Version).map_err(|_| {
                "that is no version; write its number, \"published\" or \"draft\"".to_owned()
            }),
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    let odd = |c: char| !(c.is_alphanumeric() || "-_.".contains(c));
    if text.is_empty() || text.contains(odd) {
        return Err("a flow's name has letters, digits, -, _ and . only".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn run(action: &Action) -> CommandResult {
    match action {
        Action::Publish(options) => {
            options.place.open(async |settings, store| publish(options, settings, &store).await)?
        }
        Action::Draft(options) => {
            options.place.open(async |_, store| save_draft(options, &store).await)?;
        }
        Action::List(options) => {
            options.place.open(async |_, store| match &options.name {
                Some(name) => versions(name, &store).await,
                None => list(&store).await,
            })?;
        }
        Action::Show(options) => {
            let Show { name, version, place } = options;
            let (_, text) = place.open(async |_, store| text(&store, name, *version).await)?;
            print!("{text}");
        }
        Action::Diff(options) => {
            let (before, after) =
                options.place.open(async |_, store| sides(options, &store).await)?;
            match diff::unified((&before.0, &before.1), (&after.0, &after.1)) {
                Some(changes) => print!("{changes}"),
                None => println!("{} and {} are the same", before.0, after.0),
            }
        }
        Action::Rollback(options) => {
            options.place.open(async |settings, store| rollback(options, settings, &store).await)?
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn publish(options: &Publish, settings: &Settings, store: &Store) -> Result<(), String> {
    let (name, by) = (&options.name, options.signed.by()?);
    let (shown, text, source) = match &options.file {
        Some(file) => {
            let text = read(file)?;
            (file.display().to_string(), text.clone(), Source::Text(text))
        }
        None => {
            let draft = draft(store, name).await?;
            (draft_name(&draft), draft.text, Source::Draft { edit: draft.edit })
        }
    };
    check(settings, store, name, shown, &text).await?;
    if let Some(now) = store.published(name).await.map_err(words)?
        && now.text == text
        && matches!(source, Source::Text(_))
    {
        println!("{name}: version {} is published, and is this text already", now.version);
        return Ok(());
    }
    let done = store.publish(name, source, &by).await.map_err(words)?;
    tell(&done);
    Ok(())
}

async fn rollback(options: &Rollback, settings: &Settings, store: &Store) -> Result<(), String> {
    let Rollback { name, version, signed, .. } = options;
    let by = signed.by()?;
    let (shown, text) = text(store, name, Which::Version(*version)).await?;
    check(settings, store, name, shown, &text).await?;
    tell(&store.point(name, *version, &by).await.map_err(words)?);
    Ok(())
}

/// Checks a flow before it is published, and all that it may break.
async fn check(
    settings: &Settings,
    store: &Store,
    name: &str,
    shown: String,
    text: &str,
) -> Result<(), String> {
    let snapshot = published(store).await?;
    let book = Desk::names(&settings.receptionist()).map_err(words)?;
    let would = Published::of(&snapshot).with(name, shown, text);
    let numbers = snapshot.numbers().map(|number| &**number);
    let flow = would.check(name, numbers, &book).map_err(words)?;
    if !snapshot.numbers().any(|number| number.flow == name) && flow.stands_alone() {
        eprintln!(
            "note: no number leads to {name} itself: patchcord number set NUMBER --flow {name}"
        );
    }
    Ok(())
}

fn tell(done: &Publication) {
    let Publication { flow, version, previous, .. } = done;
    match previous {
        Some(previous) => println!("{flow}: version {version} is published; it was {previous}"),
        None => println!("{flow}: version {version} is published"),
    }
}

async fn save_draft(options: &SaveDraft, store: &Store) -> Result<(), String> {
    let SaveDraft { name, over, .. } = options;
    let (text, author) = (read(&options.file)?, who(options.by.as_deref())?);
    let saved = store.save_draft(name, &text, &author, *over).await.map_err(words)?;
    println!("{name}: the draft is saved as edit {}", saved.edit);
    Ok(())
}

async fn list(store: &Store) -> Result<(), String> {
    let flows = store.flows().await.map_err(words)?.into_iter().map(|flow| {
        let (published, newest) = (or_dash(flow.published), or_dash(flow.newest));
        let draft = flow.draft.map(|edit| format!("edit {edit}"));
        [flow.name, published, newest, or_dash(draft)]
    });
    print!("{}", table(["flow", "published", "newest", "draft"], &flows.collect::<Vec<_>>()));
    Ok(())
}

async fn versions(name: &str, store: &Store) -> Result<(), String> {
    let (versions, history) =
        (store.versions(name).await.map_err(words)?, store.history(name).await.map_err(words)?);
    let now = history.first().map(|last| last.version);
    let draft = store.draft(name).await.map_err(words)?;
    if versions.is_empty() && draft.is_none() {
        return Err(no_flow(store, name).await);
    }
    let rows = versions.into_iter().map(|it| {
        let now = if now == Some(it.version) { "*" } else { "" };
        [format!("{}{now}", it.version), shown(it.at), it.author, it.reason]
    });
    print!("{}", table(["version", "made", "by", "reason"], &rows.collect::<Vec<_>>()));
    let rows = history.into_iter().map(|it| {
        let moved = format!("{} -> {}", or_dash(it.previous), it.version);
        [moved, shown(it.at), it.author, it.reason]
    });
    print!("\n{}", table(["calls took", "since", "by", "reason"], &rows.collect::<Vec<_>>()));
    if let Some(Draft { edit, author, at, .. }) = draft {
        println!("\nThere is a draft: edit {edit}, saved by {author}, {}", shown(at));
    }
    Ok(())
}

/// Two texts of a flow, each with its name.
async fn sides(
    options: &Diff,
    store: &Store,
) -> Result<((String, String), (String, String)), String> {
    let Diff { what, from, to, name, .. } = options;
    let file = Path::new(what);
    if file.extension().is_some_and(|ending| ending == "toml" || ending == "json") {
        if to.is_some() {
            return Err("a file is compared with one version\n  mend: leave the second out".into());
        }
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let name = name.as_deref().unwrap_or(&stem);
        let before = text(store, name, from.unwrap_or(Which::Published)).await?;
        return Ok((before, (what.clone(), read(file)?)));
    }
    let sides = match (*from, *to) {
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) => (from, Which::Published),
        (None, _) if store.draft(what).await.map_err(words)?.is_some() => {
            (Which::Published, Which::Draft)
        }
        (None, _) => {
            let history = store.history(what).await.map_err(words)?;
            let before = history.first().map(|last| last.previous);
            match before {
                Some(Some(previous)) => (Which::Version(previous), Which::Published),
                Some(None) => {
                    return Err(format!(
                        "{what} has nothing that it could be compared with: one version, no draft\n  mend: name a \
                         file: patchcord flow diff FLOW --as {what}"
                    ));
                }
                None => return Err(no_flow(store, what).await),
            }
        }
    };
    Ok((text(store, what, sides.0).await?, text(store, what, sides.1).await?))
}

/// A text of a flow, after its name.
async fn text(store: &Store, name: &str, which: Which) -> Result<(String, String), String> {
    let version = match which {
        Which::Draft => {
            let draft = draft(store, name).await?;
            return Ok((draft_name(&draft), draft.text));
        }
        Which::Published => store.published(name).await,
        Which::Version(version) => store.version(name, version).await,
    };
    match (version.map_err(words)?, which) {
        (Some(it), _) => Ok((format!("{name} version {}", it.version), it.text)),
        (None, which) => {
            let known = store.versions(name).await.map_err(words)?;
            Err(match (known.first(), which) {
                (Some(newest), Which::Version(version)) => format!(
                    "the flow \"{name}\" has no version {version}\n  mend: choose one from 1 to {}",
                    newest.version
                ),
                _ => no_flow(store, name).await,
            })
        }
    }
}

async fn draft(store: &Store, name: &str) -> Result<Draft, String> {
    let draft = store.draft(name).await.map_err(words)?;
    draft.ok_or_else(|| {
        format!("the flow \"{name}\" has no draft\n  mend: patchcord flow draft FLOW --as {name}")
    })
}

fn draft_name(draft: &Draft) -> String {
    format!("{} draft (edit {}, by {})", draft.flow, draft.edit, draft.author)
}

async fn no_flow(store: &Store, name: &str) -> String {
    let flows = store.flows().await.unwrap_or_default();
    let known: Vec<_> = flows.into_iter().filter(|flow| flow.published.is_some()).collect();
    let mend = match &known[..] {
        [] => format!("publish one: patchcord flow publish FLOW --as {name} --reason TEXT"),
        known => {
            let names: Vec<_> = known.iter().map(|flow| flow.name.as_str()).collect();
            format!("use one of: {}", names.join(", "))
        }
    };
    format!("no flow \"{name}\" is published\n  mend: {mend}")
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| {
        format!("cannot read {}: {error}\n  mend: name a flow's file, in UTF-8", file.display())
    })
}
