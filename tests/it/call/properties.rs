//! What holds for every call, whatever happens to it and in whatever order.

use std::time::Duration;

use call::{Call, Command, Input, PlayId, Why};
use intent::Cut;
use proptest::prelude::*;

use super::scene::{call, heard};

/// Anything that may happen, sensible or not. `now` stands for moments in the audio.
fn input(now: Duration) -> impl Strategy<Value = Input> {
    let cut = prop::sample::select(vec![Cut::MidWord, Cut::AtPause, Cut::Final]);
    let why = prop::sample::select(vec![Why::Busy, Why::NoAnswer, Why::Rejected, Why::Failed]);
    let digit = prop::sample::select(vec!['0', '2', '4', '9', '#']);
    prop_oneof![
        Just(Input::Answered),
        Just(Input::MediaUp),
        Just(Input::SetupFailed("broken".to_owned())),
        Just(Input::FirstAudio),
        (1..6_u32).prop_map(move |id| Input::PromptAudible { id: PlayId(id), at: now }),
        (1..6_u32).prop_map(|id| Input::PromptEnded(PlayId(id))),
        Just(Input::VoiceSensed { at: now }),
        Just(Input::VoiceVanished),
        Just(Input::SpeechStarted { at: now }),
        Just(Input::SpeechResumed { at: now }),
        Just(Input::SpeechEnded { at: now }),
        (cut, 0..2_u32, 0.0..1.0_f32).prop_map(move |(cut, wish, p)| Input::Heard(heard(
            "some words",
            cut,
            wish,
            p,
            now
        ))),
        Just(Input::RecognizerFailed("broken".to_owned())),
        digit.prop_map(Input::Digit),
        (1..4_u32).prop_map(|attempt| Input::Accepted { attempt }),
        (1..4_u32).prop_map(|attempt| Input::Connected { attempt }),
        (1..4_u32, why).prop_map(|(attempt, why)| Input::NotConnected { attempt, why }),
        Just(Input::LeftForDialplan),
        Just(Input::AgentHungUp),
        Just(Input::Wake),
    ]
}

pub(super) fn life() -> impl Strategy<Value = Vec<(u64, Input)>> {
    let step = (0..3_000_u64).prop_flat_map(|ms| (Just(ms), input(Duration::from_millis(ms))));
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// No panic; `Finish` exactly once and last; always a deadline but while two people talk; and a hang-up at the
    /// end finishes whatever is left.
    #[test]
    fn a_call_ends_once_whatever_happens(life in life()) {
        let mut call = call();
        let mut now = Duration::ZERO;
        let mut commands = Vec::new();
        let mut drain = |call: &mut Call| commands.extend(std::iter::from_fn(|| call.poll()));
        for (ms, input) in life {
            now += Duration::from_millis(ms);
            call.handle(now, input);
            drain(&mut call);
            let record = call.record();
            prop_assert!(call.deadline().is_some() || record.outcome.is_some());
        }
        call.handle(now, Input::CallerHungUp);
        drain(&mut call);
        prop_assert_eq!(commands.iter().filter(|c| **c == Command::Finish).count(), 1);
        prop_assert_eq!(commands.last(), Some(&Command::Finish));
        prop_assert_eq!(call.deadline(), None);
    }

    /// Left alone with its deadlines, a call that nobody answers leads somewhere within five minutes, three of which a prompt takes whose end is never told: it tries
    /// destinations and then goes back to the dialplan.
    #[test]
    fn a_call_left_alone_finds_its_way_out(life in life()) {
        let mut call = call();
        let mut now = Duration::ZERO;
        for (ms, input) in life {
            now += Duration::from_millis(ms);
            call.handle(now, input);
        }
        let start = now;
        while let Some(deadline) = call.deadline() {
            now = deadline.max(now);
            call.handle(now, Input::Wake);
            prop_assert!(now - start < Duration::from_secs(180), "still busy: {:?}", call);
        }
        prop_assert!(call.record().outcome.is_some());
    }

    /// The same inputs at the same times give the same commands and the same record.
    #[test]
    fn a_call_is_a_function_of_its_inputs(life in life()) {
        let run = || {
            let mut call = call();
            let mut now = Duration::ZERO;
            let mut commands = Vec::new();
            for (ms, input) in &life {
                now += Duration::from_millis(*ms);
                call.handle(now, input.clone());
                commands.extend(std::iter::from_fn(|| call.poll()));
            }
            (commands, call.record().clone())
        };
        prop_assert_eq!(run(), run());
    }
}
