//! Which events an application gets, and which it never does.

use super::probe::{about, kinds};
use super::{Probe, Value, json};
use reqwest::Method;

/// The events about `channel`, by kind.
fn of<'a>(events: &'a [Value], channel: &str) -> Vec<&'a str> {
    let about = |event: &&Value| event["channel"]["id"] == channel;
    events.iter().filter(about).flat_map(|event| kinds(std::slice::from_ref(event))).collect()
}

#[tokio::test]
async fn a_subscribe_all_app_that_reconnects_still_gets_the_stasis_end() {
    let Some(probe) = Probe::start() else { return };
    let mut events = probe.events("app=facts&subscribeAll=true").await;
    probe.call("call").await;
    events.until_in_stasis("call").await;
    events.close().await;
    let mut events = probe.events("app=facts&subscribeAll=true").await;
    probe.hang_up("call").await;
    let last = events.until(|event| about(event, "ChannelDestroyed", "call")).await;
    assert!(of(&last, "call").contains(&"StasisEnd"), "{last:#?}");
}

#[tokio::test]
async fn an_ordinary_app_that_reconnects_gets_the_stasis_end_and_no_second_stasis_start() {
    let Some(probe) = Probe::start() else { return };
    let mut events = probe.events("app=facts").await;
    probe.call("call").await;
    events.until_in_stasis("call").await;
    events.close().await;
    let mut events = probe.events("app=facts").await;
    probe.hang_up("call").await;
    let last = events.until(|event| about(event, "StasisEnd", "call")).await;
    assert!(!of(&last, "call").contains(&"StasisStart"), "{last:#?}");
}

#[tokio::test]
async fn channel_destroyed_of_a_dialplan_call_comes_only_to_explicit_subscribers() {
    let Some(probe) = Probe::start() else { return };
    let mut events = probe.events("app=facts").await;
    for (n, subscribes) in [false, true].into_iter().enumerate() {
        let (id, next) = (format!("call-{n}"), format!("next-{n}"));
        probe.call(&id).await;
        events.until_in_stasis(&id).await;
        if subscribes {
            let source = json!({ "eventSource": format!("channel:{id}") });
            probe.ask(Method::POST, "applications/facts/subscription", source).await;
        }
        probe.hang_up(&id).await;
        // The events of an application are one queue: what has not come before the next call never comes.
        probe.call(&next).await;
        let seen = events.until_in_stasis(&next).await;
        let seen = of(&seen, &id);
        assert!(seen.contains(&"StasisEnd"), "{seen:?}");
        assert_eq!(seen.contains(&"ChannelDestroyed"), subscribes, "{seen:?}");
        probe.hang_up(&next).await;
    }
}

#[tokio::test]
async fn a_call_that_comes_while_the_socket_is_closed_goes_on_in_the_dialplan() {
    let Some(probe) = Probe::start() else { return };
    let mut after = probe.events("app=after").await;
    let mut events = probe.events("app=facts").await;
    probe.call("held").await;
    events.until_in_stasis("held").await;
    events.close().await;
    probe.call("turned-away").await;
    let start = after.until_in_stasis("turned-away").await.pop().expect("one");
    assert_eq!(start["args"], json!(["FAILED"]));
    // The one that was in the application already is there still.
    let app = probe.ask(Method::GET, "applications/facts", Value::Null).await;
    assert_eq!(app["channel_ids"], json!(["held"]));
}
