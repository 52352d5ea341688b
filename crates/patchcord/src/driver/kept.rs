//! Calls through flows of a store, at the embedded PBX: which version each takes, and what is kept of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use pbx::{Caller, HangsUp, Place};
use rusqlite::Connection;
use store::{
    AuditFilter, By, Filter, FlowRef, InboundNumber, Live, Location, Source, SpoolError, Store,
    Summary, Timestamp, Writer, WriterConfig,
};

use super::tests::{Keeping, MS, Stage, presses};
use crate::desk::Desk;
use crate::desks::Desks;
use crate::keep::{Keeper, Opening};

/// How long anything may take before a test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a store, gone with its test.
struct Shop {
    folder: PathBuf,
    store: Store,
}

impl Shop {
    fn new() -> Shop {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("patchcord-kept-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("writable");
        Shop { store: Store::lazy(&Location::sqlite(folder.join("patchcord.db"))), folder }
    }

    async fn publish(&self, name: &str, text: &str) {
        let text = Source::Text(text.to_owned());
        self.store.publish(name, text, &by()).await.expect("published");
    }

    async fn set(&self, pattern: &str, flow: &str) {
        let number = InboundNumber {
            pattern: pattern.parse().expect("a pattern"),
            flow: flow.to_owned(),
            language: None,
            greeting: None,
            hours: None,
            fallback: None,
        };
        self.store.set_number(&number, &by()).await.expect("set");
    }

    /// A writer, once the one before has left the spool.
    async fn writer(&self) -> Writer {
        let config = WriterConfig {
            retry: (10 * MS, 50 * MS),
            ..WriterConfig::new(self.folder.join("spool"))
        };
        let mut writer = None;
        let start = async || {
            writer = match Writer::start(self.store.clone(), config.clone()) {
                Err(SpoolError::InUse(_)) => None,
                started => Some(started.expect("a spool")),
            };
            writer.is_some()
        };
        until("the spool is free", start).await;
        writer.expect("it has been started")
    }

    /// Desks that follow the store.
    async fn desks(&self, keeper: &Keeper) -> Desks {
        let own = Arc::new(Desk::embedded().expect("the sample is well formed"));
        let live = Live::start(self.store.clone()).await.expect("it is there");
        Desks::follow(own, live, keeper.clone()).await
    }

    /// The calls that are kept, the earliest first.
    async fn calls(&self) -> Vec<Summary> {
        let page = self.store.calls(&Filter::default(), None, 500).await.expect("it is there");
        page.calls.into_iter().rev().collect()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn by() -> By {
    By::new("maria", "a test")
}

/// A flow that connects whoever presses 1.
fn to(destination: &str) -> String {
    format!(
        r#"
        schema = 1
        name = "desk"
        start = "menu"
        [node.menu]
        menu = {{ prompt = {{ file = "prompts/menu.wav" }}, keys = {{ 1 = "go" }} }}
        to = {{ go = "go" }}
        [node.go]
        connect = {{ destination = "{destination}" }}
        "#
    )
}

fn endpoint(name: &str) -> Option<Place> {
    Some(Place::Endpoint(format!("PJSIP/{name}")))
}

/// Waits until something is so.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(5 * MS).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn version(desks: &Desks, called: &str) -> Option<i64> {
    desks.for_call(called).flow.as_ref().map(|flow| flow.version)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_keeps_its_version_and_the_next_takes_what_was_published_meanwhile() {
    let shop = Shop::new();
    shop.publish("desk", &to("operator")).await;
    shop.set("100", "desk").await;
    let writer = shop.writer().await;
    let keeper = Keeper::new(writer.clone());
    let desks = shop.desks(&keeper).await;
    let mut stage = Stage::with(desks.clone(), Keeping { keeper, ..Keeping::default() }).await;

    let stays = HangsUp::OnceConnectedFor(100 * MS);
    let first = stage.pbx.call(Caller { hangs_up: stays, ..Caller::default() });
    until("the first call is kept", async || shop.calls().await.len() == 1).await;
    shop.publish("desk", &to("helpdesk")).await;
    until("the second version is taken", async || version(&desks, "100") == Some(2)).await;
    first.press('1');
    assert_eq!(first.outcome().await.connected_to, endpoint("operator"));
    let _ = stage.over().await;
    let (driven, outcome) = stage.ring(presses('1')).await;
    assert_eq!(outcome.connected_to, endpoint("helpdesk"));
    assert_eq!(driven.opening.flow, Some(FlowRef { name: "desk".to_owned(), version: 2 }));
    stage.end().await;

    writer.written().await;
    let calls = shop.calls().await;
    let kept: Vec<_> = calls
        .iter()
        .map(|it| (it.flow.as_ref().map(|flow| flow.version), it.destination.as_deref()))
        .collect();
    assert_eq!(kept, [(Some(1), Some("operator")), (Some(2), Some("helpdesk"))]);
    let whole = shop.store.call(&calls[1].id).await.expect("it is there").expect("it is kept");
    let record: serde_json::Value = serde_json::from_str(whole.call.record.as_str()).expect("JSON");
    assert_eq!(record["path"], serde_json::json!(["menu", "go"]));
    assert_eq!(record["attempts"][0]["destination"], "helpdesk");
    assert_eq!(
        (whole.call.node.as_deref(), whole.call.called.as_deref()),
        (Some("go"), Some("100"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_no_call_can_take_leaves_the_last_good_one_and_is_told() {
    let shop = Shop::new();
    shop.publish("desk", &to("operator")).await;
    shop.set("1*", "desk").await;
    let writer = shop.writer().await;
    let keeper = Keeper::new(writer.clone());
    let desks = shop.desks(&keeper).await;
    shop.publish("desk", &to("nobody")).await;
    let refused = AuditFilter { what: Some("flow.refused".to_owned()), ..AuditFilter::default() };
    let told = async || shop.store.audit(&refused, 10).await.expect("it is there");
    until("it is told", async || !told().await.is_empty()).await;
    assert_eq!(version(&desks, "100"), Some(1));
    let audit = told().await;
    let after = audit[0].audit.after.as_ref().expect("a cause").as_str();
    assert!(after.contains("there is no destination") && after.contains("nobody"), "{after}");
    assert_eq!(audit[0].audit.subject.as_deref(), Some("desk"));

    shop.store.point("desk", 1, &by()).await.expect("rolled back");
    shop.publish("desk", &to("helpdesk")).await;
    until("the next good one is taken", async || version(&desks, "100") == Some(3)).await;
    assert_eq!(version(&desks, "200"), None, "a number of which the store says nothing");
    shop.store.remove_number(&"1*".parse().expect("a pattern"), &by()).await.expect("removed");
    until("the number is forgotten", async || version(&desks, "100").is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_program_does_not_outlive_is_kept_as_broken_off() {
    let shop = Shop::new();
    let writer = shop.writer().await;
    let keeper = Keeper::new(writer.clone());
    let opening = Opening {
        id: "1.2-3".to_owned(),
        started: Timestamp(3),
        caller: None,
        called: Some("100".to_owned()),
        flow: None,
    };
    let task = tokio::spawn(async move {
        let _open = keeper.begin(&opening);
        std::future::pending::<()>().await;
    });
    until("it is kept", async || shop.store.ready().await.is_ok() && shop.calls().await.len() == 1)
        .await;
    assert_eq!(shop.calls().await[0].ended, None);
    task.abort();
    let _ = task.await;
    writer.written().await;
    let calls = shop.calls().await;
    assert!(calls[0].ended.is_some() && calls[0].outcome.as_deref() == Some("broken_off"));
}

/// The database is locked while calls come and go, and again while the program ends and starts anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_costs_no_call_and_no_record() {
    const CALLS: usize = 12;
    let shop = Shop::new();
    shop.publish("desk", &to("operator")).await;
    shop.set("*", "desk").await;
    let writer = shop.writer().await;
    let keeper = Keeper::new(writer.clone());
    let keeping = Keeping { keeper: keeper.clone(), ..Keeping::default() };
    let mut stage = Stage::with(shop.desks(&keeper).await, keeping).await;
    let lock = || {
        let lock = Connection::open(shop.folder.join("patchcord.db")).expect("it is there");
        lock.execute_batch("BEGIN EXCLUSIVE").expect("nobody else writes for long");
        lock
    };
    let away = lock();
    for _ in 0..CALLS / 2 {
        let (_, outcome) = stage.ring(presses('1')).await;
        assert_eq!(outcome.connected_to, endpoint("operator"));
    }
    writer.spooled().await;
    assert_eq!(writer.status().waiting, CALLS as u64, "a row at the beginning, one at the end");
    drop(away);
    writer.written().await;
    assert_eq!(shop.calls().await.len(), CALLS / 2);

    let away = lock();
    for _ in 0..CALLS / 2 {
        stage.ring(presses('1')).await;
    }
    stage.end().await;
    let left = keeper.stop(50 * MS).await.expect("the database is away");
    assert!(left.ends_with("records wait in the spool for the next start"), "{left}");
    drop((away, writer, keeper));
    shop.writer().await.written().await;
    let calls = shop.calls().await;
    assert_eq!(calls.len(), CALLS);
    let whole =
        |call: &&Summary| call.ended.is_some() && call.outcome.as_deref() == Some("connected");
    assert_eq!(calls.iter().filter(whole).count(), CALLS, "{calls:?}");
}
