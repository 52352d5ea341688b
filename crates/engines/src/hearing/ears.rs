//! The hearing thread: owns every call's [`Listener`] and the voice activity model.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use audio::FRAME;

use super::pool::Pool;
use super::{CallId, EarState, Listen};
use crate::listener::{Heard, Listener, ListenerConfig, Output, ReadId};
use crate::recognizer::{ReadError, Reading, Vad};

/// How often calls are looked over for deadlines and ears that are gone. Frames and readings are
/// taken as they come.
const ROUND: Duration = Duration::from_millis(20);

/// What reaches the hearing thread.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all messages are frames, and the inbox is allocated once"
)]
pub(super) enum Message {
    Open(CallId, Arc<EarState>, Listen),
    Frame(CallId, [i16; FRAME], u64),
    Reset(CallId),
    Read(CallId, ReadId, Result<Reading, ReadError>),
    Close,
}

pub(super) struct Ears<V: Vad> {
    vad: V,
    pool: Pool,
    config: ListenerConfig,
    epoch: Instant,
    calls: BTreeMap<CallId, Call<V::State>>,
}

struct Call<S> {
    listener: Listener,
    vad: S,
    state: Arc<EarState>,
    listen: Listen,
}

impl<V: Vad> Ears<V> {
    pub(super) fn new(vad: V, pool: Pool, config: ListenerConfig, epoch: Instant) -> Self {
        Self { vad, pool, config, epoch, calls: BTreeMap::new() }
    }

    /// Works until told to close, or until nobody is left who could tell.
    pub(super) fn run(mut self, messages: Receiver<Message>) {
        self.serve(&messages);
        // A worker may be waiting to report; without a receiver it waits no longer and can be
        // joined when the pool goes.
        drop(messages);
    }

    fn serve(&mut self, messages: &Receiver<Message>) {
        let mut next_round = Instant::now() + ROUND;
        loop {
            let wait = next_round.saturating_duration_since(Instant::now());
            match messages.recv_timeout(wait) {
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if Instant::now() >= next_round {
                self.round();
                next_round = Instant::now() + ROUND;
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Open(id, state, listen) => {
                let listener = Listener::new(self.config.clone());
                let call = Call { listener, vad: V::State::default(), state, listen };
                self.calls.insert(id, call);
            }
            Message::Frame(id, frame, position) => {
                if let Some(call) = self.calls.get(&id) {
                    call.state.waiting.fetch_sub(1, Ordering::Relaxed);
                }
                self.with(id, |listener, now| listener.push(now, &frame, position));
            }
            Message::Reset(id) => self.with(id, |listener, _| listener.reset()),
            Message::Read(id, read, result) => {
                self.with(id, |listener, now| listener.read_done(now, read, result));
            }
            Message::Close => {}
        }
    }

    fn round(&mut self) {
        let now = self.epoch.elapsed();
        let gone = |call: &Call<V::State>| call.state.gone.load(Ordering::Relaxed);
        let ids: Vec<_> = self.calls.iter().map(|(id, call)| (*id, gone(call))).collect();
        for (id, gone) in ids {
            if gone {
                self.forget(id);
            } else if self.calls[&id].listener.deadline().is_some_and(|deadline| deadline <= now) {
                self.with(id, |listener, now| listener.wake(now));
            }
        }
    }

    /// Does one thing to a call's listener, and then everything it asks for.
    fn with(&mut self, id: CallId, act: impl FnOnce(&mut Listener, Duration)) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        act(&mut call.listener, self.epoch.elapsed());
        while let Some(output) = call.listener.poll() {
            match output {
                Output::Vad(window) => {
                    let probability = self.vad.probability(&mut call.vad, &window);
                    call.listener.vad(self.epoch.elapsed(), probability);
                }
                Output::Read(job) => {
                    let read = job.id;
                    if let Err(refusal) = self.pool.submit(id, job) {
                        call.listener.read_done(self.epoch.elapsed(), read, Err(refusal));
                    }
                }
                Output::Heard(heard) => {
                    if !call.tell(heard) {
                        self.forget(id);
                        return;
                    }
                }
            }
        }
    }

    fn forget(&mut self, id: CallId) {
        self.calls.remove(&id);
        self.pool.forget(id);
    }
}

impl<S> Call<S> {
    /// Whether the call still wants to hear. A callback that panics costs its own call only.
    fn tell(&mut self, heard: Heard) -> bool {
        if self.state.gone.load(Ordering::Relaxed) {
            return false;
        }
        let told = catch_unwind(AssertUnwindSafe(|| (self.listen)(heard)));
        if told.is_err() {
            tracing::error!("what a call does with what it heard has panicked; it hears no more");
        }
        told.is_ok()
    }
}
