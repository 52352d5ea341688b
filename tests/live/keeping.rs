//! Calls are recorded, leave messages and pay by card, on a real Asterisk.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tests::sipp::{Act, Behaviour, Caller, Phone};
use tests::softphone::Background;

use crate::{DID, PATIENCE, Stage, answered, hears, poll};

const CALLER_HZ: f64 = 700.0;
const AGENT_HZ: f64 = 1_100.0;
const FOLDERS: &str = "[recording]\nfolder = \"recordings\"\n[voicemail]\nfolder = \"voicemail\"\n[media]\ncapture = \"captures\"\n";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn presses(mut caller: Caller, from: u64, keys: &str) -> Caller {
    for (at, key) in keys.chars().enumerate() {
        caller = caller.at(ms(from + 300 * at as u64), Act::Press(key));
    }
    caller
}

fn tone(hz: f64, length: Duration) -> Vec<i16> {
    let mut samples = vec![0; length.as_millis() as usize * 8];
    audio::tone::Sine::new(hz, -12.0).fill(&mut samples);
    samples
}

/// The mono sound of a WAV file, its tracks mixed.
fn sound(path: &Path) -> Vec<i16> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    audio::wav::read(&bytes).expect("a WAV file")
}

/// Whether a tone is in at least half a second of the sound.
fn holds(sound: &[i16], hz: f64) -> bool {
    sound.windows(4_000).step_by(800).any(|part| {
        let all = 10_f64.powf(audio::tone::level_dbfs(part) / 10.0);
        all > 1e-6 && audio::tone::power(part, hz) > all / 4.0
    })
}

/// Who made each recording of a call, where it is, and why it ended.
fn recordings(call: &Value) -> Vec<[String; 3]> {
    let list = call["recordings"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.iter().map(|it| ["by", "path", "ended"].map(|key| text(&it[key]))).collect()
}

#[test]
fn a_call_is_recorded_through_us_and_then_by_asterisk_while_two_people_talk() {
    let flow = r#"
        schema = 1
        name = "recorded"
        start = "on"
        [node.on]
        record = { turn = "on", consent = "May we record this? Press 1 for yes." }
        to = { done = "operator", refused = "hang_up" }
        [node.operator]
        connect = { destination = "operator", announce = "One moment, please." }
        "#;
    let Some(stage) = Stage::through_with(flow, FOLDERS) else { return };
    let agent = Background::Tone(AGENT_HZ);
    // Behind what is announced the caller's tone is alone for a while.
    let late = Behaviour::Answers(ms(3_000));
    let operator = Phone::start(&stage.asterisk, "operator", late, agent).expect("a phone");
    let mut caller = Caller::new("100", DID).at(ms(1_500), Act::Press('1'));
    caller.background = Background::Tone(CALLER_HZ);
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(&operator);
    hears(&caller, AGENT_HZ);
    std::thread::sleep(ms(1_500));
    let call = stage.hang_up(caller);
    let kept = recordings(&call);
    let [[first, ours, why], [second, theirs, _]] = &kept[..] else { panic!("{call}") };
    assert_eq!([first, second, why], ["patchcord", "asterisk", "stopped"], "{call}");
    let ours = sound(&stage.patchcord.folder().join(ours));
    assert!(holds(&ours, CALLER_HZ) && !holds(&ours, AGENT_HZ), "{call}");
    let theirs = find(stage.asterisk.folder(), &format!("{theirs}.wav"));
    let theirs = theirs.expect("Asterisk has kept its part");
    let whole = || sound(&theirs);
    let both = |heard: &Vec<i16>| holds(heard, CALLER_HZ) && holds(heard, AGENT_HZ);
    assert!(both(&poll(Duration::from_secs(3), whole, both)), "{}", theirs.display());
}

/// A file somewhere below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().map(|file| file.path()).find_map(|path| {
        match path.is_dir() && !path.is_symlink() {
            true => find(&path, name),
            false => (path.file_name()? == name).then_some(path),
        }
    })
}

#[test]
fn a_message_is_left_and_can_be_read() {
    let flow = r#"
        schema = 1
        name = "mailbox"
        start = "leave"
        [node.leave]
        voicemail = { prompt = "Speak.", mailbox = "support" }
        to = { done = "thanks", no_input = "hang_up" }
        [node.thanks]
        hang_up = { prompt = "Thank you." }
        "#;
    for by_key in [true, false] {
        let Some(stage) = Stage::through_with(flow, FOLDERS) else { return };
        let says = Act::Say(tone(CALLER_HZ, ms(2_000)));
        let caller = Caller::new("100", DID).at(ms(3_000), says);
        let caller = match by_key {
            true => caller.at(ms(5_500), Act::Press('#')),
            false => caller.at(ms(5_500), Act::HangUp),
        };
        let caller = caller.start(&stage.asterisk).expect("a caller");
        let call = stage.next_call();
        caller.finish(PATIENCE).expect("it is over");
        stage.nothing_is_left();
        let path = call["messages"][0]["path"].as_str().unwrap_or_else(|| panic!("{call}"));
        let path = stage.patchcord.folder().join(path);
        assert!(holds(&sound(&path), CALLER_HZ), "{call}");
        let note = std::fs::read(path.with_extension("json")).expect("a note");
        let note: Value = serde_json::from_slice(&note).expect("JSON");
        assert_eq!(note["caller"]["number"], "100", "{note}");
    }
}

/// An HTTP server on loopback that takes all cards: its port, and what it was sent.
pub(crate) fn till() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let port = listener.local_addr().expect("bound").port();
    let taken = Arc::<Mutex<Vec<String>>>::default();
    let told = taken.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (mut request, mut part) = (Vec::new(), [0; 4_096]);
            while !request.ends_with(b"}") {
                match stream.read(&mut part) {
                    Ok(count) if count > 0 => request.extend_from_slice(&part[..count]),
                    _ => break,
                }
            }
            told.lock().expect("nobody panics").push(String::from_utf8_lossy(&request).into());
            let body = r#"{"receipt":"7"}"#;
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        }
    });
    (port, taken)
}

fn payment(port: u16) -> String {
    format!(
        r#"
        schema = 1
        name = "payment"
        start = "on"
        [lookup.charge]
        url = "http://127.0.0.1:{port}/"
        method = "POST"
        fields = {{ receipt = "/receipt" }}
        [node.on]
        record = {{ turn = "on" }}
        to = {{ done = "card" }}
        [node.card.zone]
        card = "Your card?"
        cvc = "Its code?"
        lookup = "charge"
        [node.card.to]
        paid = "thanks"
        declined = "hang_up"
        no_match = "hang_up"
        no_input = "hang_up"
        cut_failed = "sorry"
        [node.thanks]
        hang_up = {{ prompt = "Your receipt is {{lookup.charge.receipt}}." }}
        [node.sorry]
        hang_up = {{ prompt = "Not now." }}
        "#
    )
}

fn zone(call: &Value) -> Vec<&str> {
    let marks = call["zone"].as_array().expect("a list");
    marks.iter().filter_map(|mark| mark["event"].as_str()).collect()
}

#[test]
fn a_card_is_paid_with_and_is_in_no_file() {
    const CARD: &str = "4111111111111111";
    let (port, taken) = till();
    let Some(stage) = Stage::through_with(&payment(port), FOLDERS) else { return };
    let caller = presses(Caller::new("100", DID), 2_000, &format!("{CARD}#"));
    let caller = presses(caller, 9_000, "739#").start(&stage.asterisk).expect("a caller");
    let call = stage.next_call();
    caller.finish(PATIENCE).expect("it is over");
    stage.nothing_is_left();
    assert_eq!(zone(&call), ["entered", "left"], "{call}");
    let taken = taken.lock().expect("nobody panics").clone();
    assert!(taken.len() == 1 && taken[0].contains(CARD) && taken[0].contains("739"), "not paid");
    let key = taken[0].lines().find_map(|line| line.strip_prefix("idempotency-key: call-"));
    assert!(key.is_some_and(|key| key.ends_with("-charge-0")), "{key:?}");
    assert!(!call.to_string().contains(CARD));
    let folder = stage.patchcord.folder();
    let captures = std::fs::read_dir(folder.join("captures")).expect("a folder").flatten();
    let capture =
        captures.map(|file| file.path()).find(|it| it.extension().is_some_and(|e| e == "pcapng"));
    let bytes = std::fs::read(capture.expect("a capture")).expect("it can be read");
    let events = audio::pcapng::read(&bytes).expect("it is whole").into_iter().filter(|it| {
        let packet = audio::rtp::Packet::parse(it.payload);
        packet.is_ok_and(|packet| packet.payload_type == audio::rtp::TELEPHONE_EVENT)
    });
    assert_eq!(events.count(), 0, "every key was pressed within the zone");
}

#[test]
fn a_card_is_not_asked_for_while_the_dialplan_records() {
    let (port, taken) = till();
    let Some(stage) = Stage::through_with(&payment(port), FOLDERS) else { return };
    // As the dialplan's MixMonitor() leaves it on each channel that it records.
    stage.asterisk.cli("dialplan set global MIXMONITOR_FILENAME /tmp/call.wav").expect("cli");
    let caller = presses(Caller::new("100", DID), 2_000, "4111111111111111#");
    let caller = caller.start(&stage.asterisk).expect("a caller");
    let call = stage.next_call();
    caller.finish(PATIENCE).expect("it is over");
    stage.nothing_is_left();
    assert_eq!(zone(&call), ["refused"], "{call}");
    assert_eq!(call["zone"][0]["cut"], "mix_monitor", "{call}");
    assert!(taken.lock().expect("nobody panics").is_empty());
}

#[test]
fn who_hangs_up_while_something_is_kept_leaves_nothing_open() {
    let (port, _taken) = till();
    let mailbox = "schema = 1\nname = \"mailbox\"\nstart = \"leave\"\n[node.leave]\nvoicemail = { prompt = \"Speak.\", mailbox = \"support\" }\nto = { done = \"hang_up\", no_input = \"hang_up\" }\n";
    let recorded = "schema = 1\nname = \"recorded\"\nstart = \"on\"\n[node.on]\nrecord = { turn = \"on\" }\nto = { done = \"say\" }\n[node.say]\nsay = { prompt = \"This is a long text, so that somebody may hang up before it ends, as callers do.\" }\nto = { done = \"hang_up\" }\n";
    for flow in [mailbox, recorded, &payment(port)] {
        let Some(stage) = Stage::through_with(flow, FOLDERS) else { return };
        let caller = Caller::new("100", DID).at(ms(1_800), Act::HangUp);
        let caller = caller.start(&stage.asterisk).expect("a caller");
        let call = stage.next_call();
        caller.finish(PATIENCE).expect("it hung up");
        stage.nothing_is_left();
        assert_eq!(call["outcome"], "abandoned", "{call}");
        assert!(recordings(&call).iter().all(|[_, _, ended]| ended == "stopped"), "{call}");
        assert_eq!(zone(&call).len() % 2, 0, "{call}");
    }
}
