//! The conversation: greet, listen, and find out where the caller wants to go.

use std::time::Duration;

use intent::{Commit, Cut, IntentId, Sentiment};

use super::back_channel::Weight;
use super::barge_in::Delivery;
use super::{Context, Event, Ground, State};
use crate::budget::{Fallback, Stage, What};
use crate::record::{Basis, Turn};
use crate::timers::Timer;
use crate::words::{Command, Heard, Input, Prompt};

/// The state while receptionist and caller talk.
#[derive(Debug)]
pub(super) struct Conversing {
    /// What happened before the conversation could begin.
    pub(super) queued: Vec<Input>,
    pub(super) floor: Floor,
    /// Since when the prompt is held, if it is.
    pub(super) held: Option<Duration>,
    pub(super) delivery: Delivery,
    asks_left: u32,
    menu_offered: bool,
    commit: Commit,
    best: Option<Candidate>,
    began: Duration,
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

/// The wish that the readings of this turn point at.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    wish: IntentId,
    probability: f32,
    /// The end of the audio of the first reading that pointed there.
    seen: Duration,
}

impl Conversing {
    pub(super) fn begin(context: &mut Context, queued: Vec<Input>) -> Self {
        let patience = context.receptionist.patience;
        context.arm(Timer::FirstAudio, context.receptionist.budget.rtp_wait);
        context.arm(Timer::Conversation, patience.conversation);
        context.command(Command::Listen);
        context.command(Command::Play(Prompt::Greeting));
        Self {
            queued,
            floor: Floor::Ours,
            held: None,
            delivery: Delivery::Whole,
            asks_left: patience.asks.saturating_sub(1),
            menu_offered: false,
            commit: fresh_commit(context),
            best: None,
            began: context.now,
        }
    }

    pub(super) fn step(self, context: &mut Context, event: Event) -> State {
        match event {
            Event::Input(input) => self.input(context, input),
            Event::Timer(timer) => self.timer(context, timer),
        }
    }

    fn input(mut self, context: &mut Context, input: Input) -> State {
        match input {
            Input::FirstAudio => {
                context.timers.disarm(Timer::FirstAudio);
                context.record.mark(Stage::RtpWait, self.began, context.now);
            }
            Input::PromptAudible { prompt, at } if prompt != Prompt::Greeting => {
                context.replied(at)
            }
            Input::PromptEnded(_) if self.held.is_some() => self.ended_while_held(context),
            Input::PromptEnded(_) if self.floor == Floor::Ours => self.open_floor(context),
            Input::VoiceSensed { .. } => self.sensed(context),
            Input::VoiceVanished => self.vanished(context),
            Input::SpeechResumed { at } => self.speech_resumed(context, at),
            Input::SpeechStarted { at } => self.speech_started(context, at),
            Input::SpeechEnded { at } => self.speech_ended(context, at),
            Input::Heard(heard) => return self.heard(context, heard),
            Input::Digit(digit) => return self.digit(context, digit),
            Input::RecognizerFailed(why) => {
                context.record.troubles.push(why);
                return self.offer_menu(context);
            }
            _ => {}
        }
        State::Conversing(self)
    }

    fn timer(self, context: &mut Context, timer: Timer) -> State {
        let budget = context.receptionist.budget;
        match timer {
            Timer::Silence => return self.ask_again(context, Prompt::StillThere),
            Timer::FirstAudio => {
                context.overrun(What::Stage(Stage::RtpWait), budget.rtp_wait, Fallback::DigitMenu);
                return self.offer_menu(context);
            }
            Timer::Final => {
                let what = What::Stage(Stage::SttFinal);
                context.overrun(what, budget.stt_final, Fallback::BestPartial);
                if let Some(ground) = self.best_ground(context) {
                    return ground;
                }
                return self.offer_menu(context);
            }
            Timer::Decide => {
                context.overrun(What::Decide, budget.decide, Fallback::FallbackDestination);
                return context.decide_fallback();
            }
            Timer::Words => return self.wordless(context),
            Timer::Conversation => return context.decide_fallback(),
            _ => {}
        }
        State::Conversing(self)
    }

    pub(super) fn open_floor(&mut self, context: &mut Context) {
        self.floor = Floor::Open;
        context.timers.disarm(Timer::Words);
        context.arm(Timer::Silence, self.patience(context));
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
        context.record.turns.push(Turn { from: at, ..Turn::default() });
        self.floor = Floor::Callers;
        self.commit = fresh_commit(context);
        self.best = None;
    }

    fn speech_ended(&mut self, context: &mut Context, at: Duration) {
        if let Some(turn) = context.record.turns.last_mut() {
            turn.to = Some(at);
        }
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

    fn heard(mut self, context: &mut Context, heard: Heard) -> State {
        let weight = self.weigh(context, &heard);
        note_words(context, &heard);
        let Some(weight) = weight else { return State::Conversing(self) };
        self.note_best(&heard);
        if let Some(found) = self.commit.observe(&heard.ranking, &heard.text, heard.cut) {
            let candidate = Candidate {
                wish: found.intent,
                probability: found.probability,
                seen: self.seen(found.intent).unwrap_or(heard.through),
            };
            let basis = match heard.cut {
                Cut::MidWord => Basis::Partial,
                Cut::AtPause => Basis::Pause,
                Cut::Final => Basis::Final,
            };
            return self.decide(context, candidate, basis);
        }
        let partial_budget = context.receptionist.budget.stt_partial;
        if heard.cut != Cut::Final && heard.done.saturating_sub(heard.asked) > partial_budget {
            let what = What::Stage(Stage::SttPartial);
            context.overrun(what, partial_budget, Fallback::BestPartial);
            if let Some(decided) = self.best_ground(context) {
                return decided;
            }
        }
        if heard.cut != Cut::Final || self.floor == Floor::Callers {
            return State::Conversing(self);
        }
        for timer in [Timer::Final, Timer::Decide] {
            context.timers.disarm(timer);
        }
        if weight == Weight::Nothing {
            // A noise, not a wish: go on waiting.
            if self.floor != Floor::Open {
                self.open_floor(context);
            }
            return State::Conversing(self);
        }
        if self.shrug_off(context, &heard) {
            return State::Conversing(self);
        }
        self.ask_again(context, Prompt::Again)
    }

    fn note_best(&mut self, heard: &Heard) {
        let Some(best) = heard.ranking.best() else { return };
        if best.probability > heard.ranking.none {
            let seen = self.seen(best.intent).unwrap_or(heard.through);
            self.best = Some(Candidate { wish: best.intent, probability: best.probability, seen });
        }
    }

    fn seen(&self, wish: IntentId) -> Option<Duration> {
        self.best.filter(|best| best.wish == wish).map(|best| best.seen)
    }

    /// Decides on the best reading so far, if it is good enough to be accepted.
    fn best_ground(&self, context: &mut Context) -> Option<State> {
        let enough =
            |best: &Candidate| best.probability >= self.commit.threshold(best.wish, Cut::Final);
        let best = self.best.filter(enough)?;
        Some(self.decide(context, best, Basis::BestPartial))
    }

    fn decide(&self, context: &mut Context, candidate: Candidate, basis: Basis) -> State {
        let wish = context.receptionist.wish(candidate.wish);
        let destination = wish.destination;
        let ground = Ground {
            basis,
            intent: Some(wish.intent.clone()),
            probability: Some(candidate.probability),
            word_end: Some(candidate.seen),
        };
        context.decide(ground, destination, self.floor == Floor::Callers)
    }

    fn digit(self, context: &mut Context, digit: char) -> State {
        match context.receptionist.digits.get(&digit).copied() {
            Some(destination) => {
                let speaking = self.floor == Floor::Callers;
                context.decide(Ground::of(Basis::Digit), destination, speaking)
            }
            None => self.say(context, Prompt::Menu),
        }
    }

    pub(super) fn ask_again(mut self, context: &mut Context, prompt: Prompt) -> State {
        if self.asks_left == 0 {
            return context.decide_fallback();
        }
        self.asks_left -= 1;
        self.say(context, prompt)
    }

    /// Offers the digits, once; the second time speech cannot help, the fallback destination takes the call.
    fn offer_menu(mut self, context: &mut Context) -> State {
        if std::mem::replace(&mut self.menu_offered, true) {
            return context.decide_fallback();
        }
        self.say(context, Prompt::Menu)
    }

    fn say(mut self, context: &mut Context, prompt: Prompt) -> State {
        for timer in [Timer::Words, Timer::Silence, Timer::Final, Timer::Decide] {
            context.timers.disarm(timer);
        }
        self.held = None;
        self.delivery = Delivery::Whole;
        self.floor = Floor::Ours;
        context.command(Command::Play(prompt));
        State::Conversing(self)
    }
}

/// Keeps the words of a reading, what they tell at once, and its times.
pub(super) fn note_words(context: &mut Context, heard: &Heard) {
    let stage = if heard.cut == Cut::Final { Stage::SttFinal } else { Stage::SttPartial };
    context.record.mark(stage, heard.asked, heard.done);
    context.record.mark(Stage::Intent, heard.done, heard.done + heard.ranked_in);
    if let Some(turn) = context.record.turns.last_mut() {
        let keywords = context.receptionist.keywords.heard(&heard.text);
        turn.keywords = keywords.into_iter().map(str::to_owned).collect();
        turn.sentiment = Sentiment::of(&heard.text);
        turn.words.clone_from(&heard.text);
    }
    context.record.slots.clone_from(&heard.slots);
}

fn fresh_commit(context: &Context) -> Commit {
    context.receptionist.commit()
}
