//! A body that comes in pieces, as samples.

use super::super::SpeakError;

/// 16-bit little-endian samples, as they were asked for; or in a WAV file, which some servers send whatever is asked.
#[derive(Debug)]
pub(super) struct Samples {
    rate: u32,
    /// What is not decoded yet: the header until it is whole, then half a sample at most.
    left: Vec<u8>,
    begun: bool,
}

/// A header beyond this is none.
const LONGEST_HEADER: usize = 4_096;

impl Samples {
    /// What comes with this content type, at `rate` Hz where it does not say itself.
    pub(super) fn new(kind: Option<&str>, rate: u32) -> Result<Self, SpeakError> {
        let kind = kind.unwrap_or("application/octet-stream");
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let plain = [
            "application/octet-stream",
            "binary/octet-stream",
            "audio/pcm",
            "audio/l16",
            "audio/x-pcm",
            "audio/raw",
            "audio/x-raw",
            "audio/wav",
            "audio/x-wav",
            "audio/wave",
            "audio/vnd.wave",
            "audio/basic",
        ];
        // audio/basic is mu-law by its definition, but is not what any vendor is asked for here.
        if essence == "audio/basic" || !plain.contains(&essence.as_str()) {
            return Err(SpeakError::NotSound(format!("the server sends {essence:?}")));
        }
        Ok(Self { rate, left: Vec::new(), begun: false })
    }

    /// The samples that `bytes` complete, full scale ±1, and their rate; none while the header is not whole.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Result<Option<(u32, Vec<f32>)>, SpeakError> {
        self.left.extend_from_slice(bytes);
        if !self.begun && !self.begin()? {
            return Ok(None);
        }
        let whole = self.left.len() & !1;
        let sample = |pair: &[u8]| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0;
        let samples = self.left[..whole].chunks_exact(2).map(sample).collect();
        self.left.drain(..whole);
        Ok(Some((self.rate, samples)))
    }

    /// Looks at the first bytes; says whether samples may be read.
    fn begin(&mut self) -> Result<bool, SpeakError> {
        let not = |what: &str| Err(SpeakError::NotSound(what.to_owned()));
        match &self.left[..] {
            [b'R', b'I', b'F', b'F', ..] => {
                let Some((body, rate)) = header(&self.left)? else {
                    return if self.left.len() > LONGEST_HEADER {
                        not("a WAV header without end")
                    } else {
                        Ok(false)
                    };
                };
                self.left.drain(..body);
                self.rate = rate;
            }
            // Too little to know by.
            [] | [_] | [_, _] | [_, _, _] => return Ok(false),
            [b'I', b'D', b'3', ..] => return not("the server sends MP3"),
            [b'O', b'g', b'g', b'S', ..] => return not("the server sends Ogg"),
            [b'{', b'"', ..] => return not("the server sends JSON"),
            _ => {}
        }
        self.begun = true;
        Ok(true)
    }
}

/// Where the samples of a WAV file begin, and their rate; none while that part is not there.
fn header(bytes: &[u8]) -> Result<Option<(usize, u32)>, SpeakError> {
    let mut at = 12;
    let mut rate = None;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]) as usize;
        let body = at + 8;
        match &chunk[..4] {
            b"data" => {
                let rate =
                    rate.ok_or_else(|| SpeakError::NotSound("a WAV file without format".into()))?;
                return Ok(Some((body, rate)));
            }
            b"fmt " => {
                let Some(format) = bytes.get(body..body + 16) else { return Ok(None) };
                let word = |at: usize| u16::from_le_bytes([format[at], format[at + 1]]);
                if (word(0), word(2), word(14)) != (1, 1, 16) {
                    let what = "a WAV file that is not 16-bit mono PCM";
                    return Err(SpeakError::NotSound(what.to_owned()));
                }
                rate = Some(u32::from_le_bytes([format[4], format[5], format[6], format[7]]));
            }
            _ => {}
        }
        at = body.saturating_add(length.saturating_add(length % 2));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(
        kind: Option<&str>,
        bytes: &[u8],
        piece: usize,
    ) -> Result<(u32, Vec<f32>), SpeakError> {
        let mut samples = Samples::new(kind, 24_000)?;
        let mut all = (0, Vec::new());
        for bytes in bytes.chunks(piece) {
            if let Some((rate, more)) = samples.decode(bytes)? {
                all.0 = rate;
                all.1.extend(more);
            }
        }
        Ok(all)
    }

    #[test]
    fn pieces_of_any_length_give_the_same_samples() {
        let pcm: Vec<u8> =
            [1_i16, -2, 16_384, -32_768].iter().flat_map(|s| s.to_le_bytes()).collect();
        let wav = audio::wav::write(&[1, -2, 16_384, -32_768]);
        for piece in [1, 2, 3, 7, 100] {
            let expected = vec![1.0 / 32_768.0, -2.0 / 32_768.0, 0.5, -1.0];
            let got = decoded(Some("audio/pcm;rate=24000"), &pcm, piece).unwrap();
            assert_eq!(got, (24_000, expected.clone()));
            assert_eq!(decoded(Some("audio/wav"), &wav, piece).unwrap(), (8_000, expected));
        }
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        for (kind, bytes) in [
            (Some("application/json"), &b"{}"[..]),
            (Some("text/html; charset=utf-8"), b"<html>"),
            (Some("audio/mpeg"), b""),
            (None, b"{\"error\": 1}"),
            (Some("audio/pcm"), b"ID3\x04"),
            (None, b"OggS1234"),
        ] {
            let refused = decoded(kind, bytes, 100).unwrap_err();
            assert!(matches!(refused, SpeakError::NotSound(_)), "{kind:?}: {refused}");
        }
        let mut stereo = audio::wav::write(&[0; 8]);
        stereo[22] = 2;
        assert!(decoded(None, &stereo, 100).is_err());
        let mut endless = audio::wav::write(&[0; 4_000]);
        endless[36..40].copy_from_slice(b"LIST");
        endless[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(decoded(None, &endless, 100).is_err());
    }
}
