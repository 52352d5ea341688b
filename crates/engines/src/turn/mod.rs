//! Whether a pause is the end of a turn.
//!
//! Three witnesses are heard: how the speech before the pause sounds (a [`TurnDetector`], if there is one), what its words
//! [promise](words), and how long this caller's pauses within a turn have been so far. Together they make one
//! probability that the turn is over, and the less likely that is, the longer the [`Pace`] waits.
//!
//! ```
//! use engines::turn::Pace;
//! use std::time::Duration;
//!
//! let mut pace = Pace::default();
//! let done = pace.wait("billing please", None);
//! assert!(pace.wait("I would like to", None) > done);
//! assert!(pace.wait("billing please", Some(0.98)) < done);
//! // A caller who has paused for 600 ms and then gone on is given more time from then on.
//! pace.went_on_after(Duration::from_millis(600));
//! assert!(pace.wait("billing please", None) > done);
//! ```

pub mod mel;
pub mod smart;
pub mod words;

use std::time::Duration;

use self::words::Promise;

/// Judges by the sound alone whether a turn is over.
pub trait TurnDetector: Send {
    /// The probability that the speaker has finished, from the turn's audio at 16 kHz, full scale ±1, up to the pause.
    ///
    /// # Errors
    /// [`TurnError`] if the engine failed.
    fn judge(&mut self, samples: &[f32]) -> Result<f32, TurnError>;
}

/// Why a turn was not judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the end-of-turn detector failed: {0}")]
pub struct TurnError(pub String);

/// The least that is waited: until the words at the pause have been read.
const SHORTEST: Duration = Duration::from_millis(250);
/// The most.
const LONGEST: Duration = Duration::from_millis(1_200);
/// The weight of each pause that a caller has made in the estimate of the next.
const LEARN: f32 = 0.5;

/// One caller's pace: how long to wait at a pause.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// Of the pauses in this caller's turns: a running mean, in seconds, once there was one.
    pause: Option<f32>,
}

impl Pace {
    /// How long speech must have ceased before the turn is over, where `text` is what was said and `sound` the detector's
    /// probability.
    #[must_use]
    pub fn wait(&self, text: &str, sound: Option<f32>) -> Duration {
        let over = self.over(text, sound);
        let seconds = LONGEST.as_secs_f32() * (1.0 - over) + SHORTEST.as_secs_f32() * over;
        // A caller who makes long pauses makes them again.
        let usual = self.pause.map_or(0.0, |pause| 1.3 * pause);
        Duration::from_secs_f32(seconds.max(usual)).min(LONGEST)
    }

    /// The probability that a turn with these words is over.
    #[must_use]
    pub fn over(&self, text: &str, sound: Option<f32>) -> f32 {
        // Log odds. At a pause with neither words nor sound to tell, three of four turns are over.
        let words = match words::promise(text) {
            Promise::None => 1.0,
            Promise::Wordless => 0.0,
            Promise::Number => -0.4,
            Promise::More => -2.0,
        };
        // The detector is sure of nearly everything; a third of its certainty has been earned on telephone speech.
        let sound = sound.map_or(0.0, |p| {
            let p = p.clamp(0.01, 0.99);
            0.35 * (p / (1.0 - p)).ln()
        });
        1.0 / (1.0 + (-(words + sound)).exp())
    }

    /// Learns of a pause after which the caller went on.
    pub fn went_on_after(&mut self, pause: Duration) {
        let pause = pause.as_secs_f32().min(LONGEST.as_secs_f32());
        self.pause = Some(self.pause.map_or(pause, |usual| usual + LEARN * (pause - usual)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_bounded_and_grows_with_doubt() {
        let pace = Pace::default();
        let texts = ["to the", "number 4", "", "billing please"];
        for sound in [None, Some(0.0), Some(0.5), Some(1.0)] {
            let waits: Vec<_> = texts.iter().map(|text| pace.wait(text, sound)).collect();
            assert!(waits.is_sorted_by(|a, b| a >= b), "{waits:?}");
            assert!(waits.iter().all(|wait| (SHORTEST..=LONGEST).contains(wait)), "{waits:?}");
        }
    }

    #[test]
    fn what_was_learned_wears_off() {
        let mut pace = Pace::default();
        pace.went_on_after(Duration::from_millis(800));
        let patient = pace.wait("billing please", Some(0.9));
        assert!(patient > Duration::from_secs(1));
        for _ in 0..6 {
            pace.went_on_after(Duration::from_millis(120));
        }
        assert!(pace.wait("billing please", Some(0.9)) < patient / 2);
    }
}
