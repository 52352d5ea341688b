//! What holds for every stream of telephone events. A stream is written as nine bytes a packet: the lowest of its SSRC,
//! its timestamp, and its payload.

use std::time::Duration;

use audio::rtp::{HEADER_LEN, Header, Packet};
use audio::telephone_event::{Deduplicator, Digits, Event, Witness};

/// The digits that a stream dials.
pub(crate) fn judge(stream: &[u8]) -> String {
    let (mut digits, mut presses, mut dialled) =
        (Digits::default(), Deduplicator::default(), String::new());
    for packet in stream.chunks(9) {
        let [ssrc, t0, t1, t2, t3, payload @ ..] = packet else { break };
        let mut datagram = [0; HEADER_LEN];
        let timestamp = u32::from_be_bytes([*t0, *t1, *t2, *t3]);
        Header { ssrc: (*ssrc).into(), timestamp, ..Header::default() }.write(&mut datagram);
        let datagram = [&datagram, payload].concat();
        let packet = Packet::parse(&datagram).expect("we wrote it");
        if let Some(event) = Event::parse(payload) {
            assert_eq!(Event::parse(&event.to_bytes()), Some(event));
        }
        if let Some(digit) = digits.push(&packet) {
            assert_eq!(Event::parse(payload).and_then(|event| event.digit()), Some(digit));
            dialled.push(digit);
            let at = Duration::from_millis((timestamp / 8).into());
            // Another of the same digit may have been told by the one and awaits the other.
            if presses.is_new(Witness::Media, digit, at) {
                assert!(!presses.is_new(Witness::Ari, digit, at));
            }
        }
        assert_eq!(digits.push(&packet), None, "the same report is no second digit");
    }
    dialled
}
