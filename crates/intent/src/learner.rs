//! The linear model: multinomial logistic regression over sparse vectors.

use crate::features::Vector;

/// Scores every class by a weighted sum of a vector's features.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    classes: usize,
    /// A row of `classes` weights a feature.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// A training example.
pub(crate) struct Example {
    pub(crate) vector: Vector,
    pub(crate) class: usize,
    /// How much it counts beside others; 1 is usual.
    pub(crate) importance: f32,
}

impl Linear {
    /// Learns by stochastic gradient descent with a rate for each feature that falls as the feature
    /// is used (AdaGrad: Duchi, Hazan and Singer, 2011), in an order shuffled from a fixed seed.
    pub(crate) fn learn(examples: &[Example], features: usize, classes: usize) -> Linear {
        let mut model =
            Linear { classes, weights: vec![0.0; features * classes], bias: vec![0.0; classes] };
        let mut used = vec![1e-6_f32; features];
        let mut order: Vec<&Example> = examples.iter().collect();
        let mut random = Random::new(1);
        let averaged = if examples.len() > PLENTY { AVERAGED } else { 1 };
        let mut sum = vec![0.0; model.weights.len()];
        for pass in 0..PASSES {
            random.shuffle(&mut order);
            for example in &order {
                model.step(example, &mut used);
            }
            if pass >= PASSES - averaged {
                sum.iter_mut().zip(&model.weights).for_each(|(sum, weight)| *sum += weight);
            }
        }
        for (weight, sum) in model.weights.iter_mut().zip(sum) {
            *weight = sum / averaged as f32;
        }
        model
    }

    /// The score of every class, on an unbounded scale.
    pub(crate) fn scores(&self, vector: &[(u32, f32)]) -> Vec<f32> {
        let mut scores = self.bias.clone();
        for &(feature, value) in vector {
            let row = &self.weights[feature as usize * self.classes..][..self.classes];
            for (score, weight) in scores.iter_mut().zip(row) {
                *score += value * weight;
            }
        }
        scores
    }

    fn step(&mut self, example: &Example, used: &mut [f32]) {
        let mut slope = softmax(&self.scores(&example.vector));
        slope[example.class] -= 1.0;
        // With many intents nearly all slopes are next to nothing: leaving them out saves the time.
        let steep: Vec<(usize, f32)> = slope
            .iter()
            .map(|slope| slope * example.importance)
            .enumerate()
            .filter(|(_, slope)| slope.abs() > NEGLIGIBLE)
            .collect();
        let size: f32 = steep.iter().map(|(_, slope)| slope * slope).sum();
        if size == 0.0 {
            return;
        }
        for &(feature, value) in &example.vector {
            let feature = feature as usize;
            used[feature] += size * value * value;
            let rate = RATE * value / used[feature].sqrt();
            let row = &mut self.weights[feature * self.classes..][..self.classes];
            for &(class, slope) in &steep {
                row[class] -= rate * slope;
            }
        }
        for (class, slope) in steep {
            self.bias[class] -= BIAS_RATE * slope;
        }
    }
}

/// Shares of a whole, from scores.
pub(crate) fn softmax(scores: &[f32]) -> Vec<f32> {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let raised: Vec<f32> = scores.iter().map(|score| (score - top).exp()).collect();
    let sum: f32 = raised.iter().sum();
    raised.into_iter().map(|share| share / sum).collect()
}

const PASSES: usize = 12;
/// Of many examples, some contradict each other, and the weights never come to rest: their average
/// over the last passes (Polyak and Juditsky, 1992) is what is kept. A handful needs the last word.
const AVERAGED: usize = 8;
const PLENTY: usize = 4000;
const RATE: f32 = 0.5;
/// Slow, so that how many phrases an intent has says little about how often it is wanted.
const BIAS_RATE: f32 = 0.02;
const NEGLIGIBLE: f32 = 1e-3;

/// Knuth's MMIX linear congruential generator, for learning only: the same numbers in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.next() as usize % (at + 1));
        }
    }

    /// A number from 0 to 1, evenly.
    pub(crate) fn share(&mut self) -> f32 {
        self.next() as f32 / (1_u64 << 31) as f32
    }

    /// 31 bits.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(features: &[u32], class: usize) -> Example {
        Example { vector: features.iter().map(|&f| (f, 1.0)).collect(), class, importance: 1.0 }
    }

    #[test]
    fn it_learns_which_features_belong_to_which_class() {
        let examples = [example(&[0, 1], 0), example(&[0, 2], 1), example(&[0, 3], 2)];
        let model = Linear::learn(&examples, 4, 3);
        for (class, feature) in [(0, 1), (1, 2), (2, 3)] {
            assert!(softmax(&model.scores(&[(feature, 1.0)]))[class] > 0.6);
        }
        let undecided = softmax(&model.scores(&[(0, 1.0)]));
        assert!(undecided.iter().all(|share| (0.2..0.5).contains(share)), "{undecided:?}");
    }

    #[test]
    fn learning_twice_gives_the_same_weights() {
        let examples = [example(&[0, 1], 0), example(&[1, 2], 1), example(&[2, 0], 1)];
        let learn = || Linear::learn(&examples, 3, 2).weights;
        assert_eq!(learn(), learn());
    }

    #[test]
    fn shares_are_of_a_whole_even_for_huge_scores() {
        let shares = softmax(&[1e4, 1e4 - 1.0, -1e4]);
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6 && shares[0] > shares[1]);
    }
}
