//! Recorded calls over real sockets: the embedded PBX rings, the service answers.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use call::{Place, Receptionist};
use pbx::{Caller, Endpoint, HangsUp, Pbx, PbxConfig, Reaction as PbxReaction, Speech};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::agents::{Agents, Reaction};
use crate::align;
use crate::conferences::Conferences;
use crate::desk::Desk;
use crate::driver::{Driven, Lookups, Shared, Tap};
use crate::finished::Finished;
use crate::hear::Ears;
use crate::journals::Journals;
use crate::keep::Keeper;
use crate::labels::SampleCall;
use crate::live_calls::LiveCalls;
use crate::media_road::MediaRoad;
use crate::service;

const APP: &str = "patchcord";
const USERNAME: &str = "rehearsal";
const PASSWORD: &str = "of no use elsewhere";

/// How long a connected caller stays.
const TALK: Duration = Duration::from_secs(1);
/// How long a caller waits whom nobody helps.
const PATIENCE: Duration = Duration::from_secs(90);
/// A busy agent is told so at once, as a SIP phone does.
const BUSY_AFTER: Duration = Duration::ZERO;

/// Plays `samples` to a receptionist, `at_once` at a time, and passes each on when it is over; writes their journals if told where.
///
/// # Errors
/// In words, with the mend.
pub(crate) async fn run(
    desk: Arc<Desk>,
    ears: Arc<Ears>,
    samples: &[SampleCall],
    at_once: usize,
    journals: Option<Arc<Journals>>,
    mut finished: impl FnMut(Finished),
) -> Result<(), String> {
    let config = PbxConfig {
        username: USERNAME.to_owned(),
        password: PASSWORD.to_owned(),
        ..PbxConfig::default()
    };
    let pbx = Pbx::start(config)
        .await
        .map_err(|error| format!("the embedded PBX cannot open a port on loopback: {error}"))?;
    furnish(&pbx, &desk.receptionist, &Agents::embedded());
    let pbx = Arc::new(pbx);
    let config =
        ari::Config::new(&pbx.url(), USERNAME, PASSWORD, APP).map_err(|error| error.to_string())?;
    let (client, arrivals) = ari::Client::connect(config).await.map_err(|e| e.to_string())?;
    let road = Arc::new(MediaRoad::rtp(Ipv4Addr::LOCALHOST.into())?);
    let (lookups, capture) = (Lookups::new()?, None);
    let shared = Shared {
        desks: desk.into(),
        client: client.clone(),
        ears,
        road,
        dialling: Arc::default(),
        conferences: Conferences::default(),
        calls: LiveCalls::default(),
        lookups,
        tap: Tap::On,
        capture,
        journals,
        tapes: None,
        keeper: Keeper::default(),
    };
    let (over, mut driven) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let service = tokio::spawn(service::serve(shared, arrivals, over, stopped));

    let known: HashMap<&str, &SampleCall> =
        samples.iter().map(|sample| (sample.name.as_str(), sample)).collect();
    let mut waiting = samples.iter();
    let mut ringing = JoinSet::new();
    let mut left = samples.len();
    while left > 0 {
        while ringing.len() < at_once
            && let Some(sample) = waiting.next()
        {
            let (pbx, caller) = (pbx.clone(), caller(sample));
            ringing.spawn(async move { pbx.call(caller).outcome().await });
        }
        tokio::select! {
            Some(call) = driven.recv() => {
                left -= 1;
                if let Some(sample) = known.get(call.caller.as_str()) {
                    finished(judge(call, sample));
                }
            }
            Some(_) = ringing.join_next() => {}
        }
    }
    stop.send_replace(true);
    // The service ends by itself once told to; a panic in it has been logged.
    let _ = service.await;
    client.close().await;
    if let Some(pbx) = Arc::into_inner(pbx) {
        pbx.shutdown().await;
    }
    Ok(())
}

/// A call that is over, beside its recording and its label.
pub(crate) fn judge(call: Driven, sample: &SampleCall) -> Finished {
    let offset = align::offset(&sample.audio, &call.received);
    let began = offset
        .zip(call.began)
        .map(|(samples, began)| began + samples as f64 / f64::from(audio::SAMPLE_RATE));
    let mut finished = Finished::new(sample.name.clone(), call.record, sample.label.clone(), began);
    finished.opening = Some(call.opening);
    finished
}

fn furnish(pbx: &Pbx, receptionist: &Receptionist, agents: &Agents) {
    for destination in &receptionist.destinations {
        match &destination.place {
            Place::Endpoint(endpoint) => {
                let endpoint_plan = match agents.reaction(endpoint) {
                    Reaction::Answers { rings } => Endpoint {
                        rings_for: rings,
                        then: PbxReaction::Answers {
                            says: Speech::Once(Arc::from([])),
                            hangs_up_after: None,
                        },
                    },
                    Reaction::Busy => Endpoint { rings_for: BUSY_AFTER, then: PbxReaction::Busy },
                };
                pbx.endpoint(endpoint, endpoint_plan);
            }
            Place::Dialplan { context, exten, .. } => pbx.dialplan(context, exten),
            // Nobody serves it here.
            Place::Queue(_) => {}
        }
    }
}

fn caller(sample: &SampleCall) -> Caller {
    let digits = sample.label.iter().flat_map(|label| &label.digits);
    let hangs_up = sample.label.as_ref().and_then(|label| label.hang_up_ms);
    Caller {
        name: sample.name.clone(),
        audio: sample.audio.clone().into(),
        digits: digits.map(|press| (press.at(), press.digit)).collect(),
        hangs_up: hangs_up
            .map_or(HangsUp::OnceConnectedFor(TALK), |ms| HangsUp::At(Duration::from_millis(ms))),
        patience: PATIENCE,
        ..Caller::default()
    }
}
