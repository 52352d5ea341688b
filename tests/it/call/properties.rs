//! What holds for every call, whatever happens to it and in whatever order.

use std::time::Duration;

use call::{
    Call, Command, Input, PlayId, RecordedBy, RecordingEnd, RecordingId, Why, WriteId, Written,
    ZoneCut,
};
use flow::{CardItem, Reply, Secret};
use intent::Cut;
use proptest::prelude::*;

use super::scene::{call, call_through, heard};

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
        handed(),
        kept(),
        written(),
        Just(Input::Wake),
    ]
}

/// What may be told of transfers.
fn handed() -> impl Strategy<Value = Input> {
    let who = || prop::sample::select(vec!["billing", "tom", "hours", "700"]);
    prop_oneof![
        who().prop_map(|to| Input::Transferred { to: to.to_owned() }),
        (1..4_u32, who())
            .prop_map(|(attempt, to)| Input::TransferAsked { attempt, to: to.to_owned() }),
    ]
}

/// What may be told of recordings, messages and zones.
fn kept() -> impl Strategy<Value = Input> {
    let (id, by) = (RecordingId(1), RecordedBy::Us);
    let path = || "call.wav".to_owned();
    let (mailbox, cut) = ("support".to_owned(), ZoneCut::Recording);
    prop_oneof![
        Just(Input::RecordingBegan { id, by, path: path() }),
        Just(Input::RecordingRefused("broken".to_owned())),
        Just(Input::RecordingEnded { id, why: RecordingEnd::DiskFull }),
        Just(Input::RecordingOff),
        Just(Input::MessageKept { mailbox, path: path() }),
        Just(Input::MessageFailed("broken".to_owned())),
        (1..3_u32).prop_map(|attempt| Input::ZoneEntered { attempt }),
        (1..3_u32).prop_map(move |attempt| Input::ZoneRefused { attempt, cut }),
        Just(Input::CardKey),
        Just(Input::CardTaken(Secret::new(CardItem::Number, "4111111111111111"))),
        Just(Input::LookedUp(Reply::NotFound)),
    ]
}

/// What may come from a language model.
fn written() -> impl Strategy<Value = Input> {
    let label = prop::sample::select(vec![None, Some("solved"), Some("odd")]);
    let done = label
        .prop_map(|label| Written::Done { slots: Vec::new(), label: label.map(str::to_owned) });
    let sentence = Just(Written::Sentence("At nine.".to_owned()));
    let spoken =
        Just(Written::Spoken { words: "At ten.".to_owned(), from: Duration::from_secs(1) });
    let what = prop_oneof![
        sentence,
        Just(Written::Voice),
        spoken,
        done,
        Just(Written::Failed("broken".to_owned()))
    ];
    (1..4_u32, what).prop_map(|(id, what)| Input::Written { id: WriteId(id), what })
}

/// A call in which a language model phrases, asks and answers, again and again.
pub(super) fn talking() -> Call {
    call_through(
        r#"
        schema = 1
        name = "talks"
        start = "hello"
        [keys]
        9 = "talk"
        [node.hello]
        say = { prompt = "Hello.", phrased = "Greet them." }
        to = { done = "ask" }
        [node.ask.ask]
        prompt = "Well?"
        phrased = "Ask what they want."
        answers = { yes = ["yes"] }
        [node.ask.to]
        yes = "talk"
        no_match = "talk"
        [node.talk.converse]
        prompt = "What would you like to know?"
        about = "We open at nine."
        ends = { solved = "when there is nothing more to ask" }
        answers = { person = ["[a] person"] }
        keys = { 2 = "person" }
        [node.talk.to]
        solved = "hello"
        person = "operator"
        done = "operator"
        error = "talk"
        [node.operator]
        connect = { destination = "operator" }
        to = { ended = "talk" }
        "#,
    )
}

/// A call that keeps what it can, and takes a card.
fn keeping() -> Call {
    call_through(
        r#"
        schema = 1
        name = "keeps"
        start = "on"
        [keys]
        0 = "leave"
        [lookup.charge]
        url = "https://pay.example.com/"
        method = "POST"
        [node.on]
        record = { turn = "on" }
        to = { done = "card" }
        [node.card]
        zone = { card = "Card?", lookup = "charge" }
        to = { paid = "leave", declined = "leave", cut_failed = "card", no_input = "leave", no_match = "leave" }
        [node.leave]
        voicemail = { prompt = "Speak.", mailbox = "support" }
        to = { done = "off", no_input = "off" }
        [node.off]
        record = { turn = "off" }
        to = { done = "hang_up" }
        "#,
    )
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

    /// A zone that was begun is left, and left before it is begun again; a recording and a message that were begun are
    /// ended, whatever happens.
    #[test]
    fn what_a_call_opens_it_closes(life in life()) {
        let mut call = keeping();
        let mut now = Duration::ZERO;
        let (mut zone, mut message, mut recording) = (false, false, false);
        let end = std::iter::once((0, Input::CallerHungUp));
        let start = [(0, Input::Answered), (0, Input::MediaUp)];
        for (ms, input) in start.into_iter().chain(life).chain(end) {
            now += Duration::from_millis(ms);
            // Who takes the message may end it first, and says so.
            message &= !matches!(input, Input::MessageKept { .. } | Input::MessageFailed(_));
            call.handle(now, input);
            while let Some(command) = call.poll() {
                match command {
                    Command::EnterZone { .. } => prop_assert!(!std::mem::replace(&mut zone, true)),
                    Command::LeaveZone => prop_assert!(std::mem::replace(&mut zone, false)),
                    Command::TakeCard { .. } | Command::Pay { .. } => prop_assert!(zone),
                    Command::Listen(_) => prop_assert!(!zone),
                    Command::BeginMessage { .. } => message = true,
                    Command::KeepMessage | Command::DropMessage => message = false,
                    Command::StartRecording => recording = true,
                    Command::StopRecording => recording = false,
                    Command::Finish => prop_assert!(!zone && !message && !recording),
                    _ => {}
                }
            }
            let printed = format!("{:?}", call.record());
            prop_assert!(!printed.contains("4111"), "{}", printed);
        }
    }

    /// A language model writes one thing at a time, and is stopped when nobody wants more of it.
    #[test]
    fn what_a_model_begins_is_ended(life in life()) {
        let mut call = talking();
        let mut now = Duration::ZERO;
        let mut writes = None;
        // What speaks is ended as long as it is heard, although all of it has come.
        let mut speaks = None;
        let end = std::iter::once((0, Input::CallerHungUp));
        let start = [(0, Input::Answered), (0, Input::MediaUp)];
        for (ms, input) in start.into_iter().chain(life).chain(end) {
            now += Duration::from_millis(ms);
            // Deadlines that have passed are seen to before it.
            let done = match &input {
                Input::Written { id, what: Written::Done { .. } | Written::Failed(_) } => Some(*id),
                _ => None,
            };
            if let Input::Written { id, what: Written::Voice } = &input {
                speaks = Some(*id);
            }
            call.handle(now, input);
            while let Some(command) = call.poll() {
                match command {
                    Command::Write { id, .. } => {
                        let before = writes.replace(id).filter(|before| Some(*before) != done);
                        prop_assert_eq!(before, None);
                    }
                    Command::StopWriting => {
                        prop_assert!(writes.take().is_some() || speaks.take().is_some());
                    }
                    Command::Connect { .. } => prop_assert!(writes.is_none() || writes == done),
                    _ => {}
                }
            }
            writes = writes.filter(|writes| Some(*writes) != done);
            let record = call.record();
            prop_assert!(call.deadline().is_some() || record.outcome.is_some());
        }
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
