//! A shard seen from outside its thread.

use super::{Key, Listener, Opening, Order, Setup, Shard};
use crate::{
    counters::Counters,
    leg::{Command, Road},
    plane::Scheduling,
    system::{self, Rank},
};
use std::{
    fmt,
    io::{self, Write},
    net::SocketAddr,
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    thread::JoinHandle,
};

/// A running shard. Its threads end, and its ports are free, when this is dropped.
pub(crate) struct Handle {
    local_addr: SocketAddr,
    orders: mpsc::Sender<Order>,
    door: Arc<Door>,
    bell: UnixStream,
    places: Mutex<Places>,
    counters: Arc<Counters>,
    /// The media thread and its teller.
    threads: Vec<JoinHandle<()>>,
}

/// Tells those who give orders whether the shard sleeps without an end.
///
/// The shard says that it will sleep and then looks at the orders; who gives one does it the other
/// way round. So one of them sees the other.
#[derive(Debug, Default)]
pub(super) struct Door {
    shut: AtomicBool,
    given: AtomicU64,
}

impl Door {
    /// The shard is about to sleep; gives how many orders were given until now.
    pub(super) fn shut(&self) -> u64 {
        self.shut.store(true, SeqCst);
        self.given.load(SeqCst)
    }

    /// The shard is awake.
    pub(super) fn open(&self) {
        self.shut.store(false, SeqCst);
    }

    /// An order was given; says whether to ring.
    fn knock(&self) -> bool {
        self.given.fetch_add(1, SeqCst);
        self.shut.swap(false, SeqCst)
    }
}

/// Which records of the shard are free.
#[derive(Debug)]
struct Places {
    free: Vec<u32>,
    /// The first that was never used.
    fresh: u32,
    capacity: u32,
    generation: u32,
}

impl Handle {
    /// Starts the thread, on one core if there is a `core` for it.
    pub(crate) fn start(
        setup: Setup,
        core: Option<usize>,
        scheduling: Scheduling,
        teller: JoinHandle<()>,
    ) -> io::Result<Handle> {
        let local_addr = setup.sockets.rtp.local_addr()?;
        let (bell, heard) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        let capacity = u32::try_from(setup.capacity).unwrap_or(u32::MAX);
        let places = Places { free: Vec::new(), fresh: 0, capacity, generation: 0 };
        let counters = setup.counters.clone();
        let (orders, order_queue) = mpsc::channel();
        let door = Arc::new(Door::default());
        let doors = door.clone();
        let thread = std::thread::Builder::new().name("media".to_owned()).spawn(move || {
            if let Some(core) = core
                && let Err(error) = system::pin_to(core)
            {
                tracing::warn!(core, %error, "a media thread is not kept on its core");
            }
            if scheduling == Scheduling::Realtime
                && let Err(error) = system::run_first(Rank::First)
            {
                tracing::warn!(
                    %error,
                    "a media thread runs like any other; give the process CAP_SYS_NICE or a limit on RTPRIO"
                );
            }
            Shard::new(setup, order_queue, doors, heard).run();
        })?;
        let (places, threads) = (Mutex::new(places), vec![thread, teller]);
        Ok(Handle { local_addr, orders, door, bell, places, counters, threads })
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How many places are taken.
    pub(crate) fn load(&self) -> usize {
        let places = self.places();
        places.fresh as usize - places.free.len()
    }

    /// Takes a place; `None` when all are taken.
    pub(crate) fn place(self: &Arc<Handle>) -> Option<Place> {
        let mut places = self.places();
        let index = match places.free.pop() {
            Some(index) => index,
            None if places.fresh == places.capacity => return None,
            None => {
                places.fresh += 1;
                places.fresh - 1
            }
        };
        places.generation = places.generation.wrapping_add(1);
        let key = Key { index, generation: places.generation };
        Some(Place { shard: self.clone(), key, state: State::Reserved })
    }

    fn give(&self, order: Order) {
        // The thread takes orders for as long as this is not dropped.
        let _ = self.orders.send(order);
        if self.door.knock() {
            // A bell that cannot take more rings already.
            let _ = (&self.bell).write(&[1]);
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.give(Order::End);
        for thread in self.threads.drain(..) {
            // A sink that held the last leg is dropped by the teller.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a media thread ended by a panic");
            }
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

/// A place in a shard, for one leg. Dropping it closes the leg and frees the place.
#[derive(Debug)]
pub(crate) struct Place {
    shard: Arc<Handle>,
    key: Key,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Reserved,
    Open,
}

impl Place {
    pub(crate) fn shard(&self) -> &Handle {
        &self.shard
    }

    pub(crate) fn open(&mut self, peer: SocketAddr, opening: Opening, listener: Box<Listener>) {
        self.state = State::Open;
        self.shard.give(Order::Open { key: self.key, peer, opening, listener });
    }
}

impl Road for Place {
    fn command(&self, command: Command) {
        self.shard.give(Order::Command(self.key, command));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.state == State::Open {
            self.shard.give(Order::Close(self.key));
        }
        // Only now: whoever takes the place next gives its orders after the one above.
        self.shard.places().free.push(self.key.index);
    }
}
