//! The numbering of what a leg sends.

use audio::{
    FRAME,
    rtp::{HEADER_LEN, Header, PCMU, Template},
};
use std::hash::{BuildHasher, RandomState};

/// The headers of one outgoing stream. The RTP timestamp follows the clock, also over packets that
/// were left out.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Of the packet to come, but for its marker.
    header: Template,
    continuity: Continuity,
}

/// What the last packet was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Continuity {
    /// The next packet does not continue it, or there was none.
    Broken,
    Silence,
    Sound,
}

impl Stream {
    pub(crate) fn new() -> Stream {
        // RFC 3550 section 5.1 asks for a random SSRC, sequence and timestamp. The standard
        // library's hasher has random keys.
        let random = |what: &str| RandomState::new().hash_one(what);
        let header = Header {
            marker: false,
            payload_type: PCMU,
            sequence: random("sequence") as u16,
            timestamp: random("timestamp") as u32,
            ssrc: random("ssrc") as u32,
        };
        Stream { header: Template::new(&header), continuity: Continuity::Broken }
    }

    /// The header of the next packet; `talking` says whether it has sound. The marker is set where
    /// sound begins after silence and where the stream does not continue.
    pub(crate) fn next(&mut self, talking: bool) -> [u8; HEADER_LEN] {
        let marker = match self.continuity {
            Continuity::Broken => true,
            Continuity::Silence => talking,
            Continuity::Sound => false,
        };
        self.header.set_marker(marker);
        self.continuity = if talking { Continuity::Sound } else { Continuity::Silence };
        let header = *self.header.bytes();
        self.header.advance(FRAME as u32);
        header
    }

    /// Leaves out the time of so many packets.
    pub(crate) fn skip(&mut self, packets: u32) {
        self.header.skip((FRAME as u32).wrapping_mul(packets));
        self.continuity = Continuity::Broken;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::rtp::Packet;

    fn next(stream: &mut Stream, talking: bool) -> Header {
        let bytes = stream.next(talking);
        let Packet { marker, payload_type, sequence, timestamp, ssrc, .. } =
            Packet::parse(&bytes).unwrap();
        Header { marker, payload_type, sequence, timestamp, ssrc }
    }

    #[test]
    fn packets_are_numbered_on_and_time_goes_on_without_them() {
        let mut stream = Stream::new();
        let first = next(&mut stream, false);
        assert!(first.marker, "a stream begins with a talk spurt");
        let second = next(&mut stream, false);
        assert_eq!(second.sequence, first.sequence.wrapping_add(1));
        assert_eq!(second.timestamp, first.timestamp.wrapping_add(160));
        stream.skip(3);
        let third = next(&mut stream, false);
        assert_eq!(third.sequence, first.sequence.wrapping_add(2));
        assert_eq!(third.timestamp, first.timestamp.wrapping_add(5 * 160));
        assert!(third.marker);
    }

    #[test]
    fn the_marker_shows_where_sound_begins() {
        let mut stream = Stream::new();
        let markers: Vec<bool> = [false, false, true, true, false, true]
            .into_iter()
            .map(|talking| next(&mut stream, talking).marker)
            .collect();
        assert_eq!(markers, [true, false, true, false, false, true]);
    }

    #[test]
    fn streams_begin_anywhere() {
        let ssrcs: std::collections::HashSet<u32> =
            (0..8).map(|_| next(&mut Stream::new(), false).ssrc).collect();
        assert!(ssrcs.len() > 1);
    }
}
