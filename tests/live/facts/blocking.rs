//! Which requests wait for a playback on the channel to end, and what they hold up meanwhile.
//!
//! Nothing here is measured against a clock: the tone has no end, so a reply that came only after it was stopped has
//! waited for that.

use std::sync::atomic::{AtomicBool, Ordering};

use super::probe::{kinds, replies_to};
use super::{Events, Probe, Value, json};
use reqwest::Method;

/// A call that hears a tone.
async fn hearing_a_tone() -> Option<(Probe, Events)> {
    let probe = Probe::start()?;
    let mut events = probe.events("app=facts").await;
    probe.call("call").await;
    events.until_in_stasis("call").await;
    probe.ask(Method::POST, "channels/call/answer", Value::Null).await;
    probe.ask(Method::POST, "bridges/room", json!({ "type": "mixing" })).await;
    probe.play_for_ever(&mut events, "call").await;
    Some((probe, events))
}

fn a_variable() -> Value {
    json!({ "variable": "COLOUR", "value": "red" })
}

/// Makes a request over HTTP, and stops the tone once other requests about the same channel have been replied to.
async fn over_http(method: Method, path: &str, body: Value) {
    let Some((probe, mut events)) = hearing_a_tone().await else { return };
    let stopped = AtomicBool::new(false);
    let blocked = async {
        probe.ask(method, path, body).await;
        assert!(stopped.load(Ordering::SeqCst), "{path} did not wait for the playback");
    };
    let meanwhile = async {
        // These do not wait: a hold is only queued, the channel and its variables are read at once.
        probe.ask(Method::POST, "channels/call/silence", Value::Null).await;
        probe.ask(Method::GET, "channels/call", Value::Null).await;
        probe.ask(Method::GET, "channels/call/variable?variable=CHANNEL(name)", Value::Null).await;
        stopped.store(true, Ordering::SeqCst);
        probe.stop_playing("call").await;
        events.until(|event| event["type"] == "PlaybackFinished").await;
    };
    tokio::join!(blocked, meanwhile);
}

#[tokio::test]
async fn set_channel_var_over_http_waits_until_the_playback_is_over_and_holds_up_nothing_else() {
    over_http(Method::POST, "channels/call/variable", a_variable()).await;
}

#[tokio::test]
async fn add_channel_over_http_waits_until_the_playback_is_over_and_holds_up_nothing_else() {
    over_http(Method::POST, "bridges/room/addChannel", json!({ "channel": "call" })).await;
}

/// Makes a request over the socket, and another after it that has nothing to do with the call.
async fn over_the_socket(uri: &str, body: Value) {
    let Some((probe, mut events)) = hearing_a_tone().await else { return };
    events.request("blocked", &Method::POST, uri, body).await;
    events.request("behind", &Method::GET, "asterisk/ping", Value::Null).await;
    // Events are not held up: this one comes while both replies are owed.
    let key = "events/user/Fence?application=facts";
    probe.ask(Method::POST, key, Value::Null).await;
    let before = events.until(|event| event["type"] == "ChannelUserevent").await;
    assert!(!kinds(&before).contains(&"RESTResponse"), "{before:#?}");
    probe.stop_playing("call").await;
    let after = events.until(|event| replies_to(event, "behind")).await;
    // The event of the playback's end comes by a way of its own, before or after the replies.
    assert!(after.iter().any(|event| replies_to(event, "blocked")), "{:?}", kinds(&after));
}

#[tokio::test]
async fn set_channel_var_over_the_socket_waits_for_the_playback_and_holds_up_the_requests_behind_it()
 {
    over_the_socket("channels/call/variable", a_variable()).await;
}

#[tokio::test]
async fn add_channel_over_the_socket_waits_for_the_playback_and_holds_up_the_requests_behind_it() {
    over_the_socket("bridges/room/addChannel", json!({ "channel": "call" })).await;
}
