//! The committed fuzz corpora, replayed: whatever stands there is read without a panic, and judged as its name says.

#[path = "../fuzz/ari_event.rs"]
mod ari_event;
#[path = "../fuzz/audiosocket.rs"]
mod audiosocket;
#[path = "../fuzz/media_control.rs"]
mod media_control;
#[path = "../fuzz/rtcp.rs"]
mod rtcp;
#[path = "../fuzz/rtp.rs"]
mod rtp;
#[path = "../fuzz/telephone_event.rs"]
mod telephone_event;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use ari::Event;
use audio::jitter::JitterBuffer;

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is committed")
        .map(|entry| {
            let entry = entry.expect("readable");
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).expect("readable"))
        })
        .collect();
    files.sort();
    assert!(files.len() > 20, "{name}: {} files", files.len());
    files
}

#[test]
fn rtp_packets_are_judged_as_they_are_named() {
    let mut shared = JitterBuffer::new();
    for (index, (name, datagram)) in corpus("rtp").iter().enumerate() {
        let packet = rtp::judge(datagram);
        if name.starts_with("valid-") || name.starts_with("event-") {
            assert!(packet.is_ok(), "{name}: {packet:?}");
        }
        if name.starts_with("broken-") {
            assert!(packet.is_err(), "{name}");
        }
        if let Ok(packet) = packet {
            let arrival = Duration::from_millis(20 * index as u64);
            shared.push(arrival, &packet);
            while shared.pop(arrival).is_some() {}
        }
    }
}

#[test]
fn rtcp_compounds_are_judged_as_they_are_named() {
    for (name, datagram) in corpus("rtcp") {
        let packets = rtcp::judge(&datagram);
        assert!(!name.starts_with("valid-") || packets.is_ok(), "{name}: {packets:?}");
        assert!(!name.starts_with("broken-") || packets.is_err(), "{name}: {packets:?}");
    }
}

#[test]
fn telephone_events_dial_what_they_are_named() {
    for (name, stream) in corpus("telephone_event") {
        let dialled = telephone_event::judge(&stream);
        if let Some(named) = name.strip_prefix("dialled-") {
            let digits = named.split(['-', '.']).next().unwrap_or_default();
            assert_eq!(dialled, digits, "{name}");
        }
    }
}

#[test]
fn events_of_asterisk_are_read_whatever_they_are() {
    let mut kinds = BTreeSet::new();
    for (name, bytes) in corpus("ari_event") {
        let event = ari_event::judge(&bytes);
        let malformed = matches!(event, Event::Malformed { .. });
        assert!(!name.starts_with("malformed_") || malformed, "{name}: {event:?}");
        if !malformed {
            kinds.insert(event.kind().to_owned());
        }
    }
    for kind in Event::KINDS {
        assert!(kinds.contains(*kind), "the corpus has no {kind}");
    }
}

#[test]
fn control_text_of_media_websockets_is_read_whatever_it_is() {
    for (name, bytes) in corpus("media_control") {
        let event = media_control::judge(&bytes);
        assert_eq!(event.is_err(), name.starts_with("malformed_"), "{name}: {event:?}");
    }
}

#[test]
fn audiosocket_messages_are_judged_as_they_are_named() {
    for (name, bytes) in corpus("audiosocket") {
        let messages = audiosocket::judge(&bytes);
        let broken = messages.iter().any(Result::is_err);
        assert_eq!(broken, name.starts_with("broken_"), "{name}: {messages:?}");
        assert_eq!(messages.is_empty(), name.starts_with("cut_"), "{name}: {messages:?}");
    }
}
