//! The async side of a shard: one task that takes what its ring holds and tells everybody.

use crate::{
    leg::LegEvent,
    shard::{Key, Listener, News},
};
use audio::jitter::Frame;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tokio::sync::Notify;

/// News between two chances for other tasks.
const SHARE: usize = 256;

/// Tells until the shard has ended and all is told.
pub(crate) async fn pump(mut ring: rtrb::Consumer<News>, wake: Arc<Notify>) {
    let mut listeners = Listeners::default();
    loop {
        let ended = ring.is_abandoned();
        let mut told = 0;
        while let Ok(news) = ring.pop() {
            listeners.tell(news);
            told += 1;
            if told % SHARE == 0 {
                tokio::task::yield_now().await;
            }
        }
        if ended {
            return;
        }
        wake.notified().await;
    }
}

/// Who listens to which call, by the index of its key.
#[derive(Default)]
struct Listeners(Vec<Option<(Key, Box<Listener>)>>);

impl Listeners {
    fn tell(&mut self, news: News) {
        match news {
            News::Opened(key, listener) => {
                let index = key.index as usize;
                if self.0.len() <= index {
                    self.0.resize_with(index + 1, || None);
                }
                self.0[index] = Some((key, listener));
            }
            News::Frame(key, frame) => self.frame(key, &frame),
            News::Event(key, event) => {
                if let Some(listener) = self.of(key) {
                    // The leg may be dropped already.
                    let _ = listener.teller.events.send(event);
                }
            }
            News::Stats(key, stats) => {
                if let Some(listener) = self.of(key) {
                    listener.teller.stats.send_replace(stats);
                }
            }
            News::Closed(key, stats) => {
                if let Some(listener) = self.of(key) {
                    listener.teller.stats.send_replace(stats);
                    self.0[key.index as usize] = None;
                }
            }
        }
    }

    fn frame(&mut self, key: Key, frame: &Frame) {
        let Some(listener) = self.of(key) else { return };
        // A sink that panics is a bug of its own call; the others go on.
        if catch_unwind(AssertUnwindSafe(|| listener.sink.frame(frame))).is_err() {
            tracing::error!("a leg's sink panicked, and the leg is deaf from now on");
            let event = LegEvent::Failed("taking a frame panicked".to_owned());
            let _ = listener.teller.events.send(event);
            listener.sink = Box::new(|_: &Frame| {});
        }
    }

    fn of(&mut self, key: Key) -> Option<&mut Listener> {
        match self.0.get_mut(key.index as usize)? {
            Some((owner, listener)) if *owner == key => Some(listener),
            _ => None,
        }
    }
}
