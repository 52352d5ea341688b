//! Decides which packets of a peer are the caller's voice.
//!
//! Comfort noise (RFC 3389) is let through because it has a place in the stream: to the jitter buffer it is a packet
//! without sound, so the time until the next one is silence and nothing is missing.

use audio::rtp::{self, Packet};

/// Why a datagram of the peer is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is not RTP.
    Malformed,
    /// It is neither mu-law nor comfort noise nor telephone events.
    PayloadType,
    /// It is of another stream than the one that is heard.
    Ssrc,
}

/// Pins a leg to one stream of its peer.
///
/// That a datagram comes from the peer is known before it gets here: its address leads to the leg.
/// The SSRC is that of the first packet. Asterisk may begin a new stream on the same port (another
/// channel on the bridge, a restart of its RTP engine), so a new SSRC must be possible. But it is
/// accepted only after three packets of it in sequence, with none of the old stream between (as
/// RFC 3550 appendix A.1 does with a new source): then a stray packet, or one that someone forged
/// with the right address, does not cut the caller off, and two streams at once are not mixed up.
#[derive(Debug, Default)]
pub struct Gate {
    pinned: Option<u32>,
    candidate: Option<Candidate>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    ssrc: u32,
    next: u16,
    seen: u32,
}

/// Packets of a new stream in sequence before it is accepted; the last of them is the first one
/// heard.
const PROBATION: u32 = 3;

impl Gate {
    /// The packet in `datagram`, if it is to be heard.
    ///
    /// # Errors
    /// [`Refusal`] says why it is not.
    pub fn admit<'a>(&mut self, datagram: &'a [u8]) -> Result<Packet<'a>, Refusal> {
        let packet = Packet::parse(datagram).map_err(|_| Refusal::Malformed)?;
        if !matches!(packet.payload_type, rtp::PCMU | rtp::COMFORT_NOISE | rtp::TELEPHONE_EVENT) {
            return Err(Refusal::PayloadType);
        }
        match self.pinned {
            Some(pinned) if pinned != packet.ssrc => self.probe(&packet)?,
            _ => {
                self.pinned = Some(packet.ssrc);
                self.candidate = None;
            }
        }
        Ok(packet)
    }

    fn probe(&mut self, packet: &Packet<'_>) -> Result<(), Refusal> {
        let seen = match self.candidate {
            Some(c) if c.ssrc == packet.ssrc && c.next == packet.sequence => c.seen + 1,
            _ => 1,
        };
        if seen < PROBATION {
            let next = packet.sequence.wrapping_add(1);
            self.candidate = Some(Candidate { ssrc: packet.ssrc, next, seen });
            return Err(Refusal::Ssrc);
        }
        self.pinned = Some(packet.ssrc);
        self.candidate = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::rtp::Header;

    fn datagram(ssrc: u32, sequence: u16, payload_type: u8) -> Vec<u8> {
        let mut bytes = vec![0xFF; rtp::HEADER_LEN + 160];
        let header = Header { ssrc, sequence, payload_type, ..Header::default() };
        header.write(bytes.first_chunk_mut().unwrap());
        bytes
    }

    fn admit(gate: &mut Gate, ssrc: u32, sequence: u16) -> Result<(), Refusal> {
        let bytes = datagram(ssrc, sequence, rtp::PCMU);
        gate.admit(&bytes).map(|_| ())
    }

    #[test]
    fn only_mu_law_comfort_noise_and_telephone_events_are_heard() {
        let mut gate = Gate::default();
        for payload_type in 0..128 {
            let bytes = datagram(1, 1, payload_type);
            let expected = matches!(payload_type, 0 | 13 | 101);
            assert_eq!(gate.admit(&bytes).is_ok(), expected);
        }
    }

    #[test]
    fn what_is_no_packet_is_malformed_and_pins_nothing() {
        let mut gate = Gate::default();
        for bytes in [&[][..], &[0x80; 11], &[0; 172], &[0xFF; 172]] {
            assert_eq!(gate.admit(bytes), Err(Refusal::Malformed));
        }
        assert_eq!(admit(&mut gate, 5, 1), Ok(()));
    }

    #[test]
    fn a_new_stream_is_heard_from_its_third_packet_in_sequence() {
        let mut gate = Gate::default();
        assert_eq!(admit(&mut gate, 1, 1), Ok(()));
        assert_eq!(admit(&mut gate, 2, u16::MAX), Err(Refusal::Ssrc));
        assert_eq!(admit(&mut gate, 2, 0), Err(Refusal::Ssrc));
        assert_eq!(admit(&mut gate, 2, 1), Ok(()));
        assert_eq!(admit(&mut gate, 2, 9), Ok(()));
        assert_eq!(admit(&mut gate, 1, 2), Err(Refusal::Ssrc), "the old one is the stranger now");
    }

    #[test]
    fn a_stream_beside_a_living_one_is_not_heard() {
        let mut gate = Gate::default();
        for n in 0..50 {
            assert_eq!(admit(&mut gate, 1, n), Ok(()));
            assert_eq!(admit(&mut gate, 2, n), Err(Refusal::Ssrc));
        }
    }

    #[test]
    fn packets_out_of_sequence_do_not_make_a_stream() {
        let mut gate = Gate::default();
        assert_eq!(admit(&mut gate, 1, 1), Ok(()));
        for (ssrc, sequence) in [(2, 1), (2, 2), (2, 4), (2, 5), (3, 6), (2, 6), (2, 6)] {
            assert_eq!(admit(&mut gate, ssrc, sequence), Err(Refusal::Ssrc));
        }
    }
}
