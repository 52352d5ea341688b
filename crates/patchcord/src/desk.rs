//! A receptionist ready to work: the checked file, the understanding that learned from it, and the sound of every prompt.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audio::tone::progress::{Country, Progress, Signal};
use call::journal::Document;
use call::{Call, Course, Findings, Receptionist, Sound};
use engines::phrases::Phrases;
use flow::{Book, Facts, Question};
use intent::{TeachError, Understanding};
use thiserror::Error;

use crate::assets;
use crate::facts;
use crate::flows::{self, FlowError};
use crate::hear;
use crate::recording;
use crate::speech::Speech;

/// A receptionist ready to work. Shared by all of its calls.
pub(crate) struct Desk {
    pub receptionist: Arc<Receptionist>,
    pub course: Course,
    /// The receptionist's file, and the flow with those that it goes through if it has one: for journals.
    pub documents: (Document, Vec<Document>),
    /// One for all questions to which the same may be said.
    answers: Vec<(Arc<Question>, Arc<Answers>)>,
    sounds: HashMap<Sound, Arc<[i16]>>,
    ringing: Arc<[i16]>,
    /// For words that are known only while a call goes on.
    speech: Arc<Speech>,
}

/// What may be said to a question.
#[derive(Debug)]
pub(crate) struct Answers {
    pub understanding: Understanding,
    /// What callers are likely to say.
    pub phrases: Phrases,
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
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(
        "{path}: node \"{node}\" wants what calls cannot do yet: {what}\n  mend: go without it, or let the dialplan do it"
    )]
    Missing { path: PathBuf, node: String, what: &'static str },
    #[error(
        "{path}: the time zone is not known: {cause}\n  mend: write an IANA name such as \"Europe/London\", or install tzdata"
    )]
    Zone { path: PathBuf, cause: String },
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
        Self::build(path, &String::from_utf8_lossy(text), None, load, Speech::default())
    }

    /// The receptionist of a file, its recordings beside it; words are spoken by the voice of this machine.
    pub(crate) fn open(path: &Path) -> Result<Self, DeskError> {
        Self::open_with(path, None, Speech::default())
    }

    /// The names that flows of a receptionist's file may use.
    pub(crate) fn names(path: &Path) -> Result<Book, DeskError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| DeskError::Read { path: path.to_owned(), source })?;
        Ok(Receptionist::parse(&path.display().to_string(), &text)?.book())
    }

    /// The names that flows of the sample receptionist may use.
    pub(crate) fn embedded_names() -> Result<Book, DeskError> {
        let text = String::from_utf8_lossy(assets::file("receptionist.toml").unwrap_or_default());
        Ok(Receptionist::parse("assets/receptionist.toml", &text)?.book())
    }

    /// The same with another voice, and a flow of its own if there is one. Words that are always the same are spoken now, so that no call waits for them.
    pub(crate) fn open_with(
        path: &Path,
        flow: Option<&Path>,
        speech: Speech,
    ) -> Result<Self, DeskError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| DeskError::Read { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let load =
            |prompt: &str| std::fs::read(folder.join(prompt)).map_err(|error| error.to_string());
        Self::build(path, &text, flow, load, speech)
    }

    fn build(
        path: &Path,
        text: &str,
        flow: Option<&Path>,
        load: impl Fn(&str) -> Result<Vec<u8>, String>,
        speech: Speech,
    ) -> Result<Self, DeskError> {
        let receptionist = Receptionist::parse(&path.display().to_string(), text)?;
        let mut course = receptionist.course()?;
        let own = Document { file: path.display().to_string(), text: text.to_owned() };
        let mut documents = (own, Vec::new());
        if let Some(path) = flow {
            let (flow, read) = flows::open_with_documents(path, &receptionist.book())?;
            documents.1 = read;
            let zone = facts::zone(flow.document().time_zone.as_deref());
            zone.map_err(|cause| DeskError::Zone { path: path.to_owned(), cause })?;
            if let Some((node, what)) = flows::missing(&flow) {
                let (path, node) = (path.to_owned(), node.to_owned());
                return Err(DeskError::Missing { path, node, what });
            }
            course.flow = Arc::new(flow);
        }
        let mut answers: Vec<(Arc<Question>, Arc<Answers>)> = Vec::new();
        for question in course.flow.questions().chain(course.last_resort.questions()) {
            let alike = answers.iter().find(|(known, _)| known.hears_like(question));
            let heard = match alike {
                Some((_, known)) => Some(known.clone()),
                None => Answers::to(question)
                    .map_err(|source| DeskError::Learn { path: path.to_owned(), source })?
                    .map(Arc::new),
            };
            answers.extend(heard.map(|heard| (question.clone(), heard)));
        }
        let said = receptionist.sounds().cloned();
        let flows = [&course.flow, &course.last_resort].into_iter();
        let mut sounds: HashMap<Sound, Arc<[i16]>> = HashMap::new();
        for said in said.chain(flows.flat_map(|flow| flow.fixed_sounds()).cloned()) {
            if sounds.contains_key(&said) {
                continue;
            }
            let path = path.to_owned();
            let sound = match &said {
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
        Ok(Self {
            receptionist: Arc::new(receptionist),
            course,
            documents,
            answers,
            sounds,
            ringing: ringing(),
            speech: Arc::new(speech),
        })
    }

    /// A call that has just arrived here.
    pub(crate) fn call(&self, facts: Facts) -> Call {
        Call::new(self.receptionist.clone(), self.course.clone(), facts)
    }

    /// What may be said to a question; none where only keys count.
    pub(crate) fn answers(&self, question: &Question) -> Option<Arc<Answers>> {
        let found = self.answers.iter().find(|(known, _)| known.name() == question.name());
        found.map(|(_, answers)| answers.clone())
    }

    /// One period of the ringing tone, to be looped.
    pub(crate) fn ringing(&self) -> Arc<[i16]> {
        self.ringing.clone()
    }

    /// These sounds, one after the other, if all of them are there.
    pub(crate) fn sound(&self, sounds: &[Sound]) -> Option<Arc<[i16]>> {
        match sounds {
            [one] => self.sounds.get(one).cloned(),
            several => {
                let parts: Option<Vec<_>> =
                    several.iter().map(|one| self.sounds.get(one)).collect();
                Some(parts?.into_iter().flat_map(|part| part.iter().copied()).collect())
            }
        }
    }

    /// The same, and words that were not known before are spoken now. It waits.
    pub(crate) fn sound_of_any(&self, sounds: &[Sound]) -> Result<Arc<[i16]>, String> {
        let mut whole = Vec::new();
        for sound in sounds {
            match (self.sounds.get(sound), sound) {
                (Some(samples), _) => whole.extend_from_slice(samples),
                (None, Sound::Spoken(words)) => whole.extend(self.speech.say(words)?),
                (None, Sound::File(name)) => return Err(format!("there is no recording {name}")),
            }
        }
        Ok(whole.into())
    }
}

impl Answers {
    fn to(question: &Question) -> Result<Option<Self>, TeachError> {
        let understanding = question.understanding()?;
        Ok(understanding.map(|understanding| {
            let phrases = hear::phrases(&understanding);
            Self { understanding, phrases }
        }))
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

    fn with_words(speech: Speech) -> Result<Desk, DeskError> {
        let text = String::from_utf8_lossy(assets::file("receptionist.toml").unwrap_or_default())
            .replace("\"prompts/greeting.wav\"", "{ say = \"Good morning, how can I help?\" }");
        let load = |prompt: &str| assets::file(prompt).map(<[u8]>::to_vec).ok_or_else(String::new);
        Desk::build(Path::new("desk.toml"), &text, None, load, speech)
    }

    #[test]
    fn words_become_the_sound_of_a_prompt() {
        let speech = Speech::default();
        if let Err(reason) = speech.mouth() {
            return eprintln!("skipped: {reason}");
        }
        let desk = with_words(speech).expect("somebody speaks");
        let greeting = &desk.receptionist.prompts.greeting;
        let sound = desk.sound(std::slice::from_ref(greeting)).expect("it is spoken already");
        assert!(sound.len() > audio::SAMPLE_RATE as usize);
    }

    #[test]
    fn words_that_nobody_can_speak_are_told() {
        let mut config = SynthesisConfig::default();
        config.choose("nobody");
        let error = with_words(Speech::new(config)).map(drop).expect_err("nobody speaks");
        let text = error.to_string();
        assert!(text.contains("how can I help") && text.contains("\"nobody\""), "{text}");
    }
}
