//! A few frequencies at a time, under a window.
//!
//! Between two windows a short step apart a tone turns its phase by its own frequency. So the phase
//! tells how far a tone lies beside the frequency that is looked for, to a fraction of a hertz,
//! where the width of the window alone would tell 50.

use crate::{SAMPLE_RATE, resample::Sample as _, vector};
use std::f32::consts::TAU;

/// Samples under the window: 20 ms, so that a tone and its neighbour 100 Hz away do not mix.
pub(super) const WINDOW: usize = 160;

/// Samples from one window to the next: 5 ms. The phase is unambiguous up to 100 Hz beside.
pub(super) const STEP: usize = 40;

/// Hz that a whole turn from one window to the next stands for.
const HZ_A_TURN: f32 = SAMPLE_RATE as f32 / STEP as f32;

/// Hz between two frequencies of which the window fits one more period of the one than of the other.
const HZ_A_BIN: f32 = SAMPLE_RATE as f32 / WINDOW as f32;

/// Correlates with `N` frequencies under a Hann window, which keeps the other tone of a pair and
/// the speech around it out of each: 2 KiB a frequency.
#[derive(Debug, Clone)]
pub(super) struct Bank<const N: usize> {
    hz: [f32; N],
    cosines: [[f32; N]; WINDOW],
    sines: [[f32; N]; WINDOW],
    /// The window's squares.
    squares: [f32; WINDOW],
}

/// What each frequency has in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bins<const N: usize> {
    re: [f32; N],
    im: [f32; N],
}

/// A tone near the frequency that was looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tone {
    /// How far beside, in Hz.
    pub(super) off_hz: f32,
    /// Its part of the window's energy (see [`Bank::energy`]).
    pub(super) energy: f32,
}

impl<const N: usize> Bank<N> {
    pub(super) fn new(hz: [f32; N]) -> Bank<N> {
        let wave = |n: usize, hz: f32, shift: f64| {
            let angle = f64::from(hz) * n as f64 / f64::from(SAMPLE_RATE) + shift;
            window(n) * (TAU * angle.fract() as f32).cos()
        };
        let table = |shift| std::array::from_fn(|n| hz.map(|hz| wave(n, hz, shift)));
        let squares = std::array::from_fn(|n| window(n).powi(2));
        Bank { hz, cosines: table(0.0), sines: table(0.25), squares }
    }

    /// All frequencies in one window.
    pub(super) fn bins(&self, samples: &[f32; WINDOW]) -> Bins<N> {
        vector::run(correlate, (self, samples))
    }

    /// The energy under the window, all frequencies together: for a tone of amplitude 1 it is
    /// [`TONE_ENERGY`].
    pub(super) fn energy(&self, samples: &[f32; WINDOW]) -> f32 {
        let mut sums = [0.0; LANES];
        let chunks = samples.as_chunks::<LANES>().0.iter().zip(self.squares.as_chunks::<LANES>().0);
        for (samples, squares) in chunks {
            for lane in 0..LANES {
                sums[lane] += squares[lane] * samples[lane] * samples[lane];
            }
        }
        sums.iter().sum()
    }

    /// The tone near frequency number `index`, from its bins in two windows a [`STEP`] apart.
    pub(super) fn tone(&self, index: usize, before: &Bins<N>, now: &Bins<N>) -> Tone {
        let (re0, im0, re, im) = (before.re[index], before.im[index], now.re[index], now.im[index]);
        let (re, im) = (re * re0 + im * im0, im * re0 - re * im0);
        let turns = im.atan2(re) / TAU - self.hz[index] / HZ_A_TURN;
        let off_hz = (turns - turns.round()) * HZ_A_TURN;
        // What the window takes from a tone beside the frequency is known.
        let kept = hann_response(off_hz / HZ_A_BIN).max(0.1);
        let amplitude = 2.0 * now.power(index).sqrt() / (WINDOW_SUM * kept);
        Tone { off_hz, energy: amplitude.powi(2) * TONE_ENERGY }
    }
}

impl<const N: usize> Bins<N> {
    /// As in silence.
    pub(super) const NONE: Bins<N> = Bins { re: [0.0; N], im: [0.0; N] };

    /// The power of frequency number `index`, comparable with the others.
    pub(super) fn power(&self, index: usize) -> f32 {
        self.re[index] * self.re[index] + self.im[index] * self.im[index]
    }
}

const WINDOW_SUM: f32 = WINDOW as f32 / 2.0;

/// The energy under the window of a tone of amplitude 1.
pub(super) const TONE_ENERGY: f32 = 0.5 * WINDOW as f32 * 3.0 / 8.0;

fn window(n: usize) -> f32 {
    0.5 - 0.5 * (TAU * n as f32 / WINDOW as f32).cos()
}

/// How much of a tone's amplitude is left that lies so many bins beside the frequency.
fn hann_response(bins: f32) -> f32 {
    let x = std::f32::consts::PI * bins;
    // Both are limits: nothing lost in the middle, half of it a bin away.
    if bins.abs() < 1e-3 {
        1.0
    } else if (bins.abs() - 1.0).abs() < 1e-3 {
        0.5
    } else {
        x.sin() / x / (1.0 - bins * bins)
    }
}

#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "three tables in step are plainer by index")]
fn correlate<const N: usize>((bank, samples): (&Bank<N>, &[f32; WINDOW])) -> Bins<N> {
    let (mut re, mut im) = ([0.0; N], [0.0; N]);
    for n in 0..WINDOW {
        for index in 0..N {
            re[index] += samples[n] * bank.cosines[n][index];
            im[index] += samples[n] * bank.sines[n][index];
        }
    }
    Bins { re, im }
}

/// Cuts a stream into windows, each a [`STEP`] after the one before.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    /// The last samples, of which `filled` are there.
    recent: [f32; WINDOW],
    filled: usize,
    /// The stream's samples up to the last of `recent`.
    position: u64,
}

impl Windows {
    /// Before the stream there was silence.
    pub(super) fn new() -> Windows {
        Windows { recent: [0.0; WINDOW], filled: WINDOW - STEP, position: 0 }
    }

    /// Takes the next samples; gives each window that they complete, and where it ends.
    pub(super) fn push(&mut self, samples: &[i16], mut each: impl FnMut(&[f32; WINDOW], u64)) {
        let mut samples = samples;
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(WINDOW - self.filled));
            for (to, sample) in self.recent[self.filled..].iter_mut().zip(now) {
                *to = sample.to_f32();
            }
            self.filled += now.len();
            self.position += now.len() as u64;
            samples = later;
            if self.filled == WINDOW {
                each(&self.recent, self.position);
                self.recent.copy_within(STEP.., 0);
                self.filled -= STEP;
            }
        }
    }
}

const LANES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::Sine;

    fn windows(hz: f64, dbfs: f64) -> Vec<[f32; WINDOW]> {
        let mut samples = [0; 400];
        Sine::new(hz, dbfs).fill(&mut samples);
        let mut all = Vec::new();
        Windows::new().push(&samples, |window, _| all.push(*window));
        all
    }

    #[test]
    fn a_tone_beside_the_frequency_is_measured() {
        let bank = Bank::new([1000.0, 1300.0]);
        for off in [-60.0, -25.0, -3.0, 0.0, 10.0, 40.0] {
            let windows = windows(1000.0 + off, -20.0);
            let [before, now] = [5, 6].map(|n| bank.bins(&windows[n]));
            let tone = bank.tone(0, &before, &now);
            assert!((f64::from(tone.off_hz) - off).abs() < 0.2, "{off}: {}", tone.off_hz);
            let share = tone.energy / bank.energy(&windows[6]);
            assert!((share - 1.0).abs() < 0.01, "{off} Hz beside: {share} of the energy");
            assert!((tone.energy / TONE_ENERGY / 0.01 - 1.0).abs() < 0.01, "-20 dBFS");
            assert!(bank.tone(1, &before, &now).energy < 0.001 * tone.energy);
        }
    }

    #[test]
    fn windows_do_not_depend_on_the_pieces() {
        let mut samples = [0; 1000];
        Sine::new(333.0, -3.0).fill(&mut samples);
        let mut whole = Vec::new();
        Windows::new().push(&samples, |window, end| whole.push((*window, end)));
        assert_eq!(whole.len(), 25);
        assert_eq!(whole[3].1, 160);
        for size in [1, 39, 40, 41, 160, 161, 500] {
            let (mut windows, mut parts) = (Windows::new(), Vec::new());
            for piece in samples.chunks(size) {
                windows.push(piece, |window, end| parts.push((*window, end)));
            }
            assert!(parts == whole, "pieces of {size}");
        }
    }

    #[test]
    fn both_forms_of_the_kernel_agree_to_the_bit() {
        let bank = Bank::new([697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0]);
        for window in windows(780.0, -6.0) {
            assert_eq!(bank.bins(&window), correlate((&bank, &window)));
        }
    }
}
