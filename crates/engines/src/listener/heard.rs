//! What a listener says, and what it asks of its owner.

use std::sync::Arc;
use std::time::Duration;

use crate::phrases::Phrases;
use crate::recognizer::{Care, ReadError, Request, Scripted, Token, VadError, WINDOW};
use crate::words::Word;

/// One thing a caller did, in order. Positions are samples at 8 kHz on the stream's RTP time line;
/// times are on the clock that the owner passes as `now`.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Something that may be a voice has begun at `at`, while nobody spoke. [`SpeechStarted`](Heard::SpeechStarted),
    /// [`SpeechResumed`](Heard::SpeechResumed) or [`VoiceVanished`](Heard::VoiceVanished) follows, unless the stream ends.
    VoiceSensed {
        /// Where it began.
        at: u64,
    },
    /// What was sensed last was no voice, or too short to be called one.
    VoiceVanished,
    /// The caller began to speak, first heard at `at`.
    SpeechStarted {
        /// Counts the utterances of a call from 1.
        turn: u32,
        /// Where speech set in.
        at: u64,
    },
    /// The caller seems to have stopped; the turn is not over.
    SpeechPaused {
        /// The utterance.
        turn: u32,
        /// Where speech ceased.
        at: u64,
    },
    /// The caller went on after a pause.
    SpeechResumed {
        /// The utterance.
        turn: u32,
        /// Where speech set in again.
        at: u64,
    },
    /// The turn is over; its [`Final`](Heard::Final) or [`Failed`](Heard::Failed) follows.
    SpeechEnded {
        /// The utterance.
        turn: u32,
        /// Where speech ceased (not where the silence was long enough).
        at: u64,
    },
    /// What an unfinished turn sounds like so far.
    Partial {
        /// Where the audio was cut off, which says how far the last word can be trusted.
        cut: Cut,
        /// The words.
        words: Transcript,
    },
    /// What a whole turn said. Exactly one of these or a `Failed { stage: Stage::Final }` follows
    /// each `SpeechEnded`, unless the listener is reset.
    Final(Transcript),
    /// An engine failed; the call goes on.
    Failed {
        /// The utterance, if there was one.
        turn: Option<u32>,
        /// What is missing because of it.
        stage: Stage,
        /// Why.
        cause: Failure,
    },
}

/// Where the audio of a partial was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// While the caller spoke: the last word may be half a word.
    MidSpeech,
    /// In a pause: the last word is complete. If the turn ends there, the final is the same.
    AtPause,
}

/// The words read from a stretch of a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The utterance.
    pub turn: u32,
    /// The words; empty if there were none.
    pub text: String,
    /// How sure the recognizer was, 0 to 1.
    pub confidence: f32,
    /// The tokens behind the words, each with its probability.
    pub tokens: Arc<[Token]>,
    /// The words with their places in the stream; empty if the recognizer does not place them.
    pub words: Arc<[Word]>,
    /// How many of the `words`, from the first on, are unlikely to change: they were the same in
    /// the reading before, or are not read again. In a final all are.
    pub stable: usize,
    /// The sentences of the script that it may have been, the likeliest first; none if no script is expected, in
    /// partials of a caller who speaks, and where the turn was not read in one piece.
    pub scripted: Arc<[Scripted]>,
    /// First sample of the audio read; it lies a little before the speech.
    pub from: u64,
    /// End of the audio read.
    pub through: u64,
    /// When the reading was asked for.
    pub asked: Duration,
    /// When its result arrived.
    pub done: Duration,
}

/// What an engine's failure costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A window was not judged and counts as silence.
    Vad,
    /// A partial is missing; the next reading may succeed.
    Partial,
    /// A turn is over and its words are lost.
    Final,
}

/// Why an engine failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The voice activity detector failed.
    #[error(transparent)]
    Vad(#[from] VadError),
    /// The recognizer failed.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What comes out of [`Listener::poll`](super::Listener::poll).
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Something to tell the call.
    Heard(Heard),
    /// A window to judge; answer with [`Listener::vad`](super::Listener::vad); no other
    /// window comes before.
    Vad(Box<[f32; WINDOW]>),
    /// Audio to read; answer with [`Listener::read_done`](super::Listener::read_done), whenever.
    Read(ReadJob),
    /// Newer audio, to be read in place of the job under way if nobody has begun to read that; say by
    /// [`Listener::replaced`](super::Listener::replaced) whether it is, before the next poll.
    Instead(ReadJob),
}

/// A reading that a listener asks for. It never has more than one under way.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadJob {
    /// Names the job in the answer.
    pub id: ReadId,
    /// The utterance.
    pub turn: u32,
    /// How urgent it is.
    pub kind: ReadKind,
    /// The audio at 16 kHz, full scale ±1.
    pub samples: Arc<[f32]>,
    /// What an earlier stretch of this turn was read as; empty at first.
    pub guess: Arc<[Token]>,
    /// What the caller is likely to say.
    pub phrases: Phrases,
    /// Position of its first sample.
    pub from: u64,
    /// Position of its end.
    pub through: u64,
}

/// Names a [`ReadJob`] among all of one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadId(pub(super) u64);

/// How urgent a [`ReadJob`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadKind {
    /// The caller still speaks; another reading will follow.
    Partial,
    /// The caller has stopped, for now or for good.
    Final,
}

impl ReadJob {
    /// What to ask a recognizer.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        let care = match self.kind {
            ReadKind::Partial => Care::Glance,
            ReadKind::Final => Care::Full,
        };
        Request { samples: &self.samples, guess: &self.guess, phrases: &self.phrases, care }
    }
}

#[cfg(test)]
impl ReadJob {
    /// A job that a pool can be tested with.
    pub(crate) fn for_tests(id: u64, kind: ReadKind, samples: Vec<f32>) -> Self {
        Self {
            id: ReadId(id),
            turn: 1,
            kind,
            samples: samples.into(),
            guess: Arc::default(),
            phrases: Phrases::default(),
            from: 0,
            through: 0,
        }
    }
}
