//! The `.onnx.json` beside a Piper voice: what its numbers mean.

use std::collections::HashMap;

use serde::Deserialize;

/// A voice's description. Keys that are not needed are not read.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct VoiceFile {
    pub(super) audio: AudioFile,
    #[serde(default)]
    pub(super) espeak: Espeak,
    #[serde(default)]
    pub(super) inference: Inference,
    #[serde(default)]
    pub(super) phoneme_type: PhonemeType,
    pub(super) phoneme_id_map: HashMap<String, Vec<i64>>,
    #[serde(default = "one")]
    pub(super) num_speakers: u32,
    #[serde(default)]
    pub(super) speaker_id_map: HashMap<String, i64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct AudioFile {
    /// In Hz.
    pub(super) sample_rate: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Espeak {
    pub(super) voice: String,
}

impl Default for Espeak {
    fn default() -> Self {
        Self { voice: "en-us".to_owned() }
    }
}

/// How freely the voice speaks, and how slowly.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default)]
pub(super) struct Inference {
    pub(super) noise_scale: f32,
    pub(super) length_scale: f32,
    pub(super) noise_w: f32,
}

impl Default for Inference {
    fn default() -> Self {
        Self { noise_scale: 0.667, length_scale: 1.0, noise_w: 0.8 }
    }
}

/// What the voice reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PhonemeType {
    /// International phonetic alphabet, as espeak-ng writes it.
    #[default]
    Espeak,
    /// The text's own letters.
    Text,
}

fn one() -> u32 {
    1
}

impl VoiceFile {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for mark in ["_", "^", "$"] {
            if file.phoneme_id_map.get(mark).is_none_or(Vec::is_empty) {
                return Err(format!("its phoneme_id_map has no {mark:?}"));
            }
        }
        let rate = file.audio.sample_rate;
        if !audio::resample::RATES.contains(&rate) {
            return Err(format!(
                "its sample_rate is {rate}, and not one of {:?}",
                audio::resample::RATES
            ));
        }
        Ok(file)
    }

    /// The numbers of `phonemes`: the beginning, each with a pad after it, the end. What the voice does not know is
    /// left out.
    pub(super) fn ids(&self, phonemes: &str) -> Vec<i64> {
        let known = |mark: &str| self.phoneme_id_map.get(mark).map_or(&[][..], Vec::as_slice);
        let pad = known("_");
        let mut ids = [known("^"), pad].concat();
        let mut utf8 = [0; 4];
        for phoneme in phonemes.chars().flat_map(decomposed) {
            let found = known(phoneme.encode_utf8(&mut utf8));
            if !found.is_empty() && !matches!(phoneme, '_' | '^' | '$') {
                ids.extend_from_slice(found);
                ids.extend_from_slice(pad);
            }
        }
        ids.extend_from_slice(known("$"));
        ids
    }

    /// The number of a speaker, by name or as a number; none where there is only one.
    pub(super) fn speaker(&self, name: Option<&str>) -> Result<Option<i64>, String> {
        if self.num_speakers <= 1 {
            return match name {
                None => Ok(None),
                Some(name) => Err(format!("it has one speaker, and none called {name:?}")),
            };
        }
        let Some(name) = name else { return Ok(Some(0)) };
        let number = self.speaker_id_map.get(name).copied().or_else(|| name.parse().ok());
        let all = 0..i64::from(self.num_speakers);
        number.filter(|number| all.contains(number)).map(Some).ok_or_else(|| {
            let mut names: Vec<&str> = self.speaker_id_map.keys().map(String::as_str).collect();
            names.sort_unstable();
            names.truncate(20);
            format!(
                "it has no speaker {name:?}; name one of {} or a number below {}",
                names.join(", "),
                all.end
            )
        })
    }
}

/// Voices are trained on canonically decomposed text. Of what espeak-ng writes only these letters are not so already.
fn decomposed(c: char) -> impl Iterator<Item = char> {
    let (base, mark) = match c {
        'ç' => ('c', Some('\u{327}')),
        'ã' => ('a', Some('\u{303}')),
        'ẽ' => ('e', Some('\u{303}')),
        'ĩ' => ('i', Some('\u{303}')),
        'õ' => ('o', Some('\u{303}')),
        'ũ' => ('u', Some('\u{303}')),
        other => (other, None),
    };
    std::iter::once(base).chain(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
        "audio": {"sample_rate": 22050, "quality": "medium"},
        "espeak": {"voice": "en-gb-x-rp"},
        "inference": {"noise_scale": 0.5, "length_scale": 1.1},
        "phoneme_type": "espeak", "num_symbols": 256, "num_speakers": 2,
        "speaker_id_map": {"ann": 0, "bob": 1},
        "phoneme_id_map": {"_": [0], "^": [1], "$": [2], " ": [3], "h": [20], "ə": [59, 60], "c": [16], "\u0327": [140]}
    }"#;

    #[test]
    fn phonemes_become_numbers_between_pads() {
        let voice = VoiceFile::parse(FILE).unwrap();
        assert_eq!(voice.ids("hə?"), [1, 0, 20, 0, 59, 60, 0, 2], "the question mark is unknown");
        assert_eq!(voice.ids("ç"), [1, 0, 16, 0, 140, 0, 2]);
        assert_eq!(voice.ids("^_$"), [1, 0, 2], "marks are no phonemes");
        assert_eq!(voice.espeak.voice, "en-gb-x-rp");
        assert_eq!((voice.inference.length_scale, voice.inference.noise_w), (1.1, 0.8));
    }

    #[test]
    fn speakers_go_by_name_or_number() {
        let mut voice = VoiceFile::parse(FILE).unwrap();
        assert_eq!(voice.speaker(Some("bob")), Ok(Some(1)));
        assert_eq!(voice.speaker(Some("1")), Ok(Some(1)));
        assert_eq!(voice.speaker(None), Ok(Some(0)));
        assert!(voice.speaker(Some("2")).unwrap_err().contains("ann, bob"));
        voice.num_speakers = 1;
        assert_eq!(voice.speaker(None), Ok(None));
        assert!(voice.speaker(Some("ann")).is_err());
    }

    #[test]
    fn a_file_of_something_else_is_told() {
        assert!(VoiceFile::parse("{}").unwrap_err().contains("audio"));
        assert!(VoiceFile::parse(&FILE.replace("22050", "11025")).unwrap_err().contains("11025"));
        assert!(VoiceFile::parse(&FILE.replace("\"^\"", "\"x\"")).unwrap_err().contains("\"^\""));
    }
}
