//! The driver against an embedded PBX that misbehaves at random: whatever happens to a call, nothing of it is left.
//!
//! A seed makes one PBX, its callers and its faults. `PATCHCORD_SEEDS=10000` plays that many, `PATCHCORD_SEED=7` the
//! seventh alone; a seed that fails prints itself and its story. Sockets are real, so a story is the same each time and
//! its interleaving only nearly so.

use std::net::Ipv4Addr;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pbx::{
    Caller, Endpoint, EventKind, Fault, HangsUp, Operation, Pbx, PbxConfig, Reaction, Speech,
};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::tests::deaf_ears;
use super::{Lookups, Shared, Tap};
use crate::conferences::Conferences;
use crate::desk::Desk;
use crate::hear::Ears;
use crate::keep::Keeper;
use crate::live_calls::LiveCalls;
use crate::media_road::MediaRoad;
use crate::service;

const MS: Duration = Duration::from_millis(1);
/// How many seeds the gate plays.
const SEEDS: u64 = 200;
/// How many are played at once.
const AT_ONCE: usize = 64;
/// How long anything may take to be over once everybody has hung up.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a seed makes.
#[derive(Debug)]
struct Story {
    callers: Vec<(Duration, Caller)>,
    operator: Endpoint,
    /// Each at its time.
    faults: Vec<(Duration, Fault)>,
    healed_after: Duration,
}

/// SplitMix64, which needs no dependency.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn ms(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end))
    }
}

impl Story {
    fn of(seed: u64) -> Story {
        let mut dice = Dice(seed);
        let callers = (0..=dice.below(3)).map(|_| (dice.ms(300), caller(&mut dice))).collect();
        let operator = Endpoint { rings_for: dice.ms(150), then: reaction(&mut dice) };
        let faults = (0..=dice.below(3)).map(|_| (dice.ms(500), fault(&mut dice))).collect();
        Story { callers, operator, faults, healed_after: 200 * MS + dice.ms(800) }
    }
}

fn caller(dice: &mut Dice) -> Caller {
    let keys =
        (0..dice.below(3)).map(|_| (dice.ms(900), dice.pick(&['0', '0', '1', '2', '9', '#'])));
    let digits = keys.collect();
    let hangs_up = match dice.below(4) {
        0 => HangsUp::At(dice.ms(1200)),
        1 => HangsUp::BeforeRequest(1 + dice.below(14) as u32),
        2 => HangsUp::AfterEvent(1 + dice.below(24) as u32),
        _ => HangsUp::OnceConnectedFor(dice.ms(200)),
    };
    let patience = Duration::from_millis(1000 + dice.below(1500));
    Caller { digits, hangs_up, patience, ..Caller::default() }
}

fn reaction(dice: &mut Dice) -> Reaction {
    let says = Speech::Once(Arc::from([]));
    match dice.below(6) {
        0 => Reaction::Busy,
        1 => Reaction::NoAnswer,
        2 => Reaction::Rejects { cause: 21 },
        3 => Reaction::Answers { says, hangs_up_after: Some(dice.ms(300)) },
        _ => Reaction::Answers { says, hangs_up_after: None },
    }
}

fn fault(dice: &mut Dice) -> Fault {
    // Asterisk turns down no hang-up and no unmaking of what is there; late and slow they can be.
    let releasing = [Operation::Hangup, Operation::DestroyBridge];
    let making = [
        Operation::Answer,
        Operation::CreateBridge,
        Operation::ExternalMedia,
        Operation::AddChannel,
        Operation::Originate,
        Operation::Continue,
        Operation::GetVariable,
        Operation::GetChannel,
    ];
    let operation = dice.pick(&[&making[..], &releasing[..]].concat());
    // What the end of a channel is known by is lost only with its socket.
    let losable = [
        EventKind::ChannelDtmfReceived,
        EventKind::ChannelEnteredBridge,
        EventKind::ChannelLeftBridge,
        EventKind::ChannelStateChange,
        EventKind::Dial,
    ];
    let twice = [
        EventKind::StasisStart,
        EventKind::StasisEnd,
        EventKind::ChannelDestroyed,
        EventKind::ChannelHangupRequest,
        EventKind::ChannelDtmfReceived,
        EventKind::ChannelEnteredBridge,
    ];
    match dice.below(12) {
        0 => Fault::SlowAnswer { operation, delay: dice.ms(400) },
        // Slower than the client is patient: what came of it is not known.
        1 => Fault::SlowAnswer { operation, delay: Duration::from_millis(2500) },
        2 | 3 => Fault::FailOperation {
            operation: dice.pick(&making),
            status: dice.pick(&[404, 409, 412, 422, 500, 503]),
        },
        4 => Fault::EventBeforeReply { operation },
        5 => Fault::ReplyBeforeEvent { operation },
        6 => Fault::DropEvents { kind: dice.pick(&losable) },
        7 => Fault::DuplicateEvents { kind: dice.pick(&twice) },
        8 => Fault::LateRequest { operation },
        9 => Fault::CloseSocket,
        10 => dice.pick(&[Fault::CloseSocketPolitely, Fault::ReplaceApplication]),
        _ => Fault::SilenceSocket,
    }
}

/// Plays a seed; says what was left.
async fn play(seed: u64, desk: Arc<Desk>, ears: Arc<Ears>) -> Result<(), String> {
    let story = Story::of(seed);
    let told = format!("{story:?}");
    let pbx = Arc::new(Pbx::start(PbxConfig::default()).await.map_err(|e| e.to_string())?);
    for name in ["PJSIP/operator", "PJSIP/helpdesk"] {
        pbx.endpoint(name, story.operator.clone());
    }
    pbx.dialplan("default", "100");
    let PbxConfig { username, password, app, .. } = PbxConfig::default();
    let mut config = ari::Config::new(&pbx.url(), username, password, app).expect("well formed");
    config.request_timeout = Duration::from_secs(2);
    // The first connection is no part of the story.
    config.connect_timeout = PATIENCE;
    config.ping_every = 100 * MS;
    config.ping_timeout = 400 * MS;
    config.reconnect_max = 200 * MS;
    config.on_replaced = ari::OnReplaced::TakeBack;
    let (client, arrivals) = ari::Client::connect(config).await.map_err(|e| e.to_string())?;
    let road = Arc::new(MediaRoad::rtp(Ipv4Addr::LOCALHOST.into())?);
    let lookups = Lookups::new()?;
    let client_of_calls = client.clone();
    let shared = Shared {
        desks: desk.into(),
        client: client_of_calls,
        ears,
        road,
        dialling: Arc::default(),
        conferences: Conferences::default(),
        calls: LiveCalls::default(),
        lookups,
        tap: Tap::Off,
        capture: None,
        tapes: None,
        keeper: Keeper::default(),
        journals: None,
    };
    let (over, _driven) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let service = tokio::spawn(service::serve(shared, arrivals, over, stopped));

    let mut people = JoinSet::new();
    for (after, caller) in story.callers {
        let pbx = pbx.clone();
        people.spawn(async move {
            sleep(after).await;
            let call = pbx.call(caller);
            drop(call.outcome().await);
        });
    }
    for (after, fault) in story.faults {
        let pbx = pbx.clone();
        people.spawn(async move {
            sleep(after).await;
            pbx.inject(fault);
        });
    }
    sleep(story.healed_after).await;
    pbx.heal();
    let gone = timeout(PATIENCE, async { while people.join_next().await.is_some() {} }).await;
    pbx.heal();
    let quiet = timeout(PATIENCE, pbx.quiet()).await;
    stop.send_replace(true);
    let left = timeout(PATIENCE, service).await;
    let (census, mailboxes, seen) = (pbx.census(), client.open_mailboxes(), client.counters());
    timeout(PATIENCE, client.close()).await.map_err(|_| "the client does not close")?;
    let pbx = Arc::into_inner(pbx).expect("everybody else who held it is gone");
    let stopped = timeout(PATIENCE, pbx.shutdown()).await;
    let nothing_left = mailboxes == 0 && matches!(left, Ok(Ok(0)));
    if nothing_left && gone.is_ok() && quiet.is_ok() && stopped.is_ok() {
        return Ok(());
    }
    Err(format!(
        "callers gone: {gone:?}, quiet: {quiet:?}, calls left: {left:?}, mailboxes: {mailboxes}, shut down: {stopped:?}, \
         {census:?}, {seen:?}\n{told}"
    ))
}

fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("PATCHCORD_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("PATCHCORD_SEEDS").unwrap_or(SEEDS),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_faults_leave_no_channel_bridge_port_mailbox_or_task() {
    let panics = Arc::new(AtomicUsize::new(0));
    let (seen, usual) = (panics.clone(), panic::take_hook());
    panic::set_hook(Box::new(move |info| {
        seen.fetch_add(1, Ordering::SeqCst);
        usual(info);
    }));
    let desk = Arc::new(Desk::embedded().expect("the sample is well formed"));
    let ears = Arc::new(deaf_ears());
    let before = Handle::current().metrics().num_alive_tasks();
    let (places, mut playing) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for seed in seeds() {
        let (desk, ears, places) = (desk.clone(), ears.clone(), places.clone());
        playing.spawn(async move {
            let _place = places.acquire_owned().await.expect("it is never closed");
            (seed, play(seed, desk, ears).await)
        });
    }
    let mut failed = Vec::new();
    while let Some(played) = playing.join_next().await {
        match played {
            Ok((_, Ok(()))) => {}
            Ok((seed, Err(cause))) => failed.push(format!("PATCHCORD_SEED={seed}: {cause}")),
            Err(error) => failed.push(error.to_string()),
        }
    }
    assert!(failed.is_empty(), "{} failed\n{}", failed.len(), failed.join("\n"));
    assert_eq!(panics.load(Ordering::SeqCst), 0, "something panicked");
    let none_left = async {
        while Handle::current().metrics().num_alive_tasks() > before {
            sleep(10 * MS).await;
        }
    };
    let none_left = timeout(PATIENCE, none_left).await;
    let alive = Handle::current().metrics().num_alive_tasks();
    assert!(none_left.is_ok(), "{} tasks are left", alive - before);
}
