//! What engines cost in virtual time, where no clock is read.
//!
//! A replay runs the real engines, but says that they took as long as this model states, so that
//! every replay of a call is the same on any machine.
//!
//! The constants are rounded from a least-squares fit to readings of 0.6 s to 4 s, with and without a guess, which
//! the example `measure` (`cargo run --release -p engines --example measure`) took on one thread of a two-core
//! x86-64 machine that had other work to do. They say what is cheap and what is dear, and are no promise for any
//! machine.

use std::time::Duration;

use crate::recognizer::{Reading, Token};

/// One window of voice activity detection, judged alone; in a batch it is a fifth of that.
pub const VAD_WINDOW: Duration = Duration::from_micros(55);

/// A reading's fixed part.
const READING: Duration = Duration::from_millis(6);
/// The encoder, for a second of audio.
const AUDIO_SECOND: Duration = Duration::from_millis(10);
/// The decoder, for a token it finds by itself.
const TOKEN: Duration = Duration::from_micros(4_500);
/// The decoder, for a token of the guess it judges.
const GUESSED_TOKEN: Duration = Duration::from_micros(700);

/// How long it takes to read `samples` samples at 16 kHz as `reading`, given `guess`.
///
/// ```
/// use engines::cost;
/// use engines::recognizer::{Reading, Token};
///
/// let token = |id| Token { id, probability: 0.9 };
/// let reading = Reading::new("two words".into(), vec![token(7), token(8)]);
/// let alone = cost::reading(32_000, &[], &reading);
/// let helped = cost::reading(32_000, &[token(7)], &reading);
/// assert_eq!(alone.as_millis(), 35);
/// assert!(helped < alone);
/// ```
#[must_use]
pub fn reading(samples: usize, guess: &[Token], reading: &Reading) -> Duration {
    let pairs = guess.iter().zip(&reading.tokens);
    let right = pairs.take_while(|(guess, token)| guess.id == token.id).count();
    let audio = AUDIO_SECOND.mul_f64(samples as f64 / crate::moonshine::SAMPLE_RATE as f64);
    let found = reading.tokens.len() - right;
    READING + audio + TOKEN * found as u32 + GUESSED_TOKEN * guess.len() as u32
}
