//! G.711 companding: mu-law and A-law, a byte a sample (ITU-T G.711, tables 1 and 2).
//!
//! Linear values fill the 16-bit range: mu-law's 14-bit scale times 4, A-law's 13-bit scale times 8.
//! A sample that lies exactly on a decision value belongs to the interval above it, which is also
//! how the ITU's software tool library (G.191) decides.

/// The mu-law code of silence (+0).
pub const ULAW_SILENCE: u8 = 0xFF;

/// The linear value of a mu-law code, -32124 to 32124.
pub const fn decode_ulaw_sample(code: u8) -> i16 {
    ULAW[code as usize]
}

/// The linear value of an A-law code, -32256 to 32256 and never 0.
pub const fn decode_alaw_sample(code: u8) -> i16 {
    ALAW[code as usize]
}

/// The mu-law code of a linear sample; beyond the largest code's value it clips.
pub const fn encode_ulaw_sample(sample: i16) -> u8 {
    let sign = sign_bit(sample);
    // With the bias each segment begins at a power of two, so the exponent names the segment.
    let magnitude = (magnitude(sample) >> 2) + ULAW_BIAS;
    let magnitude = if magnitude > 0x1FFF { 0x1FFF } else { magnitude };
    let segment = magnitude.ilog2() - 5;
    let step = (magnitude >> (segment + 1)) & 0x0F;
    !(sign | (segment << 4 | step) as u8)
}

/// The A-law code of a linear sample.
pub const fn encode_alaw_sample(sample: i16) -> u8 {
    let sign = sign_bit(sample) ^ 0x80;
    let magnitude = magnitude(sample) >> 4;
    let code = if magnitude < 32 {
        // The two lowest segments share one step size.
        magnitude
    } else {
        let segment = magnitude.ilog2() - 3;
        segment << 4 | (magnitude >> (segment - 1)) & 0x0F
    };
    (sign | code as u8) ^ ALAW_EVEN_BITS
}

/// Decodes mu-law `codes` into `samples`.
///
/// # Panics
/// When the slices differ in length.
pub fn decode_ulaw(codes: &[u8], samples: &mut [i16]) {
    convert(codes, samples, decode_ulaw_sample);
}

/// Decodes A-law `codes` into `samples`.
///
/// # Panics
/// When the slices differ in length.
pub fn decode_alaw(codes: &[u8], samples: &mut [i16]) {
    convert(codes, samples, decode_alaw_sample);
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
    for (to, from) in to.iter_mut().zip(from) {
        *to = one(*from);
    }
}

/// Lifts the 14-bit magnitude so that the segments begin at 32, 64, 128 ... 4096 plus this bias.
const ULAW_BIAS: u32 = 33;

/// G.711 sends A-law with its even bits inverted, so that silence is not a run of zeros.
const ALAW_EVEN_BITS: u8 = 0x55;

/// One's complement, so that a negative decision value belongs to the interval above it as well.
const fn magnitude(sample: i16) -> u32 {
    (if sample < 0 { !sample } else { sample }) as u32
}

const fn sign_bit(sample: i16) -> u8 {
    if sample < 0 { 0x80 } else { 0 }
}

static ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = !(code as u8);
        let (segment, step) = ((bits >> 4) & 7, (bits & 0x0F) as i16);
        let value = (((2 * step + 33) << segment) - ULAW_BIAS as i16) * 4;
        table[code] = if bits & 0x80 == 0 { value } else { -value };
        code += 1;
    }
    table
};

static ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = code as u8 ^ ALAW_EVEN_BITS;
        let (segment, step) = ((bits >> 4) & 7, (bits & 0x0F) as i16);
        let value = match segment {
            0 => 2 * step + 1,
            _ => (2 * step + 33) << (segment - 1),
        };
        table[code] = if bits & 0x80 == 0 { -value * 8 } else { value * 8 };
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

    #[test]
    fn slices_convert_sample_by_sample() {
        let codes: Vec<u8> = (0..=255).collect();
        let mut samples = [0; 256];
        let mut back = [0; 256];
        decode_alaw(&codes, &mut samples);
        encode_alaw(&samples, &mut back);
        assert_eq!(back[..], codes[..]);
        decode_ulaw(&codes, &mut samples);
        encode_ulaw(&samples, &mut back);
        assert_eq!(back[..0x7F], codes[..0x7F]);
        assert_eq!(decode_ulaw_sample(ULAW_SILENCE), 0);
    }

    #[test]
    #[should_panic(expected = "one code is one sample")]
    fn slices_of_different_length_are_a_bug() {
        decode_ulaw(&[0; 3], &mut [0; 4]);
    }
}
