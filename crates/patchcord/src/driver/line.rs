//! The caller's line: the media leg, the ear that listens to it, and the clock of its audio.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use audio::jitter::{Frame, FrameKind};
use call::LineQuality;
use engines::hearing::Ear;
use media::{FrameSink, Leg, LegEvent, LegStats, Player, Playout};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::Tap;
use super::feed::Feed;
use super::voice::{Voice, Voices};
use crate::hear::CallClock;
use crate::media_road::{MediaRoad, line_quality};

/// The caller's line.
pub(super) struct Line {
    /// None once it is closed.
    leg: Option<Leg>,
    stats: watch::Receiver<LegStats>,
    inbound: Arc<Mutex<Inbound>>,
}

/// How long a leg that was closed may take to tell its last counters.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What happens to the caller's audio. Shared with the task that takes the leg's frames, which holds the lock for one at a
/// time.
struct Inbound {
    clock: CallClock,
    ear: Option<Ear>,
    /// On to a model that hears the caller itself.
    feed: Option<Feed>,
    /// Says the same as the leg, in step with what is heard, so that the ear knows our own voice.
    saying: Player,
    tap: Tap,
    received: Vec<i16>,
    /// Who is told of the caller's voice while a message is taken.
    voices: Option<(Voices, mpsc::UnboundedSender<Voice>)>,
    keeping: Keeping,
}

/// Whether what the caller says may be heard or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    All,
    Nothing,
}

struct Sink(Arc<Mutex<Inbound>>);

impl FrameSink for Sink {
    fn frame(&mut self, frame: &Frame) {
        let mut inbound = lock(&self.0);
        if frame.kind == FrameKind::Voice {
            inbound.clock.frame(frame.position, frame.arrived);
        }
        let mut said = [0; audio::FRAME];
        inbound.saying.fill(&mut said);
        if inbound.keeping == Keeping::Nothing {
            return;
        }
        if let Some((voices, tell)) = &mut inbound.voices
            && let Some(voice) = voices.frame(&frame.samples)
        {
            // The call may be over; then nobody wants to know.
            let _ = tell.send(voice);
        }
        if let Some(ear) = &mut inbound.ear {
            ear.frame_over(&frame.samples, frame.position, &said);
        }
        if let Some(feed) = &mut inbound.feed {
            feed.frame(&frame.samples, frame.position);
        }
        if inbound.tap == Tap::On {
            let from = frame.position as usize;
            let end = from + frame.samples.len();
            if inbound.received.len() < end {
                inbound.received.resize(end, 0);
            }
            inbound.received[from..end].copy_from_slice(&frame.samples);
        }
    }
}

impl Line {
    /// Makes the media channel `channel`, and opens our end of it.
    pub(super) async fn open(
        road: &MediaRoad,
        client: &ari::Client,
        channel: &str,
        arrived: Instant,
        tap: Tap,
    ) -> Result<Self, String> {
        let inbound = Inbound {
            clock: CallClock::default(),
            ear: None,
            feed: None,
            saying: Player::default(),
            tap,
            received: Vec::new(),
            voices: None,
            keeping: Keeping::All,
        };
        let inbound = Arc::new(Mutex::new(inbound));
        let leg = road.open(client, channel, arrived, Sink(inbound.clone())).await?;
        Ok(Self { stats: leg.watch_stats(), leg: Some(leg), inbound })
    }

    /// The next event of the leg; waits for ever once it is closed.
    pub(super) async fn next_event(&mut self) -> LegEvent {
        if let Some(leg) = &mut self.leg
            && let Some(event) = leg.next_event().await
        {
            return event;
        }
        self.leg = None;
        std::future::pending().await
    }

    pub(super) fn play(&mut self, playout: Playout) {
        if let Some(leg) = &self.leg {
            lock(&self.inbound).saying.play(playout.clone());
            leg.play(playout);
        }
    }

    pub(super) fn hold(&mut self) {
        if let Some(leg) = &self.leg {
            leg.hold();
            lock(&self.inbound).saying.hold();
        }
    }

    pub(super) fn resume(&mut self) {
        if let Some(leg) = &self.leg {
            leg.resume();
            lock(&self.inbound).saying.resume();
        }
    }

    pub(super) fn stop_playing(&mut self) {
        if let Some(leg) = &self.leg {
            lock(&self.inbound).saying.stop_all();
            leg.stop_all();
        }
    }

    pub(super) fn listen(&mut self, ear: Ear) {
        lock(&self.inbound).ear = Some(ear);
    }

    pub(super) fn read_soon(&mut self) {
        if let Some(ear) = &lock(&self.inbound).ear {
            ear.read_soon();
        }
    }

    pub(super) fn stop_listening(&mut self) {
        lock(&self.inbound).ear = None;
    }

    /// Passes the caller's turns on from now on, or no more.
    pub(super) fn feed(&mut self, feed: Option<Feed>) {
        lock(&self.inbound).feed = feed;
    }

    /// A turn of the caller's has begun, at this position.
    pub(super) fn caller_begins(&mut self, at: u64) {
        if let Some(feed) = &mut lock(&self.inbound).feed {
            feed.begin(at);
        }
    }

    pub(super) fn caller_ends(&mut self) {
        if let Some(feed) = &mut lock(&self.inbound).feed {
            feed.end();
        }
    }

    /// How much of what plays, or is held, has been said; as long as anything if it was played to its end.
    pub(super) fn said(&self) -> Duration {
        let samples = lock(&self.inbound).saying.position();
        samples.map_or(Duration::from_secs(3_600), |samples| {
            Duration::from_millis(samples as u64 * 1_000 / u64::from(audio::SAMPLE_RATE))
        })
    }

    /// Tells from now on when the caller speaks and when not.
    pub(super) fn watch_voice(&mut self, tell: mpsc::UnboundedSender<Voice>) {
        lock(&self.inbound).voices = Some((Voices::default(), tell));
    }

    pub(super) fn ignore_voice(&mut self) {
        lock(&self.inbound).voices = None;
    }

    /// Nothing that the caller says is heard or kept in memory any more. It is certain when this returns.
    pub(super) fn cut(&mut self) {
        let mut inbound = lock(&self.inbound);
        inbound.keeping = Keeping::Nothing;
        inbound.ear = None;
        inbound.feed = None;
    }

    /// What the caller says may be heard again, by whoever asks for it.
    pub(super) fn uncut(&mut self) {
        lock(&self.inbound).keeping = Keeping::All;
    }

    pub(super) fn close(&mut self) {
        self.stop_listening();
        self.feed(None);
        self.leg = None;
    }

    /// The clock of the call, which arrived at `arrival` on the ear's clock.
    pub(super) fn clock(&self, arrival: Duration) -> CallClock {
        lock(&self.inbound).clock.for_arrival(arrival)
    }

    /// The leg, while it is open.
    pub(super) fn leg(&self) -> Option<&Leg> {
        self.leg.as_ref()
    }

    /// How well the caller was heard; none of a leg that heard nothing. Asked for when the line is closed.
    pub(super) async fn quality(&mut self) -> Option<LineQuality> {
        // The other end goes away with the leg.
        let over = async { while self.stats.changed().await.is_ok() {} };
        let _ = timeout(LAST_WORDS, over).await;
        line_quality(&self.stats.borrow())
    }

    /// The audio that was kept, and when its first sample was spoken in seconds of the call's clock.
    pub(super) fn keepsake(&mut self) -> (Vec<i16>, Option<f64>) {
        self.close();
        let mut inbound = lock(&self.inbound);
        (std::mem::take(&mut inbound.received), inbound.clock.zero())
    }
}

fn lock(inbound: &Mutex<Inbound>) -> MutexGuard<'_, Inbound> {
    inbound.lock().unwrap_or_else(PoisonError::into_inner)
}
