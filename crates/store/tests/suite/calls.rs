//! What is kept of calls, and how it is found again.

use store::{
    AuditFilter, Count, Cursor, Filter, Grouping, Journal, Json, RecordingState, Timestamp,
};

use crate::ground::{Ground, batch, call, recording, turn, zone};
use crate::on_both;

on_both! {
    a_call_is_read_as_it_was_written,
    what_is_there_stays_and_what_was_begun_is_completed,
    the_latest_calls_come_page_by_page_while_others_come_in,
    calls_are_filtered_and_counted,
    audit_rows_are_found,
}

async fn a_call_is_read_as_it_was_written(ground: Ground) {
    let store = ground.store().await;
    let written = call("17.4", 1_700_000_000_123);
    let turns: Vec<_> = (0..12).map(|number| turn("17.4", number)).collect();
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let entries = turns.iter().rev().cloned().map(Into::into);
    let rest = [
        recording("17.4", RecordingState::DiskFull).into(),
        Journal::new("17.4", 2, bytes.clone()).into(),
        zone("17.4", "zone.enter").into(),
        zone("17.4", "zone.leave").into(),
        zone("17.5", "zone.enter").into(),
        written.clone().into(),
    ];
    store.write(batch(entries.chain(rest))).await.unwrap();

    let whole = store.call("17.4").await.unwrap().unwrap();
    assert_eq!(whole.call, written, "the record to the byte");
    assert_eq!(whole.turns, turns);
    assert_eq!(whole.recordings, [recording("17.4", RecordingState::DiskFull)]);
    let audit: Vec<_> = whole.audit.iter().map(|row| row.audit.what.as_str()).collect();
    assert_eq!(audit, ["zone.enter", "zone.leave"]);
    assert_eq!(whole.journal, Some(2));
    let journal = store.journal("17.4").await.unwrap().unwrap();
    assert_eq!(journal.into_bytes().unwrap(), bytes);
    assert_eq!(store.call("17.5").await.unwrap(), None);
    assert_eq!(store.journal("17.5").await.unwrap(), None);
}

async fn what_is_there_stays_and_what_was_begun_is_completed(ground: Ground) {
    let store = ground.store().await;
    let done = call("1", 1000);
    let mut begun = done.clone();
    begun.ended = None;
    begun.outcome = None;
    begun.record = Json::parse("{}".to_owned()).unwrap();
    let mut other = done.clone();
    other.outcome = Some("abandoned".to_owned());
    let mut turn_again = turn("1", 0);
    turn_again.words = "other words".to_owned();
    let audited = zone("1", "zone.enter");

    store.write(batch([begun.clone().into(), turn("1", 0).into()])).await.unwrap();
    assert_eq!(store.call("1").await.unwrap().unwrap().call, begun);
    store.write(batch([recording("1", RecordingState::Running).into()])).await.unwrap();
    let rest = [
        done.clone().into(),
        begun.into(),
        other.into(),
        turn_again.into(),
        recording("1", RecordingState::Complete).into(),
        recording("1", RecordingState::Running).into(),
        recording("1", RecordingState::Broken).into(),
        Journal::new("1", 1, b"first".to_vec()).into(),
        Journal::new("1", 1, b"second".to_vec()).into(),
        audited.clone().into(),
        audited.into(),
    ];
    // All of it twice, in one batch and in the next.
    store.write(batch(rest.iter().cloned().chain(rest.iter().cloned()))).await.unwrap();
    store.write(batch(rest)).await.unwrap();
    let whole = store.call("1").await.unwrap().unwrap();
    assert_eq!(whole.call, done);
    assert_eq!(whole.turns, [turn("1", 0)]);
    assert_eq!(whole.recordings, [recording("1", RecordingState::Complete)]);
    assert_eq!(whole.audit.len(), 1);
    let journal = store.journal("1").await.unwrap().unwrap();
    assert_eq!(journal.into_bytes().unwrap(), b"first");
}

async fn the_latest_calls_come_page_by_page_while_others_come_in(ground: Ground) {
    let store = ground.store().await;
    // Ids of which no language's order is that of their bytes; seven calls in each millisecond.
    let id = |n: usize| format!("{}{n:03}", ["a", "B", "b", "Z", "-", "_", "é"][n % 7]);
    let calls: Vec<_> = (0..100).map(|n| call(&id(n), (n / 7) as i64)).collect();
    store.write(batch(calls.iter().cloned().map(Into::into))).await.unwrap();
    let mut expected: Vec<_> = calls.iter().map(|c| (c.started, c.id.clone())).collect();
    expected.sort();
    expected.reverse();

    let mut found = Vec::new();
    let mut next: Option<Cursor> = None;
    let mut pages = 0;
    loop {
        let page = store.calls(&Filter::default(), next.as_ref(), 9).await.unwrap();
        assert!(page.calls.len() <= 9);
        found.extend(page.calls.into_iter().map(|c| (c.started, c.id)));
        pages += 1;
        // One that comes in meanwhile moves nothing.
        let late = call(&format!("late{pages}"), 1_000 + pages);
        store.write(batch([late.into()])).await.unwrap();
        match page.next {
            Some(cursor) => next = Some(cursor.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(found, expected);
    assert_eq!(pages, 12);
    assert_eq!(store.calls(&Filter::default(), None, usize::MAX).await.unwrap().calls.len(), 112);
    assert_eq!(store.calls(&Filter::default(), None, 0).await.unwrap().calls.len(), 1);
}

async fn calls_are_filtered_and_counted(ground: Ground) {
    let store = ground.store().await;
    const HOUR: i64 = 3_600_000;
    let calls = (0..48).map(|n: i64| {
        let mut call = call(&n.to_string(), n * HOUR / 2 - HOUR);
        call.destination = (n % 4 != 0).then(|| format!("d{}", n % 3));
        call.outcome = Some(["connected", "abandoned"][(n % 2) as usize].to_owned());
        call.caller = Some(format!("caller {}", n % 5));
        call.intent = (n % 2 == 0).then(|| "sales'; DROP TABLE calls; --".to_owned());
        call.flow.as_mut().unwrap().version = n % 3;
        call
    });
    store.write(batch(calls.map(Into::into))).await.unwrap();
    let ids = async |filter: Filter| {
        let page = store.calls(&filter, None, 100).await.unwrap();
        page.calls.into_iter().map(|call| call.id.parse::<i64>().unwrap()).collect::<Vec<_>>()
    };
    let from = Filter { from: Some(Timestamp(21 * HOUR)), ..Filter::default() };
    assert_eq!(ids(from.clone()).await, [47, 46, 45, 44]);
    let between = Filter { to: Some(Timestamp(22 * HOUR)), ..from };
    assert_eq!(ids(between).await, [45, 44]);
    let one = Filter {
        caller: Some("caller 2".to_owned()),
        called: Some("5550100".to_owned()),
        destination: Some("d1".to_owned()),
        outcome: Some("abandoned".to_owned()),
        flow: Some("front-desk".to_owned()),
        version: Some(1),
        ..Filter::default()
    };
    assert_eq!(ids(one).await, [37, 7]);
    let odd =
        Filter { intent: Some("sales'; DROP TABLE calls; --".to_owned()), ..Filter::default() };
    assert_eq!(ids(odd.clone()).await.len(), 24);

    let counts = store.counts(Grouping::Destination, &Filter::default()).await.unwrap();
    let counts: Vec<_> = counts.iter().map(|c| (c.key.as_deref(), c.calls)).collect();
    assert_eq!(counts, [(None, 12), (Some("d0"), 12), (Some("d1"), 12), (Some("d2"), 12)]);
    let counts = store.counts(Grouping::Outcome, &odd).await.unwrap();
    assert_eq!(counts, [Count { key: Some("connected".to_owned()), calls: 24 }]);
    for by in [Grouping::Intent, Grouping::Flow, Grouping::Called] {
        let counts = store.counts(by, &Filter::default()).await.unwrap();
        assert_eq!(counts.iter().map(|count| count.calls).sum::<i64>(), 48);
    }
    // A filter at the end of time is no mistake.
    let for_ever = Filter {
        from: Some(Timestamp(i64::MIN)),
        to: Some(Timestamp(i64::MAX)),
        ..Filter::default()
    };
    assert_eq!(ids(for_ever).await.len(), 48);
    let hours = store.counts_by_hour(&Filter::default()).await.unwrap();
    assert_eq!(hours.len(), 24);
    for (hour, n) in hours.iter().zip(-1..) {
        assert_eq!(*hour, Count { key: Timestamp(n * HOUR), calls: 2 });
    }
}

async fn audit_rows_are_found(ground: Ground) {
    let store = ground.store().await;
    let mut rows: Vec<_> =
        (0..10).map(|n| zone(&format!("call-{}", n % 2), "zone.enter")).collect();
    for (row, n) in rows.iter_mut().zip(0..) {
        row.at = Timestamp(n);
        row.who = ["maria", "tom"][usize::from(n >= 6)].to_owned();
    }
    store.write(batch(rows.iter().cloned().map(Into::into))).await.unwrap();
    let find = async |filter: AuditFilter, limit| {
        let found = store.audit(&filter, limit).await.unwrap();
        found.into_iter().map(|row| row.audit.at.0).collect::<Vec<_>>()
    };
    let all = AuditFilter::default();
    assert_eq!(find(all.clone(), 3).await, [9, 8, 7]);
    let third = store.audit(&all, 3).await.unwrap().pop().unwrap();
    assert_eq!(third.audit, rows[7]);
    let older = AuditFilter { before_id: Some(third.id), ..all.clone() };
    assert_eq!(find(older, 3).await, [6, 5, 4]);
    let some = AuditFilter {
        who: Some("maria".to_owned()),
        what: Some("zone.enter".to_owned()),
        subject: Some("call-1".to_owned()),
        from: Some(Timestamp(2)),
        ..all
    };
    assert_eq!(find(some, 10).await, [5, 3]);
}
