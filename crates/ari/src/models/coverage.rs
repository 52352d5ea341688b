//! Holds the types of objects to the inventory.

#![allow(clippy::print_stdout, reason = "what is covered is printed")]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::model::Object;
use super::*;
use crate::inventory::{self, sample};

/// Reads an object and writes it again; gives what was written and what has no field of its own.
type RoundTrip = fn(Value) -> serde_json::Result<(Value, Value)>;

/// Every object by Asterisk's name for it, with our type.
const TYPES: &[(&str, RoundTrip)] = &[
    ("AdditionalParam", round_trip::<AdditionalParam>),
    ("Application", round_trip::<Application>),
    ("AsteriskInfo", round_trip::<AsteriskInfo>),
    ("AsteriskPing", round_trip::<AsteriskPing>),
    ("Bridge", round_trip::<Bridge>),
    ("BuildInfo", round_trip::<BuildInfo>),
    ("CallerID", round_trip::<CallerId>),
    ("Channel", round_trip::<Channel>),
    ("ConfigInfo", round_trip::<ConfigInfo>),
    ("ConfigTuple", round_trip::<ConfigTuple>),
    ("ContactInfo", round_trip::<ContactInfo>),
    ("DeviceState", round_trip::<DeviceState>),
    ("DialplanCEP", round_trip::<DialplanCep>),
    ("Endpoint", round_trip::<Endpoint>),
    ("FormatLangPair", round_trip::<FormatLangPair>),
    ("LiveRecording", round_trip::<LiveRecording>),
    ("LogChannel", round_trip::<LogChannel>),
    ("Mailbox", round_trip::<VoiceMailbox>),
    ("Module", round_trip::<Module>),
    ("Peer", round_trip::<Peer>),
    ("Playback", round_trip::<Playback>),
    ("RTPstat", round_trip::<RtpStat>),
    ("ReferTo", round_trip::<ReferTo>),
    ("ReferredBy", round_trip::<ReferredBy>),
    ("RequiredDestination", round_trip::<RequiredDestination>),
    ("SetId", round_trip::<SetId>),
    ("Sound", round_trip::<Sound>),
    ("StatusInfo", round_trip::<StatusInfo>),
    ("StoredRecording", round_trip::<StoredRecording>),
    ("SystemInfo", round_trip::<SystemInfo>),
    ("TextMessage", round_trip::<TextMessage>),
    ("Variable", round_trip::<Variable>),
    ("Variables", round_trip::<Variables>),
];

/// Objects without a type, and why.
const FOLDED: &[(&str, &str)] = &[
    ("Dialed", "has no fields, and nothing holds one"),
    ("Event", "its fields are in each event"),
    ("Message", "its fields are in each event, and Event::kind"),
    ("MissingParams", "an event: Event::MissingParams"),
    ("RESTHeader", "nothing holds one"),
    ("RESTQueryStringParameter", "part of RESTRequest"),
    ("RESTRequest", "what a client sends over the event socket, written there"),
];

fn round_trip<T: Object>(value: Value) -> serde_json::Result<(Value, Value)> {
    let object: T = serde_json::from_value(value)?;
    Ok((serde_json::to_value(&object)?, json!(object.other())))
}

#[test]
fn every_field_of_every_object_has_a_place() {
    let mut fields = (0, 0);
    for (name, round_trip) in TYPES {
        let mut whole = sample::object(name);
        whole["unheard_of"] = json!({ "a": [1] });
        let (written, other) =
            round_trip(whole.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(written, whole, "{name}");
        let model = inventory::models().iter().find(|model| model.name == *name).unwrap();
        fields.0 += model.fields.iter().filter(|field| other.get(field.name).is_none()).count();
        fields.1 += model.fields.len();
        assert_eq!(other, json!({ "unheard_of": { "a": [1] } }), "{name}");
    }
    println!("{} of {} model fields", fields.0, fields.1);
    for (name, why) in FOLDED {
        println!("{name} has no type: {why}");
    }
}

#[test]
fn every_object_is_typed_or_folded() {
    let ours: BTreeSet<_> =
        TYPES.iter().map(|(name, _)| *name).chain(FOLDED.iter().map(|(name, _)| *name)).collect();
    let asterisks: BTreeSet<_> = inventory::models().iter().map(|model| model.name).collect();
    assert_eq!(ours, asterisks);
    assert_eq!(ours.len(), TYPES.len() + FOLDED.len(), "one is listed twice");
}

#[test]
fn closed_lists_of_words_are_known_in_full() {
    let known = |words: &[&str], read: fn(String) -> bool| {
        words.iter().all(|word| read((*word).to_owned()))
    };
    let words = |model: &str, field: &str| {
        let model = inventory::models().iter().find(|row| row.name == model).unwrap();
        &model.fields.iter().find(|row| row.name == field).unwrap().words
    };
    assert!(known(words("Channel", "state"), |w| !matches!(w.into(), ChannelState::Other(_))));
    assert!(known(words("Playback", "state"), |w| !matches!(w.into(), PlaybackState::Other(_))));
    assert!(known(words("LiveRecording", "state"), |w| {
        !matches!(w.into(), RecordingState::Other(_))
    }));
    assert!(known(words("Endpoint", "state"), |w| !matches!(w.into(), EndpointState::Other(_))));
    assert!(known(words("ContactInfo", "contact_status"), |w| {
        !matches!(w.into(), ContactStatus::Other(_))
    }));
    assert!(known(words("DeviceState", "state"), |w| {
        !matches!(w.into(), DeviceStateWord::Other(_))
    }));
}
