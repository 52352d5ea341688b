//! Coughs, made from noise: no two alike, and the same every time.

use audio::SAMPLE_RATE;

/// SplitMix64.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// From -1 to 1.
    fn noise(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let uniform = ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        2.0 * uniform - 1.0
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.noise() + 1.0) / 2.0
    }
}

/// A resonance of the throat.
struct Resonance {
    back: [f64; 2],
    weights: [f64; 2],
    gain: f64,
}

impl Resonance {
    fn new(hertz: f64, width: f64) -> Self {
        let rate = f64::from(SAMPLE_RATE);
        let radius = (-std::f64::consts::PI * width / rate).exp();
        let weights =
            [2.0 * radius * (std::f64::consts::TAU * hertz / rate).cos(), -radius * radius];
        Self { back: [0.0; 2], weights, gain: 1.0 - radius }
    }

    fn pass(&mut self, sample: f64) -> f64 {
        let out =
            self.gain * sample + self.weights[0] * self.back[0] + self.weights[1] * self.back[1];
        self.back = [out, self.back[0]];
        out
    }
}

/// One to three coughs in a row: a burst, breath that dies away, and in half of them a rough voiced end.
pub(super) fn cough(seed: u64) -> Vec<i16> {
    let mut dice = Dice(seed << 20);
    let level = dice.between(2_000.0, 16_000.0);
    let rate = f64::from(SAMPLE_RATE);
    let mut samples = Vec::new();
    for _ in 0..1 + seed % 3 {
        let (burst, breath) = (dice.between(0.02, 0.06), dice.between(0.08, 0.25));
        let voiced = if seed.is_multiple_of(2) { 0.0 } else { dice.between(0.05, 0.12) };
        let pitch = dice.between(110.0, 320.0);
        let mut throat = [
            Resonance::new(dice.between(350.0, 800.0), 150.0),
            Resonance::new(dice.between(1_000.0, 1_800.0), 250.0),
            Resonance::new(dice.between(2_200.0, 3_200.0), 500.0),
        ];
        let length = burst + breath + voiced;
        let mut phase = 0.0;
        let one: Vec<f64> = (0..(length * rate) as usize)
            .map(|n| {
                let time = n as f64 / rate;
                // The glottis flutters.
                phase = (phase + pitch * (1.0 + 0.1 * dice.noise()) / rate) % 1.0;
                let pulse = if phase < 0.1 { 4.0 } else { 0.0 };
                let source = if time < burst {
                    dice.noise() * (time / 0.004).min(1.0)
                } else if time < burst + breath {
                    dice.noise() * 0.6 * (-(time - burst) / (0.4 * breath)).exp()
                } else {
                    let end = (length - time) / voiced;
                    (0.25 * dice.noise() + 0.3 * pulse) * end
                };
                throat.iter_mut().map(|resonance| resonance.pass(source)).sum::<f64>()
                    + 0.1 * source
            })
            .collect();
        let peak = one.iter().fold(1e-9_f64, |peak, sample| peak.max(sample.abs()));
        samples.extend(one.iter().map(|sample| (level * sample / peak) as i16));
        samples.extend(vec![0; (dice.between(0.1, 0.3) * rate) as usize]);
    }
    samples
}

/// Hiss at this root mean square.
pub(super) fn hiss(rms: f64, length: usize, seed: u64) -> Vec<i16> {
    let mut dice = Dice(seed);
    (0..length).map(|_| (rms * 3.0_f64.sqrt() * dice.noise()) as i16).collect()
}
