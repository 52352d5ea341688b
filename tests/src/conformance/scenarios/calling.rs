//! A caller's channel: answered, hung up, continued.

use serde_json::{Value, json};

use crate::conformance::session::{Session, Stuck};

pub(super) async fn answered(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    s.get(&format!("channels/{caller}")).await?;
    s.leaves(&caller).await
}

pub(super) async fn answered_twice(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    s.post(&format!("channels/{caller}/answer"), Value::Null).await?;
    s.leaves(&caller).await
}

pub(super) async fn hung_up_by_us_before_the_answer(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.caller().await?;
    s.delete(&format!("channels/{caller}")).await?;
    s.until("StasisEnd", &caller).await
}

pub(super) async fn hung_up_by_us_after_the_answer(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    s.delete(&format!("channels/{caller}")).await?;
    s.until("StasisEnd", &caller).await
}

/// The cause comes with `ChannelDestroyed`, which a caller's channel needs a subscription for.
async fn hung_up(s: &mut Session<'_>, how: &str) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    let source = format!("applications/patchcord/subscription?eventSource=channel:{caller}");
    s.post(&source, Value::Null).await?;
    s.delete(&format!("channels/{caller}?{how}")).await?;
    s.until("ChannelDestroyed", &caller).await
}

pub(super) async fn hung_up_with_a_reason(s: &mut Session<'_>) -> Result<(), Stuck> {
    hung_up(s, "reason=busy").await
}

pub(super) async fn hung_up_with_a_reason_code(s: &mut Session<'_>) -> Result<(), Stuck> {
    hung_up(s, "reason_code=34").await
}

pub(super) async fn given_up_before_the_answer(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.caller().await?;
    s.leaves(&caller).await
}

pub(super) async fn hung_up_by_the_caller(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    let source = format!("applications/patchcord/subscription?eventSource=channel:{caller}");
    s.post(&source, Value::Null).await?;
    s.leaves(&caller).await?;
    s.until("ChannelDestroyed", &caller).await?;
    s.post(&format!("channels/{caller}/answer"), Value::Null).await?;
    Ok(())
}

pub(super) async fn a_key_is_pressed(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    s.world().press('5');
    s.until("ChannelDtmfReceived", &caller).await?;
    s.world().press('#');
    s.until_times(2, "ChannelDtmfReceived", &caller).await?;
    s.leaves(&caller).await
}

pub(super) async fn ringing_and_not_ringing(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.caller().await?;
    s.post(&format!("channels/{caller}/ring"), Value::Null).await?;
    s.delete(&format!("channels/{caller}/ring")).await?;
    s.leaves(&caller).await
}

pub(super) async fn music_on_hold(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    s.post(&format!("channels/{caller}/moh"), Value::Null).await?;
    s.delete(&format!("channels/{caller}/moh")).await?;
    s.leaves(&caller).await
}

pub(super) async fn digits_sent(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    s.post(&format!("channels/{caller}/dtmf?dtmf=12"), Value::Null).await?;
    s.post(&format!("channels/{caller}/dtmf"), Value::Null).await?;
    s.leaves(&caller).await
}

pub(super) async fn continued_to_the_next_priority(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.caller().await?;
    s.post(&format!("channels/{caller}/continue"), Value::Null).await?;
    s.until("StasisEnd", &caller).await
}

pub(super) async fn continued_to_a_place(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    let place = json!({ "context": "queues", "extension": "tone", "priority": 1 });
    s.post(&format!("channels/{caller}/continue"), place).await?;
    s.until("StasisEnd", &caller).await?;
    s.post(&format!("channels/{caller}/answer"), Value::Null).await?;
    Ok(())
}

pub(super) async fn continued_to_a_place_that_does_not_exist(
    s: &mut Session<'_>,
) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    let source = format!("applications/patchcord/subscription?eventSource=channel:{caller}");
    s.post(&source, Value::Null).await?;
    let place = json!({ "context": "nowhere", "extension": "never", "priority": 1 });
    s.post(&format!("channels/{caller}/continue"), place).await?;
    s.until("ChannelDestroyed", &caller).await
}

pub(super) async fn continued_to_a_label_that_does_not_exist(
    s: &mut Session<'_>,
) -> Result<(), Stuck> {
    let caller = s.caller().await?;
    let place = json!({ "context": "queues", "extension": "tone", "label": "nowhere" });
    s.post(&format!("channels/{caller}/continue"), place).await?;
    s.leaves(&caller).await
}
