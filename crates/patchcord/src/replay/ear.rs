//! One ear in virtual time: its engines take the time that the cost model states.

use std::time::Duration;

use audio::FRAME;
use audio::jitter::Frame;
use engines::cost;
use engines::listener::{Heard, Listener, ListenerConfig, Output, ReadId};
use engines::phrases::Phrases;
use engines::recognizer::{ReadError, Reading, Recognizer};
use engines::silero::VadState;
use engines::voice::Voice;

use super::Engines;

/// A listener with one recognizer to itself.
pub(crate) struct VirtualEar {
    listener: Listener,
    voice: Voice<VadState>,
    /// Until when the recognizer is busy.
    busy: Duration,
    /// The reading under way and when it is done; a listener never has more than one.
    reading: Option<(Duration, ReadId, Result<Reading, ReadError>)>,
}

impl VirtualEar {
    /// An ear that has heard nothing, for a caller who is likely to say `phrases`.
    pub(crate) fn new(phrases: Phrases) -> Self {
        Self {
            listener: Listener::new(ListenerConfig::default()).expecting(phrases),
            voice: Voice::default(),
            busy: Duration::ZERO,
            reading: None,
        }
    }

    /// Takes the mu-law of what we say while the next frame comes.
    pub(crate) fn said(&mut self, codes: &[u8; FRAME]) {
        self.listener.said(codes);
    }

    pub(crate) fn push(&mut self, now: Duration, frame: &Frame) {
        self.listener.push(now, &frame.samples, frame.position);
    }

    pub(crate) fn read_soon(&mut self, now: Duration) {
        self.listener.read_soon(now);
    }

    /// When to call [`wake`](Self::wake).
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let read = self.reading.as_ref().map(|(at, ..)| *at);
        read.into_iter().chain(self.listener.deadline()).min()
    }

    pub(crate) fn wake(&mut self, now: Duration) {
        if let Some((_, id, result)) = self.reading.take_if(|(at, ..)| *at <= now) {
            self.listener.read_done(now, id, result);
        }
        self.listener.wake(now);
    }

    /// What is heard next; poll until there is nothing after every other call.
    pub(crate) fn poll(&mut self, now: Duration, engines: &mut Engines) -> Option<Heard> {
        loop {
            match self.listener.poll()? {
                Output::Heard(heard) => return Some(heard),
                Output::Vad(window) => {
                    let (listener, voice) = (&mut self.listener, &mut self.voice);
                    if let Some(silence) = engines.batch.offer((), voice, window) {
                        listener.vad(now, Ok(silence));
                    }
                    engines.batch.run(|(), next, speech| {
                        *voice = next;
                        listener.vad(now + cost::VAD_WINDOW, speech);
                    });
                }
                // Nobody else is read for: what was asked for has begun.
                Output::Instead(_) => self.listener.replaced(now, false),
                Output::Read(job) => {
                    let result = engines.recognizer.read(job.request());
                    let empty = Reading::default();
                    let reading = result.as_ref().unwrap_or(&empty);
                    let took = cost::reading(job.request(), reading);
                    self.busy = self.busy.max(now) + took;
                    self.reading = Some((self.busy, job.id, result));
                }
            }
        }
    }
}
