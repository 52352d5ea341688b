//! Speech probabilities to the edges of a turn.

use super::ListenerConfig;

/// What the latest window changed. `at` is the position where it began, which is earlier than the
/// window that made it certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    Started { at: u64 },
    Paused { at: u64 },
    Resumed { at: u64 },
    Ended { at: u64 },
}

/// Hysteresis over windows: two thresholds, and a run of windows before speech is believed.
#[derive(Debug)]
pub(super) struct Segmenter {
    onset: f32,
    exit: f32,
    onset_windows: u32,
    pause_after: u64,
    end_of_turn: u64,
    phase: Phase,
    run: Run,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Quiet,
    Speaking,
    /// Below the exit threshold, but not yet for long enough to call it a pause.
    Fading {
        since: u64,
    },
    Paused {
        since: u64,
    },
}

/// Windows in a row at or above the onset threshold.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    windows: u32,
    from: u64,
}

impl Segmenter {
    pub(super) fn new(config: &ListenerConfig) -> Self {
        Self {
            onset: config.onset,
            exit: config.exit,
            onset_windows: config.onset_windows,
            pause_after: super::samples(config.pause_after),
            end_of_turn: super::samples(config.end_of_turn),
            phase: Phase::Quiet,
            run: Run::default(),
        }
    }

    /// Takes the probability of the window `from..to`; windows come in order.
    pub(super) fn window(&mut self, probability: f32, from: u64, to: u64) -> Option<Edge> {
        self.count(probability, from);
        let speech = self.run.windows >= self.onset_windows;
        match self.phase {
            Phase::Quiet if speech => {
                self.phase = Phase::Speaking;
                Some(Edge::Started { at: self.run.from })
            }
            Phase::Quiet => None,
            Phase::Speaking => {
                if probability < self.exit {
                    self.phase = Phase::Fading { since: from };
                }
                None
            }
            Phase::Fading { .. } if probability >= self.onset => {
                self.phase = Phase::Speaking;
                None
            }
            Phase::Fading { since } => (to - since >= self.pause_after).then(|| {
                self.phase = Phase::Paused { since };
                Edge::Paused { at: since }
            }),
            Phase::Paused { .. } if speech => {
                self.phase = Phase::Speaking;
                Some(Edge::Resumed { at: self.run.from })
            }
            // A run that has begun may be the caller going on: the end waits for it.
            Phase::Paused { since } => (to - since >= self.end_of_turn && self.run.windows == 0)
                .then(|| {
                    self.phase = Phase::Quiet;
                    Edge::Ended { at: since }
                }),
        }
    }

    /// Whether speech goes on, beyond doubt.
    pub(super) fn is_speaking(&self) -> bool {
        self.phase == Phase::Speaking
    }

    /// Sets how long speech must have ceased before the turn is over, from the next window on.
    pub(super) fn wait(&mut self, end_of_turn: u64) {
        self.end_of_turn = end_of_turn;
    }

    /// Whether speech goes on, or has faded too shortly to call it a pause.
    pub(super) fn is_in_speech(&self) -> bool {
        matches!(self.phase, Phase::Speaking | Phase::Fading { .. })
    }

    /// Forgets the turn.
    pub(super) fn reset(&mut self) {
        self.phase = Phase::Quiet;
        self.run = Run::default();
    }

    fn count(&mut self, probability: f32, from: u64) {
        if probability < self.onset {
            self.run = Run::default();
            return;
        }
        if self.run.windows == 0 {
            self.run.from = from;
        }
        self.run.windows += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: u64 = crate::recognizer::WINDOW as u64;

    /// The edges that `probabilities` make, each with the number of the window it came with.
    fn edges(probabilities: &[f32]) -> Vec<(usize, Edge)> {
        let mut segmenter = Segmenter::new(&ListenerConfig::default());
        probabilities
            .iter()
            .enumerate()
            .filter_map(|(number, probability)| {
                let from = number as u64 * WINDOW;
                Some((number, segmenter.window(*probability, from, from + WINDOW)?))
            })
            .collect()
    }

    fn script(parts: &[(f32, usize)]) -> Vec<f32> {
        parts.iter().flat_map(|(probability, count)| vec![*probability; *count]).collect()
    }

    #[test]
    fn a_turn_has_a_start_a_pause_and_an_end() {
        let edges = edges(&script(&[(0.1, 3), (0.9, 10), (0.1, 30)]));
        assert_eq!(
            edges,
            [
                (4, Edge::Started { at: 3 * WINDOW }),
                (15, Edge::Paused { at: 13 * WINDOW }),
                (28, Edge::Ended { at: 13 * WINDOW }),
            ]
        );
    }

    #[test]
    fn a_click_is_not_speech() {
        assert_eq!(edges(&script(&[(0.1, 3), (0.9, 1), (0.1, 3), (0.9, 1), (0.1, 9)])), []);
    }

    #[test]
    fn a_click_in_a_pause_neither_resumes_nor_delays() {
        let edges = edges(&script(&[(0.9, 5), (0.1, 6), (0.9, 1), (0.1, 20)]));
        assert_eq!(
            edges[1..],
            [(7, Edge::Paused { at: 5 * WINDOW }), (20, Edge::Ended { at: 5 * WINDOW })]
        );
    }

    #[test]
    fn a_short_dip_and_the_middle_ground_do_not_pause() {
        let edges = edges(&script(&[(0.9, 5), (0.1, 2), (0.9, 3), (0.4, 40), (0.9, 2)]));
        assert_eq!(edges, [(1, Edge::Started { at: 0 })]);
    }

    #[test]
    fn the_end_waits_for_a_run_that_has_begun() {
        let edges = edges(&script(&[(0.9, 5), (0.1, 15), (0.9, 2)]));
        assert_eq!(edges.last(), Some(&(21, Edge::Resumed { at: 20 * WINDOW })));
    }
}
