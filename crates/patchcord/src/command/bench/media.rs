//! `patchcord bench media`: what a call's sound costs, beside what the host itself costs.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use media::Histogram;
use media::bench::{Load, Report};
use serde_json::{Value, json};

use super::super::{CommandResult, words};

#[derive(Args)]
pub(super) struct Options {
    /// Calls at a time
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=20_000))]
    calls: u16,
    /// How long to measure, in seconds; half of it the host's own floor
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=3600))]
    seconds: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Floor and plane take turns so often.
const ROUNDS: NonZeroUsize = NonZeroUsize::new(3).expect("not zero");

pub(super) fn run(options: &Options) -> CommandResult {
    let load = Load {
        calls: NonZeroUsize::new(options.calls.into()).unwrap_or(NonZeroUsize::MIN),
        each: Duration::from_secs(options.seconds.into()) / (2 * ROUNDS.get() as u32),
        rounds: ROUNDS,
    };
    let report = media::bench::run(&load).map_err(words)?;
    if options.json {
        println!("{}", as_json(&load, &report));
    } else {
        println!("{}", as_text(&load, &report));
    }
    Ok(ExitCode::SUCCESS)
}

const SHARES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)];

fn as_text(load: &Load, report: &Report) -> String {
    let median = report.median();
    let ratios: Vec<String> =
        report.rounds.iter().map(|round| format!("{:.2}", round.ratio())).collect();
    let percentiles = |histogram: &Histogram| {
        SHARES
            .map(|(name, share)| format!("{name} {:.2} ms", milliseconds(histogram, share)))
            .join(", ")
    };
    format!(
        "{calls} calls of 50 packets a second each way, over loopback\n\
         \n\
         the host\n  \
           a system call            {system_call:8.0} ns\n  \
           a bare loop, same packets{floor:8.0} ns of CPU a packet in and out\n  \
           a sleeper is late by     {sleeper}\n\
         the plane\n  \
           media thread             {shard:8.0} ns\n  \
           sinks, 8 to 16 kHz       {sinks:8.0} ns\n  \
           both, to the bare loop   {ratio:8.2}    (rounds: {ratios})\n  \
           calls a core             {a_core:8.0}\n  \
           a packet leaves late by  {late}\n  \
           from packet to 16 kHz    {delay}\n  \
           batches                  {rx:.1} received, {tx:.1} sent\n  \
           memory a call            {memory:8.1} KiB\n  \
           lost, given up           {lost}, {given_up}",
        calls = load.calls,
        system_call = report.system_call,
        floor = median.floor,
        sleeper = percentiles(&report.sleeper),
        shard = median.shard,
        sinks = median.sinks,
        ratio = median.ratio(),
        ratios = ratios.join(", "),
        a_core = calls_a_core(report),
        late = percentiles(&report.send_lateness),
        delay = percentiles(&report.added_delay),
        rx = median.batches.0,
        tx = median.batches.1,
        memory = median.memory / 1024.0,
        lost = report.rounds.iter().map(|round| round.lost).sum::<u64>(),
        given_up = report.rounds.iter().map(|round| round.given_up).sum::<u64>(),
    )
}

fn as_json(load: &Load, report: &Report) -> Value {
    let percentiles = |histogram: &Histogram| {
        let shares =
            SHARES.map(|(name, share)| (name.to_owned(), json!(milliseconds(histogram, share))));
        Value::Object(shares.into_iter().collect())
    };
    let rounds: Vec<Value> = report
        .rounds
        .iter()
        .map(|round| {
            json!({
                "floor_ns": round.floor, "shard_ns": round.shard, "sinks_ns": round.sinks,
                "ratio": round.ratio(), "lost": round.lost, "given_up": round.given_up,
                "received_a_batch": round.batches.0, "sent_a_batch": round.batches.1,
                "memory_a_call": round.memory,
            })
        })
        .collect();
    json!({
        "calls": load.calls, "seconds_each": load.each.as_secs_f64(),
        "system_call_ns": report.system_call, "sleeper_late_ms": percentiles(&report.sleeper),
        "ratio": report.median().ratio(), "calls_a_core": calls_a_core(report),
        "send_late_ms": percentiles(&report.send_lateness),
        "added_delay_ms": percentiles(&report.added_delay), "rounds": rounds,
    })
}

/// How many calls one core could carry, all threads counted.
fn calls_a_core(report: &Report) -> f64 {
    let median = report.median();
    1e9 / (50.0 * (median.shard + median.sinks))
}

fn milliseconds(histogram: &Histogram, share: f64) -> f64 {
    histogram.percentile(share).as_secs_f64() * 1000.0
}
