//! The writer in peace: everything once, in whatever state the disk is.

use std::time::Duration;

use store::{Filter, Journal, RecordingState, Rejected, Stopped, Store, Writer, WriterConfig};

use crate::ground::{Ground, call, in_time, recording, turn, until, zone};
use crate::on_both;

on_both! {
    everything_goes_in_and_an_orderly_stop_leaves_nothing,
    what_the_database_did_not_take_is_there_after_a_restart,
    what_the_database_refuses_holds_up_nothing_else,
    a_disk_that_takes_nothing_is_passed_by,
    when_nothing_takes_anything_memory_is_bounded_and_says_so,
    what_a_database_cannot_hold_is_replaced,
}

const NOTHING_LEFT: Stopped = Stopped { waiting: 0, lost: 0 };

async fn everything_goes_in_and_an_orderly_stop_leaves_nothing(ground: Ground) {
    let store = ground.store().await;
    let writer = Writer::start(store.clone(), ground.spool()).unwrap();
    let journal: Vec<u8> = b"frame ".repeat(100_000);
    for n in 0..1_200 {
        let id = n.to_string();
        writer.write(call(&id, n)).unwrap();
        writer.write(turn(&id, 0)).unwrap();
    }
    writer.write(Journal::new("7", 1, journal.clone())).unwrap();
    writer.write(recording("7", RecordingState::Complete)).unwrap();
    writer.write(zone("7", "zone.enter")).unwrap();
    assert_eq!(in_time(writer.stop(Duration::from_secs(60))).await, NOTHING_LEFT);
    assert_eq!(writer.write(call("late", 0)), Err(Rejected::Closed));
    assert_eq!(writer.status().trouble, None);

    let hours = store.counts_by_hour(&Filter::default()).await.unwrap();
    assert_eq!(hours.iter().map(|hour| hour.calls).sum::<i64>(), 1_200);
    let whole = store.call("7").await.unwrap().unwrap();
    assert_eq!((whole.turns.len(), whole.recordings.len(), whole.audit.len()), (1, 1, 1));
    let kept = store.journal("7").await.unwrap().unwrap();
    assert!(kept.stored_bytes() < journal.len() / 10, "it pays to compress this one");
    assert_eq!(kept.into_bytes().unwrap(), journal);
}

async fn what_the_database_did_not_take_is_there_after_a_restart(mut ground: Ground) {
    let store = ground.store().await;
    ground.take_away();
    let writer = Writer::start(Store::lazy(&ground.location()), ground.spool()).unwrap();
    for n in 0..50 {
        writer.write(call(&n.to_string(), n)).unwrap();
    }
    let stopped = in_time(writer.stop(Duration::ZERO)).await;
    assert_eq!(stopped, Stopped { waiting: 50, lost: 0 });
    drop(writer);

    // Without an orderly stop: what was accepted goes to the disk nevertheless.
    let writer = Writer::start(Store::lazy(&ground.location()), ground.spool()).unwrap();
    assert_eq!(writer.status().waiting, 50);
    writer.write(call("50", 50)).unwrap();
    drop(writer);

    ground.bring_back();
    let writer = until(async || Writer::start(store.clone(), ground.spool()).ok()).await;
    in_time(writer.written()).await;
    let page = store.calls(&Filter::default(), None, 100).await.unwrap();
    assert_eq!(page.calls.len(), 51);
    assert_eq!(in_time(writer.stop(Duration::from_secs(60))).await, NOTHING_LEFT);
}

async fn what_the_database_refuses_holds_up_nothing_else(ground: Ground) {
    let store = ground.store().await;
    ground
        .by_hand(
            "CREATE TRIGGER no BEFORE INSERT ON turns WHEN NEW.number = 3
             BEGIN SELECT raise(ABORT, 'not this one'); END",
            "ALTER TABLE turns ADD CHECK (number <> 3)",
        )
        .await
        .unwrap();
    let config = ground.spool();
    let writer = Writer::start(store.clone(), config.clone()).unwrap();
    for number in 0..6 {
        writer.write(turn("1", number)).unwrap();
    }
    writer.write(call("1", 0)).unwrap();
    in_time(writer.written()).await;
    let numbers = async || {
        let whole = store.call("1").await.unwrap().unwrap();
        whole.turns.iter().map(|turn| turn.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers().await, [0, 1, 2, 4, 5]);
    assert_eq!(writer.status().refused, 1);
    assert_eq!(in_time(writer.stop(Duration::from_secs(60))).await, NOTHING_LEFT);
    drop(writer);

    // Its mend: the cause is removed, and the file renamed.
    ground
        .by_hand("DROP TRIGGER no", "ALTER TABLE turns DROP CONSTRAINT turns_number_check")
        .await
        .unwrap();
    let aside = config.spool.join("refused.entries");
    std::fs::rename(aside, config.spool.join("0.spool")).unwrap();
    let writer = until(async || Writer::start(store.clone(), config.clone()).ok()).await;
    in_time(writer.written()).await;
    assert_eq!(numbers().await, [0, 1, 2, 3, 4, 5]);
}

async fn a_disk_that_takes_nothing_is_passed_by(ground: Ground) {
    let store = ground.store().await;
    let config = WriterConfig { spool_bytes: 10, ..ground.spool() };
    let writer = Writer::start(store.clone(), config).unwrap();
    for n in 0..50 {
        writer.write(call(&n.to_string(), n)).unwrap();
    }
    in_time(writer.written()).await;
    assert_eq!(store.calls(&Filter::default(), None, 100).await.unwrap().calls.len(), 50);
    assert_eq!(in_time(writer.stop(Duration::from_secs(60))).await, NOTHING_LEFT);
}

async fn when_nothing_takes_anything_memory_is_bounded_and_says_so(mut ground: Ground) {
    let store = ground.store().await;
    ground.take_away();
    let config = WriterConfig { spool_bytes: 20_000, queue_bytes: 20_000, ..ground.spool() };
    let writer = Writer::start(Store::lazy(&ground.location()), config).unwrap();
    let mut accepted = 0;
    let rejected = loop {
        match writer.write(call(&accepted.to_string(), accepted)) {
            Ok(()) => accepted += 1,
            // The disk may only be slow: what is accepted reaches it, until it is full.
            Err(Rejected::Full(_)) if writer.status().trouble.is_none() => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err(rejected) => break rejected,
        }
        assert!(accepted < 1_000, "some bound holds");
    };
    assert!(rejected.to_string().contains("mend: make room"), "{rejected}");
    let huge = Journal::new("huge", 1, vec![0; 30_000]);
    assert!(matches!(writer.write(huge), Err(Rejected::TooLarge(_))));
    assert!(writer.status().lost >= 2);

    ground.bring_back();
    in_time(writer.written()).await;
    let page = store.calls(&Filter::default(), None, 500).await.unwrap();
    assert_eq!(page.calls.len() as i64, accepted.min(500), "what was accepted is there");
    writer.write(call("after", -1)).unwrap();
    in_time(writer.written()).await;
    assert!(store.call("after").await.unwrap().is_some());
}

async fn what_a_database_cannot_hold_is_replaced(ground: Ground) {
    let store = ground.store().await;
    let writer = Writer::start(store.clone(), ground.spool()).unwrap();
    let mut odd = call("1", 0);
    odd.caller = Some("\0Robert\u{1f4de}".to_owned());
    let mut odd_turn = turn("1", 0);
    odd_turn.words = "a\0b".to_owned();
    writer.write(odd).unwrap();
    writer.write(odd_turn).unwrap();
    in_time(writer.written()).await;
    let whole = store.call("1").await.unwrap().unwrap();
    assert_eq!(whole.call.caller.as_deref(), Some("\u{fffd}Robert\u{1f4de}"));
    assert_eq!(whole.turns[0].words, "a\u{fffd}b");
}
