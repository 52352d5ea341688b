//! Sound to play to the caller, made ready for the wire once.

use crate::coming::{Coming, Rest};
use audio::g711;
use std::sync::Arc;

/// Sound in mu-law at 8 kHz, encoded when it is made: a media thread only copies it. Clones share
/// the bytes.
#[derive(Debug, Clone)]
pub struct Sound(Codes);

#[derive(Debug, Clone)]
enum Codes {
    Whole { codes: Arc<[u8]>, audible_from: usize },
    Coming(Arc<Coming>),
}

/// The smallest sample that counts as audible: -50 dBFS.
const AUDIBLE: u16 = 104;

impl Sound {
    /// Encodes linear PCM at 8 kHz.
    pub fn new(samples: &[i16]) -> Sound {
        let audible_from = samples.iter().position(is_audible).unwrap_or(usize::MAX);
        let mut codes = vec![0; samples.len()];
        g711::encode_ulaw(samples, &mut codes);
        Sound(Codes::Whole { codes: codes.into(), audible_from })
    }

    /// A sound that is still to come: whoever plays it plays what is there, is silent where it does not come in time,
    /// and goes on.
    ///
    /// ```
    /// use media::{Player, Playout, Sound};
    ///
    /// let (sound, mut rest) = Sound::coming();
    /// let (mut player, mut frame) = (Player::default(), [0; audio::FRAME]);
    /// player.play(Playout::once(7, sound));
    /// assert_eq!(player.fill(&mut frame).finished, None);
    /// rest.push(&[900; audio::FRAME]);
    /// drop(rest);
    /// assert_eq!(player.fill(&mut frame).finished, Some(7));
    /// ```
    pub fn coming() -> (Sound, Rest) {
        let (coming, rest) = Coming::begin();
        (Sound(Codes::Coming(coming)), rest)
    }

    /// How many samples there are by now.
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Codes::Whole { codes, .. } => codes.len(),
            Codes::Coming(coming) => coming.len(),
        }
    }

    /// Whether no more will come.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.0 {
            Codes::Whole { .. } => true,
            Codes::Coming(coming) => coming.is_whole(),
        }
    }

    /// Writes the mu-law codes from `from` on, as far as they are there; says how many there were.
    pub(crate) fn read(&self, from: usize, out: &mut [u8]) -> usize {
        match &self.0 {
            Codes::Whole { codes, .. } => {
                let rest = codes.get(from..).unwrap_or_default();
                let count = rest.len().min(out.len());
                out[..count].copy_from_slice(&rest[..count]);
                count
            }
            Codes::Coming(coming) => coming.read(from, out),
        }
    }

    /// The index of the first sample at -50 dBFS or above; beyond the end when there is none.
    pub fn audible_from(&self) -> usize {
        match &self.0 {
            Codes::Whole { audible_from, .. } => *audible_from,
            Codes::Coming(coming) => coming.audible_from(),
        }
    }
}

/// Whether it is one at -50 dBFS or above.
pub(crate) fn is_audible(sample: &i16) -> bool {
    sample.unsigned_abs() >= AUDIBLE
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
        let mut codes = [0; 2];
        assert_eq!(Sound::from(vec![1000, -1000]).read(0, &mut codes), 2);
        assert_eq!(codes, [0xCE, 0x4E]);
    }
}
