//! Those who look after calls while they go on: they see who is in a room, add, remove, mute and hold, and listen to a call
//! without its caller's knowing, on a real Asterisk.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use tests::patchcord::program;
use tests::sipp::{Act, Behaviour, CallRecord, Caller, CallerRun, End, Phone};
use tests::softphone::Background;

use crate::flows::path;
use crate::{DID, PATIENCE, Stage, answered, hears, poll};

const ONE_HZ: f64 = 700.0;
const OTHER_HZ: f64 = 1_100.0;
const THIRD_HZ: f64 = 1_700.0;
const FOURTH_HZ: f64 = 2_300.0;
/// The rig's music on hold.
const MUSIC_HZ: f64 = 500.0;
const SOON: Behaviour = Behaviour::Answers(Duration::from_millis(300));

const ROOM: &str = r#"
schema = 1
name = "board"
start = "board"
[node.board]
conference = { room = "board", name = "{caller.name}" }
to = { done = "bye", refused = "locked" }
[node.locked]
hang_up = {}
[node.bye]
hang_up = {}
"#;

const TALK: &str = r#"
schema = 1
name = "talk"
start = "agent"
[node.agent]
connect = { destination = "operator" }
to = { ended = "hang_up" }
"#;

/// A stage with a way in.
struct Office {
    stage: Stage,
    token: PathBuf,
}

impl Office {
    fn open(flow: &str) -> Option<Office> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
        let name = format!("patchcord-token-{}-{}", std::process::id(), port.port());
        let token = std::env::temp_dir().join(name);
        std::fs::write(&token, "a token of more than sixteen characters").expect("written");
        let file = token.display();
        let added = format!("[control]\naddress = \"{port}\"\ntoken_file = \"{file}\"\n");
        Some(Office { stage: Stage::through_with(flow, &added)?, token })
    }

    /// What a command says; it must succeed.
    fn says(&self, command: &[&str]) -> String {
        let (well, said) = self.runs(command);
        assert!(well, "{command:?}: {said}");
        said
    }

    fn runs(&self, command: &[&str]) -> (bool, String) {
        let config = self.stage.patchcord.folder().join("patchcord.toml");
        let mut program = Command::new(program().expect("it is built"));
        let output = program.args(command).args(["--by", "ann", "--config"]).arg(config).output();
        let output = output.expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn caller(&self, number: &str, name: &str, hz: f64) -> CallerRun {
        let mut caller = Caller::new(number, DID);
        caller.name = name.to_owned();
        caller.background = Background::Tone(hz);
        caller.start(&self.stage.asterisk).expect("a caller")
    }

    fn phone(&self, name: &str, hz: f64) -> Phone {
        Phone::start(&self.stage.asterisk, name, SOON, Background::Tone(hz)).expect("a phone")
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.token);
    }
}

/// Whether a tone is among these. Silence may be no packets at all.
fn has(heard: &[i16], hz: f64) -> bool {
    let all = 10_f64.powf(audio::tone::level_dbfs(heard) / 10.0);
    heard.len() > 4_000 && all > 1e-5 && audio::tone::power(heard, hz) > all / 6.0
}

fn heard(phone: &Phone) -> Vec<i16> {
    let calls: Vec<CallRecord> = phone.calls();
    calls.last().map(|call| call.recording.heard.clone()).unwrap_or_default()
}

/// Waits until there is a second in which somebody hears all of these tones, and none of those.
fn sounds(who: &str, listen: impl Fn() -> Vec<i16>, these: &[f64], not: &[f64]) {
    let fits = |heard: &Vec<i16>| {
        these.iter().all(|hz| has(heard, *hz)) && !not.iter().any(|hz| has(heard, *hz))
    };
    let second = || {
        let before = listen().len();
        sleep(Duration::from_secs(1));
        listen().split_off(before)
    };
    let last = poll(Duration::from_secs(15), second, fits);
    let powers = [ONE_HZ, OTHER_HZ, THIRD_HZ, FOURTH_HZ, MUSIC_HZ].map(|hz| (hz, has(&last, hz)));
    assert!(fits(&last), "{who} should hear {these:?} and not {not:?}, and hears {powers:?}");
}

fn is_let_go(phone: &Phone) {
    let gone = |calls: &[CallRecord]| calls.iter().all(|call| call.ended.is_some());
    phone.wait(PATIENCE, gone).expect("the phone is let go");
}

#[test]
fn people_in_a_room_are_muted_held_added_and_taken_out_from_outside() {
    let Some(office) = Office::open(ROOM) else { return };
    let ann = office.caller("100", "Ann", ONE_HZ);
    hears(&ann, MUSIC_HZ);
    let bob = office.caller("200", "Bob", OTHER_HZ);
    let (anns, bobs) = (|| ann.record().recording.heard, || bob.record().recording.heard);
    sounds("Bob", bobs, &[ONE_HZ], &[MUSIC_HZ]);
    sounds("Ann", anns, &[OTHER_HZ], &[MUSIC_HZ]);
    let listed = office.says(&["rooms", "list"]);
    let listed: Vec<&str> = listed.lines().skip(1).collect();
    assert!(listed[0].contains("Ann") && listed[0].contains("host"), "{listed:?}");
    assert!(listed[1].contains("Bob") && !listed[1].contains("host"), "{listed:?}");
    let says = office.says(&["rooms", "mute", "board", "1"]);
    assert!(says.contains("is muted"), "{says}");
    sounds("Bob", bobs, &[], &[ONE_HZ]);
    assert!(office.says(&["rooms", "list"]).contains("muted"));
    office.says(&["rooms", "unmute", "board", "1"]);
    sounds("Bob", bobs, &[ONE_HZ], &[]);
    office.says(&["rooms", "hold", "board", "2"]);
    sounds("Bob", bobs, &[MUSIC_HZ], &[ONE_HZ]);
    sounds("Ann", anns, &[], &[OTHER_HZ]);
    office.says(&["rooms", "resume", "board", "2"]);
    sounds("Bob", bobs, &[ONE_HZ], &[MUSIC_HZ]);
    sounds("Ann", anns, &[OTHER_HZ], &[]);
    // A phone is rung into the room, though it is locked.
    let operator = office.phone("operator", THIRD_HZ);
    office.says(&["rooms", "lock", "board"]);
    office.says(&["rooms", "add", "board", "operator"]);
    answered(&operator);
    sounds("the guest", || heard(&operator), &[ONE_HZ, OTHER_HZ], &[]);
    sounds("Ann", anns, &[OTHER_HZ, THIRD_HZ], &[]);
    let listed = office.says(&["rooms", "list"]);
    assert!(listed.contains("guest, room locked"), "{listed}");
    let late = office.caller("300", "Eve", FOURTH_HZ);
    let call = office.stage.next_call();
    assert_eq!(path(&call), ["board", "locked"], "{call}");
    late.finish(PATIENCE).expect("it was hung up");
    office.says(&["rooms", "hold", "board", "3"]);
    sounds("the guest", || heard(&operator), &[MUSIC_HZ], &[ONE_HZ]);
    office.says(&["rooms", "resume", "board", "3"]);
    sounds("the guest", || heard(&operator), &[ONE_HZ, OTHER_HZ], &[MUSIC_HZ]);
    // Who is taken out goes on in the flow.
    office.says(&["rooms", "remove", "board", "2"]);
    let call = office.stage.next_call();
    assert_eq!(path(&call), ["board", "bye"], "{call}");
    let record = bob.finish(PATIENCE).expect("the flow hung up");
    assert!(matches!(record.ended, Some((_, End::Theirs))), "{:?}", record.ended);
    let (well, said) = office.runs(&["rooms", "mute", "board", "2"]);
    assert!(!well && said.contains("nobody in the room board has the number 2"), "{said}");
    // The guest leaves with the last caller.
    office.stage.hang_up(ann);
    is_let_go(&operator);
}

#[test]
fn who_came_next_opens_what_the_first_has_locked() {
    let Some(office) = Office::open(ROOM) else { return };
    let ann = office.caller("100", "Ann", ONE_HZ);
    hears(&ann, MUSIC_HZ);
    let bob = office.caller("200", "Bob", OTHER_HZ);
    sounds("Bob", || bob.record().recording.heard, &[ONE_HZ], &[]);
    ann.act(Act::Press('#'));
    let listed = || office.says(&["rooms", "list"]);
    let locked = poll(PATIENCE, listed, |said| said.contains("room locked"));
    assert!(locked.contains("room locked"), "{locked}");
    ann.act(Act::HangUp);
    office.stage.next_call();
    ann.finish(PATIENCE).expect("it hung up");
    let leads = poll(PATIENCE, listed, |said| said.contains("host, room locked"));
    assert!(leads.contains("Bob") && leads.contains("host, room locked"), "{leads}");
    bob.act(Act::Press('#'));
    let open = poll(PATIENCE, listed, |said| !said.contains("locked"));
    assert!(!open.contains("locked"), "{open}");
    let eve = office.caller("300", "Eve", FOURTH_HZ);
    sounds("Eve", || eve.record().recording.heard, &[OTHER_HZ], &[]);
    eve.act(Act::HangUp);
    office.stage.next_call();
    eve.finish(PATIENCE).expect("it hung up");
    office.stage.hang_up(bob);
}

#[test]
fn a_supervisor_hears_both_and_is_heard_by_the_agent_alone() {
    let Some(office) = Office::open(TALK) else { return };
    let operator = office.phone("operator", OTHER_HZ);
    let caller = office.caller("100", "Ann", ONE_HZ);
    answered(&operator);
    let callers = || caller.record().recording.heard;
    sounds("the caller", callers, &[OTHER_HZ], &[]);
    let listed = office.says(&["supervise"]);
    assert!(listed.contains("100") && listed.contains("an agent"), "{listed}");
    let listener = office.phone("sales", THIRD_HZ);
    office.says(&["supervise", "100", "--from", "sales"]);
    answered(&listener);
    sounds("the listener", || heard(&listener), &[ONE_HZ, OTHER_HZ], &[]);
    sounds("the agent", || heard(&operator), &[ONE_HZ], &[THIRD_HZ]);
    let whisperer = office.phone("billing", FOURTH_HZ);
    office.says(&["supervise", "100", "--from", "billing", "--whisper"]);
    answered(&whisperer);
    sounds("the agent", || heard(&operator), &[ONE_HZ, FOURTH_HZ], &[THIRD_HZ]);
    sounds("the whisperer", || heard(&whisperer), &[ONE_HZ, OTHER_HZ], &[]);
    sounds("the caller", callers, &[OTHER_HZ], &[THIRD_HZ, FOURTH_HZ]);
    // Who stops listening takes nobody along.
    listener.hang_up();
    is_let_go(&listener);
    let listeners = || office.says(&["supervise"]);
    let one = poll(PATIENCE, listeners, |said| said.trim_end().ends_with('1'));
    assert!(one.trim_end().ends_with('1'), "{one}");
    sounds("the caller", callers, &[OTHER_HZ], &[]);
    // The call's end ends the listening.
    let call = office.stage.hang_up(caller);
    assert_eq!((&call["outcome"], &call["destination"]), (&"connected".into(), &"operator".into()));
    is_let_go(&whisperer);
    is_let_go(&operator);
}

#[test]
fn nobody_is_let_in_without_the_token_or_rings_what_is_no_destination() {
    let Some(office) = Office::open(TALK) else { return };
    let (well, said) = office.runs(&["supervise", "100", "--from", "sales"]);
    assert!(!well && said.contains("no such call"), "{said}");
    let operator = office.phone("operator", OTHER_HZ);
    let caller = office.caller("100", "Ann", ONE_HZ);
    answered(&operator);
    for (from, why) in [("15550100", "no destination 15550100"), ("hours", "is no phone")] {
        let (well, said) = office.runs(&["supervise", "100", "--from", from]);
        assert!(!well && said.contains(why), "{said}");
    }
    std::fs::write(&office.token, "another token of more than sixteen").expect("written");
    let (well, said) = office.runs(&["rooms", "list"]);
    assert!(!well && said.contains("token"), "{said}");
    office.stage.hang_up(caller);
}
