//! A call whose words come from a chain of engines, and from the pool only when the chain says so.
//!
//! The listener stays in charge of turns, and goes on asking for readings. While the chain hears a turn they are not made: what the
//! listener would tell of them is dropped here, and what the chain tells is told instead. When the chain gives a turn to the local
//! engine, the listener's readings count again; if the turn was over by then, the last one that it asked for is made after all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use audio::FRAME;

use crate::chain::{Stream, Told};
use crate::listener::{Cut, Failure, Heard, ReadId, ReadJob, ReadKind, Stage, Transcript};
use crate::recognizer::{ReadError, Reading};
use crate::words::Word;

/// Silence that still belongs to a turn: 240 ms.
const TAIL: u64 = 1_920;
/// Turns that are remembered: the one under way, and those whose words are late.
const REMEMBERED: usize = 8;

/// What becomes of a reading that the listener asks for.
pub(super) enum Wish {
    /// The pool reads it.
    Pool(ReadJob),
    /// It is answered with this; nothing of it is told.
    Answer(ReadId, Reading),
    /// It is answered when there is something to say.
    Hold,
}

/// What follows from what the chain told.
pub(super) enum Deed {
    /// Tell the call.
    Tell(Heard),
    /// The listener's own reading, which the pool is to make.
    Read(ReadJob),
    /// A turn that the listener has done with, which the pool is to read after all.
    ReadAgain(ReadJob),
}

/// One call's turns.
pub(super) struct Elsewhere {
    stream: Stream,
    pre_roll: u64,
    /// No turn begins before the end of the last.
    floor: u64,
    turns: VecDeque<Turn>,
    /// The reading that the listener waits for.
    held: Option<ReadJob>,
    /// Turns to be read after all; the first of them is being read.
    again: VecDeque<ReadJob>,
}

struct Turn {
    number: u32,
    from: u64,
    /// Where its speech ceased, while it has.
    paused: Option<u64>,
    ended: Option<Duration>,
    text: String,
    /// The last reading of all of its speech that the listener asked for.
    whole: Option<ReadJob>,
    words: Words,
}

/// Where a turn's words come from.
#[derive(PartialEq, Eq)]
enum Words {
    Chain,
    /// The same, and the listener has told of a final reading, which was dropped.
    ChainAlone,
    Listener,
}

impl Elsewhere {
    pub(super) fn new(stream: Stream, pre_roll: Duration) -> Self {
        let pre_roll = pre_roll.as_millis() as u64 * u64::from(audio::SAMPLE_RATE) / 1000;
        let (turns, again) = (VecDeque::new(), VecDeque::new());
        Self { stream, pre_roll, floor: 0, turns, held: None, again }
    }

    pub(super) fn frame(&self, frame: &[i16; FRAME], position: u64) {
        self.stream.audio(frame, position);
    }

    pub(super) fn reset(&mut self) {
        self.stream.reset();
        self.turns.clear();
        self.again.clear();
        (self.held, self.floor) = (None, 0);
    }

    /// What the listener tells: what concerns words only goes on if they are its own.
    pub(super) fn heard(&mut self, now: Duration, heard: Heard) -> Option<Heard> {
        match &heard {
            Heard::SpeechStarted { turn, at } => self.begin(*turn, *at),
            Heard::SpeechPaused { turn, at } => self.pause(*turn, Some(*at)),
            Heard::SpeechResumed { turn, .. } => self.pause(*turn, None),
            Heard::SpeechEnded { turn, at } => {
                self.floor = *at;
                self.stream.end(*at + TAIL);
                if let Some(turn) = self.turn(*turn) {
                    (turn.paused, turn.ended) = (Some(*at), Some(now));
                }
            }
            Heard::Partial { words, .. } => return self.is_listeners(words.turn).then_some(heard),
            Heard::Final(Transcript { turn, .. })
            | Heard::Failed { turn: Some(turn), stage: Stage::Final, .. }
                if !self.is_listeners(*turn) =>
            {
                if let Some(turn) = self.turn(*turn) {
                    turn.words = Words::ChainAlone;
                }
                return None;
            }
            Heard::Failed { turn: Some(turn), stage: Stage::Partial, .. } => {
                return self.is_listeners(*turn).then_some(heard);
            }
            _ => {}
        }
        Some(heard)
    }

    /// What becomes of a reading that the listener asks for.
    pub(super) fn wish(&mut self, job: ReadJob) -> Wish {
        if self.is_listeners(job.turn) {
            return Wish::Pool(job);
        }
        let Some(turn) = self.turn(job.turn) else {
            return Wish::Answer(job.id, Reading::default());
        };
        if job.kind == ReadKind::Final {
            let text = turn.text.clone();
            let answer = Reading::new(text, Vec::new());
            let id = job.id;
            turn.whole = Some(job);
            return Wish::Answer(id, answer);
        }
        if turn.paused.is_some() {
            return Wish::Answer(job.id, Reading::default());
        }
        self.held = Some(job);
        Wish::Hold
    }

    /// The reading that is held and need not be any more: the caller has stopped, and the listener wants another.
    pub(super) fn unheld(&mut self) -> Option<ReadId> {
        let paused = |job: &mut ReadJob| {
            let turn = self.turns.iter().find(|turn| turn.number == job.turn);
            turn.is_none_or(|turn| turn.paused.is_some())
        };
        self.held.take_if(paused).map(|job| job.id)
    }

    /// What the chain tells.
    pub(super) fn told(&mut self, now: Duration, told: Told) -> Option<Deed> {
        match told {
            Told::Partial { turn, words, stable } => {
                let turn = self.turn(turn)?;
                let known = turn.paused.is_some() || stable == words.len();
                let cut = if known { Cut::AtPause } else { Cut::MidSpeech };
                let words = turn.transcript(&words, stable, now);
                turn.text.clone_from(&words.text);
                Some(Deed::Tell(Heard::Partial { cut, words }))
            }
            Told::Final { turn, words } => {
                let turn = self.turn(turn)?;
                Some(Deed::Tell(Heard::Final(turn.transcript(&words, words.len(), now))))
            }
            Told::Failed { turn, failure } => {
                self.turn(turn)?;
                let cause = Failure::Read(ReadError::Engine(failure.to_string()));
                Some(Deed::Tell(Heard::Failed { turn: Some(turn), stage: Stage::Final, cause }))
            }
            Told::Local { turn: number } => {
                let turn = self.turn(number)?;
                let done = std::mem::replace(&mut turn.words, Words::Listener) == Words::ChainAlone;
                if done {
                    let whole = turn.whole.take()?;
                    self.again.push_back(whole.clone());
                    return (self.again.len() == 1).then_some(Deed::ReadAgain(whole));
                }
                self.held.take_if(|job| job.turn == number).map(Deed::Read)
            }
        }
    }

    /// A turn was read after all; and the next that waits for it.
    pub(super) fn read(
        &mut self,
        now: Duration,
        id: ReadId,
        result: Result<Reading, ReadError>,
    ) -> Option<(Heard, Option<ReadJob>)> {
        self.again.front().filter(|job| job.id == id)?;
        let job = self.again.pop_front()?;
        let heard = match result {
            Ok(reading) => {
                let reading = reading.later(job.from);
                Heard::Final(Transcript {
                    turn: job.turn,
                    text: reading.text,
                    confidence: reading.confidence,
                    tokens: reading.tokens.into(),
                    stable: reading.words.len(),
                    words: reading.words.into(),
                    scripted: reading.scripted.into(),
                    from: job.from,
                    through: job.through,
                    asked: now,
                    done: now,
                })
            }
            Err(cause) => Heard::Failed {
                turn: Some(job.turn),
                stage: Stage::Final,
                cause: Failure::Read(cause),
            },
        };
        Some((heard, self.again.front().cloned()))
    }

    fn begin(&mut self, number: u32, at: u64) {
        let from = at.saturating_sub(self.pre_roll).max(self.floor);
        self.stream.begin(number, from);
        self.turns.push_back(Turn {
            number,
            from,
            paused: None,
            ended: None,
            text: String::new(),
            whole: None,
            words: Words::Chain,
        });
        if self.turns.len() > REMEMBERED {
            self.turns.pop_front();
        }
    }

    fn pause(&mut self, turn: u32, at: Option<u64>) {
        if let Some(turn) = self.turn(turn) {
            turn.paused = at;
        }
    }

    fn turn(&mut self, number: u32) -> Option<&mut Turn> {
        self.turns.iter_mut().find(|turn| turn.number == number)
    }

    fn is_listeners(&self, number: u32) -> bool {
        let listeners = |turn: &Turn| turn.number == number && turn.words == Words::Listener;
        self.turns.iter().any(listeners)
    }
}

impl Turn {
    fn transcript(&self, words: &[Word], stable: usize, now: Duration) -> Transcript {
        let text: Vec<&str> = words.iter().map(|word| &*word.text).collect();
        let sum: f32 = words.iter().map(|word| word.confidence).sum();
        let spoken = words.last().map_or(self.from, |word| word.at.end);
        Transcript {
            turn: self.number,
            text: text.join(" "),
            confidence: if words.is_empty() { 0.0 } else { sum / words.len() as f32 },
            tokens: Arc::default(),
            words: words.into(),
            stable,
            scripted: Arc::default(),
            from: self.from,
            through: self.paused.unwrap_or(spoken).max(spoken),
            asked: self.ended.unwrap_or(now),
            done: now,
        }
    }
}
