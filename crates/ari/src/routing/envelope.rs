//! The little of an event that decides who gets it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The kind of an event and the ids that it names. Knows where ids stand in every event of 22.10, typed here or
/// not, and passes over whatever has an unexpected shape.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) kind: Cow<'a, str>,
    /// Id of the object under `channel`, which is whom a StasisStart is about.
    pub(super) channel: Option<Cow<'a, str>>,
    /// Id of the channel whose place `channel` takes.
    pub(super) replaced: Option<Cow<'a, str>>,
    /// Every id that is named, in the order of the text, the above included.
    pub(super) ids: Vec<(Family, Cow<'a, str>)>,
}

/// What an id is an id of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Channel,
    Bridge,
    Playback,
    Recording,
}

impl Family {
    /// What stands under a field of an event.
    fn under(field: &str) -> Option<Self> {
        Some(match field {
            "channel"
            | "peer"
            | "caller"
            | "forwarded"
            | "replace_channel"
            | "transferee"
            | "transfer_target"
            | "transferer_first_leg"
            | "transferer_second_leg"
            | "destination_link_first_leg"
            | "destination_link_second_leg"
            | "destination_threeway_channel"
            | "source_channel"
            | "destination_channel"
            | "connected_channel" => Self::Channel,
            "bridge"
            | "bridge_from"
            | "transferer_first_leg_bridge"
            | "transferer_second_leg_bridge"
            | "destination_bridge"
            | "destination_threeway_bridge" => Self::Bridge,
            "playback" => Self::Playback,
            "recording" => Self::Recording,
            _ => return None,
        })
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = Envelope::default();
                while let Some(Text(field)) = map.next_key()? {
                    if field == "type" {
                        Text(envelope.kind) = map.next_value()?;
                    } else if let Some(family) = Family::under(&field) {
                        envelope.note(&field, family, map.next_value()?);
                    } else if PARTIES.contains(&&*field) {
                        envelope.note_party(&map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(envelope)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

impl<'a> Envelope<'a> {
    fn note_party(&mut self, party: &Value) {
        for (field, object) in party.as_object().into_iter().flatten() {
            if let (Some(family), Some(id)) = (Family::under(field), object["id"].as_str()) {
                self.ids.push((family, Cow::Owned(id.to_owned())));
            }
        }
    }

    fn note(&mut self, field: &str, family: Family, object: Object<'a>) {
        let id = if family == Family::Recording { object.name } else { object.id };
        if let Some(id) = id {
            match field {
                "channel" => self.channel = Some(id.clone()),
                "replace_channel" => self.replaced = Some(id.clone()),
                _ => {}
            }
            self.ids.push((family, id));
        }
        if let Some(target) = object.target_uri.as_deref().and_then(target) {
            self.ids.push(target);
        }
    }
}

/// Fields of a transfer under which objects stand that an event has at its top elsewhere.
const PARTIES: [&str; 2] = ["refer_to", "referred_by"];

/// What a playback or recording is of.
fn target<'a>(uri: &str) -> Option<(Family, Cow<'a, str>)> {
    let (scheme, id) = uri.split_once(':')?;
    let family = match scheme {
        "channel" => Family::Channel,
        "bridge" => Family::Bridge,
        _ => return None,
    };
    Some((family, Cow::Owned(id.to_owned())))
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The fields of an object that can name it. A bare string is taken as an id, anything else as no object.
#[derive(Default)]
struct Object<'a> {
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    target_uri: Option<Cow<'a, str>>,
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::default();
        while let Some(Text(field)) = map.next_key()? {
            let slot = match &*field {
                "id" => &mut object.id,
                "name" => &mut object.name,
                "target_uri" => &mut object.target_uri,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            // A string reads as an object with that id, and anything else as one without.
            *slot = map.next_value::<Self::Value>()?.id;
        }
        Ok(object)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Object { id: Some(Cow::Borrowed(text)), ..Object::default() })
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Object { id: Some(Cow::Owned(text.to_owned())), ..Object::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Object::default())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Object::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Object::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Object::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Object::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Object::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(json: &str) -> Vec<(Family, String)> {
        let envelope: Envelope<'_> = serde_json::from_str(json).unwrap();
        envelope.ids.into_iter().map(|(family, id)| (family, id.into_owned())).collect()
    }

    #[test]
    fn ids_are_found_wherever_they_stand() {
        use Family::{Bridge, Channel, Playback, Recording};
        for (json, expected) in [
            (
                r#"{"type":"Dial","peer":{"id":"p"},"caller":{"id":"c"}}"#,
                vec![(Channel, "p"), (Channel, "c")],
            ),
            (
                r#"{"type":"ChannelEnteredBridge","bridge":{"id":"b","name":"n"},"channel":{"id":"c\u0041"}}"#,
                vec![(Bridge, "b"), (Channel, "cA")],
            ),
            (
                r#"{"type":"PlaybackStarted","playback":{"target_uri":"channel:c:1","id":"p"}}"#,
                vec![(Playback, "p"), (Channel, "c:1")],
            ),
            (
                r#"{"type":"RecordingFailed","recording":{"name":"r","target_uri":"bridge:b"}}"#,
                vec![(Recording, "r"), (Bridge, "b")],
            ),
            (r#"{"type":"BridgeAttendedTransfer","destination_bridge":"b"}"#, vec![(Bridge, "b")]),
            (
                r#"{"type":"ChannelTransfer","refer_to":{"bridge":{"id":"b"},"connected_channel":{"id":"c"}},
                    "referred_by":{"source_channel":{"id":"s"},"bridge":7}}"#,
                vec![(Bridge, "b"), (Channel, "c"), (Channel, "s")],
            ),
            (r#"{"type":"ChannelTransfer","refer_to":[],"referred_by":null}"#, vec![]),
            (
                r#"{"type":"Odd","channel":null,"peer":[1,{"id":"x"}],"caller":{"id":{}},"bridge":1.5}"#,
                vec![],
            ),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(f, id)| (f, id.to_owned())).collect();
            assert_eq!(ids(json), expected, "{json}");
        }
    }

    #[test]
    fn a_replacement_is_told_from_the_replaced() {
        let json =
            r#"{"replace_channel":{"id":"old"},"channel":{"id":"new"},"type":"StasisStart"}"#;
        let envelope: Envelope<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(envelope.channel.as_deref(), Some("new"));
        assert_eq!(envelope.replaced.as_deref(), Some("old"));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for json in ["", "[]", "null", r#"{"type":null}"#, r#"{"type":"X""#] {
            assert!(serde_json::from_str::<Envelope<'_>>(json).is_err(), "{json}");
        }
    }
}
