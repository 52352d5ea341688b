//! Channels that the application makes.

use serde_json::{Value, json};

use crate::conformance::session::{Session, Stuck};
use crate::conformance::{APP, Reaction};

/// Asks for a channel to the help desk, with an id of ours.
async fn originate(s: &mut Session<'_>, id: &str) -> Result<(), Stuck> {
    let body = json!({
        "endpoint": "PJSIP/helpdesk", "app": APP, "appArgs": "agent,1", "timeout": 20,
        "callerId": "\"Ann\" <5550199>",
    });
    s.post(&format!("channels/{id}"), body).await.map(drop)
}

pub(super) async fn an_agent_answers(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Answers)?;
    originate(s, "agent").await?;
    s.until("StasisStart", "agent").await?;
    s.get("channels/agent").await?;
    s.delete("channels/agent").await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn an_agent_is_busy(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Busy)?;
    originate(s, "agent").await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn an_agent_declines(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Declines)?;
    originate(s, "agent").await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn nobody_answers_in_time(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Rings)?;
    let body = json!({ "endpoint": "PJSIP/helpdesk", "app": APP, "timeout": 1 });
    s.post("channels/agent", body).await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn an_endpoint_that_does_not_exist(s: &mut Session<'_>) -> Result<(), Stuck> {
    let body = json!({ "endpoint": "PJSIP/nobody", "app": APP });
    s.post("channels/agent", body).await?;
    s.get("channels/agent").await.map(drop)
}

pub(super) async fn cancelled_while_it_rings(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Rings)?;
    originate(s, "agent").await?;
    s.rings("agent").await?;
    s.delete("channels/agent").await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn a_caller_leaves_while_it_rings(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Rings)?;
    let caller = s.answered_caller().await?;
    let body = json!({
        "endpoint": "PJSIP/helpdesk", "app": APP, "originator": caller, "timeout": 20,
    });
    s.post("channels/agent", body).await?;
    s.rings("agent").await?;
    s.leaves(&caller).await?;
    s.get("channels/agent").await?;
    s.delete("channels/agent").await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn an_id_that_is_taken_by_a_channel(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Rings)?;
    originate(s, "agent").await?;
    originate(s, "agent").await?;
    s.rings("agent").await?;
    s.delete("channels/agent").await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn created_and_dialled(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Answers)?;
    let body = json!({ "endpoint": "PJSIP/helpdesk", "app": APP, "channelId": "agent" });
    s.post("channels/create", body).await?;
    s.until("StasisStart", "agent").await?;
    s.post("channels/agent/dial?timeout=20", Value::Null).await?;
    s.until_times(3, "Dial", "agent").await?;
    s.post("channels/agent/dial?timeout=20", Value::Null).await?;
    s.delete("channels/agent").await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn originated_to_the_dialplan(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Answers)?;
    let body = json!({
        "endpoint": "PJSIP/helpdesk", "context": "queues", "extension": "tone", "priority": 1,
        "timeout": 20,
    });
    s.post("channels/agent", body).await.map(drop)
}

pub(super) async fn a_ringing_channel_is_in_no_application(
    s: &mut Session<'_>,
) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Rings)?;
    originate(s, "agent").await?;
    s.rings("agent").await?;
    s.post("channels/agent/answer", Value::Null).await?;
    s.post("channels/agent/ring", Value::Null).await?;
    s.post("channels/agent/continue", Value::Null).await?;
    s.post("channels/agent/play?media=sound:/rig/tone", Value::Null).await?;
    s.delete("channels/agent").await?;
    s.until("ChannelDestroyed", "agent").await
}

pub(super) async fn a_created_channel_is_in_the_wrong_state(
    s: &mut Session<'_>,
) -> Result<(), Stuck> {
    s.phone("helpdesk", Reaction::Rings)?;
    let body = json!({ "endpoint": "PJSIP/helpdesk", "app": APP, "channelId": "agent" });
    s.post("channels/create", body).await?;
    s.until("StasisStart", "agent").await?;
    for operation in ["answer", "ring", "moh", "continue", "dtmf?dtmf=1", "play?media=sound:x"] {
        s.post(&format!("channels/agent/{operation}"), Value::Null).await?;
    }
    s.delete("channels/agent").await?;
    s.until("ChannelDestroyed", "agent").await
}
