//! A disk that is full ends a recording, and no call.

use super::*;
use media::{LegEvent, Recorder, RecordingError};
use std::process::Command;

/// A small disk in memory, until it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this process may not mount one.
    fn of(bytes: usize) -> Option<Disk> {
        let folder = folder("disk");
        let size = format!("size={bytes}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", size.as_str(), "tmpfs"]).arg(&folder);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Disk(folder)),
            other => {
                eprintln!("skipped: a small disk needs the right to mount: {other:?}");
                None
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[tokio::test]
async fn a_full_disk_ends_the_recording_and_the_call_goes_on() {
    let Some(disk) = Disk::of(128 << 10) else { return };
    let (plane, recorder) = (plane(), Recorder::start().unwrap());
    let mut line = Line::open(&plane).await;
    let recording = line.leg.record(&recorder, plan(&disk.0));
    let told = loop {
        line.say(Some('1'), 5).await;
        line.say(None, 5).await;
        let soon = tokio::time::timeout(FRAME_TIME, line.leg.next_event()).await;
        match soon {
            Ok(Some(LegEvent::RecordingEnded(cause))) => break cause,
            Ok(None) => panic!("the leg has ended"),
            _ => {}
        }
    };
    assert!(told.contains("the disk is full"), "{told}");
    let error = recording.ended().await.unwrap_err();
    let RecordingError::DiskFull { path, saved } = &error else { panic!("{error:?}") };
    assert!(path.starts_with(&disk.0));
    assert_eq!(error.to_string(), told);
    // What was saved is there, in files that end where they say.
    assert!(saved.bytes > 20_000 && saved.lost == 0, "{saved:?}");
    for name in ["call.wav", "mix.wav"] {
        let bytes = std::fs::read(disk.0.join(name)).unwrap();
        assert_eq!(bytes[40..44], ((bytes.len() - 44) as u32).to_le_bytes(), "{name}");
        let heard = keys(&tracks(&disk.0.join(name))[0]);
        assert!(!heard.is_empty() && heard.chars().all(|key| key == '1'), "{name}: {heard}");
    }
    // The call goes on, in both directions.
    let before = line.leg.stats();
    line.say(Some('2'), 60).await;
    line.peer.hear().await;
    let after = line.leg.close().await;
    assert!(after.heard.received >= before.heard.received + 60 && after.sent > before.sent);
    drop(disk);
}
