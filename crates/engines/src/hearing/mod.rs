//! Hearing, live: one thread that owns all [`Listener`](crate::listener::Listener)s, and a pool of
//! recognizers.
//!
//! ```no_run
//! use engines::hearing::{Hearing, HearingConfig};
//! use engines::models::Store;
//!
//! let models = Store::open(Store::default_dir()?)?.paths()?;
//! let hearing = Hearing::start(&models, HearingConfig::default())?;
//! let mut ear = hearing.ear(|heard| println!("{heard:?}"))?;
//! ear.frame(&[0; audio::FRAME], 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ears;
mod elsewhere;
mod load;
mod pool;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use audio::{FRAME, g711};

use self::ears::{Ears, Message};
pub use self::load::Load;
use self::load::Meter;
pub use self::pool::PoolHealth;
use self::pool::{Factory, Gauge, Pool};
use crate::chain::Recognition;
use crate::listener::{Heard, ListenerConfig};
use crate::models::ModelPaths;
use crate::moonshine::Moonshine;
use crate::phrases::Phrases;
use crate::recognizer::{Recognizer, Vad};
use crate::runtime::{Runtime, RuntimeError};
use crate::silero::{Silero, SileroLoadError};

/// What a call does with what it heard. It runs on the hearing thread: it should pass the event on
/// and return.
type Listen = Box<dyn FnMut(Heard) + Send>;

/// Names a call within this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct CallId(u64);

impl CallId {
    /// The call's second place in the pool, for turns that are read after all; and back.
    fn again(self) -> Self {
        Self(u64::MAX - self.0)
    }

    fn is_again(self) -> bool {
        self.0 > u64::MAX / 2
    }
}

/// How hearing is set up.
#[derive(Debug, Clone)]
pub struct HearingConfig {
    /// Where words come from; from the recognizers here if there is none.
    pub recognition: Option<Recognition>,
    /// For every call.
    pub listener: ListenerConfig,
    /// Recognizers, each with a thread of its own. About 40 MB each beyond the first.
    pub workers: NonZeroUsize,
    /// Readings that may wait for a worker; more are refused.
    pub queue: usize,
    /// Frames of one call that may wait to be heard; more are dropped and counted.
    pub backlog: usize,
    /// Frames of all calls together that may wait.
    pub inbox: usize,
    /// The instant that the times in [`Heard`] count from.
    pub epoch: Instant,
}

impl Default for HearingConfig {
    /// A worker for each core, a second of backlog a call.
    fn default() -> Self {
        Self {
            recognition: None,
            listener: ListenerConfig::default(),
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            queue: 256,
            backlog: 50,
            inbox: 4096,
            epoch: Instant::now(),
        }
    }
}

/// Why hearing did not start.
#[derive(Debug, thiserror::Error)]
pub enum HearingError {
    /// ONNX Runtime could not be loaded.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The voice activity model could not be loaded.
    #[error(transparent)]
    Vad(#[from] SileroLoadError),
    /// A recognizer could not be loaded.
    #[error("{0}")]
    Recognizer(String),
    /// The system gives no more threads.
    #[error("no thread for hearing: {0}")]
    Thread(#[from] std::io::Error),
}

/// Hearing has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("hearing has shut down")]
pub struct HearingStopped;

/// All ears of the process. Dropping it ends them and joins its threads.
pub struct Hearing {
    messages: SyncSender<Message>,
    next: AtomicU64,
    backlog: usize,
    gauge: Gauge,
    meter: Arc<Meter>,
    thread: Option<JoinHandle<()>>,
}

impl Hearing {
    /// Loads the models, once for voice activity and once for each worker, and starts the threads.
    ///
    /// # Errors
    /// [`HearingError`] if a model or thread cannot be had.
    pub fn start(models: &ModelPaths, config: HearingConfig) -> Result<Self, HearingError> {
        let runtime = Runtime::load(&models.onnxruntime)?;
        let vad = Silero::load(&models.silero)?;
        let dir = models.moonshine_dir.clone();
        let load = move || Moonshine::load(runtime, &dir).map_err(|error| error.to_string());
        Self::with_engines(vad, load, config)
    }

    /// Starts with other engines; `recognizer` is called once for each worker, on its thread, and
    /// again after a crash.
    ///
    /// # Errors
    /// [`HearingError`] if a recognizer or thread cannot be had.
    pub fn with_engines<V: Vad + 'static, R: Recognizer + 'static>(
        vad: V,
        recognizer: impl Fn() -> Result<R, String> + Send + Sync + 'static,
        config: HearingConfig,
    ) -> Result<Self, HearingError> {
        let (messages, inbox) = sync_channel(config.inbox);
        let factory: Arc<Factory<R>> = Arc::new(recognizer);
        let answers = messages.clone();
        let report = move |call, read, result| {
            // It fails only when hearing has ended, and nobody waits for the answer.
            let _ = answers.send(Message::Read(call, read, result));
        };
        let pool = Pool::start(config.workers.get(), config.queue, factory, Box::new(report))
            .map_err(HearingError::Recognizer)?;
        let gauge = pool.gauge();
        let meter = Arc::<Meter>::default();
        let elsewhere = config.recognition.filter(|recognition| !recognition.is_local());
        let elsewhere = elsewhere.map(|recognition| (recognition, messages.clone()));
        let ears =
            Ears::new(vad, pool, Arc::clone(&meter), config.listener, config.epoch, elsewhere);
        let thread =
            std::thread::Builder::new().name("hearing".into()).spawn(move || ears.run(inbox))?;
        let backlog = config.backlog;
        Ok(Self { messages, next: AtomicU64::new(0), backlog, gauge, meter, thread: Some(thread) })
    }

    /// How the recognizers are.
    #[must_use]
    pub fn health(&self) -> PoolHealth {
        self.gauge.read()
    }

    /// What the hearing thread has done, a moment ago at most.
    #[must_use]
    pub fn load(&self) -> Load {
        self.meter.read()
    }

    /// An ear for one call; `listen` is told what it hears, on the hearing thread.
    ///
    /// # Errors
    /// [`HearingStopped`] if the hearing thread is gone.
    pub fn ear(&self, listen: impl FnMut(Heard) + Send + 'static) -> Result<Ear, HearingStopped> {
        self.ear_with(Phrases::default(), listen)
    }

    /// An ear for a call whose caller is likely to say `phrases`. Calls that share their phrases
    /// (clones of one) share the work of making the recognizers ready for them.
    ///
    /// # Errors
    /// [`HearingStopped`] if the hearing thread is gone.
    pub fn ear_with(
        &self,
        phrases: Phrases,
        listen: impl FnMut(Heard) + Send + 'static,
    ) -> Result<Ear, HearingStopped> {
        let id = CallId(self.next.fetch_add(1, Ordering::Relaxed));
        let state = Arc::new(EarState::default());
        let open = Message::Open(id, Arc::clone(&state), phrases, Box::new(listen));
        self.messages.send(open).map_err(|_| HearingStopped)?;
        Ok(Ear { id, messages: self.messages.clone(), state, backlog: self.backlog, dropped: 0 })
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // It fails only if the thread is gone already.
            let _ = self.messages.send(Message::Close);
            let _ = thread.join();
        }
    }
}

/// One call's way into hearing. Dropping it forgets the call: `listen` is not called again, but
/// for a call that is under way at that moment.
pub struct Ear {
    id: CallId,
    messages: SyncSender<Message>,
    state: Arc<EarState>,
    backlog: usize,
    dropped: u64,
}

/// What an ear and the hearing thread share.
#[derive(Debug, Default)]
struct EarState {
    waiting: AtomicUsize,
    gone: AtomicBool,
}

impl Ear {
    /// Hears the frame that begins at `position` (8 kHz samples on the stream's time line). Never
    /// blocks: a frame that finds the backlog full is dropped and counted.
    pub fn frame(&mut self, frame: &[i16; FRAME], position: u64) {
        self.frame_over(frame, position, &[g711::ULAW_SILENCE; FRAME]);
    }

    /// The same, while `said` is played to the caller in mu-law: what comes back of it on the line is not taken for the
    /// caller's voice.
    pub fn frame_over(&mut self, frame: &[i16; FRAME], position: u64, said: &[u8; FRAME]) {
        if self.state.waiting.fetch_add(1, Ordering::Relaxed) < self.backlog
            && self.messages.try_send(Message::Frame(self.id, *frame, position, *said)).is_ok()
        {
            return;
        }
        self.state.waiting.fetch_sub(1, Ordering::Relaxed);
        self.dropped += 1;
    }

    /// Forgets the turn so far; what comes is heard afresh. Says whether the word got through: it
    /// does not if the inbox is full.
    pub fn reset(&mut self) -> bool {
        self.messages.try_send(Message::Reset(self.id)).is_ok()
    }

    /// Has the words so far read again soon; they nearly decide what is waited for. Nothing happens if the inbox is full.
    pub fn read_soon(&self) {
        // Then there is no time to be won either.
        let _ = self.messages.try_send(Message::ReadSoon(self.id));
    }

    /// Frames dropped since the ear was opened.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.state.gone.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
