//! The recognizers: a few worker threads and one bounded queue, fair between calls.
//!
//! A call has one job waiting at most, and goes to the end of the queue with its next: one that talks without
//! end gets no more than its turn. While it waits, newer audio takes its place. Finals overtake partials. Readings of several calls are not batched: the
//! encoder takes 2.5 times as long for two utterances of two seconds as for one, and the decoder's steps are
//! mostly saved by guesses already.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::CallId;
use crate::listener::{ReadId, ReadJob, ReadKind};
use crate::recognizer::{ReadError, Reading, Recognizer};

/// Makes a worker's recognizer; called on its thread, again after a crash.
pub(super) type Factory<R> = dyn Fn() -> Result<R, String> + Send + Sync;
/// Takes the outcome of a job, on the worker's thread.
pub(super) type Report = dyn Fn(CallId, ReadId, Result<Reading, ReadError>) + Send + Sync;

/// The worker threads. Dropping it ends them, after the job each has in hand.
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// How the pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolHealth {
    /// Workers that can read.
    pub alive: usize,
    /// Recognizers that crashed and were started anew.
    pub restarts: u64,
    /// Readings refused because the queue was full.
    pub refused: u64,
}

/// Reads a pool's [`PoolHealth`].
pub(super) struct Gauge(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    report: Box<Report>,
}

struct State {
    queue: Queue,
    health: PoolHealth,
    /// Workers that have loaded their first recognizer, well or not.
    started: Vec<Result<(), String>>,
    closing: bool,
}

impl Pool {
    /// Starts `workers` threads and waits until each has its recognizer.
    ///
    /// # Errors
    /// The first reason why one could not be had.
    pub(super) fn start<R: Recognizer + 'static>(
        workers: usize,
        capacity: usize,
        factory: Arc<Factory<R>>,
        report: Box<Report>,
    ) -> Result<Self, String> {
        let state = State {
            queue: Queue { capacity, ..Queue::default() },
            health: PoolHealth::default(),
            started: Vec::new(),
            closing: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), report });
        let mut pool = Self { shared, threads: Vec::with_capacity(workers) };
        for number in 0..workers {
            let (shared, factory) = (Arc::clone(&pool.shared), Arc::clone(&factory));
            let thread = std::thread::Builder::new()
                .name(format!("recognizer-{number}"))
                .spawn(move || shared.work(&*factory))
                .map_err(|error| format!("no thread for a recognizer: {error}"))?;
            pool.threads.push(thread);
        }
        let started = {
            let mut state = pool.shared.lock();
            while state.started.len() < workers {
                state = pool.shared.wait(state);
            }
            std::mem::take(&mut state.started)
        };
        started.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(pool)
    }

    /// Queues a job, in place of an older one of the same call if that still waits (its owner has
    /// given it up). The outcome is reported, unless the job is refused here or the call forgotten.
    pub(super) fn submit(&self, call: CallId, job: ReadJob) -> Result<(), ReadError> {
        let mut state = self.shared.lock();
        if state.health.alive == 0 {
            return Err(ReadError::Gone);
        }
        if !state.queue.push(call, job) {
            state.health.refused += 1;
            return Err(ReadError::Overloaded);
        }
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Puts a newer job in the place of one of the same call that waits; says whether one does.
    pub(super) fn replace(&self, call: CallId, job: ReadJob) -> bool {
        self.shared.lock().queue.replace(call, job)
    }

    /// Drops what waits for a call that is over.
    pub(super) fn forget(&self, call: CallId) {
        self.shared.lock().queue.forget(call);
    }

    /// A way to look at the pool from another thread.
    pub(super) fn gauge(&self) -> Gauge {
        Gauge(Arc::clone(&self.shared))
    }
}

impl Gauge {
    pub(super) fn read(&self) -> PoolHealth {
        self.0.lock().health
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A worker catches its recognizer's panics; one of its own has nothing left to do.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'l>(&self, state: MutexGuard<'l, State>) -> MutexGuard<'l, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn work<R: Recognizer>(&self, factory: &Factory<R>) {
        let first = make(factory);
        {
            let mut state = self.lock();
            state.health.alive += usize::from(first.is_ok());
            state.started.push(first.as_ref().map(|_| ()).map_err(String::clone));
            self.changed.notify_all();
        }
        let Ok(mut recognizer) = first else { return };
        while let Some((call, job)) = self.next() {
            let read = catch_unwind(AssertUnwindSafe(|| recognizer.read(job.request())));
            let crashed = read.is_err();
            self.lock().queue.done(call);
            self.changed.notify_all();
            (self.report)(call, job.id, read.unwrap_or(Err(ReadError::Crashed)));
            if crashed {
                tracing::error!(samples = job.samples.len(), "a recognizer crashed");
                match make(factory) {
                    Ok(fresh) => recognizer = fresh,
                    Err(error) => return self.retire(&error),
                }
                self.lock().health.restarts += 1;
            }
        }
    }

    /// The next job, or `None` when the pool closes.
    fn next(&self) -> Option<(CallId, ReadJob)> {
        let mut state = self.lock();
        loop {
            if state.closing {
                return None;
            }
            if let Some(next) = state.queue.pop() {
                return Some(next);
            }
            state = self.wait(state);
        }
    }

    /// A worker ends; the last one tells all who wait that nobody will read for them.
    fn retire(&self, error: &str) {
        tracing::error!("a recognizer cannot be restarted: {error}");
        let orphans = {
            let mut state = self.lock();
            state.health.alive -= 1;
            if state.health.alive > 0 { VecDeque::new() } else { state.queue.drain() }
        };
        for (call, job) in orphans {
            (self.report)(call, job.id, Err(ReadError::Gone));
        }
    }
}

fn make<R>(factory: &Factory<R>) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(factory))
        .unwrap_or_else(|_| Err("the recognizer crashed while it was loaded".into()))
}

/// Jobs in the order of asking, at most one a call; and the calls that are being read for.
#[derive(Default)]
struct Queue {
    capacity: usize,
    waiting: VecDeque<(CallId, ReadJob)>,
    running: HashSet<CallId>,
}

impl Queue {
    /// Whether there was room.
    fn push(&mut self, call: CallId, job: ReadJob) -> bool {
        if self.waits(call) {
            return self.replace(call, job);
        }
        if self.waiting.len() >= self.capacity {
            return false;
        }
        self.waiting.push_back((call, job));
        true
    }

    fn waits(&self, call: CallId) -> bool {
        self.waiting.iter().any(|(other, _)| *other == call)
    }

    /// Whether there was one to be replaced.
    fn replace(&mut self, call: CallId, job: ReadJob) -> bool {
        let waiting = self.waiting.iter_mut().find(|(other, _)| *other == call);
        waiting.is_some_and(|(_, waiting)| {
            *waiting = job;
            true
        })
    }

    /// The oldest final, else the oldest partial, of a call that is not being read for.
    fn pop(&mut self) -> Option<(CallId, ReadJob)> {
        let free = |entry: &(CallId, ReadJob)| !self.running.contains(&entry.0);
        let place = self
            .waiting
            .iter()
            .position(|entry| free(entry) && entry.1.kind == ReadKind::Final)
            .or_else(|| self.waiting.iter().position(free))?;
        let next = self.waiting.remove(place)?;
        self.running.insert(next.0);
        Some(next)
    }

    fn done(&mut self, call: CallId) {
        self.running.remove(&call);
    }

    fn forget(&mut self, call: CallId) {
        self.waiting.retain(|(other, _)| *other != call);
    }

    fn drain(&mut self) -> VecDeque<(CallId, ReadJob)> {
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::recognizer::Request;

    fn job(id: u64, kind: ReadKind) -> ReadJob {
        ReadJob::for_tests(id, kind, vec![id as f32])
    }

    fn queue(jobs: &[(u64, u64, ReadKind)]) -> Queue {
        let mut queue = Queue { capacity: 3, ..Queue::default() };
        for (call, id, kind) in jobs {
            queue.push(CallId(*call), job(*id, *kind));
        }
        queue
    }

    fn pop(queue: &mut Queue) -> Option<u64> {
        queue.pop().map(|(call, _)| call.0)
    }

    #[test]
    fn finals_come_first_and_one_job_a_call_runs() {
        use ReadKind::{Final, Partial};
        let mut queue = queue(&[(1, 1, Partial), (2, 1, Partial), (3, 1, Final)]);
        assert_eq!(pop(&mut queue), Some(3));
        queue.push(CallId(3), job(2, Final));
        assert_eq!(pop(&mut queue), Some(1), "call 3 is being read for");
        assert_eq!(pop(&mut queue), Some(2));
        assert_eq!(pop(&mut queue), None);
        queue.done(CallId(3));
        assert_eq!(pop(&mut queue), Some(3));
    }

    #[test]
    fn a_newer_job_takes_the_place_of_the_older_and_a_full_queue_refuses() {
        use ReadKind::Partial;
        let mut queue = queue(&[(1, 1, Partial), (2, 1, Partial), (3, 1, Partial)]);
        assert!(queue.push(CallId(1), job(2, Partial)));
        assert!(!queue.push(CallId(4), job(1, Partial)));
        assert!(queue.replace(CallId(1), job(3, Partial)));
        assert_eq!(queue.pop().unwrap().1.samples[0], 3.0);
        assert!(!queue.replace(CallId(1), job(4, Partial)), "it is being read");
        queue.forget(CallId(2));
        assert_eq!(pop(&mut queue), Some(3));
    }

    #[test]
    fn four_callers_at_once_take_turns_at_one_worker_and_finals_go_first() {
        use ReadKind::{Final, Partial};
        let mut queue = Queue { capacity: 8, ..Queue::default() };
        // Call 1 asks again as soon as it is read for; the others after each reading of theirs too.
        for call in 1..=4 {
            queue.push(CallId(call), job(1, Partial));
        }
        let mut order = Vec::new();
        for reading in 0..12 {
            if reading == 5 {
                // Caller 4 stops: the partial that waits is stale, its place is the final's.
                queue.push(CallId(4), job(9, Final));
            }
            let (call, read) = queue.pop().unwrap();
            queue.done(call);
            order.push(call.0);
            if read.kind == Partial {
                queue.push(call, job(2, Partial));
            }
        }
        assert_eq!(order, [1, 2, 3, 4, 1, 4, 2, 3, 1, 2, 3, 1]);
    }

    /// Panics at a negative sample, else counts them.
    struct Counter;

    impl Recognizer for Counter {
        fn read(&mut self, request: Request<'_>) -> Result<Reading, ReadError> {
            let samples = request.samples;
            assert!(samples[0] >= 0.0, "as the test wants");
            Ok(Reading { text: samples.len().to_string(), ..Reading::default() })
        }
    }

    type Outcome = (CallId, Result<Reading, ReadError>);

    fn pool(
        factory: impl Fn() -> Result<Counter, String> + Send + Sync + 'static,
    ) -> (Pool, Receiver<Outcome>) {
        let (sender, outcomes) = channel();
        let sender = Mutex::new(sender);
        let report = move |call, _, result| {
            let _ = sender.lock().unwrap().send((call, result));
        };
        (Pool::start(1, 8, Arc::new(factory), Box::new(report)).unwrap(), outcomes)
    }

    fn submit(pool: &Pool, call: u64, samples: Vec<f32>) {
        let job = ReadJob::for_tests(call, ReadKind::Partial, samples);
        pool.submit(CallId(call), job).unwrap();
    }

    #[test]
    fn a_crash_costs_one_reading_and_not_the_worker() {
        let (pool, outcomes) = pool(|| Ok(Counter));
        submit(&pool, 1, vec![-1.0]);
        assert_eq!(outcomes.recv().unwrap(), (CallId(1), Err(ReadError::Crashed)));
        submit(&pool, 2, vec![0.0; 5]);
        assert_eq!(outcomes.recv().unwrap().1.unwrap().text, "5");
        assert_eq!(pool.gauge().read(), PoolHealth { alive: 1, restarts: 1, refused: 0 });
    }

    #[test]
    fn when_no_worker_is_left_every_job_is_answered() {
        let made = AtomicBool::new(false);
        let once = move || match made.swap(true, Ordering::Relaxed) {
            false => Ok(Counter),
            true => Err("gone".to_owned()),
        };
        let (mut pool, outcomes) = pool(once);
        submit(&pool, 1, vec![-1.0]);
        submit(&pool, 2, vec![0.0]);
        assert_eq!(outcomes.recv().unwrap(), (CallId(1), Err(ReadError::Crashed)));
        assert_eq!(outcomes.recv().unwrap(), (CallId(2), Err(ReadError::Gone)));
        pool.threads.pop().unwrap().join().unwrap();
        let job = ReadJob::for_tests(3, ReadKind::Partial, vec![0.0]);
        assert_eq!(pool.submit(CallId(3), job), Err(ReadError::Gone));
    }

    #[test]
    fn a_recognizer_that_cannot_be_made_fails_the_start() {
        let factory: Arc<Factory<Counter>> = Arc::new(|| Err("no model".to_owned()));
        let outcome = Pool::start(2, 8, factory, Box::new(|_, _, _| {}));
        assert_eq!(outcome.err().as_deref(), Some("no model"));
    }
}
