//! The hearing thread: owns every call's [`Listener`] and the voice activity model.
//!
//! Windows of different calls wait for each other while the inbox is being emptied, and are then judged together:
//! the busier the thread, the larger the batches. Nothing happens to a call while its window waits; whatever comes
//! for it has the batch judged first.

use std::collections::BTreeMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use audio::FRAME;

use super::elsewhere::{Deed, Elsewhere, Wish};
use super::load::Meter;
use super::pool::Pool;
use super::{CallId, EarState, Listen};
use crate::chain::{Recognition, Told};
use crate::listener::{Heard, Listener, ListenerConfig, Output, ReadId, ReadJob};
use crate::phrases::Phrases;
use crate::recognizer::{ReadError, Reading, Vad};
use crate::voice::{Batch, Voice};

/// How often calls are looked over for deadlines and ears that are gone. Frames and readings are
/// taken as they come.
const ROUND: Duration = Duration::from_millis(20);
/// Messages taken at most before the windows that came with them are judged.
const SWEEP: usize = 256;

/// What reaches the hearing thread.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all messages are frames, and the inbox is allocated once"
)]
pub(super) enum Message {
    Open(CallId, Arc<EarState>, Phrases, Listen),
    /// What was heard, its position, and the mu-law of what was said meanwhile.
    Frame(CallId, [i16; FRAME], u64, [u8; FRAME]),
    Reset(CallId),
    ReadSoon(CallId),
    Read(CallId, ReadId, Result<Reading, ReadError>),
    Told(CallId, Told),
    Close,
}

pub(super) struct Ears<V: Vad> {
    batch: Batch<V, CallId>,
    /// The calls whose windows were judged last.
    judged: Vec<CallId>,
    pool: Pool,
    meter: Arc<Meter>,
    config: ListenerConfig,
    epoch: Instant,
    /// Where words come from, if not from the pool, and the way back from there.
    elsewhere: Option<(Recognition, SyncSender<Message>)>,
    calls: BTreeMap<CallId, Call<V::State>>,
}

struct Call<S> {
    listener: Listener,
    elsewhere: Option<Elsewhere>,
    voice: Voice<S>,
    /// Whether a window waits in the batch, and `voice` with it.
    waits: bool,
    state: Arc<EarState>,
    listen: Listen,
}

impl<V: Vad> Ears<V> {
    pub(super) fn new(
        vad: V,
        pool: Pool,
        meter: Arc<Meter>,
        config: ListenerConfig,
        epoch: Instant,
        elsewhere: Option<(Recognition, SyncSender<Message>)>,
    ) -> Self {
        let (batch, judged) = (Batch::new(vad), Vec::new());
        Self { batch, judged, pool, meter, config, epoch, elsewhere, calls: BTreeMap::new() }
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
            let first = match messages.recv_timeout(wait) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            for message in first.into_iter().chain(messages.try_iter().take(SWEEP)) {
                if matches!(message, Message::Close) {
                    return;
                }
                self.take(message);
            }
            while !self.batch.is_empty() {
                self.judge();
            }
            if Instant::now() >= next_round {
                self.round();
                next_round = Instant::now() + ROUND;
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Open(id, state, phrases, listen) => {
                let elsewhere = self.elsewhere(id, &phrases);
                let listener = Listener::new(self.config.clone()).expecting(phrases);
                let voice = Voice::default();
                let call = Call { listener, elsewhere, voice, waits: false, state, listen };
                self.calls.insert(id, call);
            }
            Message::Frame(id, frame, position, said) => {
                if let Some(call) = self.calls.get(&id) {
                    call.state.waiting.fetch_sub(1, Ordering::Relaxed);
                }
                self.with(id, |listener, now| {
                    listener.said(&said);
                    listener.push(now, &frame, position);
                });
                // Behind the listener: a stream that jumps has ended the turn before.
                if let Some(elsewhere) =
                    self.calls.get(&id).and_then(|call| call.elsewhere.as_ref())
                {
                    elsewhere.frame(&frame, position);
                }
            }
            Message::Reset(id) => {
                if let Some(elsewhere) =
                    self.calls.get_mut(&id).and_then(|call| call.elsewhere.as_mut())
                {
                    elsewhere.reset();
                }
                self.with(id, |listener, _| listener.reset());
            }
            Message::ReadSoon(id) => self.with(id, |listener, now| listener.read_soon(now)),
            Message::Read(id, read, result) if id.is_again() => {
                self.read_again(id.again(), read, result)
            }
            Message::Read(id, read, result) => {
                self.with(id, |listener, now| listener.read_done(now, read, result));
            }
            Message::Told(id, told) => self.told(id, told),
            Message::Close => {}
        }
    }

    /// Where a call's words come from, if not from the pool.
    fn elsewhere(&self, id: CallId, phrases: &Phrases) -> Option<Elsewhere> {
        let (recognition, messages) = self.elsewhere.as_ref()?;
        let messages = messages.clone();
        let stream = recognition.stream(phrases.clone(), move |told| {
            // It fails only when hearing has ended, and nobody waits for words.
            let _ = messages.send(Message::Told(id, told));
        });
        Some(Elsewhere::new(stream, self.config.pre_roll))
    }

    /// The chain has told something of a call.
    fn told(&mut self, id: CallId, told: Told) {
        let now = self.epoch.elapsed();
        let elsewhere = self.calls.get_mut(&id).and_then(|call| call.elsewhere.as_mut());
        match elsewhere.and_then(|elsewhere| elsewhere.told(now, told)) {
            Some(Deed::Tell(heard)) => self.tell(id, heard),
            Some(Deed::Read(job)) => {
                let read = job.id;
                if let Err(refusal) = self.pool.submit(id, job) {
                    self.with(id, |listener, now| listener.read_done(now, read, Err(refusal)));
                }
            }
            Some(Deed::ReadAgain(job)) => self.submit_again(id, job),
            None => {}
        }
    }

    /// The pool has read a turn after all.
    fn read_again(&mut self, id: CallId, read: ReadId, result: Result<Reading, ReadError>) {
        let now = self.epoch.elapsed();
        let elsewhere = self.calls.get_mut(&id).and_then(|call| call.elsewhere.as_mut());
        let Some((heard, next)) = elsewhere.and_then(|it| it.read(now, read, result)) else {
            return;
        };
        self.tell(id, heard);
        if let Some(job) = next {
            self.submit_again(id, job);
        }
    }

    fn submit_again(&mut self, id: CallId, job: ReadJob) {
        let read = job.id;
        if let Err(refusal) = self.pool.submit(id.again(), job) {
            self.read_again(id, read, Err(refusal));
        }
    }

    fn tell(&mut self, id: CallId, heard: Heard) {
        if self.calls.get_mut(&id).is_some_and(|call| !call.tell(heard)) {
            self.forget(id);
        }
    }

    fn round(&mut self) {
        self.meter.set(self.batch.tally());
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
        while self.calls.get(&id).is_some_and(|call| call.waits) {
            self.judge();
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        act(&mut call.listener, self.epoch.elapsed());
        self.follow(id);
        if self.batch.is_full() {
            self.judge();
        }
    }

    /// Judges the windows that wait, and then does everything their listeners ask for.
    fn judge(&mut self) {
        let now = self.epoch.elapsed();
        let (calls, judged) = (&mut self.calls, &mut self.judged);
        self.batch.run(|id, voice, speech| {
            if let Some(call) = calls.get_mut(&id) {
                call.voice = voice;
                call.waits = false;
                call.listener.vad(now, speech);
                judged.push(id);
            }
        });
        let mut judged = mem::take(&mut self.judged);
        for id in judged.drain(..) {
            self.follow(id);
        }
        self.judged = judged;
    }

    /// Does everything a call's listener asks for.
    fn follow(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        while let Some(output) = call.listener.poll() {
            match output {
                Output::Vad(window) => match self.batch.offer(id, &mut call.voice, window) {
                    Some(silence) => call.listener.vad(self.epoch.elapsed(), Ok(silence)),
                    None => call.waits = true,
                },
                Output::Read(job) => {
                    let wish = match &mut call.elsewhere {
                        None => Wish::Pool(job),
                        Some(elsewhere) => elsewhere.wish(job),
                    };
                    let now = self.epoch.elapsed();
                    match wish {
                        Wish::Pool(job) => {
                            let read = job.id;
                            if let Err(refusal) = self.pool.submit(id, job) {
                                call.listener.read_done(now, read, Err(refusal));
                            }
                        }
                        Wish::Answer(read, reading) => {
                            call.listener.read_done(now, read, Ok(reading));
                        }
                        Wish::Hold => {}
                    }
                }
                Output::Instead(job) => {
                    let replaced = call.elsewhere.is_none() && self.pool.replace(id, job);
                    call.listener.replaced(self.epoch.elapsed(), replaced);
                }
                Output::Heard(heard) => {
                    let now = self.epoch.elapsed();
                    let heard = match &mut call.elsewhere {
                        None => Some(heard),
                        Some(elsewhere) => elsewhere.heard(now, heard),
                    };
                    if let Some(read) = call.elsewhere.as_mut().and_then(Elsewhere::unheld) {
                        call.listener.read_done(now, read, Ok(Reading::default()));
                    }
                    if heard.is_some_and(|heard| !call.tell(heard)) {
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
        self.pool.forget(id.again());
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
