//! `patchcord bench soak`: the sound of many calls for long; does anything grow?

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use media::bench::{Load, Period};

use super::super::{CommandResult, words};
use super::media::{Traffic, milliseconds};

#[derive(Args)]
pub(in crate::command) struct Options {
    #[command(flatten)]
    traffic: Traffic,
    /// How long
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    minutes: u16,
}

const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn run(options: &Options) -> CommandResult {
    let load = Load { each: MINUTE, ..options.traffic.load() };
    println!("{} calls for {} minutes", load.calls, options.minutes);
    println!(
        "minute  ns a frame  late p50    p99 ms  delay p50    p99 ms  given up  dropped  memory MiB  files"
    );
    let mut periods = Vec::new();
    let lost = media::bench::soak(&load, options.minutes.into(), |period| {
        periods.push(period.clone());
        println!("{:6}  {}", periods.len(), line(period));
    });
    println!("lost packets: {}", lost.map_err(words)?);
    if let Some(growth) = growth(&periods) {
        println!("{growth}");
    }
    Ok(ExitCode::SUCCESS)
}

fn line(period: &Period) -> String {
    let late = |share| milliseconds(&period.send_lateness, share);
    let delay = |share| milliseconds(&period.added_delay, share);
    format!(
        "{:10.0}  {:8.2}  {:8.2}  {:9.2}  {:8.2}  {:8}  {:7}  {:10.1}  {:5}",
        period.cpu,
        late(0.5),
        late(0.99),
        delay(0.5),
        delay(0.99),
        period.given_up,
        period.dropped,
        mebibytes(period.resident),
        period.descriptors,
    )
}

/// The first third against the last; the first minute is left out, in which memory is taken.
fn growth(periods: &[Period]) -> Option<String> {
    let steady = periods.get(1..)?;
    let third = steady.len() / 3;
    let (first, last) = (steady.get(..third)?, steady.get(steady.len() - third..)?);
    let (begin, end) = (steady.first()?, steady.last()?);
    let late = |periods: &[Period]| {
        let mut all = media::Histogram::default();
        periods.iter().for_each(|period| all.add(&period.send_lateness));
        milliseconds(&all, 0.5)
    };
    Some(format!(
        "from the second minute to the last: memory {:+.2} MiB, files {:+}; lateness p50 of the first \
         third {:.2} ms, of the last {:.2} ms",
        mebibytes(end.resident) - mebibytes(begin.resident),
        end.descriptors as i64 - begin.descriptors as i64,
        late(first),
        late(last),
    ))
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
