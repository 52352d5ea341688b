//! From costs to probabilities.

/// What speaks for and against a path as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// Sounds heard as said, in words that tell something.
    pub(super) telling: f32,
    /// Sounds of telling words that no pattern has.
    pub(super) passed_over: f32,
    /// What it cost to take sounds for others.
    pub(super) mistaken: f32,
    /// How much more the next intent costs.
    pub(super) margin: f32,
}

impl Evidence {
    /// How likely it is that the caller said what the path says.
    pub(super) fn confidence(&self) -> f32 {
        let wrong = self.mistaken / (self.telling + 2.0);
        let missed = self.passed_over / (self.telling + self.passed_over + 1.0);
        let clear = (self.telling - self.mistaken).min(10.0);
        let odds = BASE + CLEAR * clear - WRONG * wrong - MISSED * missed;
        sigmoid(odds) * share_of_first(&[0.0, self.margin])
    }
}

const BASE: f32 = 1.5;
const CLEAR: f32 = 0.45;
const WRONG: f32 = 10.0;
const MISSED: f32 = 8.0;

/// How much a unit of cost tells: two paths that cost this much more or less differ by a factor of e.
const TEMPERATURE: f32 = 0.3;

/// The probability of the first of several ways to hear the same, by their costs.
pub(super) fn share_of_first(costs: &[f32]) -> f32 {
    let first = costs.first().copied().unwrap_or(0.0);
    1.0 / costs.iter().map(|cost| ((first - cost) / TEMPERATURE).exp()).sum::<f32>()
}

fn sigmoid(odds: f32) -> f32 {
    1.0 / (1.0 + (-odds).exp())
}
