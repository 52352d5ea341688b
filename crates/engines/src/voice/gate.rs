//! Which windows need no judging.

use crate::recognizer::WINDOW;

/// Mean square, at full scale ±1, below which a window is silence whatever came before: −78 dB, less
/// than one step of mu-law around zero.
const NOTHING: f32 = 1.5e-8;
/// A window is like the silence before it if their energies are no further apart than this.
const ALIKE: f32 = 1.6;
/// Windows that must be judged silent in a row before any is let go unjudged: 320 ms.
const SETTLE: u8 = 10;
/// Of windows that are like silence, one in this many is judged nevertheless.
const CHECK: u8 = 16;
/// A probability of speech from here on leaves no doubt that listening must go on.
const DOUBT: f32 = 0.1;
/// Share of the newest window in the level of silence.
const LEARN: f32 = 0.15;

/// Lets through what may be speech.
///
/// It does not know what speech sounds like, only whether anything has changed: once the network
/// has called ten windows in a row silence, further ones as loud as those (give or take 2 dB) are silence too. Louder or
/// softer ones are judged, and so is one in sixteen of the others. So what the network
/// would have heard, however soft, is kept from it only where it cannot be told from the noise before
/// it by level, and then for half a second at most.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// Mean energy of what was judged silent; 0 before anything was.
    level: f32,
    /// Windows judged silent in a row, up to `SETTLE`.
    silent: u8,
    /// Windows let go since the last one that was judged.
    unjudged: u8,
}

impl Gate {
    /// Whether the window needs no judging. If it does, tell [`judged`](Self::judged) the answer before
    /// the next window.
    pub fn is_silence(&mut self, window: &[f32; WINDOW]) -> bool {
        let energy = energy(window);
        let alike =
            energy < NOTHING || (self.level / ALIKE <= energy && energy <= self.level * ALIKE);
        if self.silent < SETTLE || !alike || self.unjudged >= CHECK - 1 {
            return false;
        }
        self.unjudged += 1;
        self.learn(energy);
        true
    }

    /// Takes the probability of speech that a window was given.
    pub fn judged(&mut self, window: &[f32; WINDOW], speech: f32) {
        self.unjudged = 0;
        if speech >= DOUBT {
            self.silent = 0;
            return;
        }
        self.silent = (self.silent + 1).min(SETTLE);
        self.learn(energy(window));
    }

    fn learn(&mut self, energy: f32) {
        let share = if self.level == 0.0 { 1.0 } else { LEARN };
        self.level += share * (energy - self.level);
    }
}

/// Mean square.
fn energy(window: &[f32; WINDOW]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    for samples in window.as_chunks::<LANES>().0 {
        for (sum, sample) in sums.iter_mut().zip(samples) {
            *sum += sample * sample;
        }
    }
    sums.iter().sum::<f32>() / WINDOW as f32
}
