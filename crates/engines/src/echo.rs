//! Whether what a caller's line brings is what we have said: our own voice, come back.
//!
//! ```
//! use audio::{FRAME, g711};
//! use engines::echo::{Echo, Verdict};
//!
//! // Something like a voice: no two stretches of it are alike.
//! let mut state = 1_u32;
//! let mut voice = std::iter::repeat_with(move || {
//!     state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
//!     (state >> 18) as i16 - 8_192
//! });
//! let said: Vec<i16> = voice.by_ref().take(80 * FRAME).collect();
//! let mut echo = Echo::default();
//! for n in 0..80 {
//!     let frame = |at: usize| said[at * FRAME..].first_chunk::<FRAME>().copied();
//!     let mut codes = [0; FRAME];
//!     g711::encode_ulaw(&frame(n).unwrap_or([0; FRAME]), &mut codes);
//!     echo.said(&codes);
//!     // 140 ms later and 20 dB softer it comes back.
//!     let back = n.checked_sub(7).and_then(frame).unwrap_or([0; FRAME]);
//!     echo.heard(&back.map(|sample| sample / 10));
//! }
//! assert_eq!(echo.judge(), Verdict::Echo);
//! ```
//!
//! The way of an echo is a delay and a loss, and some colour. So what is heard is correlated with all that was said in
//! the last 0.8 s, both with their spectra flattened, as vowels of different voices are too much alike otherwise. Once the
//! delay is known only its neighbourhood is searched, on less sound. A caller who speaks over the echo is not explained
//! by it.

use std::sync::{Arc, LazyLock};

use audio::{FRAME, g711};
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// The longest way of an echo: 800 ms.
const LONGEST: usize = 6_400;
/// What is heard, to find an echo whose way is not known: 128 ms.
const SEARCHED: usize = 1_024;
/// What is heard, to judge an echo whose way is known: 64 ms.
const CHECKED: usize = 512;
/// How far the way may have changed: our side sends in steps of 20 ms, and may have stopped and gone on.
const ASTRAY: usize = 176;
/// Correlation from which a stretch is an echo, where the way is not known and where it is.
const FOUND: f32 = 0.6;
const KNOWN: f32 = 0.45;
/// Of a signal that is nothing: mean square at full scale ±1.
const NOTHING: f32 = 1e-7;
/// A transform holds all that is searched.
const TRANSFORM: usize = 8_192;

/// What was heard last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Our own voice.
    Echo,
    /// Something else, or that and our voice.
    Else,
}

/// Hears one caller's line beside what we say on it.
#[derive(Debug, Clone)]
pub struct Echo {
    said: Trace,
    heard: Trace,
    /// The delay of the echo in samples, once there was one.
    way: Option<usize>,
}

/// The last samples of one side, flattened: oldest first, and never moved but when the room is full.
#[derive(Debug, Clone)]
struct Trace {
    keep: usize,
    samples: Vec<f32>,
    /// The last sample as it came.
    last: f32,
}

impl Default for Echo {
    fn default() -> Self {
        Self { said: Trace::new(LONGEST + SEARCHED), heard: Trace::new(SEARCHED), way: None }
    }
}

impl Echo {
    /// Takes the mu-law of a frame that is sent. Call it before [`heard`](Self::heard) with what comes in the same 20 ms.
    pub fn said(&mut self, codes: &[u8; FRAME]) {
        let mut samples = [0; FRAME];
        g711::decode_ulaw(codes, &mut samples);
        self.said.push(&samples);
    }

    /// Takes a frame of the caller's line.
    pub fn heard(&mut self, frame: &[i16; FRAME]) {
        self.heard.push(frame);
    }

    /// Judges what was heard last: 64 ms of it where the way of the echo is known, 128 ms where not.
    pub fn judge(&mut self) -> Verdict {
        if power(self.said.last(LONGEST + SEARCHED)) < NOTHING {
            return Verdict::Else;
        }
        if let Some(way) = self.way {
            let from = way.saturating_sub(ASTRAY);
            let (near, correlation) = self.near(from, (way + ASTRAY).min(LONGEST));
            if correlation >= KNOWN {
                self.way = Some(near);
                return Verdict::Echo;
            }
        }
        let (found, correlation) = self.anywhere();
        if correlation >= FOUND {
            self.way = Some(found);
            return Verdict::Echo;
        }
        Verdict::Else
    }

    /// The delay in `from..=to` at which heard and said are most alike, and how much.
    fn near(&self, from: usize, to: usize) -> (usize, f32) {
        let heard = self.heard.last(CHECKED);
        let said = self.said.last(CHECKED + to);
        let energy = energy(heard);
        let alike = |delay: usize| {
            let then = &said[to - delay..][..CHECKED];
            (delay, correlation(dot(heard, then), energy, self::energy(then)))
        };
        best((from..=to).map(alike))
    }

    /// The same for all delays, on a longer stretch.
    fn anywhere(&self) -> (usize, f32) {
        let heard = self.heard.last(SEARCHED);
        let said = self.said.last(LONGEST + SEARCHED);
        let energy = energy(heard);
        let products = correlate(heard, said);
        let mut then: f32 = self::energy(&said[..SEARCHED]);
        best((0..=LONGEST).map(|from| {
            let alike = (LONGEST - from, correlation(products[from], energy, then));
            if let Some(next) = said.get(from + SEARCHED) {
                then += next * next - said[from] * said[from];
            }
            alike
        }))
    }
}

impl Trace {
    fn new(keep: usize) -> Self {
        Self { keep, samples: vec![0.0; keep], last: 0.0 }
    }

    fn push(&mut self, frame: &[i16; FRAME]) {
        if self.samples.len() >= 2 * self.keep {
            self.samples.drain(..self.samples.len() - self.keep);
        }
        for sample in frame {
            let sample = f32::from(*sample) / 32_768.0;
            // Speech falls by 6 dB an octave; its difference does not.
            self.samples.push(sample - 0.95 * self.last);
            self.last = sample;
        }
    }

    fn last(&self, count: usize) -> &[f32] {
        &self.samples[self.samples.len() - count..]
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

fn energy(samples: &[f32]) -> f32 {
    dot(samples, samples)
}

fn power(samples: &[f32]) -> f32 {
    energy(samples) / samples.len() as f32
}

/// Either phase: a hybrid may turn the echo over.
fn correlation(product: f32, a: f32, b: f32) -> f32 {
    let floor = NOTHING * CHECKED as f32;
    if a < floor || b < floor { 0.0 } else { product.abs() / (a * b).sqrt() }
}

fn best(alike: impl Iterator<Item = (usize, f32)>) -> (usize, f32) {
    alike.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
}

struct Transforms {
    forward: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
}

static TRANSFORMS: LazyLock<Transforms> = LazyLock::new(|| {
    let mut planner = RealFftPlanner::new();
    Transforms {
        forward: planner.plan_fft_forward(TRANSFORM),
        back: planner.plan_fft_inverse(TRANSFORM),
    }
});

/// The products of `short` with each stretch of `long` as long as it, by the first sample of the stretch.
fn correlate(short: &[f32], long: &[f32]) -> Vec<f32> {
    let spectrum = |samples: &[f32]| {
        let mut padded = vec![0.0; TRANSFORM];
        padded[..samples.len()].copy_from_slice(samples);
        let mut spectrum = vec![Complex32::default(); TRANSFORM / 2 + 1];
        let done = TRANSFORMS.forward.process(&mut padded, &mut spectrum);
        debug_assert!(done.is_ok(), "the lengths are those of the plan");
        spectrum
    };
    let mut product = spectrum(long);
    for (product, short) in product.iter_mut().zip(spectrum(short)) {
        *product *= short.conj() / TRANSFORM as f32;
    }
    // Rounding leaves something in the two that must be real.
    product[0].im = 0.0;
    product[TRANSFORM / 2].im = 0.0;
    let mut products = vec![0.0; TRANSFORM];
    let done = TRANSFORMS.back.process(&mut product, &mut products);
    debug_assert!(done.is_ok(), "the lengths are those of the plan");
    products
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(name: &str) -> Vec<i16> {
        let path = format!("{}/../../assets/prompts/{name}.wav", env!("CARGO_MANIFEST_DIR"));
        audio::wav::read(&std::fs::read(path).unwrap()).unwrap()
    }

    fn call(name: &str) -> Vec<i16> {
        let path = format!("{}/../../assets/calls/{name}.wav", env!("CARGO_MANIFEST_DIR"));
        audio::wav::read(&std::fs::read(path).unwrap()).unwrap()
    }

    /// Judges each 32 ms of `heard` beside `said`; counts echoes and others among those that are loud.
    fn judged(said: &[i16], heard: &[i16]) -> (u32, u32) {
        let mut echo = Echo::default();
        let (mut echoes, mut others) = (0, 0);
        let frames = said.as_chunks::<FRAME>().0.iter().zip(heard.as_chunks::<FRAME>().0);
        for (n, (said, heard)) in frames.enumerate() {
            let mut codes = [0; FRAME];
            g711::encode_ulaw(said, &mut codes);
            echo.said(&codes);
            g711::encode_ulaw(heard, &mut codes);
            let mut heard = [0; FRAME];
            g711::decode_ulaw(&codes, &mut heard);
            echo.heard(&heard);
            let loud = audio::tone::level_dbfs(&heard) > -50.0;
            if n % 2 == 1 && loud && audio::tone::level_dbfs(said) > -40.0 {
                match echo.judge() {
                    Verdict::Echo => echoes += 1,
                    Verdict::Else => others += 1,
                }
            }
        }
        (echoes, others)
    }

    #[test]
    fn our_own_voice_is_known_at_any_delay_and_level_and_through_a_coloured_way() {
        let said = prompt("menu");
        for (delay, loss) in [(0, 2), (333, 4), (1_250, 8), (4_000, 3), (6_300, 6)] {
            let clear = |n: usize| n.checked_sub(delay).map_or(0, |n| said[n] / loss);
            let heard: Vec<i16> = (0..said.len()).map(clear).collect();
            let (echoes, others) = judged(&said, &heard);
            assert!(echoes > 20 && others * 8 <= echoes, "{delay}, {loss}: {echoes} and {others}");
            // A cabinet and a wall.
            let at = |n: usize| i32::from(clear(n));
            let coloured = (0..said.len()).map(|n| {
                let back = |by: usize| n.checked_sub(by).map_or(0, at);
                (back(0) / 2 - back(3) / 3 + back(9) / 4 + back(120) / 5) as i16
            });
            let (echoes, others) = judged(&said, &coloured.collect::<Vec<_>>());
            assert!(echoes > 10 && others * 3 <= echoes, "coloured {delay}: {echoes}, {others}");
        }
    }

    #[test]
    fn a_caller_is_no_echo_alone_and_over_one() {
        let said = prompt("menu");
        for name in ["long-winded-invoice", "maria-lopez", "forgotten-password", "open-on-saturday"]
        {
            let caller: Vec<i16> = call(name).into_iter().skip(8_000).chain([0; 80_000]).collect();
            let (echoes, others) = judged(&said, &caller[..said.len()]);
            assert!(others > 10 && echoes * 20 <= others, "{name}: {echoes} and {others}");
            let both = |n: usize| caller[n] + n.checked_sub(800).map_or(0, |n| said[n] / 10);
            let (echoes, others) = judged(&said, &(0..said.len()).map(both).collect::<Vec<_>>());
            assert!(others > 10, "{name} over an echo: {echoes} and {others}");
        }
    }

    #[test]
    fn products_are_those_that_are_summed_one_by_one() {
        let long: Vec<f32> =
            (0..LONGEST + SEARCHED).map(|n| ((n * n) % 97) as f32 / 97.0 - 0.5).collect();
        let short: Vec<f32> = (0..SEARCHED).map(|n| ((n * 31) % 89) as f32 / 89.0 - 0.5).collect();
        let products = correlate(&short, &long);
        for from in [0, 1, 777, LONGEST] {
            let expected = dot(&short, &long[from..][..SEARCHED]);
            assert!((products[from] - expected).abs() < 1e-2, "{from}");
        }
    }

    #[test]
    fn silence_on_either_side_is_no_echo() {
        let said = prompt("greeting");
        let silence = vec![0; said.len()];
        assert_eq!(judged(&said, &silence).0, 0);
        assert_eq!(Echo::default().judge(), Verdict::Else);
    }
}
