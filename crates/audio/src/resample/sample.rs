//! The two kinds of sample.

/// A sample of sound: `i16`, or `f32` in -1 to 1.
pub trait Sample: Copy + Default + sealed::Sealed {
    /// As a float in -1 to 1.
    fn to_f32(self) -> f32;

    /// The nearest sample. An integer saturates, and makes silence of what is no number.
    fn from_f32(value: f32) -> Self;
}

impl Sample for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline(always)]
    fn from_f32(value: f32) -> f32 {
        value
    }
}

impl Sample for i16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self) / FULL_SCALE
    }

    #[inline(always)]
    fn from_f32(value: f32) -> i16 {
        // Beside so large a number a float has no room for fractions, so adding it rounds, and
        // leaves the integer in the lowest bits. `round` would be a function call a sample.
        const NO_FRACTION: f32 = 1.5 * (1 << 23) as f32;
        let limited = (value * FULL_SCALE).clamp(-FULL_SCALE, FULL_SCALE - 1.0);
        (limited + NO_FRACTION).to_bits() as i16
    }
}

const FULL_SCALE: f32 = 32768.0;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for i16 {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_integer_survives_and_the_rest_is_rounded() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(i16::from_f32(sample.to_f32()), sample);
        }
        for (value, expected) in
            [(0.6, 1.0), (-0.6, -1.0), (0.4, 0.0), (-0.4, 0.0), (1.5, 2.0), (32766.7, 32767.0)]
        {
            assert_eq!(i16::from_f32(value / FULL_SCALE).to_f32() * FULL_SCALE, expected);
        }
    }

    #[test]
    fn too_loud_saturates_and_no_number_is_silence() {
        for (value, expected) in [
            (1.0, i16::MAX),
            (7.0, i16::MAX),
            (f32::INFINITY, i16::MAX),
            (-1.0, i16::MIN),
            (f32::MIN, i16::MIN),
            (f32::NAN, 0),
        ] {
            assert_eq!(i16::from_f32(value), expected, "{value}");
        }
    }
}
