//! How right a detector was.

use std::fmt;

use super::corpus::{Label, Stream};

/// Windows in a row that must be above the threshold before speech is believed, as in the listener.
const RUN: usize = 2;
/// Windows without speech before an onset counts as one: about half a second.
const PAUSE: usize = 16;
const WINDOW_MS: usize = 32;

#[derive(Default)]
pub(super) struct Score {
    speech: Vec<f32>,
    silence: Vec<f32>,
    threshold: f32,
    /// From the start of the first window of speech to the end of the one that made it certain.
    onsets: Vec<usize>,
    late: usize,
}

impl Score {
    pub(super) const HEADER: &str =
        "                          AUC   onset ms p50 / p90  over 0.5 s  missed  false";

    pub(super) fn add(&mut self, stream: &Stream, heard: &[f32], threshold: f32) {
        self.threshold = threshold;
        for (label, heard) in stream.labels.iter().zip(heard) {
            match label {
                Label::Speech => self.speech.push(*heard),
                Label::Silence => self.silence.push(*heard),
                Label::Unsure => {}
            }
        }
        let mut quiet = 0;
        for (at, label) in stream.labels.iter().enumerate() {
            if *label != Label::Speech {
                quiet += 1;
                continue;
            }
            if quiet >= PAUSE {
                self.onset(&heard[at..]);
            }
            quiet = 0;
        }
    }

    fn onset(&mut self, heard: &[f32]) {
        let certain = |run: &[f32]| run.iter().all(|heard| *heard >= self.threshold);
        match heard.windows(RUN).position(certain) {
            Some(windows) if (windows + RUN) * WINDOW_MS <= 500 => {
                self.onsets.push((windows + RUN) * WINDOW_MS);
            }
            _ => self.late += 1,
        }
    }

    /// The chance that a window of speech gets a higher value than one of silence.
    fn auc(&self) -> f64 {
        let mut all: Vec<_> = self.speech.iter().map(|value| (*value, true)).collect();
        all.extend(self.silence.iter().map(|value| (*value, false)));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut below, mut won) = (0.0, 0.0);
        for equal in all.chunk_by(|a, b| a.0 == b.0) {
            let speech = equal.iter().filter(|(_, speech)| *speech).count() as f64;
            let silence = equal.len() as f64 - speech;
            won += speech * (below + silence / 2.0);
            below += silence;
        }
        won / (self.speech.len() as f64 * self.silence.len() as f64)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut onsets = self.onsets.clone();
        onsets.sort_unstable();
        let at = |share: usize| onsets.get(onsets.len() * share / 100).copied().unwrap_or_default();
        let percent = |values: &[f32], counts: &dyn Fn(f32) -> bool| {
            values.iter().filter(|value| counts(**value)).count() as f64 * 100.0
                / values.len() as f64
        };
        let missed = percent(&self.speech, &|value| value < self.threshold);
        let wrong = percent(&self.silence, &|value| value >= self.threshold);
        let (auc, half, most, late) = (self.auc(), at(50), at(90), self.late);
        write!(f, "{auc:7.4}  {half:12} / {most:3}  {late:10}  {missed:4.1} %  {wrong:3.1} %")
    }
}
