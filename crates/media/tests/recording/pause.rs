//! What is said and pressed in a pause is in no file.

use super::*;
use audio::{
    pcapng::{self, Direction},
    rtp::{Header, PCMU, Packet, TELEPHONE_EVENT},
    telephone_event::{Event, code_of},
};
use media::{Playout, Recorder};
use peer::datagram;
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_millis(400);

/// A key pressed as RTP has it.
async fn press(line: &Line, key: char) {
    let event = Event { code: code_of(key).unwrap(), end: false, volume: 10, duration: 800 };
    let header = Header { payload_type: TELEPHONE_EVENT, ..line.peer.header };
    line.peer.send(&datagram(header, &event.to_bytes())).await;
}

/// The keys of a capture, and the sound of a direction.
fn captured(path: &Path, direction: Direction) -> (String, Vec<i16>) {
    let bytes = std::fs::read(path).unwrap();
    let (mut keys, mut sound) = (String::new(), Vec::new());
    for captured in pcapng::read(&bytes).unwrap() {
        let packet = Packet::parse(captured.payload).unwrap();
        if captured.direction != Some(direction) {
            continue;
        }
        match packet.payload_type {
            PCMU => sound.extend(packet.payload.iter().map(|c| g711::decode_ulaw_sample(*c))),
            _ => keys.extend(Event::parse(packet.payload).and_then(|event| event.digit())),
        }
    }
    (keys, sound)
}

#[tokio::test]
async fn tones_and_keys_are_recorded_before_and_after_a_pause_and_not_in_it() {
    let (plane, folder, recorder) = (plane(), folder("pause"), Recorder::start().unwrap());
    let mut line = Line::open(&plane).await;
    let recording = line.leg.record(&recorder, plan(&folder));
    line.say(None, 10).await;
    line.say(Some('1'), 10).await;
    press(&line, '2').await;
    line.say(None, 5).await;

    recording.switch().pause(WITHIN).await.unwrap();
    // What we say in a pause may be what was said to us.
    let mut ours = vec![0; 2000];
    DualTone::key('8').unwrap().fill(&mut ours);
    line.leg.play(Playout::once(1, ours));
    line.say(Some('3'), 10).await;
    press(&line, '4').await;
    line.say(None, 10).await;
    recording.switch().resume();

    // The pause's last sound is held up for a while, as is a key that goes down in it.
    let (held_up, mut late) = (line.peer.header, Vec::new());
    for n in 0..10 {
        let header = Header {
            sequence: held_up.sequence.wrapping_add(n),
            timestamp: held_up.timestamp.wrapping_add(u32::from(n) * FRAME as u32),
            ..held_up
        };
        late.push(datagram(header, &line.frame(Some('5'))));
    }
    line.peer.header.sequence = held_up.sequence.wrapping_add(10);
    line.peer.header.timestamp = held_up.timestamp.wrapping_add(10 * FRAME as u32);
    for _ in 0..10 {
        line.beat.tick().await;
    }
    press(&line, '6').await;
    for packet in late {
        line.peer.send(&packet).await;
    }
    line.say(None, 25).await;
    line.say(Some('7'), 10).await;
    press(&line, '9').await;
    line.say(None, 10).await;

    let recorded = recording.stop().await.unwrap();
    assert_eq!(recorded.lost, 0);
    // The leg goes on, and nothing more is written.
    let size = std::fs::metadata(folder.join("call.pcapng")).unwrap().len();
    line.say(Some('0'), 10).await;
    assert_eq!(std::fs::metadata(folder.join("call.pcapng")).unwrap().len(), size);

    let both = tracks(&folder.join("call.wav"));
    let mix = tracks(&folder.join("mix.wav"));
    assert_eq!((both.len(), mix.len()), (2, 1));
    assert_eq!((both[0].len(), both[0].len()), (both[1].len(), mix[0].len()), "one line in time");
    assert_eq!((keys(&both[0]), keys(&mix[0])), ("17".into(), "17".into()));
    assert_eq!(keys(&both[1]), "", "and nothing of ours that was said in the pause");
    let (pressed, sound) = captured(&folder.join("call.pcapng"), Direction::Inbound);
    assert_eq!((pressed.as_str(), keys(&sound).as_str()), ("29", "17"));
    let (_, sound) = captured(&folder.join("call.pcapng"), Direction::Outbound);
    assert_eq!(keys(&sound), "");
    // Time has gone on: from the first tone to the last as much has passed as was sent.
    let first = both[0].iter().position(|sample| sample.unsigned_abs() > 1_000).unwrap();
    let last = both[0].iter().rposition(|sample| sample.unsigned_abs() > 1_000).unwrap();
    let sent = (10 + 5 + 20 + 10 + 25 + 10) * FRAME;
    assert!((last - first).abs_diff(sent) < 10 * FRAME, "{} instead of {sent}", last - first);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_was_said_can_be_erased_later() {
    let (plane, folder, recorder) = (plane(), folder("erase"), Recorder::start().unwrap());
    let mut line = Line::open(&plane).await;
    let recording = line.leg.record(&recorder, plan(&folder));
    let mut ours = vec![0; 8000];
    DualTone::key('8').unwrap().fill(&mut ours);
    line.leg.play(Playout::once(1, ours));
    line.say(None, 10).await;
    line.say(Some('1'), 10).await;
    line.say(None, 15).await;
    let from = Instant::now();
    line.say(Some('3'), 10).await;
    press(&line, '4').await;
    line.say(None, 10).await;
    let to = Instant::now();
    line.say(None, 10).await;
    line.say(Some('7'), 10).await;
    line.say(None, 40).await;
    // A part of it is in the file by now, and what is not is erased as well.
    recording.switch().erase(from..to, Duration::from_secs(20)).await.unwrap();
    let size = std::fs::metadata(folder.join("call.wav")).unwrap().len();
    line.say(Some('9'), 10).await;
    let now = Instant::now();
    recording.switch().erase(to..now, Duration::from_secs(20)).await.unwrap();
    line.say(None, 5).await;
    let from = Instant::now();
    line.say(Some('5'), 10).await;
    let to = Instant::now();
    line.say(None, 5).await;
    // And of what is written to the end.
    let switch = recording.switch().clone();
    recording.stop().await.unwrap();
    assert_eq!(keys(&tracks(&folder.join("call.wav"))[0]), "15");
    switch.erase(from..to, Duration::from_secs(20)).await.unwrap();
    let both = tracks(&folder.join("call.wav"));
    assert!(both[0].len() * 4 >= size as usize);
    assert_eq!(keys(&both[0]), "1");
    assert!(is_only('8', &keys(&both[1])), "our side stays");
    assert!(!keys(&tracks(&folder.join("mix.wav"))[0]).contains(['3', '5', '7', '9']));
    let (pressed, sound) = captured(&folder.join("call.pcapng"), Direction::Inbound);
    assert_eq!((pressed.as_str(), keys(&sound).as_str()), ("", "1"));
    let (_, sound) = captured(&folder.join("call.pcapng"), Direction::Outbound);
    assert!(is_only('8', &keys(&sound)));
    std::fs::remove_dir_all(folder).unwrap();
}

/// Whether a key was heard and no other: a tone that stutters on a busy machine is heard more than once.
fn is_only(key: char, heard: &str) -> bool {
    !heard.is_empty() && heard.chars().all(|other| other == key)
}
