//! Opus (RFC 6716), mono, for legs that leave the local network.
//!
//! The codec itself is the crate `opus-rs`, a port of libopus in Rust: no C compiler, and a state
//! that a packet from the network cannot corrupt. It costs some twenty times what all else in a
//! G.711 call costs, so it is for where bandwidth is short, not for the leg to a local Asterisk.
//!
//! In RTP the clock counts 48,000 a second at every rate (RFC 7587, 4.1), and Asterisk offers
//! payload type 107.

use crate::resample::Sample as _;
use opus_rs::{Application, OpusDecoder, OpusEncoder};
use thiserror::Error;

/// The rates in Hz that Opus speaks.
pub const RATES: [u32; 5] = [8000, 12_000, 16_000, 24_000, 48_000];

/// The longest packet of one frame (RFC 6716, 3.4): room for this is always enough.
pub const MAX_PACKET: usize = 1275;

/// Why something could not be coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpusError {
    /// Opus has no such rate.
    #[error("Opus does not speak {0} Hz: its rates are {RATES:?} Hz; resample to one of them")]
    Rate(u32),
    /// The sound was not one frame long, or there was no room for its packet.
    #[error(
        "cannot encode {samples} samples into {room} bytes: {reason}; a frame is 2.5, 5, 10, 20, \
         40 or 60 ms, and {MAX_PACKET} bytes are room enough"
    )]
    Encode {
        /// Samples given.
        samples: usize,
        /// Bytes of room.
        room: usize,
        /// What the codec says.
        reason: &'static str,
    },
    /// The packet is no Opus, or longer than there is room for. The decoder can go on with the
    /// next, and should conceal this one.
    #[error("cannot decode a packet of {len} bytes: {reason}")]
    Decode {
        /// Bytes of the packet.
        len: usize,
        /// What the codec says.
        reason: &'static str,
    },
}

/// Encodes one direction of one call.
pub struct Encoder(OpusEncoder);

/// Decodes one direction of one call.
pub struct Decoder {
    codec: OpusDecoder,
    /// The codec speaks floats.
    decoded: Vec<f32>,
}

impl Encoder {
    /// An encoder of speech at `rate` Hz with about `bits` a second; 24,000 are good at 16 kHz.
    ///
    /// # Errors
    /// [`OpusError::Rate`] when `rate` is not one of [`RATES`].
    pub fn new(rate: u32, bits: u32) -> Result<Encoder, OpusError> {
        let mut codec = OpusEncoder::new(known(rate)?, 1, Application::Voip)
            .map_err(|_| OpusError::Rate(rate))?;
        codec.bitrate_bps = bits.try_into().unwrap_or(i32::MAX);
        // Halves the cost of the default for a difference that speech does not show.
        codec.complexity = 5;
        Ok(Encoder(codec))
    }

    /// Encodes one frame into `packet`; says how many bytes it takes.
    ///
    /// # Errors
    /// [`OpusError::Encode`] when `samples` are not one frame, or the packet has no room.
    pub fn encode(&mut self, samples: &[i16], packet: &mut [u8]) -> Result<usize, OpusError> {
        let room = packet.len();
        self.0.encode_i16(samples, samples.len(), packet).map_err(|reason| OpusError::Encode {
            samples: samples.len(),
            room,
            reason,
        })
    }
}

impl Decoder {
    /// A decoder to sound at `rate` Hz, whatever the sender's was.
    ///
    /// # Errors
    /// [`OpusError::Rate`] when `rate` is not one of [`RATES`].
    pub fn new(rate: u32) -> Result<Decoder, OpusError> {
        let codec = OpusDecoder::new(known(rate)?, 1).map_err(|_| OpusError::Rate(rate))?;
        Ok(Decoder { codec, decoded: Vec::new() })
    }

    /// Decodes a packet into `samples`; says how many there are. A packet holds up to 120 ms.
    ///
    /// # Errors
    /// [`OpusError::Decode`] when the packet is malformed, empty, or longer than `samples`.
    pub fn decode(&mut self, packet: &[u8], samples: &mut [i16]) -> Result<usize, OpusError> {
        if packet.is_empty() {
            return Err(OpusError::Decode { len: 0, reason: "a packet has at least one byte" });
        }
        self.run(packet, samples)
    }

    /// Fills `samples`, as long as the lost packet would have been, with what may have been in it.
    ///
    /// # Errors
    /// [`OpusError::Decode`] when `samples` are not a multiple of 2.5 ms.
    pub fn conceal(&mut self, samples: &mut [i16]) -> Result<(), OpusError> {
        self.run(&[], samples).map(drop)
    }

    fn run(&mut self, packet: &[u8], samples: &mut [i16]) -> Result<usize, OpusError> {
        self.decoded.resize(samples.len(), 0.0);
        let count = self
            .codec
            .decode(packet, samples.len(), &mut self.decoded)
            .map_err(|reason| OpusError::Decode { len: packet.len(), reason })?;
        for (to, sample) in samples.iter_mut().zip(&self.decoded[..count]) {
            *to = i16::from_f32(*sample);
        }
        Ok(count)
    }
}

fn known(rate: u32) -> Result<i32, OpusError> {
    RATES.contains(&rate).then_some(rate as i32).ok_or(OpusError::Rate(rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    fn voice(rate: u32) -> Vec<i16> {
        let wave = |n: u32, hz: f64| (TAU * hz * f64::from(n) / f64::from(rate)).sin();
        (0..rate)
            .map(|n| (4000.0 * (wave(n, 180.0) + wave(n, 540.0) + 0.5 * wave(n, 1260.0))) as i16)
            .collect()
    }

    fn packets(rate: u32) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(rate, 24_000).unwrap();
        let frames = voice(rate);
        let frames = frames.chunks(rate as usize / 50);
        frames
            .map(|frame| {
                let mut packet = vec![0; MAX_PACKET];
                let len = encoder.encode(frame, &mut packet).unwrap();
                packet.truncate(len);
                packet
            })
            .collect()
    }

    /// How far the second half of `heard` stands above its difference from `sent`, wherever the
    /// codec's delay has put it.
    fn snr(sent: &[i16], heard: &[i16], longest_delay: usize) -> f64 {
        let half = sent.len() / 2;
        let at = |delay: usize| {
            let (mut signal, mut noise) = (0.0, 0.0);
            for n in half..sent.len() - longest_delay {
                let (sent, heard) = (f64::from(sent[n]), f64::from(heard[n + delay]));
                signal += sent * sent;
                noise += (sent - heard).powi(2);
            }
            10.0 * (signal / noise).log10()
        };
        (0..longest_delay).map(at).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn speech_survives_at_every_rate() {
        for rate in [8000, 16_000, 48_000] {
            let frame = rate as usize / 50;
            let mut decoder = Decoder::new(rate).unwrap();
            let mut heard = vec![0; rate as usize];
            let mut bytes = 0;
            for (packet, heard) in packets(rate).iter().zip(heard.chunks_mut(frame)) {
                assert_eq!(decoder.decode(packet, heard), Ok(frame));
                bytes += packet.len();
            }
            let snr = snr(&voice(rate), &heard, frame);
            // A codec for the ear: 9 dB of the waveform are good, and what is broken has none.
            assert!(snr > 6.0, "{rate} Hz: {snr:.1} dB");
            assert!(bytes < 6000, "{rate} Hz: {} bits a second", 8 * bytes);
        }
    }

    #[test]
    fn a_lost_packet_is_concealed_and_the_next_goes_on() {
        let mut decoder = Decoder::new(16_000).unwrap();
        let mut frame = [0; 320];
        for (n, packet) in packets(16_000).iter().enumerate().take(20) {
            if n == 15 {
                decoder.conceal(&mut frame).unwrap();
            } else {
                assert_eq!(decoder.decode(packet, &mut frame), Ok(320));
            }
            let level = crate::tone::level_dbfs(&frame);
            assert!(n < 3 || (-25.0..-10.0).contains(&level), "frame {n} has {level:.1} dBFS");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(Encoder::new(11_025, 24_000).err(), Some(OpusError::Rate(11_025)));
        assert_eq!(Decoder::new(0).err(), Some(OpusError::Rate(0)));
        let mut encoder = Encoder::new(16_000, 24_000).unwrap();
        let error = encoder.encode(&[0; 321], &mut [0; MAX_PACKET]).unwrap_err();
        assert!(matches!(error, OpusError::Encode { samples: 321, room: MAX_PACKET, .. }));
        assert!(encoder.encode(&[0; 320], &mut []).is_err());
        let mut decoder = Decoder::new(16_000).unwrap();
        assert!(decoder.decode(&[], &mut [0; 320]).is_err());
        let twenty = &packets(16_000)[3];
        assert!(decoder.decode(twenty, &mut [0; 160]).is_err(), "no room");
        assert_eq!(decoder.decode(twenty, &mut [0; 960]), Ok(320), "room to spare");
    }

    proptest! {
        #[test]
        fn any_packet_is_sound_or_an_error(
            packet in prop::collection::vec(any::<u8>(), 0..300), room in 0_usize..2000,
        ) {
            let mut decoder = Decoder::new(16_000).unwrap();
            let mut samples = vec![0; room];
            if let Ok(count) = decoder.decode(&packet, &mut samples) {
                prop_assert!(count <= room);
            }
            let _ = decoder.conceal(&mut samples);
        }
    }
}
