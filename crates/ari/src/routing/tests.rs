//! The router without sockets.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::envelope::Envelope;
use super::*;
use crate::connection::{Change, Disconnect, Findings, Missed};
use crate::events::Event;
use crate::testing::{about, stasis_start};

fn route(router: &Router, event: &Value) -> Signal {
    router.route(Utf8Bytes::from(event.to_string()), Instant::now())
}

/// The kinds of all that lies in a mailbox, other deliveries in their debug form.
fn drained(mailbox: &mut Mailbox) -> Vec<String> {
    std::iter::from_fn(|| mailbox.try_recv())
        .map(|delivery| match delivery {
            Delivery::Event(received) if received.origin == Origin::Resync => {
                format!("{} (resync)", received.event.kind())
            }
            Delivery::Event(received) => received.event.kind().to_owned(),
            Delivery::Lost { count } => format!("lost {count}"),
            Delivery::ConnectionLost { .. } => "connection lost".to_owned(),
            Delivery::Reconnected { .. } => "reconnected".to_owned(),
        })
        .collect()
}

fn watching(router: &std::sync::Arc<Router>, resource: Resource) -> Mailbox {
    let mailbox = router.mailbox();
    mailbox.watch(resource);
    mailbox
}

fn channel(id: &str) -> Resource {
    Resource::Channel(id.to_owned())
}

#[test]
fn overflow_is_told_to_that_mailbox_alone() {
    let (router, _arrivals) = Router::new(4, 4);
    let mut slow = watching(&router, channel("slow"));
    let mut quick = watching(&router, channel("quick"));
    for _ in 0..10 {
        route(&router, &about("ChannelDtmfReceived", "slow"));
    }
    route(&router, &about("ChannelDtmfReceived", "quick"));
    assert_eq!(drained(&mut quick), ["ChannelDtmfReceived"]);
    let mut expected = vec!["ChannelDtmfReceived"; 4];
    expected.push("lost 6");
    assert_eq!(drained(&mut slow), expected);
    route(&router, &about("StasisEnd", "slow"));
    assert_eq!(drained(&mut slow), ["StasisEnd"]);
    assert_eq!(router.counters().lost, 6);
}

#[test]
fn an_event_goes_once_to_each_owner_of_an_id_in_it() {
    let (router, _arrivals) = Router::new(16, 4);
    let mut both = watching(&router, channel("c1"));
    both.watch(Resource::Bridge("b1".into()));
    let mut other = watching(&router, Resource::Bridge("b2".into()));
    let mut dialled = watching(&router, channel("p1"));
    let entered = json!({ "type": "ChannelEnteredBridge", "bridge": { "id": "b1" }, "channel": { "id": "c1" } });
    route(&router, &entered);
    let merged =
        json!({ "type": "BridgeMerged", "bridge": { "id": "b1" }, "bridge_from": { "id": "b2" } });
    route(&router, &merged);
    let dial = json!({ "type": "Dial", "caller": { "id": "c1" }, "peer": { "id": "p1" } });
    route(&router, &dial);
    assert_eq!(drained(&mut both), ["ChannelEnteredBridge", "BridgeMerged", "Dial"]);
    assert_eq!(drained(&mut other), ["BridgeMerged"]);
    assert_eq!(drained(&mut dialled), ["Dial"]);
}

#[test]
fn playbacks_and_recordings_are_found_by_id_name_and_target() {
    let (router, _arrivals) = Router::new(16, 4);
    let mut playback = watching(&router, Resource::Playback("p1".into()));
    let mut recording = watching(&router, Resource::Recording("call/7".into()));
    let mut target = watching(&router, channel("c1"));
    let event = json!({ "type": "PlaybackFinished", "playback": { "id": "p1", "target_uri": "channel:c1" } });
    route(&router, &event);
    let event = json!({ "type": "RecordingStarted", "recording": { "name": "call/7", "target_uri": "channel:c1" } });
    route(&router, &event);
    assert_eq!(drained(&mut playback), ["PlaybackFinished"]);
    assert_eq!(drained(&mut recording), ["RecordingStarted"]);
    assert_eq!(drained(&mut target), ["PlaybackFinished", "RecordingStarted"]);
}

#[test]
fn unknown_and_malformed_events_are_delivered() {
    let (router, _arrivals) = Router::new(16, 4);
    let mut mailbox = watching(&router, channel("c1"));
    let mut monitor = router.monitor();
    route(&router, &about("ChannelLevitated", "c1"));
    let bad = json!({ "type": "ChannelDtmfReceived", "digit": 5, "channel": { "id": "c1" } });
    route(&router, &bad);
    router.route(Utf8Bytes::from_static("no event"), Instant::now());
    let deliveries: Vec<_> = std::iter::from_fn(|| mailbox.try_recv()).collect();
    assert!(matches!(&deliveries[..], [Delivery::Event(unknown), Delivery::Event(malformed)]
        if matches!(&unknown.event, Event::Unknown { kind, .. } if kind == "ChannelLevitated")
        && matches!(&malformed.event, Event::Malformed { json, .. } if serde_json::from_str::<Value>(json).unwrap() == bad)));
    assert_eq!(drained(&mut monitor), ["ChannelLevitated", "ChannelDtmfReceived", ""]);
    let counters = router.counters();
    assert_eq!((counters.events, counters.unowned, counters.malformed), (3, 1, 3));
}

#[tokio::test]
async fn a_new_channel_whose_event_is_malformed_still_arrives() {
    let (router, mut arrivals) = Router::new(16, 4);
    let event = json!({ "type": "StasisStart", "args": 7, "channel": { "id": "c1" } });
    route(&router, &event);
    let arrival = arrivals.recv().await.unwrap();
    assert_eq!(arrival.start.channel.id, "c1");
    assert_eq!(arrival.json(), event.to_string());
}

#[tokio::test]
async fn a_dropped_mailbox_leaves_nothing_behind() {
    let (router, mut arrivals) = Router::new(16, 4);
    let mailbox = watching(&router, channel("c1"));
    mailbox.watch(Resource::Playback("p1".into()));
    drop(mailbox);
    route(&router, &json!({ "type": "PlaybackStarted", "playback": { "id": "p1" } }));
    assert_eq!(router.counters().unowned, 1);
    // The id is free again: its next StasisStart is a new caller's.
    route(&router, &stasis_start("c1"));
    drop(arrivals.recv().await.unwrap());
    drop(router.monitor());
    assert!(router.is_empty());
}

#[test]
fn a_watched_id_moves_to_the_latest_mailbox() {
    let (router, _arrivals) = Router::new(16, 4);
    let mut first = watching(&router, channel("c1"));
    let mut second = watching(&router, channel("c1"));
    route(&router, &about("StasisEnd", "c1"));
    assert!(drained(&mut first).is_empty());
    assert_eq!(drained(&mut second), ["StasisEnd"]);
    drop(first);
    route(&router, &about("StasisEnd", "c1"));
    assert_eq!(drained(&mut second), ["StasisEnd"]);
    second.unwatch(&channel("c1"));
    route(&router, &about("StasisEnd", "c1"));
    assert!(drained(&mut second).is_empty());
}

#[test]
fn a_replacement_goes_to_the_mailbox_of_the_replaced() {
    let (router, _arrivals) = Router::new(16, 4);
    let mut mailbox = watching(&router, channel("old"));
    let mut event = stasis_start("new");
    event["replace_channel"] = json!({ "id": "old" });
    route(&router, &event);
    route(&router, &about("ChannelDtmfReceived", "new"));
    route(&router, &about("StasisEnd", "old"));
    // The end of the replaced channel is not the end of the call.
    assert_eq!(drained(&mut mailbox), ["StasisStart", "ChannelDtmfReceived"]);
    route(&router, &about("StasisEnd", "new"));
    assert_eq!(drained(&mut mailbox), ["StasisEnd"]);
}

#[tokio::test]
async fn too_many_callers_are_counted_and_not_kept() {
    let (router, mut arrivals) = Router::new(16, 2);
    for id in ["a", "b", "c"] {
        route(&router, &stasis_start(id));
    }
    assert_eq!(router.counters().arrivals_lost, 1);
    drop((arrivals.recv().await, arrivals.recv().await));
    assert!(router.is_empty());
}

#[test]
fn without_arrivals_new_channels_are_nobodys() {
    let (router, arrivals) = Router::new(16, 4);
    route(&router, &stasis_start("parked"));
    drop(arrivals);
    assert!(router.is_empty());
    route(&router, &stasis_start("c1"));
    assert!(router.is_empty());
    assert_eq!(router.counters().unowned, 1);
}

#[tokio::test]
async fn markers_reach_every_mailbox_and_the_end_comes_after_them() {
    let (router, _arrivals) = Router::new(16, 4);
    let mut mailbox = router.mailbox();
    router.connection_lost(&Disconnect::Failed("reset".into()));
    router.hold();
    router.resume("frontdesk", Findings::default(), Some(Duration::from_secs(1)));
    router.end();
    assert_eq!(drained(&mut mailbox), ["connection lost", "reconnected"]);
    let counters = router.counters();
    assert_eq!((counters.gaps, counters.gap), (1, Duration::from_secs(1)));
    assert!(mailbox.recv().await.is_none());
    assert!(router.mailbox().recv().await.is_none());
}

fn inside(id: &str) -> Value {
    json!({ "id": id, "dialplan": { "app_name": "Stasis", "app_data": "frontdesk,a,b" } })
}

fn missed(resource: Resource, told: Told, change: Change) -> Findings {
    Findings { missed: vec![Missed { resource, told, change }], ..Findings::default() }
}

#[test]
fn what_was_missed_is_told_before_what_waits_and_once() {
    let (router, _arrivals) = Router::new(16, 4);
    let mut call = watching(&router, channel("c1"));
    let mut monitor = router.monitor();
    route(&router, &stasis_start("c1"));
    router.connection_lost(&Disconnect::Failed("reset".into()));
    router.hold();
    route(&router, &about("ChannelHangupRequest", "c1"));
    assert_eq!(drained(&mut call), ["StasisStart", "connection lost"]);
    let findings = missed(channel("c1"), Told::Inside(Origin::Live), Change::Left(None));
    router.resume("frontdesk", findings, Some(Duration::ZERO));
    // The same, said by Asterisk after all.
    route(&router, &about("StasisEnd", "c1"));
    route(&router, &about("ChannelDestroyed", "c1"));
    let expected = ["reconnected", "StasisEnd (resync)", "ChannelHangupRequest"];
    assert_eq!(drained(&mut call), expected);
    let seen = drained(&mut monitor);
    assert_eq!(seen[seen.len() - 2..], ["StasisEnd", "ChannelDestroyed"]);
    // A channel may come back, and leave for good.
    route(&router, &stasis_start("c1"));
    route(&router, &about("StasisEnd", "c1"));
    assert_eq!(drained(&mut call), ["StasisStart", "StasisEnd"]);
}

#[test]
fn a_finding_that_is_out_of_date_tells_nothing() {
    let (router, _arrivals) = Router::new(16, 4);
    let mut call = watching(&router, channel("c1"));
    route(&router, &stasis_start("c1"));
    route(&router, &about("StasisEnd", "c1"));
    let findings = missed(channel("c1"), Told::Inside(Origin::Live), Change::Left(None));
    router.amend("frontdesk", findings);
    assert_eq!(drained(&mut call), ["StasisStart", "StasisEnd"]);
}

#[test]
fn what_is_made_up_reaches_a_full_mailbox() {
    let (router, _arrivals) = Router::new(2, 4);
    let mut call = watching(&router, channel("c1"));
    route(&router, &stasis_start("c1"));
    for _ in 0..5 {
        route(&router, &about("ChannelDtmfReceived", "c1"));
    }
    // The end of the call is lost too, so it has not been told.
    route(&router, &about("StasisEnd", "c1"));
    let findings = missed(channel("c1"), Told::Inside(Origin::Live), Change::Left(None));
    router.amend("frontdesk", findings);
    let expected = ["StasisStart", "ChannelDtmfReceived", "lost 5", "StasisEnd (resync)"];
    assert_eq!(drained(&mut call), expected);
}

#[tokio::test]
async fn a_caller_who_was_found_arrives_once() {
    let (router, mut arrivals) = Router::new(16, 4);
    router.hold();
    let findings = Findings { arrivals: vec![("c1".into(), inside("c1"))], ..Findings::default() };
    router.resume("frontdesk", findings, None);
    // It came in just now, and its event was still on the way.
    route(&router, &stasis_start("c1"));
    route(&router, &about("ChannelDtmfReceived", "c1"));
    let mut arrival = arrivals.recv().await.unwrap();
    assert_eq!(arrival.origin, Origin::Resync);
    assert_eq!(arrival.start.args, ["a", "b"]);
    assert_eq!(drained(&mut arrival.mailbox), ["ChannelDtmfReceived"]);
    assert!(router.arrivals.try_next().is_none());
    assert_eq!(router.counters().found, 1);
}

#[test]
fn a_leg_that_nobody_watches_is_no_caller() {
    let limits = Limits { count: 16, bytes: 1 << 20 };
    let (router, _arrivals, mut to_do) = Router::open(limits, limits);
    let leg = crate::ids::unique("agent");
    drop(watching(&router, channel(&leg)));
    route(&router, &stasis_start(&leg));
    assert_eq!(to_do.try_recv(), Ok(Chore::Sweep(channel(&leg))));
    assert!(router.arrivals.try_next().is_none() && router.is_empty());
    assert_eq!((router.counters().swept, router.counters().unowned), (1, 0));
}

#[test]
fn a_caller_without_room_is_given_back() {
    let limits = |count| Limits { count, bytes: 1 << 20 };
    let (router, _arrivals, mut to_do) = Router::open(limits(16), limits(1));
    route(&router, &stasis_start("c1"));
    route(&router, &stasis_start("c2"));
    assert_eq!(to_do.try_recv(), Ok(Chore::GiveBack("c2".into())));
    assert_eq!(router.counters().arrivals_lost, 1);
}

#[test]
fn who_looks_on_asks_nothing_of_asterisk() {
    let router = Router::looking_on(Limits { count: 16, bytes: 1 << 20 });
    let mut everything = router.monitor();
    route(&router, &stasis_start("c1"));
    route(&router, &stasis_start(&crate::ids::unique("agent")));
    assert_eq!(drained(&mut everything), ["StasisStart", "StasisStart"]);
    assert_eq!(router.counters().swept, 0);
}

#[test]
fn an_onlooker_gets_the_events_beside_the_owner() {
    let (router, _arrivals) = Router::new(16, 4);
    let mut call = watching(&router, channel("c1"));
    let mut onlooker = router.onlooker(vec![channel("c1")]);
    route(&router, &about("StasisEnd", "c1"));
    assert_eq!(drained(&mut call), ["StasisEnd"]);
    assert_eq!(drained(&mut onlooker), ["StasisEnd"]);
    drop((call, onlooker));
    assert!(router.is_empty());
}

#[test]
fn events_that_cannot_wait_start_the_comparison_over() {
    let mut hold = super::hold::Hold::new(Limits { count: 2, bytes: 1 << 20 });
    let frame = |event: Value| {
        let text = Utf8Bytes::from(event.to_string());
        super::mailbox::Frame::new(text, &Envelope::default(), Instant::now(), Origin::Live)
    };
    hold.keep(frame(stasis_start("c1")));
    assert!(hold.held().unwrap().starts.contains("c1"));
    hold.keep(frame(about("StasisEnd", "c1")));
    hold.keep(frame(about("StasisEnd", "c2")));
    assert!(hold.held().is_none());
    assert!(hold.held().unwrap().ends.is_empty());
}
