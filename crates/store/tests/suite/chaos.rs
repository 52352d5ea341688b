//! The database goes and comes, the program is killed: nothing is lost, nothing comes twice.

use std::collections::BTreeMap;
use std::time::Duration;

use store::{AuditFilter, Cursor, Filter, RecordingState, Stopped, Store, Writer};
use tokio::task::JoinSet;

use crate::children::Child;
use crate::ground::{Ground, call, in_time, recording, turn, until, zone};
use crate::on_both;

on_both! {
    fifty_callers_notice_nothing_of_an_outage,
    a_killed_program_loses_nothing_that_was_on_its_disk,
    a_program_killed_while_the_database_is_away_loses_nothing_either,
}

const CALLERS: i64 = 50;
const TURNS: i64 = 3;
/// Entries of one call: its beginning, its turns, a recording begun and done, two audit rows, its end.
const ENTRIES: i64 = TURNS + 6;

/// One call as it leaves things behind.
async fn ring(writer: Writer, id: String, started: i64) {
    let done = call(&id, started);
    let mut begun = done.clone();
    begun.ended = None;
    writer.write(begun).unwrap();
    writer.write(recording(&id, RecordingState::Running)).unwrap();
    writer.write(zone(&id, "zone.enter")).unwrap();
    for number in 0..TURNS {
        writer.write(turn(&id, number)).unwrap();
        tokio::task::yield_now().await;
    }
    writer.write(zone(&id, "zone.leave")).unwrap();
    writer.write(recording(&id, RecordingState::Complete)).unwrap();
    writer.write(done).unwrap();
}

/// Fifty callers ring five times each.
async fn wave(writer: &Writer, name: &str) {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (writer, name) = (writer.clone(), name.to_owned());
        callers.spawn(async move {
            for n in 0..5 {
                ring(writer.clone(), format!("{name}-{caller}-{n}"), caller * 5 + n).await;
            }
        });
    }
    callers.join_all().await;
}

async fn fifty_callers_notice_nothing_of_an_outage(mut ground: Ground) {
    let store = ground.store().await;
    let writer = Writer::start(store.clone(), ground.spool()).unwrap();
    wave(&writer, "before").await;
    // In the middle of a batch, if it falls so.
    ground.take_away();
    wave(&writer, "during").await;
    in_time(writer.spooled()).await;
    until(async || writer.status().trouble).await;
    assert!(writer.status().waiting >= (CALLERS * 5 * ENTRIES) as u64);
    assert!(writer.status().spool_bytes > 100_000);
    // It comes, goes at once, and comes to stay.
    ground.bring_back();
    ground.take_away();
    wave(&writer, "again").await;
    ground.bring_back();
    wave(&writer, "after").await;
    in_time(writer.written()).await;
    assert_eq!(writer.status().waiting, 0);
    let stopped = in_time(writer.stop(Duration::from_secs(60))).await;
    assert_eq!(stopped, Stopped { waiting: 0, lost: 0 });

    let found = all_calls(&store).await;
    assert_eq!(found.len() as i64, 4 * CALLERS * 5);
    for (id, ended) in &found {
        assert!(ended, "call {id} has its end");
        let whole = store.call(id).await.unwrap().unwrap();
        let audit: Vec<_> = whole.audit.iter().map(|row| row.audit.what.as_str()).collect();
        assert_eq!(audit, ["zone.enter", "zone.leave"], "call {id}");
        assert_eq!(whole.turns, (0..TURNS).map(|n| turn(id, n)).collect::<Vec<_>>());
        assert_eq!(whole.recordings, [recording(id, RecordingState::Complete)]);
    }
}

async fn a_killed_program_loses_nothing_that_was_on_its_disk(ground: Ground) {
    let store = ground.store().await;
    let config = ground.spool();
    let mut acknowledged = BTreeMap::new();
    // Killed three times, and begun again on what it had left.
    for life in ["first", "second", "third"] {
        let mut child = Child::writing(life, &ground.address(), &config.spool);
        let last = kill_after(&mut child, 60);
        acknowledged.insert(life, last);
    }
    let writer = Writer::start(store.clone(), config).unwrap();
    in_time(writer.written()).await;
    check(&store, &acknowledged).await;
}

async fn a_program_killed_while_the_database_is_away_loses_nothing_either(mut ground: Ground) {
    let store = ground.store().await;
    let config = ground.spool();
    ground.take_away();
    let mut child = Child::writing("away", &ground.address(), &config.spool);
    let last = kill_after(&mut child, 60);
    ground.bring_back();
    let writer = Writer::start(store.clone(), config).unwrap();
    assert!(writer.status().waiting >= 2 * (last as u64 + 1));
    in_time(writer.written()).await;
    check(&store, &BTreeMap::from([("away", last)])).await;
}

/// Lets the child write some calls and kills it; the number of the last that it said was on the disk.
fn kill_after(child: &mut Child, calls: i64) -> i64 {
    let mut last = -1;
    while last < calls {
        last = child.next().parse().unwrap();
    }
    child.kill_and_read().last().map_or(last, |said| said.parse().unwrap())
}

/// Each call that was said to be on the disk is in the database, with its audit row, once; and of the one that was
/// on its way when the kill came, at most one.
async fn check(store: &Store, acknowledged: &BTreeMap<&str, i64>) {
    let found = all_calls(store).await;
    let mut expected = 0;
    for (life, last) in acknowledged {
        for n in 0..=*last {
            let id = format!("{life}-{n}");
            assert!(found.contains_key(&id), "call {id} is lost");
            let filter = AuditFilter { subject: Some(id.clone()), ..AuditFilter::default() };
            assert_eq!(store.audit(&filter, 10).await.unwrap().len(), 1, "audit of {id}");
        }
        expected += last + 1;
    }
    let more = found.len() as i64 - expected;
    assert!((0..=acknowledged.len() as i64).contains(&more), "{more} more");
}

/// Every call, and whether it has an end.
async fn all_calls(store: &Store) -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    let mut next: Option<Cursor> = None;
    loop {
        let page = store.calls(&Filter::default(), next.as_ref(), 500).await.unwrap();
        for call in page.calls {
            let ended = call.ended.is_some();
            assert_eq!(found.insert(call.id, ended), None, "a call comes twice");
        }
        match page.next {
            Some(cursor) => next = Some(cursor),
            None => return found,
        }
    }
}
