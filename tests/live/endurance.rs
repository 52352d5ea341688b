//! Two hundred calls, some of them together, leave nothing behind: in Asterisk or in Patchcord.

use std::time::Duration;

use tests::sipp::{Act, Behaviour, Caller, Phone};
use tests::softphone::Background;

use crate::{DID, PATIENCE, Stage, poll};

const CALLS: usize = 200;
const TOGETHER: usize = 10;
/// Longer than either side keeps an idle HTTP connection.
const IDLE: Duration = Duration::from_secs(30);

#[test]
fn two_hundred_calls_leave_nothing_behind() {
    let Some(stage) = Stage::set() else { return };
    let soon = Behaviour::Answers(Duration::from_millis(50));
    let _operator =
        Phone::start(&stage.asterisk, "operator", soon, Background::Silence).expect("a phone");
    // Whom the callers change their mind about. Asterisk would hold the RTP sockets of an INVITE to a phone that is
    // not there for 32 s, since what was never replied to cannot be cancelled (RFC 3261, 9.1 and timer B).
    let never = Behaviour::NeverAnswers;
    let _helpdesk =
        Phone::start(&stage.asterisk, "helpdesk", never, Background::Silence).expect("a phone");
    // Some calls before the count warm up what is kept on purpose: pooled connections, the engines' memory.
    round(&stage, 0);
    stage.nothing_is_left();
    let (before, asterisk_before) =
        (stage.patchcord.belongings().expect("alive"), open_files(&stage));
    let mut outcomes = std::collections::BTreeMap::<String, usize>::new();
    for round_number in 0..CALLS / TOGETHER {
        for outcome in round(&stage, round_number) {
            *outcomes.entry(outcome).or_default() += 1;
        }
    }
    stage.nothing_is_left();
    // Idle HTTP connections, which both sides count as files, are closed after seconds; a leak stays.
    let look = || (stage.patchcord.belongings().expect("alive"), open_files(&stage));
    let (after, asterisk_after) = poll(IDLE, look, |(after, asterisk_after)| {
        after.files <= before.files && *asterisk_after <= asterisk_before
    });
    println!(
        "{outcomes:?}; patchcord {before:?} -> {after:?}; asterisk files {asterisk_before} -> {asterisk_after}"
    );
    assert_eq!(outcomes.values().sum::<usize>(), CALLS);
    assert!(
        outcomes.contains_key("connected") && outcomes.contains_key("abandoned"),
        "{outcomes:?}"
    );
    assert!(after.files <= before.files, "{before:?} -> {after:?}");
    assert!(after.threads <= before.threads, "{before:?} -> {after:?}");
    assert!(asterisk_after <= asterisk_before, "{asterisk_before} -> {asterisk_after}");
}

/// A handful of calls at once, of every kind; their outcomes.
fn round(stage: &Stage, number: usize) -> Vec<String> {
    let ms = Duration::from_millis;
    let callers: Vec<_> = (0..TOGETHER)
        .map(|index| {
            let caller = Caller::new(&format!("{}", 1_000 + number * TOGETHER + index), DID);
            let caller = match index % 5 {
                // Is connected, and hangs up.
                0 | 1 => {
                    caller.at(ms(50 * index as u64), Act::Press('0')).at(ms(1_500), Act::HangUp)
                }
                // Changes their mind while it rings.
                2 => caller
                    .at(ms(100), Act::Press('1'))
                    .at(ms(500), Act::Press('0'))
                    .at(ms(1_500), Act::HangUp),
                // Hangs up as soon as there is an answer, or before.
                3 if index < 5 => caller.at(ms(0), Act::HangUp),
                3 => caller.cancelling(),
                // Hangs up during the greeting.
                _ => caller.at(ms(400 + 30 * index as u64), Act::HangUp),
            };
            caller.start(&stage.asterisk).expect("a caller")
        })
        .collect();
    for caller in callers {
        caller.finish(PATIENCE).expect("over");
    }
    (0..TOGETHER)
        .map(|_| stage.next_call()["outcome"].as_str().unwrap_or("none").to_owned())
        .collect()
}

fn open_files(stage: &Stage) -> usize {
    stage.asterisk.holdings().expect("Asterisk answers").open_files
}
