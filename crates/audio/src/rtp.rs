//! RTP packets (RFC 3550): a borrowed view of one, and the fixed header to write one.
//!
//! A view copies nothing and reads any bytes without a panic. A sender keeps a [`Template`] a
//! stream and changes a few of its bytes for each packet.

mod extension;
mod template;

pub use self::{
    extension::{Element, Elements, Extension},
    template::Template,
};
use thiserror::Error;

/// Bytes of the fixed header.
pub const HEADER_LEN: usize = 12;

/// Static payload type of G.711 mu-law at 8 kHz (RFC 3551 section 6).
pub const PCMU: u8 = 0;

/// Static payload type of G.711 A-law at 8 kHz (RFC 3551 section 6).
pub const PCMA: u8 = 8;

/// Static payload type of comfort noise: the level of what the sender hears while it says nothing
/// (RFC 3389 section 4).
pub const COMFORT_NOISE: u8 = 13;

/// Payload type of telephone events on the legs that Patchcord opens; Asterisk uses the same
/// (RFC 4733; the number is dynamic by the standard and fixed by custom).
pub const TELEPHONE_EVENT: u8 = 101;

/// Why a datagram is not an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RtpError {
    /// The datagram ends before the part that its header announces.
    #[error("RTP packet of {len} bytes ends inside its {part}")]
    Truncated {
        /// The part that is cut short.
        part: Part,
        /// Bytes in the datagram.
        len: usize,
    },
    /// Not RTP version 2.
    #[error("RTP version {0}, expected 2")]
    Version(u8),
    /// The padding length is 0 or more than what follows the header.
    #[error("RTP padding of {padding} bytes in {room} bytes of payload")]
    Padding {
        /// The padding that the last byte announces.
        padding: u8,
        /// Bytes after the header.
        room: usize,
    },
}

/// A part of an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The fixed 12 bytes.
    Header,
    /// The contributing sources.
    Csrc,
    /// The header extension.
    Extension,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Part::Header => "header",
            Part::Csrc => "CSRC list",
            Part::Extension => "header extension",
        })
    }
}

/// An RTP packet, seen in the datagram that carried it (RFC 3550 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// For speech: the first packet of a talk spurt.
    pub marker: bool,
    /// What the payload is, 0 to 127.
    pub payload_type: u8,
    /// Counts packets; wraps.
    pub sequence: u16,
    /// When the first payload sample was taken, in samples; wraps.
    pub timestamp: u32,
    /// Names the stream.
    pub ssrc: u32,
    /// The header extension.
    pub extension: Option<Extension<'a>>,
    /// The sound itself, without padding.
    pub payload: &'a [u8],
    csrc: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads `datagram` without copying it.
    ///
    /// # Errors
    /// [`RtpError`] when it is not one whole RTP version 2 packet.
    pub fn parse(datagram: &'a [u8]) -> Result<Packet<'a>, RtpError> {
        let cut = |part| RtpError::Truncated { part, len: datagram.len() };
        let (header, rest) = datagram.split_first_chunk::<HEADER_LEN>().ok_or(cut(Part::Header))?;
        let [flags, kind, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = *header;
        if flags >> 6 != 2 {
            return Err(RtpError::Version(flags >> 6));
        }
        let csrc_len = usize::from(flags & 0x0F) * 4;
        let (csrc, rest) = rest.split_at_checked(csrc_len).ok_or(cut(Part::Csrc))?;
        let (extension, rest) = if flags & EXTENSION == 0 {
            (None, rest)
        } else {
            let (extension, rest) = Extension::split(rest).ok_or(cut(Part::Extension))?;
            (Some(extension), rest)
        };
        let payload = if flags & PADDING == 0 { rest } else { strip_padding(rest)? };
        Ok(Packet {
            marker: kind & MARKER != 0,
            payload_type: kind & !MARKER,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([r0, r1, r2, r3]),
            extension,
            payload,
            csrc,
        })
    }

    /// The contributing sources that a mixer names, at most 15.
    pub fn csrc(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        self.csrc
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes(word.try_into().expect("chunks of four bytes")))
    }
}

/// The fixed header of a packet to send: no padding, extension or contributing sources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Header {
    /// The first packet of a talk spurt.
    pub marker: bool,
    /// What the payload is; the upper bit is ignored.
    pub payload_type: u8,
    /// Counts packets; wraps.
    pub sequence: u16,
    /// When the first payload sample was taken, in samples; wraps.
    pub timestamp: u32,
    /// Names the stream.
    pub ssrc: u32,
}

impl Header {
    /// Writes the header in wire order.
    pub fn write(&self, to: &mut [u8; HEADER_LEN]) {
        to[0] = 2 << 6;
        to[1] = (self.payload_type & !MARKER) | if self.marker { MARKER } else { 0 };
        to[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        to[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        to[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
    }
}

/// Bits of the first byte.
const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;
/// The bit of the second byte that is not payload type.
const MARKER: u8 = 0x80;

/// The last byte counts the padding, itself included.
fn strip_padding(bytes: &[u8]) -> Result<&[u8], RtpError> {
    let padding = bytes.last().copied().unwrap_or(0);
    match bytes.len().checked_sub(usize::from(padding)) {
        Some(end) if padding > 0 => Ok(&bytes[..end]),
        _ => Err(RtpError::Padding { padding, room: bytes.len() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: Header = Header {
        marker: true,
        payload_type: 101,
        sequence: 0xABCD,
        timestamp: 0x0123_4567,
        ssrc: 0x89AB_CDEF,
    };

    fn datagram(flags: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = [0; HEADER_LEN];
        HEADER.write(&mut bytes);
        bytes[0] |= flags;
        [&bytes, rest].concat()
    }

    #[test]
    fn the_header_is_in_network_order() {
        assert_eq!(
            datagram(0, &[]),
            [0x80, 0xE5, 0xAB, 0xCD, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF]
        );
    }

    #[test]
    fn every_part_is_found() {
        let mut rest = vec![0, 0, 0, 1, 0, 0, 0, 2]; // two contributing sources
        rest.extend([0xBE, 0xDE, 0, 1, 9, 8, 7, 6]); // one word of extension
        rest.extend([5, 6, 7, 0, 0, 3]); // three bytes of payload, three of padding
        let bytes = datagram(PADDING | EXTENSION | 2, &rest);
        let packet = Packet::parse(&bytes).unwrap();
        assert!(packet.marker);
        assert_eq!((packet.payload_type, packet.sequence), (101, 0xABCD));
        assert_eq!((packet.timestamp, packet.ssrc), (0x0123_4567, 0x89AB_CDEF));
        assert_eq!(packet.csrc().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(packet.extension, Some(Extension { profile: 0xBEDE, data: &[9, 8, 7, 6] }));
        assert_eq!(packet.payload, [5, 6, 7]);
    }

    #[test]
    fn an_empty_payload_is_a_packet() {
        assert_eq!(Packet::parse(&datagram(0, &[])).unwrap().payload, []);
        assert_eq!(Packet::parse(&datagram(PADDING, &[0, 0, 0, 4])).unwrap().payload, []);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |flags, rest: &[u8]| Packet::parse(&datagram(flags, rest)).unwrap_err();
        let cut = |part, len| RtpError::Truncated { part, len };
        assert_eq!(Packet::parse(&[0x80; 11]), Err(cut(Part::Header, 11)));
        assert_eq!(Packet::parse(&[0x40; 12]), Err(RtpError::Version(1)));
        assert_eq!(error(2, &[0; 7]), cut(Part::Csrc, 19));
        assert_eq!(error(EXTENSION, &[0; 3]), cut(Part::Extension, 15));
        assert_eq!(error(EXTENSION, &[0, 0, 0, 1, 0, 0, 0]), cut(Part::Extension, 19));
        assert_eq!(error(PADDING, &[]), RtpError::Padding { padding: 0, room: 0 });
        assert_eq!(error(PADDING, &[1, 0]), RtpError::Padding { padding: 0, room: 2 });
        assert_eq!(error(PADDING, &[1, 3]), RtpError::Padding { padding: 3, room: 2 });
        let text = cut(Part::Csrc, 19).to_string();
        assert_eq!(text, "RTP packet of 19 bytes ends inside its CSRC list");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_packet_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            as_version_2 in any::<bool>(),
        ) {
            let mut bytes = bytes;
            if let (true, Some(first)) = (as_version_2, bytes.first_mut()) {
                *first = (*first & 0x3F) | 0x80;
            }
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert_eq!(packet.csrc().count(), usize::from(bytes[0] & 0x0F));
                prop_assert!(packet.payload.len() + HEADER_LEN <= bytes.len());
            }
        }

        #[test]
        fn what_is_written_is_read(
            marker in any::<bool>(), payload_type in 0u8..128, sequence in any::<u16>(),
            timestamp in any::<u32>(), ssrc in any::<u32>(),
            payload in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let header = Header { marker, payload_type, sequence, timestamp, ssrc };
            let mut bytes = vec![0; HEADER_LEN];
            header.write(bytes.first_chunk_mut().unwrap());
            bytes.extend(&payload);
            let read = Packet::parse(&bytes).unwrap();
            prop_assert_eq!((read.marker, read.payload_type), (marker, payload_type));
            prop_assert_eq!((read.sequence, read.timestamp, read.ssrc), (sequence, timestamp, ssrc));
            prop_assert_eq!(read.payload, &payload[..]);
        }
    }
}
