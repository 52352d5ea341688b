//! The caller makes a sound while a prompt plays: what becomes of the prompt.
//!
//! ```text
//!            a sound                 words, or speech that goes on
//! sounding ──────────► held ──────────────────────────────────────► the caller has the floor
//!     ▲                 │  │
//!     └─────────────────┘  └─ too long without a word: the prompt goes on
//!   it was nothing: from the same sample
//! ```
//!
//! Nobody can tell a voice from a cough within the 150 ms in which the prompt must be silent. So the first sign holds it,
//! and what the sound turns out to be decides whether it goes on. A prompt that is held is given up only for another
//! one or for a connection: whatever fails meanwhile, it comes back.

use std::time::Duration;

use intent::Cut;

use super::Context;
use super::asking::{Asking, Floor, TIMERS};
use super::back_channel::{self, Weight};
use super::in_flow::Progress;
use crate::budget::Stage;
use crate::timers::Timer;
use crate::words::{Command, Heard};
use flow::Reply;

/// How long a prompt is held for sound in which no word was found; then it is noise.
const WORDLESS: Duration = Duration::from_millis(2_000);
/// How long after its last new word speech is still believed. Noise that is taken for speech does not end.
const WORD_TO_WORD: Duration = Duration::from_millis(3_500);
/// How long a prompt is held for words before more of them must come, and how soon they must.
const HELD: Duration = Duration::from_millis(3_500);
const WORD_OVER_PROMPT: Duration = Duration::from_millis(1_900);
/// How long a caller may keep silent who has made a sound since the prompt began: whoever has just made a sound is not thinking
/// about the answer.
const AFTER_INTERRUPTION: Duration = Duration::from_millis(3_000);

/// Whether the caller has made a sound since the last prompt began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    /// One that was taken for speech, or held the prompt.
    Broken,
}

impl Asking {
    /// Something that may be a voice.
    pub(super) fn sensed(&mut self, context: &mut Context) {
        if self.floor == Floor::Ours && self.held.is_none() {
            self.hold(context);
            context.arm(Timer::Words, WORDLESS);
        }
    }

    /// It was none.
    pub(super) fn vanished(&mut self, context: &mut Context) {
        if self.floor == Floor::Ours {
            self.resume(context);
        }
    }

    /// The caller goes on after a pause.
    pub(super) fn speech_resumed(&mut self, context: &mut Context, at: Duration) {
        match self.floor {
            Floor::Ours => self.interrupted(context, at),
            Floor::Callers => context.arm(Timer::Words, self.believed(context)),
            Floor::Open | Floor::Closing => {}
        }
    }

    /// Speech began, at `at`, while it was our turn.
    pub(super) fn interrupted(&mut self, context: &mut Context, at: Duration) {
        self.hold(context);
        if let Some(since) = self.held.filter(|_| self.playing.is_some()) {
            context.record.mark(Stage::BargeIn, at, since);
        }
        self.floor = Floor::Callers;
        context.arm(Timer::Words, WORDLESS);
    }

    /// What a reading says about the sound that is going on. None if the reading is nothing to act on.
    pub(super) fn weigh(&mut self, context: &mut Context, heard: &Heard) -> Option<Weight> {
        let over_prompt = self.held.is_some() || self.floor == Floor::Ours;
        let weight = match back_channel::weight(&heard.text) {
            // "Yes" is a sign of listening, but for who was asked for a yes.
            Weight::Listening if !over_prompt || self.is_answer(heard) => Weight::Words,
            weight => weight,
        };
        match weight {
            Weight::Words => {
                let known = self.is_known(context, &heard.text);
                if self.floor == Floor::Ours && heard.cut != Cut::Final && !known {
                    self.hold(context);
                    self.floor = Floor::Callers;
                }
                if self.floor == Floor::Callers && !known {
                    context.arm(Timer::Words, self.believed(context).max(WORD_OVER_PROMPT));
                }
            }
            Weight::Listening | Weight::Nothing => {
                if self.held.is_some() && heard.cut != Cut::MidWord {
                    self.resume(context);
                }
                if over_prompt {
                    return None;
                }
            }
        }
        Some(weight)
    }

    /// Whether these words are no news. Noise that is read as words is read as the same ones again, in the next turn
    /// too, and holds no prompt for longer.
    fn is_known(&self, context: &Context, words: &str) -> bool {
        let looked_at = if self.held.is_some() { 2 } else { 1 };
        context.record.turns.iter().rev().take(looked_at).any(|turn| turn.words == words)
    }

    /// A turn that means nothing to the receptionist is over. Goes on with the prompt that it interrupted, if it was a
    /// word or two: the prompt asks better than "I did not understand".
    pub(super) fn shrug_off(&mut self, context: &mut Context, heard: &Heard) -> bool {
        let shrugs = self.held.is_some() && back_channel::is_slight(&heard.text);
        if shrugs {
            self.resume(context);
        }
        shrugs
    }

    /// No new word for too long: what is taken for speech is noise.
    pub(super) fn wordless(&mut self, context: &mut Context) -> Progress {
        if self.held.is_some() {
            self.resume(context);
            return Progress::Going;
        }
        match self.floor {
            Floor::Callers if self.writing.is_some() => {
                self.open_floor(context);
                Progress::Going
            }
            Floor::Callers => Progress::Over(Reply::NoInput),
            Floor::Ours | Floor::Open | Floor::Closing => Progress::Going,
        }
    }

    /// The prompt that is held has ended after all: its last sample was on its way.
    pub(super) fn ended_while_held(&mut self, context: &mut Context) {
        self.held = None;
        if self.floor == Floor::Ours {
            self.open_floor(context);
        }
    }

    /// How long a caller may keep silent now.
    pub(super) fn patience(&self) -> Duration {
        match self.delivery {
            Delivery::Whole => self.wait,
            Delivery::Broken => self.wait.min(AFTER_INTERRUPTION),
        }
    }

    /// How long speech is believed from now on without a new word.
    pub(super) fn believed(&self, context: &Context) -> Duration {
        match self.held {
            Some(since) => (since + HELD).saturating_sub(context.now),
            None => WORD_TO_WORD,
        }
    }

    fn hold(&mut self, context: &mut Context) {
        if self.held.is_none() {
            context.command(Command::HoldPlaying);
            self.held = Some(context.now);
            self.delivery = Delivery::Broken;
            if let Some(writing) = &mut self.writing {
                writing.held(context.now);
            }
        }
    }

    /// Goes on with the prompt that is held.
    fn resume(&mut self, context: &mut Context) {
        if self.held.take().is_some() {
            context.command(Command::ResumePlaying);
            self.floor = Floor::Ours;
            if let Some(writing) = &mut self.writing {
                writing.resumed(context.now);
            }
            TIMERS.into_iter().for_each(|timer| context.timers.disarm(timer));
        }
    }
}
