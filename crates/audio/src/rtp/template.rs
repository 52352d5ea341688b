//! The header of a stream's packets, kept as it goes over the wire.

use super::{HEADER_LEN, Header, MARKER};

/// The 12 bytes before each payload of one stream: sending a packet changes the few of them that
/// differ from the packet before, in place.
///
/// ```
/// use audio::rtp::{Header, Template};
///
/// let mut template = Template::new(&Header { sequence: u16::MAX, ..Header::default() });
/// template.set_marker(true);
/// let first = *template.bytes();
/// template.advance(160);
/// assert_eq!((template.sequence(), template.timestamp()), (0, 160));
/// assert_eq!((first[1], template.bytes()[1]), (0x80, 0), "only the first is marked");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    bytes: [u8; HEADER_LEN],
}

impl Template {
    /// A template that begins with the packet `first`.
    pub fn new(first: &Header) -> Template {
        let mut bytes = [0; HEADER_LEN];
        first.write(&mut bytes);
        Template { bytes }
    }

    /// The header of the packet to send now.
    pub fn bytes(&self) -> &[u8; HEADER_LEN] {
        &self.bytes
    }

    /// Says whether the packet to send now is the first of a talk spurt.
    pub fn set_marker(&mut self, marker: bool) {
        self.bytes[1] = (self.bytes[1] & !MARKER) | if marker { MARKER } else { 0 };
    }

    /// Says what the payload of the packet to send now is; the upper bit is ignored.
    pub fn set_payload_type(&mut self, payload_type: u8) {
        self.bytes[1] = (self.bytes[1] & MARKER) | (payload_type & !MARKER);
    }

    /// Goes on to the packet that begins `samples` later; it is not marked.
    pub fn advance(&mut self, samples: u32) {
        let sequence = self.sequence().wrapping_add(1).to_be_bytes();
        self.bytes[2..4].copy_from_slice(&sequence);
        self.skip(samples);
        self.set_marker(false);
    }

    /// Moves the timestamp alone: nothing was sent for `samples`.
    pub fn skip(&mut self, samples: u32) {
        let timestamp = self.timestamp().wrapping_add(samples).to_be_bytes();
        self.bytes[4..8].copy_from_slice(&timestamp);
    }

    /// The sequence number of the packet to send now.
    pub fn sequence(&self) -> u16 {
        u16::from_be_bytes([self.bytes[2], self.bytes[3]])
    }

    /// The timestamp of the packet to send now.
    pub fn timestamp(&self) -> u32 {
        let [_, _, _, _, t0, t1, t2, t3, ..] = self.bytes;
        u32::from_be_bytes([t0, t1, t2, t3])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_template_writes_what_a_header_writes(
            start in any::<(bool, u8, u16, u32, u32)>(),
            steps in prop::collection::vec(any::<(u32, u32, bool, u8)>(), 0..10),
        ) {
            let (marker, payload_type, sequence, timestamp, ssrc) = start;
            let mut header = Header { marker, payload_type, sequence, timestamp, ssrc };
            let mut template = Template::new(&header);
            for (samples, silent, marker, payload_type) in steps {
                template.advance(samples);
                template.skip(silent);
                template.set_payload_type(payload_type);
                template.set_marker(marker);
                header.sequence = header.sequence.wrapping_add(1);
                header.timestamp = header.timestamp.wrapping_add(samples).wrapping_add(silent);
                (header.marker, header.payload_type) = (marker, payload_type);
            }
            let mut written = [0; HEADER_LEN];
            header.write(&mut written);
            prop_assert_eq!(template.bytes(), &written);
            prop_assert_eq!(template.sequence(), header.sequence);
            prop_assert_eq!(template.timestamp(), header.timestamp);
        }
    }
}
