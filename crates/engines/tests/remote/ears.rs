//! The live ears, with words from elsewhere: turns are found here, and read there.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use engines::chain::Recognition;
use engines::hearing::{Ear, Hearing, HearingConfig};
use engines::listener::Heard;
use engines::recognizer::{ReadError, Reading, Request, Vad, Window};
use tokio::runtime::Runtime;

use crate::call::{Vendor, recognition};
use crate::standin::{Fault, StandIn};
use crate::{SENTENCE, tones};

const HANG: Duration = Duration::from_secs(60);

/// Hears speech in what is loud.
struct Loudness;

impl Vad for Loudness {
    type State = ();

    fn judge(&mut self, windows: &mut [Window<()>]) {
        for window in windows {
            let loud = window.samples.iter().any(|sample| sample.abs() > 0.1);
            window.speech = Ok(if loud { 1.0 } else { 0.0 });
        }
    }
}

/// Says how long what it read was, in tenths of a second.
struct Ruler;

impl engines::recognizer::Recognizer for Ruler {
    fn read(&mut self, request: Request<'_>) -> Result<Reading, ReadError> {
        let text = format!("local {}", request.samples.len() / 1_600);
        Ok(Reading { text, confidence: 1.0, ..Reading::default() })
    }
}

struct Live {
    runtime: Runtime,
    hearing: Hearing,
    ear: Ear,
    heard: Receiver<Heard>,
    position: u64,
}

impl Live {
    fn new(runtime: Runtime, engines: &[(Vendor, &StandIn)], local: &str) -> Self {
        let recognition: Recognition = recognition(engines, local, runtime.handle().clone());
        let config = HearingConfig {
            recognition: Some(recognition),
            backlog: 100_000,
            inbox: 100_000,
            ..HearingConfig::default()
        };
        let hearing = Hearing::with_engines(Loudness, || Ok(Ruler), config).expect("it starts");
        let (tell, heard) = std::sync::mpsc::channel();
        let ear = hearing.ear(move |heard| drop(tell.send(heard))).expect("hearing runs");
        Self { runtime, hearing, ear, heard, position: 0 }
    }

    fn speak(&mut self, sound: &[i16]) {
        for frame in sound.as_chunks().0 {
            self.ear.frame(frame, self.position);
            self.position += audio::FRAME as u64;
        }
    }

    /// The words of the next turn that is over, and how many partials came before.
    fn outcome(&self) -> (String, usize) {
        let mut partials = 0;
        let mut over = false;
        loop {
            match self.heard.recv_timeout(HANG).expect("something is heard in time") {
                Heard::SpeechEnded { .. } => over = true,
                Heard::Partial { .. } => partials += 1,
                Heard::Final(words) => {
                    assert!(over, "the turn ends before its words are final");
                    return (words.text, partials);
                }
                Heard::Failed { cause, .. } => return (cause.to_string(), partials),
                _ => {}
            }
        }
    }

    fn end(self) {
        drop(self.ear);
        drop(self.hearing);
        self.runtime.shutdown_timeout(HANG);
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn spoken(text: &str) -> Vec<i16> {
    [vec![0; 4_000], tones::speak(text), vec![0; 8_000]].concat()
}

#[test]
fn the_words_of_a_call_come_from_elsewhere() {
    let runtime = runtime();
    let server = runtime.block_on(Vendor::Deepgram.start(Fault::None));
    let mut live = Live::new(runtime, &[(Vendor::Deepgram, &server)], "");
    for sentence in [SENTENCE, "golf", SENTENCE] {
        live.speak(&spoken(sentence));
        let (words, partials) = live.outcome();
        assert_eq!(words, sentence);
        assert!(partials > 0);
    }
    assert!(live.heard.try_recv().is_err(), "each turn is told once");
    live.end();
}

#[test]
fn the_local_engine_reads_the_whole_turn_when_the_vendor_fails() {
    for fault in [Fault::Refuse, Fault::Reset(3), Fault::Mute, Fault::HalfOpen(3)] {
        let runtime = runtime();
        let server = runtime.block_on(Vendor::Deepgram.start(fault));
        let mut live = Live::new(runtime, &[(Vendor::Deepgram, &server)], ", \"local\"");
        live.speak(&spoken(SENTENCE));
        let (words, _) = live.outcome();
        let tenths: u32 = words
            .strip_prefix("local ")
            .unwrap_or_else(|| panic!("{fault:?}: {words}"))
            .parse()
            .unwrap();
        assert!((29..40).contains(&tenths), "{fault:?}: {words}, where ten words take 29");
        live.end();
    }
}

#[test]
fn a_turn_that_no_engine_hears_has_failed() {
    let runtime = runtime();
    let server = runtime.block_on(Vendor::Deepgram.start(Fault::Refuse));
    let mut live = Live::new(runtime, &[(Vendor::Deepgram, &server)], "");
    live.speak(&spoken("echo"));
    assert!(live.outcome().0.contains("the key was refused"));
    live.end();
}
