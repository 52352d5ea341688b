//! A process that is killed leaves files that are whole, and loses at most two seconds.

use super::*;
use media::Recorder;
use std::{
    io::Write,
    process::{Command, Stdio},
};

/// Where the process that is to be killed writes.
const FOLDER: &str = "RECORDING_TEST_FOLDER";

/// There, a file with a byte for each frame that was sent.
const SPOKEN: &str = "spoken";

/// Frames that two seconds have.
const LOSS: usize = 100;

/// A level for each frame, so that it is known how far a file goes.
fn level(n: usize) -> i16 {
    g711::decode_ulaw_sample(g711::encode_ulaw_sample(1_000 + 100 * (n % 200) as i16))
}

/// Speaks and records, and says how far it is, until it is killed.
#[tokio::test]
async fn speaks_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let (plane, recorder) = (plane(), Recorder::start().unwrap());
    let mut line = Line::open(&plane).await;
    let _recording = line.leg.record(&recorder, plan(Path::new(&folder)));
    let mut spoken = std::fs::File::create(Path::new(&folder).join(SPOKEN)).unwrap();
    for n in 0.. {
        line.beat.tick().await;
        line.peer.speak(&[g711::encode_ulaw_sample(level(n)); FRAME]).await;
        spoken.write_all(b".").unwrap();
    }
}

#[tokio::test]
async fn a_kill_loses_at_most_two_seconds_and_leaves_whole_files() {
    let folder = folder("kill");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::speaks_until_it_is_killed"])
        .env(FOLDER, &folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let spoken = || std::fs::metadata(folder.join(SPOKEN)).map_or(0, |file| file.len() as usize);
    let mut looks = interval(FRAME_TIME);
    // It is whole at every look, and in the end.
    for until in [60, 110, 175] {
        while spoken() < until {
            looks.tick().await;
            assert!(child.try_wait().unwrap().is_none(), "it runs");
            let mix = folder.join("mix.wav");
            // It is made by another thread than the one that speaks.
            if std::fs::metadata(&mix).is_ok_and(|file| file.len() > 0) {
                tracks(&mix);
            }
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let spoken = spoken();
    for (name, channels) in [("call.wav", 2), ("mix.wav", 1)] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let counted = u32::from_le_bytes(bytes[40..44].try_into().unwrap()) as usize;
        assert!(44 + counted <= bytes.len(), "no more than there is");
        let tracks = tracks(&folder.join(name));
        assert_eq!(tracks.len(), channels);
        let last = tracks[0].iter().rev().find(|sample| **sample != 0).unwrap();
        let saved = (0..spoken).rev().find(|n| level(*n) == *last).unwrap();
        assert!(saved + LOSS >= spoken, "{name}: {saved} of {spoken}");
    }
    let capture = std::fs::read(folder.join("call.pcapng")).unwrap();
    let packets = audio::pcapng::read(&capture).unwrap();
    let inbound = Some(audio::pcapng::Direction::Inbound);
    let saved = packets.iter().filter(|packet| packet.direction == inbound).count();
    assert!(saved + LOSS >= spoken, "the capture: {saved} of {spoken}");
    std::fs::remove_dir_all(folder).unwrap();
}
