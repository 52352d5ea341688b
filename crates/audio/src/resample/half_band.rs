//! Between 8 and 16 kHz, for live streams.
//!
//! Both ways are one half-band filter of 47 taps: every second tap but the middle one is zero, so
//! at the lower rate a sample takes 24 multiplications, and 12 once the taps' symmetry is used. It
//! passes telephone speech, up to 3.5 kHz, within 0.02 dB, and holds what lies beyond 4.5 kHz -
//! the mirror image on the way up, what would fold back on the way down - below -54 dB. The delay
//! is 23 samples at 16 kHz, 1.44 ms.

use super::Sample;
use crate::{FRAME, vector};

/// The outer taps from the first to the last before the middle; the other half mirrors them. They
/// add up to 1 (the whole half-band filter for doubling has this and a middle tap of 1), and make
/// the greatest error up to 3.5 kHz as small as so many taps can (Parks and McClellan's method).
#[rustfmt::skip]
const TAPS: [f32; 12] = [
    -0.003_612_066, 0.004_900_874, -0.008_074_554, 0.012_492_201, -0.018_501_56, 0.026_629_697,
    -0.037_717_62, 0.053_332_83, -0.076_813_47, 0.116_894_86, -0.205_810_7, 0.634_464_25,
];

/// Samples at the lower rate that the outer taps reach back, the newest left out.
const PAST: usize = 2 * TAPS.len() - 1;

/// Samples at the lower rate between the newest and the middle tap.
const MIDDLE: usize = TAPS.len() - 1;

/// Doubles the rate of a stream, 8 to 16 kHz. 92 bytes; allocates nothing.
#[derive(Debug, Clone, Default)]
pub struct Upsampler {
    /// The input samples before the next, oldest first.
    past: [f32; PAST],
}

impl Upsampler {
    /// A filter at rest, as after silence.
    pub fn new() -> Upsampler {
        Upsampler::default()
    }

    /// Appends two samples for each of `samples`.
    pub fn process<I: Sample, O: Sample>(&mut self, samples: &[I], out: &mut Vec<O>) {
        let end = out.len();
        out.resize(end + 2 * samples.len(), O::default());
        self.process_into(samples, &mut out[end..]);
    }

    /// Writes two samples for each of `samples`.
    ///
    /// # Panics
    /// When `out` is not twice as long as `samples`.
    pub fn process_into<I: Sample, O: Sample>(&mut self, samples: &[I], out: &mut [O]) {
        assert_eq!(out.len(), 2 * samples.len(), "two samples come out for each that goes in");
        for (samples, out) in samples.chunks(FRAME).zip(out.chunks_mut(2 * FRAME)) {
            vector::run(double, (&mut self.past, samples, out));
        }
    }
}

/// At most [`FRAME`] samples.
#[inline(always)]
fn double<I: Sample, O: Sample>((past, samples, out): (&mut [f32; PAST], &[I], &mut [O])) {
    let mut input = [0.0; PAST + FRAME];
    input[..PAST].copy_from_slice(past);
    for (to, sample) in input[PAST..].iter_mut().zip(samples) {
        *to = sample.to_f32();
    }
    let between = outer_taps(&input);
    let pairs = between.iter().zip(&input[PAST - MIDDLE..]);
    for (out, (between, unchanged)) in out.as_chunks_mut().0.iter_mut().zip(pairs) {
        *out = [O::from_f32(*between), O::from_f32(*unchanged)];
    }
    past.copy_from_slice(&input[samples.len()..][..PAST]);
}

/// Halves the rate of a stream, 16 to 8 kHz. About 150 bytes; allocates nothing.
#[derive(Debug, Clone, Default)]
pub struct Downsampler {
    /// The second samples of the pairs before the next, oldest first: these meet the outer taps.
    past: [f32; PAST],
    /// The first samples of those pairs, for the middle tap.
    past_middle: [f32; MIDDLE],
    /// The first sample of a pair whose second has not come yet.
    unpaired: Option<f32>,
}

impl Downsampler {
    /// A filter at rest, as after silence.
    pub fn new() -> Downsampler {
        Downsampler::default()
    }

    /// Appends a sample for each two that have come; an odd one waits for the next call.
    pub fn process<I: Sample, O: Sample>(&mut self, samples: &[I], out: &mut Vec<O>) {
        let end = out.len();
        out.resize(end + self.output_len(samples.len()), O::default());
        self.process_into(samples, &mut out[end..]);
    }

    /// Writes a sample for each two that have come; an odd one waits for the next call.
    ///
    /// # Panics
    /// When the length of `out` is not [`Downsampler::output_len`] of `samples.len()`.
    pub fn process_into<I: Sample, O: Sample>(&mut self, samples: &[I], out: &mut [O]) {
        assert_eq!(out.len(), self.output_len(samples.len()), "a sample comes out for each pair");
        let (mut samples, mut out) = (samples, out);
        if let (Some(first), [second, rest @ ..]) = (self.unpaired, samples) {
            let (to, others) = out.split_at_mut(1);
            self.pairs(&[first, second.to_f32()], to);
            self.unpaired = None;
            (samples, out) = (rest, others);
        }
        for (samples, out) in samples.chunks(2 * FRAME).zip(out.chunks_mut(FRAME)) {
            self.pairs(&samples[..2 * out.len()], out);
        }
        if let (None, [.., last]) = (self.unpaired, samples)
            && samples.len() % 2 == 1
        {
            self.unpaired = Some(last.to_f32());
        }
    }

    /// How many samples come out when `input_len` more go in.
    pub fn output_len(&self, input_len: usize) -> usize {
        (input_len + usize::from(self.unpaired.is_some())) / 2
    }

    fn pairs<I: Sample, O: Sample>(&mut self, samples: &[I], out: &mut [O]) {
        vector::run(halve, (&mut self.past, &mut self.past_middle, samples, out));
    }
}

/// At most [`FRAME`] pairs.
#[inline(always)]
fn halve<I: Sample, O: Sample>(
    (past, past_middle, samples, out): (&mut [f32; PAST], &mut [f32; MIDDLE], &[I], &mut [O]),
) {
    let mut input = [0.0; PAST + FRAME];
    let mut middle = [0.0; MIDDLE + FRAME];
    input[..PAST].copy_from_slice(past);
    middle[..MIDDLE].copy_from_slice(past_middle);
    let new = input[PAST..].iter_mut().zip(&mut middle[MIDDLE..]);
    for ((input, middle), [first, second]) in new.zip(samples.as_chunks().0) {
        *middle = first.to_f32();
        *input = second.to_f32();
    }
    let outer = outer_taps(&input);
    for (out, (outer, middle)) in out.iter_mut().zip(outer.iter().zip(&middle)) {
        *out = O::from_f32(0.5 * (outer + middle));
    }
    past.copy_from_slice(&input[out.len()..][..PAST]);
    past_middle.copy_from_slice(&middle[out.len()..][..MIDDLE]);
}

/// Each sum begins at one sample of `input` and goes on to the [`PAST`]th after it. The compiler
/// makes eight sums at a time of it as long as it sees plain loops over arrays of known length.
#[inline(always)]
fn outer_taps(input: &[f32; PAST + FRAME]) -> [f32; FRAME] {
    let mut sums = [0.0; FRAME];
    for at in 0..FRAME {
        let mut sum = 0.0;
        for n in 0..TAPS.len() {
            sum += TAPS[n] * (input[at + n] + input[at + PAST - n]);
        }
        sums[at] = sum;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::bench_tones::{level, residue, tone};
    use super::*;
    use crate::SAMPLE_RATE;

    const WIDE: u32 = 2 * SAMPLE_RATE;

    fn to_i16(samples: &[f32]) -> Vec<i16> {
        samples.iter().map(|s| i16::from_f32(*s)).collect()
    }

    fn up<I: Sample>(samples: &[I]) -> Vec<f32> {
        let mut out = Vec::new();
        Upsampler::new().process(samples, &mut out);
        out
    }

    fn down<I: Sample>(samples: &[I]) -> Vec<f32> {
        let mut out = Vec::new();
        Downsampler::new().process(samples, &mut out);
        out
    }

    #[test]
    fn going_up_speech_passes_and_no_image_does() {
        for hz in (50..=3500).step_by(50).map(f64::from) {
            let out = up(&tone(hz, SAMPLE_RATE, 4800));
            let steady = &out[1600..]; // half a second; all frequencies here have whole periods
            let (gain, rest) = (level(steady, hz, WIDE), residue(steady, hz, WIDE));
            assert!(gain.abs() < 0.02, "{hz} Hz passes with {gain:.3} dB");
            assert!(rest < -54.0, "the image of {hz} Hz stands at {rest:.1} dB");
        }
    }

    #[test]
    fn going_down_speech_passes_and_nothing_folds_into_it() {
        for hz in (50..=3500).step_by(50).map(f64::from) {
            let out = down(&tone(hz, WIDE, 9600));
            let gain = level(&out[800..], hz, SAMPLE_RATE);
            assert!(gain.abs() < 0.02, "{hz} Hz passes with {gain:.3} dB");
        }
        for hz in (4500..8000).step_by(50).map(f64::from) {
            let out = down(&tone(hz, WIDE, 9600));
            let alias = level(&out[800..], 8000.0 - hz, SAMPLE_RATE);
            assert!(alias < -54.0, "{hz} Hz folds back at {alias:.1} dB");
        }
    }

    #[test]
    fn a_pulse_comes_out_23_samples_later_and_symmetric() {
        let mut pulse = [0; 64];
        pulse[0] = i16::MAX;
        let out = up(&pulse);
        let loudest =
            (0..out.len()).max_by(|a, b| out[*a].abs().total_cmp(&out[*b].abs())).unwrap();
        assert_eq!(loudest, 23);
        for n in 1..=23 {
            assert_eq!(out[23 - n], out[23 + n], "linear phase");
        }
        // Of a pair the first sample meets the middle tap, 11 pairs and the second sample later.
        let out = down(&pulse);
        assert_eq!(out.iter().position(|sample| *sample > 0.4), Some(11));
        assert_eq!(out.iter().filter(|sample| **sample != 0.0).count(), 1);
    }

    #[test]
    fn up_and_down_again_is_the_same_sound_later() {
        let samples = to_i16(&tone(1234.0, SAMPLE_RATE, 2000));
        let (mut wide, mut back) = (Vec::<i16>::new(), Vec::<i16>::new());
        Upsampler::new().process(&samples, &mut wide);
        // The upsampler's delay is odd: one more sample makes 24, which with 22 of the way down
        // are 23 at the lower rate.
        wide.insert(0, 0);
        Downsampler::new().process(&wide, &mut back);
        for (sample, later) in samples[100..1900].iter().zip(&back[123..]) {
            assert!(sample.abs_diff(*later) < 80, "{sample} came back as {later}");
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same_stream() {
        let samples = to_i16(&tone(1234.0, SAMPLE_RATE, 1001));
        let (raised, lowered) = (up(&samples), down(&samples));
        assert_eq!((raised.len(), lowered.len()), (2002, 500));
        for size in [1, 2, 7, 23, 159, 160, 161, 319, 321, 500] {
            let (mut upsampler, mut downsampler) = (Upsampler::new(), Downsampler::new());
            let (mut up, mut down) = (Vec::<f32>::new(), Vec::<f32>::new());
            for piece in samples.chunks(size) {
                upsampler.process(piece, &mut up);
                downsampler.process(piece, &mut down);
            }
            assert_eq!(up, raised, "pieces of {size}");
            assert_eq!(down, lowered, "pieces of {size}");
        }
    }

    #[test]
    fn both_forms_of_each_kernel_agree_to_the_bit() {
        let samples = to_i16(&tone(777.0, SAMPLE_RATE, FRAME));
        let (mut out, mut twin) = ([0.0_f32; 2 * FRAME], [0.0_f32; 2 * FRAME]);
        let (mut past, mut past_twin) = ([0.25; PAST], [0.25; PAST]);
        vector::run(double, (&mut past, &samples, &mut out));
        double((&mut past_twin, &samples, &mut twin));
        assert_eq!((out, past), (twin, past_twin));

        let wide = out;
        let (mut out, mut twin) = ([0_i16; FRAME], [0_i16; FRAME]);
        let (mut middle, mut middle_twin) = ([-0.5; MIDDLE], [-0.5; MIDDLE]);
        vector::run(halve, (&mut past, &mut middle, &wide, &mut out));
        halve((&mut past_twin, &mut middle_twin, &wide, &mut twin));
        assert_eq!((out, past, middle), (twin, past_twin, middle_twin));
    }

    #[test]
    fn full_scale_saturates() {
        // The overshoot of a square wave does not fit into 16 bits.
        let square: Vec<i16> =
            (0..160).map(|n| if n / 8 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let mut out = Vec::<i16>::new();
        Upsampler::new().process(&square, &mut out);
        let exact = up(&square);
        assert!(exact.iter().any(|sample| sample.abs() > 1.05));
        for (sample, exact) in out.iter().zip(exact) {
            assert!((sample.to_f32() - exact.clamp(-1.0, 1.0)).abs() < 1e-4);
        }
    }

    #[test]
    fn state_is_small() {
        assert!(size_of::<Upsampler>() <= 92 && size_of::<Downsampler>() <= 152);
    }
}
