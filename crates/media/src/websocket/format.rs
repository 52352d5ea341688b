//! What sound is on a media WebSocket.

use audio::{FRAME, g711};

/// The format of both directions; what is not mu-law already is made so, or made of it, on our side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// G.711 mu-law, a byte a sample.
    #[default]
    Ulaw,
    /// 16-bit samples at 8 kHz, in little endian.
    Slin,
}

impl Format {
    /// Asterisk's name for it, as `format` of the external media.
    pub fn name(self) -> &'static str {
        match self {
            Format::Ulaw => "ulaw",
            Format::Slin => "slin",
        }
    }

    /// The format of that name.
    pub fn of_name(name: &str) -> Option<Format> {
        [Format::Ulaw, Format::Slin].into_iter().find(|format| format.name() == name)
    }

    /// Bytes of a frame of 20 ms.
    pub fn frame_bytes(self) -> usize {
        match self {
            Format::Ulaw => FRAME,
            Format::Slin => 2 * FRAME,
        }
    }

    /// Appends the samples that a message brings. Half a sample at its end is left out.
    pub(super) fn decode(self, bytes: &[u8], samples: &mut Vec<i16>) {
        match self {
            Format::Ulaw => {
                let from = samples.len();
                samples.resize(from + bytes.len(), 0);
                g711::decode_ulaw(bytes, &mut samples[from..]);
            }
            Format::Slin => {
                let (pairs, _) = bytes.as_chunks();
                samples.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
            }
        }
    }

    /// Appends mu-law codes as they are sent.
    pub(super) fn encode(self, codes: &[u8], bytes: &mut Vec<u8>) {
        match self {
            Format::Ulaw => bytes.extend_from_slice(codes),
            Format::Slin => {
                let samples = codes.iter().map(|code| g711::decode_ulaw_sample(*code));
                bytes.extend(samples.flat_map(i16::to_le_bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let codes: Vec<u8> = (0..=255).filter(|code| *code != 0x7F).collect();
        let expected: Vec<i16> = codes.iter().map(|code| g711::decode_ulaw_sample(*code)).collect();
        for format in [Format::Ulaw, Format::Slin] {
            let (mut bytes, mut samples) = (Vec::new(), Vec::new());
            format.encode(&codes, &mut bytes);
            assert_eq!(bytes.len() * FRAME, format.frame_bytes() * codes.len());
            format.decode(&bytes, &mut samples);
            assert_eq!(samples, expected, "{format:?}");
            assert_eq!(Format::of_name(format.name()), Some(format));
        }
        assert_eq!(Format::of_name("opus"), None);
    }
}
