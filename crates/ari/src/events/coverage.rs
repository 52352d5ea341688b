//! Holds the types of events to the inventory.

#![allow(clippy::print_stdout, reason = "what is covered is printed")]

use std::collections::BTreeSet;

use serde_json::{Map, json};

use super::Event;
use crate::inventory::{self, sample};

#[test]
fn every_event_has_a_type_with_all_its_fields() {
    let unheard_of = json!({ "a": [1] });
    let only = Map::from_iter([("unheard_of".to_owned(), unheard_of.clone())]);
    let mut covered = 0;
    for row in inventory::events() {
        let mut whole = sample::event(row);
        whole["unheard_of"] = unheard_of.clone();
        let event = Event::parse(&whole.to_string());
        assert_eq!(event.other(), Some(&only), "{event:?}");
        assert_eq!(serde_json::to_value(&event).unwrap(), whole);
        covered += usize::from(event.kind() == row.name);
    }
    println!("{covered} of 45 events");
    assert_eq!((covered, inventory::events().len()), (45, 45));
}

#[test]
fn no_event_has_a_type_that_asterisk_does_not_send() {
    let mut ours: BTreeSet<_> = Event::KINDS.iter().copied().collect();
    // Asterisk counts it as a message, not as an event.
    assert!(ours.remove("MissingParams"));
    let asterisks: BTreeSet<_> = inventory::events().iter().map(|event| event.name).collect();
    assert_eq!(ours, asterisks);
    let missing = Event::parse(r#"{"type":"MissingParams","params":["app"]}"#);
    assert!(matches!(missing, Event::MissingParams(missing) if missing.params == ["app"]));
}

/// Whoever watches a channel, bridge, playback or recording gets every event that holds it.
#[test]
fn every_object_of_an_event_routes_it() {
    for row in inventory::events() {
        let mut event = sample::event(row);
        let mut held = BTreeSet::new();
        for field in &row.fields {
            let key = match field.kind {
                "Channel" | "Bridge" | "Playback" => "id",
                "LiveRecording" => "name",
                _ => continue,
            };
            event[field.name][key] = json!(field.name);
            held.insert(field.name.to_owned());
        }
        let keys: BTreeSet<_> =
            crate::routing::routing_keys(&event.to_string()).unwrap().into_iter().collect();
        assert!(held.is_subset(&keys), "{}: {keys:?} lacks some of {held:?}", row.name);
    }
}

#[test]
fn what_was_not_read_is_written_as_it_came() {
    for text in [r#"{"channel":{"id":"c"},"type":"ChannelLevitated"}"#, "[1]", "{ no json"] {
        let written = serde_json::to_value(Event::parse(text)).unwrap();
        let same = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
        assert_eq!(written, same);
    }
}
