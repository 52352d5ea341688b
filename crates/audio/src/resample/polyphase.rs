//! Between any two of the usual rates, as a stream.
//!
//! The ratio is a fraction of whole numbers, and so is the place of each output sample between two
//! input samples: it is counted, never accumulated, and cannot drift. For each of the places that
//! occur there is one row of filter taps. The rows of a pair of rates are made once a process and
//! shared.

use super::Sample;
use crate::vector;
use std::{f64::consts::PI, sync::OnceLock};
use thiserror::Error;

/// The rates in Hz between which a [`Resampler`] converts: those of telephony, of sound files and
/// of speech synthesis.
pub const RATES: [u32; 10] =
    [8000, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];

/// A rate that has no fixed filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "no stream from {from} Hz to {to} Hz: the rates are {RATES:?} Hz; a whole recording of any \
     other rate can be converted with `to_rate`"
)]
pub struct RatioError {
    /// Samples a second that there are.
    pub from: u32,
    /// Samples a second that are wanted.
    pub to: u32,
}

/// Converts a stream from one of the [`RATES`] to another.
///
/// What both rates can carry with room for a filter, up to 42.5 % of the lower one (3.4 kHz of
/// 8 kHz), passes within 0.01 dB. Images and aliases of anything, where they would fall into that
/// band, are below -68 dB. Sound keeps its place: output sample 0 is at the time of input sample 0.
/// To see that far ahead the filter holds back [`Resampler::held_back`] input samples, about 2 ms.
///
/// Allocates only when made. State takes 1.5 KiB at most between rates up to 48 kHz.
#[derive(Debug, Clone)]
pub struct Resampler {
    filter: &'static Filter,
    /// The last samples before the next block, and room for a block.
    window: Box<[f32]>,
    place: Place,
}

impl Resampler {
    /// A filter at rest.
    ///
    /// # Errors
    /// [`RatioError`] when a rate is not one of [`RATES`].
    pub fn new(from: u32, to: u32) -> Result<Resampler, RatioError> {
        let filter = Filter::between(from, to).ok_or(RatioError { from, to })?;
        let window = vec![0.0; filter.width - 1 + BLOCK].into();
        Ok(Resampler { filter, window, place: filter.first_place() })
    }

    /// Appends the samples that `samples` complete: after n in all, as many as lie before the n-th
    /// less what is [held back](Resampler::held_back).
    pub fn process<I: Sample, O: Sample>(&mut self, samples: &[I], out: &mut Vec<O>) {
        for block in samples.chunks(BLOCK) {
            let mut after = self.place;
            let count = after.pass(block.len(), self.filter);
            let end = out.len();
            out.resize(end + count, O::default());
            let window: &mut [f32] = &mut self.window;
            vector::run(filter_block, (self.filter, self.place, window, block, &mut out[end..]));
            self.place = after;
        }
    }

    /// Ends the stream: appends what was held back, so that n input samples have become
    /// n * `to` / `from`, rounded up. Afterwards the filter is at rest again.
    pub fn finish<O: Sample>(&mut self, out: &mut Vec<O>) {
        let silence = [0.0_f32; BLOCK];
        let mut left = self.held_back();
        while left > 0 {
            let count = left.min(BLOCK);
            self.process(&silence[..count], out);
            left -= count;
        }
        self.window.fill(0.0);
        self.place = self.filter.first_place();
    }

    /// Input samples that must follow one before its sound is complete.
    pub fn held_back(&self) -> usize {
        self.filter.width / 2
    }
}

/// Input samples taken at a time.
const BLOCK: usize = 128;

/// Where the next output sample lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Input samples still to come before it can be computed, beyond the next one.
    wait: usize,
    /// How far it lies beyond an input sample, in parts of [`Filter::rows`].
    row: usize,
}

impl Place {
    /// Steps over `inputs` input samples; returns how many output samples they complete.
    #[inline(always)]
    fn pass(&mut self, inputs: usize, filter: &Filter) -> usize {
        let mut outputs = 0;
        while self.wait < inputs {
            self.step(filter);
            outputs += 1;
        }
        self.wait -= inputs;
        outputs
    }

    /// On to the next output sample.
    #[inline(always)]
    fn step(&mut self, filter: &Filter) {
        self.row += filter.rest;
        self.wait += filter.whole;
        if self.row >= filter.rows {
            self.row -= filter.rows;
            self.wait += 1;
        }
    }
}

/// `window` is the past and room for `block`, `out` exactly as long as `block` completes samples.
#[inline(always)]
fn filter_block<I: Sample, O: Sample>(
    (filter, mut place, window, block, out): (&Filter, Place, &mut [f32], &[I], &mut [O]),
) {
    let past = filter.width - 1;
    for (to, sample) in window[past..].iter_mut().zip(block) {
        *to = sample.to_f32();
    }
    for out in out {
        let taps = &filter.taps[place.row * filter.width..][..filter.width];
        *out = O::from_f32(dot(taps, &window[place.wait..][..filter.width]));
        place.step(filter);
    }
    window.copy_within(block.len()..block.len() + past, 0);
}

#[inline(always)]
fn dot(taps: &[f32], samples: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let (taps, samples) = (taps.as_chunks::<LANES>().0, samples.as_chunks::<LANES>().0);
    for (taps, samples) in taps.iter().zip(samples) {
        for lane in 0..LANES {
            sums[lane] += taps[lane] * samples[lane];
        }
    }
    sums.iter().sum()
}

/// Sums kept side by side: one wide register. More would cost more to add up in the end.
const LANES: usize = 8;

/// What a pair of rates needs.
#[derive(Debug)]
struct Filter {
    /// Places between two input samples at which an output sample can lie.
    rows: usize,
    /// Input samples from one output sample to the next: the whole ones, and the rest in `rows`.
    whole: usize,
    rest: usize,
    /// Taps a row, a multiple of [`LANES`].
    width: usize,
    /// Row after row, for the oldest sample first.
    taps: Box<[f32]>,
}

impl Filter {
    /// The shared filter of two of the [`RATES`].
    fn between(from: u32, to: u32) -> Option<&'static Filter> {
        static FILTERS: [[OnceLock<Filter>; RATES.len()]; RATES.len()] =
            [const { [const { OnceLock::new() }; RATES.len()] }; RATES.len()];
        let index = |wanted| RATES.iter().position(|rate| *rate == wanted);
        Some(FILTERS[index(from)?][index(to)?].get_or_init(|| Filter::new(from, to)))
    }

    /// A sinc that ends at half the lower rate, under a Kaiser window as long as its rejection
    /// takes.
    fn new(from: u32, to: u32) -> Filter {
        let common = gcd(from, to);
        let (rows, step) = ((to / common) as usize, (from / common) as usize);
        let lower = f64::from(from.min(to));
        // Kaiser's estimate of the length, in input samples.
        let transition = 2.0 * (0.5 - PASS) * lower / f64::from(from);
        let length = (REJECTION_DB - 7.95) / (14.36 * transition);
        let width = (length as usize + 1).next_multiple_of(LANES);
        let shape = 0.1102 * (REJECTION_DB - 8.7);
        let half = (width / 2) as f64;
        let cutoff = lower / f64::from(from);
        let tap = |at: f64| {
            let window = bessel_i0(shape * (1.0 - (at / half).powi(2)).max(0.0).sqrt());
            cutoff * sinc(PI * cutoff * at) * window / bessel_i0(shape)
        };
        let taps = (0..rows).flat_map(|row| {
            let beyond = row as f64 / rows as f64;
            // The middle of the window is the input sample that the output sample follows.
            let row: Vec<f64> = (0..width).map(|n| tap(half - 1.0 - n as f64 + beyond)).collect();
            // Without this each row would have a gain of its own, which sounds as an image.
            let sum: f64 = row.iter().sum();
            row.into_iter().map(move |tap| (tap / sum) as f32)
        });
        Filter { rows, whole: step / rows, rest: step % rows, width, taps: taps.collect() }
    }

    /// The first output sample lies on the first input sample, with half a window after it.
    fn first_place(&self) -> Place {
        Place { wait: self.width / 2, row: 0 }
    }
}

/// The end of the pass band, in parts of the lower rate. The stop band begins as far beyond half
/// that rate: what folds back from between the two stays out of the pass band.
const PASS: f64 = 0.425;

const REJECTION_DB: f64 = 72.0;

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// The modified Bessel function of the first kind and order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::super::bench_tones::{AMPLITUDE, level, residue, tone};
    use super::*;
    use std::f64::consts::TAU;

    /// From what engines speak at down to the telephone, and up to what some want to hear.
    const PAIRS: [(u32, u32); 12] = [
        (22_050, 8000),
        (24_000, 8000),
        (44_100, 8000),
        (48_000, 8000),
        (22_050, 16_000),
        (24_000, 16_000),
        (44_100, 16_000),
        (48_000, 16_000),
        (8000, 24_000),
        (8000, 48_000),
        (16_000, 24_000),
        (16_000, 48_000),
    ];

    fn converted(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
        let mut resampler = Resampler::new(from, to).unwrap();
        let mut out = Vec::new();
        resampler.process(samples, &mut out);
        resampler.finish(&mut out);
        out
    }

    /// A fifth of a second from the middle, without the ends.
    fn steady(samples: &[f32], rate: u32) -> &[f32] {
        let fifth = rate as usize / 5;
        &samples[fifth..2 * fifth]
    }

    #[test]
    fn tones_keep_their_level_and_bring_nothing_along() {
        for (from, to) in PAIRS {
            let edge = PASS * f64::from(from.min(to));
            for hz in (1..10).map(|n| (edge * f64::from(n) / 9.0 / 50.0).floor() * 50.0) {
                let out = converted(&tone(hz, from, from as usize * 3 / 5), from, to);
                let steady = steady(&out, to);
                let (gain, rest) = (level(steady, hz, to), residue(steady, hz, to));
                assert!(gain.abs() < 0.01, "{from} to {to}: {hz} Hz passes with {gain:.3} dB");
                assert!(rest < -68.0, "{from} to {to}: beside {hz} Hz stands {rest:.1} dB");
            }
        }
    }

    #[test]
    fn what_is_too_high_does_not_fold_into_the_pass_band() {
        for (from, to) in PAIRS.into_iter().filter(|(from, to)| from > to) {
            let begin = (1.0 - PASS) * f64::from(to);
            let step = (f64::from(from) / 2.0 - begin) / 13.0;
            for hz in (0..13).map(|n| ((begin + step * f64::from(n)) / 50.0).ceil() * 50.0) {
                let out = converted(&tone(hz, from, from as usize * 3 / 5), from, to);
                let alias = residue(steady(&out, to), 0.0, to);
                assert!(alias < -68.0, "{from} to {to}: {hz} Hz leaks at {alias:.1} dB");
            }
        }
    }

    #[test]
    fn sound_keeps_its_place_and_its_length() {
        for (from, to) in PAIRS {
            for count in [1, 2, 159, 441, 1000, from as usize / 3] {
                let out = converted(&tone(440.0, from, count), from, to);
                let expected = (count * to as usize).div_ceil(from as usize);
                assert_eq!(out.len(), expected, "{count} samples from {from} to {to}");
            }
            let out = converted(&tone(1000.0, from, from as usize / 4), from, to);
            for (n, sample) in out.iter().enumerate().skip(to as usize / 8).take(100) {
                let expected = AMPLITUDE * (TAU * 1000.0 * n as f64 / f64::from(to)).sin();
                let error = (f64::from(*sample) - expected).abs();
                assert!(error < 0.002, "{from} to {to}, sample {n}: off by {error:.4}");
            }
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same_stream() {
        for (from, to) in [(22_050, 8000), (48_000, 8000), (8000, 24_000), (16_000, 16_000)] {
            let samples = tone(700.0, from, 3000);
            let whole = converted(&samples, from, to);
            for size in [1, 7, 127, 128, 129, 1000] {
                let mut resampler = Resampler::new(from, to).unwrap();
                let mut out = Vec::<f32>::new();
                for piece in samples.chunks(size) {
                    resampler.process(piece, &mut out);
                }
                resampler.finish(&mut out);
                assert_eq!(out, whole, "{from} to {to} in pieces of {size}");
                // And the filter is as new.
                resampler.process(&samples, &mut out);
                resampler.finish(&mut out);
                assert_eq!(out[whole.len()..], whole, "{from} to {to} again");
            }
        }
    }

    #[test]
    fn an_hour_later_each_sample_is_where_it_belongs() {
        const HOUR: u64 = 3600;
        for (from, to) in [(22_050, 8000), (44_100, 16_000)] {
            let filter = Filter::between(from, to).unwrap();
            let mut place = filter.first_place();
            let (mut inputs, mut outputs) = (0, 0);
            let mut piece = 1;
            while inputs < HOUR * u64::from(from) {
                piece = piece * 5 % 8191;
                inputs += piece as u64;
                outputs += place.pass(piece, filter) as u64;
            }
            let seen = inputs - filter.width as u64 / 2;
            let expected = (seen * u64::from(to)).div_ceil(u64::from(from));
            assert_eq!(outputs, expected, "{from} to {to}");
            // In parts of an input sample, the next one lies at exactly outputs * from / to.
            let next = (seen + place.wait as u64) * filter.rows as u64 + place.row as u64;
            assert_eq!(next * u64::from(to), outputs * u64::from(from) * filter.rows as u64);
        }
    }

    #[test]
    fn both_forms_of_the_kernel_agree_to_the_bit() {
        let samples = tone(900.0, 22_050, BLOCK);
        let filter = Filter::between(22_050, 8000).unwrap();
        let mut place = filter.first_place();
        place.wait = 3;
        let count = place.clone().pass(BLOCK, filter);
        let window = vec![0.125; filter.width - 1 + BLOCK];
        let (mut one, mut other) = (window.clone(), window);
        let (mut out, mut twin) = (vec![0_i16; count], vec![0_i16; count]);
        let (one, other): (&mut [f32], &mut [f32]) = (&mut one, &mut other);
        vector::run(filter_block, (filter, place, &mut *one, &samples, &mut out[..]));
        filter_block((filter, place, &mut *other, &samples, &mut twin[..]));
        assert_eq!((out, one), (twin, other));
    }

    #[test]
    fn every_pair_of_rates_has_a_filter_of_bearable_size() {
        for from in RATES {
            for to in RATES {
                let resampler = Resampler::new(from, to).unwrap();
                let bytes = 4 * resampler.filter.taps.len();
                assert!(bytes < 170_000, "{from} to {to}: {bytes} bytes of taps");
                let state = size_of::<Resampler>() + 4 * resampler.window.len();
                let most = if from.max(to) <= 48_000 { 1536 } else { 4096 };
                assert!(state <= most, "{from} to {to}: {state} bytes a stream");
            }
        }
        let error = Resampler::new(11_025, 8000).unwrap_err();
        assert_eq!(error, RatioError { from: 11_025, to: 8000 });
        assert!(error.to_string().starts_with("no stream from 11025 Hz to 8000 Hz: the rates are"));
    }
}
