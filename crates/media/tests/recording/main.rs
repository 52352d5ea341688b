//! Recordings of real legs on loopback: what is in their files, and what is not.
//!
//! The far end speaks in tones, so that the files can be judged by what is heard in them. It speaks as fast
//! as in life, since recordings go by the time of arrival.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod disk;
mod kill;
mod pause;
#[path = "../plane/peer.rs"]
mod peer;

use audio::{
    FRAME, FRAME_TIME, g711,
    jitter::Frame,
    tone::{DtmfDetector, DualTone, KeyEvent},
};
use media::{Leg, Plane, PlaneConfig, RecordingPlan};
use peer::Peer;
use std::path::{Path, PathBuf};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// A leg and who speaks to it.
struct Line {
    leg: Leg,
    peer: Peer,
    beat: Interval,
    /// What the far end says goes on from here.
    tones: Vec<(char, DualTone)>,
}

impl Line {
    async fn open(plane: &Plane) -> Line {
        let port = plane.port().unwrap();
        let peer = Peer::of(&port).await;
        let leg = port.start(peer.addr(), |_: &Frame| {});
        let mut beat = interval(FRAME_TIME);
        beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Line { leg, peer, beat, tones: Vec::new() }
    }

    /// The far end plays the tone of a key, or silence.
    async fn say(&mut self, key: Option<char>, frames: usize) {
        for _ in 0..frames {
            let codes = self.frame(key);
            self.beat.tick().await;
            self.peer.speak(&codes).await;
        }
    }

    fn frame(&mut self, key: Option<char>) -> [u8; FRAME] {
        let mut samples = [0; FRAME];
        if let Some(key) = key {
            if !self.tones.iter().any(|(known, _)| *known == key) {
                self.tones.push((key, DualTone::key(key).unwrap()));
            }
            let tone = self.tones.iter_mut().find(|(known, _)| *known == key);
            tone.unwrap().1.fill(&mut samples);
        }
        let mut codes = [0; FRAME];
        g711::encode_ulaw(&samples, &mut codes);
        codes
    }
}

fn plane() -> Plane {
    Plane::start(&PlaneConfig::default()).unwrap()
}

/// An empty folder of its own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("recording-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// All that can be written of a leg.
fn plan(folder: &Path) -> RecordingPlan {
    let file = |name| Some(folder.join(name));
    let (wav, mix, pcapng) = (file("call.wav"), file("mix.wav"), file("call.pcapng"));
    RecordingPlan { wav, mix, pcapng, ..RecordingPlan::default() }
}

/// The tracks of a file, which must be as long as it says and no longer in its last frame.
fn tracks(path: &Path) -> Vec<Vec<i16>> {
    let mut reader = hound::WavReader::open(path).unwrap();
    let channels = usize::from(reader.spec().channels);
    let samples: Vec<i16> = reader.samples().collect::<Result<_, _>>().unwrap();
    assert_eq!(samples.len() % channels, 0);
    let track = |at: usize| samples.iter().skip(at).step_by(channels).copied().collect();
    (0..channels).map(track).collect()
}

/// The keys whose tones are in the sound.
fn keys(samples: &[i16]) -> String {
    let (mut detector, mut keys) = (DtmfDetector::new(), String::new());
    for frame in samples.chunks(FRAME) {
        detector.push(frame, |event| {
            if let KeyEvent::Pressed { key, .. } = event {
                keys.push(key);
            }
        });
    }
    keys
}
