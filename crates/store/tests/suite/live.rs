//! What a new call takes, while others edit.

use std::sync::Arc;

use store::{Live, Source, Store};

use crate::ground::{Ground, by, in_time, number};
use crate::on_both;

on_both! {
    edits_of_another_program_are_seen_and_a_call_keeps_its_version,
    edits_by_hand_are_seen,
    while_the_database_is_away_what_was_seen_holds,
    a_program_that_starts_without_the_database_catches_up,
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

    elsewhere.set_number(&number("555*", "desk"), "maria").await.unwrap();
    assert_eq!(in_time(live.changed()).await.number("5550100").unwrap().flow, "desk");
    elsewhere.remove_number(&"555*".parse().unwrap(), "maria").await.unwrap();
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
    store.set_number(&number("*", "desk"), "maria").await.unwrap();
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

async fn a_program_that_starts_without_the_database_catches_up(mut ground: Ground) {
    ground.store().await.publish("desk", text("one"), &by("maria")).await.unwrap();
    ground.take_away();
    let mut live = Live::start_empty(Store::lazy(&ground.location()));
    ground.bring_back();
    assert_eq!(in_time(live.changed()).await.flow("desk").unwrap().text, "one");
}
