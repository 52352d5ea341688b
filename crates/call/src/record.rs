//! What is kept of a call: its outcome, its decision, its waterfall and its three clocks.

use std::time::Duration;

use intent::Sentiment;
use serde::{Deserialize, Serialize};

use crate::budget::{Overrun, Stage};
use crate::kept::{Message, Recording, ZoneMark};
use crate::words::{Slot, Why};

/// The record of one call. Every time is counted from the call's arrival.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// How the call ended for the caller; none while it goes on.
    pub outcome: Option<Outcome>,
    /// When the call was over.
    pub ended: Option<Duration>,
    /// What the caller said, turn by turn.
    pub turns: Vec<Turn>,
    /// The decision that holds.
    pub decision: Option<Decision>,
    /// What the caller said in slots, as the latest reading has it.
    pub slots: Vec<Slot>,
    /// When Asterisk had accepted the command of that decision.
    pub accepted: Option<Duration>,
    /// The nodes that the call came to, in order.
    pub path: Vec<flow::Step>,
    /// Every try to connect, in order.
    pub attempts: Vec<Attempt>,
    /// The end of the caller's turn, and our reply's first audible sample: the latest such pair.
    pub reply: Option<Reply>,
    /// Every stage that took time, in the order in which they ended.
    pub waterfall: Vec<Mark>,
    /// Every budget that was not kept.
    pub overruns: Vec<Overrun>,
    /// What went wrong, in words for the operator.
    pub troubles: Vec<String>,
    /// What was recorded of the call.
    pub recordings: Vec<Recording>,
    /// The messages that the caller left.
    pub messages: Vec<Message>,
    /// When a zone was entered, left or refused.
    pub zone: Vec<ZoneMark>,
    /// To whom the agent handed the caller on last, if that happened: a destination's name, or what Asterisk tells.
    pub transferred: Option<String>,
    /// How well the caller was heard, if at all.
    pub line: Option<LineQuality>,
}

/// How well the caller's sound came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineQuality {
    /// The share of packets that did not come, or too late: 0 to 1.
    pub loss: f32,
    /// How unevenly they came (RFC 3550 section 6.4.1).
    pub jitter: Duration,
    /// The mean opinion of such a line, 1.0 (bad) to 4.4 (excellent), by its losses alone (ITU-T G.107).
    pub mos: f32,
}

/// How a call ended for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// An agent answered, or the dialplan place of the destination took the call.
    Connected,
    /// An agent answered, and handed the caller on to somebody else.
    Transferred,
    /// Nobody took the call; the dialplan behind the line that handed it over has it now.
    HandedBack,
    /// The caller hung up first.
    Abandoned,
    /// Nobody took the call, and the dialplan would not have it back: we hung up.
    Dropped,
    /// Asterisk was lost.
    PbxLost,
}

impl Outcome {
    /// The word in records and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Connected => "connected",
            Outcome::Transferred => "transferred",
            Outcome::HandedBack => "handed_back",
            Outcome::Abandoned => "abandoned",
            Outcome::Dropped => "dropped",
            Outcome::PbxLost => "pbx_lost",
        }
    }
}

/// One turn of the caller. What is known of its words is known from the first partial on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turn {
    /// The words of the latest reading.
    pub words: String,
    /// The keywords among them.
    pub keywords: Vec<String>,
    /// The mood in them.
    pub sentiment: Sentiment,
    /// When the caller began to speak, in the audio.
    pub from: Duration,
    /// When the caller had finished, in the audio; none while speaking.
    pub to: Option<Duration>,
}

/// A decision to connect the caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// When it was taken.
    pub at: Duration,
    /// On what ground.
    pub basis: Basis,
    /// The destination's name.
    pub destination: String,
    /// The intent, if words decided.
    pub intent: Option<String>,
    /// The probability of that intent.
    pub probability: Option<f32>,
    /// The end of the deciding word as far as it can be told without a label: the end of the audio of the first
    /// reading in which the intent could be seen.
    pub word_end: Option<Duration>,
}

/// On what ground a decision was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A reading while the caller spoke.
    Partial,
    /// A reading at a pause.
    Pause,
    /// The reading of the whole turn.
    Final,
    /// The best reading that there was when the budget ran out.
    BestPartial,
    /// A key.
    Digit,
    /// The flow by itself, such as the hour.
    Flow,
    /// Nothing: the fallback destination.
    Fallback,
}

impl Basis {
    /// The word in records and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Basis::Partial => "partial",
            Basis::Pause => "pause",
            Basis::Final => "final",
            Basis::BestPartial => "best_partial",
            Basis::Digit => "digit",
            Basis::Flow => "flow",
            Basis::Fallback => "fallback",
        }
    }
}

/// A try to connect the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The destination's name.
    pub destination: String,
    /// Why it came to nothing; none if it succeeded or still rings.
    pub failed: Option<Why>,
}

/// A reply of ours to something that the caller said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// The end of the caller's turn, in the audio.
    pub turn_end: Duration,
    /// The first audible sample of our reply on the wire.
    pub audible: Duration,
}

/// One bar of the waterfall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Which stage.
    pub stage: Stage,
    /// When it began.
    pub start: Duration,
    /// How long it took.
    pub took: Duration,
}

impl Record {
    /// The clock *decide*, in milliseconds: from `word_end`, the end of the caller's deciding word, to the decision.
    /// Negative if the call was decided before the word was over.
    #[must_use]
    pub fn decide_ms(&self, word_end: Duration) -> Option<f64> {
        let decision = self.decision.as_ref()?;
        Some((decision.at.as_secs_f64() - word_end.as_secs_f64()) * 1e3)
    }

    /// The clock *act*, in milliseconds: from the decision to Asterisk's 2xx on the command that connects the caller.
    #[must_use]
    pub fn act_ms(&self) -> Option<f64> {
        let decision = self.decision.as_ref()?;
        Some(self.accepted?.saturating_sub(decision.at).as_secs_f64() * 1e3)
    }

    /// The clock *answer*, in milliseconds: from the end of the caller's turn to the first audible sample of our
    /// reply.
    #[must_use]
    pub fn answer_ms(&self) -> Option<f64> {
        let reply = self.reply?;
        Some((reply.audible.as_secs_f64() - reply.turn_end.as_secs_f64()) * 1e3)
    }

    /// How long the call has lasted; zero while it goes on.
    #[must_use]
    pub fn lasted(&self) -> Duration {
        self.ended.unwrap_or_default()
    }

    /// All the caller's words.
    #[must_use]
    pub fn words(&self) -> String {
        let turns = self.turns.iter().map(|turn| turn.words.as_str());
        turns.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" / ")
    }

    /// The keywords that the caller has said, each once, in order.
    #[must_use]
    pub fn keywords(&self) -> Vec<&str> {
        let mut heard: Vec<&str> = Vec::new();
        for keyword in self.turns.iter().flat_map(|turn| &turn.keywords) {
            if !heard.contains(&keyword.as_str()) {
                heard.push(keyword);
            }
        }
        heard
    }

    /// The mood of the turn in which the caller showed most of one: who thanks at the end has still been angry.
    #[must_use]
    pub fn sentiment(&self) -> Sentiment {
        let moods = self.turns.iter().map(|turn| turn.sentiment);
        let strength = |mood: &Sentiment| mood.value().abs();
        moods.max_by(|a, b| strength(a).total_cmp(&strength(b))).unwrap_or_default()
    }

    /// The destination that took the caller from us, whoever has the caller now.
    #[must_use]
    pub fn destination(&self) -> Option<&str> {
        let connected = matches!(self.outcome, Some(Outcome::Connected | Outcome::Transferred));
        let taken = self.attempts.iter().rev().filter(|attempt| attempt.failed.is_none());
        let mut taken = taken.map(|attempt| attempt.destination.as_str()).filter(|_| connected);
        taken.find(|taken| self.transferred.as_deref() != Some(taken))
    }

    pub(crate) fn mark(&mut self, stage: Stage, start: Duration, end: Duration) {
        self.waterfall.push(Mark { stage, start, took: end.saturating_sub(start) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_the_keywords_of_all_turns_and_the_strongest_mood_of_any() {
        let turn = |words: &str, keywords: &[&str]| Turn {
            words: words.to_owned(),
            keywords: keywords.iter().map(|&word| word.to_owned()).collect(),
            sentiment: Sentiment::of(words),
            ..Turn::default()
        };
        let turns = vec![
            turn("I have been waiting for an hour for my invoice", &["invoice"]),
            turn("the invoice of my laptop", &["laptop", "invoice"]),
            turn("thanks", &[]),
        ];
        let record = Record { turns, ..Record::default() };
        assert_eq!(record.keywords(), ["invoice", "laptop"]);
        assert!(record.sentiment().value() < -0.5);
        assert_eq!(Record::default().sentiment().value(), 0.0);
    }
}
