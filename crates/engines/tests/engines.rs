//! The real engines on a synthetic voice, 8 kHz after mu-law. Skipped, with a word, if the models
//! have not been fetched.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::mpsc::channel;
use std::time::Duration;

use audio::FRAME;
use audio::resample::Upsampler;
use engines::cost;
use engines::hearing::{Hearing, HearingConfig};
use engines::listener::{Heard, Listener, ListenerConfig, Output, ReadId};
use engines::models::{ModelPaths, Store};
use engines::moonshine::Moonshine;
use engines::phrases::Phrases;
use engines::recognizer::{Care, Reading, Recognizer, Request, Vad, WINDOW};
use engines::runtime::Runtime;
use engines::script::{Script, Step};
use engines::silero::{Silero, VadState};

/// "I forgot my password and I can't log in."
const SPEECH: &[u8] = include_bytes!("data/password.wav");

/// Far longer than anything here takes; it only keeps a broken test from hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Gives the models, or says why the test does nothing.
fn models() -> Option<ModelPaths> {
    let paths = Store::default_dir().and_then(Store::open).and_then(|store| store.paths());
    paths.inspect_err(|reason| eprintln!("skipped: {reason}")).ok()
}

/// Half a second of silence, the speech, and a second of silence, in frames.
fn call() -> Vec<[i16; FRAME]> {
    let mut samples = vec![0; 4_000];
    samples.extend(audio::wav::read(SPEECH).unwrap());
    samples.resize(samples.len() + 8_000, 0);
    samples.chunks_exact(FRAME).map(|frame| frame.try_into().unwrap()).collect()
}

fn engines(paths: &ModelPaths) -> (Silero, Moonshine) {
    let runtime = Runtime::load(&paths.onnxruntime).unwrap();
    let silero = Silero::load(&paths.silero).unwrap();
    (silero, Moonshine::load(runtime, &paths.moonshine_dir).unwrap())
}

#[test]
fn voice_activity_tells_speech_from_silence() {
    let Some(paths) = models() else { return };
    let (mut silero, _) = engines(&paths);
    let speech = audio::wav::read(SPEECH).unwrap();
    let mut state = VadState::default();
    let mut judge = |samples: &[i16]| {
        let window: [f32; WINDOW] = std::array::from_fn(|n| f32::from(samples[n]) / 32_768.0);
        silero.judge_alone(&mut state, &window).unwrap()
    };
    for _ in 0..20 {
        assert!(judge(&[0; WINDOW]) < 0.2);
    }
    let windows: Vec<_> = speech[2_400..19_200].chunks_exact(WINDOW).map(&mut judge).collect();
    let loud = windows.iter().filter(|probability| **probability > 0.5).count();
    assert!(loud * 10 > windows.len() * 8, "{windows:?}");
}

#[test]
fn a_reading_of_more_than_the_model_takes_has_all_the_words() {
    let Some(paths) = models() else { return };
    let (_, mut moonshine) = engines(&paths);
    let (mut once, mut samples) = (Vec::<f32>::new(), Vec::new());
    Upsampler::new().process(&audio::wav::read(SPEECH).unwrap(), &mut once);
    for pause in [6, 8, 0] {
        samples.extend(&once);
        samples.resize(samples.len() + pause * 16_000, 0.0);
    }
    let reading = moonshine.read(Request::of(&samples)).unwrap();
    assert_eq!(reading.text.matches("my password").count(), 3, "{}", reading.text);
    let again =
        moonshine.read(Request { guess: &reading.tokens, ..Request::of(&samples) }).unwrap();
    assert_eq!(again.text, reading.text);
}

#[test]
fn a_reading_has_the_words_with_and_without_a_guess() {
    let Some(paths) = models() else { return };
    let (_, mut moonshine) = engines(&paths);
    let mut samples = Vec::new();
    Upsampler::new().process(&audio::wav::read(SPEECH).unwrap(), &mut samples);

    let whole = moonshine.read(Request::of(&samples)).unwrap();
    assert_eq!(whole.text, "I forgot my password and I can't log in.");
    assert!(whole.confidence > 0.5, "{}", whole.confidence);
    let part = moonshine.read(Request::of(&samples[..samples.len() / 2])).unwrap();
    assert!(part.tokens.len() < whole.tokens.len());
    assert_eq!(
        moonshine.read(Request { guess: &part.tokens, ..Request::of(&samples) }).unwrap().text,
        whole.text
    );
    assert_eq!(
        moonshine.read(Request { guess: &whole.tokens, ..Request::of(&samples) }).unwrap().text,
        whole.text
    );

    assert_eq!(moonshine.read(Request::of(&samples[..1_000])).unwrap(), Reading::default());
    assert_eq!(moonshine.read(Request::of(&[])).unwrap(), Reading::default());
}

#[test]
fn phrases_are_leant_towards_and_never_made_up() {
    let Some(paths) = models() else { return };
    let (_, mut moonshine) = engines(&paths);
    let mut samples = Vec::new();
    Upsampler::new().process(&audio::wav::read(SPEECH).unwrap(), &mut samples);
    let mut read = |phrases: &[&str]| {
        let phrases = phrases.iter().copied().collect();
        let request = Request { phrases: &phrases, care: Care::Full, ..Request::of(&samples) };
        let first = moonshine.read(request).unwrap();
        let again = moonshine.read(Request { guess: &first.tokens, ..request }).unwrap();
        assert_eq!(again.text, first.text);
        first.text
    };
    assert_eq!(read(&["I forgot my password"]), "I forgot my password and I can't log in.");
    let coffee = ["iced mocha", "passion fruit", "a lot of cream", "can I get", "log cabin"];
    assert_eq!(read(&coffee), "I forgot my password and I can't log in.");
}

#[test]
fn the_sentence_of_a_script_that_was_said_is_the_likeliest() {
    let Some(paths) = models() else { return };
    let (_, mut moonshine) = engines(&paths);
    let mut samples = Vec::new();
    Upsampler::new().process(&audio::wav::read(SPEECH).unwrap(), &mut samples);
    // "i (forgot|reset|lost) my (password|passport) and i can't log (in|out)": twelve sentences.
    let choices: [&[&str]; 9] = [
        &["i"],
        &["forgot", "reset", "lost"],
        &["my"],
        &["password", "passport"],
        &["and"],
        &["i"],
        &["can't"],
        &["log"],
        &["in", "out"],
    ];
    let steps = choices.iter().zip(0..).flat_map(|(words, at)| {
        words.iter().map(move |word| (at, at + 1, Step::Say(vec![(*word).to_owned()])))
    });
    let script = Script::new(steps, &[choices.len() as u32]);
    let phrases = std::iter::empty::<&str>().collect::<Phrases>().with_script(script);
    let request = Request { phrases: &phrases, care: Care::Full, ..Request::of(&samples) };
    let scripted = moonshine.read(request).unwrap().scripted;
    let bare = |text: &str| text.to_lowercase().replace([',', '.', '?', '!', '-'], "");
    assert_eq!(bare(&scripted[0].text), "i forgot my password and i can't log in");
    assert!(scripted[0].log_ratio > -10.0, "{:?}", scripted[0]);
    assert_eq!(scripted[0].words.len(), choices.len());
    assert!(scripted.iter().skip(1).all(|other| other.log_ratio < scripted[0].log_ratio));
    let glance = Request { care: Care::Glance, ..request };
    assert!(moonshine.read(glance).unwrap().scripted.is_empty());
}

#[test]
fn words_have_places_in_order() {
    let Some(paths) = models() else { return };
    let (_, mut moonshine) = engines(&paths);
    let mut samples = Vec::new();
    Upsampler::new().process(&audio::wav::read(SPEECH).unwrap(), &mut samples);
    let reading = moonshine.read(Request::of(&samples)).unwrap();
    let words: Vec<_> = reading.words.iter().map(|word| &*word.text).collect();
    assert_eq!(words.join(" "), reading.text);
    assert!(reading.words.windows(2).all(|two| two[0].at.end <= two[1].at.start));
    assert!(reading.words.last().unwrap().at.end <= samples.len() as u64 / 2);
}

/// Runs the call in virtual time: engines take as long as the cost model says.
fn replay(silero: &mut Silero, moonshine: &mut Moonshine) -> Vec<Heard> {
    let mut listener = Listener::new(ListenerConfig::default());
    let mut state = VadState::default();
    let mut under_way: VecDeque<(Duration, ReadId, Reading)> = VecDeque::new();
    let mut heard = Vec::new();
    for (number, frame) in call().iter().enumerate() {
        let now = Duration::from_millis(20 * (number as u64 + 1));
        while under_way.front().is_some_and(|(done, ..)| *done <= now) {
            let (done, id, reading) = under_way.pop_front().unwrap();
            listener.read_done(done, id, Ok(reading));
        }
        listener.push(now, frame, (number * FRAME) as u64);
        while let Some(output) = listener.poll() {
            match output {
                Output::Heard(event) => heard.push(event),
                Output::Vad(window) => {
                    listener.vad(now, silero.judge_alone(&mut state, &window));
                }
                // Nobody else is read for: what was asked for has begun.
                Output::Instead(_) => listener.replaced(now, false),
                Output::Read(job) => {
                    let reading = moonshine.read(job.request()).unwrap();
                    let took = cost::reading(job.request(), &reading);
                    under_way.push_back((now + took, job.id, reading));
                }
            }
        }
    }
    heard
}

#[test]
fn a_call_in_virtual_time_is_the_same_every_time() {
    let Some(paths) = models() else { return };
    let (mut silero, mut moonshine) = engines(&paths);
    let heard = replay(&mut silero, &mut moonshine);
    let Some(Heard::Final(words)) = heard.last() else { panic!("{heard:?}") };
    assert!(words.text.contains("forgot my password"), "{}", words.text);
    let partials = heard.iter().filter(|event| matches!(event, Heard::Partial { .. })).count();
    assert!(partials >= 8, "{partials} partials");
    let early = heard.iter().find_map(|event| match event {
        Heard::Partial { words, .. } if words.text.contains("password") => Some(words.done),
        _ => None,
    });
    assert!(early.unwrap() < words.done - Duration::from_millis(900), "known while they speak");
    assert_eq!(heard, replay(&mut silero, &mut moonshine));
}

#[test]
fn a_call_is_heard_live() {
    let Some(paths) = models() else { return };
    // A machine that is busy with other tests may take long to read.
    let listener = ListenerConfig { read_limit: PATIENCE, ..ListenerConfig::default() };
    let config = HearingConfig { backlog: 1_000, listener, ..HearingConfig::default() };
    let hearing = Hearing::start(&paths, config).unwrap();
    let (sender, heard) = channel();
    let mut ear = hearing.ear(move |event| drop(sender.send(event))).unwrap();
    for (number, frame) in call().iter().enumerate() {
        ear.frame(frame, (number * FRAME) as u64);
    }
    let words = loop {
        if let Heard::Final(words) = heard.recv_timeout(PATIENCE).unwrap() {
            break words;
        }
    };
    assert!(words.text.contains("forgot my password"), "{}", words.text);
}
