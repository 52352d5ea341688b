//! What holds for every text that may come over the event socket.

use ari::Event;

/// Reads it as an event, and finds it consistent.
pub(crate) fn judge(bytes: &[u8]) -> Event {
    let text = String::from_utf8_lossy(bytes);
    let event = Event::parse(&text);
    match &event {
        Event::Malformed { json, error, .. } => {
            assert_eq!(*json, text, "the text is kept");
            assert!(!error.is_empty());
        }
        Event::Unknown { kind, json } => {
            assert_eq!(*json, text, "the text is kept");
            assert!(!Event::KINDS.contains(&kind.as_str()), "{kind} has a type");
        }
        typed => {
            assert!(Event::KINDS.contains(&typed.kind()));
            assert!(ari::routing_keys(&text).is_some(), "what has a type is routed");
            let written = serde_json::to_string(typed).expect("plain data");
            let again = serde_json::to_string(&Event::parse(&written)).expect("plain data");
            assert_eq!(written, again, "it is written as it is read");
        }
    }
    event
}
