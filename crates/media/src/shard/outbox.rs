//! What a shard hands to its teller: one ring, in order, with one wake a tick.

use crate::leg::{FrameSink, LegEvent, LegStats, Teller};
use audio::jitter::Frame;
use std::{collections::VecDeque, thread::Thread};

/// Names one call of a shard: where its record lies, and which of those that lay there it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// What the teller is told of a call.
pub(crate) enum News {
    Opened(Key, Box<Listener>),
    Frame(Key, Frame),
    Event(Key, LegEvent),
    Stats(Key, LegStats),
    Closed(Key, LegStats),
}

/// Who is told.
pub(crate) struct Listener {
    pub(crate) sink: Box<dyn FrameSink>,
    pub(crate) teller: Teller,
}

/// The shard's end of the ring.
pub(super) struct Outbox {
    ring: rtrb::Producer<News>,
    /// What must not be lost and found the ring full.
    backlog: VecDeque<News>,
    tick: Tick,
    /// After the ring: fields are dropped in this order, and who is woken looks whether the ring is
    /// abandoned.
    reader: Reader,
}

/// Who takes what the ring holds.
struct Reader(Thread);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.unpark();
    }
}

/// Whether anything was put into the ring since the last wake.
#[derive(PartialEq, Eq)]
enum Tick {
    Nothing,
    News,
}

/// A frame found the ring full.
pub(super) struct Untaken;

impl Outbox {
    pub(super) fn new(ring: rtrb::Producer<News>, reader: Thread) -> Outbox {
        Outbox { ring, backlog: VecDeque::new(), tick: Tick::Nothing, reader: Reader(reader) }
    }

    /// Sound that comes late is worth nothing, so a frame that finds no room is thrown away.
    pub(super) fn frame(&mut self, key: Key, frame: Frame) -> Result<(), Untaken> {
        if !self.backlog.is_empty() {
            return Err(Untaken);
        }
        self.push(News::Frame(key, frame)).map_err(|_| Untaken)
    }

    /// Counters that find no room are left out: a second later there are newer ones.
    pub(super) fn stats(&mut self, key: Key, stats: LegStats) {
        if self.backlog.is_empty() {
            let _ = self.push(News::Stats(key, stats));
        }
    }

    pub(super) fn opened(&mut self, key: Key, listener: Box<Listener>) {
        self.surely(News::Opened(key, listener));
    }

    pub(super) fn event(&mut self, key: Key, event: LegEvent) {
        self.surely(News::Event(key, event));
    }

    pub(super) fn closed(&mut self, key: Key, stats: LegStats) {
        self.surely(News::Closed(key, stats));
    }

    /// Whether something waits for room in the ring.
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Ends a tick: the teller wakes if there is anything for it.
    pub(super) fn wake(&mut self) {
        while let Some(news) = self.backlog.pop_front() {
            if let Err(news) = self.push(news) {
                self.backlog.push_front(news);
                break;
            }
        }
        if self.ring.is_abandoned() {
            // The teller is gone, and with it everybody who could want to know.
            self.backlog.clear();
        }
        if std::mem::replace(&mut self.tick, Tick::Nothing) == Tick::News {
            self.reader.0.unpark();
        }
    }

    fn surely(&mut self, news: News) {
        if !self.backlog.is_empty() {
            self.backlog.push_back(news);
        } else if let Err(news) = self.push(news) {
            self.backlog.push_back(news);
        }
    }

    #[allow(clippy::result_large_err, reason = "a box would be an allocation a frame")]
    fn push(&mut self, news: News) -> Result<(), News> {
        self.tick = Tick::News;
        self.ring.push(news).map_err(|rtrb::PushError::Full(news)| news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{FRAME, jitter::FrameKind};
    use std::time::Duration;
    use tokio::time::Instant;

    const KEY: Key = Key { index: 3, generation: 1 };

    fn frame() -> Frame {
        Frame { samples: [0; FRAME], position: 0, kind: FrameKind::Voice, arrived: Duration::ZERO }
    }

    #[test]
    fn a_full_ring_loses_frames_and_keeps_events_in_order() {
        let (producer, mut consumer) = rtrb::RingBuffer::new(2);
        let mut outbox = Outbox::new(producer, std::thread::current());
        assert!(outbox.frame(KEY, frame()).is_ok());
        assert!(outbox.frame(KEY, frame()).is_ok());
        assert!(outbox.frame(KEY, frame()).is_err());
        let at = Instant::now();
        for key in ['1', '2', '3'] {
            outbox.event(KEY, LegEvent::Digit { key, at });
        }
        outbox.stats(KEY, LegStats::default());
        outbox.closed(KEY, LegStats::default());
        let mut seen = Vec::new();
        for _ in 0..5 {
            outbox.wake();
            assert!(outbox.frame(KEY, frame()).is_err(), "nothing overtakes what waits");
            while let Ok(news) = consumer.pop() {
                seen.push(match news {
                    News::Opened(..) => 'o',
                    News::Frame(..) => 'f',
                    News::Event(_, LegEvent::Digit { key, .. }) => key,
                    News::Event(..) => 'e',
                    News::Stats(..) => 's',
                    News::Closed(..) => 'c',
                });
            }
            if seen.contains(&'c') {
                break;
            }
        }
        assert_eq!(seen, ['f', 'f', '1', '2', '3', 'c']);
        assert!(outbox.frame(KEY, frame()).is_ok());
    }

    #[test]
    fn who_is_woken_by_the_end_finds_the_ring_abandoned() {
        let (producer, consumer) = rtrb::RingBuffer::new(2);
        let outbox = Outbox::new(producer, std::thread::current());
        let ends = std::thread::spawn(move || drop(outbox));
        while !consumer.is_abandoned() {
            // It may end without a cause; without an unpark this would never end.
            std::thread::park();
        }
        ends.join().unwrap();
    }

    #[test]
    fn nothing_piles_up_for_a_reader_that_is_gone() {
        let (producer, consumer) = rtrb::RingBuffer::new(1);
        let mut outbox = Outbox::new(producer, std::thread::current());
        drop(consumer);
        for _ in 0..100 {
            outbox.event(KEY, LegEvent::Digit { key: '1', at: Instant::now() });
            outbox.wake();
            assert!(outbox.backlog.is_empty());
        }
    }
}
