//! What a new call takes, while others edit.

use std::sync::Arc;

use store::{Live, Location, Source, Store};

use crate::ground::{Ground, by, in_time, number};
use crate::on_both;

on_both! {
    edits_of_another_program_are_seen_and_a_call_keeps_its_version,
    edits_by_hand_are_seen,
    while_the_database_is_away_what_was_seen_holds,
    a_program_that_starts_without_the_database_begins_with_what_it_kept,
}

fn text(text: &str) -> Source {
    Source::Text(text.to_owned())
}

fn published(live: &Live) -> Option<String> {
    live.now().flow("desk").map(|flow| flow.text.clone())
}

async fn edits_of_another_program_are_seen_and_a_call_keeps_its_version(ground: Ground) {
    let here = ground.store().await;
    let elsewhere = ground.store().await;
    elsewhere.publish("desk", text("one"), &by("maria")).await.unwrap();
    let mut live = Live::start(here).await.unwrap();
    let of_a_call = Arc::clone(live.now().flow("desk").unwrap());
    assert!(live.now().number("5550100").is_none());

    elsewhere.publish("desk", text("two"), &by("maria")).await.unwrap();
    assert_eq!(in_time(live.changed()).await.flow("desk").unwrap().text, "two");
    assert_eq!(of_a_call.text, "one");
    elsewhere.point("desk", 1, &by("maria")).await.unwrap();
    assert_eq!(in_time(live.changed()).await.flow("desk").unwrap().version, 1);

    elsewhere.set_number(&number("555*", "desk"), &by("maria")).await.unwrap();
    assert_eq!(in_time(live.changed()).await.number("5550100").unwrap().flow, "desk");
    elsewhere.remove_number(&"555*".parse().unwrap(), &by("maria")).await.unwrap();
    assert!(in_time(live.changed()).await.number("5550100").is_none());
    // A draft is nobody's business.
    let revision = live.now().revision();
    elsewhere.save_draft("desk", "three", "maria", None).await.unwrap();
    elsewhere.publish("other", text("four"), &by("maria")).await.unwrap();
    assert_eq!(in_time(live.changed()).await.revision(), revision + 1);
    assert_eq!(live.now().flows().count(), 2);
}

async fn edits_by_hand_are_seen(ground: Ground) {
    let store = ground.store().await;
    store.publish("desk", text("one"), &by("maria")).await.unwrap();
    store.set_number(&number("*", "desk"), &by("maria")).await.unwrap();
    let mut live = Live::start(store).await.unwrap();
    let statement = "UPDATE numbers SET fallback = 'porter'";
    ground.by_hand(statement, statement).await.unwrap();
    let now = in_time(live.changed()).await;
    assert_eq!(now.number("1").unwrap().fallback.as_deref(), Some("porter"));
}

async fn while_the_database_is_away_what_was_seen_holds(mut ground: Ground) {
    let store = ground.store().await;
    store.publish("desk", text("one"), &by("maria")).await.unwrap();
    let mut live = Live::start(store.clone()).await.unwrap();
    ground.take_away();
    assert!(store.publish("desk", text("two"), &by("maria")).await.is_err());
    assert_eq!(published(&live).as_deref(), Some("one"));
    ground.bring_back();
    ground.store().await.publish("desk", text("three"), &by("maria")).await.unwrap();
    assert_eq!(in_time(live.changed()).await.flow("desk").unwrap().text, "three");
}

async fn a_program_that_starts_without_the_database_begins_with_what_it_kept(mut ground: Ground) {
    let store = ground.store().await;
    store.publish("desk", text("one"), &by("maria")).await.unwrap();
    for (pattern, flow) in [("5550100", "desk"), ("555*", "desk"), ("*", "desk")] {
        store.set_number(&number(pattern, flow), &by("maria")).await.unwrap();
    }
    let file = ground.folder().join("live.json");
    let mut live = Live::start_kept(store.clone(), &file).await;
    store.publish("desk", text("two"), &by("maria")).await.unwrap();
    in_time(live.changed()).await;
    drop((live, store));

    // SQLite can be read while it is locked: there it is the folder that is gone.
    ground.take_away();
    let nowhere = Location::sqlite(ground.folder().join("gone/store.db"));
    let away = Live::start_kept(Store::lazy(&nowhere), &file).await;
    assert_eq!(published(&away).as_deref(), Some("two"));
    let mut live = Live::start_kept(Store::lazy(&ground.location()), &file).await;
    assert_eq!(published(&live).as_deref(), Some("two"));
    assert_eq!(live.now().number("5550100"), Some(&Arc::new(number("5550100", "desk"))));
    assert_eq!(live.now().number("5559").unwrap().pattern.to_string(), "555*");
    assert_eq!(live.now().number("1").unwrap().pattern.to_string(), "*");

    // What was published meanwhile is seen when the database is back.
    ground.bring_back();
    ground.store().await.publish("desk", text("three"), &by("maria")).await.unwrap();
    while published(&live).as_deref() != Some("three") {
        in_time(live.changed()).await;
    }
    drop((live, away));
    std::fs::write(&file, "{\"flows\"").unwrap();
    let empty = Live::start_kept(Store::lazy(&nowhere), &file).await;
    assert_eq!(published(&empty), None);
}
