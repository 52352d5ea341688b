//! `patchcord calls`: the calls that are kept.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::DateTime;
use jiff::{Span, Zoned};
use serde_json::{Value, json};
use store::{Filter, Page, Store, Summary, Timestamp, WholeCall};

use super::stored::{Place, or_dash, shown, table};
use super::{CommandResult, words};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Subcommand)]
enum Action {
    /// Prints one call: what was said, which way it took, what was kept of it
    Show(Show),
}

#[derive(Args)]
struct List {
    /// That came since then: 2h, 3days, 2026-03-03, 2026-03-03T14:00
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<Timestamp>,
    /// That came before then
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<Timestamp>,
    /// From this number
    #[arg(long, value_name = "NUMBER")]
    caller: Option<String>,
    /// To this number
    #[arg(long, value_name = "NUMBER")]
    called: Option<String>,
    /// That this destination took
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// That ended so: connected, transferred, handed_back, abandoned, dropped, pbx_lost or broken_off
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// With this intent
    #[arg(long, value_name = "NAME")]
    intent: Option<String>,
    /// Through this flow
    #[arg(long, value_name = "NAME")]
    flow: Option<String>,
    /// The most, the latest first
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    /// Only those before a place in the list, as the end of a page tells it
    #[arg(long, value_name = "PLACE")]
    after: Option<store::Cursor>,
    /// Print one JSON object a line, a call each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Show {
    /// The call's id, as the list tells it
    #[arg(value_name = "ID")]
    id: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(options: &Options) -> CommandResult {
    match &options.action {
        Some(Action::Show(options)) => {
            let call = options.place.open(async |_, store| find(&store, &options.id).await)?;
            if options.json {
                println!("{}", whole(&call));
            } else {
                print!("{}", drawn(&call));
            }
        }
        None => list(&options.list)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A moment: one of the calendar on the clocks of this machine, or so long ago.
fn when(text: &str) -> Result<Timestamp, String> {
    before(text, &Zoned::now())
}

fn before(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let moment = if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        Some(moment)
    } else if let Ok(moment) = text.parse::<DateTime>() {
        moment.to_zoned(now.time_zone().clone()).ok().map(|moment| moment.timestamp())
    } else {
        let ago = text.parse::<Span>().ok().filter(|ago| !ago.is_negative());
        ago.and_then(|ago| now.checked_sub(ago).ok()).map(|moment| moment.timestamp())
    };
    let moment = moment
        .ok_or("write a date (2026-03-03), a time (2026-03-03T14:00), or how long ago (2h)")?;
    Ok(Timestamp(moment.as_millisecond()))
}

fn list(options: &List) -> Result<(), String> {
    let filter = Filter {
        from: options.since,
        to: options.until,
        caller: options.caller.clone(),
        called: options.called.clone(),
        destination: options.destination.clone(),
        outcome: options.outcome.clone(),
        intent: options.intent.clone(),
        flow: options.flow.clone(),
        version: None,
    };
    let Page { calls, next } = options.place.open(async |_, store| {
        let after = options.after.as_ref();
        store.calls(&filter, after, options.limit.into()).await.map_err(words)
    })?;
    if options.json {
        for call in &calls {
            println!("{}", serde_json::to_string(call).expect("strings and numbers are JSON"));
        }
    } else {
        let rows: Vec<_> = calls.into_iter().map(row).collect();
        print!(
            "{}",
            table(["came", "took", "caller", "called", "outcome", "intent", "flow", "id"], &rows)
        );
    }
    if let Some(next) = next {
        eprintln!("there are more: --after {next}");
    }
    Ok(())
}

fn row(call: Summary) -> [String; 8] {
    let took = call.ended.map(|ended| format!("{} s", (ended.0 - call.started.0) / 1_000));
    let outcome = match (&call.outcome, &call.destination) {
        (Some(outcome), Some(destination)) => Some(format!("{outcome} {destination}")),
        (Some(outcome), None) => Some(outcome.clone()),
        // It goes on, or the program was killed meanwhile.
        (None, _) => None,
    };
    let flow = call.flow.map(|flow| format!("{} {}", flow.name, flow.version));
    [
        shown(call.started),
        or_dash(took),
        or_dash(call.caller),
        or_dash(call.called),
        or_dash(outcome),
        or_dash(call.intent),
        or_dash(flow),
        call.id,
    ]
}

async fn find(store: &Store, id: &str) -> Result<WholeCall, String> {
    let call = store.call(id).await.map_err(words)?;
    call.ok_or_else(|| {
        format!("there is no call \"{id}\"\n  mend: take an id from: patchcord calls")
    })
}

fn whole(call: &WholeCall) -> Value {
    json!({
        "call": call.call,
        "turns": call.turns,
        "recordings": call.recordings,
        "audit": call.audit,
        "journal": call.journal,
    })
}

fn drawn(whole: &WholeCall) -> String {
    let call = &whole.call;
    let mut text = format!("call      {}\ncame      {}\n", call.id, shown(call.started));
    let flow = call.flow.as_ref().map(|flow| format!("{} version {}", flow.name, flow.version));
    let took = call.ended.map(|it| format!("{:.1} s", (it.0 - call.started.0) as f64 / 1e3));
    let record: Value = serde_json::from_str(call.record.as_str()).unwrap_or_default();
    let path = record["path"]
        .as_array()
        .map(|nodes| nodes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" > "));
    let rows = [
        ("took", took),
        ("caller", call.caller.clone()),
        ("called", call.called.clone()),
        ("flow", flow),
        ("path", path.filter(|path| !path.is_empty())),
        ("intent", call.intent.clone()),
        ("outcome", call.outcome.clone()),
        ("to", call.destination.clone()),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            let _ = writeln!(text, "{name:<10}{value}");
        }
    }
    for clock in ["decide_ms", "act_ms", "answer_ms"] {
        if let Some(ms) = record[clock].as_f64() {
            let _ = writeln!(text, "{:<10}{ms} ms", clock.trim_end_matches("_ms"));
        }
    }
    for turn in &whole.turns {
        let intent = turn.intent.as_ref().map(|intent| format!("  [{intent}]"));
        let (from, who) = (turn.from_ms as f64 / 1e3, turn.speaker.name());
        let _ = writeln!(text, "{from:>7.1} s {who}: {}{}", turn.words, intent.unwrap_or_default());
    }
    for recording in &whole.recordings {
        let (track, state) = (recording.track.name(), recording.state.name());
        let _ = writeln!(text, "recording {} ({track}, {state})", recording.path);
    }
    for row in &whole.audit {
        let _ = writeln!(
            text,
            "audit     {} {} {}",
            shown(row.audit.at),
            row.audit.who,
            row.audit.what
        );
    }
    for trouble in record["troubles"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let _ = writeln!(text, "trouble   {trouble}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_a_time_or_so_long_ago() {
        let now: Zoned = "2026-03-03T12:00[Europe/Berlin]".parse().expect("a moment");
        let at = |text: &str| {
            before(text, &now).map(|moment| {
                let moment = jiff::Timestamp::from_millisecond(moment.0).expect("in range");
                moment.to_string()
            })
        };
        assert_eq!(at("2h").as_deref(), Ok("2026-03-03T09:00:00Z"));
        assert_eq!(at("1 day").as_deref(), Ok("2026-03-02T11:00:00Z"));
        assert_eq!(at("2026-03-02").as_deref(), Ok("2026-03-01T23:00:00Z"));
        assert_eq!(at("2026-03-02T08:30").as_deref(), Ok("2026-03-02T07:30:00Z"));
        assert_eq!(at("2026-03-02T08:30Z").as_deref(), Ok("2026-03-02T08:30:00Z"));
        for text in ["yesterday", "-2h", "", "12"] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}
