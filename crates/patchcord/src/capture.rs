//! Files of each call, for support: what was said and heard, and the packets that carried it.

use std::path::PathBuf;
use std::time::Duration;

use media::{Leg, Recorder, Recording, RecordingPlan};

/// What the configuration says of captures.
#[derive(Debug, Clone)]
pub(crate) struct CaptureSettings {
    /// Where the files go; it is there.
    pub folder: PathBuf,
    /// A call's files end after so long.
    pub max_time: Duration,
    /// And with so many bytes together.
    pub max_bytes: u64,
}

/// Writes two files a call into a folder: `CHANNEL.wav` and `CHANNEL.pcapng`.
#[derive(Debug)]
pub(crate) struct Capture {
    settings: CaptureSettings,
    recorder: Recorder,
}

impl Capture {
    /// # Errors
    /// In words.
    pub(crate) fn start(settings: CaptureSettings) -> Result<Self, String> {
        let recorder = Recorder::start();
        let recorder = recorder.map_err(|error| format!("calls cannot be captured: {error}"))?;
        Ok(Self { settings, recorder })
    }

    /// Where the packets of a call are, or will be.
    pub(crate) fn packets(&self, channel: &str) -> PathBuf {
        self.settings.folder.join(format!("{}.pcapng", file_name(channel)))
    }

    /// Writes a call's leg. Files that are there already are left as they are: then nothing is written, and the log
    /// says so.
    pub(crate) fn take(&self, leg: &Leg, channel: &str) -> Recording {
        let CaptureSettings { folder, max_time, max_bytes } = &self.settings;
        let name = file_name(channel);
        let plan = RecordingPlan {
            wav: Some(folder.join(format!("{name}.wav"))),
            pcapng: Some(self.packets(channel)),
            max_time: *max_time,
            max_bytes: *max_bytes,
            ..RecordingPlan::default()
        };
        leg.record(&self.recorder, plan)
    }
}

/// A channel's id is Asterisk's, but whoever makes the channel may choose it.
pub(crate) fn file_name(channel: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = channel.chars().map(safe).take(100).collect();
    if name.starts_with('.') { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_channel_leads_out_of_the_folder() {
        assert_eq!(file_name("asterisk-1795243053.17"), "asterisk-1795243053.17");
        assert_eq!(file_name("../../etc/passwd\0"), "_.._.._etc_passwd_");
        assert_eq!(file_name(&"x".repeat(500)).len(), 100);
    }
}
