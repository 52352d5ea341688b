//! `patchcord bench media`: what a call's sound costs, beside what the host itself costs.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use media::bench::{Flow, Load, Report};
use media::{Histogram, Scheduling};
use serde_json::{Value, json};

use super::super::{CommandResult, words};

#[derive(Args)]
pub(in crate::command) struct Options {
    #[command(flatten)]
    traffic: Traffic,
    /// How long to measure, in seconds; half of it the host's own floor
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=3600))]
    seconds: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What the media threads carry, and how they run.
#[derive(Args)]
pub(super) struct Traffic {
    /// Calls at a time
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=20_000))]
    calls: u16,
    /// Media threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Only speak to the callers, as music on hold does
    #[arg(long)]
    only_sending: bool,
    /// Let the media threads wait their turn like all others (without SCHED_FIFO)
    #[arg(long)]
    ordinary: bool,
}

impl Traffic {
    pub(super) fn load(&self) -> Load {
        let count = |n: u16| NonZeroUsize::new(n.into()).unwrap_or(NonZeroUsize::MIN);
        Load {
            calls: count(self.calls),
            shards: count(self.threads),
            flow: if self.only_sending { Flow::OutOnly } else { Flow::BothWays },
            scheduling: if self.ordinary { Scheduling::Ordinary } else { Scheduling::Realtime },
            allocations: crate::allocations::COUNT,
            ..Load::default()
        }
    }
}

pub(super) fn run(options: &Options) -> CommandResult {
    let load = options.traffic.load();
    let each = Duration::from_secs(options.seconds.into()) / (2 * load.rounds.get() as u32);
    let load = Load { each, ..load };
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
    let allocations = median.allocations.map_or_else(
        || "not counted: build with --features count-allocations".to_owned(),
        |count| format!("{count} in {:.1} s", load.each.as_secs_f64()),
    );
    let (packets, frame) = match load.flow {
        Flow::BothWays => ("each way", "in and out"),
        Flow::OutOnly => ("to the callers", "out"),
    };
    format!(
        "{calls} calls of 50 packets a second {packets}, over loopback; {threads} media threads\n\
         \n\
         the host\n  \
           a system call            {system_call:8.0} ns\n  \
           a bare loop, same packets{floor:8.0} ns of CPU a packet {frame}\n  \
           a sleeper is late by     {sleeper}\n  \
           the bare loop sends late {floor_late}\n\
         the plane\n  \
           receiving                {receiving:8.0} ns, of which gate, jitter buffer, decoding {hearing:.0}\n  \
           sending                  {sending:8.0} ns, of which prompt and header {speaking:.0}\n  \
           waking and handing over  {turning:8.0} ns\n  \
           sinks                    {sinks:8.0} ns, of which 8 to 16 kHz {upsampling:.0}\n  \
           all, to the bare loop    {ratio:8.2}    (rounds: {ratios})\n  \
           load of a media thread   {load_a_thread:8.0} %\n  \
           calls a core             {a_core:8.0}\n  \
           a packet leaves late by  {late}\n  \
           from packet to 16 kHz    {delay}, and 0.17 ms of the filter\n  \
           batches                  {rx:.1} received, {tx:.1} sent\n  \
           allocations              {allocations}\n  \
           memory a call            {memory:8.1} KiB\n  \
           lost, given up           {lost}, {given_up}",
        calls = load.calls,
        threads = load.shards,
        system_call = report.system_call,
        floor = median.floor,
        sleeper = percentiles(&report.sleeper),
        floor_late = percentiles(&report.floor_lateness),
        receiving = median.receiving,
        hearing = report.pieces.hearing,
        sending = median.sending,
        speaking = report.pieces.speaking,
        turning = median.turning,
        sinks = median.sinks,
        upsampling = report.pieces.upsampling,
        ratio = median.ratio(),
        ratios = ratios.join(", "),
        load_a_thread =
            median.media() * 50.0 * load.calls.get() as f64 / load.shards.get() as f64 / 1e7,
        a_core = calls_a_core(report),
        late = percentiles(&report.send_lateness),
        delay = percentiles(&report.added_delay),
        rx = median.batches.0,
        tx = median.batches.1,
        memory = report.memory() / 1024.0,
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
                "floor_ns": round.floor, "receiving_ns": round.receiving, "sending_ns": round.sending,
                "turning_ns": round.turning, "sinks_ns": round.sinks, "ratio": round.ratio(),
                "lost": round.lost, "given_up": round.given_up, "allocations": round.allocations,
                "received_a_batch": round.batches.0, "sent_a_batch": round.batches.1,
            })
        })
        .collect();
    json!({
        "calls": load.calls, "threads": load.shards, "seconds_each": load.each.as_secs_f64(),
        "only_sending": load.flow == Flow::OutOnly,
        "realtime": load.scheduling == Scheduling::Realtime,
        "system_call_ns": report.system_call, "sleeper_late_ms": percentiles(&report.sleeper),
        "floor_late_ms": percentiles(&report.floor_lateness),
        "hearing_ns": report.pieces.hearing, "speaking_ns": report.pieces.speaking,
        "upsampling_ns": report.pieces.upsampling,
        "ratio": report.median().ratio(), "calls_a_core": calls_a_core(report),
        "send_late_ms": percentiles(&report.send_lateness),
        "memory_a_call": report.memory(),
        "added_delay_ms": percentiles(&report.added_delay), "rounds": rounds,
    })
}

/// How many calls one core could carry, all threads counted.
fn calls_a_core(report: &Report) -> f64 {
    1e9 / (50.0 * report.median().all())
}

pub(super) fn percentiles(histogram: &Histogram) -> String {
    SHARES
        .map(|(name, share)| format!("{name} {:.2} ms", milliseconds(histogram, share)))
        .join(", ")
}

pub(super) fn milliseconds(histogram: &Histogram, share: f64) -> f64 {
    histogram.percentile(share).as_secs_f64() * 1000.0
}
