//! Where recordings and messages go, and what they are called.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flow::{Deed, Flow};
use media::{Leg, Recorder, Recording, RecordingPlan};
use thiserror::Error;

use crate::capture::file_name;

/// What the configuration says of recordings and messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct TapeSettings {
    pub recordings: Option<RecordingSettings>,
    /// The folder in which each mailbox has one of its own.
    pub voicemail: Option<PathBuf>,
}

/// What the configuration says of recordings.
#[derive(Debug, Clone)]
pub(crate) struct RecordingSettings {
    pub folder: PathBuf,
    /// A recording ends after so long.
    pub max_time: Duration,
    /// And with so many bytes, mix included.
    pub max_bytes: u64,
}

/// Why a flow cannot be gone through with these settings.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum TapeError {
    #[error(
        "node \"{0}\" records, and nobody says where to\n  mend: name a folder in the configuration: folder = \"recordings\" in [recording]"
    )]
    NoRecordings(String),
    #[error(
        "node \"{0}\" takes messages, and nobody says where to\n  mend: name a folder in the configuration: folder = \"voicemail\" in [voicemail]"
    )]
    NoVoicemail(String),
    #[error(
        "node \"{node}\": the mailbox {mailbox:?} cannot be a folder\n  mend: name it with letters of English, digits, \"-\" and \"_\", 64 at most"
    )]
    Mailbox { node: String, mailbox: String },
}

impl TapeSettings {
    /// Whether there is a place for all that a flow keeps.
    pub(crate) fn suit(&self, flow: &Flow) -> Result<(), TapeError> {
        for (name, node) in flow.documents().flat_map(|document| &document.node) {
            match &node.deed {
                Deed::Record(_) if self.recordings.is_none() => {
                    return Err(TapeError::NoRecordings(name.clone()));
                }
                Deed::Voicemail(_) if self.voicemail.is_none() => {
                    return Err(TapeError::NoVoicemail(name.clone()));
                }
                Deed::Voicemail(voicemail) if !is_folder(&voicemail.mailbox) => {
                    let (node, mailbox) = (name.clone(), voicemail.mailbox.clone());
                    return Err(TapeError::Mailbox { node, mailbox });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a name can only be that of a folder within another.
fn is_folder(name: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    (1..=64).contains(&name.len()) && name.chars().all(safe)
}

/// Writes recordings and messages.
#[derive(Debug)]
pub(crate) struct Tapes {
    recorder: Recorder,
    settings: TapeSettings,
}

impl Tapes {
    /// # Errors
    /// In words.
    pub(crate) fn start(settings: TapeSettings) -> Result<Self, String> {
        let recorder = Recorder::start();
        let recorder = recorder.map_err(|error| format!("calls cannot be recorded: {error}"))?;
        Ok(Self { recorder, settings })
    }

    /// Records both sides of a call's leg, each on its own track, and a mix beside it; `number` counts the call's
    /// recordings. Gives the file with the two tracks, too.
    pub(crate) fn record(
        &self,
        leg: &Leg,
        call: &str,
        number: u32,
    ) -> Result<(PathBuf, Recording), String> {
        let Some(RecordingSettings { folder, max_time, max_bytes }) = &self.settings.recordings
        else {
            return Err("the configuration names no folder for recordings".to_owned());
        };
        let name = format!("{}-{number}", file_name(call));
        let wav = folder.join(format!("{name}.wav"));
        let plan = RecordingPlan {
            wav: Some(wav.clone()),
            mix: Some(folder.join(format!("{name}-mix.wav"))),
            max_time: *max_time,
            max_bytes: *max_bytes,
            ..RecordingPlan::default()
        };
        Ok((wav, leg.record(&self.recorder, plan)))
    }

    /// Records what the caller says for a mailbox, for at most so long. Gives the file, too.
    pub(crate) fn message(
        &self,
        leg: &Leg,
        call: &str,
        number: u32,
        mailbox: &str,
        most: Duration,
    ) -> Result<(PathBuf, Recording), String> {
        let folder = self.settings.voicemail.as_ref().filter(|_| is_folder(mailbox));
        let folder = folder.ok_or_else(|| format!("there is no mailbox {mailbox:?}"))?;
        let folder = folder.join(mailbox);
        make_private(&folder)
            .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
        let caller = folder.join(format!("{}-{number}.wav", file_name(call)));
        // Who takes the message ends it; this is the seam where that fails.
        let max_time = most + Duration::from_secs(5);
        let plan =
            RecordingPlan { caller: Some(caller.clone()), max_time, ..RecordingPlan::default() };
        Ok((caller, leg.record(&self.recorder, plan)))
    }
}

/// Makes a folder that nobody else may read; one that is there stays as it is.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flow::Book;

    fn flow(node: &str) -> Flow {
        let text = format!(
            "schema = 1\nname = \"keeps\"\nstart = \"keep\"\n[node.keep]\n{node}\nto = {{ done = \"hang_up\" }}\n"
        );
        let flow = Flow::parse("flow.toml", &text, &Book::default());
        flow.unwrap_or_else(|findings| panic!("{findings}"))
    }

    #[test]
    fn what_is_kept_needs_a_place() {
        let records = flow("record = { turn = \"on\" }");
        let nowhere = TapeSettings::default();
        assert_eq!(nowhere.suit(&records), Err(TapeError::NoRecordings("keep".to_owned())));
        let somewhere = TapeSettings {
            recordings: Some(RecordingSettings {
                folder: PathBuf::from("recordings"),
                max_time: Duration::from_secs(60),
                max_bytes: 1,
            }),
            voicemail: Some(PathBuf::from("voicemail")),
        };
        assert_eq!(somewhere.suit(&records), Ok(()));
        for (mailbox, fits) in [
            ("support", true),
            ("help-desk_2", true),
            ("", false),
            ("..", false),
            ("../other", false),
            ("a/b", false),
            ("/etc", false),
            (".hidden", false),
        ] {
            let takes =
                flow(&format!("voicemail = {{ prompt = \"Speak.\", mailbox = \"{mailbox}\" }}"));
            assert_eq!(somewhere.suit(&takes).is_ok(), fits, "{mailbox:?}");
            assert_eq!(nowhere.suit(&takes), Err(TapeError::NoVoicemail("keep".to_owned())));
        }
    }
}
