//! The committed fuzz corpora, replayed: whatever stands there is read without a panic, and judged as its name says.

use std::path::Path;
use std::time::Duration;

use audio::jitter::JitterBuffer;
use audio::rtp::Packet;

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
        let arrival = Duration::from_millis(20 * index as u64);
        let packet = Packet::parse(datagram);
        if name.starts_with("valid-") || name.starts_with("event-") {
            assert!(packet.is_ok(), "{name}: {packet:?}");
        }
        if name.starts_with("broken-") {
            assert!(packet.is_err(), "{name}");
        }
        if let Ok(packet) = packet {
            for buffer in [&mut shared, &mut JitterBuffer::new()] {
                buffer.push(arrival, &packet);
                while buffer.pop(arrival).is_some() {}
            }
        }
    }
}

#[test]
fn events_of_asterisk_are_read_whatever_they_are() {
    let mut known = 0;
    for (name, json) in corpus("ari_event") {
        let event = ari::Event::parse(&String::from_utf8_lossy(&json));
        known += usize::from(!matches!(
            event,
            ari::Event::Unknown { .. } | ari::Event::Malformed { .. }
        ));
        assert!(
            !event.kind().is_empty() || matches!(event, ari::Event::Malformed { .. }),
            "{name}"
        );
    }
    assert!(known > 20, "{known}");
}
