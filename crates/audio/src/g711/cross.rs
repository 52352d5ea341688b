//! From one law to the other, code by code.

use super::ALAW_EVEN_BITS;

/// The A-law code for a mu-law code (ITU-T G.711, table 3).
///
/// It may lie a step beside what the linear value would give: the Recommendation chose its tables
/// so that a call which crosses into the other law and back again keeps the upper seven bits of
/// each code.
pub const fn ulaw_to_alaw(code: u8) -> u8 {
    let interval = INTERVAL_OF_ULAW[!code as usize & 0x7F];
    (code & 0x80 | interval) ^ ALAW_EVEN_BITS
}

/// The mu-law code for an A-law code (ITU-T G.711, table 4); see [`ulaw_to_alaw`].
pub const fn alaw_to_ulaw(code: u8) -> u8 {
    let interval = INTERVAL_OF_ALAW[(code ^ ALAW_EVEN_BITS) as usize & 0x7F];
    code & 0x80 | interval ^ 0x7F
}

/// Table 3: the A-law interval for each mu-law interval, both counted from 0 and outwards.
#[rustfmt::skip]
static INTERVAL_OF_ULAW: [u8; 128] = [
    0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7,
    8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    24, 26, 28, 30, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    45, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
    63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78,
    80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95,
    96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
];

/// Table 4: the mu-law interval for each A-law interval.
#[rustfmt::skip]
static INTERVAL_OF_ALAW: [u8; 128] = [
    1, 3, 5, 7, 9, 11, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    24, 25, 26, 27, 28, 29, 30, 31, 32, 32, 33, 33, 34, 34, 35, 35,
    36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 48, 49, 49,
    50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 64,
    65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 79,
    80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95,
    96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::{
        decode_alaw_sample, decode_ulaw_sample, encode_alaw_sample, encode_ulaw_sample,
    };
    use audio_codec_algorithms::{convert_alaw_to_ulaw, convert_ulaw_to_alaw};

    #[test]
    fn the_tables_are_the_recommendations() {
        for code in 0..=255 {
            assert_eq!(ulaw_to_alaw(code), convert_ulaw_to_alaw(code), "mu-law {code:#04x}");
            assert_eq!(alaw_to_ulaw(code), convert_alaw_to_ulaw(code), "A-law {code:#04x}");
        }
    }

    #[test]
    fn a_call_that_crosses_twice_keeps_seven_bits() {
        for code in 0..=255 {
            assert_eq!(alaw_to_ulaw(ulaw_to_alaw(code)) >> 1, code >> 1, "mu-law {code:#04x}");
            assert_eq!(ulaw_to_alaw(alaw_to_ulaw(code)) >> 1, code >> 1, "A-law {code:#04x}");
        }
    }

    #[test]
    fn no_code_moves_more_than_a_step() {
        for code in 0..=255 {
            let linear = encode_alaw_sample(decode_ulaw_sample(code)) ^ ALAW_EVEN_BITS;
            let direct = ulaw_to_alaw(code) ^ ALAW_EVEN_BITS;
            // Minus zero of mu-law has no sign in linear samples.
            assert!(code == 0x7F || direct.abs_diff(linear) <= 1, "mu-law {code:#04x}");
            let linear = encode_ulaw_sample(decode_alaw_sample(code));
            assert!(alaw_to_ulaw(code).abs_diff(linear) <= 1, "A-law {code:#04x}");
        }
    }
}
