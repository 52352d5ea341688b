//! WAV files: any of the usual kinds in, telephone sound out.
//!
//! The RIFF chunks are read here rather than by a library because what telephone people have is
//! mu-law and A-law, and files from a pipe whose header says nothing true about their length.

use crate::{
    SAMPLE_RATE, g711,
    resample::{self, RateError},
};
use thiserror::Error;

/// Why a file is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WavError {
    /// The file does not begin as a WAV file does.
    #[error("not a WAV file: it does not begin with RIFF....WAVE")]
    NotWav,
    /// The part that describes the sound is missing or comes after the sound.
    #[error("the WAV file has no whole `fmt ` chunk before its `data` chunk")]
    NoFormat,
    /// The part that holds the sound is missing.
    #[error("the WAV file has no `data` chunk")]
    NoData,
    /// The sound is stored in a way that is not known here.
    #[error(
        "WAV format {tag:#06x} with {bits} bits and {channels} channels is not supported; convert \
         it to 16-bit PCM, 32-bit float, mu-law or A-law"
    )]
    Unsupported {
        /// The format tag, of an extensible file that of its sub-format.
        tag: u16,
        /// Bits a sample.
        bits: u16,
        /// Channels.
        channels: u16,
    },
    /// The sample rate is 0 or absurd.
    #[error(transparent)]
    Rate(#[from] RateError),
}

/// Reads a WAV file of 8, 16, 24 or 32-bit PCM, 32 or 64-bit float, mu-law or A-law, with any
/// rate and number of channels, as mono sound at 8 kHz. Channels are averaged. A file that ends
/// early gives what is there.
///
/// # Errors
/// [`WavError`] when the file is of another kind.
pub fn read(bytes: &[u8]) -> Result<Vec<i16>, WavError> {
    let (format, data) = chunks(bytes)?;
    let encoding = format.encoding()?;
    if format.channels == 1 && format.rate == SAMPLE_RATE {
        // Without arithmetic, so that telephone recordings pass bit by bit.
        match encoding {
            Encoding::Int(2) => return Ok(data.chunks_exact(2).map(int_16).collect()),
            Encoding::Ulaw => {
                return Ok(data.iter().map(|c| g711::decode_ulaw_sample(*c)).collect());
            }
            Encoding::Alaw => {
                return Ok(data.iter().map(|c| g711::decode_alaw_sample(*c)).collect());
            }
            _ => {}
        }
    }
    let channels = usize::from(format.channels);
    let mono: Vec<f32> = data
        .chunks_exact(encoding.width() * channels)
        .map(|block| {
            let sum: f64 = block.chunks_exact(encoding.width()).map(|s| encoding.decode(s)).sum();
            (sum / channels as f64) as f32
        })
        .collect();
    let telephone = resample::to_rate(&mono, format.rate, SAMPLE_RATE)?;
    Ok(telephone.iter().map(|sample| (sample * 32768.0).round() as i16).collect())
}

/// A WAV file of `samples`: 16-bit PCM, mono, 8 kHz.
pub fn write(samples: &[i16]) -> Vec<u8> {
    let data_len = 2 * samples.len() as u32;
    let mut bytes = Vec::with_capacity(HEADER_LEN as usize + 2 * samples.len());
    bytes.extend(b"RIFF");
    bytes.extend((HEADER_LEN - 8 + data_len).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(PCM.to_le_bytes());
    bytes.extend(1u16.to_le_bytes()); // channels
    bytes.extend(SAMPLE_RATE.to_le_bytes());
    bytes.extend((2 * SAMPLE_RATE).to_le_bytes()); // bytes a second
    bytes.extend(2u16.to_le_bytes()); // bytes a block
    bytes.extend(16u16.to_le_bytes()); // bits a sample
    bytes.extend(b"data");
    bytes.extend(data_len.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    bytes
}

const HEADER_LEN: u32 = 44;

// Format tags (the registry of RFC 2361).
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const ALAW: u16 = 6;
const ULAW: u16 = 7;
const EXTENSIBLE: u16 = 0xFFFE;

struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    bits: u16,
}

#[derive(Clone, Copy)]
enum Encoding {
    /// Bytes a sample.
    Int(usize),
    Float32,
    Float64,
    Ulaw,
    Alaw,
}

/// Finds the format and the sound among the chunks.
fn chunks(bytes: &[u8]) -> Result<(Format, &[u8]), WavError> {
    let mut rest = match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', rest @ ..] => rest,
        _ => return Err(WavError::NotWav),
    };
    let mut format = None;
    while let Some(([i0, i1, i2, i3, l0, l1, l2, l3], body)) = rest.split_first_chunk() {
        let len = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
        let chunk = &body[..len.min(body.len())];
        match &[*i0, *i1, *i2, *i3] {
            b"fmt " => format = Format::parse(chunk),
            b"data" => {
                // A program that writes to a pipe cannot come back to fill in the length.
                let unknown = len == 0 || len == u32::MAX as usize;
                let data = if unknown { body } else { chunk };
                return Ok((format.ok_or(WavError::NoFormat)?, data));
            }
            _ => {}
        }
        // Chunks begin at even addresses.
        rest = body.get(len + len % 2..).unwrap_or_default();
    }
    Err(WavError::NoData)
}

impl Format {
    fn parse(chunk: &[u8]) -> Option<Format> {
        let word = |at| Some(u16::from_le_bytes(*chunk.get(at..)?.first_chunk()?));
        let tag = match word(0)? {
            EXTENSIBLE => word(24)?,
            tag => tag,
        };
        let rate = u32::from_le_bytes(*chunk.get(4..)?.first_chunk()?);
        Some(Format { tag, channels: word(2)?, rate, bits: word(14)? })
    }

    fn encoding(&self) -> Result<Encoding, WavError> {
        let Format { tag, bits, channels, .. } = *self;
        if channels == 0 {
            return Err(WavError::Unsupported { tag, bits, channels });
        }
        match (tag, bits) {
            (PCM, 8 | 16 | 24 | 32) => Ok(Encoding::Int(usize::from(bits / 8))),
            (FLOAT, 32) => Ok(Encoding::Float32),
            (FLOAT, 64) => Ok(Encoding::Float64),
            (ULAW, 8) => Ok(Encoding::Ulaw),
            (ALAW, 8) => Ok(Encoding::Alaw),
            _ => Err(WavError::Unsupported { tag, bits, channels }),
        }
    }
}

impl Encoding {
    fn width(self) -> usize {
        match self {
            Encoding::Int(width) => width,
            Encoding::Float32 => 4,
            Encoding::Float64 => 8,
            Encoding::Ulaw | Encoding::Alaw => 1,
        }
    }

    /// One sample of [`Encoding::width`] bytes, in -1 to 1 where the file keeps to that.
    fn decode(self, bytes: &[u8]) -> f64 {
        match (self, bytes) {
            (Encoding::Ulaw, &[code]) => f64::from(g711::decode_ulaw_sample(code)) / 32768.0,
            (Encoding::Alaw, &[code]) => f64::from(g711::decode_alaw_sample(code)) / 32768.0,
            // Of all widths only this one has no sign.
            (Encoding::Int(1), &[byte]) => (f64::from(byte) - 128.0) / 128.0,
            (Encoding::Float32, &[b0, b1, b2, b3]) => {
                finite(f64::from(f32::from_le_bytes([b0, b1, b2, b3])))
            }
            (Encoding::Float64, &[b0, b1, b2, b3, b4, b5, b6, b7]) => {
                finite(f64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]))
            }
            (_, bytes) => {
                // At the upper end of a 32-bit integer every width has the same scale.
                let mut wide = [0; 4];
                wide[4 - bytes.len().min(4)..].copy_from_slice(&bytes[..bytes.len().min(4)]);
                f64::from(i32::from_le_bytes(wide)) / -f64::from(i32::MIN)
            }
        }
    }
}

/// One sample that is not a number would spread over the whole file in the resampler.
fn finite(sample: f64) -> f64 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}

fn int_16(bytes: &[u8]) -> i16 {
    i16::from_le_bytes([bytes[0], bytes[1]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{Sine, level_dbfs, power};
    use hound::{SampleFormat, WavSpec, WavWriter};
    use proptest::prelude::*;
    use std::io::Cursor;

    fn hound_file<S: hound::Sample>(
        spec: WavSpec,
        samples: impl IntoIterator<Item = S>,
    ) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, spec).unwrap();
        for sample in samples {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    fn spec(channels: u16, sample_rate: u32, bits: u16, sample_format: SampleFormat) -> WavSpec {
        WavSpec { channels, sample_rate, bits_per_sample: bits, sample_format }
    }

    /// A file of one `fmt ` chunk and one `data` chunk.
    fn file(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = write(&[]);
        bytes[20..22].copy_from_slice(&tag.to_le_bytes());
        bytes[22..24].copy_from_slice(&channels.to_le_bytes());
        bytes[24..28].copy_from_slice(&rate.to_le_bytes());
        bytes[34..36].copy_from_slice(&bits.to_le_bytes());
        bytes[40..44].copy_from_slice(&(data.len() as u32).to_le_bytes());
        bytes.extend(data);
        bytes
    }

    fn sine(hz: f64) -> Vec<i16> {
        let mut samples = vec![0; 8000];
        Sine::new(hz, -6.0).fill(&mut samples);
        samples
    }

    #[test]
    fn what_is_written_is_read_here_and_elsewhere() {
        let samples = sine(440.0);
        let bytes = write(&samples);
        assert_eq!(read(&bytes), Ok(samples.clone()));
        let mut reader = hound::WavReader::new(Cursor::new(bytes)).unwrap();
        assert_eq!(reader.spec(), spec(1, 8000, 16, SampleFormat::Int));
        assert_eq!(reader.samples::<i16>().collect::<Result<Vec<_>, _>>().unwrap(), samples);
    }

    #[test]
    fn every_width_of_pcm_and_float_is_read() {
        let samples = sine(440.0);
        for bits in [8u16, 16, 24, 32] {
            let scaled = samples.iter().map(|s| (i32::from(*s) << 16) >> (32 - bits));
            let read = read(&hound_file(spec(1, 8000, bits, SampleFormat::Int), scaled)).unwrap();
            let step = if bits == 8 { 256 } else { 0 };
            for (a, b) in read.iter().zip(&samples) {
                assert!((i32::from(*a) - i32::from(*b)).abs() <= step, "{bits} bits: {a} for {b}");
            }
        }
        let floats = samples.iter().map(|s| f32::from(*s) / 32768.0);
        assert_eq!(
            read(&hound_file(spec(1, 8000, 32, SampleFormat::Float), floats)),
            Ok(samples.clone())
        );
        let doubles: Vec<u8> =
            samples.iter().flat_map(|s| (f64::from(*s) / 32768.0).to_le_bytes()).collect();
        assert_eq!(read(&file(FLOAT, 1, 8000, 64, &doubles)), Ok(samples));
    }

    #[test]
    fn channels_are_averaged_and_rates_converted() {
        let (left, right) = (sine(440.0), sine(1000.0));
        let both = left.iter().zip(&right).flat_map(|(l, r)| [*l, *r]);
        // Told to be at 16 kHz the same samples sound an octave higher and half as long.
        let mono = read(&hound_file(spec(2, 16_000, 16, SampleFormat::Int), both)).unwrap();
        assert_eq!(mono.len(), 4000);
        for hz in [880.0, 2000.0] {
            let level = 10.0 * power(&mono[400..3600], hz).log10();
            assert!((level + 12.0).abs() < 0.1, "{hz} Hz at {level:.2} dBFS");
        }
    }

    #[test]
    fn the_two_laws_are_read() {
        let codes: Vec<u8> = (0..=255).collect();
        let ulaw: Vec<i16> = codes.iter().map(|c| g711::decode_ulaw_sample(*c)).collect();
        let alaw: Vec<i16> = codes.iter().map(|c| g711::decode_alaw_sample(*c)).collect();
        assert_eq!(read(&file(ULAW, 1, 8000, 8, &codes)), Ok(ulaw));
        assert_eq!(read(&file(ALAW, 1, 8000, 8, &codes)), Ok(alaw));
        let mut tone = vec![0; 16_000];
        g711::encode_ulaw(&[sine(440.0), sine(440.0)].concat(), &mut tone);
        let wide = read(&file(ULAW, 1, 16_000, 8, &tone)).unwrap();
        assert_eq!(wide.len(), 8000);
        assert!((level_dbfs(&wide) + 6.0).abs() < 0.1);
    }

    #[test]
    fn a_header_from_a_pipe_is_forgiven() {
        let samples = sine(440.0);
        for unknown in [0, u32::MAX] {
            let mut bytes = write(&samples);
            bytes[40..44].copy_from_slice(&unknown.to_le_bytes());
            assert_eq!(read(&bytes), Ok(samples.clone()));
        }
        let bytes = write(&samples);
        assert_eq!(read(&bytes[..bytes.len() - 1001]), Ok(samples[..7499].to_vec()), "cut short");
    }

    #[test]
    fn other_chunks_are_stepped_over() {
        let plain = write(&[1, 2, 3]);
        let mut bytes = plain[..12].to_vec();
        bytes.extend(b"LIST\x03\0\0\0abc\0");
        bytes.extend(&plain[12..]);
        assert_eq!(read(&bytes), Ok(vec![1, 2, 3]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(read(b"ID3 not sound"), Err(WavError::NotWav));
        assert_eq!(read(&write(&[])[..36]), Err(WavError::NoData));
        let mut no_format = write(&[1]);
        no_format[12..16].copy_from_slice(b"junk");
        assert_eq!(read(&no_format), Err(WavError::NoFormat));
        let gsm = WavError::Unsupported { tag: 0x31, bits: 0, channels: 1 };
        assert_eq!(read(&file(0x31, 1, 8000, 0, &[0; 65])), Err(gsm.clone()));
        assert!(gsm.to_string().starts_with("WAV format 0x0031 with 0 bits"), "{gsm}");
        let none = WavError::Unsupported { tag: PCM, bits: 16, channels: 0 };
        assert_eq!(read(&file(PCM, 0, 8000, 16, &[0; 4])), Err(none));
        let rate = WavError::Rate(RateError { from: 0, to: 8000 });
        assert_eq!(read(&file(PCM, 1, 0, 16, &[0; 4])), Err(rate));
    }

    #[test]
    fn a_sample_that_is_no_number_stays_alone() {
        let mut data = vec![0; 4 * 8];
        data[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
        data[12..16].copy_from_slice(&f32::MAX.to_le_bytes());
        assert_eq!(read(&file(FLOAT, 1, 8000, 32, &data)), Ok(vec![0, 0, 0, i16::MAX, 0, 0, 0, 0]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_sound_or_an_error(
            tag in prop_oneof![Just(PCM), Just(FLOAT), Just(ALAW), Just(ULAW), Just(EXTENSIBLE)],
            channels in 0u16..5, bits in prop_oneof![Just(8u16), Just(16), Just(24), Just(32), Just(64)],
            rate in prop_oneof![Just(0u32), Just(8000), Just(11_025), Just(u32::MAX)],
            data in prop::collection::vec(any::<u8>(), 0..100), cut in 0usize..150,
        ) {
            let bytes = file(tag, channels, rate, bits, &data);
            let _ = read(&bytes[..cut.min(bytes.len())]);
            let _ = read(&data);
        }
    }
}
