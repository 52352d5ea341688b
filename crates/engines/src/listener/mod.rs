//! One call's ear: frames in, turns and readings out. It reads no clock and runs no engine.
//!
//! The same object runs live and in virtual time. Its owner passes the time in, judges windows and
//! reads audio for it, and tells it the results:
//!
//! ```
//! use engines::listener::{Listener, ListenerConfig, Output};
//! use std::time::Duration;
//!
//! let mut listener = Listener::new(ListenerConfig::default());
//! for frame in 0..50 {
//!     let now = Duration::from_millis(20 * frame);
//!     listener.push(now, &[0; audio::FRAME], frame * audio::FRAME as u64);
//!     while let Some(output) = listener.poll() {
//!         match output {
//!             Output::Vad(_window) => listener.vad(now, Ok(0.02)),
//!             Output::Read(_) | Output::Instead(_) => unreachable!("nobody spoke"),
//!             Output::Heard(heard) => panic!("nobody spoke: {heard:?}"),
//!         }
//!     }
//! }
//! assert_eq!(listener.deadline(), None);
//! ```
//!
//! While the caller speaks, the growing utterance is read again and again, one reading at a time.
//! When speech seems to end, the reading that will be final starts at once, so that it is ready
//! when the end is certain; if the caller goes on, it was a partial.

mod heard;
mod segmenter;
mod sense;
mod settled;
mod turn;
mod utterance;

use std::collections::VecDeque;
use std::time::Duration;

use audio::{FRAME, SAMPLE_RATE};

pub use self::heard::{Cut, Failure, Heard, Output, ReadId, ReadJob, ReadKind, Stage, Transcript};
use self::segmenter::{Edge, Segmenter};
use self::sense::{Sense, Sign};
use self::turn::{Flight, Request, Turn};
use self::utterance::Utterance;
use crate::echo::{Echo, Verdict};
use crate::phrases::Phrases;
use crate::recognizer::{ReadError, Reading, VadError, WINDOW};
use crate::turn::Pace;

/// Lost audio up to this long is filled with silence; a longer hole ends the turn.
const LONGEST_HOLE: u64 = SAMPLE_RATE as u64;
/// Silence kept after the last word of a final reading: 240 ms.
const TAIL: u64 = SAMPLE_RATE as u64 * 24 / 100;

/// How a [`Listener`] hears turns and when it reads them.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerConfig {
    /// Speech probability, 0 to 1, from which one window is a first sign of speech; at most `onset`.
    pub sense: f32,
    /// Speech probability, 0 to 1, from which a window counts as speech.
    pub onset: f32,
    /// Speech probability below which a window counts as silence; less than `onset`.
    pub exit: f32,
    /// Windows of 32 ms in a row that must count as speech before it is believed.
    pub onset_windows: u32,
    /// Audio kept from before the onset, so that the first word is whole.
    pub pre_roll: Duration,
    /// Silence after which speech seems to end: the speculative final reading starts.
    pub pause_after: Duration,
    /// Silence after which the turn is over, if nothing is known of the words before it.
    pub end_of_turn: Duration,
    /// How long the silence must be where the words are known.
    pub ending: Ending,
    /// Speech that the first partial needs.
    pub first_read: Duration,
    /// Time from the start of one partial reading to the start of the next; longer where there is much to read. Of 152
    /// sample calls 5 % took 296 ms to be decided with 140 ms, and 233 ms with 110 ms, for a fifth more work.
    pub read_every: Duration,
    /// The same once it was said that a reading is wanted soon.
    pub read_soon: Duration,
    /// Silence put behind the audio of every other partial. A recogniser reads a word at the very
    /// edge differently with and without it; where both agree, the word is surely there.
    pub hush: Duration,
    /// Once this much was said before a pause, its words stand when the caller goes on, and only
    /// what follows is read.
    pub settle_after: Duration,
    /// How long that pause must be: longer than the stops within words.
    pub settling_pause: Duration,
    /// A reading that takes longer is given up.
    pub read_limit: Duration,
    /// A turn longer than this is cut in two where it is quietest.
    pub longest_turn: Duration,
    /// A turn ends if the stream brings nothing for this long.
    pub stall: Duration,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            sense: 0.3,
            onset: 0.5,
            exit: 0.35,
            onset_windows: 2,
            pre_roll: Duration::from_millis(300),
            pause_after: Duration::from_millis(96),
            end_of_turn: Duration::from_millis(500),
            ending: Ending::Judged,
            first_read: Duration::from_millis(300),
            read_every: Duration::from_millis(110),
            read_soon: Duration::from_millis(60),
            hush: Duration::from_millis(100),
            settle_after: Duration::from_secs(3),
            settling_pause: Duration::from_millis(250),
            read_limit: Duration::from_secs(2),
            longest_turn: Duration::from_secs(15),
            stall: Duration::from_secs(1),
        }
    }
}

/// How the end of a turn is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// After the same silence always.
    Fixed,
    /// After a silence that depends on the words before it and on this caller's pauses so far: see [`Pace`].
    Judged,
}

/// One call's ear. See the [module](self) for its contract.
pub struct Listener {
    config: ListenerConfig,
    phrases: Phrases,
    segmenter: Segmenter,
    sense: Sense,
    echo: Echo,
    pace: Pace,
    /// The reading that was asked for at the pause.
    paused_read: Option<ReadId>,
    /// Where the last turn ended, on the time line that still goes on.
    ended: Option<u64>,
    utterance: Utterance,
    /// Whether the stream's position is known.
    started: bool,
    last_frame: Duration,
    /// The window being filled, and the windows to be judged with the positions of their ends.
    filling: Vec<i16>,
    windows: VecDeque<(u64, Box<[f32; WINDOW]>)>,
    /// End of the window that the owner judges now.
    judged: Option<u64>,
    turns: u32,
    turn: Option<Turn>,
    /// No turn reaches back beyond this position.
    floor: u64,
    reads: u64,
    flight: Option<Flight>,
    /// What was offered to be read in place of that.
    instead: Option<Request>,
    /// Final readings of turns that are over.
    owed: VecDeque<Request>,
    outbox: VecDeque<Output>,
}

impl Listener {
    /// An ear that has heard nothing.
    #[must_use]
    pub fn new(config: ListenerConfig) -> Self {
        let onset = u64::from(config.onset_windows + 1) * WINDOW as u64;
        let keep = samples(config.pre_roll) + onset;
        Self {
            segmenter: Segmenter::new(&config),
            sense: Sense::new(&config),
            echo: Echo::default(),
            pace: Pace::default(),
            paused_read: None,
            ended: None,
            utterance: Utterance::new(keep as usize),
            started: false,
            last_frame: Duration::ZERO,
            filling: Vec::with_capacity(WINDOW),
            windows: VecDeque::new(),
            judged: None,
            turns: 0,
            turn: None,
            floor: 0,
            reads: 0,
            flight: None,
            instead: None,
            owed: VecDeque::new(),
            outbox: VecDeque::new(),
            phrases: Phrases::default(),
            config,
        }
    }

    /// The same ear, which leans towards `phrases` from its next reading on.
    #[must_use]
    pub fn expecting(self, phrases: Phrases) -> Self {
        Self { phrases, ..self }
    }

    /// Takes the mu-law of what we say while the next frame comes. What comes back of it is not taken for a voice.
    pub fn said(&mut self, codes: &[u8; FRAME]) {
        self.echo.said(codes);
    }

    /// Takes the frame that begins at `position`. A frame that overlaps what was heard already is
    /// ignored; a hole of up to a second is silence; a larger jump, either way, ends the turn and
    /// starts afresh at the new position.
    pub fn push(&mut self, now: Duration, frame: &[i16; FRAME], position: u64) {
        if !self.started {
            self.restart(position);
        }
        let next = self.utterance.next();
        if position.abs_diff(next) > LONGEST_HOLE {
            self.break_off();
            self.restart(position);
        } else if position < next {
            return;
        }
        let mut hole = position - self.utterance.next();
        while hole > 0 {
            let count = hole.min(FRAME as u64);
            self.take(&[0; FRAME][..count as usize]);
            hole -= count;
        }
        self.echo.heard(frame);
        self.take(frame);
        self.last_frame = now;
        // A window that waits may say that speech has ceased: what to read is decided after it.
        if self.windows.is_empty() && self.judged.is_none() {
            self.schedule(now);
        }
    }

    /// Answers [`Output::Vad`] with the probability of speech.
    pub fn vad(&mut self, now: Duration, probability: Result<f32, VadError>) {
        let Some(to) = self.judged.take() else { return };
        let probability = probability.unwrap_or_else(|cause| {
            let turn = self.turn.as_ref().map(|turn| turn.number);
            self.tell(Heard::Failed { turn, stage: Stage::Vad, cause: cause.into() });
            0.0
        });
        let from = to - WINDOW as u64;
        if let Some(turn) = &mut self.turn {
            turn.windows.push((from, probability));
        }
        let probability = self.without_echo(probability);
        self.look_for_signs(probability, from);
        match self.segmenter.window(probability, from, to) {
            Some(Edge::Started { at }) => self.open_turn(at),
            Some(Edge::Paused { at }) => self.pause(at),
            Some(Edge::Resumed { at }) => self.resume(at),
            Some(Edge::Ended { at }) => self.close_turn(at),
            None => self.cut_long_turn(),
        }
        self.schedule(now);
    }

    /// Answers [`Output::Read`]. An answer to a job that was given up is ignored.
    pub fn read_done(&mut self, now: Duration, id: ReadId, result: Result<Reading, ReadError>) {
        let Some(flight) = self.flight.take_if(|flight| flight.id == id) else { return };
        match result {
            Ok(reading) => self.landed(flight, reading, now),
            Err(cause) => self.lost(flight, cause, now),
        }
        self.schedule(now);
    }

    /// Does what is due at `now`: gives up a reading that overran, ends a turn whose stream dried
    /// up. Call it when [`deadline`](Self::deadline) has come; calling it more often is harmless.
    pub fn wake(&mut self, now: Duration) {
        let limit = self.config.read_limit;
        if let Some(flight) = self.flight.take_if(|flight| flight.asked + limit <= now) {
            self.lost(flight, ReadError::Overrun, now);
        }
        if self.turn.is_some() && self.last_frame + self.config.stall <= now {
            self.break_off();
        }
        self.schedule(now);
    }

    /// When to call [`wake`](Self::wake), if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let overrun = self.flight.as_ref().map(|flight| flight.asked + self.config.read_limit);
        let stall = self.turn.as_ref().map(|_| self.last_frame + self.config.stall);
        overrun.into_iter().chain(stall).min()
    }

    /// The next thing to do or to tell, until there is none. Poll after every other call.
    pub fn poll(&mut self) -> Option<Output> {
        if let Some(output) = self.outbox.pop_front() {
            return Some(output);
        }
        if self.judged.is_some() {
            return None;
        }
        let (end, window) = self.windows.pop_front()?;
        self.judged = Some(end);
        Some(Output::Vad(window))
    }

    /// Starts the next partial sooner than at its time: the words so far nearly decide what is waited for.
    pub fn read_soon(&mut self, now: Duration) {
        self.hasten();
        self.schedule(now);
    }

    /// Stops listening: forgets the turn, its readings and the audio so far. Turns keep counting.
    pub fn reset(&mut self) {
        self.turn = None;
        self.flight = None;
        self.instead = None;
        self.owed.clear();
        self.outbox.clear();
        self.restart(self.utterance.next());
        self.started = false;
    }

    /// Forgets what was known of the last pause.
    fn begin_pause(&mut self) {
        self.paused_read = None;
        self.segmenter.wait(samples(self.config.end_of_turn));
    }

    /// Sets how long the pause may be behind `words`.
    fn wait_behind(&mut self, words: &str) {
        if self.config.ending == Ending::Judged {
            self.segmenter.wait(samples(self.pace.wait(words)));
        }
    }

    /// How likely a window holds the caller's speech, which sounds like speech with this probability.
    fn without_echo(&mut self, probability: f32) -> f32 {
        let matters = probability >= self.config.sense.min(self.config.exit);
        if matters && self.echo.judge() == Verdict::Echo { 0.0 } else { probability }
    }

    /// Tells the first sign of a voice while nobody speaks.
    fn look_for_signs(&mut self, probability: f32, from: u64) {
        if self.segmenter.is_in_speech() {
            self.sense.believed();
            return;
        }
        match self.sense.window(probability, from) {
            Some(Sign::Sensed { at }) => self.tell(Heard::VoiceSensed { at }),
            Some(Sign::Vanished) => self.tell(Heard::VoiceVanished),
            None => {}
        }
    }

    /// Ends the turn because the stream does not go on.
    fn break_off(&mut self) {
        let end = self.turn.as_ref().and_then(|turn| turn.paused);
        self.close_turn(end.unwrap_or(self.utterance.next()));
        self.segmenter.reset();
    }

    fn restart(&mut self, position: u64) {
        self.started = true;
        self.floor = position;
        self.ended = None;
        self.filling.clear();
        self.windows.clear();
        self.judged = None;
        self.segmenter.reset();
        self.utterance.restart(position);
    }

    fn take(&mut self, frame: &[i16]) {
        let mut position = self.utterance.next();
        self.utterance.push(frame);
        for sample in frame {
            self.filling.push(*sample);
            position += 1;
            if let Ok(window) = <&[i16; WINDOW]>::try_from(&self.filling[..]) {
                let window = window.map(|sample| f32::from(sample) / 32_768.0);
                self.windows.push_back((position, Box::new(window)));
                self.filling.clear();
            }
        }
    }

    fn tell(&mut self, heard: Heard) {
        self.outbox.push_back(Output::Heard(heard));
    }
}

/// Samples at 8 kHz in `time`.
fn samples(time: Duration) -> u64 {
    (time.as_micros() * u128::from(SAMPLE_RATE) / 1_000_000) as u64
}

#[cfg(test)]
mod tests;
