//! From costs to probabilities.

/// What speaks for and against a path as a whole. Counts are of sounds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// Heard as said, in slots and in words that tell something.
    pub(super) telling: f32,
    /// Heard as said, in words that every sentence has.
    pub(super) common: f32,
    /// Of telling words that no pattern has.
    pub(super) telling_over: f32,
    /// Of common words that no pattern has.
    pub(super) common_over: f32,
    /// What it cost to take sounds for others; half in common words.
    pub(super) mistaken: f32,
    /// Heard as said in slots whose values are not listed: a number can be found in nearly anything.
    pub(super) unlisted: f32,
    /// What was mistaken there.
    pub(super) unlisted_mistaken: f32,
}

impl Evidence {
    /// How likely it is that the caller said what the path says.
    pub(super) fn confidence(&self) -> f32 {
        let explained = self.telling + COMMON * self.common;
        let over = self.telling_over + COMMON * self.common_over;
        let odds = BASE + CLEAR * (self.telling - self.mistaken).min(12.0)
            - MISTAKEN * self.mistaken / (explained + 2.0)
            - OVER * (over + 1.0) / (explained + over + 1.0)
            - UNLISTED * self.unlisted / (self.telling + 1.0)
            - UNLISTED_MISTAKEN * self.unlisted_mistaken / (self.unlisted + 2.0);
        1.0 / (1.0 + (-odds).exp())
    }
}

// A logistic regression, both outcomes weighted alike, on five domains (orders, a clinic, a bank, a hotel, a directory):
// 90 commands by people and 176 by synthetic voices as the local recogniser wrote them, and 638 sentences about other
// things tried on most grammars. The temperature below was set by hand.
const BASE: f32 = 2.4;
const CLEAR: f32 = 0.23;
const MISTAKEN: f32 = 16.0;
const OVER: f32 = 9.5;
const UNLISTED: f32 = 1.8;
const UNLISTED_MISTAKEN: f32 = 4.4;
/// What a sound of a common word counts beside one of a telling word.
const COMMON: f32 = 0.3;

/// How much a unit of cost tells: ways to hear the same that cost this much more are e times less likely.
const TEMPERATURE: f32 = 0.2;

/// The probabilities of several ways to hear the same, by their costs.
pub(super) fn shares(costs: &[f32]) -> Vec<f32> {
    let least = costs.iter().copied().fold(f32::INFINITY, f32::min);
    let weights = costs.iter().map(|cost| ((least - cost) / TEMPERATURE).exp());
    let sum: f32 = weights.clone().sum();
    weights.map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_that_fits_is_surer_and_more_that_does_not_is_less() {
        let fits = Evidence { telling: 10.0, ..Evidence::default() };
        let confidence = |change: fn(&mut Evidence)| {
            let mut evidence = fits;
            change(&mut evidence);
            evidence.confidence()
        };
        assert!(fits.confidence() > 0.95);
        assert!(confidence(|evidence| evidence.telling = 3.0) < fits.confidence());
        assert!(confidence(|evidence| evidence.mistaken = 4.0) < 0.5);
        assert!(confidence(|evidence| evidence.telling_over = 12.0) < 0.5);
        assert!(confidence(|evidence| evidence.unlisted = 10.0) < fits.confidence());
    }

    #[test]
    fn equals_share() {
        assert_eq!(shares(&[1.0, 1.0]), [0.5, 0.5]);
        assert!(shares(&[1.0, 3.0])[0] > 0.99);
        assert!(shares(&[]).is_empty());
    }
}
