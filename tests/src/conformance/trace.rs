//! What a PBX said during a scenario, in a form in which two PBXes can agree.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value};

/// What is not compared, and why.
#[derive(Debug)]
pub struct Ignored {
    /// A field, wherever it stands, or an event type; `=` behind a type names one of its variables.
    pub what: &'static str,
    /// Why two PBXes cannot agree on it, or need not.
    pub why: &'static str,
}

/// All that is not compared.
pub const IGNORED: &[Ignored] = &[
    Ignored { what: "timestamp", why: "the clock" },
    Ignored { what: "creationtime", why: "the clock" },
    Ignored { what: "asterisk_id", why: "another for each Asterisk" },
    Ignored { what: "application", why: "the same in each event" },
    Ignored { what: "protocol_id", why: "a random SIP Call-ID" },
    Ignored { what: "duration_ms", why: "measured from a caller's packets" },
    Ignored {
        what: "STASISSTATUS",
        why: "in externalMedia's reply only if the channel's thread was quicker than the reply",
    },
    Ignored {
        what: "ChannelVarset=RTPAUDIOQOS",
        why: "measured from packets; the stand-in has no quality figures",
    },
    Ignored {
        what: "ChannelVarset=BRIDGE",
        why: "Asterisk's notes on who is in a bridge; the stand-in makes none",
    },
    Ignored { what: "ChannelConnectedLine", why: "the stand-in sends no connected-line updates" },
];

/// One scenario as one PBX lived through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The scenario.
    pub name: &'static str,
    /// The replies in order, then the events of each channel, bridge and playback in order.
    pub text: String,
}

/// A request that was answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) line: String,
    pub(super) status: u16,
    pub(super) body: Value,
}

/// Something that events are about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object<'a> {
    family: &'static str,
    pub(super) id: &'a str,
}

/// What an event is about: events about one thing have an order. A dial is a thing of its own: the thread that dials
/// tells of it, beside the channel's thread.
pub(super) fn objects(event: &Value) -> Vec<Object<'_>> {
    let families = ["channel", "peer", "bridge", "playback"];
    let about = families.into_iter().filter_map(|family| {
        let id = event[family]["id"].as_str()?;
        Some(Object { family: if family == "peer" { "dial" } else { family }, id })
    });
    about.collect()
}

/// An event in a few words, for people.
pub(super) fn brief(event: &Value) -> String {
    let about = objects(event).iter().map(|object| format!(" {}", object.id)).collect::<String>();
    format!("{}{about}", event["type"].as_str().unwrap_or_default())
}

impl Trace {
    pub(super) fn new(
        name: &'static str,
        replies: &[Reply],
        events: &[Value],
        names: &[(String, String)],
    ) -> Trace {
        let mut text = String::new();
        for reply in replies {
            let mut body = normal(&reply.body);
            // A playback may have begun before its reply was written.
            if let (201, Some(body)) = (reply.status, body.as_object_mut()) {
                body.remove("state");
            }
            let body = if body.is_null() { String::new() } else { format!(" {body}") };
            let line = format!("{} -> {}{body}\n", reply.line, reply.status);
            text.push_str(&renamed(line, names));
        }
        let mut lives: BTreeMap<String, String> = BTreeMap::new();
        let mut told_of: Vec<&Value> = events.iter().filter(|event| !is_ignored(event)).collect();
        begin_dials_first(&mut told_of);
        for event in told_of {
            for object in objects(event) {
                let life = lives.entry(renamed(format!("{} {}", object.family, object.id), names));
                let told = renamed(told(event), names);
                writeln!(life.or_default(), "  {told}").expect("writing to a String cannot fail");
            }
        }
        for (object, life) in lives {
            write!(text, "{object}\n{life}").expect("writing to a String cannot fail");
        }
        Trace { name, text: text.trim_end().to_owned() }
    }
}

/// Puts the beginning of each dial before its ringing. The thread that dials tells of the one and the channel's own of the
/// other: on a busy machine Asterisk has been seen to tell them the other way round.
fn begin_dials_first(events: &mut [&Value]) {
    let is = |event: &Value, status: &str| event["type"] == "Dial" && event["dialstatus"] == status;
    for at in 0..events.len() {
        let begun =
            |event: &&Value| is(event, "") && event["peer"]["id"] == events[at]["peer"]["id"];
        if is(events[at], "RINGING")
            && !events[..at].iter().any(begun)
            && let Some(later) = events[at..].iter().position(begun)
        {
            events[at..=at + later].rotate_right(1);
        }
    }
}

fn is_ignored(event: &Value) -> bool {
    let kind = event["type"].as_str().unwrap_or_default();
    IGNORED.iter().any(|ignored| match ignored.what.split_once('=') {
        Some((of, variable)) => {
            of == kind && event["variable"].as_str().is_some_and(|name| name.starts_with(variable))
        }
        None => ignored.what == kind,
    })
}

/// An event as it is compared: the things that it is about by id and state, the rest whole.
fn told(event: &Value) -> String {
    let mut fields = normal(event);
    let Some(fields) = fields.as_object_mut() else { return String::new() };
    let kind = fields.remove("type").unwrap_or_default();
    let whole = kind == "StasisStart";
    for family in ["channel", "peer", "bridge", "playback"] {
        if let Some(Value::Object(object)) = fields.get_mut(family)
            && !whole
        {
            let kept = match family {
                "peer" => ["id"].as_slice(),
                _ => ["id", "state", "channels", "bridge_type"].as_slice(),
            };
            object.retain(|name, _| kept.contains(&name.as_str()));
        }
    }
    format!("{} {}", kind.as_str().unwrap_or_default(), Value::Object(std::mem::take(fields)))
}

/// A value without what is ignored, and without what only one PBX chose: names and ports.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| IGNORED.iter().all(|it| it.what != *name));
            let kept: Map<String, Value> =
                kept.map(|(name, value)| (name.clone(), named(name, normal(value)))).collect();
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(items.iter().map(normal).collect()),
        other => other.clone(),
    }
}

/// The value of this field without what a PBX makes up itself.
fn named(field: &str, value: Value) -> Value {
    match (field, value.as_str()) {
        // A channel's name has its technology, and then what identifies it to the PBX alone.
        ("name", Some(name)) => match name.split_once('/') {
            Some((technology, _)) => Value::from(technology),
            None => value,
        },
        ("UNICASTRTP_LOCAL_PORT", Some(_)) => Value::from("PORT"),
        _ => value,
    }
}

fn renamed(mut text: String, names: &[(String, String)]) -> String {
    for (id, name) in names {
        text = text.replace(id.as_str(), name);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_trace_names_what_the_pbx_named_and_keeps_order_within_each_object() {
        let channel =
            |id: &str| json!({ "id": id, "state": "Up", "name": "PJSIP/x-1", "language": "en" });
        let events = [
            json!({ "type": "A", "channel": channel("17.3"), "timestamp": "now" }),
            json!({ "type": "B", "channel": channel("mine"), "bridge": { "id": "b", "channels": ["17.3"] } }),
            json!({ "type": "C", "channel": channel("17.3") }),
        ];
        let reply = Reply { line: "GET channels/17.3".into(), status: 200, body: channel("17.3") };
        let trace = Trace::new("x", &[reply], &events, &[("17.3".into(), "CALLER".into())]);
        let expected = [
            r#"GET channels/CALLER -> 200 {"id":"CALLER","language":"en","name":"PJSIP","state":"Up"}"#,
            "bridge b",
            r#"  B {"bridge":{"channels":["CALLER"],"id":"b"},"channel":{"id":"mine","state":"Up"}}"#,
            "channel CALLER",
            r#"  A {"channel":{"id":"CALLER","state":"Up"}}"#,
            r#"  C {"channel":{"id":"CALLER","state":"Up"}}"#,
            "channel mine",
            r#"  B {"bridge":{"channels":["CALLER"],"id":"b"},"channel":{"id":"mine","state":"Up"}}"#,
        ];
        assert_eq!(trace.text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_dial_begins_before_it_rings() {
        let dial =
            |status: &str| json!({ "type": "Dial", "dialstatus": status, "peer": { "id": "a" } });
        let trace = |statuses: &[&str]| {
            let events: Vec<Value> = statuses.iter().map(|status| dial(status)).collect();
            Trace::new("x", &[], &events, &[]).text
        };
        assert_eq!(trace(&["RINGING", "", "ANSWER"]), trace(&["", "RINGING", "ANSWER"]));
        assert_ne!(trace(&["", "ANSWER", "RINGING"]), trace(&["", "RINGING", "ANSWER"]));
    }
}
