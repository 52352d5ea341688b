//! What any server may say to any of the engines.

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::Message;

use super::event_stream;
use super::link::Event;
use super::realtime::RealtimeOptions;
use super::socket::Protocol;
use super::vosk::VoskOptions;
use super::{Azure, Deepgram, Ids, Phrases, Realtime, Vosk, aws};

/// Lets a protocol hear half a second, finish, and read messages. Whatever they are, words lie within the turn, in order within
/// themselves.
fn endure(mut protocol: impl Protocol, messages: &[Message]) {
    let (mut out, mut told) = (Vec::new(), Vec::new());
    protocol.open(&mut out);
    protocol.begin(5_000, &mut out);
    protocol.audio(&[0; 4_000], &mut out);
    protocol.finish(&mut out);
    for message in messages {
        if protocol.message(message.clone(), &mut told).is_err() {
            break;
        }
    }
    for event in told {
        let (Event::Interim(words) | Event::Settled { words, .. }) = event else { continue };
        for word in words {
            assert!(
                5_000 <= word.at.start && word.at.start <= word.at.end && word.at.end <= 9_000,
                "{word:?}"
            );
            assert!((0.0..=1.0).contains(&word.confidence), "{word:?}");
        }
    }
}

fn endure_all(messages: &[Message]) {
    let phrases = Phrases::default();
    endure(Deepgram::default(), messages);
    endure(Vosk::new(&VoskOptions::default(), &phrases), messages);
    endure(Realtime::new(&RealtimeOptions::default(), &phrases), messages);
    let options = toml::from_str("region = \"r\"").unwrap();
    endure(Azure::new(&options, &phrases, Ids::new(7)), messages);
    endure(aws::Transcribe::default(), messages);
}

/// Numbers that JSON can carry and no clock shows.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("-1".to_owned()),
        Just("1e308".to_owned()),
        Just("-1e308".to_owned()),
        Just("18446744073709551615".to_owned()),
        (0.0..2.0).prop_map(|number: f64| number.to_string()),
    ]
}

/// Messages that are nearly right.
fn nearly() -> impl Strategy<Value = Message> {
    (number(), number(), any::<bool>(), 0..6).prop_map(|(start, end, last, vendor)| {
        let word = format!(r#"{{"word":"x","start":{start},"end":{end},"confidence":{end},"conf":{start}}}"#);
        let ticks = format!(r#"{{"Word":"x","Offset":{start},"Duration":{end}}}"#);
        // The first request of a stream whose ids begin at 7.
        let request = "00000000000000070000000000000002";
        match vendor {
            0 => Message::text(format!(
                r#"{{"type":"Results","start":{start},"duration":{end},"is_final":{last},"channel":{{"alternatives":[{{"words":[{word}]}}]}}}}"#
            )),
            1 => Message::text(format!(r#"{{"result":[{word},{word}],"text":"x x"}}"#)),
            2 => Message::text(r#"{"type":"conversation.item.input_audio_transcription.delta","delta":"x y"}"#),
            3 => Message::text(format!(
                "Path:speech.phrase\r\nX-RequestId:{request}\r\n\r\n{{\"RecognitionStatus\":\"Success\",\"Offset\":{start},\"Duration\":{end},\
                 \"NBest\":[{{\"Confidence\":{end},\"Lexical\":\"x\",\"Words\":[{ticks}]}}]}}"
            )),
            4 => Message::text(format!(
                "Path:speech.hypothesis\r\nX-RequestId:{request}\r\n\r\n{{\"Text\":\"x y\",\"Offset\":{start},\"Duration\":{end}}}"
            )),
            _ => {
                let item = format!(
                    r#"{{"Content":"x","StartTime":{start},"EndTime":{end},"Type":"pronunciation","Confidence":{end}}}"#
                );
                let body = format!(
                    r#"{{"Transcript":{{"Results":[{{"EndTime":{end},"IsPartial":{last},"Alternatives":[{{"Items":[{item}]}}]}}]}}}}"#
                );
                let headers = [(":message-type", "event"), (":event-type", "TranscriptEvent")];
                Message::binary(event_stream::frame(&headers, body.as_bytes()))
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_an_engine_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
        endure_all(&[Message::text(text)]);
        endure_all(&[Message::binary(bytes)]);
    }

    #[test]
    fn words_never_lie_outside_their_turn(messages in proptest::collection::vec(nearly(), 1..6)) {
        for message in &messages {
            endure_all(std::slice::from_ref(message));
        }
        endure_all(&messages);
    }
}
