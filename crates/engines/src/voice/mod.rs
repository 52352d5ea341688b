//! Voice activity for many calls: a [`Gate`] for each, and one network for all that judges their
//! windows in batches.
//!
//! ```
//! use engines::recognizer::{Vad, WINDOW, Window};
//! use engines::voice::{Batch, Voice};
//!
//! struct Loudness;
//!
//! impl Vad for Loudness {
//!     type State = ();
//!
//!     fn judge(&mut self, windows: &mut [Window<()>]) {
//!         for window in windows {
//!             window.speech = Ok(window.samples[0]);
//!         }
//!     }
//! }
//!
//! let mut batch = Batch::new(Loudness);
//! let mut calls = [Voice::default(), Voice::default()];
//! for (call, loudness) in [0.2, 0.9].into_iter().enumerate() {
//!     let at_once = batch.offer(call, &mut calls[call], Box::new([loudness; WINDOW]));
//!     assert_eq!(at_once, None, "what may be speech waits for the network");
//! }
//! let mut heard = Vec::new();
//! batch.run(|call, voice, speech| {
//!     calls[call] = voice;
//!     heard.push((call, speech));
//! });
//! assert_eq!(heard, [(0, Ok(0.2)), (1, Ok(0.9))]);
//! ```

mod gate;

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::gate::Gate;
use crate::recognizer::{Vad, VadError, WINDOW, Window};

/// Windows in a batch at most: a multiple of the rows that the network computes side by side. It
/// bounds how long a batch takes.
const LARGEST: usize = 48;

/// Of one call: its gate, and what the network remembers.
#[derive(Debug, Clone, Default)]
pub struct Voice<S> {
    gate: Gate,
    state: S,
}

/// Windows of different calls that wait for one run of the network. `K` names a call.
pub struct Batch<V: Vad, K> {
    vad: V,
    calls: Vec<(K, Gate)>,
    windows: Vec<Window<V::State>>,
    tally: Tally,
}

/// What was done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Windows that were offered.
    pub windows: u64,
    /// Windows that the network judged; the others were surely silence.
    pub judged: u64,
    /// Runs of the network.
    pub batches: u64,
}

impl<V: Vad, K> Batch<V, K> {
    /// An empty batch.
    pub fn new(vad: V) -> Self {
        Self { vad, calls: Vec::new(), windows: Vec::new(), tally: Tally::default() }
    }

    /// Takes a call's next window. If it is surely silence the answer is there at once: the
    /// probability 0. Otherwise the window waits for [`run`](Self::run), which gives `voice` back:
    /// until then that call offers no other.
    pub fn offer(
        &mut self,
        call: K,
        voice: &mut Voice<V::State>,
        samples: Box<[f32; WINDOW]>,
    ) -> Option<f32> {
        self.tally.windows += 1;
        if voice.gate.is_silence(&samples) {
            self.vad.skip(&mut voice.state, &samples);
            return Some(0.0);
        }
        let Voice { gate, state } = mem::take(voice);
        self.calls.push((call, gate));
        self.windows.push(Window::new(samples, state));
        None
    }

    /// Whether no window waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// Whether as many windows wait as should be judged together.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.windows.len() >= LARGEST
    }

    /// Judges what waits, and tells each call's answer in the order of offering. A detector that
    /// panics has failed at these windows and is asked again for the next.
    pub fn run(&mut self, mut each: impl FnMut(K, Voice<V::State>, Result<f32, VadError>)) {
        if self.windows.is_empty() {
            return;
        }
        self.tally.judged += self.windows.len() as u64;
        self.tally.batches += 1;
        let judged = catch_unwind(AssertUnwindSafe(|| self.vad.judge(&mut self.windows)));
        let crashed = judged.is_err();
        for ((call, mut gate), window) in self.calls.drain(..).zip(self.windows.drain(..)) {
            let Window { samples, state, speech } = window;
            let speech = if crashed { Err(VadError("it crashed".into())) } else { speech };
            if let Ok(speech) = speech {
                gate.judged(&samples, speech);
            }
            each(call, Voice { gate, state }, speech);
        }
    }

    /// What was done so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the windows it has seen of a call; fails at negative samples, crashes at huge ones.
    struct Counter;

    impl Vad for Counter {
        type State = u32;

        fn judge(&mut self, windows: &mut [Window<u32>]) {
            for window in windows {
                assert!(window.samples[0] < 100.0, "as the test wants");
                if window.samples[0] >= 0.0 {
                    window.state += 1;
                    window.speech = Ok(window.state as f32);
                }
            }
        }
    }

    fn offer(batch: &mut Batch<Counter, usize>, calls: &mut [Voice<u32>], call: usize, value: f32) {
        let at_once = batch.offer(call, &mut calls[call], Box::new([value; WINDOW]));
        assert_eq!(at_once, None);
    }

    fn run(
        batch: &mut Batch<Counter, usize>,
        calls: &mut [Voice<u32>],
    ) -> Vec<(usize, Option<f32>)> {
        let mut heard = Vec::new();
        batch.run(|call, voice, speech| {
            calls[call] = voice;
            heard.push((call, speech.ok()));
        });
        heard
    }

    #[test]
    fn each_call_keeps_its_own_state_and_a_failure_is_its_own() {
        let mut batch = Batch::new(Counter);
        let mut calls = vec![Voice::default(); 3];
        offer(&mut batch, &mut calls, 2, 1.0);
        offer(&mut batch, &mut calls, 0, -1.0);
        assert_eq!(run(&mut batch, &mut calls), [(2, Some(1.0)), (0, None)]);
        offer(&mut batch, &mut calls, 0, 1.0);
        offer(&mut batch, &mut calls, 2, 1.0);
        assert_eq!(run(&mut batch, &mut calls), [(0, Some(1.0)), (2, Some(2.0))]);
        assert_eq!(run(&mut batch, &mut calls), []);
        assert_eq!(batch.tally(), Tally { windows: 4, judged: 4, batches: 2 });
    }

    #[test]
    fn a_crash_is_an_error_for_each_window_and_the_next_batch_is_judged() {
        let mut batch = Batch::new(Counter);
        let mut calls = vec![Voice::default(); 2];
        offer(&mut batch, &mut calls, 0, 1.0);
        offer(&mut batch, &mut calls, 1, 1e9);
        assert_eq!(run(&mut batch, &mut calls), [(0, None), (1, None)]);
        offer(&mut batch, &mut calls, 1, 1.0);
        assert!(matches!(run(&mut batch, &mut calls)[..], [(1, Some(_))]));
    }

    #[test]
    fn a_batch_says_when_it_is_full() {
        let mut batch = Batch::new(Counter);
        let mut calls = vec![Voice::default(); LARGEST];
        for call in 0..LARGEST {
            assert!(!batch.is_full());
            offer(&mut batch, &mut calls, call, 1.0);
        }
        assert!(batch.is_full() && !batch.is_empty());
        assert_eq!(run(&mut batch, &mut calls).len(), LARGEST);
    }
}
