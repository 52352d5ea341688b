//! Words that a language model writes, and that are said while it still writes.
//!
//! ```text
//!          a sentence            another, or the end
//! asked ──────────────► saying ──────────────────────► all is said
//!   │ no words in time      │ it breaks off
//!   └───────────────────────┴──► what is written is said
//! ```
//!
//! One sentence plays at a time, and the next is made ready meanwhile. A model that [speaks by itself](super::voice) is one
//! sound, which plays from when it begins to come; its sentences only say what is heard. Nothing is decided here: which words answer the
//! caller's question, where that leads and what a slot takes stands with the question and the flow.

use std::collections::VecDeque;
use std::time::Duration;

use flow::{Brief, Errand, Reply, Sound, Wrote};

use super::in_flow::{AUDIBLE, Progress, heard_besides};
use super::voice::Voice;
use super::{Context, Event};
use crate::budget::{Fallback, Stage, What};
use crate::timers::Timer;
use crate::words::{Command, Input, PlayId, Played, WriteId, Written};

/// How long a model may take from one sentence to the next. Who asks it gives up before.
const BETWEEN: Duration = Duration::from_secs(6);
/// The same for one that speaks, whose sentences come as fast as it speaks. Its silence is noticed by who hears it.
const SPEAKS: Duration = Duration::from_secs(30);

/// What a model writes.
#[derive(Debug)]
pub(super) struct Writing {
    id: WriteId,
    patience: Duration,
    /// Whether the task is over when the model fails.
    failure: Failure,
    /// Said when it fails.
    otherwise: Vec<Sound>,
    pen: Pen,
    /// Sentences that are still to be said.
    waiting: VecDeque<String>,
    /// How many of them are being made ready.
    prepared: usize,
    /// What the caller has heard of it, or hears now.
    said: Vec<String>,
    /// Its own voice, once it speaks by itself.
    voice: Option<Voice>,
}

/// What becomes of the task when the model fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// It goes on with what is written.
    GoesOn,
    /// It ends with what is written.
    Ends,
}

#[derive(Debug)]
enum Pen {
    Writes,
    Done(Wrote),
    Failed(Reply),
}

/// What is to be heard next.
pub(super) enum Next {
    /// This plays now.
    Plays(PlayId),
    /// Nothing yet.
    Awaits,
    /// Nothing more. The task is over with this reply, if there is one.
    Over(Option<Reply>),
}

impl Writing {
    /// Has a model write, and says what is written if it fails.
    pub(super) fn begin(context: &mut Context, brief: Brief, otherwise: Vec<Sound>) -> Self {
        context.writings += 1;
        let id = WriteId(context.writings);
        let (patience, failure) = match &brief.errand {
            Errand::Phrase(_) => (brief.patience, Failure::GoesOn),
            Errand::Answer(_) => (brief.patience, Failure::Ends),
        };
        // What still plays is no part of it.
        context.command(Command::StopPlaying);
        context.command(Command::Write { id, brief });
        context.arm(Timer::Writing, patience);
        let (waiting, said) = (VecDeque::new(), Vec::new());
        let pen = Pen::Writes;
        Self { id, patience, failure, otherwise, pen, waiting, prepared: 0, said, voice: None }
    }

    /// Takes what has been written.
    pub(super) fn written(&mut self, context: &mut Context, id: WriteId, what: Written) {
        if id != self.id || !matches!(self.pen, Pen::Writes) {
            return;
        }
        match what {
            Written::Sentence(words) => {
                context.arm(Timer::Writing, BETWEEN);
                self.waiting.push_back(words);
            }
            Written::Voice => {
                context.arm(Timer::Writing, SPEAKS);
                self.voice.get_or_insert_default();
            }
            Written::Spoken { words, from } => {
                if let Some(voice) = &mut self.voice {
                    context.arm(Timer::Writing, SPEAKS);
                    voice.says(words, from);
                }
            }
            Written::Done { slots, label } => {
                context.timers.disarm(Timer::Writing);
                let unsaid = self.said.is_empty() && self.waiting.is_empty();
                let is_silent = unsaid && self.voice.is_none();
                match is_silent && label.is_none() {
                    true => self.fails(context, "it wrote nothing".to_owned()),
                    false => self.pen = Pen::Done(Wrote { words: String::new(), slots, label }),
                }
            }
            Written::Failed(why) => self.fails(context, why),
        }
    }

    /// It has taken too long.
    pub(super) fn late(&mut self, context: &mut Context) {
        if let Pen::Writes = self.pen {
            context.command(Command::StopWriting);
            let budget = match &self.voice {
                Some(_) => SPEAKS,
                None if self.said.is_empty() => self.patience,
                None => BETWEEN,
            };
            let what = What::Stage(Stage::LlmFirstToken);
            context.overrun(what, budget, Fallback::WrittenPrompt);
            self.waiting.clear();
            self.pen = Pen::Failed(Reply::TimedOut);
        }
    }

    fn fails(&mut self, context: &mut Context, why: String) {
        context.timers.disarm(Timer::Writing);
        context.record.troubles.push(format!("the language model: {why}"));
        self.waiting.clear();
        self.pen = Pen::Failed(Reply::Failed(why));
    }

    /// Says the next sentence, now that nothing plays.
    pub(super) fn next(&mut self, context: &mut Context) -> Next {
        if let Some(words) = self.waiting.pop_front() {
            self.prepared = self.prepared.saturating_sub(1);
            self.said.push(words.clone());
            return context.say(vec![Sound::Spoken(words)]).map_or(Next::Awaits, Next::Plays);
        }
        if let Some(voice) = &mut self.voice
            && voice.waits()
            && !matches!(self.pen, Pen::Failed(_))
        {
            let id = context.play(Played::Voice(self.id));
            voice.plays(id);
            return Next::Plays(id);
        }
        match &self.pen {
            Pen::Writes => Next::Awaits,
            Pen::Failed(reply) => match context.say(std::mem::take(&mut self.otherwise)) {
                Some(playing) => Next::Plays(playing),
                None => Next::Over((self.failure == Failure::Ends).then(|| reply.clone())),
            },
            Pen::Done(wrote) => Next::Over(wrote.label.as_ref().map(|_| Reply::Done)),
        }
    }

    /// Has what waits to be said made ready.
    pub(super) fn prepare(&mut self, context: &mut Context) {
        let new: Vec<Sound> =
            self.waiting.iter().skip(self.prepared).cloned().map(Sound::Spoken).collect();
        self.prepared = self.waiting.len();
        if !new.is_empty() {
            context.command(Command::Prepare(new));
        }
    }

    /// Its voice is heard from `at` on, if this plays it.
    pub(super) fn audible(&mut self, id: PlayId, at: Duration) {
        self.voice.iter_mut().for_each(|voice| voice.audible(id, at));
    }

    /// Something that played is over.
    pub(super) fn ended(&mut self, id: PlayId) {
        self.voice.iter_mut().for_each(|voice| voice.ended(id));
    }

    /// What plays is held.
    pub(super) fn held(&mut self, now: Duration) {
        self.voice.iter_mut().for_each(|voice| voice.held(now));
    }

    /// What was held goes on.
    pub(super) fn resumed(&mut self, now: Duration) {
        self.voice.iter_mut().for_each(|voice| voice.resumed(now));
    }

    /// Writes no more. Who speaks faster than they are heard is told where that ends.
    pub(super) fn stop(&mut self, context: &mut Context) {
        let cut_off = self.voice.as_ref().is_some_and(|voice| !voice.is_over());
        let failed = matches!(self.pen, Pen::Failed(_));
        if matches!(self.pen, Pen::Writes) || (cut_off && !failed) {
            context.command(Command::StopWriting);
        }
        if let Pen::Writes = self.pen {
            self.pen = Pen::Done(Wrote::default());
        }
        context.timers.disarm(Timer::Writing);
        self.waiting.clear();
    }

    /// What has come of it up to now, as far as the caller has heard it.
    pub(super) fn wrote(&self, now: Duration) -> Wrote {
        let words = match &self.voice {
            Some(voice) => voice.heard(now),
            None => self.said.join(" "),
        };
        match &self.pen {
            Pen::Done(wrote) => Wrote { words, ..wrote.clone() },
            Pen::Writes | Pen::Failed(_) => Wrote { words, ..Wrote::default() },
        }
    }
}

/// Something that a model says, and that nobody answers.
#[derive(Debug)]
pub(super) struct Phrasing {
    writing: Writing,
    playing: Option<PlayId>,
}

impl Phrasing {
    pub(super) fn begin(context: &mut Context, brief: Brief, otherwise: Vec<Sound>) -> Self {
        Self { writing: Writing::begin(context, brief, otherwise), playing: None }
    }

    pub(super) fn step(&mut self, context: &mut Context, event: Event) -> Progress {
        let progress = match event {
            Event::Input(Input::Written { id, what }) => {
                self.writing.written(context, id, what);
                Progress::Going
            }
            Event::Input(Input::PromptEnded(id)) if self.playing == Some(id) => {
                context.timers.disarm(Timer::Audible);
                self.playing = None;
                Progress::Going
            }
            Event::Timer(Timer::Writing) => {
                self.writing.late(context);
                Progress::Going
            }
            Event::Timer(Timer::Audible) => {
                self.stop(context);
                return Progress::Over(Reply::Failed("a prompt did not go out".to_owned()));
            }
            event => {
                if matches!(event, Event::Input(Input::PromptAudible { id, .. }) if self.playing == Some(id))
                {
                    context.timers.disarm(Timer::Audible);
                }
                heard_besides(context, event)
            }
        };
        if !matches!(progress, Progress::Going) {
            return progress;
        }
        if self.playing.is_some() {
            self.writing.prepare(context);
            return progress;
        }
        match self.writing.next(context) {
            Next::Plays(id) => {
                self.playing = Some(id);
                context.arm(Timer::Audible, AUDIBLE);
                Progress::Going
            }
            Next::Awaits => Progress::Going,
            Next::Over(_) => Progress::Over(Reply::Done),
        }
    }

    pub(super) fn stop(&mut self, context: &mut Context) {
        self.writing.stop(context);
        context.timers.disarm(Timer::Audible);
        context.command(Command::StopPlaying);
    }
}
