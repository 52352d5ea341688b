//! Recorded utterances on trial: what is heard and understood of them, and when: in virtual time, or [`live`].
//!
//! Each is taken through the same line, ear, understanding and stability rule as a call; the prompts, the
//! state machine and Asterisk are left out.

mod in_order;
pub(crate) mod live;
mod manifest;
mod noise;
mod score;

use std::time::Duration;

use engines::listener::{Heard, Transcript};
use engines::phrases::Phrases;
use intent::grammar::Slot;
use intent::{Commit, CommitConfig, Cut, Meaning, Understanding};

pub(crate) use in_order::in_order;
pub(crate) use manifest::{Row, rows};
pub(crate) use noise::Noise;
pub(crate) use score::{Detail, Scores};

use crate::hear::{self, CallClock};
use crate::replay::{CallerLine, Engines, RANKING, VirtualEar};

/// Silence after each recording, in which a turn may end and be read.
const AFTER: Duration = Duration::from_millis(2_500);

/// What came of one utterance. Times count from its first sample.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// The words of all turns.
    pub(crate) words: String,
    /// When speech ceased for the last time, as the ear has it.
    pub(crate) speech_end: Option<Duration>,
    pub(crate) decision: Option<Decided>,
    /// The likeliest intent of the whole, decided on or not, with its probability.
    pub(crate) likeliest: Option<(usize, f32)>,
    pub(crate) troubles: Vec<String>,
}

/// What was decided.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    /// Which wish of the domain.
    pub(crate) wish: usize,
    pub(crate) slots: Vec<Slot>,
    pub(crate) at: Duration,
    /// Whether it came before the end of the turn.
    pub(crate) early: bool,
}

/// Hears `audio` (8 kHz) and, given an understanding, decides what was wanted.
pub(crate) fn attempt(
    engines: &mut Engines,
    understanding: Option<&Understanding>,
    phrases: &Phrases,
    audio: &[i16],
) -> Outcome {
    let mut line = CallerLine::new(audio);
    line.answered(Duration::ZERO);
    let mut frame_due = line.first_frame_after(Duration::ZERO);
    let end = frame_due + audio::duration_of(audio.len() as u64) + AFTER;
    let mut ear = VirtualEar::new(phrases.clone());
    let mut trial = Trial { understanding, ..Trial::default() };
    loop {
        let wake = ear.deadline().filter(|wake| *wake < frame_due);
        let now = wake.unwrap_or(frame_due);
        if wake.is_some() {
            ear.wake(now);
        } else if now > end {
            return trial.outcome;
        } else {
            for frame in line.arrival(now).frames {
                trial.clock.frame(frame.position, frame.arrived);
                ear.push(now, &frame);
            }
            frame_due = line.next(now);
        }
        while let Some(heard) = ear.poll(now, engines) {
            trial.hears(now, heard);
            if trial.commit.as_ref().is_some_and(Commit::is_near) {
                ear.read_soon(now);
            }
        }
    }
}

#[derive(Default)]
struct Trial<'a> {
    understanding: Option<&'a Understanding>,
    clock: CallClock,
    commit: Option<Commit>,
    outcome: Outcome,
}

impl Trial<'_> {
    /// The end, for this reason.
    fn troubled(mut self, trouble: String) -> Outcome {
        self.outcome.troubles.push(trouble);
        self.outcome
    }

    fn hears(&mut self, now: Duration, heard: Heard) {
        match heard {
            Heard::SpeechStarted { .. } => {
                self.commit = Some(Commit::new(CommitConfig::default()));
            }
            Heard::SpeechEnded { at, .. } => self.outcome.speech_end = Some(self.clock.at(at)),
            Heard::Partial { cut, words } => {
                self.understand(now, &words, hear::cut(cut));
            }
            Heard::Final(words) => {
                self.understand(now, &words, Cut::Final);
                let said = &mut self.outcome.words;
                if !said.is_empty() && !words.text.is_empty() {
                    said.push(' ');
                }
                said.push_str(&words.text);
            }
            Heard::Failed { cause, .. } => self.outcome.troubles.push(cause.to_string()),
            Heard::VoiceSensed { .. }
            | Heard::VoiceVanished
            | Heard::SpeechPaused { .. }
            | Heard::SpeechResumed { .. } => {}
        }
    }

    /// Takes a reading of this turn; what earlier turns said belongs to it, since nobody has answered yet.
    fn understand(&mut self, now: Duration, turn: &Transcript, cut: Cut) {
        let Some(understanding) = self.understanding else { return };
        let text = format!("{} {}", self.outcome.words, turn.text);
        // The script was held against this turn alone.
        let alone = self.outcome.words.is_empty();
        let scripted = if alone { hear::scripted(turn) } else { Vec::new() };
        let Meaning { ranking, slots, .. } = understanding.of_all(text.trim(), &scripted);
        let best = ranking.best();
        if cut == Cut::Final && self.outcome.decision.is_none() {
            self.outcome.likeliest = best.map(|best| (best.intent.0 as usize, best.probability));
        }
        let commit = self.commit.get_or_insert_with(|| Commit::new(CommitConfig::default()));
        if self.outcome.decision.is_none()
            && let Some(decision) = commit.observe(&ranking, &text, cut)
        {
            let wish = decision.intent.0 as usize;
            self.outcome.likeliest = Some((wish, decision.probability));
            self.outcome.decision =
                Some(Decided { wish, slots, at: now + RANKING, early: cut != Cut::Final });
        }
    }
}
