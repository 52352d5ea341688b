//! The next voice takes over where one fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::cache::Cache;
use super::mouth::Switch;
use super::{Outlet, SpeakError, Synthesizer};

/// Failures in a row after which a voice is left alone.
const FAILURES: u32 = 2;
/// For how long, unless the vendor says so.
const REST: Duration = Duration::from_secs(30);
/// A key that is refused stays so until somebody changes it.
const REST_WITHOUT_KEY: Duration = Duration::from_secs(300);

/// Voices, the preferred one first.
pub(super) struct Chain(Vec<Seat>);

struct Seat {
    voice: Arc<dyn Synthesizer>,
    health: Mutex<Health>,
}

#[derive(Default)]
struct Health {
    failures: u32,
    rests_until: Option<Instant>,
}

/// A passage that was spoken.
pub(super) struct Spoken {
    /// The voice that spoke it to its end, as its index.
    pub(super) by: usize,
    pub(super) switches: Vec<Switch>,
    pub(super) cached: bool,
}

impl Chain {
    pub(super) fn new(voices: Vec<Arc<dyn Synthesizer>>) -> Self {
        let seat = |voice| Seat { voice, health: Mutex::default() };
        Self(voices.into_iter().map(seat).collect())
    }

    pub(super) fn name(&self, index: usize) -> &str {
        self.0.get(index).map_or("", |seat| seat.voice.name())
    }

    /// Speaks `passage` with the first voice, from `first` on, that can. A voice that fails before it was heard leaves
    /// no trace; after one that broke off, the next says the whole passage again: where in the text a voice
    /// stopped is not known, and a word said twice is better than one not said.
    pub(super) fn speak(
        &self,
        passage: &str,
        first: usize,
        cache: &Cache,
        io: &Handle,
        dropped: &watch::Receiver<bool>,
        sink: &mut dyn FnMut(&[i16]),
    ) -> Result<Spoken, SpeakError> {
        let now = Instant::now();
        let awake: Vec<usize> =
            (first..self.0.len()).filter(|seat| self.0[*seat].is_awake(now)).collect();
        // Where all of them rest, the caller is worth a try.
        let order = if awake.is_empty() { (first..self.0.len()).collect() } else { awake };
        let mut switches: Vec<Switch> = Vec::new();
        let mut last = SpeakError::Engine("no voice is configured".to_owned());
        for index in order {
            let seat = &self.0[index];
            if let Some(open) = switches.last_mut().filter(|switch| switch.to.is_empty()) {
                open.to = seat.voice.name().to_owned();
            }
            if let Some(samples) = cache.get(seat.voice.name(), passage) {
                sink(&samples);
                return Ok(Spoken { by: index, switches, cached: true });
            }
            let (made, result) = seat.attempt(passage, io, dropped, sink);
            match result {
                Ok(()) => {
                    seat.succeeded();
                    cache.put(seat.voice.name(), passage, made.into());
                    return Ok(Spoken { by: index, switches, cached: false });
                }
                Err(SpeakError::Cancelled) => return Err(SpeakError::Cancelled),
                Err(why) => {
                    seat.failed(&why);
                    tracing::warn!(voice = seat.voice.name(), "{why}");
                    let from = seat.voice.name().to_owned();
                    let repeats = !made.is_empty();
                    switches.push(Switch { from, to: String::new(), why: why.clone(), repeats });
                    last = why;
                }
            }
        }
        Err(last)
    }
}

impl Seat {
    fn attempt(
        &self,
        passage: &str,
        io: &Handle,
        dropped: &watch::Receiver<bool>,
        sink: &mut dyn FnMut(&[i16]),
    ) -> (Vec<i16>, Result<(), SpeakError>) {
        let (io, dropped) = (io.clone(), dropped.clone());
        let mut outlet = Outlet { sink, dropped, io, line: None, made: Vec::new() };
        let result = catch_unwind(AssertUnwindSafe(|| self.voice.speak(passage, &mut outlet)));
        let result = result.unwrap_or_else(|_| Err(SpeakError::Engine("the voice crashed".into())));
        let made = outlet.finish();
        // A passage of punctuation alone may be silent.
        let sayable = passage.chars().any(char::is_alphanumeric);
        match result {
            Ok(()) if made.is_empty() && sayable => (made, Err(SpeakError::Silent)),
            result => (made, result),
        }
    }

    fn is_awake(&self, now: Instant) -> bool {
        self.health().rests_until.is_none_or(|until| until <= now)
    }

    fn succeeded(&self) {
        *self.health() = Health::default();
    }

    fn failed(&self, why: &SpeakError) {
        let mut health = self.health();
        health.failures += 1;
        let rest = match why {
            SpeakError::Denied(_) => Some(REST_WITHOUT_KEY),
            SpeakError::Limited { after } => Some(after.unwrap_or(REST)),
            _ => (health.failures >= FAILURES).then_some(REST),
        };
        if let Some(rest) = rest {
            health.rests_until = Instant::now().checked_add(rest);
        }
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
