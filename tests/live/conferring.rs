//! Callers meet in rooms of ours, on a real Asterisk: they hear each other, and what we say to one of them is heard by that
//! one alone.

use std::thread::sleep;
use std::time::Duration;

use tests::sipp::{Act, Caller, CallerRun};
use tests::softphone::Background;

use crate::flows::path;
use crate::introducing::said;
use crate::reading::words;
use crate::{DID, PATIENCE, Stage, hears, hears_tone, poll};

const ONE_HZ: f64 = 700.0;
const OTHER_HZ: f64 = 1_100.0;
/// The rig's music on hold.
const MUSIC_HZ: f64 = 500.0;

const FLOW: &str = r#"
schema = 1
name = "board"
start = "who"
[node.who]
decide = [{ when = 'caller.number == "100"', exit = "host" }]
to = { host = "host", otherwise = "guest" }
[node.host]
conference = { room = "board", name = "{caller.name}", most_s = 14, remind = { before_s = 6, prompt = "The meeting will end in one minute." } }
to = { done = "bye", refused = "hang_up" }
[node.guest]
conference = { room = "board", name = "{caller.name}" }
to = { done = "bye", refused = "locked" }
[node.locked]
hang_up = {}
[node.bye]
hang_up = { prompt = "Goodbye." }
"#;

fn caller(stage: &Stage, number: &str, name: &str, background: Background) -> CallerRun {
    let mut caller = Caller::new(number, DID);
    caller.name = name.to_owned();
    caller.background = background;
    caller.start(&stage.asterisk).expect("a caller")
}

/// Whether a caller hears a tone in the second that begins now. Silence may be no packets at all.
fn hears_now(caller: &CallerRun, hz: f64) -> bool {
    let before = caller.record().recording.heard.len();
    sleep(Duration::from_secs(1));
    hears_tone(&caller.record().recording.heard[before..], hz)
}

#[test]
fn callers_in_a_room_hear_each_other_and_who_is_muted_is_not_heard() {
    let Some(stage) = Stage::through(FLOW) else { return };
    let one = caller(&stage, "200", "Ann", Background::Tone(ONE_HZ));
    // Who is alone waits with music.
    hears(&one, MUSIC_HZ);
    let other = caller(&stage, "300", "Bob", Background::Tone(OTHER_HZ));
    hears(&other, ONE_HZ);
    hears(&one, OTHER_HZ);
    one.act(Act::Press('*'));
    let heard = poll(PATIENCE, || hears_now(&other, ONE_HZ), |hears| !hears);
    assert!(!heard, "who is muted is still heard");
    one.act(Act::Press('*'));
    hears(&other, ONE_HZ);
    // Who came first locks the room.
    one.act(Act::Press('#'));
    sleep(Duration::from_secs(1));
    let late = caller(&stage, "400", "Eve", Background::Silence);
    let call = stage.next_call();
    assert_eq!(path(&call), ["who", "guest", "locked"], "{call}");
    late.finish(PATIENCE).expect("it was hung up");
    other.act(Act::HangUp);
    let call = stage.next_call();
    assert_eq!((path(&call), &call["outcome"]), (vec!["who", "guest"], &"connected".into()));
    other.finish(PATIENCE).expect("it hung up");
    stage.hang_up(one);
}

#[test]
fn what_is_said_to_one_caller_of_a_room_is_heard_by_that_one_alone() {
    let Some(stage) = Stage::through(FLOW) else { return };
    let host = caller(&stage, "100", "Ann", Background::Silence);
    sleep(Duration::from_secs(2));
    let guest = caller(&stage, "200", "Bob", Background::Silence);
    sleep(Duration::from_secs(2));
    host.act(Act::Say(said("Good morning everybody.")));
    let call = stage.next_call();
    assert_eq!(path(&call), ["who", "host", "bye"], "{call}");
    let told = host.finish(PATIENCE).expect("its time was over").recording.heard;
    sleep(Duration::from_secs(2));
    guest.act(Act::HangUp);
    stage.next_call();
    let heard = guest.finish(PATIENCE).expect("it hung up").recording.heard;
    stage.nothing_is_left();
    let told = words(&told);
    let heard = words(&heard);
    assert!(told.contains("one minute") && told.contains("bye"), "the host: {told}");
    assert!(heard.contains("good morning"), "the guest: {heard}");
    assert!(!heard.contains("minute"), "the guest: {heard}");
}
