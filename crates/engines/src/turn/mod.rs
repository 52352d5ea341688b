//! Whether a pause is the end of a turn.
//!
//! Two witnesses are heard: what the words before the pause [promise](words), and how long this caller's pauses within a
//! turn have been so far, those included after which the turn was taken to be over and was not. Words and silence make
//! one probability that the turn is over, and the less likely that is, the longer the [`Pace`] waits.
//!
//! There is no third witness, the sound. Smart Turn v3.2, a small Whisper encoder that judges the last 8 s, was measured
//! on 8 kHz mu-law: 220 turns of human speech, with gaps between words stretched to 345 pauses. At 100 to 450 ms of
//! silence it takes 58 to 81 % of these pauses for the end of the turn, and 80 to 89 % of the ends (area under the curve
//! 0.64 to 0.53), for more of a processor's time than reading the words takes. At the same rate of cut-offs it shortens
//! the mean wait that the words need by 40 ms at most, and lengthens the longest waits by 100 ms or more.
//!
//! ```
//! use engines::turn::Pace;
//! use std::time::Duration;
//!
//! let mut pace = Pace::default();
//! let done = pace.wait("billing please");
//! assert!(pace.wait("I would like to") > done);
//! // A caller who has paused for 600 ms and then gone on is given more time from then on.
//! pace.went_on_after(Duration::from_millis(600));
//! assert!(pace.wait("billing please") > done);
//! ```

pub mod words;

use std::time::Duration;

use self::words::Promise;

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
    /// How long speech must have ceased before the turn is over, where `text` is what was said.
    #[must_use]
    pub fn wait(&self, text: &str) -> Duration {
        let over = over(text);
        let seconds = LONGEST.as_secs_f32() * (1.0 - over) + SHORTEST.as_secs_f32() * over;
        // A caller who makes long pauses makes them again.
        let usual = self.pause.map_or(0.0, |pause| 1.3 * pause);
        Duration::from_secs_f32(seconds.max(usual)).min(LONGEST)
    }

    /// Learns of a pause after which the caller went on, in the same turn or, cut off, in a new one. One that is longer
    /// than any wait teaches nothing.
    pub fn went_on_after(&mut self, pause: Duration) {
        if pause <= LONGEST {
            let pause = pause.as_secs_f32();
            self.pause = Some(self.pause.map_or(pause, |usual| usual + LEARN * (pause - usual)));
        }
    }
}

/// The probability that a turn with these words is over, at the beginning of a pause.
fn over(text: &str) -> f32 {
    // Log odds. Where the words do not tell, three of four turns are over.
    let words: f32 = match words::promise(text) {
        Promise::None => 1.0,
        Promise::Wordless => 0.0,
        Promise::Number => -0.4,
        Promise::More => -2.0,
    };
    1.0 / (1.0 + (-words).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_bounded_and_grows_with_doubt() {
        let pace = Pace::default();
        let texts = ["to the", "number 4", "", "billing please"];
        let waits: Vec<_> = texts.iter().map(|text| pace.wait(text)).collect();
        assert!(waits.is_sorted_by(|a, b| a > b), "{waits:?}");
        assert!(waits.iter().all(|wait| (SHORTEST..=LONGEST).contains(wait)), "{waits:?}");
    }

    #[test]
    fn what_was_learned_wears_off() {
        let mut pace = Pace::default();
        pace.went_on_after(Duration::from_millis(800));
        let patient = pace.wait("billing please");
        assert!(patient > Duration::from_secs(1));
        for _ in 0..6 {
            pace.went_on_after(Duration::from_millis(120));
        }
        assert_eq!(pace.wait("billing please"), Pace::default().wait("billing please"));
    }

    #[test]
    fn nobody_is_waited_for_in_vain() {
        let mut pace = Pace::default();
        pace.went_on_after(Duration::from_secs(5));
        assert_eq!(pace.wait("billing please"), Pace::default().wait("billing please"));
        pace.went_on_after(LONGEST);
        assert_eq!(pace.wait("billing please"), LONGEST);
    }
}
