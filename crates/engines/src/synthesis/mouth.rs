//! The service that speaks: a bounded pool of threads before a chain of voices, and a cache.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

use super::cache::Cache;
use super::chain::Chain;
use super::passage::passages;
use super::{LONGEST_TEXT, SpeakError, Synthesizer};

/// Between two sentences: 240 ms.
const AFTER_SENTENCE: &[i16] = &[0; 1_920];
/// After a clause: 100 ms.
const AFTER_CLAUSE: &[i16] = &[0; 800];

/// How much is spoken at once, and what is remembered.
#[derive(Debug, Clone)]
pub struct MouthConfig {
    /// How many utterances are spoken at once.
    pub workers: NonZeroUsize,
    /// How many may wait for that.
    pub waiting: usize,
    /// How many bytes of sound are kept (a second takes 16 kB), in memory and as many in the folder.
    pub cache_bytes: usize,
    /// Where sound outlives the process.
    pub cache_folder: Option<PathBuf>,
}

impl Default for MouthConfig {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            waiting: 256,
            cache_bytes: 64_000_000,
            cache_folder: None,
        }
    }
}

/// The service. Dropping it ends what is being said.
pub struct Mouth {
    shared: Arc<Shared>,
}

struct Shared {
    chain: Chain,
    cache: Cache,
    waiting: usize,
    queue: Mutex<Queue>,
    work: Condvar,
    io: Io,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Job {
    passages: Vec<String>,
    asked: Instant,
    said: mpsc::UnboundedSender<Said>,
    dropped: watch::Receiver<bool>,
}

/// What comes out of an [`Utterance`], in this order: sound, then one of the others.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// The next samples, at 8 kHz.
    Audio(Arc<[i16]>),
    /// The text was spoken to its end.
    Done(Report),
    /// No voice could go on.
    Failed(SpeakError),
}

/// How an utterance went.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// From the call of [`Mouth::say`] to the first sound; none if there was nothing to say.
    pub first_audio: Option<Duration>,
    /// Samples in all.
    pub samples: usize,
    /// The voice that ended it.
    pub voice: String,
    /// Passages, and how many of them came from the cache.
    pub passages: (usize, usize),
    /// Each time the next voice took over.
    pub switches: Vec<Switch>,
}

/// A voice that failed, and its successor.
#[derive(Debug, Clone, PartialEq)]
pub struct Switch {
    /// The voice that failed.
    pub from: String,
    /// The one that went on.
    pub to: String,
    /// Why.
    pub why: SpeakError,
    /// The first had been heard: the words of the passage so far were said twice.
    pub repeats: bool,
}

/// Text that is being spoken. Dropping it stops that.
#[derive(Debug)]
pub struct Utterance {
    said: mpsc::UnboundedReceiver<Said>,
    /// Gone with the utterance, which tells those who speak.
    _dropped: watch::Sender<bool>,
}

impl Mouth {
    /// Starts the threads. `voices` are tried in this order.
    ///
    /// # Errors
    /// If the system gives no threads, or the cache's folder cannot be made.
    pub fn start(voices: Vec<Arc<dyn Synthesizer>>, config: MouthConfig) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("mouth-io")
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared {
            chain: Chain::new(voices),
            cache: Cache::new(config.cache_bytes, config.cache_folder.as_deref())?,
            waiting: config.waiting,
            queue: Mutex::default(),
            work: Condvar::new(),
            io: Io(Some(runtime)),
        });
        let mouth = Self { shared };
        for n in 0..config.workers.get() {
            let shared = mouth.shared.clone();
            std::thread::Builder::new().name(format!("mouth-{n}")).spawn(move || shared.work())?;
        }
        Ok(mouth)
    }

    /// Begins to speak `text`. What is all in the cache is there at once.
    ///
    /// # Errors
    /// [`SpeakError::TooLong`], [`SpeakError::Overloaded`].
    pub fn say(&self, text: &str) -> Result<Utterance, SpeakError> {
        if text.len() > LONGEST_TEXT {
            return Err(SpeakError::TooLong(text.len()));
        }
        let passages: Vec<String> = passages(text).into_iter().map(str::to_owned).collect();
        let (said, receiver) = mpsc::unbounded_channel();
        let (sender, dropped) = watch::channel(false);
        let utterance = Utterance { said: receiver, _dropped: sender };
        let job = Job { passages, asked: Instant::now(), said, dropped };
        let shared = &self.shared;
        let at_hand = |passage: &String| shared.cache.at_hand(self.voice(), passage);
        if let Some(sounds) = job.passages.iter().map(at_hand).collect::<Option<Vec<_>>>() {
            shared.repeat(&job, &sounds);
            return Ok(utterance);
        }
        let mut queue = shared.queue();
        queue.jobs.retain(Job::is_wanted);
        if queue.jobs.len() >= shared.waiting {
            return Err(SpeakError::Overloaded);
        }
        queue.jobs.push_back(job);
        shared.work.notify_one();
        drop(queue);
        Ok(utterance)
    }

    /// The voice that is asked first.
    #[must_use]
    pub fn voice(&self) -> &str {
        self.shared.chain.name(0)
    }
}

impl Drop for Mouth {
    fn drop(&mut self) {
        let mut queue = self.shared.queue();
        queue.closed = true;
        queue.jobs.clear();
        self.shared.work.notify_all();
    }
}

impl Utterance {
    /// What comes next; `None` after the end, and if the mouth is gone.
    pub async fn next(&mut self) -> Option<Said> {
        self.said.recv().await
    }

    /// The same on a thread that may wait.
    ///
    /// # Panics
    /// On a thread of an async runtime.
    pub fn next_blocking(&mut self) -> Option<Said> {
        self.said.blocking_recv()
    }

    /// Waits for all of it.
    ///
    /// # Errors
    /// [`SpeakError`] if it was not spoken to its end.
    ///
    /// # Panics
    /// On a thread of an async runtime.
    pub fn all_blocking(mut self) -> Result<(Vec<i16>, Report), SpeakError> {
        let mut samples = Vec::new();
        loop {
            match self.next_blocking() {
                Some(Said::Audio(more)) => samples.extend_from_slice(&more),
                Some(Said::Done(report)) => return Ok((samples, report)),
                Some(Said::Failed(error)) => return Err(error),
                None => return Err(SpeakError::Cancelled),
            }
        }
    }
}

impl Job {
    fn is_wanted(&self) -> bool {
        !self.said.is_closed()
    }

    /// The silence before a passage.
    fn pause_before(&self, index: usize) -> &'static [i16] {
        match index.checked_sub(1).map(|before| &self.passages[before]) {
            None => &[],
            Some(before) if before.ends_with([',', ';', ':', '–', '—']) => AFTER_CLAUSE,
            Some(_) => AFTER_SENTENCE,
        }
    }
}

impl Shared {
    /// Of a job that was not begun.
    fn report(&self, job: &Job) -> Report {
        Report {
            first_audio: None,
            samples: 0,
            voice: self.chain.name(0).to_owned(),
            passages: (job.passages.len(), 0),
            switches: Vec::new(),
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread of the pool.
    fn work(&self) {
        while let Some(job) = self.next_job() {
            if job.is_wanted() {
                self.speak(&job);
            }
        }
    }

    fn next_job(&self) -> Option<Job> {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                return None;
            }
            match queue.jobs.pop_front() {
                Some(job) => return Some(job),
                None => queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Gives what was said before.
    fn repeat(&self, job: &Job, sounds: &[Arc<[i16]>]) {
        let mut report = self.report(job);
        for (index, sound) in sounds.iter().enumerate() {
            report.say(job, job.pause_before(index));
            report.say(job, sound);
        }
        report.passages.1 = sounds.len();
        let _ = job.said.send(Said::Done(report));
    }

    /// Speaks a job to its end. Where nobody listens any more, nobody is told.
    fn speak(&self, job: &Job) {
        let mut report = self.report(job);
        let mut voice = 0;
        for (index, passage) in job.passages.iter().enumerate() {
            report.say(job, job.pause_before(index));
            let mut sink = |samples: &[i16]| report.say(job, samples);
            let io = self.io.handle();
            let dropped = &job.dropped;
            let spoken = self.chain.speak(passage, voice, &self.cache, io, dropped, &mut sink);
            match spoken {
                Ok(spoken) => {
                    // One voice for the rest: it does not come back in the middle of a text.
                    voice = spoken.by;
                    report.passages.1 += usize::from(spoken.cached);
                    report.switches.extend(spoken.switches);
                }
                Err(error) => {
                    let _ = job.said.send(Said::Failed(error));
                    return;
                }
            }
        }
        report.voice = self.chain.name(voice).to_owned();
        let _ = job.said.send(Said::Done(report));
    }
}

impl Report {
    fn say(&mut self, job: &Job, samples: &[i16]) {
        if !samples.is_empty() {
            self.first_audio.get_or_insert_with(|| job.asked.elapsed());
            self.samples += samples.len();
            let _ = job.said.send(Said::Audio(samples.into()));
        }
    }
}

/// Sockets and programs are waited for here. It may be dropped anywhere.
struct Io(Option<Runtime>);

impl Io {
    fn handle(&self) -> &tokio::runtime::Handle {
        self.0.as_ref().expect("taken only when dropped").handle()
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
