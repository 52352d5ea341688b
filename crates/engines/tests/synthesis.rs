//! The mouth with voices made up for the test, and with real ones where they are installed.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use audio::g711;
use audio::resample::Upsampler;
use engines::models::{ModelPaths, Store};
use engines::moonshine::Moonshine;
use engines::recognizer::{Recognizer, Request};
use engines::runtime::Runtime;
use engines::synthesis::flite;
use engines::synthesis::piper::{Piper, PiperOptions};
use engines::synthesis::{
    LONGEST_TEXT, LocalVoices, Mouth, MouthConfig, Outlet, Said, SpeakError, SynthesisConfig,
    Synthesizer,
};

/// What a made-up voice does with a passage.
type Deed = Box<dyn Fn(&str, &mut Outlet<'_>) -> Result<(), SpeakError> + Send + Sync>;

/// A voice made up for a test, which counts what it is asked for.
struct Made {
    name: &'static str,
    asked: AtomicUsize,
    deed: Deed,
}

impl Made {
    fn new(
        name: &'static str,
        deed: impl Fn(&str, &mut Outlet<'_>) -> Result<(), SpeakError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { name, asked: AtomicUsize::new(0), deed: Box::new(deed) })
    }

    /// 50 samples at 8 kHz for each letter.
    fn talker(name: &'static str) -> Arc<Self> {
        Self::new(name, |passage, outlet| outlet.push(8_000, &sound(50 * passage.len())))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Synthesizer for Made {
    fn name(&self) -> &str {
        self.name
    }

    fn speak(&self, passage: &str, outlet: &mut Outlet<'_>) -> Result<(), SpeakError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        (self.deed)(passage, outlet)
    }
}

fn sound(samples: usize) -> Vec<f32> {
    (0..samples).map(|n| if n % 8 < 4 { 0.1 } else { -0.1 }).collect()
}

fn mouth(voices: &[Arc<Made>]) -> Mouth {
    mouth_of(voices, MouthConfig { workers: NonZeroUsize::MIN, ..MouthConfig::default() })
}

fn mouth_of(voices: &[Arc<Made>], config: MouthConfig) -> Mouth {
    let voices = voices.iter().map(|voice| voice.clone() as Arc<dyn Synthesizer>);
    Mouth::start(voices.collect(), config).unwrap()
}

#[test]
fn a_text_is_spoken_by_passages_and_the_second_time_from_the_cache() {
    let voice = Made::talker("a");
    let mouth = mouth(std::slice::from_ref(&voice));
    let (first, report) = mouth.say("Hello there. How are you?").unwrap().all_blocking().unwrap();
    assert_eq!((report.passages, voice.asked()), ((2, 0), 2));
    assert_eq!(first.len(), 50 * "Hello there.How are you?".len() + 1_920);
    assert_eq!(report.samples, first.len());
    let (again, report) = mouth.say("Hello there. How are you?").unwrap().all_blocking().unwrap();
    assert_eq!((report.passages, voice.asked()), ((2, 2), 2));
    assert_eq!(again, first);
    let (empty, report) = mouth.say(" \n ").unwrap().all_blocking().unwrap();
    assert!(empty.is_empty() && report.first_audio.is_none());
}

#[test]
fn the_first_passage_is_heard_while_the_second_is_made() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let voice = Made::new("a", move |passage, outlet| {
        if passage.starts_with("Second") {
            wait.lock().unwrap().recv().unwrap();
        }
        outlet.push(8_000, &sound(1_000))
    });
    let mouth = mouth(&[voice]);
    let mut utterance = mouth.say("First. Second.").unwrap();
    assert!(matches!(utterance.next_blocking(), Some(Said::Audio(_))));
    go.send(()).unwrap();
    utterance.all_blocking().unwrap();
}

#[test]
fn a_voice_that_fails_unheard_leaves_no_trace_and_stays_silent_for_the_rest() {
    let broken = Made::new("broken", |_, _| Err(SpeakError::Server("503".into())));
    let spare = Made::talker("spare");
    let mouth = mouth(&[broken.clone(), spare.clone()]);
    let (samples, report) = mouth.say("One. Two. Three.").unwrap().all_blocking().unwrap();
    assert_eq!(samples.len(), 50 * "One.Two.Three.".len() + 2 * 1_920);
    assert_eq!((broken.asked(), spare.asked()), (1, 3));
    assert_eq!(report.voice, "spare");
    let [switch] = &report.switches[..] else { panic!("{report:?}") };
    assert_eq!((&*switch.from, &*switch.to, switch.repeats), ("broken", "spare", false));
}

#[test]
fn a_voice_that_breaks_off_is_followed_by_the_whole_passage_and_that_is_said() {
    let broken = Made::new("broken", |_, outlet| {
        outlet.push(8_000, &sound(400))?;
        Err(SpeakError::BrokeOff("connection reset".into()))
    });
    let mouth = mouth(&[broken, Made::talker("spare")]);
    let (samples, report) = mouth.say("One two.").unwrap().all_blocking().unwrap();
    assert_eq!(samples.len(), 400 + 50 * "One two.".len());
    assert!(report.switches[0].repeats);
}

#[test]
fn silence_and_a_crash_are_failures_too() {
    let silent = Made::new("silent", |_, outlet| outlet.push(8_000, &[0.0; 8_000]));
    let crash = Made::new("crash", |_, _| panic!("on purpose"));
    let mouth = mouth(&[silent, crash, Made::talker("spare")]);
    let (samples, report) = mouth.say("Hello.").unwrap().all_blocking().unwrap();
    assert_eq!(samples.len(), 50 * "Hello.".len());
    let why: Vec<_> = report.switches.iter().map(|switch| &switch.why).collect();
    assert!(matches!(why[..], [SpeakError::Silent, SpeakError::Engine(_)]), "{why:?}");
}

#[test]
fn a_voice_that_keeps_failing_is_left_alone_and_the_last_error_is_told() {
    let limited = Made::new("limited", |_, _| Err(SpeakError::Limited { after: None }));
    let mouth = mouth(&[limited.clone(), Made::talker("spare")]);
    for text in ["One.", "Two.", "Three."] {
        mouth.say(text).unwrap().all_blocking().unwrap();
    }
    assert_eq!(limited.asked(), 1);
    let alone = Made::new("alone", |_, _| Err(SpeakError::Server("500".into())));
    let mouth = self::mouth(std::slice::from_ref(&alone));
    for _ in 0..4 {
        let error = mouth.say("One.").unwrap().all_blocking().unwrap_err();
        assert_eq!(error, SpeakError::Server("500".into()));
    }
    assert_eq!(alone.asked(), 4, "there is no other");
}

#[test]
fn dropping_an_utterance_frees_the_thread_that_waits_for_it() {
    let (began, begins) = mpsc::channel();
    let voice = Made::new("stuck", move |passage, outlet| {
        if passage.starts_with("Stuck") {
            began.send(()).unwrap();
            return outlet.wait(std::future::pending());
        }
        outlet.push(8_000, &sound(800))
    });
    let mouth = mouth(&[voice]);
    let stuck = mouth.say("Stuck.").unwrap();
    begins.recv().unwrap();
    drop(stuck);
    // There is only one thread: this comes only if it is free again.
    mouth.say("Free.").unwrap().all_blocking().unwrap();
}

#[test]
fn waiting_utterances_are_bounded_and_dropped_ones_do_not_count() {
    let (began, begins) = mpsc::channel();
    let voice = Made::new("stuck", move |_, outlet| {
        began.send(()).unwrap();
        outlet.wait(std::future::pending())
    });
    let config = MouthConfig { workers: NonZeroUsize::MIN, waiting: 2, ..MouthConfig::default() };
    let mouth = mouth_of(&[voice], config);
    let _busy = mouth.say("One.").unwrap();
    begins.recv().unwrap();
    let _second = mouth.say("Two.").unwrap();
    let third = mouth.say("Three.").unwrap();
    assert_eq!(mouth.say("Four.").unwrap_err(), SpeakError::Overloaded);
    drop(third);
    assert!(mouth.say("Four.").is_ok());
    let long = "x".repeat(LONGEST_TEXT + 1);
    assert_eq!(mouth.say(&long).unwrap_err(), SpeakError::TooLong(long.len()));
}

#[tokio::test]
async fn a_mouth_may_be_used_and_dropped_on_an_async_thread() {
    let mouth = mouth(&[Made::talker("a")]);
    let mut utterance = mouth.say("Hello.").unwrap();
    assert!(matches!(utterance.next().await, Some(Said::Audio(_))));
    assert!(matches!(utterance.next().await, Some(Said::Done(_))));
    assert_eq!(utterance.next().await, None);
    drop(mouth);
}

/// Gives the models, or says why the test does nothing.
fn models() -> Option<ModelPaths> {
    let paths = Store::default_dir().and_then(Store::open).and_then(|store| store.paths());
    paths.inspect_err(|reason| eprintln!("skipped: {reason}")).ok()
}

/// A stand-in in Piper's format: a tone for each symbol, from the operators that a real voice is made of.
fn tones() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/voice/tones.onnx")
}

#[test]
fn a_voice_in_pipers_format_speaks_from_letters_and_from_phonemes() {
    let Some(paths) = models() else { return };
    let runtime = Runtime::load(&paths.onnxruntime).unwrap();
    let folder = std::env::temp_dir().join(format!("patchcord-voice-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let letters = folder.join("letters.onnx");
    std::fs::copy(tones(), &letters).unwrap();
    let json = std::fs::read_to_string(format!("{}.json", tones().display())).unwrap();
    let json = json.replace("\"phoneme_type\": \"espeak\"", "\"phoneme_type\": \"text\"");
    std::fs::write(folder.join("letters.onnx.json"), json).unwrap();
    let say = |model: &Path, options: &PiperOptions, text: &str| {
        let voice = Piper::load(runtime, model, options).unwrap();
        let mouth = Mouth::start(vec![Arc::new(voice)], MouthConfig::default()).unwrap();
        mouth.say(text).unwrap().all_blocking().unwrap().0
    };
    let plain = PiperOptions::default();
    // Each symbol and each pad takes 2 * 256 samples at 22,050 Hz, which is 185.8 at 8 kHz.
    let seconds = |symbols: usize| (2 * symbols + 3) as f32 * 512.0 / 22_050.0;
    let length = |samples: &[i16]| samples.len() as f32 / 8_000.0;
    let abc = say(&letters, &plain, "abc");
    assert!((length(&abc) - seconds(3)).abs() < 0.06, "{} s", length(&abc));
    let long = say(&letters, &plain, "abc abc");
    assert!((length(&long) - seconds(7)).abs() < 0.06, "{} s", length(&long));
    let slow = PiperOptions { length_scale: Some(2.0), ..plain.clone() };
    let slow = length(&say(&letters, &slow, "abc"));
    assert!((slow / length(&abc) - 2.0).abs() < 0.1, "{slow} s");
    let high = PiperOptions { speaker: Some("high".into()), ..PiperOptions::default() };
    assert_ne!(say(&letters, &high, "abc"), abc);
    let nobody = PiperOptions { speaker: Some("nobody".into()), ..PiperOptions::default() };
    assert!(Piper::load(runtime, &letters, &nobody).is_err());
    std::fs::remove_dir_all(folder).unwrap();

    match Piper::load(runtime, &tones(), &plain) {
        // "two" has as many phonemes as espeak-ng says, and a full stop: tˈuː.
        Ok(_) => {
            let two = length(&say(&tones(), &plain, "2"));
            assert!((two - seconds(5)).abs() < 0.06, "{two} s");
        }
        Err(reason) => eprintln!("skipped: {reason}"),
    }
}

#[test]
fn a_voice_placed_in_the_models_folder_is_found_by_its_name() {
    let Some(paths) = models() else { return };
    let mut local = LocalVoices {
        onnxruntime: Some(paths.onnxruntime),
        folder: tones().parent().map(Path::to_owned),
        pronounce: Some(|_| "T UW".to_owned()),
    };
    let mut config = SynthesisConfig::default();
    config.choose("tones");
    let mouth = Mouth::build(&config, &local).unwrap();
    assert!(mouth.voice().starts_with("piper tones"), "{}", mouth.voice());
    assert!(!mouth.say("Two.").unwrap().all_blocking().unwrap().0.is_empty());
    config.voice = Some("nobody".into());
    let error = Mouth::build(&config, &local).map(drop).unwrap_err().to_string();
    assert!(error.contains("\"nobody\"") && error.contains("tones"), "{error}");
    config.voice = Some("tones.onnx".into());
    assert!(Mouth::build(&config, &local).unwrap().voice().starts_with("piper tones"));
    config.voice = None;
    assert!(Mouth::build(&config, &local).unwrap().voice().starts_with("piper tones"));
    let half = std::env::temp_dir().join(format!("patchcord-half-{}", std::process::id()));
    std::fs::create_dir_all(half.join("voices")).unwrap();
    std::fs::copy(tones(), half.join("voices/half.onnx")).unwrap();
    let without = LocalVoices { folder: Some(half.clone()), ..local.clone() };
    config.voice = Some("half".into());
    let error = Mouth::build(&config, &without).map(drop).unwrap_err().to_string();
    assert!(error.contains("half.onnx.json") && error.contains("beside it"), "{error}");
    std::fs::remove_dir_all(half).unwrap();
    config.voice = None;
    local.onnxruntime = None;
    let error = Mouth::build(&config, &local).map(drop).unwrap_err().to_string();
    assert!(error.contains("patchcord models fetch"), "{error}");
}

/// What a receptionist says, as Moonshine should write it, which knows no punctuation here and spells numbers out.
const SENTENCES: [&str; 30] = [
    "thank you for calling how can i help you today",
    "i am connecting you to the sales department",
    "please hold the line while i find somebody for you",
    "nobody is free at the moment please try again later",
    "our office is open from monday to friday",
    "your call is important to us",
    "i did not understand that could you say it again",
    "the person you want to speak to is on another call",
    "would you like to leave a message after the tone",
    "please tell me your name and your company",
    "i will put you through to the help desk",
    "your appointment is on tuesday at ten in the morning",
    "we are closed on public holidays",
    "please say or enter your account number",
    "the next agent will be with you in a few minutes",
    "your order has been shipped this morning",
    "is there anything else that i can do for you",
    "goodbye and have a nice day",
    "for questions about your invoice press two",
    "you can also send us a letter or an email",
    "the meeting room is on the second floor",
    "please wait while i check our system",
    "your password was changed successfully",
    "i am sorry to hear that let me get you some help",
    "our technicians are working on the problem",
    "delivery takes between three and five days",
    "we have sent you a text message with a link",
    "this call may be recorded for quality purposes",
    "the doctor will call you back this afternoon",
    "are you still there please say something",
];

/// At most this part of the words may be read wrongly; 8.3 % is measured.
const WORD_ERROR: f64 = 0.12;

/// Flite's best voice, and the Piper voice that would speak on this machine.
fn mouths(onnxruntime: &Path) -> Vec<Mouth> {
    let local = LocalVoices {
        onnxruntime: Some(onnxruntime.to_owned()),
        folder: Store::default_dir().ok(),
        pronounce: None,
    };
    let mut best = SynthesisConfig::default();
    best.choose(flite::BEST_VOICE);
    let mut mouths = Vec::new();
    for (wanted, config) in [("flite", best), ("piper", SynthesisConfig::default())] {
        match Mouth::build(&config, &local) {
            Ok(mouth) if mouth.voice().starts_with(wanted) => mouths.push(mouth),
            Ok(_) => eprintln!("skipped: no {wanted} voice in {:?}", local.folder),
            Err(reason) => eprintln!("skipped: {reason}"),
        }
    }
    mouths
}

#[test]
fn what_is_spoken_is_understood_over_a_telephone_line() {
    let Some(paths) = models() else { return };
    let runtime = Runtime::load(&paths.onnxruntime).unwrap();
    let mut moonshine = Moonshine::load(runtime, &paths.moonshine_dir).unwrap();
    for mouth in mouths(&paths.onnxruntime) {
        let rate = word_error(&mouth, &mut moonshine);
        assert!(rate <= WORD_ERROR, "{}: {rate}", mouth.voice());
    }
}

/// The part of the words that is read wrongly.
fn word_error(mouth: &Mouth, moonshine: &mut Moonshine) -> f64 {
    let (mut wrong, mut words) = (0, 0);
    for sentence in SENTENCES {
        let (samples, _) = mouth.say(sentence).unwrap().all_blocking().unwrap();
        let line: Vec<i16> = samples
            .iter()
            .map(|sample| g711::decode_ulaw_sample(g711::encode_ulaw_sample(*sample)))
            .collect();
        let mut wide: Vec<f32> = vec![0.0; 4_000];
        Upsampler::new().process(&line, &mut wide);
        wide.resize(wide.len() + 4_000, 0.0);
        let read = moonshine.read(Request::of(&wide)).unwrap().text;
        let errors = word_errors(sentence, &read);
        if errors > 0 {
            eprintln!("{errors}  {sentence}\n   {read}");
        }
        wrong += errors;
        words += sentence.split_whitespace().count();
    }
    let rate = wrong as f64 / words as f64;
    eprintln!("{}: word error {:.1} % ({wrong} of {words})", mouth.voice(), 100.0 * rate);
    rate
}

/// Words that are missing, added or another.
fn word_errors(said: &str, read: &str) -> usize {
    let plain = |text: &str| -> Vec<String> {
        let letters = |c: char| c.is_alphanumeric() || c == ' ';
        let text = text.to_lowercase().replace(['-', '.', ','], " ");
        text.chars()
            .filter(|c| letters(*c))
            .collect::<String>()
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    let (said, read) = (plain(said), plain(read));
    let mut row: Vec<usize> = (0..=read.len()).collect();
    for (n, word) in said.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], n + 1);
        for (m, other) in read.iter().enumerate() {
            let swapped = diagonal + usize::from(word != other);
            diagonal = row[m + 1];
            row[m + 1] = swapped.min(diagonal + 1).min(row[m] + 1);
        }
    }
    row[read.len()]
}
