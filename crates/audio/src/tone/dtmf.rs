//! Telephone keys that are heard (ITU-T Q.23, Q.24).
//!
//! Each 5 ms the last 20 ms are asked: are there one tone of the lower group and one of the upper,
//! each on its frequency, alike in level, and hardly anything else? A key is pressed when the
//! answer was the same for long enough, and let go when it was not for long enough.

use super::generate::{COLUMNS, KEYS, ROWS};
use super::spectrum::{Bank, Bins, STEP, TONE_ENERGY, WINDOW, Windows};
use std::ops::Range;
use std::sync::LazyLock;

/// What a [`DtmfDetector`] hears. Places are in samples since the beginning of the stream, exact to
/// about 5 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEvent {
    /// A key has been pressed; told about 35 ms after it was.
    Pressed {
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        key: char,
        /// Where its tone begins.
        at: u64,
    },
    /// The key has been let go; told about 30 ms after it was.
    Released {
        /// The key of the latest [`KeyEvent::Pressed`].
        key: char,
        /// Where its tone ends.
        at: u64,
    },
}

/// Finds telephone keys in a stream of samples at 8 kHz.
///
/// Per Q.24's table for AT&T, and for most others in it: a key counts from 40 ms on and not up to
/// 20 ms; frequencies may be off by 1.8 % and not by 3 %; the upper tone may be weaker by 8 dB or
/// stronger by 4 dB; each tone may be as weak as -33 dBFS (-30 dBm0); noise may be 12 dB below. A
/// gap of 10 ms does not end a key, one of 40 ms does.
///
/// About 800 bytes; allocates nothing. While there is hardly any sound it costs next to nothing.
#[derive(Debug, Clone)]
pub struct DtmfDetector {
    windows: Windows,
    keys: Keys,
}

/// What the windows add up to.
#[derive(Debug, Clone)]
struct Keys {
    /// The bins one step ago.
    before: Bins<8>,
    candidate: Option<Candidate>,
    down: Option<Down>,
}

/// A key that may be one.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    key: char,
    hits: u32,
    /// The end of the first window that had it.
    since: u64,
}

/// A key that is held.
#[derive(Debug, Clone, Copy)]
struct Down {
    key: char,
    /// The end of the last window that had it.
    last: u64,
}

impl DtmfDetector {
    /// A detector that has heard nothing.
    pub fn new() -> DtmfDetector {
        DtmfDetector {
            windows: Windows::new(),
            keys: Keys { before: Bins::NONE, candidate: None, down: None },
        }
    }

    /// Takes the next samples, any number, and tells what is heard in them.
    pub fn push(&mut self, samples: &[i16], mut heard: impl FnMut(KeyEvent)) {
        self.windows.push(samples, |window, end| {
            let key = self.keys.key(window);
            self.keys.follow(key, end, &mut heard);
        });
    }
}

impl Default for DtmfDetector {
    fn default() -> DtmfDetector {
        DtmfDetector::new()
    }
}

impl Keys {
    /// The key of the window, if there is one.
    fn key(&mut self, window: &[f32; WINDOW]) -> Option<char> {
        let energy = BANK.energy(window);
        if energy < FAINTEST * TONE_ENERGY {
            self.before = Bins::NONE;
            return None;
        }
        let now = BANK.bins(window);
        let before = std::mem::replace(&mut self.before, now);
        let (row, column) = (strongest(&now, 0..4), strongest(&now, 4..8));
        let [low, high] = [row, column].map(|index| BANK.tone(index, &before, &now));
        let on_frequency =
            low.off_hz.abs() <= TOLERANCE * HZ[row] && high.off_hz.abs() <= TOLERANCE * HZ[column];
        let pure = low.energy + high.energy >= PURE * energy;
        let alike = high.energy <= low.energy * UPPER_STRONGER
            && low.energy <= high.energy * LOWER_STRONGER;
        let loud = low.energy.min(high.energy) >= FAINTEST * TONE_ENERGY;
        (on_frequency && pure && alike && loud).then(|| KEYS[row][column - 4])
    }

    fn follow(&mut self, key: Option<char>, end: u64, heard: &mut impl FnMut(KeyEvent)) {
        self.candidate = key.map(|key| match self.candidate {
            Some(same) if same.key == key => Candidate { hits: same.hits + 1, ..same },
            _ => Candidate { key, hits: 1, since: end },
        });
        let ended = match &mut self.down {
            Some(down) if key == Some(down.key) => {
                down.last = end;
                false
            }
            Some(down) => end - down.last >= RELEASE,
            None => false,
        };
        let begun = self.candidate.filter(|candidate| {
            candidate.hits >= PRESS && self.down.is_none_or(|down| down.key != candidate.key)
        });
        if (ended || begun.is_some())
            && let Some(Down { key, last }) = self.down.take()
        {
            heard(KeyEvent::Released { key, at: last });
        }
        if let Some(Candidate { key, since, .. }) = begun {
            self.down = Some(Down { key, last: end });
            heard(KeyEvent::Pressed { key, at: since.saturating_sub(WINDOW as u64) });
        }
    }
}

/// Windows in a row that must have a key.
const PRESS: u32 = 5;

/// Samples without the key before it counts as let go.
const RELEASE: u64 = 6 * STEP as u64;

/// How far a frequency may be off: midway between the 1.8 % and the 3 % of the strictest networks.
const TOLERANCE: f32 = 0.024;

/// The least share of all energy that the two tones have: noise 9 dB below.
const PURE: f32 = 0.88;

/// 5.5 dB: 4 dB and room for noise.
const UPPER_STRONGER: f32 = 3.55;

/// 9.5 dB: 8 dB and room for noise.
const LOWER_STRONGER: f32 = 8.9;

/// The square of the smallest amplitude of a tone: -36 dBFS.
const FAINTEST: f32 = 0.000_25;

const HZ: [f32; 8] = {
    let mut hz = [0.0; 8];
    let mut n = 0;
    while n < 4 {
        hz[n] = ROWS[n] as f32;
        hz[n + 4] = COLUMNS[n] as f32;
        n += 1;
    }
    hz
};

/// Shared by all calls.
static BANK: LazyLock<Bank<8>> = LazyLock::new(|| Bank::new(HZ));

fn strongest(bins: &Bins<8>, group: Range<usize>) -> usize {
    let louder = |a: &usize, b: &usize| bins.power(*a).total_cmp(&bins.power(*b));
    group.max_by(louder).expect("a group has four frequencies")
}

#[cfg(test)]
mod tests;
