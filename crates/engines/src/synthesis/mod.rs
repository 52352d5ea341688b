//! Text to telephone sound: voices on this machine and at vendors, behind one trait.
//!
//! [`Mouth`] is the service: a bounded pool of threads that speaks passages (a sentence or its first
//! clause) one after the other, so that the first is heard while the rest is made; with a cache, and a
//! chain of voices in which the next one takes over where one fails. Behind [`Synthesizer`]:
//! [`piper`], neural voices as data, through ONNX Runtime; [`flite`], a voice from the system's
//! packages; [`remote`], vendors over HTTP. Whatever they make passes the same [`mod@line`]: 8 kHz, one
//! loudness, no leading silence.
//!
//! ```no_run
//! use engines::synthesis::{Mouth, Said, SynthesisConfig};
//!
//! let mouth = Mouth::build(&SynthesisConfig::default(), &Default::default())?;
//! let mut utterance = mouth.say("How can I help you?")?;
//! while let Some(said) = utterance.next_blocking() {
//!     if let Said::Audio(samples) = said {
//!         println!("{} samples", samples.len());
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod chain;
mod config;
pub mod flite;
pub mod line;
mod mouth;
pub mod passage;
pub mod piper;
mod program;
pub mod remote;
pub mod spoken;

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

pub use self::config::{BuildError, LocalVoices, SynthesisConfig};
pub use self::line::Line;
pub use self::mouth::{Mouth, MouthConfig, Report, Said, Switch, Utterance};

/// The longest text that is spoken at once, in bytes: about seven minutes. It bounds what an utterance that nobody
/// listens to can hold.
pub const LONGEST_TEXT: usize = 6_000;

/// A voice.
///
/// It is called on a thread of the pool, several at a time.
pub trait Synthesizer: Send + Sync {
    /// The voice with everything that changes how it sounds: what two voices of one name say of one text is the same.
    fn name(&self) -> &str;

    /// Speaks `passage`, a sentence or part of one, and hands the sound out as soon as it is there.
    ///
    /// # Errors
    /// [`SpeakError`]. What was handed out before is heard all the same.
    fn speak(&self, passage: &str, outlet: &mut Outlet<'_>) -> Result<(), SpeakError>;
}

/// Why a passage was not spoken, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpeakError {
    /// Nobody listens any more.
    #[error("the utterance was dropped")]
    Cancelled,
    /// More utterances are waiting than the pool admits.
    #[error("too many utterances are waiting to be spoken; raise [synthesis] workers, or cache")]
    Overloaded,
    /// The text is beyond [`LONGEST_TEXT`].
    #[error("the text has {0} bytes, and {LONGEST_TEXT} are spoken at once; say it in parts")]
    TooLong(usize),
    /// The vendor refuses the key.
    #[error("the vendor refuses the key ({0}); check key_env or key_file")]
    Denied(String),
    /// The vendor wants less.
    #[error("the vendor's limit is reached{}", after.map_or(String::new(), |after| format!(" for {} s", after.as_secs())))]
    Limited {
        /// For how long, if it says so.
        after: Option<Duration>,
    },
    /// The vendor's server failed, or cannot be reached, or does not accept the request.
    #[error("the vendor's server failed: {0}")]
    Server(String),
    /// Nothing came for this long.
    #[error("no sound came for {} ms", .0.as_millis())]
    Stalled(Duration),
    /// The sound stopped before its end.
    #[error("the sound broke off: {0}")]
    BrokeOff(String),
    /// All went well, but nothing can be heard.
    #[error("the voice made no sound")]
    Silent,
    /// What came is no sound, or of a kind that is not read here.
    #[error("what came is not the sound that was asked for: {0}")]
    NotSound(String),
    /// An engine on this machine failed.
    #[error("{0}")]
    Engine(String),
}

/// Where a voice puts its sound.
pub struct Outlet<'a> {
    pub(crate) sink: &'a mut dyn FnMut(&[i16]),
    pub(crate) dropped: watch::Receiver<bool>,
    pub(crate) io: Handle,
    pub(crate) line: Option<Line>,
    pub(crate) made: Vec<i16>,
}

impl Outlet<'_> {
    /// Hands out `samples` (full scale ±1) at `rate` Hz. All of a passage have the same rate.
    ///
    /// # Errors
    /// [`SpeakError::Cancelled`] when nobody listens any more, [`SpeakError::NotSound`] for a rate that is not one of
    /// [`audio::resample::RATES`].
    pub fn push(&mut self, rate: u32, samples: &[f32]) -> Result<(), SpeakError> {
        self.still_heard()?;
        let line = match &mut self.line {
            Some(line) => line,
            line => line
                .insert(Line::new(rate).map_err(|error| SpeakError::NotSound(error.to_string()))?),
        };
        let before = self.made.len();
        line.process(samples, &mut self.made);
        if self.made.len() > before {
            (self.sink)(&self.made[before..]);
        }
        Ok(())
    }

    /// Waits for `work` on the thread that speaks; work that nobody waits for any more is dropped at once.
    ///
    /// # Errors
    /// Those of `work`, and [`SpeakError::Cancelled`].
    pub fn wait<T>(
        &mut self,
        work: impl Future<Output = Result<T, SpeakError>>,
    ) -> Result<T, SpeakError> {
        self.still_heard()?;
        let dropped = &mut self.dropped;
        self.io.block_on(async {
            tokio::select! {
                biased;
                // An error means that the utterance is gone, and so does the value.
                _ = dropped.wait_for(|dropped| *dropped) => Err(SpeakError::Cancelled),
                done = work => done,
            }
        })
    }

    /// Ends the passage; gives all of it.
    pub(crate) fn finish(mut self) -> Vec<i16> {
        let before = self.made.len();
        if let Some(line) = &mut self.line {
            line.finish(&mut self.made);
        }
        if self.made.len() > before {
            (self.sink)(&self.made[before..]);
        }
        self.made
    }

    fn still_heard(&self) -> Result<(), SpeakError> {
        if *self.dropped.borrow() || self.dropped.has_changed().is_err() {
            Err(SpeakError::Cancelled)
        } else {
            Ok(())
        }
    }
}
