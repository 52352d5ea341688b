//! Vendors' voices against a stand-in server that speaks HTTP by hand, so that it can do everything wrong.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use engines::key::{Key, KeySource};
use engines::synthesis::remote::deepgram::DeepgramOptions;
use engines::synthesis::remote::elevenlabs::ElevenLabsOptions;
use engines::synthesis::remote::openai::OpenAiOptions;
use engines::synthesis::remote::{Remote, Vendor};
use engines::synthesis::{Mouth, MouthConfig, Outlet, Report, Said, SpeakError, Synthesizer};

const KEY: &str = "key-of-the-test";

/// What the server does with a request.
#[derive(Clone)]
enum Deed {
    /// A status, headers, and a body in one piece.
    Answer(&'static str, &'static [&'static str], Vec<u8>),
    /// Sound in chunks; the connection is kept.
    Sound(Vec<Vec<u8>>),
    /// The same, then the connection is closed in the middle of the body.
    CutOff(Vec<u8>),
    /// The same, then nothing more.
    Stall(Vec<u8>),
    /// Not even a status.
    Mute,
    /// Closes at once.
    HangUp,
}

/// A server that does its deeds, a request each, the last one for ever; and what it was asked.
struct StandIn {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
    /// Something arrives when a client has gone away from a stalled request.
    gone: mpsc::Receiver<()>,
}

impl StandIn {
    fn start(deeds: &[Deed]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, connections) = (Arc::default(), Arc::default());
        let (tell, gone) = mpsc::channel();
        let server = Self {
            url,
            requests: Arc::clone(&requests),
            connections: Arc::clone(&connections),
            gone,
        };
        let deeds = deeds.to_vec();
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                *connections.lock().unwrap() += 1;
                let (deeds, requests, tell) = (deeds.clone(), requests.clone(), tell.clone());
                std::thread::spawn(move || serve(stream, &deeds, &requests, &tell));
            }
        });
        server
    }

    fn request(&self, index: usize) -> String {
        self.requests.lock().unwrap()[index].clone()
    }
}

fn serve(
    mut stream: TcpStream,
    deeds: &[Deed],
    requests: &Mutex<Vec<String>>,
    gone: &mpsc::Sender<()>,
) {
    while let Some(request) = read_request(&mut stream) {
        let deed = {
            let mut requests = requests.lock().unwrap();
            requests.push(request);
            deeds[(requests.len() - 1).min(deeds.len() - 1)].clone()
        };
        let mut send = |bytes: &[u8]| stream.write_all(bytes).is_ok();
        let chunked =
            b"HTTP/1.1 200 OK\r\ncontent-type: audio/pcm\r\ntransfer-encoding: chunked\r\n\r\n";
        // A chunk without bytes would be the last one.
        let chunk = |sound: &[u8]| match sound {
            [] => Vec::new(),
            sound => [format!("{:x}\r\n", sound.len()).as_bytes(), sound, b"\r\n"].concat(),
        };
        match deed {
            Deed::Answer(status, headers, body) => {
                let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
                let head =
                    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
                if !send(&[head.as_bytes(), &body].concat()) {
                    return;
                }
            }
            Deed::Sound(pieces) => {
                if !send(chunked)
                    || !pieces.iter().all(|piece| send(&chunk(piece)))
                    || !send(b"0\r\n\r\n")
                {
                    return;
                }
            }
            Deed::CutOff(sound) => {
                send(chunked);
                send(&chunk(&sound));
                return;
            }
            Deed::Stall(sound) => {
                send(chunked);
                send(&chunk(&sound));
                return wait_for_the_end(stream, gone);
            }
            Deed::Mute => return wait_for_the_end(stream, gone),
            Deed::HangUp => return,
        }
    }
}

fn wait_for_the_end(mut stream: TcpStream, gone: &mpsc::Sender<()>) {
    let mut rest = [0; 64];
    while stream.read(&mut rest).is_ok_and(|count| count > 0) {}
    let _ = gone.send(());
}

/// The head in lower case, and the body as it is.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let (first, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let headers = headers.to_lowercase();
        let length = headers.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Some(format!("{first}\n{headers}\n\n{body}"));
        }
    }
}

/// A tone of so many samples as 16-bit PCM.
fn pcm(samples: usize) -> Vec<u8> {
    (0..samples).flat_map(|n| if n % 30 < 15 { 3_000_i16 } else { -3_000 }.to_le_bytes()).collect()
}

fn key() -> Key {
    let path = std::env::temp_dir().join(format!(
        "patchcord-key-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::write(&path, KEY).unwrap();
    let key = KeySource::File(path.clone()).read().unwrap();
    std::fs::remove_file(path).unwrap();
    key
}

fn openai(url: &str) -> Vendor {
    Vendor::OpenAi(
        OpenAiOptions { url: format!("{url}/v1/"), ..OpenAiOptions::default() },
        Some(key()),
    )
}

fn vendors(url: &str) -> [(&'static str, Vendor, u32); 3] {
    let deepgram = DeepgramOptions { url: url.to_owned(), ..DeepgramOptions::default() };
    let eleven = ElevenLabsOptions {
        url: url.to_owned(),
        stability: Some(0.5),
        ..ElevenLabsOptions::default()
    };
    [
        ("openai", openai(url), 24_000),
        ("deepgram", Vendor::Deepgram(deepgram, key()), 8_000),
        ("elevenlabs", Vendor::ElevenLabs(eleven, key()), 16_000),
    ]
}

/// A voice that never fails and says 800 samples whatever it is.
struct Spare;

impl Synthesizer for Spare {
    fn name(&self) -> &str {
        "spare"
    }

    fn speak(&self, _: &str, outlet: &mut Outlet<'_>) -> Result<(), SpeakError> {
        let tone: Vec<f32> = (0..800).map(|n| if n % 8 < 4 { 0.1 } else { -0.1 }).collect();
        outlet.push(8_000, &tone)
    }
}

fn mouth(vendor: Vendor, patience: Duration) -> Mouth {
    let remote = Remote::new("remote", vendor, patience).unwrap();
    Mouth::start(vec![Arc::new(remote), Arc::new(Spare)], MouthConfig::default()).unwrap()
}

/// Long enough that only a stall can reach it.
const PATIENT: Duration = Duration::from_secs(20);
const IMPATIENT: Duration = Duration::from_millis(200);

fn say(mouth: &Mouth, text: &str) -> (usize, Report) {
    let (samples, report) = mouth.say(text).unwrap().all_blocking().unwrap();
    (samples.len(), report)
}

#[test]
fn each_vendor_is_asked_in_its_own_words_and_heard_at_its_own_rate() {
    for (name, _, rate) in vendors("") {
        // A second of sound in odd pieces.
        let sound = pcm(rate as usize);
        let pieces = sound.chunks(4_097).map(<[u8]>::to_vec).collect();
        let server = StandIn::start(&[Deed::Sound(pieces)]);
        let (_, vendor, _) = vendors(&server.url).into_iter().find(|v| v.0 == name).unwrap();
        let mouth = mouth(vendor, PATIENT);
        let (samples, report) = say(&mouth, "Grüß Gott, \"Ann\".");
        assert_eq!(report.switches, [], "{name}");
        assert!(samples.abs_diff(8_000) < 200, "{name}: {samples}");
        // A connection is kept once its last sound is taken, which may be a moment later.
        (0..5).for_each(|n| drop(say(&mouth, &format!("Again, {n}."))));
        let connections = *server.connections.lock().unwrap();
        assert!(connections < 6, "{name}: {connections} connections, and none was kept");
        let request = server.request(0);
        let expected: &[&str] = match name {
            "openai" => &[
                "POST /v1/audio/speech HTTP/1.1",
                "authorization: bearer key-of-the-test",
                r#""model":"gpt-4o-mini-tts""#,
                r#""input":"Grüß Gott, \"Ann\".""#,
                r#""voice":"coral""#,
                r#""response_format":"pcm""#,
            ],
            "deepgram" => &[
                "POST /v1/speak?model=aura-2-thalia-en&encoding=linear16&sample_rate=8000&container=none HTTP/1.1",
                "authorization: token key-of-the-test",
                r#"{"text":"Grüß Gott, \"Ann\"."}"#,
            ],
            _ => &[
                "POST /v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream?output_format=pcm_16000 HTTP/1.1",
                "xi-api-key: key-of-the-test",
                r#""text":"Grüß Gott, \"Ann\".""#,
                r#""model_id":"eleven_flash_v2_5""#,
                r#""voice_settings":{"stability":0.5}"#,
            ],
        };
        for part in expected.iter().chain(&["content-type: application/json"]) {
            assert!(request.contains(part), "{name}: {part} is not in\n{request}");
        }
        assert!(!request.contains("null"), "{name}: {request}");
    }
}

#[test]
fn every_fault_before_the_first_sound_is_made_good_by_the_next_voice() {
    let json = &["content-type: application/json"][..];
    type Right = fn(&SpeakError) -> bool;
    let faults: [(Deed, Right); 12] = [
        (
            Deed::Answer(
                "401 Unauthorized",
                json,
                br#"{"error":{"message":"Incorrect API key: key-of-the-test"}}"#.to_vec(),
            ),
            |e| matches!(e, SpeakError::Denied(said) if said == "Incorrect API key: ***"),
        ),
        (
            Deed::Answer(
                "401 Unauthorized",
                json,
                br#"{"detail":{"status":"quota_exceeded","message":"No credits"}}"#.to_vec(),
            ),
            |e| matches!(e, SpeakError::Denied(said) if said == "No credits"),
        ),
        (
            Deed::Answer("429 Too Many Requests", &["retry-after: 7"], Vec::new()),
            |e| matches!(e, SpeakError::Limited { after: Some(after) } if after.as_secs() == 7),
        ),
        (Deed::Answer("429 Too Many Requests", &["retry-after: tomorrow"], Vec::new()), |e| {
            matches!(e, SpeakError::Limited { after: None })
        }),
        (
            Deed::Answer(
                "503 Service Unavailable",
                json,
                br#"{"err_code":"X","err_msg":"down"}"#.to_vec(),
            ),
            |e| matches!(e, SpeakError::Server(said) if said.contains("503") && said.contains("down")),
        ),
        (
            Deed::Answer("302 Found", &["location: http://127.0.0.1:1/"], Vec::new()),
            |e| matches!(e, SpeakError::Server(said) if said.contains("302")),
        ),
        (Deed::Answer("200 OK", json, br#"{"error":"sorry"}"#.to_vec()), |e| {
            matches!(e, SpeakError::NotSound(_))
        }),
        (
            Deed::Answer("200 OK", &["content-type: audio/mpeg"], vec![0xFF; 5_000]),
            |e| matches!(e, SpeakError::NotSound(said) if said.contains("audio/mpeg")),
        ),
        (Deed::Answer("200 OK", &["content-type: audio/pcm"], Vec::new()), |e| {
            *e == SpeakError::Silent
        }),
        (Deed::Sound(vec![vec![0; 48_000]]), |e| *e == SpeakError::Silent),
        (Deed::CutOff(Vec::new()), |e| matches!(e, SpeakError::BrokeOff(_))),
        (Deed::HangUp, |e| matches!(e, SpeakError::Server(_))),
    ];
    for (fault, right) in faults {
        let server = StandIn::start(&[fault]);
        let (samples, report) = say(&mouth(openai(&server.url), PATIENT), "Hello.");
        assert_eq!((samples, report.voice.as_str()), (800, "spare"));
        let [switch] = &report.switches[..] else { panic!("{report:?}") };
        assert!(right(&switch.why), "{:?}", switch.why);
        assert!(!switch.repeats && !switch.why.to_string().contains(KEY), "{switch:?}");
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    for (fault, heard) in
        [(Deed::Mute, 0), (Deed::Stall(Vec::new()), 0), (Deed::Stall(pcm(2_400)), 1)]
    {
        let server = StandIn::start(&[fault]);
        let (samples, report) = say(&mouth(openai(&server.url), IMPATIENT), "Hello.");
        assert_eq!(report.switches[0].why, SpeakError::Stalled(IMPATIENT));
        assert_eq!(report.switches[0].repeats, heard > 0);
        // A tenth of a second of the first voice, less what its filter held back at most.
        assert!((800 + heard * 780..=800 + heard * 800).contains(&samples), "{samples}");
        server.gone.recv().unwrap();
    }
}

#[test]
fn a_server_that_closes_in_the_middle_is_followed_by_the_whole_passage() {
    let server = StandIn::start(&[Deed::Sound(vec![pcm(2_400)]), Deed::CutOff(pcm(2_400))]);
    let (samples, report) = say(&mouth(openai(&server.url), PATIENT), "One. Two. Three.");
    assert!(
        matches!(&report.switches[..], [s] if s.repeats && matches!(s.why, SpeakError::BrokeOff(_))),
        "{report:?}"
    );
    // The first passage and the beginning of the second; then the second and the third by the other voice.
    assert!(samples.abs_diff(2 * 800 + 2 * 800 + 2 * 1_920) < 50, "{samples}");
    assert_eq!(
        server.requests.lock().unwrap().len(),
        2,
        "the first voice is not asked for the third"
    );
}

#[test]
fn a_wav_file_is_understood_and_sound_without_end_is_not() {
    let mut wav = audio::wav::write(&[0; 0]);
    for at in [4, 40] {
        wav[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    }
    wav.extend(pcm(8_000));
    let server = StandIn::start(&[Deed::Answer("200 OK", &["content-type: audio/wav"], wav)]);
    let (samples, report) = say(&mouth(openai(&server.url), PATIENT), "Hello.");
    assert!(report.switches.is_empty() && samples.abs_diff(8_000) < 20, "{samples} {report:?}");
    let endless = Deed::Sound(vec![pcm(24_000); 130]);
    let (_, report) = say(&mouth(openai(&StandIn::start(&[endless]).url), PATIENT), "Hello.");
    assert!(matches!(&report.switches[0].why, SpeakError::BrokeOff(_)), "{report:?}");
}

#[test]
fn the_first_sound_is_heard_before_the_last_is_made_and_dropping_closes_the_connection() {
    let server = StandIn::start(&[Deed::Stall(pcm(2_400))]);
    let mouth = mouth(openai(&server.url), PATIENT);
    let mut utterance = mouth.say("Hello.").unwrap();
    assert!(matches!(utterance.next_blocking(), Some(Said::Audio(_))));
    drop(utterance);
    server.gone.recv().unwrap();
}

#[test]
fn nobody_at_the_address_is_told_with_its_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (_, report) = say(&mouth(openai(&url), PATIENT), "Hello.");
    let SpeakError::Server(said) = &report.switches[0].why else { panic!("{report:?}") };
    assert!(said.to_lowercase().contains("connect"), "{said}");
}
