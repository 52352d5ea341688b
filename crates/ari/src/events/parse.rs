//! From text to [`Event`].

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};

use super::Event;

impl Event {
    /// Reads one event. Never fails: what cannot be read comes back as [`Event::Malformed`], and a kind without
    /// a type as [`Event::Unknown`], each with the whole text.
    ///
    /// ```
    /// let event = ari::Event::parse(r#"{"type":"StasisEnd","channel":{"id":"c1"}}"#);
    /// assert!(matches!(event, ari::Event::StasisEnd(end) if end.channel.id == "c1"));
    /// ```
    pub fn parse(json: &str) -> Self {
        match serde_json::from_str::<Kind<'_>>(json) {
            Ok(Kind { kind }) => Self::parse_as(&kind, json),
            Err(error) => Self::malformed("", json, error),
        }
    }

    /// Reads one event of which it is known what it says it is.
    pub(crate) fn parse_as(kind: &str, json: &str) -> Self {
        match Self::typed(kind, json) {
            Some(Ok(event)) => event,
            Some(Err(error)) => Self::malformed(kind, json, error),
            None => Self::Unknown { kind: kind.to_owned(), json: json.to_owned() },
        }
    }

    fn malformed(kind: &str, json: &str, error: serde_json::Error) -> Self {
        let (kind, json) = (kind.to_owned(), json.to_owned());
        Self::Malformed { kind, json, error: error.to_string() }
    }
}

impl Serialize for Event {
    /// As Asterisk writes it. What could not be read is written as the value that its text is, or as that text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write(serializer)
    }
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::models::ChannelState;

    #[test]
    fn a_stasis_start_is_read_with_its_base_fields() {
        let json = r#"{"type":"StasisStart","application":"frontdesk","asterisk_id":"00:11:22:33:44:55",
            "timestamp":"2025-03-17T08:32:35.709-0600","args":["main"],"unheard_of":{"a":[1]},
            "channel":{"id":"1742221955.7","name":"PJSIP/alice-00000001","state":"Ring"}}"#;
        let Event::StasisStart(start) = Event::parse(json) else { panic!("not a StasisStart") };
        assert_eq!(
            (start.application.as_str(), start.args),
            ("frontdesk", vec!["main".to_owned()])
        );
        assert_eq!(start.channel.state, ChannelState::Ring);
        assert_eq!(start.timestamp.unwrap().unix_ms(), 1_742_221_955_709);
        assert!(start.replace_channel.is_none());
    }

    #[test]
    fn optional_fields_may_be_absent_or_null() {
        for json in [
            r#"{"type":"ChannelEnteredBridge","bridge":{"id":"b"}}"#,
            r#"{"type":"ChannelEnteredBridge","bridge":{"id":"b"},"channel":null,"timestamp":"soon"}"#,
            r#"{"type":"ChannelVarset","variable":"GLOBAL","value":"1"}"#,
            r#"{"type":"ApplicationReplaced"}"#,
        ] {
            let event = Event::parse(json);
            assert!(Event::KINDS.contains(&event.kind()), "{event:?}");
            assert!(!matches!(event, Event::Malformed { .. }), "{event:?}");
            assert!(event.timestamp().is_none());
        }
    }

    #[test]
    fn an_unknown_kind_is_kept_whole() {
        let json = r#"{"type":"ChannelLevitated","channel":{"id":"c"}}"#;
        let event = Event::parse(json);
        assert!(matches!(&event, Event::Unknown { kind, json: text }
            if kind == "ChannelLevitated" && text == json));
    }

    #[test]
    fn what_has_the_wrong_shape_says_why() {
        for (json, kind) in [
            (r#"{"type":"StasisStart","channel":{"name":"PJSIP/x"}}"#, "StasisStart"),
            (
                r#"{"type":"ChannelDtmfReceived","digit":5,"channel":{"id":"c"}}"#,
                "ChannelDtmfReceived",
            ),
            (r#"{"type":7}"#, ""),
            (r#"{"channel":{"id":"c"}}"#, ""),
            ("[]", ""),
            ("not json", ""),
        ] {
            match Event::parse(json) {
                Event::Malformed { kind: found, json: text, error } => {
                    assert_eq!((found.as_str(), text.as_str()), (kind, json));
                    assert!(!error.is_empty());
                }
                other => panic!("{json} was read as {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            Event::parse(&text);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            Event::parse(&String::from_utf8_lossy(&bytes));
        }

        /// Fields of every kind of event, filled with whatever JSON has.
        #[test]
        fn no_value_makes_it_panic(
            kind in proptest::sample::select(Event::KINDS),
            fields in proptest::collection::btree_map(
                proptest::sample::select(&["channel", "bridge", "playback", "args", "value", "cause"][..]),
                proptest::sample::select(&["null", "{}", "[]", "-1", "1e400", "\"x\"", "{\"id\":\"c\"}", "[{}]"][..]),
                0..5,
            ),
        ) {
            let fields: String = fields.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
            let json = format!("{{\"type\":\"{kind}\"{fields}}}");
            let unknown = matches!(Event::parse(&json), Event::Unknown { .. });
            prop_assert!(!unknown, "{json}");
            crate::routing::routing_keys(&json);
        }

        #[test]
        fn no_truncation_makes_it_panic(cut in 0usize..120) {
            let whole = r#"{"type":"StasisStart","args":[],"channel":{"id":"c","name":"PJSIP/alice","state":"Up"},"timestamp":"x"}"#;
            let event = Event::parse(&whole[..cut.min(whole.len())]);
            prop_assert_eq!(matches!(event, Event::StasisStart(_)), cut >= whole.len());
        }
    }
}
