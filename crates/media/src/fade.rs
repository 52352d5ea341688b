//! How sound ends that is cut off, and how it comes back.

use audio::g711;

/// Samples of a fade: 5 ms, enough for no click.
pub(crate) const FADE: usize = 40;

/// The fading rest of what was cut off, for the beginning of what comes in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail([i16; FADE]);

impl Tail {
    /// Of the mu-law codes that would have been next.
    pub(crate) fn of(next: &[u8; FADE]) -> Tail {
        Tail(std::array::from_fn(|index| {
            let sample = i32::from(g711::decode_ulaw_sample(next[index]));
            (sample * (FADE - index) as i32 / FADE as i32) as i16
        }))
    }

    /// Puts it under mu-law codes.
    pub(crate) fn mix_into(self, codes: &mut [u8]) {
        for (code, fading) in codes.iter_mut().zip(self.0) {
            let mixed = g711::decode_ulaw_sample(*code).saturating_add(fading);
            *code = g711::encode_ulaw_sample(mixed);
        }
    }
}

/// Lets mu-law codes begin as softly as a [`Tail`] of the same codes ends: both together are the codes themselves.
pub(crate) fn rise(codes: &mut [u8]) {
    for (index, code) in codes.iter_mut().take(FADE).enumerate() {
        let sample = i32::from(g711::decode_ulaw_sample(*code));
        *code = g711::encode_ulaw_sample((sample * index as i32 / FADE as i32) as i16);
    }
}
