//! All that is recorded of a call: files for support, what the flow records, Asterisk's part of that, and a message.
//!
//! The flow's recording has parts. While the caller's sound comes through us, our own leg is recorded; while caller and
//! agent speak without us, Asterisk records their bridge.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ari::{Client, IfExists, Record, RequestError};
use call::{Input, RecordedBy, RecordingEnd, RecordingId, ZoneCut};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use media::{Leg, Recorded, Recording, RecordingError, RecordingSwitch};
use serde::Serialize;

use super::zone::{Cut, WITHIN};
use crate::capture::{Capture, file_name};
use crate::tapes::Tapes;

/// How long files may take to be rewritten.
const REWRITING: Duration = Duration::from_secs(2);

/// How long files may take to be closed when the call is over.
const CLOSING: Duration = Duration::from_secs(3);

/// What is recorded of a call.
pub(super) struct Recordings {
    tapes: Option<Arc<Tapes>>,
    client: Client,
    /// The caller's channel, after which files are named.
    call: String,
    caller: Caller,
    bridge: String,
    numbers: u32,
    running: Vec<Running>,
    under_way: FuturesUnordered<BoxFuture<'static, Done>>,
    flows: FlowsRecording,
    /// The flow's, and messages, that are written to the end.
    over: Vec<(PathBuf, RecordingSwitch)>,
    /// What has to be said of recordings that may hold a card's number.
    pub(super) unclean: Vec<String>,
}

/// Who calls, for those who are left a message.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Caller {
    pub(super) number: String,
    pub(super) name: String,
}

/// Whether the flow wants the call recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FlowsRecording {
    Off,
    On,
    /// It is to end, and its end is waited for.
    Ending,
}

struct Running {
    number: u32,
    what: What,
}

enum What {
    Capture(RecordingSwitch),
    Ours { switch: RecordingSwitch, path: PathBuf },
    Asterisks { name: String, began: Began },
    Message { switch: RecordingSwitch, message: Message },
}

/// Whether Asterisk has said that it records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Began {
    Asked,
    Yes,
    /// It was told to end.
    Ending,
}

/// A message, and what is to become of it.
struct Message {
    mailbox: String,
    path: PathBuf,
    began: SystemTime,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It goes on; one that ends by itself is kept.
    Open,
    Kept,
    Dropped,
}

/// What is known of a message beside its sound.
#[derive(Serialize)]
struct Note<'a> {
    mailbox: &'a str,
    caller: &'a Caller,
    call: &'a str,
    /// When it began.
    at: String,
    length_s: f64,
}

/// What came of something that took time.
enum Done {
    Opened(u32, Result<Recording, RecordingError>),
    Ended(u32, Result<Recorded, RecordingError>),
    BridgeBegan(u32, Result<(), RequestError>),
    BridgeEnded(u32),
    Told(Vec<Input>),
    /// What may still hold a card's number, in words.
    Erased(Option<String>),
}

impl Recordings {
    pub(super) fn new(
        tapes: Option<Arc<Tapes>>,
        client: Client,
        call: String,
        caller: Caller,
        bridge: String,
    ) -> Self {
        Self {
            tapes,
            client,
            call,
            caller,
            bridge,
            numbers: 0,
            running: Vec::new(),
            under_way: FuturesUnordered::new(),
            flows: FlowsRecording::Off,
            over: Vec::new(),
            unclean: Vec::new(),
        }
    }

    /// What is next to be told of recordings; waits for ever while nothing is under way.
    pub(super) async fn news(&mut self) -> Vec<Input> {
        if self.under_way.is_empty() {
            return std::future::pending().await;
        }
        match self.under_way.next().await {
            Some(done) => self.done(done),
            None => Vec::new(),
        }
    }

    /// Writes the leg's packets and sound for support.
    pub(super) fn capture(&mut self, capture: &Capture, leg: &Leg) {
        let recording = capture.take(leg, &self.call);
        let switch = recording.switch().clone();
        self.begin(recording, What::Capture(switch));
    }

    /// The flow wants the call recorded from now on.
    pub(super) fn start(&mut self, leg: Option<&Leg>) -> Option<Input> {
        self.flows = FlowsRecording::On;
        let number = self.numbers + 1;
        let begun = match (&self.tapes, leg) {
            (None, _) => Err("the configuration names no folder for recordings".to_owned()),
            (_, None) => Err("the caller's sound does not come through here".to_owned()),
            (Some(tapes), Some(leg)) => tapes.record(leg, &self.call, number),
        };
        match begun {
            Ok((path, recording)) => {
                let switch = recording.switch().clone();
                self.begin(recording, What::Ours { switch, path });
                None
            }
            Err(why) => Some(Input::RecordingRefused(why)),
        }
    }

    /// Caller and agent speak without us from now on.
    pub(super) fn talk_begins(&mut self) {
        if self.flows != FlowsRecording::On {
            return;
        }
        self.numbers += 1;
        let number = self.numbers;
        let name = format!("patchcord-{}-{number}", file_name(&self.call));
        let record = Record { if_exists: IfExists::Overwrite, ..Record::new(&name, "wav") };
        let (client, bridge) = (self.client.clone(), self.bridge.clone());
        self.running.push(Running { number, what: What::Asterisks { name, began: Began::Asked } });
        self.under_way.push(Box::pin(async move {
            let asked = client.bridges().record(&bridge, &record.into()).await;
            Done::BridgeBegan(number, asked.map(drop))
        }));
    }

    /// The flow wants nothing recorded any more.
    pub(super) fn stop(&mut self) -> Option<Input> {
        self.flows = FlowsRecording::Ending;
        let mut ending = Vec::new();
        for running in &mut self.running {
            match &mut running.what {
                What::Ours { switch, .. } => switch.end(),
                What::Asterisks { name, began: began @ Began::Yes } => {
                    *began = Began::Ending;
                    ending.push((running.number, name.clone()));
                }
                What::Asterisks { .. } | What::Capture(_) | What::Message { .. } => {}
            }
        }
        for (number, name) in ending {
            self.end_in_asterisk(number, name);
        }
        self.is_off()
    }

    /// Records what the caller says for a mailbox.
    pub(super) fn begin_message(
        &mut self,
        leg: Option<&Leg>,
        mailbox: String,
        most: Duration,
    ) -> Option<Input> {
        let number = self.numbers + 1;
        let begun = match (&self.tapes, leg) {
            (None, _) => Err("the configuration names no folder for messages".to_owned()),
            (_, None) => Err("the caller's sound does not come through here".to_owned()),
            (Some(tapes), Some(leg)) => tapes.message(leg, &self.call, number, &mailbox, most),
        };
        match begun {
            Ok((path, recording)) => {
                let switch = recording.switch().clone();
                let message = Message { mailbox, path, began: SystemTime::now(), fate: Fate::Open };
                self.begin(recording, What::Message { switch, message });
                None
            }
            Err(why) => Some(Input::MessageFailed(why)),
        }
    }

    pub(super) fn keep_message(&mut self) {
        self.end_message(Fate::Kept);
    }

    pub(super) fn drop_message(&mut self) {
        self.end_message(Fate::Dropped);
    }

    /// Pauses all of it. Our own are silent when this returns.
    pub(super) fn pause(&mut self) -> Vec<Cut> {
        let cuts = self.running.iter().map(|running| -> Cut {
            match &running.what {
                What::Capture(switch)
                | What::Ours { switch, .. }
                | What::Message { switch, .. } => {
                    let paused = switch.pause(WITHIN);
                    let paused = async { paused.await.map_err(|error| error.to_string()) };
                    (ZoneCut::Recording, Box::pin(paused))
                }
                What::Asterisks { name, .. } => {
                    let (client, name) = (self.client.clone(), name.clone());
                    let paused = async move {
                        let paused = client.recordings().pause(&name).await;
                        paused.map_err(|error| error.to_string())
                    };
                    (ZoneCut::AsteriskRecording, Box::pin(paused))
                }
            }
        });
        cuts.collect()
    }

    /// Goes on with all of it.
    pub(super) fn resume(&mut self) {
        let mut paused = Vec::new();
        for running in &self.running {
            match &running.what {
                What::Capture(switch)
                | What::Ours { switch, .. }
                | What::Message { switch, .. } => switch.resume(),
                What::Asterisks { name, .. } => paused.push(name.clone()),
            }
        }
        for name in paused {
            let client = self.client.clone();
            self.under_way.push(Box::pin(async move {
                let resumed = client.recordings().unpause(&name).await;
                Done::Told(match resumed {
                    Err(error) if !error.is_gone() => {
                        tracing::warn!(%error, "a recording of Asterisk's stays paused");
                        vec![Input::RecordingRefused(format!("{name} stays paused: {error}"))]
                    }
                    _ => Vec::new(),
                })
            }));
        }
    }

    /// Overwrites what the caller said or keyed in between two moments, in what is written to the end, too. What a
    /// recording holds that cannot be rewritten is told by `unclean`.
    pub(super) fn erase(&mut self, span: Range<Instant>) {
        let over = self.over.iter().map(|(path, switch)| (switch, path.display().to_string()));
        let mut rewritten: Vec<_> = over.collect();
        for running in &self.running {
            match &running.what {
                What::Capture(switch) => {
                    rewritten.push((switch, "the capture for support".to_owned()));
                }
                What::Ours { switch, path }
                | What::Message { switch, message: Message { path, .. } } => {
                    rewritten.push((switch, path.display().to_string()));
                }
                What::Asterisks { name, .. } => self.unclean.push(format!(
                    "Asterisk's recording {name} may hold a part of a card's number: delete it"
                )),
            }
        }
        for (switch, shown) in rewritten {
            let (switch, span) = (switch.clone(), span.clone());
            let past = span.start..span.end.min(Instant::now());
            let erased = switch.erase(past, REWRITING);
            self.under_way.push(Box::pin(async move {
                let mut erased = erased.await;
                if erased.is_ok() && span.end > Instant::now() {
                    tokio::time::sleep_until(span.end.into()).await;
                    erased = switch.erase(span, REWRITING).await;
                }
                Done::Erased(erased.err().map(|error| format!("{shown}: {error}")))
            }));
        }
    }

    /// Whether Asterisk records the bridge, which should end before the bridge does.
    pub(super) fn is_in_asterisk(&self) -> bool {
        self.running.iter().any(|running| matches!(running.what, What::Asterisks { .. }))
    }

    /// Ends all of it, and waits until it is kept. The leg must be closed.
    pub(super) async fn finish(&mut self) -> Vec<Input> {
        let mut told: Vec<Input> = self.stop().into_iter().collect();
        for running in &mut self.running {
            match &mut running.what {
                What::Capture(switch) => switch.end(),
                What::Message { switch, .. } => switch.end(),
                What::Ours { .. } | What::Asterisks { .. } => {}
            }
        }
        let all = async {
            while let Some(done) = self.under_way.next().await {
                told.extend(self.done(done));
            }
        };
        if tokio::time::timeout(CLOSING, all).await.is_err() {
            tracing::warn!("a call's recordings took too long to be closed and were left");
        }
        told
    }

    fn begin(&mut self, mut recording: Recording, what: What) {
        self.numbers += 1;
        let number = self.numbers;
        self.running.push(Running { number, what });
        self.under_way.push(Box::pin(async move {
            let opened = recording.opened().await;
            Done::Opened(number, opened.map(|()| recording))
        }));
    }

    fn end_message(&mut self, fate: Fate) {
        for running in &mut self.running {
            if let What::Message { switch, message } = &mut running.what
                && message.fate == Fate::Open
            {
                message.fate = fate;
                switch.end();
            }
        }
    }

    fn end_in_asterisk(&mut self, number: u32, name: String) {
        let client = self.client.clone();
        self.under_way.push(Box::pin(async move {
            if let Err(error) = client.recordings().stop(&name).await
                && !error.is_gone()
            {
                tracing::warn!(%error, "a recording of Asterisk's could not be ended");
            }
            Done::BridgeEnded(number)
        }));
    }

    /// Takes out one that is over.
    fn take(&mut self, number: u32) -> Option<What> {
        let at = self.running.iter().position(|running| running.number == number)?;
        Some(self.running.remove(at).what)
    }

    /// Says that nothing is recorded any more, if that is waited for and so.
    fn is_off(&mut self) -> Option<Input> {
        let flows =
            |running: &Running| matches!(running.what, What::Ours { .. } | What::Asterisks { .. });
        if self.flows != FlowsRecording::Ending || self.running.iter().any(flows) {
            return None;
        }
        self.flows = FlowsRecording::Off;
        Some(Input::RecordingOff)
    }

    fn done(&mut self, done: Done) -> Vec<Input> {
        match done {
            Done::Told(told) => told,
            Done::Erased(left) => {
                self.unclean.extend(left);
                Vec::new()
            }
            Done::Opened(number, Ok(recording)) => {
                self.under_way
                    .push(Box::pin(async move { Done::Ended(number, recording.ended().await) }));
                let known = self.running.iter().find(|running| running.number == number);
                let Some(What::Ours { path, .. }) = known.map(|it| &it.what) else {
                    return Vec::new();
                };
                let path = path.display().to_string();
                vec![Input::RecordingBegan { id: RecordingId(number), by: RecordedBy::Us, path }]
            }
            Done::Opened(number, Err(error)) => {
                let refused = match self.take(number) {
                    Some(What::Ours { .. }) => Some(Input::RecordingRefused(error.to_string())),
                    Some(What::Message { .. }) => Some(Input::MessageFailed(error.to_string())),
                    _ => None,
                };
                refused.into_iter().chain(self.is_off()).collect()
            }
            Done::Ended(number, result) => match self.take(number) {
                Some(What::Ours { path, switch }) => {
                    self.over.push((path, switch));
                    let ended = Input::RecordingEnded { id: RecordingId(number), why: why(result) };
                    [ended].into_iter().chain(self.is_off()).collect()
                }
                Some(What::Message { message, switch }) => {
                    self.over.push((message.path.clone(), switch));
                    self.put_away(message, result);
                    Vec::new()
                }
                Some(What::Capture(_) | What::Asterisks { .. }) | None => Vec::new(),
            },
            Done::BridgeBegan(number, result) => self.bridge_began(number, result),
            Done::BridgeEnded(number) => {
                self.take(number);
                let why = RecordingEnd::Stopped;
                let ended = Input::RecordingEnded { id: RecordingId(number), why };
                [ended].into_iter().chain(self.is_off()).collect()
            }
        }
    }

    fn bridge_began(&mut self, number: u32, result: Result<(), RequestError>) -> Vec<Input> {
        if let Err(error) = result {
            self.take(number);
            let why = format!("Asterisk would not record what two people say: {error}");
            return [Input::RecordingRefused(why)].into_iter().chain(self.is_off()).collect();
        }
        let ends = self.flows != FlowsRecording::On;
        let Some(running) = self.running.iter_mut().find(|it| it.number == number) else {
            return Vec::new();
        };
        let What::Asterisks { name, began } = &mut running.what else { return Vec::new() };
        *began = if ends { Began::Ending } else { Began::Yes };
        let name = name.clone();
        let id = RecordingId(number);
        let told = Input::RecordingBegan { id, by: RecordedBy::Asterisk, path: name.clone() };
        if ends {
            self.end_in_asterisk(number, name);
        }
        vec![told]
    }

    /// Writes down whose message it is, or throws it away. Whoever looks into the mailbox takes a message for whole
    /// when it has its note.
    fn put_away(&mut self, message: Message, result: Result<Recorded, RecordingError>) {
        let (caller, call) = (self.caller.clone(), self.call.clone());
        let written = tokio::task::spawn_blocking(move || {
            let Message { mailbox, path, began, fate } = message;
            if fate == Fate::Dropped {
                // One that nobody will miss; the sound has no note.
                let _ = std::fs::remove_file(&path);
                return Vec::new();
            }
            if let Err(error) = &result {
                tracing::warn!(%error, "a message is cut short");
            }
            let shown = path.display().to_string();
            match note(&path, &mailbox, &caller, &call, began) {
                Ok(()) => vec![Input::MessageKept { mailbox, path: shown }],
                Err(cause) => {
                    vec![Input::MessageFailed(format!("the message {shown} has no note: {cause}"))]
                }
            }
        });
        self.under_way.push(Box::pin(async move { Done::Told(written.await.unwrap_or_default()) }));
    }
}

/// Bytes before the samples of a WAV file, and bytes a second of the caller's side.
const HEADER: u64 = 44;
const A_SECOND: f64 = 2.0 * audio::SAMPLE_RATE as f64;

fn note(
    path: &Path,
    mailbox: &str,
    caller: &Caller,
    call: &str,
    began: SystemTime,
) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let length = std::fs::metadata(path).map_err(|error| words(&error))?.len();
    let at = jiff::Timestamp::try_from(began).map_err(|error| words(&error))?;
    let length_s = (length.saturating_sub(HEADER) as f64 / A_SECOND * 10.0).round() / 10.0;
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let note = Note { mailbox, caller, call, at, length_s };
    let text = serde_json::to_vec(&note).map_err(|error| words(&error))?;
    write_private(&path.with_extension("json"), &text).map_err(|error| words(&error))
}

/// Writes a file that nobody else may read, whole or not at all.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let part = path.with_extension("part");
    let mut file = std::fs::File::options();
    let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    std::fs::rename(part, path)
}

fn why(result: Result<Recorded, RecordingError>) -> RecordingEnd {
    match result {
        Ok(_) => RecordingEnd::Stopped,
        Err(RecordingError::DiskFull { .. }) => RecordingEnd::DiskFull,
        Err(RecordingError::Time(_) | RecordingError::Size(_)) => RecordingEnd::Limit,
        Err(error) => RecordingEnd::Failed(error.to_string()),
    }
}
