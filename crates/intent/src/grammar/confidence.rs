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

/// What is known of an utterance before a word of it is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Setting {
    /// Anything may be said, and most of what is said by chance is short.
    #[default]
    Open,
    /// A question was put, and this is the answer to it: short ones are likely.
    Question,
}

impl Evidence {
    /// How likely it is that the caller said what the path says.
    pub(super) fn confidence(&self, setting: Setting) -> f32 {
        let by_chance = match setting {
            Setting::Open => 1.0,
            Setting::Question => 0.0,
        };
        let explained = self.telling + COMMON * self.common;
        let over = self.telling_over + COMMON * self.common_over;
        let odds = BASE + CLEAR * (self.telling - self.mistaken).min(12.0)
            - MISTAKEN * self.mistaken / (explained + 2.0)
            - OVER * (over + by_chance) / (explained + over + 1.0)
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
            evidence.confidence(Setting::Open)
        };
        assert!(confidence(|_| {}) > 0.95);
        assert!(confidence(|evidence| evidence.telling = 3.0) < confidence(|_| {}));
        assert!(confidence(|evidence| evidence.mistaken = 4.0) < 0.5);
        assert!(confidence(|evidence| evidence.telling_over = 12.0) < 0.5);
        assert!(confidence(|evidence| evidence.unlisted = 10.0) < confidence(|_| {}));
    }

    #[test]
    fn a_short_answer_is_believed_where_a_question_was_put() {
        let yes = Evidence { telling: 2.0, ..Evidence::default() };
        assert!(yes.confidence(Setting::Open) < 0.5 && yes.confidence(Setting::Question) > 0.9);
        let more = Evidence { telling_over: 12.0, ..yes };
        assert!(more.confidence(Setting::Question) < 0.05);
    }

    #[test]
    fn equals_share() {
        assert_eq!(shares(&[1.0, 1.0]), [0.5, 0.5]);
        assert!(shares(&[1.0, 3.0])[0] > 0.99);
        assert!(shares(&[]).is_empty());
    }
}
