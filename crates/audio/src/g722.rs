//! G.722 at 64 kbit/s: 16 kHz sound in a byte for two samples (ITU-T G.722).
//!
//! A filter bank halves the band; each half is predicted and the difference quantised, six bits
//! for the lower half and two for the upper. All is integer arithmetic with saturation that the
//! Recommendation gives to the bit, so what is coded here decodes elsewhere without any difference.
//!
//! In RTP its clock counts 8,000 a second although there are 16,000 samples (RFC 3551, 4.5.2): 160
//! a frame of 20 ms, as for G.711, with which it also shares the size of a packet.

mod band;

use band::{Band, High, Low};

/// Samples a second.
pub const SAMPLE_RATE: u32 = 16_000;

/// Codes 16 kHz sound, one direction of one call. About 300 bytes; allocates nothing.
#[derive(Debug, Clone)]
pub struct Encoder {
    low: Band<Low>,
    high: Band<High>,
    /// The last 24 samples, oldest first.
    past: [i16; TAPS],
}

/// Decodes to 16 kHz sound, one direction of one call. About 300 bytes; allocates nothing.
#[derive(Debug, Clone)]
pub struct Decoder {
    low: Band<Low>,
    high: Band<High>,
    /// The last twelve pairs of sum and difference of the halves, oldest first.
    past: [i32; TAPS],
}

impl Encoder {
    /// An encoder at rest.
    pub fn new() -> Encoder {
        Encoder { low: Band::new(), high: Band::new(), past: [0; TAPS] }
    }

    /// Encodes `samples` into `codes`, a byte for two.
    ///
    /// # Panics
    /// When `samples` is not twice as long as `codes`.
    pub fn encode(&mut self, samples: &[i16], codes: &mut [u8]) {
        assert_eq!(samples.len(), 2 * codes.len(), "a code is two samples");
        for (code, pair) in codes.iter_mut().zip(samples.as_chunks::<2>().0) {
            self.past.copy_within(2.., 0);
            self.past[TAPS - 2..].copy_from_slice(pair);
            let (odd, even) = filter(&self.past.map(i32::from));
            let low = self.low.encode((even + odd) >> 14);
            let high = self.high.encode((even - odd) >> 14);
            *code = high << 6 | low;
        }
    }
}

impl Decoder {
    /// A decoder at rest.
    pub fn new() -> Decoder {
        Decoder { low: Band::new(), high: Band::new(), past: [0; TAPS] }
    }

    /// Decodes `codes` into `samples`, two for each. Every byte is a code.
    ///
    /// # Panics
    /// When `samples` is not twice as long as `codes`.
    pub fn decode(&mut self, codes: &[u8], samples: &mut [i16]) {
        assert_eq!(samples.len(), 2 * codes.len(), "a code is two samples");
        for (code, pair) in codes.iter().zip(samples.as_chunks_mut::<2>().0) {
            let low = self.low.decode(code & 0x3F);
            let high = self.high.decode(code >> 6);
            self.past.copy_within(2.., 0);
            self.past[TAPS - 2..].copy_from_slice(&[low + high, low - high]);
            let (second, first) = filter(&self.past);
            *pair = [saturated(first >> 11) as i16, saturated(second >> 11) as i16];
        }
    }
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new()
    }
}

const TAPS: usize = 24;

/// Every second tap of the filter bank; the others are the same backwards (table 11).
const EVEN_TAPS: [i32; TAPS / 2] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// The sums over the first and over the second sample of each pair.
fn filter(past: &[i32; TAPS]) -> (i32, i32) {
    let mut sums = (0, 0);
    for (n, [first, second]) in past.as_chunks().0.iter().enumerate() {
        sums.0 += first * EVEN_TAPS[n];
        sums.1 += second * EVEN_TAPS[EVEN_TAPS.len() - 1 - n];
    }
    sums
}

/// To the range of 16 bits.
fn saturated(value: i32) -> i32 {
    value.clamp(i16::MIN.into(), i16::MAX.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Loud and faint, low and high, sudden and steady, from whole numbers alone.
    fn material(count: usize) -> Vec<i16> {
        let mut state = 12_345_u32;
        (0..count)
            .map(|n| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 16) as i16;
                match n / 4000 % 4 {
                    0 => noise >> 2,
                    1 => (n as i32 * 1237 % 20_011 - 10_005) as i16,
                    2 => {
                        if n / 23 % 2 == 0 {
                            i16::MAX
                        } else {
                            i16::MIN
                        }
                    }
                    _ => noise >> 9,
                }
            })
            .collect()
    }

    /// FNV-1a.
    fn digest(bytes: impl IntoIterator<Item = u8>) -> u64 {
        bytes.into_iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        })
    }

    fn there_and_back(samples: &[i16]) -> Vec<i16> {
        let mut codes = vec![0; samples.len() / 2];
        Encoder::new().encode(samples, &mut codes);
        let mut back = vec![0; samples.len()];
        Decoder::new().decode(&codes, &mut back);
        back
    }

    /// The digests are of what another implementation makes of the same samples and codes (the
    /// library libg722 by way of the Python package G722 1.2.8).
    #[test]
    fn codes_and_samples_are_the_same_elsewhere() {
        let samples = material(32_000);
        let mut codes = vec![0; 16_000];
        Encoder::new().encode(&samples, &mut codes);
        assert_eq!(digest(codes.iter().copied()), ENCODED, "encoded");
        let mut back = vec![0; 32_000];
        Decoder::new().decode(&codes, &mut back);
        assert_eq!(digest(back.iter().flat_map(|s| s.to_le_bytes())), DECODED, "decoded");
        // Codes that no encoder makes.
        let wild: Vec<u8> = (0..16_000_u64).map(|n| ((n * n * 31) >> 5) as u8).collect();
        Decoder::new().decode(&wild, &mut back);
        assert_eq!(digest(back.iter().flat_map(|s| s.to_le_bytes())), WILD, "wild");
    }

    const ENCODED: u64 = 0x4F66_558B_6E59_D037;
    const DECODED: u64 = 0xDFED_AF19_CBF2_350C;
    const WILD: u64 = 0xC424_9051_5EB4_5D61;

    #[test]
    fn tones_come_back_clearly() {
        // Per band: the upper one has two bits. The filter bank delays by 22 samples.
        for (hz, least) in
            [(300.0, 35.0), (1000.0, 35.0), (3000.0, 25.0), (5000.0, 12.0), (6500.0, 12.0)]
        {
            let wave = |n: f64| 8000.0 * (TAU * hz * n / f64::from(SAMPLE_RATE)).sin();
            let samples: Vec<i16> = (0..16_000).map(|n| wave(f64::from(n)) as i16).collect();
            let back = there_and_back(&samples);
            let (mut signal, mut noise) = (0.0, 0.0);
            for (n, sample) in back.iter().enumerate().skip(8000) {
                let expected = wave(n as f64 - 22.0);
                signal += expected * expected;
                noise += (f64::from(*sample) - expected).powi(2);
            }
            let snr = 10.0 * (signal / noise).log10();
            assert!(snr > least, "{hz} Hz comes back with {snr:.1} dB");
        }
    }

    #[test]
    fn frames_join_as_if_there_were_none() {
        let samples = material(6400);
        let mut whole = vec![0; 3200];
        Encoder::new().encode(&samples, &mut whole);
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
        let mut back = vec![0; 6400];
        for ((samples, expected), back) in
            samples.chunks(320).zip(whole.chunks(160)).zip(back.chunks_mut(320))
        {
            let mut codes = [0; 160];
            encoder.encode(samples, &mut codes);
            assert_eq!(codes, expected);
            decoder.decode(&codes, back);
        }
        assert_eq!(back, there_and_back(&samples));
    }

    #[test]
    fn silence_stays_silent() {
        assert!(there_and_back(&[0; 3200]).iter().all(|sample| sample.abs() < 16));
    }
}
