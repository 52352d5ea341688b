//! What holds for every datagram that may come to an RTP port.

use std::time::Duration;

use audio::jitter::JitterBuffer;
use audio::rtp::{HEADER_LEN, Packet, RtpError};
use audio::telephone_event::Digits;

/// Reads it as a packet, finds it consistent, and lets it pass all that packets pass.
pub(crate) fn judge(datagram: &[u8]) -> Result<Packet<'_>, RtpError> {
    let packet =
        Packet::parse(datagram).inspect_err(|error| assert!(!error.to_string().is_empty()))?;
    let csrc = 4 * packet.csrc().len();
    let extension = packet.extension.map_or(0, |extension| {
        let elements: usize = extension.elements().map(|element| element.data.len() + 1).sum();
        assert!(elements <= extension.data.len());
        4 + extension.data.len()
    });
    assert!(HEADER_LEN + csrc + extension + packet.payload.len() <= datagram.len());
    let mut buffer = JitterBuffer::new();
    for arrival in [Duration::ZERO, Duration::from_millis(20)] {
        buffer.push(arrival, &packet);
        let mut next = 0;
        while let Some(frame) = buffer.pop(arrival) {
            assert_eq!(frame.position, next);
            next += frame.samples.len() as u64;
        }
        assert_eq!(buffer.deadline(), None, "nothing is missing");
    }
    let mut digits = Digits::default();
    digits.push(&packet);
    assert_eq!(digits.push(&packet), None, "the same report is no second digit");
    Ok(packet)
}
