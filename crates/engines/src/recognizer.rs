//! What the hearing thread and its workers need from an engine, and no more.

use std::fmt;
use std::sync::LazyLock;

use crate::phrases::Phrases;
use crate::words::Word;

/// Samples in one voice activity window: 32 ms at 8 kHz.
pub const WINDOW: usize = 256;

/// Judges whether windows of telephone audio hold speech, for many calls at a time.
pub trait Vad: Send {
    /// What the detector remembers of one call; `default()` is a call that has just begun.
    type State: Default + Send;

    /// Sets the [`speech`](Window::speech) of each window, and takes its state a step further. They
    /// are windows of different calls; those of one call come in order from batch to batch. What
    /// a window is judged to be does not depend on the others of its batch.
    fn judge(&mut self, windows: &mut [Window<Self::State>]);

    /// Is told of a window, next in order, that was not given to it because it was surely silence.
    fn skip(&self, state: &mut Self::State, samples: &[f32; WINDOW]) {
        let _ = (state, samples);
    }

    /// Judges one window of one call by itself.
    ///
    /// # Errors
    /// [`VadError`] if the engine failed; the state is then as before.
    fn judge_alone(
        &mut self,
        state: &mut Self::State,
        samples: &[f32; WINDOW],
    ) -> Result<f32, VadError> {
        let mut batch = [Window::new(Box::new(*samples), std::mem::take(state))];
        self.judge(&mut batch);
        let [window] = batch;
        *state = window.state;
        window.speech
    }
}

/// One window of one call, to be judged.
#[derive(Debug)]
pub struct Window<S> {
    /// At 8 kHz, full scale ±1.
    pub samples: Box<[f32; WINDOW]>,
    /// What is remembered of the call. After an error it is as before.
    pub state: S,
    /// The answer: the probability of speech, 0 to 1, or why there is none.
    pub speech: Result<f32, VadError>,
}

impl<S> Window<S> {
    /// A window that nobody has judged.
    #[must_use]
    pub fn new(samples: Box<[f32; WINDOW]>, state: S) -> Self {
        Self { samples, state, speech: Err(VadError("the window was not judged".into())) }
    }
}

/// Turns one utterance into words.
pub trait Recognizer: Send {
    /// Reads an utterance, or what there is of it.
    ///
    /// # Errors
    /// [`ReadError`]; the recognizer can still be used after one.
    fn read(&mut self, request: Request<'_>) -> Result<Reading, ReadError>;
}

impl<R: Recognizer + ?Sized> Recognizer for Box<R> {
    fn read(&mut self, request: Request<'_>) -> Result<Reading, ReadError> {
        (**self).read(request)
    }
}

/// What a [`Recognizer`] is asked to read.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The whole utterance so far: 16 kHz, full scale ±1.
    pub samples: &'r [f32],
    /// What an earlier, shorter stretch of the same utterance was read as, or empty. It may make
    /// the reading faster; it is not evidence of what was said.
    pub guess: &'r [Token],
    /// What the caller is likely to say.
    pub phrases: &'r Phrases,
    /// How much work it is worth.
    pub care: Care,
}

/// How much work a reading is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// Another reading will follow; it leans a little towards single words, and towards no name.
    Glance,
    /// This may be the last: it leans towards phrases, or weighs the sentences of a script.
    Full,
}

impl<'r> Request<'r> {
    /// A request to read `samples`, of which nothing is known.
    #[must_use]
    pub fn of(samples: &'r [f32]) -> Self {
        static NONE: LazyLock<Phrases> = LazyLock::new(Phrases::default);
        Self { samples, guess: &[], phrases: &NONE, care: Care::Glance }
    }
}

/// What a recognizer made of an utterance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The words as the engine writes them, with its case and punctuation; empty if it heard none.
    pub text: String,
    /// The tokens behind the words, in order.
    pub tokens: Vec<Token>,
    /// The words with their places, which count from the start of the audio that was read. Empty
    /// if the engine does not place them.
    pub words: Vec<Word>,
    /// Geometric mean of the tokens' probabilities, 0 to 1; 0 for an empty reading.
    pub confidence: f32,
    /// Which sentences of the script it may have been, the likeliest first; none if nothing was expected.
    pub scripted: Vec<Scripted>,
}

/// A sentence of a script that may have been said.
#[derive(Debug, Clone, PartialEq)]
pub struct Scripted {
    /// The sentence.
    pub text: String,
    /// Its words with their places, as those of a [`Reading`].
    pub words: Vec<Word>,
    /// How likely it is beside the free reading: the logarithm of the ratio of their probabilities, mostly below 0.
    pub log_ratio: f32,
}

impl Reading {
    /// A reading of `text` from `tokens`, with the confidence that follows from them.
    #[must_use]
    pub fn new(text: String, tokens: Vec<Token>) -> Self {
        let confidence = confidence(&tokens);
        Self { text, tokens, words: Vec::new(), confidence, scripted: Vec::new() }
    }
}

impl Reading {
    /// The same reading, with its places counted from a start `by` samples earlier.
    pub(crate) fn later(mut self, by: u64) -> Self {
        let later = |words: Vec<Word>| words.into_iter().map(|word| word.later(by)).collect();
        self.words = later(self.words);
        for scripted in &mut self.scripted {
            scripted.words = later(std::mem::take(&mut scripted.words));
        }
        self
    }
}

/// Geometric mean of the tokens' probabilities; 0 if there are none.
pub(crate) fn confidence(tokens: &[Token]) -> f32 {
    if tokens.is_empty() {
        return 0.0;
    }
    let log_sum: f32 = tokens.iter().map(|token| token.probability.max(1e-9).ln()).sum();
    (log_sum / tokens.len() as f32).exp()
}

/// One token of a [`Reading`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Token {
    /// The engine's number for it.
    pub id: u32,
    /// How sure the engine was of it, 0 to 1, given the tokens before it.
    pub probability: f32,
}

/// Why a window could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("voice activity detection failed: {0}")]
pub struct VadError(pub String);

/// Why an utterance could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The engine refused or failed.
    #[error("the recognizer failed: {0}")]
    Engine(String),
    /// The engine panicked; it is being started anew.
    #[error("the recognizer crashed and is being restarted")]
    Crashed,
    /// No answer came in time; a late one is thrown away.
    #[error("the recognizer gave no answer in time")]
    Overrun,
    /// More readings are waiting than the pool admits.
    #[error("the recognizers are overloaded")]
    Overloaded,
    /// No recognizer is left alive.
    #[error("no recognizer is running")]
    Gone,
}

impl ReadError {
    /// An engine's failure in its own words.
    pub(crate) fn engine(error: impl fmt::Display) -> Self {
        Self::Engine(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_the_geometric_mean() {
        let token = |probability| Token { id: 7, probability };
        let reading = Reading::new("a b".into(), vec![token(0.9), token(0.4)]);
        assert!((reading.confidence - 0.6).abs() < 1e-6);
        assert_eq!(Reading::new(String::new(), vec![]).confidence, 0.0);
    }
}
