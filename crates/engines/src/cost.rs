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

use crate::moonshine::draft::Work;
use crate::recognizer::{Care, Reading, Request, Token};

/// One window of voice activity detection, judged alone; in a batch it is a fifth of that.
pub const VAD_WINDOW: Duration = Duration::from_micros(55);

/// A reading's fixed part.
const READING: Duration = Duration::from_millis(6);
/// The encoder, for a second of audio.
const AUDIO_SECOND: Duration = Duration::from_millis(10);
/// The decoder, for a pass beside the first, which finds a token.
const TOKEN: Duration = Duration::from_micros(4_500);
/// The decoder, for a token of the guess it judges.
const GUESSED_TOKEN: Duration = Duration::from_micros(700);

/// How long it takes to read what is asked for as `reading`.
///
/// ```
/// use engines::cost;
/// use engines::recognizer::{Reading, Request, Token};
///
/// let token = |id| Token { id, probability: 0.9 };
/// let reading = Reading::new("two words".into(), vec![token(7), token(8)]);
/// let two_seconds = [0.0; 32_000];
/// let alone = cost::reading(Request::of(&two_seconds), &reading);
/// let helped = cost::reading(Request { guess: &[token(7)], ..Request::of(&two_seconds) }, &reading);
/// assert_eq!(alone.as_millis(), 35);
/// assert!(helped < alone);
/// ```
#[must_use]
pub fn reading(request: Request<'_>, reading: &Reading) -> Duration {
    let ids = |tokens: &[Token]| tokens.iter().map(|token| token.id).collect::<Vec<_>>();
    let (guess, tokens) = (ids(request.guess), ids(&reading.tokens));
    let work = match request.care {
        Care::Glance => Work::of(&guess, &tokens),
        Care::Full => Work::of_prefix(&guess, &tokens),
    };
    let seconds = request.samples.len() as f64 / crate::moonshine::SAMPLE_RATE as f64;
    let found = TOKEN * (work.passes - 1) as u32;
    READING + AUDIO_SECOND.mul_f64(seconds) + found + GUESSED_TOKEN * work.judged as u32
}
