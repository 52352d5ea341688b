//! Journals: a call that was written down replays to the byte, and what is no journal is refused.

use std::time::Duration;

use call::journal::{Document, Header, Journal, JournalError, Journaled, VERSION};
use call::{Call, Command, Course, Input, Receptionist};
use flow::Flow;
use intent::Cut;
use proptest::prelude::*;
use std::sync::Arc;

use super::properties::{life, talking};
use super::scene::{DESK, call, call_through, desk, facts, heard};

fn header() -> Header {
    Header {
        journal: VERSION,
        program: "1.2.3".to_owned(),
        call: "1700000000.7".to_owned(),
        began: "2026-03-03T10:00:00Z".to_owned(),
        capture: None,
        facts: facts(),
        receptionist: Document { file: "desk.toml".to_owned(), text: DESK.to_owned() },
        fallback: "operator".to_owned(),
        flows: Vec::new(),
    }
}

/// Lets a call live through all this.
fn lived<'a>(call: Call, life: impl IntoIterator<Item = &'a (u64, Input)>) -> (String, Journaled) {
    let mut call = Journaled::new(call, Some(&header()));
    let mut now = Duration::ZERO;
    let drain = |call: &mut Journaled| {
        let mut commands = std::iter::from_fn(|| call.poll());
        commands.any(|command| command == Command::Finish)
    };
    drain(&mut call);
    for (ms, input) in life {
        now += Duration::from_millis(*ms) + Duration::from_nanos(1_234_567 * ms % 1_000_000);
        call.handle(now, input.clone());
        if drain(&mut call) {
            break;
        }
        call.mark(call::Stage::Policy, now, now + Duration::from_micros(3));
    }
    let text = call.written();
    (text, call)
}

fn ended() -> String {
    let life = [
        (20, Input::Answered),
        (5, Input::MediaUp),
        (20, Input::FirstAudio),
        (900, Input::Digit('2')),
        (5, Input::Accepted { attempt: 1 }),
        (500, Input::Connected { attempt: 1 }),
        (700, Input::CallerHungUp),
    ];
    lived(call(), &life).0
}

/// What `text` is replayed to by a call to the test desk.
fn replay(text: &str) -> call::journal::Replay {
    Journal::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}")).replay(call())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to a call, its journal replays to the same commands and the same record.
    #[test]
    fn every_journal_replays_to_the_byte(life in life(), hangs_up: bool) {
        let last = hangs_up.then_some((7, Input::CallerHungUp));
        let (text, live) = lived(call(), life.iter().chain(&last));
        let replayed = replay(&text);
        prop_assert_eq!(replayed.difference, None);
        prop_assert_eq!(&replayed.record, live.record());
        let again = lived(call(), life.iter().chain(&last)).0;
        prop_assert_eq!(text, again);
    }

    /// What a language model wrote stands in the journal, and nobody need ask it again.
    #[test]
    fn the_journal_of_a_call_with_a_model_needs_none(life in life()) {
        let start = [(20, Input::Answered), (5, Input::MediaUp)];
        // What may be the beginning of a card waits until the call is over.
        let last = [(7, Input::CallerHungUp)];
        let (text, live) = lived(talking(), start.iter().chain(&life).chain(&last));
        let journal = Journal::read(text.as_bytes()).expect("well formed");
        let replayed = journal.replay(talking());
        prop_assert_eq!(replayed.difference, None);
        prop_assert_eq!(&replayed.record, live.record());
    }
}

#[test]
fn a_journal_is_a_header_what_happened_and_the_end() {
    let text = ended();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(r#"{"journal":1,"program":"1.2.3","call":"1700000000.7","#));
    assert!(lines[0].contains(r#""clock":"2026-03-03 10:00:00""#), "{}", lines[0]);
    assert_eq!(lines[1], r#"{"out":"Answer"}"#);
    assert_eq!(lines[3], r#"{"at":{"secs":0,"nanos":20691340},"in":"Answered"}"#);
    assert!(text.contains(r#"{"out":{"Listen":"Test desk/greet"}}"#), "{text}");
    assert!(lines[lines.len() - 1].starts_with(r#"{"end":{"outcome":"Connected","ended":"#));
    let journal = Journal::read(text.as_bytes()).expect("well formed");
    assert!(journal.is_whole());
    assert_eq!((journal.header.clone(), journal.lines()), (header(), lines.len()));
}

#[test]
fn a_journal_that_was_cut_off_anywhere_replays_to_there() {
    let text = ended();
    let first = text.find('\n').expect("a line") + 1;
    for at in 0..text.len() {
        let read = Journal::read(&text.as_bytes()[..at]);
        if at < first {
            assert!(matches!(read, Err(JournalError::NotOne(_))), "cut at {at}");
            continue;
        }
        let journal = read.unwrap_or_else(|error| panic!("cut at {at}: {error}"));
        assert!(!journal.is_whole(), "cut at {at}");
        assert_eq!(journal.replay(call()).difference, None, "cut at {at}");
    }
}

#[test]
fn a_journal_with_a_flipped_bit_is_refused() {
    let text = ended();
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            // Half a line at the end is what a kill leaves.
            let Err(error) = Journal::read(&bytes) else {
                assert_eq!(at, text.len() - 1, "bit {bit} of byte {at}");
                continue;
            };
            assert!(error.to_string().contains("mend: "), "{error}");
        }
    }
}

#[test]
fn a_damaged_journal_that_was_cut_off_is_an_error_or_another_call_but_no_panic() {
    let text = ended();
    let cut = &text[..text.trim_end().rfind('\n').expect("lines") + 1];
    let first = text.find('\n').expect("a line");
    for at in first..cut.len() {
        for replacement in *b"9\"{}x\n\xFF0" {
            let mut bytes = cut.as_bytes().to_vec();
            bytes[at] = replacement;
            if let Ok(journal) = Journal::read(&bytes) {
                drop(journal.replay(call()));
            }
        }
    }
    let far = cut.replacen("\"secs\":0", "\"secs\":18446744073709551615", 1);
    let error = Journal::read(far.as_bytes()).expect_err("nobody lives so long").to_string();
    assert!(error.contains("line 4: no call lasts so long"), "{error}");
}

#[test]
fn what_this_version_does_not_know_is_refused() {
    let text = ended();
    for (from, to, says) in [
        (
            r#""journal":1"#,
            r#""journal":2"#,
            "version 2 of the format, and this program reads up to 1",
        ),
        (r#""journal":1"#, r#""journals":1"#, "this is no journal: missing field `journal`"),
        (r#""capture":null"#, r#""capture":null,"more":1"#, "line 1: unknown field `more`"),
        (r#""in":"Answered""#, r#""in":"Answered","why":1"#, "line 4: unknown field `why`"),
        (r#""in":"Answered""#, r#""in":"Beamed""#, "line 4: unknown variant `Beamed`"),
        (r#"{"out":"Answer"}"#, r#"{"out":"Answer","in":"Wake"}"#, "line 2: it is none of"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = Journal::read(changed.as_bytes()).expect_err(to).to_string();
        assert!(error.contains(says), "{to}: {error}");
    }
    for other in ["", "\n", "RIFF....WAVE", "{}\n", "[]\n"] {
        let error = Journal::read(other.as_bytes()).expect_err(other);
        assert!(matches!(error, JournalError::NotOne(_)), "{other:?}: {error}");
    }
}

#[test]
fn a_change_of_one_prompt_is_the_first_difference() {
    let changed = DESK.replace("billing.wav\"", "to_billing.wav\"");
    let desk = Receptionist::parse("desk.toml", &changed).expect("well formed");
    let course = desk.course().expect("a flow");
    let journal = Journal::read(ended().as_bytes()).expect("well formed");
    let replay = journal.replay(Call::new(Arc::new(desk), course, facts()));
    let difference = replay.difference.expect("the prompt has changed");
    assert!(difference.expected.contains(r#"{"file":"billing.wav"}"#), "{difference}");
    assert!(difference.came.contains(r#"{"file":"to_billing.wav"}"#), "{difference}");
    assert!(!difference.after_card);
    assert!(difference.to_string().starts_with("line "), "{difference}");
}

#[test]
fn a_call_that_ends_otherwise_differs_at_its_end() {
    let (receptionist, course) = desk();
    let shorter =
        "schema = 1\nname = \"t\"\nstart = \"a\"\n[node.a]\nhang_up = { prompt = \"No.\" }\n";
    let flow = Flow::parse("t.toml", shorter, &receptionist.book()).expect("well formed");
    let journal = Journal::read(ended().as_bytes()).expect("well formed");
    let course = Course { flow: Arc::new(flow), ..course };
    let difference = journal.replay(Call::new(receptionist, course, facts())).difference;
    let difference = difference.expect("another flow");
    assert!(
        difference.expected.contains("Listen") && difference.came.contains("No."),
        "{difference}"
    );
}

const ACCOUNT: &str = r#"
schema = 1
name = "account"
start = "account"
[node.account]
collect = { slot = "account", kind = { digits = { least = 20, most = 24 } }, by = "keys", prompt = "Which?", tries = 2 }
to = { done = "tell", no_match = "sorry" }
[node.tell]
hang_up = { prompt = "It is {slots.account}." }
[node.sorry]
hang_up = { prompt = "That is none." }
"#;

/// The journal of a caller who keys this in.
fn keyed(keys: &str) -> String {
    let begin = [(20, Input::Answered), (5, Input::MediaUp), (20, Input::FirstAudio)];
    let keys = keys.chars().map(|key| (300, Input::Digit(key)));
    let life: Vec<_> = begin.into_iter().chain(keys).chain([(900, Input::CallerHungUp)]).collect();
    lived(call_through(ACCOUNT), &life).0
}

fn pressed(text: &str) -> String {
    let journal = Journal::read(text.as_bytes()).expect("well formed");
    let key = |(_, input): (Duration, &Input)| match input {
        Input::Digit(key) => Some(*key),
        _ => None,
    };
    journal.inputs().filter_map(key).collect()
}

#[test]
fn the_keys_of_a_card_are_not_in_the_journal_and_it_replays_all_the_same() {
    for (keys, written) in [
        ("4111111111111111#", "411111••••••••••#"),
        ("378282246310005#", "378282•••••••••#"),
        ("4111111111111111", "411111••••••••••"),
    ] {
        let text = keyed(keys);
        assert_eq!(pressed(&text), written);
        assert!(!text.contains(&keys[..13]), "{text}");
        let journal = Journal::read(text.as_bytes()).expect("well formed");
        assert_eq!(journal.replay(call_through(ACCOUNT)).difference, None);
    }
}

#[test]
fn other_numbers_are_kept() {
    for keys in ["402177#", "123456789012#", "4111111111111112#", "90210555012345678#"] {
        assert_eq!(pressed(&keyed(keys)), keys);
    }
}

#[test]
fn a_card_in_pieces_is_found_and_numbers_apart_are_none() {
    let row = |parts: &[(u64, &str)]| {
        let begin = [(20, Input::Answered), (5, Input::MediaUp), (20, Input::FirstAudio)];
        let mut life = Vec::from(begin);
        for (pause, keys) in parts {
            life.push((*pause, Input::VoiceVanished));
            life.extend(keys.chars().map(|key| (200, Input::Digit(key))));
        }
        life.push((10, Input::CallerHungUp));
        pressed(&lived(call(), &life).0)
    };
    assert_eq!(row(&[(10, "4111"), (8_000, "111111"), (9_000, "111111")]), "411111••••••••••");
    assert_eq!(row(&[(10, "41111111"), (40_000, "11111111")]), "4111111111111111");
    assert_eq!(row(&[(10, "00000000004111111111111111")]), "0000000000••••••••••••••••");
}

#[test]
fn keys_that_may_become_a_card_wait_and_a_menu_does_not() {
    let mut call = Journaled::new(call_through(ACCOUNT), Some(&header()));
    while call.poll().is_some() {}
    drop(call.written());
    let mut now = Duration::ZERO;
    for (at, key) in "4111111".chars().enumerate() {
        now += Duration::from_millis(200);
        call.handle(now, Input::Digit(key));
        assert_eq!(call.written().is_empty(), at == 6, "key {at}");
    }
    now += Duration::from_secs(31);
    call.handle(now, Input::VoiceVanished);
    assert_eq!(call.written().lines().count(), 2, "the seventh key and what came after");
}

#[test]
fn a_command_does_not_tell_the_digits_of_a_card_either() {
    let flow = ACCOUNT.replace("least = 20, most = 24", "least = 4, most = 12").replace(
        "hang_up = { prompt = \"It is {slots.account}.\" }",
        "say = { prompt = \"It is {slots.account}.\" }\nto = { done = \"hang_up\" }",
    );
    let begin = [(20, Input::Answered), (5, Input::MediaUp), (20, Input::FirstAudio)];
    let keys = "4111111111111111".chars().map(|key| (300, Input::Digit(key)));
    let life: Vec<_> = begin.into_iter().chain(keys).chain([(9, Input::CallerHungUp)]).collect();
    let text = lived(call_through(&flow), &life).0;
    assert!(!text.contains("1111111"), "{text}");
    let journal = Journal::read(text.as_bytes()).expect("well formed");
    let difference = journal.replay(call_through(&flow)).difference;
    assert!(difference.is_some_and(|difference| difference.after_card));
}

#[test]
fn a_card_that_is_said_over_several_turns_is_not_in_the_journal() {
    let mut call = Journaled::new(call_through(ACCOUNT), Some(&header()));
    let mut now = Duration::ZERO;
    let mut text = String::new();
    for words in ["my number is four one one one", "uh", "one one one one", "eleven eleven"] {
        now += Duration::from_secs(2);
        call.handle(now, Input::SpeechStarted { at: now });
        call.handle(now, Input::Heard(heard(words, Cut::MidWord, 0, 0.1, now)));
        call.handle(now, Input::Heard(heard(words, Cut::Final, 0, 0.1, now)));
        while call.poll().is_some() {}
        text.push_str(&call.written());
    }
    call.hide_said();
    call.handle(now, Input::Heard(heard("[card] thanks", Cut::Final, 0, 0.1, now)));
    call.handle(now, Input::CallerHungUp);
    while call.poll().is_some() {}
    text.push_str(&call.written());
    for part in ["four one", "one one", "eleven"] {
        assert!(!text.contains(part), "{text}");
    }
    let journal = Journal::read(text.as_bytes()).expect("well formed");
    assert_eq!(journal.inputs().count(), 14);
    assert_eq!(journal.replay(call_through(ACCOUNT)).difference, None);
}

#[test]
fn digits_that_are_said_and_no_card_are_kept() {
    let mut call = Journaled::new(call_through(ACCOUNT), Some(&header()));
    let now = Duration::from_secs(2);
    call.handle(now, Input::Heard(heard("it is four oh two one", Cut::Final, 0, 0.1, now)));
    assert!(!call.written().contains("four oh two one"), "it may go on");
    call.handle(2 * now, Input::Heard(heard("wait", Cut::Final, 0, 0.1, 2 * now)));
    assert!(call.written().is_empty(), "it may still");
    call.handle(20 * now, Input::VoiceVanished);
    let text = call.written();
    assert!(text.contains("four oh two one") && text.contains("wait"), "{text}");
}

#[test]
fn keys_that_are_pressed_too_early_for_the_zone_are_not_in_the_journal() {
    let mut call = Journaled::new(call_through(ACCOUNT), Some(&header()));
    for key in "4111111111".chars() {
        call.handle(Duration::from_secs(1), Input::Digit(key));
    }
    call.handle(Duration::from_secs(2), Input::CardKey);
    call.handle(Duration::from_secs(3), Input::CallerHungUp);
    while call.poll().is_some() {}
    assert_eq!(pressed(&call.written()), "411111••••");
}
