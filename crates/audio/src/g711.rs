//! G.711 companding: mu-law and A-law, a byte a sample (ITU-T G.711, tables 1 and 2).
//!
//! Linear values fill the 16-bit range: mu-law's 14-bit scale times 4, A-law's 13-bit scale times 8.
//! A sample that lies exactly on a decision value belongs to the interval above it, which is also
//! how the ITU's software tool library (G.191) decides.
//!
//! Blocks go through `vector`, by arithmetic: a frame costs about half of what tables cost, and the
//! cache is left to those who need it.

mod cross;

pub use cross::{alaw_to_ulaw, ulaw_to_alaw};

use crate::vector;

/// The mu-law code of silence (+0).
pub const ULAW_SILENCE: u8 = 0xFF;

/// The A-law code nearest to silence (the smallest positive value, 8).
pub const ALAW_SILENCE: u8 = 0xD5;

/// The linear value of a mu-law code, -32124 to 32124.
pub const fn decode_ulaw_sample(code: u8) -> i16 {
    ULAW[code as usize]
}

/// The linear value of an A-law code, -32256 to 32256 and never 0.
pub const fn decode_alaw_sample(code: u8) -> i16 {
    ALAW[code as usize]
}

/// The mu-law code of a linear sample; beyond the largest code's value it clips.
#[inline(always)]
pub const fn encode_ulaw_sample(sample: i16) -> u8 {
    // With the bias each segment begins at a power of two. So does each exponent of a float: the
    // conversion finds the segment, and the mantissa begins with the step within it.
    let magnitude = (magnitude(sample) >> 2) + ULAW_BIAS;
    let magnitude = if magnitude > 0x1FFF { 0x1FFF } else { magnitude };
    !(sign_bit(sample) | exponent_and_step(magnitude, 5) as u8)
}

/// The A-law code of a linear sample.
#[inline(always)]
pub const fn encode_alaw_sample(sample: i16) -> u8 {
    let magnitude = magnitude(sample) >> 4;
    // The lowest segment has no power of two to begin with; it counts from 0 as it is.
    let code = if magnitude < 16 { magnitude } else { exponent_and_step(magnitude, 3) };
    (sign_bit(sample) ^ 0x80 | code as u8) ^ ALAW_EVEN_BITS
}

/// Decodes mu-law `codes` into `samples`.
///
/// # Panics
/// When the slices differ in length.
pub fn decode_ulaw(codes: &[u8], samples: &mut [i16]) {
    convert(codes, samples, expand_ulaw);
}

/// Decodes A-law `codes` into `samples`.
///
/// # Panics
/// When the slices differ in length.
pub fn decode_alaw(codes: &[u8], samples: &mut [i16]) {
    convert(codes, samples, expand_alaw);
}

/// Encodes `samples` into mu-law `codes`.
///
/// # Panics
/// When the slices differ in length.
pub fn encode_ulaw(samples: &[i16], codes: &mut [u8]) {
    convert(samples, codes, encode_ulaw_sample);
}

/// Encodes `samples` into A-law `codes`.
///
/// # Panics
/// When the slices differ in length.
pub fn encode_alaw(samples: &[i16], codes: &mut [u8]) {
    convert(samples, codes, encode_alaw_sample);
}

fn convert<A: Copy, B>(from: &[A], to: &mut [B], one: impl Fn(A) -> B) {
    assert_eq!(from.len(), to.len(), "one code is one sample");
    vector::run(each, (from, to, one));
}

#[inline(always)]
fn each<A: Copy, B>((from, to, one): (&[A], &mut [B], impl Fn(A) -> B)) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = one(*from);
    }
}

/// Lifts the 14-bit magnitude so that the segments begin at 32, 64, 128 ... 4096 plus this bias.
const ULAW_BIAS: u32 = 33;

/// G.711 sends A-law with its even bits inverted, so that silence is not a run of zeros.
const ALAW_EVEN_BITS: u8 = 0x55;

/// One's complement, so that a negative decision value belongs to the interval above it as well.
#[inline(always)]
const fn magnitude(sample: i16) -> u32 {
    (sample ^ (sample >> 15)) as u32
}

#[inline(always)]
const fn sign_bit(sample: i16) -> u8 {
    (sample >> 8) as u8 & 0x80
}

/// The exponent of `magnitude` beyond `lowest`, and below it the four bits after the leading one.
/// Exact: an integer of so few bits is a float without rounding.
#[inline(always)]
const fn exponent_and_step(magnitude: u32, lowest: u32) -> u32 {
    const BIAS: u32 = 127;
    const MANTISSA: u32 = 23;
    ((magnitude as i32 as f32).to_bits() >> (MANTISSA - 4)) - ((BIAS + lowest) << 4)
}

#[inline(always)]
const fn expand_ulaw(code: u8) -> i16 {
    let bits = !code as i32;
    let (segment, step) = (bits >> 4 & 7, bits & 0x0F);
    let value = (((2 * step + 33) << segment) - ULAW_BIAS as i32) * 4;
    (if bits & 0x80 == 0 { value } else { -value }) as i16
}

#[inline(always)]
const fn expand_alaw(code: u8) -> i16 {
    let bits = (code ^ ALAW_EVEN_BITS) as i32;
    let (segment, step) = (bits >> 4 & 7, bits & 0x0F);
    // The two lowest segments share one step size.
    let value = if segment == 0 { 2 * step + 1 } else { (2 * step + 33) << (segment - 1) } * 8;
    (if bits & 0x80 == 0 { -value } else { value }) as i16
}

static ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = expand_ulaw(code as u8);
        code += 1;
    }
    table
};

static ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = expand_alaw(code as u8);
        code += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// One law as the Recommendation's tables give it: decision values from 0 up, and what each of
    /// the 128 intervals between them decodes to.
    struct Law {
        decisions: Vec<i32>,
        outputs: Vec<i32>,
    }

    impl Law {
        /// Table 2: the first interval is half a step wide and stands for 0; 15 intervals of 2
        /// follow, then 7 segments of 16 intervals, each twice as wide as those before.
        fn mu() -> Law {
            let widths = (0..8).flat_map(|s| vec![2 << s; if s == 0 { 15 } else { 16 }]);
            Law::new([1].into_iter().chain(widths), 4, true)
        }

        /// Table 1: 32 intervals of 2, then 6 segments of 16, each twice as wide.
        fn a() -> Law {
            let widths = (0..7).flat_map(|s| vec![2 << s; if s == 0 { 32 } else { 16 }]);
            Law::new(widths, 8, false)
        }

        fn new(widths: impl Iterator<Item = i32>, scale: i32, starts_at_zero: bool) -> Law {
            let mut decisions = vec![0];
            decisions.extend(widths.scan(0, |edge, width| {
                *edge += width;
                Some(*edge)
            }));
            let mut outputs: Vec<i32> =
                decisions.windows(2).map(|edge| (edge[0] + edge[1]) * scale / 2).collect();
            if starts_at_zero {
                outputs[0] = 0;
            }
            for edge in &mut decisions {
                *edge *= scale;
            }
            decisions.pop();
            Law { decisions, outputs }
        }

        /// The number of the interval: how many decision values beyond the first the sample has
        /// passed, counted away from 0 on its side; one that lies on an edge is above it.
        fn interval(&self, sample: i16) -> u8 {
            let passed = |edge: &&i32| {
                if sample >= 0 { i32::from(sample) >= **edge } else { i32::from(sample) < -**edge }
            };
            (self.decisions.iter().filter(passed).count() - 1) as u8
        }
    }

    #[test]
    fn tables_have_the_recommendations_end_points() {
        let (mu, a) = (Law::mu(), Law::a());
        assert_eq!(
            (mu.outputs.len(), mu.decisions[127] / 4, mu.outputs[127] / 4),
            (128, 7903, 8031)
        );
        assert_eq!((a.outputs.len(), a.decisions[127] / 8, a.outputs[127] / 8), (128, 3968, 4032));
    }

    #[test]
    fn all_256_codes_decode_as_defined() {
        let (mu, a) = (Law::mu(), Law::a());
        for interval in 0..128u8 {
            let (m, l) = (mu.outputs[usize::from(interval)], a.outputs[usize::from(interval)]);
            assert_eq!(i32::from(decode_ulaw_sample(0xFF - interval)), m);
            assert_eq!(i32::from(decode_ulaw_sample(0x7F - interval)), -m);
            assert_eq!(i32::from(decode_alaw_sample((0x80 | interval) ^ 0x55)), l);
            assert_eq!(i32::from(decode_alaw_sample(interval ^ 0x55)), -l);
        }
    }

    #[test]
    fn all_65536_samples_encode_as_defined() {
        let (mu, a) = (Law::mu(), Law::a());
        for sample in i16::MIN..=i16::MAX {
            let positive = sample >= 0;
            let ulaw = if positive { 0xFF } else { 0x7F } - mu.interval(sample);
            assert_eq!(encode_ulaw_sample(sample), ulaw, "mu-law {sample}");
            let alaw = (if positive { 0x80 } else { 0 } | a.interval(sample)) ^ 0x55;
            assert_eq!(encode_alaw_sample(sample), alaw, "A-law {sample}");
        }
    }

    #[test]
    fn codes_survive_a_round_trip() {
        for code in 0..=255 {
            assert_eq!(encode_alaw_sample(decode_alaw_sample(code)), code);
            let back = encode_ulaw_sample(decode_ulaw_sample(code));
            // 0x7F is minus zero: linear PCM has only one zero.
            assert_eq!(back, if code == 0x7F { ULAW_SILENCE } else { code });
        }
    }

    /// Blocks of every kind hold every input; `convert` chooses the form for this machine, `each`
    /// is the plain one.
    #[test]
    fn blocks_equal_single_samples_in_both_forms() {
        fn check<A: Copy, B: Copy + Default + PartialEq + std::fmt::Debug>(
            inputs: &[A],
            block: impl Fn(A) -> B,
            single: impl Fn(A) -> B,
        ) {
            let expected: Vec<B> = inputs.iter().map(|input| single(*input)).collect();
            // 16 and 7: whole registers only, and never a whole one.
            for size in [inputs.len(), 160, 16, 7] {
                for (inputs, expected) in inputs.chunks(size).zip(expected.chunks(size)) {
                    let mut out = vec![B::default(); inputs.len()];
                    convert(inputs, &mut out, &block);
                    assert_eq!(out, expected, "in the form for this machine");
                    out.fill(B::default());
                    each((inputs, &mut out, &block));
                    assert_eq!(out, expected, "in the plain form");
                }
            }
        }
        let codes: Vec<u8> = (0..=255).collect();
        let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        check(&codes, expand_ulaw, decode_ulaw_sample);
        check(&codes, expand_alaw, decode_alaw_sample);
        check(&samples, encode_ulaw_sample, encode_ulaw_sample);
        check(&samples, encode_alaw_sample, encode_alaw_sample);
    }

    #[test]
    fn blocks_are_of_the_law_that_they_name() {
        let codes: [u8; 256] = std::array::from_fn(|code| code as u8);
        let (mut ulaw, mut alaw, mut back) = ([0; 256], [0; 256], [0; 256]);
        decode_ulaw(&codes, &mut ulaw);
        assert_eq!(ulaw, codes.map(decode_ulaw_sample));
        decode_alaw(&codes, &mut alaw);
        assert_eq!(alaw, codes.map(decode_alaw_sample));
        encode_ulaw(&alaw, &mut back);
        assert_eq!(back, alaw.map(encode_ulaw_sample));
        encode_alaw(&alaw, &mut back);
        assert_eq!(back, codes);
        assert_eq!(decode_ulaw_sample(ULAW_SILENCE), 0);
        assert_eq!(decode_alaw_sample(ALAW_SILENCE), 8);
    }

    #[test]
    #[should_panic(expected = "one code is one sample")]
    fn slices_of_different_length_are_a_bug() {
        decode_ulaw(&[0; 3], &mut [0; 4]);
    }
}
