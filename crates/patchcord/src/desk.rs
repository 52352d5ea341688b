//! A receptionist ready to work: the checked file, the understanding that learned from it, and the sound of every prompt.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audio::tone::progress::{Country, Progress, Signal};
use call::{Findings, Prompt, Receptionist, Sound};
use engines::phrases::Phrases;
use intent::{TeachError, Understanding};
use thiserror::Error;

use crate::assets;
use crate::hear;
use crate::recording;
use crate::speech::Speech;

/// A receptionist ready to work. Shared by all of its calls.
#[derive(Debug)]
pub(crate) struct Desk {
    pub receptionist: Arc<Receptionist>,
    pub understanding: Understanding,
    /// What its callers are likely to say.
    pub phrases: Phrases,
    prompts: HashMap<Prompt, Arc<[i16]>>,
}

/// Why a receptionist cannot work.
#[derive(Debug, Error)]
pub(crate) enum DeskError {
    #[error(
        "cannot read {path}: {source}\n  mend: name a receptionist's file; assets/receptionist.toml is one to begin with"
    )]
    Read { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    File(#[from] Findings),
    #[error("{path}: {source}")]
    Learn { path: PathBuf, source: TeachError },
    #[error(
        "{path} names the prompt {prompt}, which cannot be read: {cause}\n  mend: put a WAV file there, relative to the receptionist's file"
    )]
    Prompt { path: PathBuf, prompt: String, cause: String },
    #[error("{path} has words that nobody can speak, {words:?}: {cause}")]
    Spoken { path: PathBuf, words: String, cause: String },
}

impl Desk {
    /// The sample receptionist that is part of the program.
    pub(crate) fn embedded() -> Result<Self, DeskError> {
        let path = Path::new("assets/receptionist.toml");
        let text = assets::file("receptionist.toml").unwrap_or_default();
        let load = |prompt: &str| {
            assets::file(prompt).map(<[u8]>::to_vec).ok_or_else(|| "no such file".to_owned())
        };
        Self::build(path, &String::from_utf8_lossy(text), load, &Speech::default())
    }

    /// The receptionist of a file, its recordings beside it; words are spoken by the voice of this machine.
    pub(crate) fn open(path: &Path) -> Result<Self, DeskError> {
        Self::open_with(path, &Speech::default())
    }

    /// The same with another voice. All words are spoken now, so that no call waits for them.
    pub(crate) fn open_with(path: &Path, speech: &Speech) -> Result<Self, DeskError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| DeskError::Read { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let load =
            |prompt: &str| std::fs::read(folder.join(prompt)).map_err(|error| error.to_string());
        Self::build(path, &text, load, speech)
    }

    fn build(
        path: &Path,
        text: &str,
        load: impl Fn(&str) -> Result<Vec<u8>, String>,
        speech: &Speech,
    ) -> Result<Self, DeskError> {
        let receptionist = Receptionist::parse(&path.display().to_string(), text)?;
        let understanding = receptionist
            .understanding()
            .map_err(|source| DeskError::Learn { path: path.to_owned(), source })?;
        let mut sounds: HashMap<&Sound, Arc<[i16]>> = HashMap::new();
        for said in receptionist.sounds() {
            let path = path.to_owned();
            let sound = match said {
                Sound::File(name) => load(name)
                    .and_then(|bytes| {
                        recording::parse(Path::new(name), &bytes).map_err(|error| error.to_string())
                    })
                    .map_err(|cause| DeskError::Prompt { path, prompt: name.clone(), cause })?,
                Sound::Spoken(words) => speech.say(words).map_err(|cause| DeskError::Spoken {
                    path,
                    words: words.clone(),
                    cause,
                })?,
            };
            sounds.insert(said, sound.into());
        }
        let p = &receptionist.prompts;
        let mut prompts: HashMap<Prompt, Arc<[i16]>> = [
            (Prompt::Greeting, &p.greeting),
            (Prompt::Again, &p.again),
            (Prompt::StillThere, &p.still_there),
            (Prompt::Menu, &p.menu),
            (Prompt::Busy, &p.busy),
            (Prompt::Goodbye, &p.goodbye),
        ]
        .into_iter()
        .map(|(prompt, name)| (prompt, sounds[name].clone()))
        .collect();
        for (index, destination) in receptionist.destinations.iter().enumerate() {
            if let Some(name) = &destination.announce {
                let prompt = Prompt::Connecting(call::DestinationId(index));
                prompts.insert(prompt, sounds[name].clone());
            }
        }
        prompts.insert(Prompt::Ringing, ringing());
        let phrases = hear::phrases(&understanding);
        Ok(Self { receptionist: Arc::new(receptionist), understanding, phrases, prompts })
    }

    /// The sound of a prompt; [`Prompt::Ringing`] is one period, to be looped.
    pub(crate) fn sound(&self, prompt: Prompt) -> Arc<[i16]> {
        self.prompts[&prompt].clone()
    }
}

/// Two seconds of ringing tone and four of silence.
fn ringing() -> Arc<[i16]> {
    let mut period = vec![0; 6 * audio::SAMPLE_RATE as usize];
    Progress::new(Country::NorthAmerica, Signal::RingBack).fill(&mut period);
    period.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engines::synthesis::SynthesisConfig;

    fn with_words(speech: &Speech) -> Result<Desk, DeskError> {
        let text = String::from_utf8_lossy(assets::file("receptionist.toml").unwrap_or_default())
            .replace("\"prompts/greeting.wav\"", "{ say = \"Good morning, how can I help?\" }");
        let load = |prompt: &str| assets::file(prompt).map(<[u8]>::to_vec).ok_or_else(String::new);
        Desk::build(Path::new("desk.toml"), &text, load, speech)
    }

    #[test]
    fn words_become_the_sound_of_a_prompt() {
        let speech = Speech::default();
        if let Err(reason) = speech.mouth() {
            return eprintln!("skipped: {reason}");
        }
        let desk = with_words(&speech).expect("somebody speaks");
        assert!(desk.sound(Prompt::Greeting).len() > audio::SAMPLE_RATE as usize);
    }

    #[test]
    fn words_that_nobody_can_speak_are_told() {
        let mut config = SynthesisConfig::default();
        config.choose("nobody");
        let error = with_words(&Speech::new(config)).map(drop).expect_err("nobody speaks");
        let text = error.to_string();
        assert!(text.contains("how can I help") && text.contains("\"nobody\""), "{text}");
    }
}
