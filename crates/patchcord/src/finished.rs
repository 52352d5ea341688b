//! A call that is over, beside what should have come of it.

use std::time::Duration;

use call::{Basis, Outcome, Record};

use crate::keep::Opening;
use crate::labels::Label;

/// A call that is over.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    /// The recording's name, or the caller's number.
    pub name: String,
    /// What was known when it began; none of a replay.
    pub opening: Option<Opening>,
    /// What the call kept of itself.
    pub record: Record,
    /// What should have come of it.
    pub label: Option<Label>,
    /// The end of the deciding word on the call's clock, from the label; none without one.
    pub word_end: Option<Duration>,
}

impl Finished {
    /// A call whose recording began at `began` on the call's clock, if that could be told.
    pub(crate) fn new(
        name: String,
        record: Record,
        label: Option<Label>,
        began: Option<f64>,
    ) -> Self {
        let labelled = label.as_ref().and_then(|label| label.decide_ms);
        let word_end = match (labelled, began) {
            (Some(decide_ms), Some(began)) => {
                Some(Duration::from_secs_f64((began + decide_ms / 1e3).max(0.0)))
            }
            _ => None,
        };
        Self { name, opening: None, record, label, word_end }
    }

    /// The clock *decide* in milliseconds: against the label where there is one, else against the call's own estimate
    /// of the deciding word's end. None where no words decided.
    pub(crate) fn decide_ms(&self) -> Option<f64> {
        let decision = self.record.decision.as_ref()?;
        decision.intent.as_ref()?;
        let labelled = self.label.as_ref().is_some_and(|label| label.decide_ms.is_some());
        let word_end = if labelled { self.word_end? } else { decision.word_end? };
        self.record.decide_ms(word_end)
    }

    /// Where the call should end, if that is known. `Some(None)`: it should end without a destination.
    pub(crate) fn expected(&self) -> Option<Option<&str>> {
        self.label.as_ref().map(|label| label.destination.as_deref())
    }

    /// Whether the call ended as its label says; true where nothing is known.
    pub(crate) fn as_expected(&self) -> bool {
        let Some(label) = &self.label else { return true };
        let outcome = self.record.outcome.map(Outcome::name);
        let outcome_fits = label.outcome.is_none() || label.outcome.as_deref() == outcome;
        outcome_fits && label.destination.as_deref() == self.record.destination()
    }

    /// Whether words decided before the caller had finished, for another intent than the label's.
    pub(crate) fn wrong_early_commit(&self) -> bool {
        let (Some(decision), Some(label)) = (&self.record.decision, &self.label) else {
            return false;
        };
        let early = matches!(decision.basis, Basis::Partial | Basis::Pause);
        early && decision.intent.as_deref() != label.intent.as_deref()
    }
}
