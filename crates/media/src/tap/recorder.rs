//! The thread that writes the recordings of all legs.

use super::{
    Copies, Tap,
    files::{Pcapng, Sink},
    recording::{Erasure, Recorded, Recording, RecordingError, RecordingSwitch},
    ring,
    sound::{Sound, Tracks},
};
use crate::leg::LegEvent;
use std::{
    io,
    net::SocketAddr,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError, TryRecvError},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::{mpsc::WeakUnboundedSender, oneshot};

/// What to write of a leg, and how much of it. Files hold what callers say and the keys that they
/// press: they are made anew, readable for their owner alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingPlan {
    /// Sound at 8 kHz, the caller left and we right, on one line in time: the caller's where it came,
    /// ours where it was sent.
    pub wav: Option<PathBuf>,
    /// The same sound with both sides mixed into one track.
    pub mix: Option<PathBuf>,
    /// The caller's side alone.
    pub caller: Option<PathBuf>,
    /// The packets of both directions as they were received and sent, those that the leg refused too.
    /// Of a leg over TCP it holds its frames as mu-law in RTP, SSRC 1 the caller's and 2 ours, each at
    /// the time when it came or is played, and the keys as telephone events.
    pub pcapng: Option<PathBuf>,
    /// The recording ends after so long.
    pub max_time: Duration,
    /// The recording ends when its files have so many bytes together.
    pub max_bytes: u64,
}

impl Default for RecordingPlan {
    /// Nothing; of what is named one hour, and 256 MiB.
    fn default() -> RecordingPlan {
        let max_time = Duration::from_secs(3600);
        let (wav, mix, caller, pcapng) = (None, None, None, None);
        RecordingPlan { wav, mix, caller, pcapng, max_time, max_bytes: 256 << 20 }
    }
}

/// Writes the recordings of any number of legs, in one thread.
///
/// What a leg says or hears is in the files about a second later, in a shape that can be read whenever
/// the process ends: a kill loses half a second in which a late packet could still find its place,
/// half a second from one writing to the next, and what the thread takes for its round. The files of
/// a recording that is over stay open while somebody holds its switch, who may erase from them yet.
/// Dropping the recorder ends all recordings.
#[derive(Debug)]
pub struct Recorder {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start() -> io::Result<Recorder> {
        let (jobs, waiting) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || write_all(&waiting))?;
        Ok(Recorder { jobs: Some(jobs), thread: Some(thread) })
    }

    /// A tap for a leg, whose recording has begun.
    pub(crate) fn begin(
        &self,
        plan: RecordingPlan,
        us: SocketAddr,
        caller: Option<SocketAddr>,
        tell: WeakUnboundedSender<LegEvent>,
    ) -> (Tap, Recording) {
        let began = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let origin = Instant::now();
        let (tap, copies) = ring(origin);
        let ((done, ended), (erasures, erase)) = (oneshot::channel(), mpsc::channel());
        let (open, opened) = oneshot::channel();
        let switch = RecordingSwitch { valve: copies.valve.clone(), origin, erasures };
        let recording = Recording { opened, done: ended, switch };
        let job = Job { plan, us, caller, began, copies, erase, tell, open, done };
        if let Some(jobs) = &self.jobs {
            // A thread that is gone has dropped the other end of `done`, which says so.
            let _ = jobs.send(job);
        }
        (tap, recording)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the recorder's thread ended by a panic");
        }
    }
}

/// From one look at the rings to the next. A ring has room for thirty times as long.
const LOOK: Duration = Duration::from_millis(100);

/// From one time that the files are made whole to the next.
const FLUSH: Duration = Duration::from_millis(500);

/// What the thread is asked for.
#[derive(Debug)]
struct Job {
    plan: RecordingPlan,
    us: SocketAddr,
    caller: Option<SocketAddr>,
    began: Duration,
    copies: Copies,
    erase: mpsc::Receiver<Erasure>,
    tell: WeakUnboundedSender<LegEvent>,
    /// Told when the files are there.
    open: oneshot::Sender<()>,
    done: oneshot::Sender<Result<Recorded, RecordingError>>,
}

fn write_all(jobs: &mpsc::Receiver<Job>) {
    let (mut writers, mut over): (Vec<Writer>, Vec<Over>) = (Vec::new(), Vec::new());
    loop {
        let next = match writers.is_empty() && over.is_empty() {
            true => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => jobs.recv_timeout(LOOK),
        };
        match next {
            Ok(job) => writers.extend(Writer::open(job)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                for mut writer in writers {
                    over.push(match writer.go_on() {
                        Ok(_) => writer.finish_and_end(),
                        Err(error) => writer.end(Err(error)),
                    });
                }
                over.retain_mut(|over| over.erase().is_continue());
                return;
            }
        }
        let mut index = 0;
        while let Some(writer) = writers.get_mut(index) {
            match writer.go_on() {
                Ok(Then::GoOn) => index += 1,
                Ok(Then::Finish) => over.push(writers.swap_remove(index).finish_and_end()),
                Err(error) => {
                    let mut writer = writers.swap_remove(index);
                    // What is there stays readable as far as the disk lets it.
                    let _ = writer.finish();
                    over.push(writer.end(Err(error)));
                }
            }
        }
        over.retain_mut(|over| over.erase().is_continue());
    }
}

/// One recording.
struct Writer {
    sinks: Vec<(PathBuf, Box<dyn Sink>)>,
    copies: Copies,
    erase: mpsc::Receiver<Erasure>,
    max_time: Duration,
    max_bytes: u64,
    recorded: Recorded,
    /// What of it is in the files.
    saved: Recorded,
    flushed: Instant,
    tell: WeakUnboundedSender<LegEvent>,
    done: oneshot::Sender<Result<Recorded, RecordingError>>,
}

/// A recording that is over, of whose files something may have to be erased yet.
struct Over {
    sinks: Vec<(PathBuf, Box<dyn Sink>)>,
    erase: mpsc::Receiver<Erasure>,
}

impl Over {
    /// Erases what is asked for, until nobody is left who could ask.
    fn erase(&mut self) -> ControlFlow<()> {
        loop {
            match self.erase.try_recv() {
                Ok(Erasure { span, done }) => {
                    let mut sinks = self.sinks.iter_mut();
                    match sinks.try_for_each(|(_, sink)| sink.erase(&span)) {
                        // Who has waited too long knows that it may happen yet.
                        Ok(()) => drop(done.send(())),
                        Err(cause) => tracing::warn!(%cause, "a recording could not be rewritten"),
                    }
                }
                Err(TryRecvError::Empty) => return ControlFlow::Continue(()),
                Err(TryRecvError::Disconnected) => return ControlFlow::Break(()),
            }
        }
    }
}

/// Whether a recording goes on.
enum Then {
    GoOn,
    Finish,
}

impl Writer {
    /// Makes the files; `None` where that failed, which has been told.
    fn open(job: Job) -> Option<Writer> {
        let Job { plan, us, caller, began, copies, erase, tell, open, done } = job;
        let RecordingPlan { wav, mix, caller: callers, pcapng, max_time, max_bytes } = plan;
        let mut writer = Writer {
            sinks: Vec::new(),
            copies,
            erase,
            max_time,
            max_bytes,
            recorded: Recorded::default(),
            saved: Recorded::default(),
            flushed: Instant::now(),
            tell,
            done,
        };
        let sound = |path: Option<PathBuf>, tracks| {
            path.map(|path| {
                add(path, |path| Ok(Box::new(Sound::create(path, tracks)?) as Box<dyn Sink>))
            })
        };
        let sounds = [(wav, Tracks::Two), (mix, Tracks::Mix), (callers, Tracks::Caller)];
        let sounds = sounds.into_iter().filter_map(|(path, tracks)| sound(path, tracks));
        let pcapng = pcapng.map(|path| {
            add(
                path,
                |path| Ok(Box::new(Pcapng::create(path, us, caller, began)?) as Box<dyn Sink>),
            )
        });
        match sounds.chain(pcapng).collect() {
            Ok(sinks) => {
                writer.sinks = sinks;
                // Nobody has to wait for it.
                let _ = open.send(());
                Some(writer)
            }
            Err(error) => {
                // What was made of its files is empty.
                writer.end(Err(error));
                None
            }
        }
    }

    /// Writes what there is.
    fn go_on(&mut self) -> Result<Then, RecordingError> {
        // Looked at first: what comes before the end is there then.
        let ended = self.copies.is_ended();
        while let Some(copy) = self.copies.next() {
            if copy.at > self.max_time {
                return Err(RecordingError::Time(self.max_time));
            }
            self.recorded.lost += u64::from(copy.lost_before);
            for (path, sink) in &mut self.sinks {
                self.recorded.bytes +=
                    sink.add(&copy).map_err(|cause| failed(path, cause, self.saved))?;
            }
            if self.recorded.bytes > self.max_bytes {
                return Err(RecordingError::Size(self.max_bytes));
            }
        }
        while let Ok(Erasure { span, done }) = self.erase.try_recv() {
            for (path, sink) in &mut self.sinks {
                sink.erase(&span).map_err(|cause| failed(path, cause, self.saved))?;
            }
            // Who has waited too long knows that it may happen yet.
            let _ = done.send(());
        }
        if ended {
            return Ok(Then::Finish);
        }
        if self.flushed.elapsed() >= FLUSH {
            self.flushed = Instant::now();
            for (path, sink) in &mut self.sinks {
                sink.flush().map_err(|cause| failed(path, cause, self.saved))?;
            }
            self.saved = self.recorded;
        }
        Ok(Then::GoOn)
    }

    /// The last packet is written.
    fn finish(&mut self) -> Result<Recorded, RecordingError> {
        for (path, sink) in &mut self.sinks {
            sink.finish().map_err(|cause| failed(path, cause, self.saved))?;
        }
        Ok(self.recorded)
    }

    fn finish_and_end(mut self) -> Over {
        let written = self.finish();
        self.end(written)
    }

    fn end(self, written: Result<Recorded, RecordingError>) -> Over {
        if let Err(error) = &written {
            tracing::warn!("{error}");
            if let Some(tell) = self.tell.upgrade() {
                let _ = tell.send(LegEvent::RecordingEnded(error.to_string()));
            }
        }
        // Nobody has to wait for it.
        let _ = self.done.send(written);
        Over { sinks: self.sinks, erase: self.erase }
    }
}

fn add(
    path: PathBuf,
    create: impl FnOnce(&Path) -> io::Result<Box<dyn Sink>>,
) -> Result<(PathBuf, Box<dyn Sink>), RecordingError> {
    match create(&path) {
        Ok(sink) => Ok((path, sink)),
        Err(cause) => Err(failed(&path, cause, Recorded::default())),
    }
}

fn failed(path: &Path, cause: io::Error, saved: Recorded) -> RecordingError {
    let path = path.to_owned();
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            RecordingError::DiskFull { path, saved }
        }
        _ => RecordingError::File { path, cause },
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Copy, PACKET, Side},
        *,
    };
    use std::ops::Range;
    use tokio::sync::mpsc::unbounded_channel;

    /// A disk with room for so many packets.
    struct Disk(usize);

    impl Sink for Disk {
        fn add(&mut self, _: &Copy<'_>) -> io::Result<u64> {
            self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
            Ok(PACKET as u64)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn erase(&mut self, _: &Range<Duration>) -> io::Result<()> {
            Ok(())
        }
    }

    type Done = oneshot::Receiver<Result<Recorded, RecordingError>>;

    fn writer(disk: Disk, tell: WeakUnboundedSender<LegEvent>) -> (Tap, Writer, Done) {
        let (tap, copies) = ring(Instant::now());
        let (done, ended) = oneshot::channel();
        let writer = Writer {
            sinks: vec![("call.wav".into(), Box::new(disk))],
            copies,
            erase: mpsc::channel().1,
            max_time: Duration::from_secs(10),
            max_bytes: 10 * PACKET as u64,
            recorded: Recorded::default(),
            saved: Recorded::default(),
            flushed: Instant::now(),
            tell,
            done,
        };
        (tap, writer, ended)
    }

    #[test]
    fn a_full_disk_ends_the_recording_and_says_so_to_the_leg() {
        let (tell, mut told) = unbounded_channel();
        let (mut tap, mut writer, mut ended) = writer(Disk(3), tell.downgrade());
        let now = Instant::now();
        (0..3).for_each(|_| tap.copy(Side::Us, now, &[&[0; PACKET]]));
        assert!(matches!(writer.go_on(), Ok(Then::GoOn)));
        tap.copy(Side::Us, now, &[&[0; PACKET]]);
        let error = writer.go_on().err().unwrap();
        writer.end(Err(error));
        let LegEvent::RecordingEnded(cause) = told.try_recv().unwrap() else { panic!() };
        assert!(
            cause.starts_with("the recording call.wav ended after 0 bytes: the disk is full"),
            "{cause}"
        );
        assert!(matches!(ended.try_recv().unwrap(), Err(RecordingError::DiskFull { .. })));
        // The leg goes on with a tap that leads nowhere.
        (0..1_000).for_each(|_| tap.copy(Side::Us, now, &[&[0; PACKET]]));
        assert!(tap.lost() > 0);
    }

    #[test]
    fn a_recording_is_bounded_in_time_and_size_and_counts_what_it_misses() {
        let (tell, _told) = unbounded_channel();
        let now = Instant::now();
        let (mut tap, mut late, _) = writer(Disk(100), tell.downgrade());
        tap.copy(Side::Us, now + Duration::from_secs(60), &[&[0; PACKET]]);
        assert!(matches!(late.go_on(), Err(RecordingError::Time(_))));
        let (mut tap, mut large, _) = writer(Disk(100), tell.downgrade());
        (0..11).for_each(|_| tap.copy(Side::Us, now, &[&[0; PACKET]]));
        assert!(matches!(large.go_on(), Err(RecordingError::Size(_))));
        let (mut tap, mut slow, mut ended) = writer(Disk(100), tell.downgrade());
        tap.copy(Side::Us, now, &[&[0; 70_000]]);
        tap.copy(Side::Us, now, &[&[0; PACKET]]);
        drop(tap);
        assert!(matches!(slow.go_on(), Ok(Then::Finish)));
        let written = slow.finish();
        slow.end(written);
        let recorded = Recorded { bytes: PACKET as u64, lost: 1 };
        assert_eq!(ended.try_recv().unwrap().unwrap(), recorded);
    }
}
