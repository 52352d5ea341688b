//! From what the ear hears to what the call is told: positions become times, words become intents.

use std::ops::Range;
use std::time::{Duration, Instant};

use call::{Heard, Input, Record, Slot};
use engines::hearing::Hearing;
use engines::listener;
use engines::phrases::Phrases;
use engines::script::{Script, Step};
use engines::words::Word;
use intent::grammar;
use intent::{Believed, Cut, Held, Meaning, Scripted, Understanding};

use crate::desk::Answers;
use crate::redacted::{Cards, PART};

/// The ears of all calls, and the moment from which their clock counts.
pub(crate) struct Ears {
    pub hearing: Hearing,
    pub epoch: Instant,
}

/// The key from positions in the caller's audio, and from the ear's clock, to the call's clock.
///
/// A sample was spoken as long before the arrival of the packet that brought it as samples followed it in there; the
/// packet that was delayed least tells the truth best.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CallClock {
    /// When position 0 was spoken, in seconds of the call's clock; none before the first frame.
    zero: Option<f64>,
    /// The call's arrival on the ear's clock.
    arrival: Duration,
}

impl CallClock {
    /// The same clock, for a call that arrived at `arrival` on the ear's clock.
    pub(crate) fn for_arrival(self, arrival: Duration) -> Self {
        Self { arrival, ..self }
    }

    /// Learns from a frame that began at `position` and was complete at `arrived`.
    pub(crate) fn frame(&mut self, position: u64, arrived: Duration) {
        let spoken = arrived.as_secs_f64() - seconds(position + audio::FRAME as u64);
        self.zero = Some(self.zero.map_or(spoken, |zero| zero.min(spoken)));
    }

    /// When the sample at `position` was spoken.
    pub(crate) fn at(self, position: u64) -> Duration {
        let at = self.zero.unwrap_or_default() + seconds(position);
        Duration::from_secs_f64(at.max(0.0))
    }

    fn of_ear(self, time: Duration) -> Duration {
        time.saturating_sub(self.arrival)
    }

    /// When position 0 was spoken, in seconds of the call's clock.
    pub(crate) fn zero(self) -> Option<f64> {
        self.zero
    }
}

fn seconds(samples: u64) -> f64 {
    samples as f64 / f64::from(audio::SAMPLE_RATE)
}

/// How long a ranking takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RankingTime {
    /// As long as it takes.
    Measured,
    /// As long as the cost model says.
    Stated(Duration),
}

/// What a call that has come to `record` is told of something heard; none for what does not concern it. Cards are taken out here, before anybody
/// keeps the words: the call, its record and its journal do not know them. A caller who is in the middle of so many digits
/// that they may become a card is heard out first.
pub(crate) fn input(
    cards: &mut Cards,
    record: &Record,
    answers: &Answers,
    clock: CallClock,
    ranking_time: RankingTime,
    heard: listener::Heard,
) -> Option<Input> {
    match heard {
        listener::Heard::VoiceSensed { at } => Some(Input::VoiceSensed { at: clock.at(at) }),
        listener::Heard::VoiceVanished => Some(Input::VoiceVanished),
        listener::Heard::SpeechResumed { at, .. } => {
            Some(Input::SpeechResumed { at: clock.at(at) })
        }
        listener::Heard::SpeechStarted { at, .. } => {
            Some(Input::SpeechStarted { at: clock.at(at) })
        }
        listener::Heard::SpeechEnded { at, .. } => Some(Input::SpeechEnded { at: clock.at(at) }),
        listener::Heard::Partial { cut, words } => {
            let cut = self::cut(cut);
            ranked(cards, record, answers, clock, ranking_time, cut, words).map(Input::Heard)
        }
        listener::Heard::Final(words) => {
            ranked(cards, record, answers, clock, ranking_time, Cut::Final, words).map(Input::Heard)
        }
        listener::Heard::Failed { stage: listener::Stage::Partial, .. }
        | listener::Heard::SpeechPaused { .. } => None,
        listener::Heard::Failed { cause, .. } => Some(Input::RecognizerFailed(cause.to_string())),
    }
}

fn ranked(
    cards: &mut Cards,
    record: &Record,
    answers: &Answers,
    clock: CallClock,
    ranking_time: RankingTime,
    cut: Cut,
    words: listener::Transcript,
) -> Option<Heard> {
    let began = Instant::now();
    let Meaning { ranking, slots, believed } =
        answers.understanding.of_all(&words.text, &scripted(&words));
    let said = match believed {
        Believed::Scripted(at) => &words.scripted[at].words[..],
        Believed::Free => &words.words[..],
    };
    let ranked_in = match ranking_time {
        RankingTime::Measured => began.elapsed(),
        RankingTime::Stated(time) => time,
    };
    let clean = match cut {
        Cut::Final => cards.turn(&words.text, &times(&words, clock), record),
        Cut::MidWord | Cut::AtPause => cards.partial(&words.text, &times(&words, clock)),
    };
    if clean.marks.iter().any(|mark| mark.held == Held::PerhapsCardNumber) {
        return None;
    }
    let with_card = !clean.marks.is_empty();
    let slots = slots.into_iter().map(|slot| {
        let digits = slot.value.bytes().filter(u8::is_ascii_digit).count();
        // Whichever of the readings it was found in, it may be a part of the card.
        let hidden = with_card && digits >= PART;
        let value = if hidden { "[card]".to_owned() } else { slot.value };
        placed(grammar::Slot { value, ..slot }, clock, said)
    });
    // A caller's words are nobody's business but the one's who asks for exactly this; and a log cannot be redacted when
    // the next turn shows that these were the first digits of a card.
    let text = if intent::digits_in(&clean.text) < PART { clean.text.as_str() } else { "[digits]" };
    tracing::trace!(
        target: "patchcord::words",
        ?cut,
        text,
        through_ms = clock.at(words.through).as_millis(),
        done_ms = clock.of_ear(words.done).as_millis(),
        best = ?ranking.best().map(|best| (answers.understanding.name(best.intent), best.probability)),
        without_last_word = ranking.without_last_word,
        "heard"
    );
    Some(Heard {
        cut,
        slots: slots.collect(),
        text: clean.text,
        ranking,
        through: clock.at(words.through),
        asked: clock.of_ear(words.asked),
        done: clock.of_ear(words.done),
        ranked_in,
    })
}

/// When each word of the text was said; where that is not known, some time within the turn.
fn times(turn: &listener::Transcript, clock: CallClock) -> Vec<Range<Duration>> {
    let count = turn.text.split_whitespace().count();
    match turn.words.len() == count {
        true => turn.words.iter().map(|it| clock.at(it.at.start)..clock.at(it.at.end)).collect(),
        false => vec![clock.at(turn.from)..clock.at(turn.through); count],
    }
}

/// Where a partial ends, as understanding has it.
pub(crate) fn cut(cut: listener::Cut) -> Cut {
    match cut {
        listener::Cut::MidSpeech => Cut::MidWord,
        listener::Cut::AtPause => Cut::AtPause,
    }
}

/// The sentences of the script that a turn may have been.
pub(crate) fn scripted(turn: &listener::Transcript) -> Vec<Scripted<'_>> {
    let sentences = turn.scripted.iter();
    sentences.map(|it| Scripted { text: &it.text, log_ratio: it.log_ratio }).collect()
}

/// A slot with the time at which its words were said, of all the words of its text.
fn placed(slot: grammar::Slot, clock: CallClock, words: &[Word]) -> Slot {
    let last = slot.words.end.saturating_sub(1);
    let from = words.get(slot.words.start).map_or(0, |word| word.at.start);
    let to = words.get(last).map_or(from, |word| word.at.end);
    Slot {
        name: slot.name,
        value: slot.value,
        confidence: slot.confidence,
        at: clock.at(from)..clock.at(to),
    }
}

/// What callers of this understanding are likely to say, for whoever reads the audio.
pub(crate) fn phrases(understanding: &Understanding) -> Phrases {
    let hints: Phrases = understanding.hints().iter().cloned().collect();
    let hints = hints.with_words(understanding.words().iter().cloned());
    let Some(script) = understanding.script() else { return hints };
    let steps = script.steps.into_iter().map(|(from, to, step)| {
        let step = match step {
            grammar::Step::Say(ways) => Step::Say(ways),
            grammar::Step::Silent => Step::Silent,
            grammar::Step::Once(number) => Step::Once(number),
        };
        (from, to, step)
    });
    hints.with_script(Script::new(steps, &script.ends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Desk;

    fn transcript(text: &str) -> listener::Transcript {
        listener::Transcript {
            turn: 1,
            text: text.to_owned(),
            confidence: 1.0,
            tokens: [].into(),
            words: [].into(),
            stable: 0,
            scripted: [].into(),
            from: 0,
            through: 0,
            asked: Duration::ZERO,
            done: Duration::ZERO,
        }
    }

    #[test]
    fn a_call_is_told_no_card() {
        let desk = Desk::embedded().expect("well formed");
        let mut questions = desk.course.flow.questions();
        let question = questions.find(|question| question.listens()).expect("it asks");
        let answers = desk.answers(question).expect("it listens");
        let mut cards = Cards::default();
        let record = Record::default();
        let mut told = |heard| {
            let time = RankingTime::Stated(Duration::ZERO);
            match input(&mut cards, &record, &answers, CallClock::default(), time, heard) {
                Some(Input::Heard(heard)) => Some(heard.text),
                _ => None,
            }
        };
        let cut = listener::Cut::AtPause;
        let mut partial = |text| told(listener::Heard::Partial { cut, words: transcript(text) });
        assert_eq!(partial("about my bill").as_deref(), Some("about my bill"));
        assert_eq!(partial("it is four one one one 1111 1111 11"), None);
        let whole = "it is four one one one 1111 1111 1111 thanks";
        let told = told(listener::Heard::Final(transcript(whole)));
        assert_eq!(told.as_deref(), Some("it is [card] thanks"));
    }
}
