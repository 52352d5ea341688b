//! One half of the band: adaptive differential coding (ITU-T G.722, 3 and 4, with the names of its
//! blocks and variables in brackets).

use super::saturated;
use std::marker::PhantomData;

/// The state of one half: its predictor and the scale of its quantiser.
#[derive(Debug, Clone)]
pub(super) struct Band<K> {
    /// The predicted sample [S], and the part of it that the zeros make [SZ].
    predicted: i32,
    by_zeros: i32,
    /// The last two reconstructed samples [RLT], newest first.
    reconstructed: [i32; 2],
    /// The last two sums of difference and zeros [PLT], newest first.
    partial: [i32; 2],
    /// The coefficients of the two poles [AL].
    poles: [i32; 2],
    /// The last six differences [DLT], newest first.
    differences: [i32; 6],
    /// The coefficients of the six zeros [BL].
    zeros: [i32; 6],
    /// The scale's logarithm [NBL], and the scale [DETL].
    log_scale: i32,
    scale: i32,
    kind: PhantomData<K>,
}

/// What differs between the halves.
pub(super) trait Kind {
    /// The scale at rest.
    const FIRST_SCALE: i32;
    /// The largest logarithm of the scale.
    const MAX_LOG_SCALE: i32;
    /// What turns the logarithm's whole part into a shift.
    const SHIFT: i32;

    /// The code of a difference from the prediction [QUANTL].
    fn quantise(difference: i32, scale: i32) -> u8;

    /// The difference as both sides know it, in parts of the scale [INVQAL], by which prediction
    /// and scale follow.
    fn coarse(code: u8) -> i32;

    /// The difference as the listener gets it, in parts of the scale [INVQBL].
    fn fine(code: u8) -> i32;

    /// How a code moves the scale's logarithm [LOGSCL].
    fn scale_step(code: u8) -> i32;
}

/// 0 to 4 kHz, six bits.
#[derive(Debug, Clone)]
pub(super) struct Low;

/// 4 to 8 kHz, two bits.
#[derive(Debug, Clone)]
pub(super) struct High;

impl<K: Kind> Band<K> {
    pub(super) fn new() -> Band<K> {
        Band {
            predicted: 0,
            by_zeros: 0,
            reconstructed: [0; 2],
            partial: [0; 2],
            poles: [0; 2],
            differences: [0; 6],
            zeros: [0; 6],
            log_scale: 0,
            scale: K::FIRST_SCALE,
            kind: PhantomData,
        }
    }

    pub(super) fn encode(&mut self, sample: i32) -> u8 {
        let code = K::quantise(saturated(sample - self.predicted), self.scale);
        self.adapt(code);
        code
    }

    pub(super) fn decode(&mut self, code: u8) -> i32 {
        let difference = (self.scale * K::fine(code)) >> 15;
        let sample = (self.predicted + difference).clamp(-16_384, 16_383);
        self.adapt(code);
        sample
    }

    /// What encoder and decoder do alike after each code.
    fn adapt(&mut self, code: u8) {
        let difference = (self.scale * K::coarse(code)) >> 15;
        self.rescale(code);
        self.predict(difference);
    }

    fn rescale(&mut self, code: u8) {
        let log = ((self.log_scale * 127) >> 7) + K::scale_step(code);
        self.log_scale = log.clamp(0, K::MAX_LOG_SCALE);
        let fraction = POWERS[(self.log_scale >> 6 & 31) as usize];
        let shift = K::SHIFT - (self.log_scale >> 11);
        self.scale = if shift < 0 { fraction << -shift } else { fraction >> shift } << 2;
    }

    /// Moves every coefficient a little towards what would have predicted better, and predicts.
    fn predict(&mut self, difference: i32) {
        let partial = saturated(self.by_zeros + difference);
        let reconstructed = saturated(self.predicted + difference);
        self.move_poles(partial);
        let push = if difference == 0 { 0 } else { 128 };
        for (zero, earlier) in self.zeros.iter_mut().zip(&self.differences) {
            let step = if same_sign(*earlier, difference) { push } else { -push };
            *zero = saturated(step + ((*zero * 32_640) >> 15));
        }
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.reconstructed = [reconstructed, self.reconstructed[0]];
        self.partial = [partial, self.partial[0]];

        let product = |coefficient: &i32, value: &i32| (coefficient * saturated(2 * value)) >> 15;
        let by_poles: i32 =
            self.poles.iter().zip(&self.reconstructed).map(|(a, r)| product(a, r)).sum();
        let by_zeros: i32 =
            self.zeros.iter().zip(&self.differences).map(|(b, d)| product(b, d)).sum();
        self.by_zeros = saturated(by_zeros);
        self.predicted = saturated(saturated(by_poles) + self.by_zeros);
    }

    /// [UPPOL2] and [UPPOL1].
    fn move_poles(&mut self, partial: i32) {
        let [first, second] = self.poles;
        let like_last = same_sign(partial, self.partial[0]);
        let quadruple = saturated(first << 2);
        let pull = if like_last { (-quadruple).min(32_767) } else { quadruple };
        let step = if same_sign(partial, self.partial[1]) { 128 } else { -128 };
        let second = ((pull >> 7) + step + ((second * 32_512) >> 15)).clamp(-12_288, 12_288);
        let limit = saturated(15_360 - second);
        let step = if like_last { 192 } else { -192 };
        let first = saturated(step + ((first * 32_640) >> 15)).clamp(-limit, limit);
        self.poles = [first, second];
    }
}

/// Zero counts as positive.
fn same_sign(a: i32, b: i32) -> bool {
    (a < 0) == (b < 0)
}

/// Distance from the prediction; a negative one is one shorter than it looks.
fn magnitude(difference: i32) -> i32 {
    if difference < 0 { !difference } else { difference }
}

impl Kind for Low {
    const FIRST_SCALE: i32 = 32;
    const MAX_LOG_SCALE: i32 = 18_432;
    const SHIFT: i32 = 8;

    fn quantise(difference: i32, scale: i32) -> u8 {
        let magnitude = magnitude(difference);
        let above = |level: &&i32| magnitude >= (**level * scale) >> 12;
        let passed = LOW_LEVELS.iter().take_while(above).count() as u8;
        match (difference < 0, passed) {
            // Of the negative codes the two smallest stand apart.
            (true, 0..2) => 63 - passed,
            (true, _) => 33 - passed,
            (false, _) => 61 - passed,
        }
    }

    fn coarse(code: u8) -> i32 {
        LOW_COARSE[usize::from(code >> 2)]
    }

    fn fine(code: u8) -> i32 {
        LOW_FINE[usize::from(code)]
    }

    fn scale_step(code: u8) -> i32 {
        const STEPS: [i32; 16] =
            [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];
        STEPS[usize::from(code >> 2)]
    }
}

impl Kind for High {
    const FIRST_SCALE: i32 = 8;
    const MAX_LOG_SCALE: i32 = 22_528;
    const SHIFT: i32 = 10;

    fn quantise(difference: i32, scale: i32) -> u8 {
        let far = magnitude(difference) >= (564 * scale) >> 12;
        match (difference < 0, far) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        }
    }

    fn coarse(code: u8) -> i32 {
        [-7408, -1616, 7408, 1616][usize::from(code)]
    }

    fn fine(code: u8) -> i32 {
        High::coarse(code)
    }

    fn scale_step(code: u8) -> i32 {
        [798, -214, 798, -214][usize::from(code)]
    }
}

/// 2 to the power of n/32, times 2048 [ILB].
#[rustfmt::skip]
static POWERS: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
    2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

/// The decision levels of the lower half in parts of the scale [Q6].
#[rustfmt::skip]
static LOW_LEVELS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023,
    1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/// The differences of the four upper bits [QM4].
#[rustfmt::skip]
static LOW_COARSE: [i32; 16] = [
    0, -20456, -12896, -8968, -6288, -4240, -2584, -1200,
    20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
];

/// The differences of all six bits [QM6].
#[rustfmt::skip]
static LOW_FINE: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704,
    -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
    -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576,
    -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
    24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192,
    10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
    4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032,
    1688, 1360, 1040, 728, 432, 136, -432, -136,
];
