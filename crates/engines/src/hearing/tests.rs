use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::recognizer::{ReadError, Reading, Request, WINDOW, Window};

/// Hears speech in what is loud.
struct Loudness;

impl Vad for Loudness {
    type State = ();

    fn judge(&mut self, windows: &mut [Window<()>]) {
        for window in windows {
            window.speech = Ok(if window.samples[WINDOW / 2].abs() > 0.1 { 0.9 } else { 0.05 });
        }
    }
}

/// Reads any audio as the same words.
struct Parrot;

impl Recognizer for Parrot {
    fn read(&mut self, _: Request<'_>) -> Result<Reading, ReadError> {
        Ok(Reading { text: "hello".into(), confidence: 1.0, ..Reading::default() })
    }
}

const LOUD: [i16; FRAME] = [8_000; FRAME];
const QUIET: [i16; FRAME] = [0; FRAME];
/// Far longer than any of this takes; it only keeps a broken test from hanging.
const PATIENCE: Duration = Duration::from_secs(20);

fn hearing(backlog: usize) -> Hearing {
    let config = HearingConfig { backlog, workers: NonZeroUsize::MIN, ..HearingConfig::default() };
    Hearing::with_engines(Loudness, || Ok(Parrot), config).unwrap()
}

fn ear(hearing: &Hearing) -> (Ear, Receiver<Heard>) {
    let (sender, heard) = channel();
    let ear = hearing.ear(move |event| {
        let _ = sender.send(event);
    });
    (ear.unwrap(), heard)
}

fn say(ear: &mut Ear, from_frame: u64) {
    let frames = [LOUD; 40].into_iter().chain([QUIET; 40]);
    for (frame, number) in frames.zip(from_frame..) {
        ear.frame(&frame, number * FRAME as u64);
    }
}

fn wait_for_final(heard: &Receiver<Heard>) -> String {
    loop {
        if let Heard::Final(words) = heard.recv_timeout(PATIENCE).unwrap() {
            return words.text;
        }
    }
}

/// What comes after the first sign of it.
fn after_the_sign(heard: &Receiver<Heard>) -> Heard {
    loop {
        let next = heard.recv_timeout(PATIENCE).unwrap();
        if !matches!(next, Heard::VoiceSensed { .. } | Heard::VoiceVanished) {
            return next;
        }
    }
}

#[test]
fn calls_are_heard_side_by_side() {
    let hearing = hearing(1_000);
    let mut ears: Vec<_> = (0..5).map(|_| ear(&hearing)).collect();
    for (ear, _) in &mut ears {
        say(ear, 0);
    }
    for (ear, heard) in &ears {
        assert!(matches!(after_the_sign(heard), Heard::SpeechStarted { turn: 1, .. }));
        assert_eq!(wait_for_final(heard), "hello");
        assert_eq!(ear.dropped(), 0);
    }
    assert_eq!(hearing.health(), PoolHealth { alive: 1, restarts: 0, refused: 0 });
}

#[test]
fn a_full_backlog_drops_frames_and_counts_them() {
    let hearing = hearing(50);
    let (entered, is_in) = channel();
    let (release, released) = channel::<()>();
    let mut first = hearing
        .ear(move |_| {
            let _ = entered.send(());
            let _ = released.recv();
        })
        .unwrap();
    for number in 0..10 {
        first.frame(&LOUD, number * FRAME as u64);
    }
    is_in.recv_timeout(PATIENCE).unwrap();

    let (mut second, heard) = ear(&hearing);
    say(&mut second, 0);
    assert_eq!(second.dropped(), 30, "of 80 frames 50 fit");
    drop(release);
    assert!(matches!(after_the_sign(&heard), Heard::SpeechStarted { .. }));
}

#[test]
fn a_callback_that_panics_costs_its_own_call_only() {
    let hearing = hearing(1_000);
    let mut bad = hearing.ear(|_| panic!("as the test wants")).unwrap();
    let (mut good, heard) = ear(&hearing);
    say(&mut bad, 0);
    say(&mut good, 0);
    assert_eq!(wait_for_final(&heard), "hello");
}

#[test]
fn an_ear_that_is_dropped_lets_go_of_its_callback() {
    let hearing = hearing(1_000);
    let (mut ear, heard) = ear(&hearing);
    say(&mut ear, 0);
    drop(ear);
    while heard.recv_timeout(PATIENCE).is_ok() {}
    assert!(matches!(heard.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected)));
}

#[test]
fn a_reset_starts_afresh() {
    let hearing = hearing(1_000);
    let (mut ear, heard) = ear(&hearing);
    say(&mut ear, 0);
    wait_for_final(&heard);
    assert!(ear.reset());
    say(&mut ear, 10);
    let started = after_the_sign(&heard);
    let Heard::SpeechStarted { turn: 2, at } = started else { panic!("{started:?}") };
    assert_eq!(at, 10 * FRAME as u64, "positions may even go back");
}

#[test]
fn ending_joins_the_threads_and_ears_outlive_it() {
    let hearing = hearing(1_000);
    let (mut ear, heard) = ear(&hearing);
    say(&mut ear, 0);
    drop(hearing);
    while heard.recv_timeout(PATIENCE).is_ok() {}
    ear.frame(&LOUD, 0);
    assert_eq!(ear.dropped(), 1);
}
