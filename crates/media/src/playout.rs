//! Sound to play to the caller, made ready for the wire once.

use audio::g711;
use std::sync::Arc;

/// Sound in mu-law at 8 kHz, encoded when it is made: a media thread only copies it. Clones share
/// the bytes.
#[derive(Debug, Clone)]
pub struct Sound {
    codes: Arc<[u8]>,
    audible_from: usize,
}

/// The smallest sample that counts as audible: -50 dBFS.
const AUDIBLE: u16 = 104;

impl Sound {
    /// Encodes linear PCM at 8 kHz.
    pub fn new(samples: &[i16]) -> Sound {
        let audible = |sample: &i16| sample.unsigned_abs() >= AUDIBLE;
        let audible_from = samples.iter().position(audible).unwrap_or(usize::MAX);
        let mut codes = vec![0; samples.len()];
        g711::encode_ulaw(samples, &mut codes);
        Sound { codes: codes.into(), audible_from }
    }

    /// The mu-law codes, one a sample.
    pub fn codes(&self) -> &[u8] {
        &self.codes
    }

    /// The index of the first sample at -50 dBFS or above; beyond the end when there is none.
    pub fn audible_from(&self) -> usize {
        self.audible_from
    }
}

impl From<&[i16]> for Sound {
    fn from(samples: &[i16]) -> Sound {
        Sound::new(samples)
    }
}

impl<const N: usize> From<[i16; N]> for Sound {
    fn from(samples: [i16; N]) -> Sound {
        Sound::new(&samples)
    }
}

impl From<Vec<i16>> for Sound {
    fn from(samples: Vec<i16>) -> Sound {
        Sound::new(&samples)
    }
}

impl From<Arc<[i16]>> for Sound {
    fn from(samples: Arc<[i16]>) -> Sound {
        Sound::new(&samples)
    }
}

/// A sound with a name and an end.
#[derive(Debug, Clone)]
pub struct Playout {
    /// Names it in events; chosen by the caller of [`Leg::play`](crate::Leg::play).
    pub id: u64,
    /// What is played.
    pub sound: Sound,
    /// What comes after the last sample.
    pub repeat: Repeat,
}

impl Playout {
    /// A playout that ends with its last sample.
    pub fn once(id: u64, sound: impl Into<Sound>) -> Playout {
        Playout { id, sound: sound.into(), repeat: Repeat::Once }
    }

    /// A playout that begins again until it is stopped.
    pub fn forever(id: u64, sound: impl Into<Sound>) -> Playout {
        Playout { id, sound: sound.into(), repeat: Repeat::Forever }
    }
}

/// What comes after the last sample of a playout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Silence, and [`LegEvent::Finished`](crate::LegEvent::Finished).
    Once,
    /// The first sample.
    Forever,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_audible_sample_is_found_before_companding_rounds_it() {
        assert_eq!(Sound::from([103, -103, -104, 9]).audible_from(), 2);
        assert!(Sound::from([103; 10]).audible_from() >= 10);
        assert_eq!(Sound::from(vec![1000, -1000]).codes(), [0xCE, 0x4E]);
    }
}
