//! The first sign of a voice, before it can be believed.

use super::ListenerConfig;

/// Windows below the exit threshold in a row after which a sign has passed.
const PASSED: u32 = 2;

/// A change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A window may hold the beginning of speech. It began at this position.
    Sensed { at: u64 },
    /// What was sensed has come to nothing.
    Vanished,
}

/// Watches for signs while nobody speaks.
#[derive(Debug)]
pub(super) struct Sense {
    threshold: f32,
    exit: f32,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Calm,
    /// A sign was told; so many windows below the exit threshold have followed.
    Alert {
        below: u32,
    },
}

impl Sense {
    pub(super) fn new(config: &ListenerConfig) -> Self {
        Self { threshold: config.sense, exit: config.exit.min(config.sense), phase: Phase::Calm }
    }

    /// Takes the probability of the window that began at `from`.
    pub(super) fn window(&mut self, probability: f32, from: u64) -> Option<Sign> {
        match self.phase {
            Phase::Calm if probability >= self.threshold => {
                self.phase = Phase::Alert { below: 0 };
                Some(Sign::Sensed { at: from })
            }
            Phase::Calm => None,
            Phase::Alert { .. } if probability >= self.exit => {
                self.phase = Phase::Alert { below: 0 };
                None
            }
            Phase::Alert { below } if below + 1 >= PASSED => {
                self.phase = Phase::Calm;
                Some(Sign::Vanished)
            }
            Phase::Alert { below } => {
                self.phase = Phase::Alert { below: below + 1 };
                None
            }
        }
    }

    /// What was sensed has become speech: no need to say that it passes.
    pub(super) fn believed(&mut self) {
        self.phase = Phase::Calm;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(probabilities: &[f32]) -> Vec<(usize, Sign)> {
        let mut sense = Sense::new(&ListenerConfig::default());
        let windows = probabilities.iter().enumerate();
        windows.filter_map(|(n, p)| Some((n, sense.window(*p, n as u64 * 256)?))).collect()
    }

    #[test]
    fn one_window_is_a_sign_and_two_quiet_ones_end_it() {
        let sensed = (1, Sign::Sensed { at: 256 });
        assert_eq!(signs(&[0.1, 0.31, 0.1, 0.1, 0.1]), [sensed, (3, Sign::Vanished)]);
        assert_eq!(signs(&[0.1, 0.4, 0.1, 0.4, 0.1]), [sensed], "it wavers");
        assert_eq!(signs(&[0.29; 9]), []);
    }
}
