//! The driver against the embedded PBX, with engines that hear nothing: every fault leaves the caller with somebody,
//! and nothing behind.

mod kept;

use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use call::{Basis, Outcome};
use engines::hearing::{Hearing, HearingConfig};
use engines::recognizer::{ReadError, Reading, Recognizer, Request, Vad, Window};
use pbx::{Caller, Endpoint, Fault, HangsUp, Operation, Pbx, PbxConfig, Place, Reaction, Speech};
use tokio::sync::{mpsc, watch};

use super::{Driven, Lookups, Shared, Tap};
use crate::capture::Capture;
use crate::conferences::Conferences;
use crate::desk::Desk;
use crate::desks::Desks;
use crate::hear::Ears;
use crate::journals::Journals;
use crate::journals::again::Replayer;
use crate::keep::Keeper;
use crate::live_calls::LiveCalls;
use crate::media_road::MediaRoad;
use crate::service;
use crate::tapes::Tapes;

pub(super) const MS: Duration = Duration::from_millis(1);

struct Deaf;

impl Vad for Deaf {
    type State = ();

    fn judge(&mut self, windows: &mut [Window<()>]) {
        for window in windows {
            window.speech = Ok(0.0);
        }
    }
}

impl Recognizer for Deaf {
    fn read(&mut self, _: Request<'_>) -> Result<Reading, ReadError> {
        Ok(Reading::default())
    }
}

pub(super) fn deaf_ears() -> Ears {
    let config = HearingConfig { workers: NonZeroUsize::MIN, ..HearingConfig::default() };
    let epoch = config.epoch;
    let hearing = Hearing::with_engines(Deaf, || Ok(Deaf), config).expect("threads can be had");
    Ears { hearing, epoch }
}

/// Where a stage's calls leave what they leave.
#[derive(Default)]
pub(super) struct Keeping {
    pub(super) keeper: Keeper,
    pub(super) tapes: Option<Arc<Tapes>>,
    pub(super) capture: Option<Arc<Capture>>,
}

/// The sample receptionist at an embedded PBX whose operator and help desk answer soon.
pub(super) struct Stage {
    pub(super) pbx: Pbx,
    client: ari::Client,
    driven: mpsc::UnboundedReceiver<Driven>,
    stop: watch::Sender<bool>,
    calls: LiveCalls,
    service: tokio::task::JoinHandle<usize>,
    journals: Kept,
}

impl Stage {
    async fn set() -> Stage {
        let desk = Desk::embedded().expect("the sample is well formed");
        Stage::with(Arc::new(desk).into(), Keeping::default()).await
    }

    pub(super) async fn with(desks: Desks, keeping: Keeping) -> Stage {
        let pbx = Pbx::start(PbxConfig::default()).await.expect("a port on loopback");
        for endpoint in ["PJSIP/operator", "PJSIP/helpdesk"] {
            let says = Speech::Once(Arc::from([]));
            let then = Reaction::Answers { says, hangs_up_after: None };
            pbx.endpoint(endpoint, Endpoint { rings_for: 50 * MS, then });
        }
        pbx.dialplan("default", "100");
        let PbxConfig { username, password, app, .. } = PbxConfig::default();
        let config = ari::Config::new(&pbx.url(), username, password, app).expect("well formed");
        let (client, arrivals) = ari::Client::connect(config).await.expect("it listens");
        live(&client).await;
        let journals = Kept::new();
        let calls = LiveCalls::default();
        let shared = Shared {
            desks,
            client: client.clone(),
            ears: Arc::new(deaf_ears()),
            road: Arc::new(MediaRoad::rtp(Ipv4Addr::LOCALHOST.into()).expect("ports on loopback")),
            dialling: Arc::default(),
            conferences: Conferences::default(),
            calls: calls.clone(),
            lookups: Lookups::new().expect("a client"),
            tap: Tap::Off,
            capture: keeping.capture,
            tapes: keeping.tapes,
            keeper: keeping.keeper,
            journals: Some(journals.start()),
        };
        let (over, driven) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let service = tokio::spawn(service::serve(shared, arrivals, over, stopped));
        Stage { pbx, client, driven, stop, calls, service, journals }
    }

    /// Lets one caller ring; gives the call's record and what the caller lived through, once nothing is left.
    pub(super) async fn ring(&mut self, caller: Caller) -> (Driven, pbx::Outcome) {
        let outcome = self.pbx.call(caller).outcome().await;
        let driven = self.over().await;
        self.pbx.quiet().await;
        let census = self.pbx.census();
        assert_eq!((census.channels, census.bridges, census.external_media_ports), (0, 0, 0));
        (driven, outcome)
    }

    /// The next call to be over.
    pub(super) async fn over(&mut self) -> Driven {
        self.driven.recv().await.expect("the service works")
    }

    pub(super) async fn end(self) {
        self.stop.send_replace(true);
        assert_eq!(self.service.await.expect("no panic"), 0, "a call was left");
        self.client.close().await;
        self.pbx.shutdown().await;
        self.journals.replay_identical();
    }
}

/// A folder of journals for one test.
struct Kept(PathBuf);

impl Kept {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("patchcord-journals-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn start(&self) -> Arc<Journals> {
        Arc::new(Journals::start(self.0.clone()).expect("a thread"))
    }

    /// Every call that was driven did what its journal does. The service is over, and all is written.
    fn replay_identical(&self) {
        let mut replayer = Replayer::default();
        let mut count = 0;
        for entry in std::fs::read_dir(&self.0).expect("it is there") {
            let path = entry.expect("readable").path();
            let replayed = replayer.replay(&path).unwrap_or_else(|error| panic!("{error}"));
            assert!(replayed.difference.is_none(), "{}", replayed.difference.expect("one"));
            assert!(replayed.journal.is_whole(), "{}", path.display());
            count += 1;
        }
        assert!(count > 0, "no call was written down");
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn live(client: &ari::Client) {
    let is_live = |state: &ari::ConnectionState| *state == ari::ConnectionState::Live;
    client.state().wait_for(is_live).await.expect("it comes to that");
}

/// Presses a key soon after the answer, and hangs up once connected.
pub(super) fn presses(digit: char) -> Caller {
    Caller {
        digits: vec![(150 * MS, digit)],
        hangs_up: HangsUp::OnceConnectedFor(100 * MS),
        patience: Duration::from_secs(20),
        ..Caller::default()
    }
}

fn operator() -> Option<Place> {
    Some(Place::Endpoint("PJSIP/operator".to_owned()))
}

#[tokio::test]
async fn a_digit_connects() {
    let mut stage = Stage::set().await;
    let (driven, outcome) = stage.ring(presses('0')).await;
    assert_eq!(driven.record.outcome, Some(Outcome::Connected));
    assert_eq!(driven.record.decision.map(|decision| decision.basis), Some(Basis::Digit));
    assert_eq!(outcome.connected_to, operator());
    stage.end().await;
}

#[tokio::test]
async fn a_hang_up_at_any_moment_leaves_nothing() {
    let mut stage = Stage::set().await;
    for at in [0, 1, 3, 6, 10, 20, 60, 160, 190, 230] {
        let hangs_up = HangsUp::At(at * MS);
        let (driven, _) = stage.ring(Caller { hangs_up, ..presses('0') }).await;
        let outcome = driven.record.outcome;
        // The key is pressed 150 ms after the answer.
        if at < 150 {
            assert_eq!(outcome, Some(Outcome::Abandoned), "after {at} ms");
        } else {
            assert!(outcome.is_some(), "after {at} ms");
        }
    }
    stage.end().await;
}

#[tokio::test]
async fn events_before_replies_and_replies_before_events_come_to_the_same() {
    for operation in [Operation::Originate, Operation::ExternalMedia, Operation::AddChannel] {
        for fault in [Fault::EventBeforeReply { operation }, Fault::ReplyBeforeEvent { operation }]
        {
            let mut stage = Stage::set().await;
            stage.pbx.inject(fault);
            let (driven, outcome) = stage.ring(presses('0')).await;
            assert_eq!(driven.record.outcome, Some(Outcome::Connected), "{fault:?}");
            assert_eq!(outcome.connected_to, operator(), "{fault:?}");
            stage.end().await;
        }
    }
}

#[tokio::test]
async fn a_call_without_media_goes_back_to_the_dialplan() {
    for operation in [Operation::ExternalMedia, Operation::CreateBridge, Operation::Answer] {
        let mut stage = Stage::set().await;
        stage.pbx.inject(Fault::FailOperation { operation, status: 500 });
        let caller = Caller { hangs_up: HangsUp::At(Duration::from_secs(2)), ..Caller::default() };
        let (driven, _) = stage.ring(caller).await;
        assert_eq!(driven.record.outcome, Some(Outcome::HandedBack), "{operation:?}");
        assert_eq!(driven.record.troubles.len(), 1, "{:?}", driven.record.troubles);
        stage.end().await;
    }
}

#[tokio::test]
async fn a_destination_that_does_not_exist_leads_to_the_fallback() {
    let mut stage = Stage::set().await;
    let (driven, outcome) = stage.ring(presses('2')).await;
    assert_eq!(driven.record.attempts.len(), 2, "{:?}", driven.record.attempts);
    assert_eq!(outcome.connected_to, operator());
    stage.end().await;
}

#[tokio::test]
async fn a_lost_event_socket_costs_no_call() {
    let mut stage = Stage::set().await;
    let mut state = stage.client.state();
    stage.pbx.inject(Fault::CloseSocket);
    state.wait_for(|state| *state != ari::ConnectionState::Live).await.expect("it is noticed");
    state.wait_for(|state| *state == ari::ConnectionState::Live).await.expect("it comes back");
    stage.pbx.heal();
    let (driven, _) = stage.ring(presses('0')).await;
    assert_eq!(driven.record.outcome, Some(Outcome::Connected));
    stage.end().await;
}

#[tokio::test]
async fn callers_who_hang_up_unseen_are_closed_and_those_who_come_unseen_are_served() {
    const TALKING: usize = 6;
    let mut stage = Stage::set().await;
    let mut state = stage.client.state();
    let stays = Caller { hangs_up: HangsUp::At(600 * 1000 * MS), ..Caller::default() };
    let callers: Vec<_> = (0..TALKING).map(|_| stage.pbx.call(stays.clone())).collect();
    // Each has its media channel.
    while stage.pbx.census().channels < 2 * TALKING {
        tokio::time::sleep(MS).await;
    }
    // Asterisk writes to a socket that nobody reads any more.
    for kind in [
        pbx::EventKind::StasisStart,
        pbx::EventKind::StasisEnd,
        pbx::EventKind::ChannelHangupRequest,
        pbx::EventKind::ChannelDestroyed,
    ] {
        stage.pbx.inject(Fault::DropEvents { kind });
    }
    for caller in callers {
        caller.hang_up();
        caller.outcome().await;
    }
    let newcomer = stage.pbx.call(presses('0'));
    stage.pbx.heal();
    stage.pbx.inject(Fault::CloseSocket);
    state.wait_for(|state| *state != ari::ConnectionState::Live).await.expect("it is noticed");
    assert_eq!(newcomer.outcome().await.connected_to, operator());
    let mut outcomes = Vec::new();
    for _ in 0..=TALKING {
        let driven = stage.driven.recv().await.expect("the service works");
        outcomes.push(driven.record.outcome.expect("every call has an end"));
    }
    let connected = outcomes.iter().filter(|outcome| **outcome == Outcome::Connected).count();
    assert_eq!(connected, 1, "{outcomes:?}");
    stage.pbx.quiet().await;
    let counters = stage.client.counters();
    assert_eq!((counters.found, counters.gaps), (1, 1), "{counters:?}");
    stage.end().await;
}
