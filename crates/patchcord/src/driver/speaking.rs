//! A model that hears the caller and speaks: what it is told, and how its sound is heard while it still comes.
//!
//! Turns, interruptions and what leads on are the call's, by our own recogniser. The model's part is open for one node and
//! hears the caller's turns there. A turn in which a card was said is taken back, and told in words without it.

use std::time::Duration;

use call::{Input, PlayId, Stage, WriteId, Written};
use engines::llm::speech::{Heard, Order, SpeechModel, Told};
use engines::llm::{Conversation, LlmError, Said};
use engines::{listener, llm};
use flow::{Brief, Filled};
use media::{Playout, Rest, Sound};
use tokio::sync::mpsc;

use super::feed::Feed;
use super::writing::{clean, prompt};
use super::{Driver, Made};

/// Orders that may wait: some 20 s of sound.
const WAITING: usize = 1_000;
/// What stands where a card was said.
const CARD: &str = "[card]";

/// A session with a model.
pub(super) struct Speaking {
    model: SpeechModel,
    orders: mpsc::Sender<Order>,
    /// The caller's turns as it was told them.
    told: Vec<String>,
    /// Whether a turn was read since the last question to it: then that was nothing to be answered.
    stale: bool,
    answer: Option<Answer>,
}

/// What it was asked last.
struct Answer {
    id: WriteId,
    began: Duration,
    sound: Option<Sound>,
    /// Where the rest of the sound goes, until all has come.
    rest: Option<Rest>,
    play: Option<PlayId>,
}

impl Speaking {
    fn open(
        model: SpeechModel,
        talk: Conversation,
        language: Option<String>,
        made: mpsc::UnboundedSender<Made>,
    ) -> Self {
        let (orders, taken) = mpsc::channel(WAITING);
        // The call may be over; then nobody wants to know.
        let tell = move |number, told| drop(made.send(Made::Spoken(WriteId(number), told)));
        // It ends with the orders.
        tokio::spawn(model.clone().serve(talk, language, taken, tell));
        Self { model, orders, told: Vec::new(), stale: false, answer: None }
    }
}

impl Driver {
    pub(super) fn open_speech(&mut self, brief: Brief) {
        self.close_speech();
        let Some(model) = self.desk.models.speech.clone() else { return };
        let (talk, language) = conversation(brief);
        self.begin_speech(model, talk, language);
    }

    fn begin_speech(&mut self, model: SpeechModel, talk: Conversation, language: Option<String>) {
        let speaking = Speaking::open(model, talk, language, self.made.0.clone());
        let feed = Feed::new(speaking.orders.clone());
        self.with_line(|line| line.feed(Some(feed)));
        self.speaking = Some(speaking);
    }

    pub(super) fn close_speech(&mut self) {
        self.with_line(|line| line.feed(None));
        self.speaking = None;
    }

    /// Follows the caller's turns, whose sound goes to the model.
    pub(super) fn follow(&mut self, heard: &listener::Heard) {
        let Some(speaking) = &mut self.speaking else { return };
        match heard {
            listener::Heard::SpeechStarted { at, .. } => {
                if std::mem::take(&mut speaking.stale) {
                    // Who does not take this one is told to be lost by the next question.
                    let _ = speaking.orders.try_send(Order::Forget);
                }
                let at = *at;
                self.with_line(|line| line.caller_begins(at));
            }
            listener::Heard::SpeechEnded { .. } => self.with_line(|line| line.caller_ends()),
            listener::Heard::Final(_) => speaking.stale = true,
            _ => {}
        }
    }

    /// Has the model answer what the caller has just said.
    pub(super) fn answer(&mut self, id: WriteId, brief: Brief) {
        let (talk, language) = conversation(brief);
        let turns: Vec<String> = talk.said.iter().filter_map(by_caller).collect();
        let Some(speaking) = &self.speaking else {
            let what = Written::Failed("the configuration has no [speech_model]".to_owned());
            return self.tell(Input::Written { id, what });
        };
        // What it was told of a card's number before it was one leaves with the session.
        if !turns.starts_with(&speaking.told) {
            let model = speaking.model.clone();
            self.begin_speech(model, talk.clone(), language);
        }
        let began = self.now();
        let Some(speaking) = &mut self.speaking else { return };
        let with_card = turns.last().is_none_or(|words| words.contains(CARD));
        let heard = if with_card { Heard::Words } else { Heard::Sound };
        (speaking.told, speaking.stale) = (turns, false);
        speaking.answer = Some(Answer { id, began, sound: None, rest: None, play: None });
        let order = Order::Answer { number: id.0, talk, heard };
        if speaking.orders.try_send(order).is_err() {
            let why = "it does not take what it is told".to_owned();
            self.tell(Input::Written { id, what: Written::Failed(why) });
        }
    }

    /// Nobody wants more of the answer.
    pub(super) fn stop_speaking(&mut self) {
        let playing = self.playing;
        let at = self.line.as_ref().map(|line| line.said());
        let Some(speaking) = &mut self.speaking else { return };
        let Some(answer) = speaking.answer.take() else { return };
        let plays = answer.play == Some(playing);
        let heard = at.filter(|_| plays).unwrap_or_default();
        // Who takes no more has nothing to stop.
        let _ = speaking.orders.try_send(Order::Stop { heard });
    }

    /// What the model has spoken of this answer, to be played from its beginning.
    pub(super) fn voice_of(&mut self, id: WriteId, play: PlayId) -> Option<Playout> {
        let answer = self.speaking.as_mut()?.answer.as_mut().filter(|answer| answer.id == id)?;
        answer.play = Some(play);
        Some(Playout::once(u64::from(play.0), answer.sound.clone()?))
    }

    pub(super) fn spoke(&mut self, id: WriteId, told: Result<Told, LlmError>) {
        let now = self.now();
        let Some(speaking) = &mut self.speaking else { return };
        let Some(answer) = speaking.answer.as_mut().filter(|answer| answer.id == id) else {
            return;
        };
        let what = match told {
            Ok(Told::Sound(samples)) => {
                if let Some(rest) = &mut answer.rest {
                    return rest.push(&samples);
                }
                let (sound, mut rest) = Sound::coming();
                rest.push(&samples);
                (answer.sound, answer.rest) = (Some(sound), Some(rest));
                self.call.mark(Stage::LlmFirstToken, answer.began, now);
                Written::Voice
            }
            Ok(Told::Words { words, from }) => Written::Spoken { words: clean(&words), from },
            Ok(Told::Done { slots, end }) => {
                answer.rest = None;
                let slots = slots.into_iter().map(|(slot, value)| Filled { slot, value });
                Written::Done { slots: slots.collect(), label: end }
            }
            Err(error) => {
                answer.rest = None;
                tracing::warn!(%error, "the model that speaks has failed");
                Written::Failed(error.to_string())
            }
        };
        self.tell(Input::Written { id, what });
    }
}

fn by_caller(said: &Said) -> Option<String> {
    match said {
        Said::ByCaller(words) => Some(words.clone()),
        Said::ByUs(_) | Said::ByModel(_) => None,
    }
}

/// The conversation of a brief, without cards.
fn conversation(brief: Brief) -> (Conversation, Option<String>) {
    let llm::Prompt { errand, language } = prompt(brief);
    let talk = match errand {
        llm::Errand::Answer(talk) => talk,
        // Nobody has a model that hears phrase anything.
        llm::Errand::Phrase(about) => {
            Conversation { about, blanks: Vec::new(), ends: Vec::new(), said: Vec::new() }
        }
    };
    (talk, language)
}
