//! The caller's sound on its way to a model that hears it: turns, and nothing between them.

use std::collections::VecDeque;

use engines::llm::speech::Order;
use tokio::sync::mpsc;

/// Sound that is kept, since it is known late that a turn has begun: 2 s.
const KEPT: usize = 2 * audio::SAMPLE_RATE as usize;
/// What goes along from before a turn, in which its first sound may lie: 300 ms.
const BEFORE: u64 = 300 * audio::SAMPLE_RATE as u64 / 1_000;

/// Takes every frame of the caller's, and passes on those of turns.
pub(super) struct Feed {
    /// None once the other side takes no more.
    orders: Option<mpsc::Sender<Order>>,
    kept: VecDeque<i16>,
    /// The position behind the last sample, and behind the last one that was passed on.
    end: u64,
    passed: u64,
    in_turn: bool,
}

impl Feed {
    pub(super) fn new(orders: mpsc::Sender<Order>) -> Self {
        let kept = VecDeque::with_capacity(KEPT);
        Self { orders: Some(orders), kept, end: 0, passed: 0, in_turn: false }
    }

    pub(super) fn frame(&mut self, samples: &[i16], position: u64) {
        let end = position + samples.len() as u64;
        if position != self.end {
            // What was lost on the way is not made up here: the model hears what came.
            self.kept.clear();
        }
        self.end = end;
        if self.in_turn {
            return self.pass(samples.to_vec());
        }
        let over = (self.kept.len() + samples.len()).saturating_sub(KEPT);
        self.kept.drain(..over.min(self.kept.len()));
        self.kept.extend(samples);
    }

    /// The caller has begun to speak, at this position.
    pub(super) fn begin(&mut self, at: u64) {
        if std::mem::replace(&mut self.in_turn, true) {
            return;
        }
        let from = at.saturating_sub(BEFORE).max(self.passed);
        let wanted = self.end.saturating_sub(from) as usize;
        let skip = self.kept.len().saturating_sub(wanted);
        let before: Vec<i16> = self.kept.drain(..).skip(skip).collect();
        self.pass(before);
    }

    /// The caller has finished.
    pub(super) fn end(&mut self) {
        self.in_turn = false;
    }

    fn pass(&mut self, samples: Vec<i16>) {
        self.passed = self.end;
        let full = |orders: &mpsc::Sender<Order>| orders.try_send(Order::Audio(samples)).is_err();
        // Who is seconds behind has stalled; the next question to it tells so.
        if self.orders.as_ref().is_some_and(full) {
            self.orders = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(orders: &mut mpsc::Receiver<Order>) -> Vec<i16> {
        std::iter::from_fn(|| match orders.try_recv() {
            Ok(Order::Audio(samples)) => Some(samples),
            _ => None,
        })
        .flatten()
        .collect()
    }

    #[test]
    fn a_turn_goes_out_with_its_beginning_and_what_lies_between_turns_does_not() {
        let (tell, mut orders) = mpsc::channel(1_000);
        let mut feed = Feed::new(tell);
        let mut position = 0;
        let mut frames = |feed: &mut Feed, count: usize, level: i16| {
            for _ in 0..count {
                feed.frame(&[level; audio::FRAME], position);
                position += audio::FRAME as u64;
            }
        };
        frames(&mut feed, 200, 1);
        frames(&mut feed, 10, 2);
        assert!(passed(&mut orders).is_empty());
        // It had begun 200 ms ago.
        feed.begin(200 * audio::FRAME as u64);
        frames(&mut feed, 5, 2);
        feed.end();
        frames(&mut feed, 5, 3);
        let heard = passed(&mut orders);
        let count = |level: i16| heard.iter().filter(|it| **it == level).count();
        assert_eq!([1, 2, 3].map(count), [BEFORE as usize, 15 * audio::FRAME, 0]);
        // Nothing goes out twice.
        feed.begin(212 * audio::FRAME as u64);
        assert_eq!(passed(&mut orders), [3; 5 * audio::FRAME]);
    }

    #[test]
    fn who_takes_nothing_is_not_waited_for() {
        let (tell, mut orders) = mpsc::channel(1);
        let mut feed = Feed::new(tell);
        feed.begin(0);
        for n in 0..9 {
            feed.frame(&[1; audio::FRAME], n * audio::FRAME as u64);
        }
        assert!(passed(&mut orders).is_empty());
        assert!(orders.is_closed());
    }
}
