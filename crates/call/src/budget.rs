//! What each stage of a call may cost, and what happens when it costs more.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A stage of a call's waterfall. The names are the same in code, logs, metrics, traces and screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stage {
    /// From media up to the caller's first packet.
    RtpWait,
    /// From the caller's first sound of speech to the detector's notice of it.
    Vad,
    /// From the first sound of speech over a prompt of ours to the command that silences the prompt.
    BargeIn,
    /// One reading of an utterance that is not over.
    SttPartial,
    /// From the end of speech to the final reading.
    SttFinal,
    /// From words to a ranking of intents.
    Intent,
    /// From a ranking to a decision, or to none.
    Policy,
    /// From a command to Asterisk's answer.
    Ari,
    /// From Asterisk's answer to the agent's.
    Ring,
    /// From the request to a language model to the first of its words.
    LlmFirstToken,
    /// From a decision to the first audible sample of our reply on the wire.
    FirstAudioOut,
}

impl Stage {
    /// The stage's name as every record and screen shows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::RtpWait => "rtp_wait",
            Stage::Vad => "vad",
            Stage::BargeIn => "barge_in",
            Stage::SttPartial => "stt_partial",
            Stage::SttFinal => "stt_final",
            Stage::Intent => "intent",
            Stage::Policy => "policy",
            Stage::Ari => "ari",
            Stage::Ring => "ring",
            Stage::LlmFirstToken => "llm_first_token",
            Stage::FirstAudioOut => "first_audio_out",
        }
    }
}

/// What is done instead when a stage overruns its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Decide on the best reading so far; if none will do, the digit menu.
    BestPartial,
    /// Tell the caller which digits there are.
    DigitMenu,
    /// Try the next choice of the destination that did not take the call.
    NextDestination,
    /// Hand the caller to the fallback destination.
    FallbackDestination,
    /// Say what is written in place of what a language model should have said.
    WrittenPrompt,
    /// Give the call back to the dialplan, behind the line that handed it over.
    Dialplan,
}

impl Fallback {
    /// The name in records and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Fallback::BestPartial => "best_partial",
            Fallback::DigitMenu => "digit_menu",
            Fallback::NextDestination => "next_destination",
            Fallback::FallbackDestination => "fallback_destination",
            Fallback::WrittenPrompt => "written_prompt",
            Fallback::Dialplan => "dialplan",
        }
    }
}

/// The budgets of one receptionist. The time that a destination may ring is the destination's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// From arrival until the caller is answered and both directions of audio stand; then
    /// [`Fallback::Dialplan`].
    pub setup: Duration,
    /// [`Stage::RtpWait`]; then [`Fallback::DigitMenu`].
    pub rtp_wait: Duration,
    /// [`Stage::SttPartial`], one reading; then [`Fallback::BestPartial`].
    pub stt_partial: Duration,
    /// [`Stage::SttFinal`], from the noticed end of speech; then [`Fallback::BestPartial`].
    pub stt_final: Duration,
    /// [`Stage::Ari`], of the command that connects the caller; then [`Fallback::NextDestination`].
    pub ari: Duration,
    /// The whole: from the end of the caller's turn to a decision or a question; then
    /// [`Fallback::FallbackDestination`].
    pub decide: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            setup: ms(3_000),
            rtp_wait: ms(2_000),
            stt_partial: ms(1_000),
            stt_final: ms(800),
            ari: ms(1_000),
            decide: ms(2_500),
        }
    }
}

/// A stage that cost more than its budget, and what was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overrun {
    /// Which budget.
    pub what: What,
    /// When it was noticed, since the call's arrival.
    pub at: Duration,
    /// What was allowed.
    pub budget: Duration,
    /// What was done.
    pub fallback: Fallback,
}

/// What a budget is for: one stage, or a span over several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// One stage.
    Stage(Stage),
    /// From arrival to media.
    Setup,
    /// From the end of the caller's turn to the decision.
    Decide,
}

impl What {
    /// The name in records and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            What::Stage(stage) => stage.name(),
            What::Setup => "setup",
            What::Decide => "decide",
        }
    }
}
