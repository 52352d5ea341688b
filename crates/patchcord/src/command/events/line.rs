//! One event as one line for people: when, what, about whom, and what it tells.

use std::fmt;

use serde_json::{Map, Value};

/// An event as Asterisk wrote it. Read without types, so that what is new to us is shown as well.
pub(super) struct Look<'a>(pub(super) &'a Value);

/// Fields that every event has, and that are shown otherwise or not at all.
const COMMON: [&str; 4] = ["type", "timestamp", "application", "asterisk_id"];

impl Look<'_> {
    /// Asterisk's name for the kind; empty for what is no event.
    pub(super) fn kind(&self) -> &str {
        self.0["type"].as_str().unwrap_or_default()
    }

    /// Whether the event is about a channel, given by its id or its name, directly or through a bridge, a playback or a
    /// recording.
    pub(super) fn names(&self, channel: &str) -> bool {
        let Some(fields) = self.0.as_object() else { return false };
        let target = |object: &Map<String, Value>| {
            let uri = object.get("target_uri").and_then(Value::as_str);
            uri.and_then(|uri| uri.strip_prefix("channel:")) == Some(channel)
        };
        fields.values().filter_map(Value::as_object).any(|object| {
            let is = |key: &str| object.get(key).and_then(Value::as_str) == Some(channel);
            let within = object.get("channels").and_then(Value::as_array).into_iter().flatten();
            is("id") || is("name") || target(object) || within.into_iter().any(|id| id == channel)
        })
    }
}

impl fmt::Display for Look<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(fields) = self.0.as_object() else { return f.write_str("not an event") };
        let time = fields.get("timestamp").and_then(Value::as_str);
        // "2025-03-17T08:32:35.709-0600": Asterisk's own time of day.
        let time = time.and_then(|time| time.get(11..23)).unwrap_or("--:--:--.---");
        write!(f, "{} {:<24}", Word(time), Word(self.kind()).to_string())?;
        let shown = fields.iter().filter(|(name, _)| !COMMON.contains(&name.as_str()));
        let (objects, plain): (Vec<_>, Vec<_>) = shown.partition(|(_, value)| value.is_object());
        for (name, object) in &objects {
            write!(f, " {}=", Word(name))?;
            about(f, name, object)?;
        }
        for (name, value) in &plain {
            tell(f, name, value)?;
        }
        Ok(())
    }
}

/// Who an object is, and its telling fields.
fn about(f: &mut fmt::Formatter<'_>, name: &str, object: &Value) -> fmt::Result {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let id = if object["id"].is_string() { text("id") } else { text("name") };
    write!(f, "{}", Word(id))?;
    let telling: &[&str] = match name {
        "bridge" | "bridge_from" => &["bridge_type"],
        "playback" => &["media_uri", "state"],
        "recording" => &["state", "cause"],
        "endpoint" => &["technology", "state"],
        _ => &["name", "state"],
    };
    for field in telling.iter().filter(|field| !text(field).is_empty() && text(field) != id) {
        write!(f, " {}", Word(text(field)))?;
    }
    match object["channels"].as_array() {
        Some(channels) => write!(f, " channels={}", channels.len()),
        None => Ok(()),
    }
}

/// A plain field, if there is anything in it.
fn tell(f: &mut fmt::Formatter<'_>, name: &str, value: &Value) -> fmt::Result {
    match value {
        Value::Null => Ok(()),
        Value::String(text) if text.is_empty() => Ok(()),
        Value::Array(items) if items.is_empty() => Ok(()),
        Value::String(text) => write!(f, " {}={}", Word(name), Word(text)),
        other => write!(f, " {}={}", Word(name), Word(&other.to_string())),
    }
}

/// A text that came from outside: in quotes where it is not one word, and never with a control character, which could
/// do anything to a terminal.
struct Word<'a>(&'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| !c.is_control() && !c.is_whitespace() && c != '"';
        if self.0.chars().all(plain) { f.write_str(self.0) } else { write!(f, "{:?}", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn channel() -> Value {
        json!({ "id": "17.4", "name": "PJSIP/alice-00000001", "state": "Up", "caller": { "name": "A" } })
    }

    fn line(event: &Value) -> String {
        Look(event).to_string()
    }

    #[test]
    fn a_line_says_when_what_who_and_the_rest() {
        let key = json!({
            "type": "ChannelDtmfReceived", "timestamp": "2025-03-17T08:32:35.709-0600", "application": "x",
            "asterisk_id": "y", "digit": "5", "duration_ms": 120, "channel": channel(),
        });
        assert_eq!(
            line(&key),
            "08:32:35.709 ChannelDtmfReceived      channel=17.4 PJSIP/alice-00000001 Up digit=5 duration_ms=120"
        );
        let end = json!({
            "type": "ChannelDestroyed", "cause": 16, "cause_txt": "Normal Clearing", "channel": channel(),
        });
        assert!(line(&end).starts_with("--:--:--.--- ChannelDestroyed "), "{}", line(&end));
        assert!(
            line(&end).ends_with("Up cause=16 cause_txt=\"Normal Clearing\""),
            "{}",
            line(&end)
        );
    }

    #[test]
    fn bridges_playbacks_and_new_kinds_are_told() {
        let entered = json!({
            "bridge": { "id": "b1", "name": "", "bridge_type": "mixing", "channels": ["17.4", "17.5"] },
            "channel": channel(), "type": "ChannelEnteredBridge",
        });
        assert!(
            line(&entered).contains("bridge=b1 mixing channels=2 channel=17.4 "),
            "{}",
            line(&entered)
        );
        let playback = json!({ "type": "PlaybackStarted", "playback": {
            "id": "p1", "media_uri": "sound:hello-world", "target_uri": "channel:17.4", "state": "playing",
        } });
        assert!(
            line(&playback).ends_with("playback=p1 sound:hello-world playing"),
            "{}",
            line(&playback)
        );
        let new = json!({ "type": "ChannelLevitated", "args": [], "at": ["a"], "by": null, "height": 2.5 });
        assert!(line(&new).ends_with(r#" at="[\"a\"]" height=2.5"#), "{}", line(&new));
        assert_eq!(line(&Value::Null), "not an event");
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal_raw() {
        let event = json!({ "type": "X\u{1b}[2J", "digit": "\u{7}\n", "channel": { "id": "a b", "name": "\u{9b}1m" } });
        let line = line(&event);
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(line.contains(r#"channel="a b""#), "{line}");
    }

    #[test]
    fn a_channel_is_found_wherever_it_is_named() {
        let names = |event: Value| Look(&event).names("17.4");
        assert!(names(json!({ "channel": channel() })));
        assert!(names(json!({ "peer": channel() })));
        assert!(names(json!({ "bridge": { "id": "b1", "channels": ["17.4"] } })));
        assert!(names(json!({ "playback": { "id": "p", "target_uri": "channel:17.4" } })));
        assert!(Look(&json!({ "channel": channel() })).names("PJSIP/alice-00000001"));
        assert!(!names(json!({ "channel": { "id": "17.40" }, "digit": "17.4" })));
        assert!(!names(json!([])));
    }
}
