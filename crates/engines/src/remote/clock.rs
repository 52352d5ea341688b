//! From a vendor's clock, which counts the audio it was sent, to positions in the caller's audio.

use std::ops::Range;

use audio::SAMPLE_RATE;

use crate::words::Word;

/// Knows which position each moment of a connection's audio has. Only turns are sent, one after the other.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AudioClock {
    /// Samples sent before the turn under way.
    before: u64,
    /// Where that turn's audio begins.
    from: u64,
    /// Samples of it sent.
    sent: u64,
}

impl AudioClock {
    /// A turn whose audio begins at `from`, on a clock that runs on.
    pub(super) fn begin(&mut self, from: u64) {
        *self = Self { before: self.before + self.sent, from, sent: 0 };
    }

    /// The same, on a clock that begins again with each turn.
    pub(super) fn begin_anew(&mut self, from: u64) {
        *self = Self { before: 0, from, sent: 0 };
    }

    pub(super) fn pass(&mut self, samples: usize) {
        self.sent += samples as u64;
    }

    /// Where the audio that was sent ends.
    pub(super) fn through(self) -> u64 {
        self.from + self.sent
    }

    /// Where the audio of this turn begins.
    pub(super) fn from(self) -> u64 {
        self.from
    }

    /// The position at `seconds` of the vendor's clock, within the audio of this turn.
    pub(super) fn at(self, seconds: f64) -> u64 {
        // A float that is no number, or out of range, is cast to the nearest end.
        let samples = (seconds * f64::from(SAMPLE_RATE)) as u64;
        let within = samples.saturating_sub(self.before).min(self.sent);
        self.from + within
    }

    /// Whether `seconds` of the vendor's clock lie before this turn.
    pub(super) fn is_before(self, seconds: f64) -> bool {
        seconds * (f64::from(SAMPLE_RATE)) + 1.0 < self.before as f64
    }

    /// A word between two moments of the vendor's clock.
    pub(super) fn word(self, text: &str, start: f64, end: f64, confidence: f64) -> Word {
        let start = self.at(start);
        let at = start..self.at(end).max(start);
        Word { text: text.into(), at, confidence: confidence.clamp(0.0, 1.0) as f32 }
    }
}

/// The words of `text`, spread over `at` by their length: for engines that do not say where words lie.
pub(super) fn spread(text: &str, at: Range<u64>, confidence: f32) -> Vec<Word> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let weight = |word: &str| word.chars().count() as u64 + 1;
    let total: u64 = words.iter().map(|word| weight(word)).sum();
    let length = at.end.saturating_sub(at.start);
    let mut passed = 0;
    let place = |passed: u64| {
        at.start + (u128::from(length) * u128::from(passed) / u128::from(total.max(1))) as u64
    };
    words
        .into_iter()
        .map(|word| {
            let start = place(passed);
            passed += weight(word);
            Word { text: word.into(), at: start..place(passed), confidence }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_become_positions_of_the_turn_under_way() {
        let mut clock = AudioClock::default();
        clock.begin(100_000);
        clock.pass(16_000);
        assert_eq!(clock.at(1.0), 108_000);
        assert_eq!(clock.at(9.0), 116_000, "no further than what was sent");
        clock.begin(500_000);
        clock.pass(8_000);
        assert_eq!(clock.at(2.5), 504_000);
        assert_eq!(clock.at(0.5), 500_000);
        assert!(clock.is_before(1.9) && !clock.is_before(2.0));
        for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
            assert!((500_000..=508_000).contains(&clock.at(nonsense)));
        }
    }

    #[test]
    fn words_without_places_are_spread_by_their_length() {
        let words = spread("a  bcd ", 100..700, 1.0);
        let places: Vec<_> = words.iter().map(|word| (&*word.text, word.at.clone())).collect();
        assert_eq!(places, [("a", 100..300), ("bcd", 300..700)]);
        assert!(spread(" ", 0..9, 1.0).is_empty());
    }
}
