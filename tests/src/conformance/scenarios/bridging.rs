//! Bridges, and who is in them.

use serde_json::{Value, json};

use crate::conformance::session::{Session, Stuck};
use crate::conformance::{APP, Reaction};

async fn mixing(s: &mut Session<'_>, id: &str) -> Result<(), Stuck> {
    s.post(&format!("bridges/{id}"), json!({ "type": "mixing", "name": "room" })).await.map(drop)
}

async fn join(s: &mut Session<'_>, bridge: &str, channel: &str) -> Result<(), Stuck> {
    let body = json!({ "channel": [channel] });
    s.post(&format!("bridges/{bridge}/addChannel"), body).await?;
    s.until("ChannelEnteredBridge", channel).await
}

/// An agent in the application, its channel named `agent`.
async fn agent(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Answers)?;
    s.post("channels/agent", json!({ "endpoint": "PJSIP/helpdesk", "app": APP })).await?;
    s.until("StasisStart", "agent").await
}

async fn media(s: &mut Session<'_>) -> Result<Value, Stuck> {
    let body = json!({
        "app": APP, "channelId": "media", "external_host": "127.0.0.1:4000", "format": "ulaw",
    });
    s.post("channels/externalMedia", body).await
}

pub(super) async fn a_bridge_is_made_and_unmade(s: &mut Session<'_>) -> Result<(), Stuck> {
    mixing(s, "room").await?;
    s.get("bridges/room").await?;
    s.delete("bridges/room").await?;
    s.gone("bridges/room").await?;
    s.get("bridges/room").await?;
    s.delete("bridges/room").await.map(drop)
}

pub(super) async fn a_bridge_id_that_is_taken(s: &mut Session<'_>) -> Result<(), Stuck> {
    mixing(s, "room").await?;
    mixing(s, "room").await?;
    s.post("bridges/room", json!({ "type": "holding" })).await?;
    s.delete("bridges/room").await.map(drop)
}

pub(super) async fn one_channel_joins_and_leaves(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    mixing(s, "room").await?;
    join(s, "room", &caller).await?;
    s.get("bridges/room").await?;
    s.post("bridges/room/removeChannel", json!({ "channel": [caller] })).await?;
    s.until("ChannelLeftBridge", &caller).await?;
    s.leaves(&caller).await
}

pub(super) async fn two_join_and_one_hangs_up(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    agent(s).await?;
    mixing(s, "room").await?;
    join(s, "room", &caller).await?;
    join(s, "room", "agent").await?;
    s.world().phones_hang_up();
    s.until("ChannelDestroyed", "agent").await?;
    s.get("bridges/room").await?;
    s.leaves(&caller).await
}

pub(super) async fn two_join_in_one_request(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    agent(s).await?;
    mixing(s, "room").await?;
    s.post("bridges/room/addChannel", json!({ "channel": [caller, "agent"] })).await?;
    s.until("ChannelEnteredBridge", &caller).await?;
    s.until("ChannelEnteredBridge", "agent").await?;
    s.leaves(&caller).await?;
    s.delete("channels/agent").await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn from_one_bridge_to_another(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    mixing(s, "first").await?;
    mixing(s, "second").await?;
    join(s, "first", &caller).await?;
    s.post("bridges/second/addChannel", json!({ "channel": [caller] })).await?;
    s.until_times(2, "ChannelEnteredBridge", &caller).await?;
    s.leaves(&caller).await
}

pub(super) async fn who_cannot_join(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Rings)?;
    s.post("channels/agent", json!({ "endpoint": "PJSIP/helpdesk", "app": APP })).await?;
    s.rings("agent").await?;
    mixing(s, "room").await?;
    s.post("bridges/room/addChannel", json!({ "channel": ["nobody"] })).await?;
    s.post("bridges/room/addChannel", json!({ "channel": ["agent"] })).await?;
    s.post("bridges/room/addChannel", json!({})).await?;
    s.post("bridges/nowhere/addChannel", json!({ "channel": ["agent"] })).await?;
    s.delete("channels/agent").await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn who_cannot_leave(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    mixing(s, "room").await?;
    s.post("bridges/room/removeChannel", json!({ "channel": [caller] })).await?;
    s.post("bridges/room/removeChannel", json!({ "channel": ["nobody"] })).await?;
    s.post("bridges/nowhere/removeChannel", json!({ "channel": [caller] })).await?;
    s.leaves(&caller).await
}

pub(super) async fn a_bridge_with_a_caller_is_unmade(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    mixing(s, "room").await?;
    join(s, "room", &caller).await?;
    s.delete("bridges/room").await?;
    s.until("ChannelLeftBridge", &caller).await?;
    s.get(&format!("channels/{caller}")).await?;
    s.leaves(&caller).await
}

pub(super) async fn external_media(s: &mut Session<'_>) -> Result<(), Stuck> {
    media(s).await?;
    s.until("StasisStart", "media").await?;
    s.get("channels/media").await?;
    s.delete("channels/media").await?;
    s.until("ChannelDestroyed", "media").await
}

pub(super) async fn external_media_joins(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    media(s).await?;
    s.until("StasisStart", "media").await?;
    mixing(s, "room").await?;
    join(s, "room", &caller).await?;
    join(s, "room", "media").await?;
    s.leaves(&caller).await?;
    s.delete("channels/media").await?;
    s.until("ChannelDestroyed", "media").await
}

pub(super) async fn an_id_that_is_taken_by_media(s: &mut Session<'_>) -> Result<(), Stuck> {
    media(s).await?;
    s.until("StasisStart", "media").await?;
    media(s).await?;
    s.delete("channels/media").await?;
    s.until("ChannelDestroyed", "media").await
}
