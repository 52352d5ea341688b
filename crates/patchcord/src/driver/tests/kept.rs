//! What a call keeps, in real files, and what it must not: a card that is keyed in is nowhere.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use audio::pcapng::{self, Direction};
use audio::rtp;
use audio::telephone_event::Digits;
use audio::tone::{DtmfDetector, DualTone, KeyEvent, Sine};
use call::{RecordedBy, RecordingEnd, ZoneCut, ZoneEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::capture::CaptureSettings;
use crate::finished::Finished;
use crate::report;
use crate::speech::Speech;
use crate::tapes::{RecordingSettings, TapeSettings};

/// How many cards are keyed in; more if `PATCHCORD_CANARIES` says so.
const CANARIES: usize = 50;
const AT_ONCE: usize = 25;

/// A folder of its own, with a receptionist and a prompt of a tenth of a second; taken away when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("patchcord-kept-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
        std::fs::copy(assets.join("receptionist.toml"), folder.join("receptionist.toml"))
            .expect("the sample is there");
        std::os::unix::fs::symlink(assets.join("prompts"), folder.join("prompts")).expect("a link");
        let mut hum = vec![0; 800];
        Sine::new(500.0, -30.0).fill(&mut hum);
        std::fs::write(folder.join("hum.wav"), audio::wav::write(&hum)).expect("a file");
        Folder(folder)
    }

    /// A stage whose calls go through a flow and are kept here.
    async fn stage(&self, flow: &str) -> Stage {
        let path = self.0.join("flow.toml");
        std::fs::write(&path, format!("schema = 1\nname = \"kept\"\n{flow}")).expect("a file");
        let receptionist = self.0.join("receptionist.toml");
        let desk = Desk::open_with(&receptionist, Some(&path), Speech::default());
        let desk = desk.unwrap_or_else(|error| panic!("{error}"));
        let sub = |name: &str| {
            let folder = self.0.join(name);
            std::fs::create_dir_all(&folder).expect("a folder");
            folder
        };
        let (max_time, max_bytes) = (Duration::from_secs(600), 1 << 30);
        let recordings = RecordingSettings { folder: sub("recordings"), max_time, max_bytes };
        let settings =
            TapeSettings { recordings: Some(recordings), voicemail: Some(sub("voicemail")) };
        settings.suit(&desk.course.flow).unwrap_or_else(|error| panic!("{error}"));
        let captures = CaptureSettings { folder: sub("captures"), max_time, max_bytes };
        let tapes = Arc::new(Tapes::start(settings).expect("a thread"));
        let capture = Arc::new(Capture::start(captures).expect("a thread"));
        let keeping = Keeping { tapes: Some(tapes), capture: Some(capture), ..Keeping::default() };
        Stage::with(Arc::new(desk).into(), keeping).await
    }

    fn files(&self, below: &str) -> Vec<PathBuf> {
        let found = std::fs::read_dir(self.0.join(below)).expect("a folder");
        let mut files: Vec<_> = found.map(|file| file.expect("a file").path()).collect();
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn is_private(path: &Path) -> bool {
    let mode = std::fs::metadata(path).expect("it is there").permissions().mode();
    mode & 0o077 == 0
}

/// The tracks of a WAV file of ours.
fn tracks(path: &Path) -> Vec<Vec<i16>> {
    let bytes = std::fs::read(path).expect("it is there");
    let channels = usize::from(u16::from_le_bytes([bytes[22], bytes[23]]));
    let told = u32::from_le_bytes([bytes[40], bytes[41], bytes[42], bytes[43]]) as usize;
    assert_eq!(bytes.len(), 44 + told, "{} is not whole", path.display());
    let samples: Vec<i16> =
        bytes[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let track = |at: usize| samples.iter().skip(at).step_by(channels).copied().collect();
    (0..channels).map(track).collect()
}

/// The keys whose tones are in the sound.
fn keys_in(samples: &[i16]) -> String {
    let (mut detector, mut keys) = (DtmfDetector::new(), String::new());
    detector.push(samples, |event| {
        if let KeyEvent::Pressed { key, .. } = event {
            keys.push(key);
        }
    });
    keys
}

fn tone(ms: usize, hz: f64) -> Vec<i16> {
    let mut samples = vec![0; ms * 8];
    Sine::new(hz, -15.0).fill(&mut samples);
    samples
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 8]
}

fn hangs_up_by_itself(audio: Vec<i16>) -> Caller {
    Caller { audio: audio.into(), hangs_up: HangsUp::AfterAudio, ..Caller::default() }
}

const RECORDED: &str = r#"
start = "on"
[node.on]
record = { turn = "on" }
to = { done = "hum" }
[node.hum]
menu = { prompt = { file = "hum.wav" }, keys = { 1 = "off" }, wait_s = 20 }
to = { off = "off" }
[node.off]
record = { turn = "off" }
to = { done = "more" }
[node.more]
menu = { prompt = { file = "hum.wav" }, keys = { 1 = "bye" }, wait_s = 20 }
to = { bye = "hang_up" }
"#;

#[tokio::test]
async fn both_sides_are_recorded_until_it_is_switched_off_beside_a_capture() {
    let folder = Folder::new("recorded");
    let mut stage = folder.stage(RECORDED).await;
    let caller = Caller {
        audio: [silence(500), tone(600, 700.0), silence(400), tone(4_000, 1_900.0)].concat().into(),
        digits: vec![(1_400 * MS, '1'), (2_600 * MS, '1')],
        hangs_up: HangsUp::At(Duration::from_secs(20)),
        ..Caller::default()
    };
    let (driven, _) = stage.ring(caller).await;
    stage.end().await;
    let [recording] = &driven.record.recordings[..] else { panic!("{:?}", driven.record) };
    assert_eq!((recording.by, &recording.ended), (RecordedBy::Us, &Some(RecordingEnd::Stopped)));
    let files = folder.files("recordings");
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files.iter().all(|file| is_private(file)));
    let path = Path::new(&recording.path);
    let both = tracks(path);
    let power = |samples: &[i16], hz| audio::tone::power(samples, hz);
    assert!(power(&both[0], 700.0) > 10.0 * power(&both[1], 700.0), "the caller is left");
    assert!(power(&both[1], 500.0) > 10.0 * power(&both[0], 500.0), "we are right");
    assert!(power(&both[0], 1_900.0) < power(&both[0], 700.0) / 50.0, "and then it is off");
    assert!(both[0].len() > 8_000 && both[0].len() < 8 * 2_200, "{}", both[0].len());
    let mix = files.iter().find(|file| *file != path).expect("the mix");
    let [mix] = &tracks(mix)[..] else { panic!("one track") };
    assert!(power(mix, 700.0) > 1e-6 && power(mix, 500.0) > 1e-6);
    // The capture went on beside it.
    let capture =
        folder.files("captures").into_iter().find(|it| it.extension() == path.extension());
    let captured = tracks(&capture.expect("a capture"));
    assert!(power(&captured[0], 1_900.0) > power(&both[0], 1_900.0) * 50.0);
}

const MAILBOX: &str = r#"
start = "leave"
[node.leave]
voicemail = { prompt = { file = "hum.wav" }, mailbox = "support" }
to = { done = "hang_up", no_input = "hang_up" }
"#;

#[tokio::test]
async fn a_message_is_left_by_key_and_by_hanging_up_and_nothing_where_nothing_was_said() {
    let folder = Folder::new("message");
    let mut stage = folder.stage(MAILBOX).await;
    let says = || [silence(1_500), tone(1_500, 700.0)].concat();
    let by_key = Caller {
        audio: [says(), silence(20_000)].concat().into(),
        digits: vec![(3_600 * MS, '#')],
        hangs_up: HangsUp::At(Duration::from_secs(30)),
        ..Caller::default()
    };
    for caller in [by_key, hangs_up_by_itself(says())] {
        let (driven, _) = stage.ring(caller).await;
        let [message] = &driven.record.messages[..] else { panic!("{:?}", driven.record) };
        let path = Path::new(&message.path);
        assert!(is_private(path) && is_private(&path.with_extension("json")));
        let [sound] = &tracks(path)[..] else { panic!("the caller's side alone") };
        assert!(audio::tone::power(sound, 700.0) > 1e-4);
        let note = std::fs::read(path.with_extension("json")).expect("a note");
        let note: serde_json::Value = serde_json::from_slice(&note).expect("JSON");
        assert_eq!(
            (&note["mailbox"], &note["caller"]["number"]),
            (&"support".into(), &"5550100".into())
        );
        let length = note["length_s"].as_f64().expect("a number");
        assert!((1.0..4.5).contains(&length), "{note}");
    }
    let kept = folder.files("voicemail/support").len();
    let (driven, _) = stage.ring(hangs_up_by_itself(silence(2_500))).await;
    assert!(driven.record.messages.is_empty(), "{:?}", driven.record.messages);
    assert_eq!((kept, folder.files("voicemail/support").len()), (4, 4));
    stage.end().await;
}

/// A payment's lookup that takes all cards: the bodies that it was sent.
struct Till {
    port: u16,
    bodies: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Till {
    async fn open() -> Till {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let port = listener.local_addr().expect("bound").port();
        let bodies = Arc::<Mutex<Vec<String>>>::default();
        let taken = bodies.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let taken = taken.clone();
                tokio::spawn(async move {
                    let (mut request, mut part) = (Vec::new(), [0; 4_096]);
                    while !request.ends_with(b"}") {
                        match stream.read(&mut part).await {
                            Ok(count) if count > 0 => request.extend_from_slice(&part[..count]),
                            _ => return,
                        }
                    }
                    let request = String::from_utf8_lossy(&request).into_owned();
                    let body = request.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
                    taken.lock().expect("nobody panics").push(body);
                    let body = r#"{"receipt":"A7"}"#;
                    let reply = format!(
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    let _ = stream.write_all(reply.as_bytes()).await;
                });
            }
        });
        Till { port, bodies, task }
    }

    fn cards(&self) -> Vec<String> {
        let bodies = self.bodies.lock().expect("nobody panics");
        let card = |body: &String| {
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            format!(
                "{}/{}",
                body["card"].as_str().expect("digits"),
                body["cvc"].as_str().expect("digits")
            )
        };
        bodies.iter().map(card).collect()
    }

    /// Recorded, a key, a card, and a key.
    fn flow(&self) -> String {
        let port = self.port;
        format!(
            r#"
            start = "on"
            [lookup.charge]
            url = "http://127.0.0.1:{port}/"
            method = "POST"
            fields = {{ receipt = "/receipt" }}
            [node.on]
            record = {{ turn = "on" }}
            to = {{ done = "sure" }}
            [node.sure]
            menu = {{ prompt = {{ file = "hum.wav" }}, keys = {{ 1 = "card" }}, wait_s = 20 }}
            to = {{ card = "card" }}
            [node.card.zone]
            card = {{ file = "hum.wav" }}
            cvc = {{ file = "hum.wav" }}
            lookup = "charge"
            [node.card.to]
            paid = "more"
            declined = "hang_up"
            cut_failed = "refused"
            no_input = "hang_up"
            no_match = "hang_up"
            [node.more]
            menu = {{ prompt = {{ file = "hum.wav" }}, keys = {{ 2 = "bye" }}, wait_s = 20 }}
            to = {{ bye = "hang_up" }}
            [node.refused]
            menu = {{ prompt = {{ file = "hum.wav" }}, keys = {{ 2 = "bye" }}, wait_s = 20 }}
            to = {{ bye = "hang_up" }}
            "#
        )
    }
}

impl Drop for Till {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A card's number that no other caller has: sixteen digits with the right check digit.
fn card(number: usize) -> String {
    let digits =
        format!("5{:014}", (number as u64 + 7).wrapping_mul(79_383_762_731) % 100_000_000_000_000);
    let sum = digits.bytes().rev().enumerate().map(|(at, digit)| {
        let digit = u32::from(digit - b'0') << u32::from(at % 2 == 0);
        digit / 10 + digit % 10
    });
    format!("{digits}{}", (10 - sum.sum::<u32>() % 10) % 10)
}

/// Presses a key, a card with its CVC, and a key; the keys sound on the line as well, as some telephones let them.
fn pays(card: &str, cvc: &str) -> Caller {
    let keys = std::iter::once((700, '1'))
        .chain(
            format!("{card}#")
                .chars()
                .enumerate()
                .map(|(at, key)| (2_000 + 140 * at, key))
                .collect::<Vec<_>>(),
        )
        .chain(
            format!("{cvc}#")
                .chars()
                .enumerate()
                .map(|(at, key)| (5_000 + 140 * at, key))
                .collect::<Vec<_>>(),
        )
        .chain([(7_500, '2')]);
    let keys: Vec<(usize, char)> = keys.collect();
    let mut audio = Vec::new();
    for &(released, key) in &keys {
        audio.resize((released - 100) * 8, 0);
        let mut tone = [0; 800];
        if let Some(mut key) = DualTone::key(key) {
            key.fill(&mut tone);
        }
        audio.extend_from_slice(&tone);
    }
    Caller {
        audio: audio.into(),
        digits: keys.into_iter().map(|(at, key)| (at as u32 * MS, key)).collect(),
        hangs_up: HangsUp::At(Duration::from_secs(30)),
        ..Caller::default()
    }
}

fn recording_of(driven: &Driven) -> PathBuf {
    PathBuf::from(&driven.record.recordings[0].path)
}

fn zone(driven: &Driven) -> Vec<ZoneEvent> {
    driven.record.zone.iter().map(|mark| mark.what).collect()
}

#[tokio::test]
async fn a_card_is_paid_with_whoever_tells_of_its_keys() {
    let (folder, till) = (Folder::new("paid"), Till::open().await);
    let mut stage = folder.stage(&till.flow()).await;
    let kind = pbx::EventKind::ChannelDtmfReceived;
    for (at, fault) in [None, Some(Fault::DropEvents { kind })].into_iter().enumerate() {
        fault.into_iter().for_each(|fault| stage.pbx.inject(fault));
        let (driven, _) = stage.ring(pays(&card(at), "739")).await;
        assert_eq!(zone(&driven), [ZoneEvent::Entered, ZoneEvent::Left], "{fault:?}");
        let path: Vec<_> = driven.record.path.iter().map(|step| &*step.node).collect();
        assert_eq!(path, ["on", "sure", "card", "more"], "{fault:?}");
    }
    assert_eq!(till.cards(), [format!("{}/739", card(0)), format!("{}/739", card(1))]);
    stage.end().await;
}

#[tokio::test]
async fn a_zone_is_refused_where_a_cut_is_not_confirmed() {
    let (folder, till) = (Folder::new("refused"), Till::open().await);
    let mut stage = folder.stage(&till.flow()).await;
    let operation = Operation::GetVariable;
    let faults = [
        Fault::FailOperation { operation, status: 500 },
        Fault::SlowAnswer { operation, delay: Duration::from_secs(2) },
    ];
    for fault in faults {
        stage.pbx.inject(fault);
        let digits = vec![(700 * MS, '1'), (7_500 * MS, '2')];
        let (driven, _) = stage.ring(Caller { digits, ..pays(&card(0), "739") }).await;
        stage.pbx.heal();
        let refused = [ZoneEvent::Refused(ZoneCut::MixMonitor)];
        assert_eq!(zone(&driven), refused, "{fault:?}");
        // What was cut is undone: the recording goes on with what comes next.
        let keys = keys_in(&tracks(&recording_of(&driven))[0]);
        assert!(keys.len() > 10, "{fault:?}: {keys}");
    }
    let caller = Caller { digits: vec![(1_500 * MS, '1')], ..pays(&card(0), "739") };
    let (client, call) = (stage.client.clone(), stage.pbx.call(caller));
    tokio::time::sleep(500 * MS).await;
    let (name, file) = ("MIXMONITOR_FILENAME", "/var/spool/call.wav");
    client.channels().set_channel_var(call.channel(), name, file).await.expect("it is set");
    tokio::time::sleep(1_500 * MS).await;
    call.hang_up();
    call.outcome().await;
    let driven = stage.driven.recv().await.expect("the service works");
    assert_eq!(zone(&driven), [ZoneEvent::Refused(ZoneCut::MixMonitor)]);
    assert!(till.cards().is_empty());
    stage.end().await;
}

#[tokio::test]
async fn a_card_is_asked_for_only_once_nobody_listens() {
    let (folder, till) = (Folder::new("heard"), Till::open().await);
    let mut stage = folder.stage(&till.flow()).await;
    for lets_go in [true, false] {
        let digits = vec![(700 * MS, '1'), (7_500 * MS, '2')];
        let refused = Caller { digits, ..pays(&card(0), "739") };
        let caller = if lets_go { pays(&card(0), "739") } else { refused };
        let call = stage.pbx.call(caller);
        let mut listening = loop {
            match stage.calls.listen(call.channel(), false) {
                Ok(listening) => break listening,
                // The call has not been taken yet.
                Err(_) => tokio::time::sleep(MS).await,
            }
        };
        let listener = tokio::spawn(async move {
            listening.must_end().await;
            if !lets_go {
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        });
        call.outcome().await;
        let driven = stage.over().await;
        listener.await.expect("no panic");
        let expected = match lets_go {
            true => vec![ZoneEvent::Entered, ZoneEvent::Left],
            false => vec![ZoneEvent::Refused(ZoneCut::Listener)],
        };
        assert_eq!(zone(&driven), expected);
    }
    stage.end().await;
}

#[tokio::test]
async fn who_hangs_up_within_the_zone_leaves_it_and_nothing_else() {
    let (folder, till) = (Folder::new("gone"), Till::open().await);
    let mut stage = folder.stage(&till.flow()).await;
    let hangs_up = HangsUp::At(3_000 * MS);
    let (driven, _) = stage.ring(Caller { hangs_up, ..pays(&card(0), "739") }).await;
    assert_eq!(zone(&driven), [ZoneEvent::Entered, ZoneEvent::Left]);
    assert_eq!(driven.record.recordings[0].ended, Some(RecordingEnd::Stopped));
    assert!(till.cards().is_empty());
    stage.end().await;
}

/// All that is logged by this process, at every level.
static LOG: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

struct Logged;

impl std::io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().expect("nobody panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The rows of digits in a text that hold eight in a row of a card's. Of fractions and Unix times a thousand calls tell
/// so many that some look like one.
fn finds<'t>(text: &'t str, parts: &HashSet<&str>, now: &str) -> Vec<&'t str> {
    let mut fraction = false;
    let rows = text.split(|c: char| !c.is_ascii_digit()).filter(|row| {
        let at = row.as_ptr() as usize - text.as_ptr() as usize;
        let before = text.as_bytes()[..at].last();
        // The digits before its point were the row before.
        let is_fraction = before == Some(&b'.') && fraction;
        fraction = !row.is_empty();
        let is_time = row.len() >= 10 && row.starts_with(now);
        let held =
            || (0..(row.len() + 1).saturating_sub(8)).any(|at| parts.contains(&row[at..at + 8]));
        !is_fraction && !is_time && held()
    });
    rows.collect()
}

/// The keys of a capture that came in: told beside the sound, and in it.
fn keys_of_capture(path: &Path) -> (String, String) {
    let bytes = std::fs::read(path).expect("it is there");
    let (mut digits, mut told, mut sound) = (Digits::default(), String::new(), BTreeMap::new());
    for datagram in pcapng::read(&bytes).expect("it is whole") {
        let inbound = datagram.direction == Some(Direction::Inbound);
        let Some(packet) = rtp::Packet::parse(datagram.payload).ok().filter(|_| inbound) else {
            continue;
        };
        match packet.payload_type {
            rtp::TELEPHONE_EVENT => told.extend(digits.push(&packet)),
            _ => {
                let samples =
                    packet.payload.iter().map(|code| audio::g711::decode_ulaw_sample(*code));
                sound.insert(packet.timestamp, samples.collect::<Vec<_>>());
            }
        }
    }
    let sound: Vec<i16> = sound.into_values().flatten().collect();
    (told, keys_in(&sound))
}

/// Cards are keyed in, with tones on the line and telephone events beside it, and found nowhere: not in the files of any
/// recording, not in a log of any level, not in what is told of the call. The keys before and after are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_digit_of_a_card_is_anywhere() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(|| Logged)
        .finish();
    // Another test of this process may have been first; then its log is looked at by nobody.
    let logs = tracing::subscriber::set_global_default(subscriber).is_ok();
    let canaries = std::env::var("PATCHCORD_CANARIES").ok().and_then(|text| text.parse().ok());
    let canaries: usize = canaries.unwrap_or(CANARIES);
    let (folder, till) = (Folder::new("canary"), Till::open().await);
    let mut stage = folder.stage(&till.flow()).await;
    let mut told = Vec::new();
    for first in (0..canaries).step_by(AT_ONCE) {
        let numbers = first..(first + AT_ONCE).min(canaries);
        let calls: Vec<_> =
            numbers.clone().map(|number| stage.pbx.call(pays(&card(number), "739"))).collect();
        for _ in numbers {
            let driven = stage.driven.recv().await.expect("the service works");
            assert_eq!(zone(&driven), [ZoneEvent::Entered, ZoneEvent::Left], "{:?}", driven.record);
            told.push(format!("{:?}", driven.record));
            told.push(report::json(&Finished::new(driven.caller, driven.record, None, None)));
        }
        for call in calls {
            call.outcome().await;
        }
    }
    stage.end().await;
    let mut paid = till.cards();
    let mut expected: Vec<_> =
        (0..canaries).map(|number| format!("{}/739", card(number))).collect();
    paid.sort();
    expected.sort();
    assert_eq!(paid, expected, "the cards were keyed in, and got to where they belong");

    let files = [folder.files("recordings"), folder.files("captures")].concat();
    assert_eq!(files.len(), 4 * canaries);
    for file in &files {
        let shown = file.display();
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("wav") => {
                let keys = keys_in(&tracks(file)[0]);
                assert_eq!(keys, "12", "{shown}: the keys around the zone and no others");
            }
            Some("pcapng") => {
                // On a busy machine a key may be pressed before the media channel has joined, or after it has left.
                let (told, sound) = keys_of_capture(file);
                assert!(sound == "12" && "12".contains(&told), "{shown}: {told}, {sound}");
            }
            _ => panic!("{shown} is unknown"),
        }
    }
    let log = String::from_utf8_lossy(&LOG.lock().expect("nobody panics")).into_owned();
    assert!(!logs || !log.is_empty(), "something is logged at this level");
    for word in ["dtmf", "Dtmf", "Digit", "digit"] {
        assert!(!log.contains(word), "the log speaks of keys: {word}");
    }
    let cards: Vec<String> = (0..canaries).map(card).collect();
    let parts = cards.iter().flat_map(|card| (0..=card.len() - 8).map(|at| &card[at..at + 8]));
    let parts: HashSet<&str> = parts.collect();
    let now = jiff::Timestamp::now().as_second().to_string();
    let finds = |text| finds(text, &parts, &now[..5]);
    assert_eq!(finds(&log), [""; 0], "in the log");
    for text in &told {
        assert_eq!(finds(text), [""; 0], "in {text}");
    }
    assert_eq!(finds(&format!("said: {}.", cards[0])).len(), 1, "the search finds what there is");
}
