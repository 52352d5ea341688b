//! The other side of a shard's ring: one thread that takes what it holds and tells everybody. So a slow sink holds up
//! no packet, and busy tasks of the async runtime hold up no frame.

use crate::{
    counters::Counters,
    leg::LegEvent,
    plane::Scheduling,
    shard::{Key, Listener, News},
    system::{self, Rank},
};
use audio::jitter::Frame;
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

/// Starts the thread; it ends when the shard has ended and all is told.
pub(crate) fn start(
    ring: rtrb::Consumer<News>,
    scheduling: Scheduling,
    counters: Arc<Counters>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("media teller".to_owned()).spawn(move || {
        if scheduling == Scheduling::Realtime {
            // The media thread says so where it may not.
            let _ = system::run_first(Rank::Second);
        }
        tell(ring, &counters);
    })
}

fn tell(mut ring: rtrb::Consumer<News>, counters: &Counters) {
    let mut listeners = Listeners::default();
    loop {
        let ended = ring.is_abandoned();
        while let Ok(news) = ring.pop() {
            listeners.tell(news);
        }
        if ended {
            return;
        }
        counters.telling_cpu.set(system::thread_cpu());
        // Whoever has put something into the ring since it was found empty has unparked this.
        thread::park();
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
