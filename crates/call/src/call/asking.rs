//! A question: put it, listen, and find out what the caller answers.

use std::sync::Arc;
use std::time::Duration;

use flow::{Brief, Filled, Keys, Question, Reply, Sound, Wrote};
use intent::{Commit, Cut, IntentId};

use super::back_channel::Weight;
use super::barge_in::Delivery;
use super::in_flow::Progress;
use super::keying::Keying;
use super::writing::{Next, Writing};
use super::{Context, Event, Ground};
use crate::budget::{Fallback, Stage, What};
use crate::record::Basis;
use crate::timers::Timer;
use crate::words::{Command, Heard, Input, PlayId};

/// The timers of a question.
pub(super) const TIMERS: [Timer; 4] = [Timer::Words, Timer::Silence, Timer::Final, Timer::Decide];

/// A question that is being put, once.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) question: Arc<Question>,
    pub(super) wait: Duration,
    pub(super) floor: Floor,
    /// The prompt that plays, or is held.
    pub(super) playing: Option<PlayId>,
    /// Since when the prompt is held, if it is.
    pub(super) held: Option<Duration>,
    pub(super) delivery: Delivery,
    /// What a language model says in place of the prompt, until all of it is said.
    pub(super) writing: Option<Writing>,
    /// What it has written, once that is said.
    wrote: Option<Wrote>,
    keying: Keying,
    commit: Commit,
    best: Option<Candidate>,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Floor {
    /// We speak.
    Ours,
    /// Nobody speaks.
    Open,
    /// The caller speaks.
    Callers,
    /// The caller has finished; the final reading is awaited.
    Closing,
}

/// The answer that the readings of this turn point at.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    answer: IntentId,
    probability: f32,
    slots: Vec<Filled>,
    /// The end of the audio of the first reading that pointed there.
    seen: Duration,
}

impl Asking {
    pub(super) fn begin(
        context: &mut Context,
        (say, brief): (Vec<Sound>, Option<Box<Brief>>),
        question: Arc<Question>,
        keys: Option<Keys>,
        wait: Duration,
    ) -> Self {
        context.listen(&question);
        let (playing, writing) = match brief {
            Some(brief) => (None, Some(Writing::begin(context, *brief, say))),
            None => (context.say(say), None),
        };
        let mut asking = Self {
            wait,
            floor: Floor::Ours,
            playing,
            writing,
            wrote: None,
            held: None,
            delivery: Delivery::Whole,
            keying: Keying::new(&question, keys),
            commit: commit(context, &question),
            best: None,
            question,
        };
        if asking.playing.is_none() {
            asking.open_floor(context);
        }
        asking
    }

    pub(super) fn step(&mut self, context: &mut Context, event: Event) -> Progress {
        let progress = match event {
            Event::Input(input) => self.input(context, input),
            Event::Timer(timer) => self.timer(context, timer),
        };
        let progress = match progress {
            Progress::Going => self.say_on(context),
            progress => progress,
        };
        if let Progress::Over(_) = progress {
            self.close(context);
        }
        progress
    }

    /// Says what comes next of what a model writes, if nothing plays and nobody else speaks.
    fn say_on(&mut self, context: &mut Context) -> Progress {
        let free = self.playing.is_none() && self.held.is_none() && self.floor == Floor::Ours;
        let Some(writing) = &mut self.writing else { return Progress::Going };
        if !free {
            writing.prepare(context);
            return Progress::Going;
        }
        match writing.next(context) {
            Next::Plays(id) => self.playing = Some(id),
            Next::Awaits => {}
            Next::Over(Some(reply)) => return Progress::Over(reply),
            Next::Over(None) => {
                self.wrote = self.wrote(context.now);
                self.writing = None;
                self.open_floor(context);
            }
        }
        Progress::Going
    }

    /// What a model has written, as far as the caller has heard it; none if it was not to write.
    pub(super) fn wrote(&self, now: Duration) -> Option<Wrote> {
        let wrote = self.writing.as_ref().map(|writing| writing.wrote(now));
        wrote.or_else(|| self.wrote.clone())
    }

    /// Leaves no timer behind. A prompt goes on until another one, or a connection, takes its place.
    pub(super) fn close(&mut self, context: &mut Context) {
        if let Some(writing) = &mut self.writing {
            writing.stop(context);
        }
        TIMERS.into_iter().chain([Timer::Keys]).for_each(|timer| context.timers.disarm(timer));
    }

    fn input(&mut self, context: &mut Context, input: Input) -> Progress {
        match input {
            Input::PromptAudible { id, at } => {
                context.replied(at);
                if let Some(writing) = &mut self.writing {
                    writing.audible(id, at);
                }
            }
            Input::PromptEnded(id) if self.playing == Some(id) => {
                self.playing = None;
                if let Some(writing) = &mut self.writing {
                    writing.ended(id);
                }
                match (self.held, self.floor) {
                    (Some(_), _) => self.ended_while_held(context),
                    (None, Floor::Ours) => self.open_floor(context),
                    (None, _) => {}
                }
            }
            Input::Digit(key) => return self.key(context, key),
            Input::Written { id, what } => {
                if let Some(writing) = &mut self.writing {
                    writing.written(context, id, what);
                }
            }
            Input::SpeechStarted { at } => {
                context.turn_began(at);
                if self.question.listens() {
                    self.speech_started(context, at);
                }
            }
            Input::SpeechEnded { at } => {
                context.turn_ended(at);
                self.speech_ended(context);
            }
            // Who may only press keys is not heard.
            _ if !self.question.listens() => {}
            Input::VoiceSensed { .. } => self.sensed(context),
            Input::VoiceVanished => self.vanished(context),
            Input::SpeechResumed { at } => self.speech_resumed(context, at),
            Input::Heard(heard) => return self.heard(context, heard),
            Input::RecognizerFailed(why) => {
                context.record.troubles.push(why.clone());
                return Progress::Over(Reply::Failed(why));
            }
            _ => {}
        }
        Progress::Going
    }

    fn timer(&mut self, context: &mut Context, timer: Timer) -> Progress {
        let budget = context.receptionist.budget;
        match timer {
            Timer::Silence => return Progress::Over(Reply::NoInput),
            Timer::Keys => return Progress::Over(self.keying.take()),
            Timer::Final => {
                let what = What::Stage(Stage::SttFinal);
                context.overrun(what, budget.stt_final, Fallback::BestPartial);
                if let Some(reply) = self.best_reply(context) {
                    return Progress::Over(reply);
                }
                let read = context.record.turns.last().map(|turn| turn.words.clone());
                let read = read.filter(|words| !words.trim().is_empty());
                return Progress::Over(match read.filter(|_| self.question.takes_any_words()) {
                    Some(words) => Reply::Said(words),
                    None => Reply::Failed("the final reading did not come in time".to_owned()),
                });
            }
            Timer::Decide => {
                context.overrun(What::Decide, budget.decide, Fallback::FallbackDestination);
                let why = "what the caller wants was not decided in time".to_owned();
                return Progress::Over(Reply::Failed(why));
            }
            Timer::Words => return self.wordless(context),
            Timer::Writing => {
                if let Some(writing) = &mut self.writing {
                    writing.late(context);
                }
            }
            _ => {}
        }
        Progress::Going
    }

    fn key(&mut self, context: &mut Context, key: char) -> Progress {
        if !self.keying.wants(key) {
            context.ground = Some(Ground::of(Basis::Digit));
            return match self.keying {
                // Whatever is pressed in answer to a question is for the flow to judge.
                Keying::One(_) => Progress::Over(Reply::Digits(key.to_string())),
                Keying::Number { .. } => Progress::Key(key),
            };
        }
        if self.playing.take().is_some() {
            context.command(Command::StopPlaying);
        }
        if let Some(mut writing) = self.writing.take() {
            writing.stop(context);
        }
        TIMERS.into_iter().for_each(|timer| context.timers.disarm(timer));
        (self.held, self.floor, self.best) = (None, Floor::Open, None);
        match self.keying.press(key) {
            Some(reply) => {
                context.ground = Some(Ground::of(Basis::Digit));
                Progress::Over(reply)
            }
            None => {
                context.arm(Timer::Keys, self.wait);
                Progress::Going
            }
        }
    }

    pub(super) fn open_floor(&mut self, context: &mut Context) {
        context.timers.disarm(Timer::Words);
        if self.writing.is_some() {
            // There is more to be said.
            self.floor = Floor::Ours;
            return;
        }
        self.floor = Floor::Open;
        context.arm(Timer::Silence, self.patience());
    }

    fn speech_started(&mut self, context: &mut Context, at: Duration) {
        for timer in [Timer::Silence, Timer::Final, Timer::Decide] {
            context.timers.disarm(timer);
        }
        if self.floor == Floor::Ours {
            self.interrupted(context, at);
        } else {
            context.arm(Timer::Words, self.believed(context));
        }
        self.delivery = Delivery::Broken;
        context.record.mark(Stage::Vad, at, context.now);
        self.floor = Floor::Callers;
        self.commit = commit(context, &self.question);
        self.best = None;
    }

    fn speech_ended(&mut self, context: &mut Context) {
        if self.floor == Floor::Callers {
            self.floor = Floor::Closing;
            // A prompt that is held goes on in time, whether a final reading comes or not.
            if self.held.is_none() {
                context.timers.disarm(Timer::Words);
            }
            context.arm(Timer::Final, context.receptionist.budget.stt_final);
            context.arm(Timer::Decide, context.receptionist.budget.decide);
        }
    }

    fn heard(&mut self, context: &mut Context, heard: Heard) -> Progress {
        let weight = self.weigh(context, &heard);
        context.note_words(&heard);
        let Some(weight) = weight else { return Progress::Going };
        self.note_best(&heard);
        if let Some(found) = self.commit.observe(&heard.ranking, &heard.text, heard.cut) {
            let candidate = Candidate {
                answer: found.intent,
                probability: found.probability,
                slots: filled(&heard),
                seen: self.seen(found.intent).unwrap_or(heard.through),
            };
            let basis = match heard.cut {
                Cut::MidWord => Basis::Partial,
                Cut::AtPause => Basis::Pause,
                Cut::Final => Basis::Final,
            };
            return Progress::Over(self.reply(context, candidate, basis));
        }
        if self.commit.is_near() {
            context.command(Command::ReadSoon);
        }
        let partial_budget = context.receptionist.budget.stt_partial;
        if heard.cut != Cut::Final && heard.done.saturating_sub(heard.asked) > partial_budget {
            let what = What::Stage(Stage::SttPartial);
            context.overrun(what, partial_budget, Fallback::BestPartial);
            if let Some(reply) = self.best_reply(context) {
                return Progress::Over(reply);
            }
        }
        if heard.cut != Cut::Final || self.floor == Floor::Callers {
            return Progress::Going;
        }
        for timer in [Timer::Final, Timer::Decide] {
            context.timers.disarm(timer);
        }
        if weight == Weight::Nothing {
            // A noise, not an answer: go on waiting.
            if self.floor != Floor::Open {
                self.open_floor(context);
            }
            return Progress::Going;
        }
        match self.shrug_off(context, &heard) {
            true => Progress::Going,
            false => Progress::Over(self.other_words(heard.text)),
        }
    }

    /// Words that are none of the answers.
    fn other_words(&self, words: String) -> Reply {
        match self.question.takes_any_words() {
            true => Reply::Said(words),
            false => Reply::NoMatch,
        }
    }

    fn note_best(&mut self, heard: &Heard) {
        let Some(best) = heard.ranking.best() else { return };
        if best.probability > heard.ranking.none {
            let seen = self.seen(best.intent).unwrap_or(heard.through);
            self.best = Some(Candidate {
                answer: best.intent,
                probability: best.probability,
                slots: filled(heard),
                seen,
            });
        }
    }

    fn seen(&self, answer: IntentId) -> Option<Duration> {
        self.best.as_ref().filter(|best| best.answer == answer).map(|best| best.seen)
    }

    /// Whether a reading is surely one of the answers that the question names, and no wish.
    pub(super) fn is_answer(&self, heard: &Heard) -> bool {
        heard.ranking.best().is_some_and(|best| {
            self.is_sure(best.intent, best.probability)
                && self.question.destinations().nth(best.intent.0 as usize) == Some(None)
        })
    }

    /// Whether nothing more than this is wanted at the end of a turn.
    fn is_sure(&self, answer: IntentId, probability: f32) -> bool {
        probability >= self.commit.threshold(answer, Cut::Final)
    }

    /// The answer of the best reading so far, if it is good enough to be accepted.
    fn best_reply(&self, context: &mut Context) -> Option<Reply> {
        let sure = |best: &&Candidate| self.is_sure(best.answer, best.probability);
        let best = self.best.as_ref().filter(sure)?.clone();
        Some(self.reply(context, best, Basis::BestPartial))
    }

    fn reply(&self, context: &mut Context, candidate: Candidate, basis: Basis) -> Reply {
        let Candidate { answer, probability, slots, seen } = candidate;
        let reply = self.question.reply(answer, probability, slots);
        context.ground = Some(Ground {
            basis,
            intent: match &reply {
                Reply::Wish { intent, .. } => Some(intent.clone()),
                Reply::Answer { label, .. } => Some(label.clone()),
                _ => None,
            },
            probability: Some(probability),
            word_end: Some(seen),
        });
        reply
    }
}

/// The rule by which a turn of a caller's is decided, who may give these answers.
pub(super) fn commit(context: &Context, question: &Question) -> Commit {
    let costs = question.destinations().map(|name| context.receptionist.wrong_route_s(name));
    Commit::with_routes(context.receptionist.caution, costs.collect())
}

pub(super) fn filled(heard: &Heard) -> Vec<Filled> {
    let slots = heard.slots.iter();
    slots.map(|slot| Filled { slot: slot.name.clone(), value: slot.value.clone() }).collect()
}
