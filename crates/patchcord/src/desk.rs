//! A receptionist ready to work: the checked file, the understanding that learned from it, and the sound of every prompt.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audio::tone::progress::{Country, Progress, Signal};
use call::journal::Document;
use call::{Call, Course, DestinationId, Findings, Receptionist, Sound};
use engines::llm::Llm;
use engines::llm::speech::SpeechModel;
use engines::phrases::Phrases;
use flow::{Ask, Book, Deed, Facts, Flow, Model, Question, Say};
use intent::{TeachError, Understanding};
use store::{FlowRef, InboundNumber};
use thiserror::Error;

use crate::assets;
use crate::facts;
use crate::flows::{self, FlowError};
use crate::hear;
use crate::recording;
use crate::speech::Speech;
use crate::tapes::{TapeError, TapeSettings};

/// A receptionist ready to work, with the flow that her calls go through. Shared by these calls, each of which keeps it
/// until it is over.
pub(crate) struct Desk {
    pub receptionist: Arc<Receptionist>,
    pub course: Course,
    /// The language of its calls, if it is not the flow's own.
    pub language: Option<String>,
    /// Which flow of the store it is, if it is one.
    pub flow: Option<FlowRef>,
    recordings: Recordings,
    /// For what calls keep.
    pub places: TapeSettings,
    /// Who says what flows leave to a language model.
    pub models: Models,
    /// The receptionist's file, and the flow with those that it goes through if it has one: for journals.
    pub documents: (Document, Vec<Document>),
    /// One for all questions to which the same may be said.
    answers: Vec<(Arc<Question>, Arc<Answers>)>,
    sounds: HashMap<Sound, Arc<[i16]>>,
    ringing: Arc<[i16]>,
    /// For words that are known only while a call goes on.
    speech: Arc<Speech>,
}

/// The language models that flows may have.
#[derive(Clone, Default)]
pub(crate) struct Models {
    /// One that writes.
    pub llm: Option<Llm>,
    /// One that hears the caller and speaks.
    pub speech: Option<SpeechModel>,
}

/// Where prompts are that are files.
#[derive(Clone)]
enum Recordings {
    /// In the program.
    Embedded,
    Folder(PathBuf),
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
    #[error(
        "number {number}: its fallback \"{fallback}\" is no destination of {receptionist}\n  mend: use one of: {known}"
    )]
    NoDestination { number: String, fallback: String, receptionist: String, known: String },
    #[error(
        "{path}: node \"{node}\" needs a language model, and there is none\n  mend: add a section [llm] to the configuration, or take {key} out"
    )]
    NoModel { path: PathBuf, node: String, key: &'static str },
    #[error(
        "{path}: node \"{node}\" needs a language model that speaks, and there is none\n  mend: add a section [speech_model] to the configuration, or take model = \"speech\" out"
    )]
    NoSpeechModel { path: PathBuf, node: String },
    #[error("{path}: {source}")]
    NoPlace { path: PathBuf, source: TapeError },
}

impl Desk {
    /// The sample receptionist that is part of the program.
    pub(crate) fn embedded() -> Result<Self, DeskError> {
        let path = Path::new("assets/receptionist.toml");
        let text = assets::file("receptionist.toml").unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        Self::build(path, &text, None, Recordings::Embedded, Speech::default())
    }

    /// The receptionist of a file, its recordings beside it; words are spoken by the voice of this machine.
    pub(crate) fn open(path: &Path) -> Result<Self, DeskError> {
        Self::open_with(path, None, Speech::default())
    }

    /// The names that flows of a receptionist's file may use.
    pub(crate) fn names(path: &Path) -> Result<Book, DeskError> {
        Ok(Self::receptionist(path)?.book())
    }

    /// The receptionist of a file, who need not be ready to work.
    pub(crate) fn receptionist(path: &Path) -> Result<Receptionist, DeskError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| DeskError::Read { path: path.to_owned(), source })?;
        Ok(Receptionist::parse(&path.display().to_string(), &text)?)
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
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::build(path, &text, flow, Recordings::Folder(folder), speech)
    }

    fn build(
        path: &Path,
        text: &str,
        flow: Option<&Path>,
        recordings: Recordings,
        speech: Speech,
    ) -> Result<Self, DeskError> {
        let receptionist = Receptionist::parse(&path.display().to_string(), text)?;
        let mut course = receptionist.course()?;
        let own = Document { file: path.display().to_string(), text: text.to_owned() };
        let mut flow_documents = Vec::new();
        if let Some(path) = flow {
            let flow = flows::open(path, &receptionist.book())?;
            Self::can_do(path, &flow)?;
            flow_documents = flows::documents(&flow);
            course.flow = Arc::new(flow);
        }
        let desk = Self {
            receptionist: Arc::new(receptionist),
            course,
            language: None,
            flow: None,
            documents: (own, flow_documents),
            recordings,
            places: TapeSettings::default(),
            models: Models::default(),
            answers: Vec::new(),
            sounds: HashMap::new(),
            ringing: ringing(),
            speech: Arc::new(speech),
        };
        desk.ready(path, None)
    }

    /// The same, with places for what calls keep: every flow of the desk must find its own there.
    pub(crate) fn keeping(mut self, path: &Path, places: TapeSettings) -> Result<Self, DeskError> {
        places
            .suit(&self.course.flow)
            .map_err(|source| DeskError::NoPlace { path: path.to_owned(), source })?;
        self.places = places;
        Ok(self)
    }

    /// The same, with language models: a flow that needs one must have it.
    pub(crate) fn writing(mut self, path: &Path, models: Models) -> Result<Self, DeskError> {
        self.models = models;
        let path = path.to_owned();
        if let Some((node, key)) = needs_model(&self.course.flow)
            && self.models.llm.is_none()
        {
            return Err(DeskError::NoModel { path, node, key });
        }
        match needs_speech(&self.course.flow).filter(|_| self.models.speech.is_none()) {
            Some(node) => Err(DeskError::NoSpeechModel { path, node }),
            None => Ok(self),
        }
    }

    /// The same receptionist for the calls to an inbound number, whose `flow` begins as the number says. What was learned
    /// and spoken for a desk that is `like` it is taken from there.
    pub(crate) fn at_number(
        &self,
        number: &InboundNumber,
        flow: Flow,
        version: Option<i64>,
        like: &Desk,
    ) -> Result<Self, DeskError> {
        let name = format!("flow {}", number.flow);
        let shown = Path::new(&name);
        Self::can_do(shown, &flow)?;
        let mut receptionist = self.receptionist.clone();
        let mut course = self.course.clone();
        if let Some(fallback) = Self::fallback(&self.receptionist, number)? {
            let mut changed = (*self.receptionist).clone();
            changed.fallback = fallback;
            course = changed.course()?;
            receptionist = Arc::new(changed);
        }
        let documents = (self.documents.0.clone(), flows::documents(&flow));
        course.flow = Arc::new(flow);
        let flow = version.map(|version| FlowRef { name: number.flow.clone(), version });
        let desk = Self {
            receptionist,
            course,
            language: number.language.clone(),
            flow,
            documents,
            recordings: self.recordings.clone(),
            places: self.places.clone(),
            models: self.models.clone(),
            answers: Vec::new(),
            sounds: HashMap::new(),
            ringing: self.ringing.clone(),
            speech: self.speech.clone(),
        };
        let places = self.places.clone();
        let models = self.models.clone();
        desk.ready(shown, Some(like))?.keeping(shown, places)?.writing(shown, models)
    }

    /// Who takes the callers of an inbound number whom its flow fails, if that is not the receptionist's own choice.
    pub(crate) fn fallback(
        receptionist: &Receptionist,
        number: &InboundNumber,
    ) -> Result<Option<DestinationId>, DeskError> {
        let Some(name) = &number.fallback else { return Ok(None) };
        let destinations = receptionist.destinations.iter();
        let known: Vec<_> = destinations.map(|it| it.name.as_str()).collect();
        let wrong = || DeskError::NoDestination {
            number: number.pattern.to_string(),
            fallback: name.clone(),
            receptionist: receptionist.name.clone(),
            known: known.join(", "),
        };
        receptionist.destination_named(name).map(Some).ok_or_else(wrong)
    }

    /// Whether calls can do what a flow wants, on this machine.
    pub(crate) fn can_do(shown: &Path, flow: &Flow) -> Result<(), DeskError> {
        let zone = facts::zone(flow.document().time_zone.as_deref());
        zone.map(drop).map_err(|cause| DeskError::Zone { path: shown.to_owned(), cause })
    }

    /// Learns what may be answered to its questions, and has its prompts ready to be heard.
    fn ready(mut self, path: &Path, like: Option<&Desk>) -> Result<Self, DeskError> {
        let known = like.map_or(&[][..], |desk| &desk.answers);
        let course = self.course.clone();
        for question in course.flow.questions().chain(course.last_resort.questions()) {
            let mut all = self.answers.iter().chain(known);
            let alike = all.find(|(known, _)| known.hears_like(question));
            let heard = match alike {
                Some((_, known)) => Some(known.clone()),
                None => Answers::to(question)
                    .map_err(|source| DeskError::Learn { path: path.to_owned(), source })?
                    .map(Arc::new),
            };
            self.answers.extend(heard.map(|heard| (question.clone(), heard)));
        }
        let receptionist = self.receptionist.clone();
        let flows = [&course.flow, &course.last_resort].into_iter();
        let said = receptionist.sounds().cloned();
        for said in said.chain(flows.flat_map(|flow| flow.fixed_sounds()).cloned()) {
            if self.sounds.contains_key(&said) {
                continue;
            }
            let sound = match (&said, like.and_then(|like| like.sounds.get(&said))) {
                (Sound::Spoken(_), Some(spoken)) => spoken.clone(),
                _ => self.prompt(path, &said)?.into(),
            };
            self.sounds.insert(said, sound);
        }
        Ok(self)
    }

    fn prompt(&self, path: &Path, sound: &Sound) -> Result<Vec<i16>, DeskError> {
        let path = path.to_owned();
        match sound {
            Sound::File(name) => {
                let bytes = self.recordings.load(name);
                let parse = |bytes: Vec<u8>| {
                    recording::parse(Path::new(name), &bytes).map_err(|error| error.to_string())
                };
                let prompt = name.clone();
                bytes.and_then(parse).map_err(|cause| DeskError::Prompt { path, prompt, cause })
            }
            Sound::Spoken(words) => {
                let wrong = |cause| DeskError::Spoken { path, words: words.clone(), cause };
                self.speech.say(words).map_err(wrong)
            }
        }
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

impl Recordings {
    fn load(&self, name: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Embedded => {
                assets::file(name).map(<[u8]>::to_vec).ok_or_else(|| "no such file".to_owned())
            }
            Self::Folder(folder) => {
                std::fs::read(folder.join(name)).map_err(|error| error.to_string())
            }
        }
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

/// The first node for which a flow needs a language model that speaks.
fn needs_speech(flow: &Flow) -> Option<String> {
    let needs = |deed: &Deed| matches!(deed, Deed::Converse(it) if it.model == Model::Speech);
    let mut nodes = flow.documents().flat_map(|document| &document.node);
    nodes.find_map(|(name, node)| needs(&node.deed).then(|| name.clone()))
}

/// The first node for which a flow needs a language model that writes, and what of it does.
fn needs_model(flow: &Flow) -> Option<(String, &'static str)> {
    let needs = |deed: &Deed| match deed {
        Deed::Converse(converse) if converse.model == Model::Text => Some("the node"),
        Deed::Say(Say { phrased: Some(_), .. }) | Deed::Ask(Ask { phrased: Some(_), .. }) => {
            Some("phrased")
        }
        _ => None,
    };
    let mut nodes = flow.documents().flat_map(|document| &document.node);
    nodes.find_map(|(name, node)| Some((name.clone(), needs(&node.deed)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use engines::synthesis::SynthesisConfig;

    fn with_words(speech: Speech) -> Result<Desk, DeskError> {
        let text = String::from_utf8_lossy(assets::file("receptionist.toml").unwrap_or_default())
            .replace("\"prompts/greeting.wav\"", "{ say = \"Good morning, how can I help?\" }");
        Desk::build(Path::new("desk.toml"), &text, None, Recordings::Embedded, speech)
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

    #[test]
    fn what_a_model_is_needed_for_is_refused_without_one() {
        let flow = |node: &str| {
            let text = format!("schema = 1\nname = \"f\"\nstart = \"node\"\n[node.node]\n{node}\n");
            let flow = Flow::parse("flow.toml", &text, &Book::default());
            flow.unwrap_or_else(|findings| panic!("{findings}"))
        };
        for (node, key) in [
            (
                "say = { prompt = \"Hi.\", phrased = \"Greet.\" }\nto = { done = \"hang_up\" }",
                Some("phrased"),
            ),
            (
                "converse = { prompt = \"Hi.\", about = \"We are here.\" }\nto = { done = \"hang_up\" }",
                Some("the node"),
            ),
            ("say = { prompt = \"Hi.\" }\nto = { done = \"hang_up\" }", None),
        ] {
            let needs = needs_model(&flow(node));
            assert_eq!(needs, key.map(|key| ("node".to_owned(), key)), "{node}");
        }
        let desk = |flow| {
            let mut desk = Desk::embedded().expect("well formed");
            desk.course.flow = Arc::new(flow);
            desk.writing(Path::new("desk.toml"), Models::default())
        };
        let needy = flow(
            "converse = { prompt = \"Hi.\", about = \"We are here.\" }\nto = { done = \"hang_up\" }",
        );
        let error = desk(needy).map(drop).expect_err("there is none").to_string();
        assert!(error.contains("[llm]") && error.contains("\"node\""), "{error}");
        let speaks = flow(
            "converse = { prompt = \"Hi.\", about = \"We are here.\", model = \"speech\" }\nto = { done = \"hang_up\" }",
        );
        assert_eq!(needs_model(&speaks), None);
        let error = desk(speaks).map(drop).expect_err("there is none").to_string();
        assert!(error.contains("[speech_model]") && error.contains("\"node\""), "{error}");
    }
}
