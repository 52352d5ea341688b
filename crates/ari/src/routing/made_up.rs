//! Events that Asterisk never sent, for what a gap swallowed. They have the shape of Asterisk's, without a timestamp.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// A channel is in the application.
pub(super) fn stasis_start(app: &str, channel: &Value) -> Utf8Bytes {
    let data = channel["dialplan"]["app_data"].as_str().unwrap_or_default();
    // The application's name, and then its arguments.
    let args: Vec<&str> = data.split(',').skip(1).collect();
    text(json!({ "type": "StasisStart", "application": app, "args": args, "channel": channel }))
}

/// A channel is no longer in the application; `channel` is what is left of it.
pub(super) fn stasis_end(app: &str, id: &str, channel: Option<&Value>) -> Utf8Bytes {
    let channel = channel.cloned().unwrap_or_else(|| json!({ "id": id }));
    text(json!({ "type": "StasisEnd", "application": app, "channel": channel }))
}

/// A channel is gone; nobody knows any more why.
pub(super) fn channel_destroyed(app: &str, id: &str) -> Utf8Bytes {
    text(json!({
        "type": "ChannelDestroyed", "application": app, "cause": 0, "cause_txt": "Unknown",
        "channel": { "id": id },
    }))
}

/// A bridge is gone.
pub(super) fn bridge_destroyed(app: &str, id: &str) -> Utf8Bytes {
    text(json!({ "type": "BridgeDestroyed", "application": app, "bridge": { "id": id } }))
}

fn text(event: Value) -> Utf8Bytes {
    Utf8Bytes::from(event.to_string())
}
