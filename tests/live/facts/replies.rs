//! Replies over the event socket.

use super::probe::{call_body, kinds, replies_to};
use super::{Probe, Value, json};
use reqwest::Method;

#[tokio::test]
async fn an_allow_list_without_rest_response_swallows_the_replies_over_the_socket() {
    let Some(probe) = Probe::start() else { return };
    let mut events = probe.events("app=facts").await;
    let allow = async |kinds: &[&str]| {
        let kinds: Vec<_> = kinds.iter().map(|kind| json!({ "type": kind })).collect();
        probe.ask(Method::PUT, "applications/facts/eventFilter", json!({ "allowed": kinds })).await;
    };
    allow(&["StasisStart"]).await;
    events.request("unheard", &Method::GET, "asterisk/ping", Value::Null).await;
    // Requests of one socket are carried out in turn: when the second has had its effect, the first is replied to.
    events.request("call", &Method::POST, "channels/from-call", call_body("facts", "call")).await;
    let seen = events.until_in_stasis("call").await;
    assert_eq!(kinds(&seen), ["StasisStart"]);
    allow(&["StasisStart", "RESTResponse"]).await;
    events.request("heard", &Method::GET, "asterisk/ping", Value::Null).await;
    let seen = events.until(|event| replies_to(event, "heard")).await;
    assert_eq!(kinds(&seen), ["RESTResponse"]);
}
