//! A recording as whoever began it sees it.

use super::valve::{Position, Valve};
use std::{
    io,
    ops::Range,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::sync::oneshot;

/// A recording that is under way. Dropping it changes nothing: a recording that is paused stays so.
#[derive(Debug)]
pub struct Recording {
    pub(super) opened: oneshot::Receiver<()>,
    pub(super) done: oneshot::Receiver<Result<Recorded, RecordingError>>,
    pub(super) switch: RecordingSwitch,
}

/// Pauses and ends a recording, whoever waits for its end. Dropping it changes nothing, but that the files
/// of a recording that is over are closed with its last switch.
#[derive(Debug, Clone)]
pub struct RecordingSwitch {
    pub(super) valve: Arc<Valve>,
    pub(super) origin: Instant,
    pub(super) erasures: mpsc::Sender<Erasure>,
}

/// What of the caller's is to be silent in the files, and who waits for it.
#[derive(Debug)]
pub(super) struct Erasure {
    pub(super) span: Range<Duration>,
    pub(super) done: oneshot::Sender<()>,
}

/// A recording that is whole, or what was saved of one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Bytes written.
    pub bytes: u64,
    /// Packets that are missing because the disk was too slow.
    pub lost: u64,
}

/// Why a recording ended before its leg. What was written until then can be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// There is no more room. The file ends before what found none.
    #[error("the recording {path} ended after {} bytes: the disk is full; make room there", saved.bytes)]
    DiskFull {
        /// Which file found none.
        path: PathBuf,
        /// What can be read, of all files together.
        saved: Recorded,
    },
    /// A file could not be made or written.
    #[error("the recording {path} ended: {cause}; look for room and rights there")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// It was as long as it may be.
    #[error("the recording ended after {0:?}, the longest that it may be")]
    Time(Duration),
    /// It was as large as it may be.
    #[error("the recording ended at {0} bytes, the most that it may have")]
    Size(u64),
    /// The recorder's thread is gone.
    #[error("nobody records any more")]
    NoRecorder,
}

/// It is not certain that nothing of what is said is, or stays, in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotSilent {
    /// The leg's thread is held up with a packet in its hands. The recording is paused all the same, but
    /// for that packet.
    #[error("the recording was not certain to be silent after {0:?}: let no card be read out yet")]
    Unconfirmed(Duration),
    /// The files were not rewritten in time. They may be yet.
    #[error("the recording still held what was to be erased after {0:?}: delete its files")]
    NotErased(Duration),
    /// The files cannot be rewritten, or the recorder is gone.
    #[error("what was to be erased could not be: delete the recording's files")]
    Unwritable,
}

/// From one look at a passage that is not over to the next.
const LOOK: Duration = Duration::from_millis(1);

impl RecordingSwitch {
    /// Pauses the recording: from now on its files get silence in place of both sides' sound, on the
    /// same line in time, and no keys. The leg's own thread leaves them out, so that nothing of what comes
    /// after this returns is in any queue or buffer of the recording.
    ///
    /// It is shut when this returns, and certain when what it returns is over: at once, or when the packet is through
    /// that the leg is copying just now.
    ///
    /// # Errors
    /// [`NotSilent::Unconfirmed`] if that is not certain within this time.
    pub fn pause(
        &self,
        within: Duration,
    ) -> impl Future<Output = Result<(), NotSilent>> + Send + 'static {
        let (valve, passage) = (self.valve.clone(), self.valve.set(Position::Shut));
        async move {
            let Some(passage) = passage else { return Ok(()) };
            let over = async {
                while !valve.is_over(&passage) {
                    tokio::time::sleep(LOOK).await;
                }
            };
            tokio::time::timeout(within, over).await.map_err(|_| NotSilent::Unconfirmed(within))
        }
    }

    /// Goes on after a pause. What the caller said before this stays out, however late it comes: of the
    /// caller the first 400 ms stay silent, and whatever has an older timestamp.
    pub fn resume(&self) {
        if self.valve.position() == Position::Shut {
            // A recording that was never paused is open since 0.
            let since = self.origin.elapsed().max(Duration::from_nanos(1));
            self.valve.set(Position::Open(since));
        }
    }

    /// Overwrites what the caller said and pressed between two moments that are over, in all files: in a
    /// mix both sides. For words that turn out to be a card's number; take some 200 ms more at either
    /// end than the words have. It is asked for when this returns, and done when what it returns is over.
    /// The recording may have ended before.
    ///
    /// # Errors
    /// [`NotSilent`] when the files may still hold it.
    pub fn erase(
        &self,
        span: Range<Instant>,
        within: Duration,
    ) -> impl Future<Output = Result<(), NotSilent>> + Send + 'static {
        let since = |at: Instant| at.saturating_duration_since(self.origin);
        let (done, erased) = oneshot::channel();
        let erasure = Erasure { span: since(span.start)..since(span.end), done };
        let asked = self.erasures.send(erasure);
        async move {
            asked.map_err(|_| NotSilent::Unwritable)?;
            match tokio::time::timeout(within, erased).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(NotSilent::Unwritable),
                Err(_) => Err(NotSilent::NotErased(within)),
            }
        }
    }

    /// Ends the recording; the leg goes on. Its files are whole when [`Recording::ended`] says so.
    pub fn end(&self) {
        self.valve.set(Position::Ended);
    }
}

impl Recording {
    /// What pauses and ends it.
    pub fn switch(&self) -> &RecordingSwitch {
        &self.switch
    }

    /// Waits until its files are there, and what the leg says and hears goes into them. Cancel safe.
    ///
    /// # Errors
    /// [`RecordingError`] when they could not be made.
    pub async fn opened(&mut self) -> Result<(), RecordingError> {
        if self.opened.is_terminated() || (&mut self.opened).await.is_ok() {
            return Ok(());
        }
        match (&mut self.done).await {
            Ok(Err(error)) => Err(error),
            // It is over before it began.
            Ok(Ok(_)) | Err(_) => Err(RecordingError::NoRecorder),
        }
    }

    /// Ends the recording; the leg goes on.
    ///
    /// # Errors
    /// [`RecordingError`] when it ended before.
    pub async fn stop(self) -> Result<Recorded, RecordingError> {
        self.switch.end();
        self.ended().await
    }

    /// Waits until the leg is over and the files are whole.
    ///
    /// # Errors
    /// [`RecordingError`] when it ended before.
    pub async fn ended(self) -> Result<Recorded, RecordingError> {
        self.done.await.unwrap_or(Err(RecordingError::NoRecorder))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};
    use audio::{
        rtp::{HEADER_LEN, Header, PCMU, Packet, TELEPHONE_EVENT},
        telephone_event,
    };

    fn recording(copies: &Copies, origin: Instant) -> RecordingSwitch {
        let (erasures, _) = mpsc::channel();
        RecordingSwitch { valve: copies.valve.clone(), origin, erasures }
    }

    fn packet(payload_type: u8, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut header = [0; HEADER_LEN];
        Header { payload_type, timestamp, ..Header::default() }.write(&mut header);
        [&header, payload].concat()
    }

    #[tokio::test]
    async fn a_pause_leaves_time_and_takes_sound_and_keys() {
        let origin = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        let (mut tap, mut copies) = ring(origin);
        let recording = recording(&copies, origin);
        let ms = |ms: u64| origin + Duration::from_millis(ms);
        let key =
            telephone_event::Event { code: 7, end: false, volume: 0, duration: 160 }.to_bytes();
        let sound = |timestamp| packet(PCMU, timestamp, &[1; FRAME]);
        let mut kept = |tap: &mut Tap, at, side, bytes: &[u8]| {
            tap.copy(side, at, &[bytes]);
            let copy = copies.next()?;
            let packet = Packet::parse(copy.packet).unwrap();
            Some((packet.timestamp, packet.payload.iter().all(|code| *code == 0xFF)))
        };
        assert_eq!(kept(&mut tap, ms(0), Side::Caller, &sound(0)), Some((0, false)));
        recording.pause(Duration::from_millis(1)).await.unwrap();
        for side in [Side::Caller, Side::Us] {
            assert_eq!(kept(&mut tap, ms(20), side, &sound(160)), Some((160, true)));
            assert_eq!(kept(&mut tap, ms(20), side, &packet(TELEPHONE_EVENT, 160, &key)), None);
            assert_eq!(kept(&mut tap, ms(20), side, b"4111111111111111"), None);
        }
        // The clock of this one is real: it stands after 5 s.
        recording.resume();
        let resumed = Duration::from_millis(5_100);
        recording.valve.set(Position::Open(resumed));
        assert_eq!(kept(&mut tap, ms(5_100), Side::Us, &sound(9)), Some((9, false)));
        let key = packet(TELEPHONE_EVENT, 8 * 5_099, &key);
        assert_eq!(kept(&mut tap, ms(5_600), Side::Caller, &key), None, "it went down before");
        // A second of what was said in the pause comes at once, then what is said now.
        for n in 0..50 {
            let timestamp = 8 * (4_600 + 20 * n);
            let at = ms(5_620);
            let silent = n < 45;
            let copy = kept(&mut tap, at, Side::Caller, &sound(timestamp));
            assert_eq!(copy, Some((timestamp, silent)), "{n}");
        }
    }

    #[tokio::test]
    async fn a_leg_that_is_held_up_cannot_confirm_and_is_silent_all_the_same() {
        let origin = Instant::now();
        let (mut tap, mut copies) = ring(origin);
        let recording = recording(&copies, origin);
        let valve = copies.valve.clone();
        let inside = valve.enter();
        let within = Duration::from_millis(20);
        assert_eq!(recording.pause(within).await, Err(NotSilent::Unconfirmed(within)));
        drop(inside);
        assert_eq!(recording.pause(within).await, Ok(()));
        tap.copy(Side::Us, origin, &[&packet(PCMU, 0, &[1; FRAME])]);
        assert!(copies.next().unwrap().packet[HEADER_LEN..].iter().all(|code| *code == 0xFF));
        assert!(!copies.is_ended());
        let erased = recording.erase(origin..origin, within).await;
        assert_eq!(erased, Err(NotSilent::Unwritable));
        recording.valve.set(Position::Ended);
        tap.copy(Side::Us, origin, &[&packet(PCMU, 0, &[1; FRAME])]);
        assert!(copies.next().is_none() && copies.is_ended());
    }
}
