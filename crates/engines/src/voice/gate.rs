//! Which windows need no judging.

use crate::recognizer::WINDOW;

/// Mean square, at full scale ±1, below which a window is silence whatever came before: −78 dB, less
/// than one step of mu-law around zero.
const NOTHING: f32 = 1.5e-8;
/// A window is like the silence before it if their energies are no further apart than this.
const ALIKE: f32 = 1.6;
/// Windows that must be judged silent in a row before any is let go unjudged: 320 ms.
const SETTLE: u8 = 10;
/// Of windows that are like silence, one in this many is judged nevertheless.
const CHECK: u8 = 16;
/// A probability of speech from here on leaves no doubt that listening must go on.
const DOUBT: f32 = 0.1;
/// Share of the newest window in the level of silence.
const LEARN: f32 = 0.15;

/// Lets through what may be speech.
///
/// It does not know what speech sounds like, only whether anything has changed: once the network
/// has called ten windows in a row silence, further ones as loud as those (give or take 2 dB) are silence too. Louder or
/// softer ones are judged, and so is one in sixteen of the others. So what the network
/// would have heard, however soft, is kept from it only where it cannot be told from the noise before
/// it by level, and then for half a second at most.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// Mean energy of what was judged silent; 0 before anything was.
    level: f32,
    /// Windows judged silent in a row, up to `SETTLE`.
    silent: u8,
    /// Windows let go since the last one that was judged.
    unjudged: u8,
}

impl Gate {
    /// Whether the window needs no judging. If it does, tell [`judged`](Self::judged) the answer before
    /// the next window.
    pub fn is_silence(&mut self, window: &[f32; WINDOW]) -> bool {
        let energy = energy(window);
        let alike =
            energy < NOTHING || (self.level / ALIKE <= energy && energy <= self.level * ALIKE);
        if self.silent < SETTLE || !alike || self.unjudged >= CHECK - 1 {
            return false;
        }
        self.unjudged += 1;
        self.learn(energy);
        true
    }

    /// Takes the probability of speech that a window was given.
    pub fn judged(&mut self, window: &[f32; WINDOW], speech: f32) {
        self.unjudged = 0;
        if speech >= DOUBT {
            self.silent = 0;
            return;
        }
        self.silent = (self.silent + 1).min(SETTLE);
        self.learn(energy(window));
    }

    fn learn(&mut self, energy: f32) {
        let share = if self.level == 0.0 { 1.0 } else { LEARN };
        self.level += share * (energy - self.level);
    }
}

/// Mean square.
fn energy(window: &[f32; WINDOW]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    for samples in window.as_chunks::<LANES>().0 {
        for (sum, sample) in sums.iter_mut().zip(samples) {
            *sum += sample * sample;
        }
    }
    sums.iter().sum::<f32>() / WINDOW as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENT: f32 = 0.02;
    const SPEECH: f32 = 0.9;

    /// White noise of this mean square (SplitMix64, so that it is the same every time).
    fn noise(power: f32, seed: u64) -> [f32; WINDOW] {
        let mut state = seed << 32;
        std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let uniform = ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1 << 24) as f32;
            (2.0 * uniform - 1.0) * (3.0 * power).sqrt()
        })
    }

    /// Shows the gate a window, with the network's opinion in case it asks. Whether it did.
    fn asks(gate: &mut Gate, window: &[f32; WINDOW], speech: f32) -> bool {
        let asks = !gate.is_silence(window);
        if asks {
            gate.judged(window, speech);
        }
        asks
    }

    #[test]
    fn steady_noise_is_let_go_but_for_one_window_in_sixteen() {
        for power in [0.0, 1e-7, 1e-5, 1e-3] {
            let mut gate = Gate::default();
            let asked: Vec<_> =
                (0..330).map(|n| asks(&mut gate, &noise(power, n), SILENT)).collect();
            assert_eq!(asked[..10], [true; 10], "until it is known");
            let settled = asked[10..].iter().filter(|asked| **asked).count();
            assert_eq!(settled, 20, "of 320 windows at {power}");
        }
    }

    #[test]
    fn noise_that_the_network_calls_speech_is_always_judged() {
        let mut gate = Gate::default();
        assert!((0..200).all(|n| asks(&mut gate, &noise(1e-4, n), SPEECH)));
    }

    #[test]
    fn what_grows_louder_or_softer_is_judged_at_once() {
        for change in [2.0, 0.4] {
            let mut gate = Gate::default();
            for n in 0..40 {
                asks(&mut gate, &noise(1e-4, n), SILENT);
            }
            assert!(asks(&mut gate, &noise(change * 1e-4, 50), SILENT), "times {change}");
        }
    }

    #[test]
    fn a_failed_judgement_teaches_nothing() {
        let mut gate = Gate::default();
        assert!((0..50).all(|n| !gate.is_silence(&noise(1e-4, n))));
    }

    /// A caller of the samples, with the power of the clean speech in each window.
    fn caller(gain: f32, noise_power: f32) -> (Vec<[f32; WINDOW]>, Vec<f32>) {
        let wav = include_bytes!("../../../../assets/calls/long-winded-invoice.wav");
        let samples = audio::wav::read(wav).unwrap();
        let clean = samples.as_chunks::<WINDOW>().0.iter();
        let clean: Vec<_> =
            clean.map(|window| window.map(|sample| gain * f32::from(sample) / 32_768.0)).collect();
        let powers = clean.iter().map(energy).collect();
        let add = |(n, speech): (usize, &[f32; WINDOW])| {
            let noise = noise(noise_power, n as u64);
            std::array::from_fn(|n| speech[n] + noise[n])
        };
        (clean.iter().enumerate().map(add).collect(), powers)
    }

    #[test]
    fn speech_that_stands_out_by_3_db_is_never_let_go_however_soft() {
        let mut let_go = 0;
        // As it is, and 20 dB softer; on a good line, and in noise.
        for (gain, noise_power) in [(1.0, 1e-6), (0.1, 1e-7), (1.0, 1e-3), (0.1, 1e-5)] {
            let (windows, speech) = caller(gain, noise_power);
            // The recording has a floor of its own; nobody speaks in its first windows.
            let floor = noise_power + speech[..20].iter().copied().fold(0.0, f32::max);
            let mut gate = Gate::default();
            for (n, (window, power)) in windows.iter().zip(&speech).enumerate() {
                // A network that hears only what stands out: the gate must not rely on more.
                let heard = if *power > 4.0 * floor { SPEECH } else { SILENT };
                let asked = asks(&mut gate, window, heard);
                assert!(asked || *power < 2.0 * floor, "window {n} at {gain} in {noise_power}");
                let_go += usize::from(!asked);
            }
        }
        assert!(let_go > 0, "a gate that is always open proves nothing");
    }
}
