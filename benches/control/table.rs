//! What a contest came to, as text.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::contest::Entrant;
use crate::load::{Flooded, SetUp};
use crate::process::Line;

/// What one contestant did in one round.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) alone: Vec<SetUp>,
    pub(crate) together: Vec<SetUp>,
    pub(crate) calls_per_second: f64,
    pub(crate) cpu_per_call: Duration,
    pub(crate) asterisk_per_call: Duration,
    pub(crate) floods: Flooded,
    pub(crate) flood_cpu: Duration,
}

/// One line while the contest runs.
pub(crate) fn progress(number: usize, of: usize, entrant: Entrant, round: &Round) -> String {
    let seconds = round.floods.took.as_secs_f64();
    format!(
        "round {number}/{of}  {:<17} {:6.1} calls/s  {:6} events in {seconds:.2} s",
        entrant.name(),
        round.calls_per_second,
        round.floods.events,
    )
}

/// A row of the table: what it is called, and how it is read off a round.
type Row = (&'static str, fn(&Round) -> f64);

const ROWS: [Row; 11] = [
    ("alone: joined p50, ms", |round| at(&round.alone, 0.5, |call| call.joined)),
    ("alone: joined p95, ms", |round| at(&round.alone, 0.95, |call| call.joined)),
    ("alone: media p50, ms", |round| at(&round.alone, 0.5, |call| call.media)),
    ("alone: media p95, ms", |round| at(&round.alone, 0.95, |call| call.media)),
    ("together: joined p50, ms", |round| at(&round.together, 0.5, |call| call.joined)),
    ("together: media p95, ms", |round| at(&round.together, 0.95, |call| call.media)),
    ("together: calls a second", |round| round.calls_per_second),
    ("CPU a call, ms", |round| round.cpu_per_call.as_secs_f64() * 1e3),
    ("Asterisk's CPU a call, ms", |round| round.asterisk_per_call.as_secs_f64() * 1e3),
    ("events a second", |round| round.floods.events as f64 / round.floods.took.as_secs_f64()),
    ("CPU per 1,000 events, ms", |round| {
        round.flood_cpu.as_secs_f64() * 1e6 / round.floods.events as f64
    }),
];

/// The median of each row for each contestant, and its ratio to the plain client in the same round: median, least, most.
pub(crate) fn standings(entrants: &[Entrant], rounds: &[(usize, Entrant, Round)]) -> String {
    let mut text = format!("\n{:<34}", "median, x to plain (least-most)");
    for entrant in entrants {
        write!(text, "{:>27}", entrant.name()).expect("a String takes all");
    }
    for (name, read) in ROWS {
        write!(text, "\n{name:<34}").expect("a String takes all");
        let of = |entrant: Entrant| -> BTreeMap<usize, f64> {
            let mine = rounds.iter().filter(|(_, who, _)| *who == entrant);
            mine.map(|(number, _, round)| (*number, read(round))).collect()
        };
        let plain = of(Entrant::Plain);
        for &entrant in entrants {
            let values = of(entrant);
            let ratios: Vec<f64> = values.iter().map(|(n, value)| value / plain[n]).collect();
            let cell = if entrant == Entrant::Plain {
                format!("{:.2}", median(values.into_values().collect()))
            } else {
                let (least, most) = (least(&ratios), most(&ratios));
                let middle = median(ratios);
                let value = median(values.into_values().collect());
                format!("{value:.2} x{middle:.2} ({least:.2}-{most:.2})")
            };
            write!(text, "{cell:>27}").expect("a String takes all");
        }
    }
    text
}

/// The median time of each operation over each road.
pub(crate) fn roads(lines: &[Line]) -> String {
    let mut order = Vec::new();
    let mut times: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for line in lines {
        if let Line::Road { road, operation, took } = line {
            if !order.contains(&operation.as_str()) {
                order.push(operation);
            }
            times.entry((operation, road)).or_default().push(took.as_secs_f64() * 1e6);
        }
    }
    let mut text =
        String::from("\nreply to one request, median us    HTTP   socket   socket/HTTP\n");
    for operation in order {
        let of = |road| median(times.get(&(operation, road)).cloned().unwrap_or_default());
        let (http, socket) = (of("http"), of("socket"));
        writeln!(text, "{operation:<30} {http:8.0} {socket:8.0} {:10.2}", socket / http)
            .expect("a String takes all");
    }
    text
}

/// A quantile over calls, in milliseconds.
fn at(calls: &[SetUp], quantile: f64, time: fn(&SetUp) -> Duration) -> f64 {
    let mut times: Vec<f64> = calls.iter().map(|call| time(call).as_secs_f64() * 1e3).collect();
    times.sort_unstable_by(f64::total_cmp);
    let place = (times.len().saturating_sub(1) as f64 * quantile).round() as usize;
    times.get(place).copied().unwrap_or(f64::NAN)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}
