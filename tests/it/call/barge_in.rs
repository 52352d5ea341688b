//! A caller makes a sound over a prompt: it is held, and goes on or is answered; silence never lasts.

use std::time::Duration;

use call::{Command, Input, Stage};
use intent::Cut;
use proptest::prelude::*;

use super::scene::{Scene, call, heard};

const BILLING: u32 = 0;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn sensed() -> Input {
    Input::VoiceSensed { at: Duration::ZERO }
}

#[test]
fn the_first_sign_holds_the_prompt_and_a_false_one_lets_it_go_on() {
    let mut scene = Scene::conversing();
    scene.after(500, sensed());
    assert_eq!(scene.commands(), ["hold"]);
    scene.after(90, Input::VoiceVanished);
    assert_eq!(scene.commands(), ["resume"]);
    scene.after(500, sensed());
    assert_eq!(scene.commands(), ["hold"]);
    scene.wakes();
    assert_eq!(scene.commands(), ["resume"], "also when nobody says that it was false");
}

#[test]
fn a_cough_or_a_sign_of_listening_lets_the_prompt_go_on() {
    for text in ["", "Uh-huh.", "Mm, okay."] {
        let mut scene = Scene::conversing();
        scene.after(500, sensed()).speaks();
        assert_eq!(scene.commands(), ["hold"], "once");
        scene.hears(text, Cut::MidWord, BILLING, 0.99);
        assert_eq!(scene.commands(), [""; 0]);
        scene.hears(text, Cut::AtPause, BILLING, 0.99);
        assert_eq!(scene.commands(), ["resume"], "{text:?}");
        scene.falls_silent().hears(text, Cut::Final, BILLING, 0.99);
        assert_eq!(scene.commands(), [""; 0], "it plays");
        scene.ends(900, "greeting");
        assert_eq!(scene.wakes().commands(), ["play still_there"]);
    }
}

#[test]
fn the_same_sign_is_an_answer_once_the_prompt_is_over() {
    let mut scene = Scene::conversing();
    scene.ends(500, "greeting");
    scene.speaks().hears("okay", Cut::MidWord, BILLING, 0.99);
    scene.hears("okay", Cut::MidWord, BILLING, 0.99);
    assert_eq!(scene.connects_to(), ["billing"]);
}

#[test]
fn words_take_the_floor_and_are_answered_in_place_of_the_prompt() {
    let mut scene = Scene::conversing();
    scene.after(500, sensed()).speaks().hears("a lemon", Cut::MidWord, BILLING, 0.1);
    scene.hears("a lemon cake", Cut::AtPause, BILLING, 0.1);
    assert_eq!(scene.commands(), ["hold"]);
    scene.falls_silent().hears("a lemon cake", Cut::Final, BILLING, 0.1);
    assert_eq!(scene.commands(), ["play again"]);
    let marks = &scene.record().waterfall;
    assert!(marks.iter().any(|mark| mark.stage == Stage::BargeIn), "{marks:?}");
}

#[test]
fn a_word_or_two_that_mean_nothing_are_shrugged_off() {
    let mut scene = Scene::conversing();
    scene.speaks().hears("thank you", Cut::AtPause, BILLING, 0.1);
    scene.falls_silent().hears("thank you", Cut::Final, BILLING, 0.1);
    assert_eq!(scene.commands(), ["hold", "resume"]);
}

#[test]
fn a_caller_who_goes_on_after_a_sign_of_listening_holds_the_prompt_again() {
    let mut scene = Scene::conversing();
    scene.speaks().hears("okay", Cut::AtPause, BILLING, 0.1);
    scene.commands();
    scene.after(100, Input::SpeechResumed { at: Duration::ZERO });
    assert_eq!(scene.commands(), ["hold"]);
    scene.hears("okay it is about my bill", Cut::MidWord, BILLING, 0.99);
    scene.hears("okay it is about my bill", Cut::MidWord, BILLING, 0.99);
    assert_eq!(scene.connects_to(), ["billing"]);
}

#[test]
fn noise_that_is_taken_for_speech_does_not_keep_the_prompt_silent() {
    let mut scene = Scene::conversing();
    scene.speaks();
    scene.commands();
    assert_eq!(scene.wakes().commands(), ["resume"]);
    scene.ends(700, "greeting");
    assert_eq!(scene.wakes().commands(), ["play still_there"]);
}

#[test]
fn a_prompt_that_ends_just_as_it_is_held_is_over() {
    let mut scene = Scene::conversing();
    scene.after(500, sensed()).ends(5, "greeting");
    scene.after(60, Input::VoiceVanished);
    assert_eq!(scene.commands(), ["hold"], "there is nothing to go on with");
    assert!(scene.deadline().is_some(), "the caller's answer is waited for");
}

/// A sound that the caller makes.
#[derive(Debug, Clone, Copy)]
enum Sound {
    /// Too short to be called speech.
    Click,
    Cough,
    Listening,
    /// Words; so many milliseconds.
    Words(u64),
    /// Taken for speech for so long, in which no word is found.
    Noise(u64),
    /// Taken for speech; what is read once is not read again.
    Imagined(u64),
}

fn sound() -> impl Strategy<Value = Sound> {
    prop_oneof![
        Just(Sound::Click),
        Just(Sound::Cough),
        Just(Sound::Listening),
        (200..6_000_u64).prop_map(Sound::Words),
        (200..15_000_u64).prop_map(Sound::Noise),
        (200..15_000_u64).prop_map(Sound::Imagined),
    ]
}

/// What the ear says of a sound, `ms` after it began.
fn told(sound: Sound, now: Duration) -> Vec<(u64, Input)> {
    let reading =
        |text: &str, cut, at: u64| (at, Input::Heard(heard(text, cut, BILLING, 0.1, now + ms(at))));
    let (text, length) = match sound {
        Sound::Click => {
            return vec![(60, Input::VoiceSensed { at: now }), (150, Input::VoiceVanished)];
        }
        Sound::Cough => ("", 300),
        Sound::Listening => ("uh-huh", 400),
        Sound::Words(length) | Sound::Imagined(length) => ("some words", length),
        Sound::Noise(length) => ("", length),
    };
    let mut told =
        vec![(60, Input::VoiceSensed { at: now }), (90, Input::SpeechStarted { at: now })];
    for (n, at) in (360..length).step_by(400).enumerate() {
        let more = if matches!(sound, Sound::Words(_)) { n } else { 0 };
        told.push(reading(&format!("{text}{}", " more".repeat(more)), Cut::MidWord, at));
    }
    told.push(reading(text, Cut::AtPause, length + 180));
    told.push((length + 500, Input::SpeechEnded { at: now + ms(length) }));
    told.push(reading(text, Cut::Final, length + 501));
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever sounds the caller makes: where no caller speaks, a prompt sounds within 4 s, unless the call is connected.
    /// (A caller who has made no sound at all is given the time that the receptionist's file allows.)
    #[test]
    fn it_never_ends_mute(sounds in prop::collection::vec((0..4_000_u64, sound()), 1..12), lost in any::<u64>()) {
        let mut call = call();
        let mut inputs = vec![(ms(1), Input::Answered), (ms(2), Input::MediaUp), (ms(30), Input::FirstAudio)];
        let mut spoken = Vec::new();
        let mut now = ms(100);
        for (n, (gap, sound)) in sounds.iter().enumerate() {
            now += ms(*gap);
            let told = told(*sound, now);
            let ends = now + ms(told.last().map_or(0, |last| last.0));
            let length = match sound {
                Sound::Click => 60,
                Sound::Cough => 300,
                Sound::Listening => 400,
                // What is read of it takes a moment.
                Sound::Words(length) => length + 100,
                Sound::Noise(length) | Sound::Imagined(length) => *length,
            };
            spoken.push((now, now + ms(length), matches!(sound, Sound::Words(_))));
            // Now and then a reading does not come.
            let some = |(k, _): &(usize, (u64, Input))| lost >> ((n * 7 + k) % 64) & 3 != 3;
            let told = told.into_iter().enumerate().filter(|it| some(it) || !matches!(it.1.1, Input::Heard(_)));
            inputs.extend(told.map(|(_, (at, input))| (now + ms(at), input)));
            now = ends;
        }
        inputs.sort_by_key(|(at, _)| *at);
        let mut inputs = inputs.into_iter().peekable();

        // The leg: what is left of the prompt, and whether it sounds.
        let (mut left, mut sounding) = (0_u64, None);
        let mut disturbed = false;
        let imagined = sounds.iter().any(|(_, sound)| matches!(sound, Sound::Imagined(_)));
        let (mut silent, step) = (0_u64, 20_u64);
        let mut clock = 0_u64;
        while clock < now.as_millis() as u64 + 12_000 {
            clock += step;
            let at = ms(clock);
            while let Some((_, input)) = inputs.next_if(|(due, _)| *due <= at) {
                disturbed |= matches!(input, Input::SpeechStarted { .. });
                call.handle(at, input);
            }
            if call.deadline().is_some_and(|deadline| deadline <= at) {
                call.handle(at, Input::Wake);
            }
            if let Some((prompt, true)) = sounding {
                left = left.saturating_sub(step);
                if left == 0 {
                    sounding = None;
                    call.handle(at, Input::PromptEnded(prompt));
                }
            }
            while let Some(command) = call.poll() {
                match command {
                    Command::Play { id, .. } => {
                        (left, sounding, disturbed) = (2_000, Some((id, true)), false);
                    }
                    Command::HoldPlaying => sounding = sounding.map(|(prompt, _)| (prompt, false)),
                    Command::ResumePlaying => sounding = sounding.map(|(prompt, _)| (prompt, true)),
                    Command::StopPlaying => sounding = None,
                    Command::Connect { .. } => return Ok(()),
                    _ => {}
                }
            }
            // A sound is no silence; but over a prompt that it keeps silent only words count.
            let held = matches!(sounding, Some((_, false)));
            let speaks = spoken.iter().any(|(from, to, words)| (*from..*to).contains(&at) && (*words || !held));
            let sounds = matches!(sounding, Some((_, true)));
            silent = if sounds || speaks { 0 } else { silent + step };
            // Noise that is read as words, again and again, cannot be told from a caller.
            let allowed = if disturbed && !imagined { 4_000 } else { 6_500 };
            prop_assert!(silent <= allowed, "{silent} ms of silence at {at:?}: {call:?}");
        }
    }
}
