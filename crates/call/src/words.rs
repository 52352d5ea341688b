//! What a call is told, and what it wants done: closed enums in the call's own words.
//!
//! No word of Asterisk's interface and none of a vendor's stands here; the driver translates. Every time is counted
//! from the call's arrival. A moment in the caller's audio ("when the word ended") has been mapped to that clock from
//! RTP timestamps, so it may lie well before the moment at which the call is told of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use flow::{Brief, CardItem, Filled, Question, Reply, Request, Secret, Sound};
use serde::{Deserialize, Serialize, Serializer};

use crate::kept::{RecordedBy, RecordingEnd, RecordingId, ZoneCut};
use crate::receptionist::Place;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Input {
    /// The caller's channel is answered.
    Answered,
    /// Both directions of audio stand.
    MediaUp,
    /// The call could not be answered or given audio. The text is for the record.
    SetupFailed(String),
    /// The caller's first packet came.
    FirstAudio,
    /// The first audible sample of a prompt went out on the wire.
    PromptAudible {
        /// Which.
        id: PlayId,
        /// When.
        at: Duration,
    },
    /// A prompt was played to its end.
    PromptEnded(PlayId),
    /// Something that may be a voice has begun. [`SpeechStarted`](Input::SpeechStarted) or
    /// [`VoiceVanished`](Input::VoiceVanished) follows.
    VoiceSensed {
        /// When, in the audio.
        at: Duration,
    },
    /// What was sensed was no voice, or has ended before it could be called one.
    VoiceVanished,
    /// The caller began to speak.
    SpeechStarted {
        /// When, in the audio.
        at: Duration,
    },
    /// The caller went on after a pause.
    SpeechResumed {
        /// When, in the audio.
        at: Duration,
    },
    /// The caller has finished speaking.
    SpeechEnded {
        /// When, in the audio.
        at: Duration,
    },
    /// A reading of what the caller said.
    Heard(Heard),
    /// The recogniser failed; nothing more will be heard.
    RecognizerFailed(String),
    /// The caller pressed a key.
    Digit(char),
    /// Asterisk accepted the command that connects the caller.
    Accepted {
        /// Of which attempt.
        attempt: u32,
    },
    /// The agent answered and both can hear each other.
    Connected {
        /// By which attempt.
        attempt: u32,
    },
    /// The agent of an attempt that waits to be [admitted](Command::Admit) answered: we and the agent hear each other.
    Reached {
        /// Which attempt.
        attempt: u32,
    },
    /// What was said to the agent alone was played to its end.
    WhisperEnded {
        /// Of which attempt.
        attempt: u32,
    },
    /// The agent pressed a key while only we heard.
    AgentDigit {
        /// Of which attempt.
        attempt: u32,
        /// The key.
        key: char,
    },
    /// A reading of what the agent said while only we heard.
    AgentHeard {
        /// Of which attempt.
        attempt: u32,
        /// The reading.
        heard: Heard,
    },
    /// The caller is in the room that was to be [entered](Command::EnterRoom).
    RoomEntered {
        /// How many were there.
        others: u32,
    },
    /// The caller is not let in.
    RoomRefused(NoRoom),
    /// The caller has left the room and hears us alone.
    RoomLeft,
    /// Something happened in the room.
    RoomTold(RoomNews),
    /// The attempt came to nothing.
    NotConnected {
        /// Which attempt.
        attempt: u32,
        /// Why.
        why: Why,
    },
    /// A recording has begun: ours, by [`Command::StartRecording`], or Asterisk's of what two people say to each other.
    RecordingBegan {
        /// Its number.
        id: RecordingId,
        /// Who makes it.
        by: RecordedBy,
        /// The file, or the name under which Asterisk keeps it.
        path: String,
    },
    /// A recording could not be begun. The text is for the record.
    RecordingRefused(String),
    /// A recording is over, and what it has is kept.
    RecordingEnded {
        /// Which.
        id: RecordingId,
        /// Why.
        why: RecordingEnd,
    },
    /// Nothing is recorded any more.
    RecordingOff,
    /// The message is where its owner finds it.
    MessageKept {
        /// Whose it is.
        mailbox: String,
        /// The file with its sound.
        path: String,
    },
    /// The message could not be recorded, or not be kept. The text is for the record.
    MessageFailed(String),
    /// Every cut is confirmed: nothing records or listens.
    ZoneEntered {
        /// By which attempt.
        attempt: u32,
    },
    /// A cut was not confirmed.
    ZoneRefused {
        /// Of which attempt.
        attempt: u32,
        /// Which cut.
        cut: ZoneCut,
    },
    /// A key was pressed within the zone. Nobody here is told which.
    CardKey,
    /// The caller has keyed in what was asked for; nothing, perhaps.
    CardTaken(Secret),
    /// A language model has written something.
    Written {
        /// By which [`Command::Write`].
        id: WriteId,
        /// What.
        what: Written,
    },
    /// What a lookup came to: [`Reply::Found`], [`Reply::NotFound`], [`Reply::TimedOut`] or [`Reply::Failed`].
    LookedUp(Reply),
    /// The caller's channel went on in the dialplan.
    LeftForDialplan,
    /// The agent hung up.
    AgentHungUp,
    /// The agent has handed the caller on, and Asterisk has done it: the caller is with somebody else now, or rings there.
    Transferred {
        /// To whom, as Asterisk tells it: a number, or the name of a phone.
        to: String,
    },
    /// The agent wants the caller handed on, and Asterisk leaves it to us.
    TransferAsked {
        /// The agent of which attempt.
        attempt: u32,
        /// To whom, as the phone says it.
        to: String,
    },
    /// The caller hung up, or the channel is gone for another reason.
    CallerHungUp,
    /// Asterisk is gone, and the call with it.
    PbxLost,
    /// Time has passed: the moment that [`Call::deadline`](crate::Call::deadline) named has come.
    Wake,
}

/// A reading of the caller's utterance, with the intents that it may mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// Where the reading ends: within a word perhaps, at a pause, or at the end of the turn.
    pub cut: intent::Cut,
    /// The words of the whole utterance so far.
    pub text: String,
    /// What they may mean.
    pub ranking: intent::Ranking,
    /// What was said in slots of the likeliest intent, in order.
    pub slots: Vec<Slot>,
    /// The last moment of the audio that was read.
    pub through: Duration,
    /// When the recogniser was asked.
    pub asked: Duration,
    /// When it had answered.
    pub done: Duration,
    /// How long the ranking took.
    pub ranked_in: Duration,
}

/// A slot as a caller filled it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Its value, in the words of the receptionist's file.
    pub value: String,
    /// How likely it is that this value was said, 0 to 1.
    pub confidence: f32,
    /// When it was said, in the audio.
    pub at: Range<Duration>,
}

/// Why an attempt came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The destination is busy.
    Busy,
    /// It rang and nobody answered.
    NoAnswer,
    /// It refused.
    Rejected,
    /// It does not exist or cannot be reached now.
    Unavailable,
    /// Asterisk has no queue of this name.
    Unknown,
    /// The command failed.
    Failed,
    /// Nobody serves the queue.
    Empty,
    /// The queue is full.
    Full,
    /// It was given up because the caller chose otherwise.
    Overtaken,
}

/// Something to be done by the driver.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Command {
    /// Answer the caller. Answered by [`Input::Answered`] or [`Input::SetupFailed`].
    Answer,
    /// Open a bridge and a media leg for the caller. Answered by [`Input::MediaUp`] or [`Input::SetupFailed`].
    OpenMedia,
    /// Play something in place of what plays, or is held, now. Answered by [`Input::PromptAudible`], and by
    /// [`Input::PromptEnded`] if it ends by itself.
    Play {
        /// Its number, by which the answers name it.
        id: PlayId,
        /// What.
        what: Played,
    },
    /// Fall silent, and keep the place: [`ResumePlaying`](Command::ResumePlaying) goes on from the same sample. A prompt
    /// that is held does not end. Nothing happens if none plays.
    HoldPlaying,
    /// Go on with the prompt that is held, if one is.
    ResumePlaying,
    /// Fall silent for good.
    StopPlaying,
    /// Feed the recogniser, and understand what it reads as answers to this question.
    Listen(#[serde(serialize_with = "by_name")] Arc<Question>),
    /// Read what the caller has said so far again as soon as there is a little more of it: one more reading like the
    /// last may decide.
    ReadSoon,
    /// Stop feeding the recogniser.
    StopListening,
    /// Ask elsewhere. Answered by [`Input::LookedUp`].
    LookUp(Request),
    /// Give up the lookup that is under way.
    StopLookingUp,
    /// Have a language model write. Answered by [`Input::Written`], sentence by sentence and then once with the end.
    Write {
        /// Its number, by which the answers name it.
        id: WriteId,
        /// What is wanted.
        brief: Brief,
    },
    /// Write no more. What was spoken of it up to now, and is not heard yet, never is.
    StopWriting,
    /// Have a model that hears the caller ready: from now on it hears the turns of the caller's. What it is to answer is
    /// asked by [`Write`](Command::Write).
    OpenSpeech(Brief),
    /// The model hears nothing any more.
    CloseSpeech,
    /// These will be said soon: have their words spoken by then.
    Prepare(Vec<Sound>),
    /// Record both sides from now on, and what two people say to each other later. Answered by
    /// [`Input::RecordingBegan`] or [`Input::RecordingRefused`].
    StartRecording,
    /// End all that [`StartRecording`](Command::StartRecording) began. Answered by [`Input::RecordingEnded`] for each, and
    /// then by [`Input::RecordingOff`].
    StopRecording,
    /// Record what the caller says, as a message, and tell when they speak: [`Input::SpeechStarted`] and
    /// [`Input::SpeechEnded`], or [`Input::MessageFailed`].
    BeginMessage {
        /// Whose it is.
        mailbox: String,
        /// How long it may be.
        most: Duration,
    },
    /// The message is whole. Answered by [`Input::MessageKept`] or [`Input::MessageFailed`].
    KeepMessage,
    /// There is no message: nothing was said.
    DropMessage,
    /// Cut off everything that records or listens, and take the keys. Answered by [`Input::ZoneEntered`] or
    /// [`Input::ZoneRefused`].
    EnterZone {
        /// Counts from 1; the answer names it.
        attempt: u32,
    },
    /// Undo the cuts, those of an attempt that was refused too.
    LeaveZone,
    /// Take an item of the card by its keys. Each is told by [`Input::CardKey`], all of them by [`Input::CardTaken`]: at
    /// the key that ends a number, when no more can come, or at [`EndCard`](Command::EndCard).
    TakeCard {
        /// Which.
        item: CardItem,
    },
    /// No more keys will come. Answered by [`Input::CardTaken`].
    EndCard,
    /// Forget what was keyed in.
    DropCard,
    /// Ask elsewhere, as [`LookUp`](Command::LookUp) does, and send the card along.
    Pay {
        /// What is asked, without the card.
        request: Request,
        /// What goes along.
        card: Vec<(CardItem, Secret)>,
    },
    /// Connect the caller. Answered by [`Input::Accepted`], then [`Input::Connected`] or
    /// [`Input::LeftForDialplan`]; or by [`Input::NotConnected`].
    Connect {
        /// Counts from 1; every answer names it.
        attempt: u32,
        /// The destination's name.
        name: String,
        /// Where that is.
        place: Place,
        /// How long it may ring, or how long the caller may wait in the queue.
        ring: Duration,
        /// Channel variables for whoever takes the call.
        variables: BTreeMap<String, String>,
        /// Whether whoever answers hears the caller at once.
        join: Join,
    },
    /// Say something to the agent of an attempt alone, who was [reached](Input::Reached), in place of what is said there
    /// now, and understand what the agent says as answers to this question. Answered by [`Input::WhisperEnded`].
    Whisper {
        /// Of which attempt.
        attempt: u32,
        /// What is said, one after the other.
        say: Vec<Sound>,
        /// What may be answered.
        #[serde(serialize_with = "by_name")]
        question: Arc<Question>,
    },
    /// Join the agent of an attempt, who was [reached](Input::Reached), with the caller. Answered by
    /// [`Input::Connected`] or [`Input::NotConnected`].
    Admit {
        /// Which attempt.
        attempt: u32,
    },
    /// Let the caller hear everybody in a room, and be heard there; what we play is still heard by the caller, and by nobody
    /// else. Answered by [`Input::RoomEntered`] or [`Input::RoomRefused`].
    EnterRoom {
        /// Its name. It is made if nobody is there.
        room: String,
        /// Who comes, for the others; may be empty.
        name: String,
    },
    /// Take the caller out of the room. Answered by [`Input::RoomLeft`].
    LeaveRoom,
    /// Let the caller be heard in the room, or not.
    Mute {
        /// Whether not.
        muted: bool,
    },
    /// Let the caller hear music in place of the room, or the room again.
    Hold {
        /// Whether music.
        held: bool,
    },
    /// Let others enter the room, or not.
    LockRoom {
        /// Whether not.
        locked: bool,
    },
    /// Give up an attempt, whether it still rings or has just been answered.
    Abandon {
        /// Which.
        attempt: u32,
    },
    /// Tell the agent of an attempt, who [asked](Input::TransferAsked) for it, how far the transfer is.
    ReportTransfer {
        /// Of which attempt.
        attempt: u32,
        /// How far.
        news: TransferNews,
    },
    /// Take the media leg out: caller and agent hear each other without us.
    CloseMedia,
    /// Let the caller's channel go on in the dialplan. Answered by [`Input::LeftForDialplan`].
    GiveBack {
        /// Where; none is behind the line that handed it over.
        place: Option<flow::Place>,
        /// Channel variables to be set before.
        variables: BTreeMap<String, String>,
    },
    /// Hang the caller up. Answered by [`Input::CallerHungUp`].
    HangUp,
    /// The call is over: release all that is left and keep the record. Comes exactly once, and last.
    Finish,
}

/// When an agent who answers is joined with the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Join {
    /// At once.
    AtOnce,
    /// When the call says so, by [`Command::Admit`].
    WhenAdmitted,
}

/// How far a transfer is that an agent has asked us for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TransferNews {
    /// It rings.
    Rings,
    /// The caller is there, and the agent is let go.
    Done,
    /// Nobody took the caller.
    NotTaken,
    /// It may not be.
    Refused,
}

/// Why a caller is not let into a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoRoom {
    /// Who is in it has locked it.
    Locked,
    /// It did not work, and why.
    Failed(String),
}

/// What happens in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomNews {
    /// Somebody came: the name, which may be empty.
    Came(String),
    /// Somebody left.
    Went {
        /// The name, which may be empty.
        name: String,
        /// How many are there besides the caller.
        others: u32,
    },
    /// Whether it is locked now.
    Locked(bool),
    /// Somebody from outside has muted the caller, or ended that.
    Muted(bool),
    /// Somebody from outside has the caller hear music in place of the room, or the room again.
    Held(bool),
    /// Who could lock the room has left: the caller can now.
    Host,
    /// The caller is to leave.
    Removed,
}

/// The number of something that is written in a call, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WriteId(pub u32);

/// What comes from a language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Written {
    /// Words to be said, while it goes on to write.
    Sentence(String),
    /// It speaks by itself: the first of its sound has come, which can be [played](Played::Voice) from now on.
    Voice,
    /// Words of its own voice.
    Spoken {
        /// What they are.
        words: String,
        /// Where in its sound they begin, about.
        from: Duration,
    },
    /// That was all, and this besides.
    Done {
        /// What it fills.
        slots: Vec<Filled>,
        /// The label that it chooses.
        label: Option<String>,
    },
    /// It failed. The text is for the record.
    Failed(String),
}

/// The number of something that is played in a call, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlayId(pub u32);

/// Something that the caller hears from us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Played {
    /// These, one after the other.
    Sounds(Vec<Sound>),
    /// What a model speaks with its own voice, from its beginning, while it still comes.
    Voice(WriteId),
    /// The ringing tone, for as long as it rings.
    Ringing,
    /// Asterisk's music on hold of this class, until something else plays.
    Music(String),
    /// The beep before a message.
    Beep,
}

/// A question is known by its name: what may be answered stands in the flow.
fn by_name<S: Serializer>(question: &Arc<Question>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(question.name())
}
