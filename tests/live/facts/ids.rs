//! How ids travel.

use super::probe::about;
use super::{Probe, Value, json};
use reqwest::{Method, StatusCode};

#[tokio::test]
async fn a_plus_in_a_channel_id_must_be_written_as_percent_2b_in_a_path() {
    let Some(probe) = Probe::start() else { return };
    let mut events = probe.events("app=facts").await;
    probe.call("a+b").await;
    let entered = events.until_in_stasis("a+b").await;
    assert!(about(entered.last().expect("one"), "StasisStart", "a+b"));
    let get = async |path: &str| probe.rest(Method::GET, path, Value::Null).await;
    let (bare, _) = get("channels/a+b").await;
    let (escaped, channel) = get("channels/a%2Bb").await;
    assert_eq!((bare, escaped), (StatusCode::NOT_FOUND, StatusCode::OK));
    assert_eq!(channel["id"], "a+b");
    // Over the event socket the same holds.
    events.request("bare", &Method::GET, "channels/a+b", json!({})).await;
    events.request("escaped", &Method::GET, "channels/a%2Bb", json!({})).await;
    let replies = events.until(|event| event["request_id"] == "escaped").await;
    let status = |id: &str| {
        replies
            .iter()
            .find(|event| event["request_id"] == id)
            .map(|event| event["status_code"].clone())
    };
    assert_eq!((status("bare"), status("escaped")), (Some(404.into()), Some(200.into())));
}

#[tokio::test]
async fn a_channel_id_that_begins_the_id_of_a_living_channel_cannot_be_given_to_another() {
    let Some(probe) = Probe::start() else { return };
    let mut events = probe.events("app=facts").await;
    probe.call("call-10").await;
    events.until_in_stasis("call-10").await;
    let create = json!({ "endpoint": "Local/hold@facts", "app": "facts", "channelId": "call-1" });
    let (status, reply) = probe.rest(Method::POST, "channels/create", create).await;
    let (found, channel) = probe.rest(Method::GET, "channels/call-1", Value::Null).await;
    println!("create: {status} {reply}; get: {found} {channel}");
    assert_eq!(status, StatusCode::CONFLICT);
}
