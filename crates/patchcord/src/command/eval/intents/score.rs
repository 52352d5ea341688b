//! From answers to figures.

use std::collections::BTreeMap;

use serde::Serialize;

/// What was wanted of a phrase, and what came out.
pub(super) struct Answer<'a> {
    /// None: the phrase is none of the intents.
    pub(super) wanted: Option<&'a str>,
    /// The likeliest intent and its probability; none if nothing was said.
    pub(super) given: Option<(&'a str, f32)>,
}

/// How well a model did. Shares are of 0 to 1.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    /// Phrases that have an intent.
    pub(super) rows: usize,
    /// Phrases that have none.
    pub(super) oos_rows: usize,
    /// The right intent comes first, whatever its probability; of phrases that have one.
    pub(super) accuracy: f64,
    /// The same answers: the average over intents of the harmonic mean of precision and recall.
    pub(super) macro_f1: f64,
    /// The right intent comes first and reaches the threshold; of phrases that have one.
    pub(super) in_scope_accuracy: f64,
    /// Of phrases that have no intent, how many stay below that same threshold.
    pub(super) oos_recall: Option<f64>,
    /// The expected calibration error over all phrases, in 15 bins of equal width: how far the
    /// probability of the likeliest intent is from how often it is the wanted one.
    pub(super) ece: f64,
}

pub(super) fn figures(answers: &[Answer<'_>], threshold: f32) -> Figures {
    let in_scope = || answers.iter().filter(|answer| answer.wanted.is_some());
    let rows = in_scope().count();
    let oos_rows = answers.len() - rows;
    let turned_away =
        answers.iter().filter(|a| a.wanted.is_none() && a.probability() < threshold).count();
    Figures {
        rows,
        oos_rows,
        accuracy: share(in_scope().filter(|answer| answer.right()).count(), rows),
        macro_f1: macro_f1(answers),
        in_scope_accuracy: share(
            in_scope().filter(|a| a.right() && a.probability() >= threshold).count(),
            rows,
        ),
        oos_recall: (oos_rows > 0).then(|| share(turned_away, oos_rows)),
        ece: calibration_error(answers),
    }
}

impl Answer<'_> {
    fn right(&self) -> bool {
        self.wanted.is_some() && self.given.map(|(intent, _)| intent) == self.wanted
    }

    fn probability(&self) -> f32 {
        self.given.map_or(0.0, |(_, probability)| probability)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn macro_f1(answers: &[Answer<'_>]) -> f64 {
    /// Of one intent: how often it was wanted, given, and both.
    #[derive(Default)]
    struct Counts {
        wanted: usize,
        given: usize,
        both: usize,
    }
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    for answer in answers {
        let Some(wanted) = answer.wanted else { continue };
        counts.entry(wanted).or_default().wanted += 1;
        if let Some((given, _)) = answer.given {
            let count = counts.entry(given).or_default();
            count.given += 1;
            count.both += usize::from(given == wanted);
        }
    }
    let wanted = || counts.values().filter(|count| count.wanted > 0);
    let f1 = |count: &Counts| share(2 * count.both, count.wanted + count.given);
    wanted().map(f1).sum::<f64>() / wanted().count().max(1) as f64
}

fn calibration_error(answers: &[Answer<'_>]) -> f64 {
    const BINS: usize = 15;
    // The sums of probabilities, and how many were right.
    let mut bins = [(0.0_f64, 0.0_f64); BINS];
    for answer in answers {
        let probability = f64::from(answer.probability());
        let bin = &mut bins[((probability * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += probability;
        bin.1 += f64::from(u8::from(answer.right()));
    }
    bins.iter().map(|(said, right)| (said - right).abs()).sum::<f64>() / answers.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer<'a>(wanted: &'a str, given: &'a str, probability: f32) -> Answer<'a> {
        let wanted = (!wanted.is_empty()).then_some(wanted);
        Answer { wanted, given: Some((given, probability)) }
    }

    #[test]
    fn each_figure_counts_what_it_says() {
        let answers = [
            answer("a", "a", 0.9),
            answer("a", "a", 0.3),
            answer("a", "b", 0.6),
            answer("b", "b", 1.0),
            answer("", "a", 0.2),
            answer("", "b", 0.8),
        ];
        let figures = figures(&answers, 0.5);
        assert_eq!((figures.rows, figures.oos_rows), (4, 2));
        assert_eq!(figures.accuracy, 0.75);
        assert_eq!(figures.in_scope_accuracy, 0.5);
        assert_eq!(figures.oos_recall, Some(0.5));
        // a: precision 1, recall 2/3; b: precision 1/2, recall 1.
        assert!((figures.macro_f1 - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-9);
        let wrong_by = 0.1 + 0.7 + 0.6 + 0.0 + 0.2 + 0.8;
        assert!((figures.ece - wrong_by / 6.0).abs() < 1e-6, "{}", figures.ece);
    }

    #[test]
    fn without_rows_nothing_is_divided_by_zero() {
        let figures = figures(&[Answer { wanted: Some("a"), given: None }], 0.5);
        assert_eq!((figures.accuracy, figures.oos_recall), (0.0, None));
    }
}
