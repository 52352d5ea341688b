//! Recordings as telephone people keep them: WAV files of any kind, and Asterisk's files without a header, which only
//! their names tell apart.

use std::path::Path;

use audio::wav::{self, WavError};
use audio::{SAMPLE_RATE, g711, g722, resample};

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordingError {
    #[error("{0}")]
    Read(#[from] std::io::Error),
    #[error("{0}")]
    Wav(WavError),
    #[error(
        "it is no WAV file, and a name that ends in {ending:?} says of no format that is read here: ulaw, alaw, g722 or \
         sln, sln16 and so on to sln192; convert it to WAV (ffmpeg, sox)"
    )]
    Ending { ending: String },
    #[error("there is no sound in it")]
    Empty,
}

/// Reads a recording as mono sound at 8 kHz.
pub(crate) fn open(path: &Path) -> Result<Vec<i16>, RecordingError> {
    parse(path, &std::fs::read(path)?)
}

/// What is in the file called `name`.
pub(crate) fn parse(name: &Path, bytes: &[u8]) -> Result<Vec<i16>, RecordingError> {
    let ending = name.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let samples = if bytes.is_empty() {
        Vec::new()
    } else if bytes.starts_with(b"RIFF") || ending == "wav" {
        wav::read(bytes).map_err(RecordingError::Wav)?
    } else {
        bare(&ending, bytes).ok_or(RecordingError::Ending { ending })?
    };
    if samples.is_empty() { Err(RecordingError::Empty) } else { Ok(samples) }
}

/// Sound without a header. The endings are those of Asterisk's `format_pcm`, `format_g722` and `format_sln`.
fn bare(ending: &str, bytes: &[u8]) -> Option<Vec<i16>> {
    Some(match ending {
        "ulaw" | "ul" | "mu" | "ulw" | "pcm" => {
            bytes.iter().map(|code| g711::decode_ulaw_sample(*code)).collect()
        }
        "alaw" | "al" | "alw" => bytes.iter().map(|code| g711::decode_alaw_sample(*code)).collect(),
        "g722" => {
            let mut samples = vec![0; 2 * bytes.len()];
            g722::Decoder::new().decode(bytes, &mut samples);
            to_telephone(&samples, g722::SAMPLE_RATE)
        }
        signed => to_telephone(&linear(bytes), rate_of(signed)?),
    })
}

/// Samples a second of a file of 16-bit integers.
fn rate_of(ending: &str) -> Option<u32> {
    match ending {
        "sln" | "raw" => Some(SAMPLE_RATE),
        "sln12" => Some(12_000),
        "sln16" => Some(16_000),
        "sln24" => Some(24_000),
        "sln32" => Some(32_000),
        "sln44" => Some(44_100),
        "sln48" => Some(48_000),
        "sln96" => Some(96_000),
        "sln192" => Some(192_000),
        _ => None,
    }
}

fn linear(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

fn to_telephone(samples: &[i16], rate: u32) -> Vec<i16> {
    if rate == SAMPLE_RATE {
        return samples.to_vec();
    }
    let samples: Vec<f32> = samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
    let samples = resample::to_rate(&samples, rate, SAMPLE_RATE)
        .expect("each of these rates can be converted");
    samples.iter().map(|sample| (sample * 32_768.0).round() as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of 440 Hz.
    fn tone(rate: u32) -> Vec<i16> {
        let step = std::f64::consts::TAU * 440.0 / f64::from(rate);
        (0..rate).map(|n| (8_000.0 * (f64::from(n) * step).sin()) as i16).collect()
    }

    /// Whether `bytes` under this name are a second of the tone: as long, as loud, and of that pitch.
    fn assert_tone(name: &str, bytes: &[u8]) {
        let heard = parse(Path::new(name), bytes).expect(name);
        assert!(heard.len().abs_diff(8_000) <= 1, "{name}: {}", heard.len());
        let power = |samples: &[i16]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
        let ratio = power(&heard) / power(&tone(SAMPLE_RATE));
        // To within a decibel: the filter is less steep the further the rates are apart.
        assert!((0.8..1.25).contains(&ratio), "{name}: {ratio}");
        let crossings = heard.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
        assert!(crossings.abs_diff(880) <= 20, "{name}: {crossings}");
    }

    #[test]
    fn each_format_is_known_by_its_name() {
        let telephone = tone(SAMPLE_RATE);
        let mut codes = vec![0; telephone.len()];
        g711::encode_ulaw(&telephone, &mut codes);
        assert_tone("a.ULAW", &codes);
        let alaw: Vec<u8> = telephone.iter().map(|s| g711::encode_alaw_sample(*s)).collect();
        assert_tone("a.alaw", &alaw);
        let mut codes = vec![0; 8_000];
        g722::Encoder::new().encode(&tone(g722::SAMPLE_RATE), &mut codes);
        assert_tone("a.g722", &codes);
        for (ending, rate) in
            [("sln", 8_000), ("sln16", 16_000), ("sln44", 44_100), ("sln192", 192_000)]
        {
            let bytes: Vec<u8> = tone(rate).iter().flat_map(|s| s.to_le_bytes()).collect();
            assert_tone(&format!("a.{ending}"), &bytes);
        }
        // Whatever it is called.
        assert_eq!(parse(Path::new("a.x"), &wav::write(&telephone)).expect("WAV"), telephone);
    }

    #[test]
    fn what_is_no_sound_is_told() {
        for (name, bytes, says) in [
            ("a.gsm", &[0; 33][..], "\"gsm\""),
            ("a.mp3", b"ID3", "convert it to WAV"),
            ("noending", b"x", "\"\""),
            ("a.wav", b"OggS\0\0\0\0", "RIFF"),
            ("a.ulaw", b"", "no sound"),
            ("a.wav", &wav::write(&[]), "no sound"),
            ("a.sln", &[7], "no sound"),
        ] {
            let error = parse(Path::new(name), bytes).expect_err(name).to_string();
            assert!(error.contains(says), "{name}: {error}");
        }
    }
}
