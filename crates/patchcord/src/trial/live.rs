//! A trial in real time: for engines that are elsewhere, and cannot be hurried.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use engines::hearing::Hearing;
use engines::listener::{Heard, Stage};
use engines::phrases::Phrases;
use intent::Understanding;

use super::{Outcome, Trial};
use crate::replay::CallerLine;

/// Silence after each recording in which nobody's voice is found: then nothing more is to come.
const QUIET: Duration = Duration::from_secs(1);
/// How long words are waited for after that; every engine has failed long before.
const PATIENCE: Duration = Duration::from_secs(60);

/// Hears `audio` (8 kHz) as it would come over a line, and decides what was wanted. It takes as long as the audio.
pub(crate) fn attempt(
    hearing: &Hearing,
    understanding: Option<&Understanding>,
    phrases: &Phrases,
    audio: &[i16],
) -> Outcome {
    let mut trial = Trial { understanding, ..Trial::default() };
    let (tell, told) = mpsc::channel();
    let began = Instant::now();
    let ear = hearing.ear_with(phrases.clone(), move |heard| {
        // Nobody waits for what comes after the end.
        let _ = tell.send((began.elapsed(), heard));
    });
    let mut ear = match ear {
        Ok(ear) => ear,
        Err(stopped) => return trial.troubled(stopped.to_string()),
    };
    let mut line = CallerLine::new(audio);
    line.answered(Duration::ZERO);
    let mut frame_due = line.first_frame_after(Duration::ZERO);
    let quiet = frame_due + audio::duration_of(audio.len() as u64) + QUIET;
    let mut owed = Owed::default();
    loop {
        match told.recv_timeout(frame_due.saturating_sub(began.elapsed())) {
            Ok((at, heard)) => {
                owed.heard(&heard);
                trial.hears(at, heard);
            }
            Err(RecvTimeoutError::Disconnected) => {
                return trial.troubled("hearing has ended".to_owned());
            }
            Err(RecvTimeoutError::Timeout) => {
                if frame_due > quiet && owed.is_nothing() {
                    break;
                }
                if frame_due > quiet + PATIENCE {
                    trial.outcome.troubles.push("the last words never came".to_owned());
                    break;
                }
                for frame in line.arrival(frame_due).frames {
                    trial.clock.frame(frame.position, frame.arrived);
                    ear.frame(&frame.samples, frame.position);
                }
                frame_due = line.next(frame_due);
            }
        }
    }
    if ear.dropped() > 0 {
        let lost = audio::FRAME_TIME * u32::try_from(ear.dropped()).unwrap_or(u32::MAX);
        trial
            .outcome
            .troubles
            .push(format!("{} ms were not heard: this machine is too busy", lost.as_millis()));
    }
    trial.outcome
}

/// What is still to be told.
#[derive(Default)]
struct Owed {
    sensed: bool,
    turns: BTreeSet<u32>,
}

impl Owed {
    fn heard(&mut self, heard: &Heard) {
        match heard {
            Heard::VoiceSensed { .. } => self.sensed = true,
            Heard::VoiceVanished | Heard::SpeechResumed { .. } => self.sensed = false,
            Heard::SpeechStarted { turn, .. } => {
                self.sensed = false;
                self.turns.insert(*turn);
            }
            Heard::Final(words) => drop(self.turns.remove(&words.turn)),
            Heard::Failed { turn: Some(turn), stage: Stage::Final, .. } => {
                self.turns.remove(turn);
            }
            _ => {}
        }
    }

    fn is_nothing(&self) -> bool {
        !self.sensed && self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use engines::chain::{Policy, Recognition};
    use engines::hearing::HearingConfig;
    use engines::recognizer::{ReadError, Reading, Recognizer, Request, Vad, Window};
    use engines::remote::config::RecognitionConfig;
    use futures_util::{SinkExt, StreamExt};
    use std::path::Path;
    use tokio::net::TcpListener;
    use tokio::runtime::Runtime;
    use tokio_tungstenite::accept_async;
    use tokio_tungstenite::tungstenite::Message;

    use super::*;

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

    /// Is never asked, since the engine that was chosen is the only one.
    struct Unasked;

    impl Recognizer for Unasked {
        fn read(&mut self, _: Request<'_>) -> Result<Reading, ReadError> {
            panic!("the local engine was asked");
        }
    }

    /// A Vosk server for one turn, which hears the same whatever is said.
    async fn vosk(listener: TcpListener) {
        let (stream, _) = listener.accept().await.expect("somebody connects");
        let mut socket = accept_async(stream).await.expect("a WebSocket");
        while let Some(Ok(message)) = socket.next().await {
            let end = matches!(&message, Message::Text(text) if text.contains("eof"));
            let answer = match message {
                Message::Binary(_) => r#"{"partial": "a"}"#,
                _ if end => {
                    r#"{"result": [{"word": "a", "start": 0.1, "end": 0.2, "conf": 1.0},
                        {"word": "latte", "start": 0.2, "end": 0.5, "conf": 1.0}], "text": "a latte"}"#
                }
                _ => continue,
            };
            socket.send(Message::text(answer)).await.expect("it is taken");
            if end {
                break;
            }
        }
    }

    fn hearing(runtime: &Runtime, port: u16) -> Hearing {
        let config: RecognitionConfig =
            toml::from_str(&format!("[vosk]\nurl = \"ws://127.0.0.1:{port}\"")).expect("right");
        let vosk = config.only("vosk", Path::new("")).expect("known");
        let handle = runtime.handle().clone();
        let recognition = Recognition::new(vec![vosk], Policy::default(), handle).expect("a chain");
        let config = HearingConfig { recognition: Some(recognition), ..HearingConfig::default() };
        Hearing::with_engines(Loudness, || Ok(Unasked), config).expect("threads")
    }

    /// Half a second of sound between silences.
    fn sound() -> Vec<i16> {
        let loud = (0..4_000).map(|n| if n % 20 < 10 { 8_000 } else { -8_000 });
        [vec![0; 2_000], loud.collect(), vec![0; 1_000]].concat()
    }

    #[test]
    fn an_engine_elsewhere_hears_a_recording() {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let server = runtime.spawn(vosk(listener));
        let hearing = hearing(&runtime, port);
        let outcome = attempt(&hearing, None, &Phrases::default(), &sound());
        assert_eq!(outcome.words, "a latte", "{outcome:?}");
        assert!(outcome.troubles.is_empty() && outcome.speech_end.is_some(), "{outcome:?}");
        runtime.block_on(server).expect("it did not panic");
    }

    #[test]
    fn an_engine_that_is_not_there_is_a_trouble() {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let hearing = hearing(&runtime, port);
        let outcome = attempt(&hearing, None, &Phrases::default(), &sound());
        assert_eq!(outcome.words, "");
        assert!(outcome.troubles[0].contains("vosk"), "{outcome:?}");
    }
}
