//! The service: takes every call that arrives and drives each in a task of its own.

use std::time::Duration;

use ari::Arrivals;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::driver::{self, Driven, Shared};

/// How long calls may go on once the service has been told to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// Drives calls until `stop` says so or the event socket ends for good; every call that is over goes to `over`.
///
/// When this returns, no call's task is left: those that would not end in time were cut off, and are counted in the
/// result.
pub(crate) async fn serve(
    shared: Shared,
    mut arrivals: Arrivals,
    over: mpsc::UnboundedSender<Driven>,
    mut stop: watch::Receiver<bool>,
) -> usize {
    let mut calls = JoinSet::new();
    loop {
        tokio::select! {
            arrival = arrivals.recv() => match arrival {
                Some(arrival) => {
                    calls.spawn(driver::drive(shared.clone(), arrival));
                }
                None => break,
            },
            Some(call) = calls.join_next() => deliver(call, &over),
            // An error means that nobody can say stop any more.
            _ = stop.wait_for(|&stop| stop) => break,
        }
    }
    let drained = async {
        while let Some(call) = calls.join_next().await {
            deliver(call, &over);
        }
    };
    let _ = tokio::time::timeout(DRAIN, drained).await;
    let left = calls.len();
    calls.shutdown().await;
    left
}

fn deliver(call: Result<Driven, tokio::task::JoinError>, over: &mpsc::UnboundedSender<Driven>) {
    match call {
        Ok(driven) => {
            // Nobody may be interested any more.
            let _ = over.send(driven);
        }
        Err(error) => tracing::error!(%error, "a call's task ended by a panic"),
    }
}
