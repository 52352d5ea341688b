//! What trials come to in numbers.

use std::collections::BTreeMap;

use call::Wish;
use serde::Serialize;

use super::{Outcome, Row};
use crate::report::percentile;

/// The sum of all trials, as it is printed.
#[derive(Debug, Serialize)]
pub(crate) struct Scores {
    pub(crate) rows: usize,
    /// Rows of which something could not be heard, because an engine failed.
    pub(crate) troubled_rows: usize,
    /// Wrong, missing and added words for each word of the rows that have a text.
    pub(crate) wer: Option<f64>,
    /// Rows whose intent was decided on, of those that have one.
    pub(crate) intent_accuracy: Option<f64>,
    /// Slots with the right value, of all that were said or heard.
    pub(crate) slot_accuracy: Option<f64>,
    /// Rows whose intent and all of whose slots are right, of those that have an intent.
    pub(crate) command_acceptance: Option<f64>,
    /// Rows with no intent of the domain that were taken for one.
    pub(crate) false_acceptance: Option<f64>,
    /// Rows decided before the end of the turn.
    pub(crate) early: Option<f64>,
    /// Rows decided before the end of the turn, and wrongly, of all that have an intent or none.
    pub(crate) early_wrong: Option<f64>,
    /// By how much early decisions came before the end of the speech, in milliseconds.
    pub(crate) early_lead_ms: Option<Percentiles>,
    /// From the end of the deciding word (`decide_ms`, else `speech_end_ms`, else the end of the speech as the ear
    /// has it) to the decision, in milliseconds.
    pub(crate) decide_ms: Option<Percentiles>,
    /// Expected calibration error of the decisions' probabilities, in ten bins.
    pub(crate) ece: Option<f64>,
    /// Seconds of processor time for a second of audio.
    pub(crate) cpu_per_audio_s: f64,
    pub(crate) details: Vec<Detail>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

/// One row.
#[derive(Debug, Serialize)]
pub(crate) struct Detail {
    pub(crate) audio: String,
    pub(crate) words: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) word_errors: Option<usize>,
    /// What was decided on.
    pub(crate) intent: Option<String>,
    pub(crate) slots: BTreeMap<String, String>,
    pub(crate) probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected_intent: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected_slots: Option<BTreeMap<String, String>>,
    /// Whether the intent and all slots are right.
    pub(crate) accepted: Option<bool>,
    pub(crate) early: bool,
    pub(crate) decide_ms: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) troubles: Vec<String>,
    #[serde(skip)]
    lead_ms: Option<f64>,
    #[serde(skip)]
    reference_words: usize,
}

impl Detail {
    /// Holds what came of a row against what is known of it.
    pub(crate) fn of(row: &Row, outcome: Outcome, wishes: &[Wish]) -> Self {
        let decision = outcome.decision.as_ref();
        let wish = decision.map(|decided| &wishes[decided.wish]);
        let mut slots: BTreeMap<String, String> = decision
            .iter()
            .flat_map(|decided| &decided.slots)
            .map(|slot| (slot.name.clone(), slot.value.clone()))
            .collect();
        slots.extend(
            wish.and_then(|wish| wish.slot.clone()).map(|filled| (filled.name, filled.value)),
        );
        let intent = wish.map(|wish| wish.intent.clone());
        let expected_slots =
            row.slots.clone().or_else(|| row.intent.as_ref().map(|_| BTreeMap::new()));
        let accepted = row.intent.as_ref().map(|expected| match expected {
            None => intent.is_none(),
            Some(_) => *expected == intent && row.slots.as_ref().is_none_or(|said| *said == slots),
        });
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        let speech_end = row.speech_end_ms.or(outcome.speech_end.map(ms));
        let decided_ms = decision.map(|decided| ms(decided.at));
        let since = |from: Option<f64>| Some(decided_ms? - from?);
        let reference = row.text.as_deref().map(intent::spoken_words);
        let early = decision.is_some_and(|decided| decided.early);
        Self {
            audio: row.audio.display().to_string(),
            word_errors: reference
                .as_ref()
                .map(|said| word_errors(said, &intent::spoken_words(&outcome.words))),
            reference_words: reference.map_or(0, |said| said.len()),
            words: outcome.words,
            text: row.text.clone(),
            intent,
            slots,
            probability: outcome.likeliest.map(|(_, p)| (f64::from(p) * 1e3).round() / 1e3),
            expected_intent: row.intent.clone(),
            expected_slots,
            accepted,
            early,
            decide_ms: since(row.decide_ms.or(speech_end)).map(|ms| ms.round()),
            lead_ms: since(speech_end).filter(|_| early).map(|since| -since),
            troubles: outcome.troubles,
        }
    }

    fn commanded(&self) -> bool {
        matches!(self.expected_intent, Some(Some(_)))
    }
}

impl Scores {
    /// Adds up; the processor took `cpu_s` for `audio_s` of audio.
    pub(crate) fn of(details: Vec<Detail>, cpu_s: f64, audio_s: f64) -> Self {
        let share = |of: &dyn Fn(&Detail) -> bool, among: &dyn Fn(&Detail) -> bool| {
            let all = details.iter().filter(|detail| among(detail)).count();
            let some = details.iter().filter(|detail| among(detail) && of(detail)).count();
            (all > 0).then(|| some as f64 / all as f64)
        };
        let accepted = |detail: &Detail| detail.accepted == Some(true);
        let labelled = |detail: &Detail| detail.expected_intent.is_some();
        let intent_right =
            |detail: &Detail| detail.expected_intent.as_ref() == Some(&detail.intent);
        let errors: usize = details.iter().filter_map(|detail| detail.word_errors).sum();
        let words: usize = details.iter().map(|detail| detail.reference_words).sum();
        let (mut right_slots, mut all_slots) = (0, 0);
        for detail in details.iter().filter(|detail| detail.commanded()) {
            let Some(said) = &detail.expected_slots else { continue };
            let right = said.iter().filter(|(name, value)| detail.slots.get(*name) == Some(value));
            right_slots += right.count();
            let added = detail.slots.keys().filter(|name| !said.contains_key(*name)).count();
            all_slots += said.len() + added;
        }
        Self {
            rows: details.len(),
            troubled_rows: details.iter().filter(|detail| !detail.troubles.is_empty()).count(),
            wer: (words > 0).then(|| errors as f64 / words as f64),
            intent_accuracy: share(&intent_right, &Detail::commanded),
            slot_accuracy: (all_slots > 0)
                .then(|| f64::from(right_slots as u32) / all_slots as f64),
            command_acceptance: share(&accepted, &Detail::commanded),
            false_acceptance: share(&|detail| !accepted(detail), &|detail| {
                labelled(detail) && !detail.commanded()
            }),
            early: share(&|detail| detail.early, &labelled),
            early_wrong: share(&|detail| detail.early && !intent_right(detail), &labelled),
            early_lead_ms: percentiles(details.iter().filter_map(|detail| detail.lead_ms)),
            decide_ms: percentiles(details.iter().filter_map(|detail| detail.decide_ms)),
            ece: calibration_error(details.iter().filter(|detail| labelled(detail)).filter_map(
                |detail| Some((detail.probability?, detail.intent.is_some() && accepted(detail))),
            )),
            cpu_per_audio_s: cpu_s / audio_s.max(f64::MIN_POSITIVE),
            details,
        }
    }

    /// Why not a single word was heard, if that is because engines failed.
    pub(crate) fn unheard(&self) -> Option<&str> {
        let failed = |detail: &Detail| detail.words.is_empty() && !detail.troubles.is_empty();
        let trouble = self.details.iter().find_map(|detail| detail.troubles.first())?;
        self.details.iter().all(failed).then_some(trouble)
    }
}

/// How many words of `heard` must be changed, added or taken out to be `said` (Levenshtein). Words that are only written
/// together or apart, as "voice mail" and "voicemail", are the same.
fn word_errors(said: &[String], heard: &[String]) -> usize {
    let mut table = vec![vec![0; heard.len() + 1]; said.len() + 1];
    for n in 0..=said.len() {
        for m in 0..=heard.len() {
            let is_same = |of_said: usize, of_heard: usize| {
                said[n - of_said..n].concat() == heard[m - of_heard..m].concat()
            };
            let ways = [(1, 0), (0, 1), (1, 1), (2, 1), (1, 2)].into_iter();
            let ways = ways.filter(|(of_said, of_heard)| *of_said <= n && *of_heard <= m);
            let costs = ways.filter_map(|(of_said, of_heard)| {
                let cost = usize::from(!is_same(of_said, of_heard));
                (cost == 0 || of_said + of_heard <= 2)
                    .then(|| table[n - of_said][m - of_heard] + cost)
            });
            table[n][m] = costs.min().unwrap_or(0);
        }
    }
    table[said.len()][heard.len()]
}

fn percentiles(values: impl Iterator<Item = f64>) -> Option<Percentiles> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share| percentile(&sorted, share);
    Some(Percentiles { p50: at(0.5)?, p95: at(0.95)?, p99: at(0.99)? })
}

/// The mean distance between how sure the decisions were and how often they were right.
fn calibration_error(decisions: impl Iterator<Item = (f64, bool)>) -> Option<f64> {
    let mut bins = [(0_u32, 0.0, 0_u32); 10];
    let mut count = 0;
    for (probability, right) in decisions {
        let bin = &mut bins[((probability * 10.0) as usize).min(9)];
        *bin = (bin.0 + 1, bin.1 + probability, bin.2 + u32::from(right));
        count += 1;
    }
    let gap = |(_, sure, right): &(u32, f64, u32)| (sure - f64::from(*right)).abs();
    (count > 0).then(|| bins.iter().map(gap).sum::<f64>() / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        intent::spoken_words(text)
    }

    #[test]
    fn words_are_compared_as_they_are_said() {
        let errors = |said: &str, heard: &str| word_errors(&words(said), &words(heard));
        assert_eq!(errors("Press 2 for the twenty-first.", "press two for the 21st"), 0);
        assert_eq!(errors("a large latte", "large ladder"), 2);
        assert_eq!(errors("", "two words"), 2);
        assert_eq!(
            errors("Leave a voicemail at 3 p.m. now.", "leave a voice mail at three PM no"),
            1
        );
        assert_eq!(errors("good bye then", "goodbye, then and there"), 2);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let all = percentiles((1..=200).map(f64::from)).expect("some");
        assert_eq!((all.p50, all.p95, all.p99), (100.0, 190.0, 198.0));
        let one = percentiles([7.0].into_iter()).expect("one");
        assert_eq!((one.p50, one.p99), (7.0, 7.0));
        assert!(percentiles(std::iter::empty()).is_none());
    }

    #[test]
    fn the_sure_and_wrong_are_badly_calibrated() {
        let error =
            |right| calibration_error([(0.95, right), (0.95, true)].into_iter()).expect("two");
        assert!(error(true) < 0.06 && error(false) > 0.4);
    }

    #[test]
    fn a_command_is_accepted_if_all_of_it_is_right() {
        let row: Row = serde_json::from_str(
            r#"{"audio": "a.wav", "text": "a large latte", "intent": "order", "slots": {"size": "large"}}"#,
        )
        .expect("a row");
        let detail = |value: &str| {
            let slot = intent::grammar::Slot {
                name: "size".into(),
                value: value.into(),
                confidence: 0.9,
                others: Vec::new(),
                words: 0..1,
            };
            let decision = super::super::Decided {
                wish: 0,
                slots: vec![slot],
                at: std::time::Duration::from_millis(1_500),
                early: false,
            };
            let outcome = Outcome {
                words: "a large latter".into(),
                speech_end: Some(std::time::Duration::from_secs(1)),
                decision: Some(decision),
                likeliest: Some((0, 0.9)),
                troubles: Vec::new(),
            };
            let wish = Wish {
                intent: "order".into(),
                slot: None,
                phrases: Vec::new(),
                keywords: Vec::new(),
                destination: call::DestinationId(0),
            };
            Detail::of(&row, outcome, &[wish])
        };
        let scores = Scores::of(vec![detail("large"), detail("small")], 1.0, 4.0);
        assert_eq!(scores.command_acceptance, Some(0.5));
        assert_eq!(scores.intent_accuracy, Some(1.0));
        assert_eq!(scores.wer, Some(1.0 / 3.0));
        assert_eq!(scores.decide_ms.expect("decided").p50, 500.0);
        assert_eq!(scores.cpu_per_audio_s, 0.25);
    }
}
