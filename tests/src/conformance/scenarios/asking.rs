//! Questions, and requests that are refused.

use serde_json::{Value, json};

use crate::conformance::Reaction;
use crate::conformance::session::{Session, Stuck};

pub(super) async fn variables(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    let variable = format!("channels/{caller}/variable");
    s.get(&format!("{variable}?variable=COLOUR")).await?;
    s.post(&variable, json!({ "variable": "COLOUR", "value": "red" })).await?;
    s.until("ChannelVarset", &caller).await?;
    s.get(&format!("{variable}?variable=COLOUR")).await?;
    s.get(&variable).await?;
    s.post(&variable, Value::Null).await?;
    s.leaves(&caller).await
}

pub(super) async fn functions(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.caller().await?;
    for function in [
        "CALLERID(num)",
        "CALLERID(name)",
        "DIALPLAN_EXISTS(queues,tone,1)",
        "DIALPLAN_EXISTS(queues,tone)",
        "DIALPLAN_EXISTS(queues,nowhere,1)",
        "DIALPLAN_EXISTS(nowhere,tone,1)",
        "DIALPLAN_EXISTS(from-provider,5550100,1)",
        "NO_SUCH_FUNCTION(x)",
    ] {
        s.get(&format!("channels/{caller}/variable?variable={function}")).await?;
    }
    s.leaves(&caller).await
}

pub(super) async fn what_is_not_there(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.get("channels/nobody").await?;
    s.delete("channels/nobody").await?;
    for operation in ["answer", "ring", "continue", "moh", "dial", "dtmf?dtmf=1"] {
        s.post(&format!("channels/nobody/{operation}"), Value::Null).await?;
    }
    s.get("channels/nobody/variable?variable=X").await?;
    s.get("bridges/nowhere").await?;
    s.get("applications/nothing").await?;
    s.get("nothing").await?;
    s.get("channels/").await?;
    s.post("applications/patchcord/subscription?eventSource=channel:nobody", Value::Null).await?;
    s.post("applications/nothing/subscription?eventSource=channel:nobody", Value::Null).await?;
    Ok(())
}

pub(super) async fn what_is_badly_asked(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.caller().await?;
    s.delete(&format!("channels/{caller}?reason=bored")).await?;
    s.delete(&format!("channels/{caller}?reason=busy&reason_code=17")).await?;
    for body in [
        json!({}),
        json!({ "endpoint": "PJSIP" }),
        json!({ "endpoint": "PJSIP/helpdesk" }),
        json!({ "endpoint": "PJSIP/helpdesk", "app": "patchcord", "originator": "nobody" }),
    ] {
        s.post("channels", body).await?;
    }
    for body in [
        json!({}),
        json!({ "app": "patchcord" }),
        json!({ "app": "patchcord", "external_host": "127.0.0.1:4000" }),
        json!({ "app": "patchcord", "external_host": "127.0.0.1", "format": "ulaw" }),
    ] {
        s.post("channels/externalMedia", body).await?;
    }
    s.post("applications/patchcord/subscription", Value::Null).await?;
    s.post("applications/patchcord/subscription?eventSource=planet:mars", Value::Null).await?;
    s.get("channels/x/answer").await?;
    s.leaves(&caller).await
}

pub(super) async fn an_application(s: &mut Session<'_>) -> Result<(), Stuck> {
    let caller = s.answered_caller().await?;
    s.post("bridges/room", json!({ "type": "mixing" })).await?;
    s.get("applications/patchcord").await?;
    s.post("bridges/room/addChannel", json!({ "channel": [caller] })).await?;
    s.until("ChannelEnteredBridge", &caller).await?;
    s.get("applications/patchcord").await?;
    s.get("applications").await?;
    s.leaves(&caller).await
}

pub(super) async fn lists(s: &mut Session<'_>) -> Result<(), Stuck> {
    s.get("channels").await?;
    s.get("bridges").await?;
    s.phone("helpdesk", Reaction::Rings)?;
    let caller = s.answered_caller().await?;
    s.post("bridges/room", json!({ "type": "holding" })).await?;
    s.get("channels").await?;
    s.get("bridges").await?;
    s.leaves(&caller).await
}
