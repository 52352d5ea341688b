//! A shard: one thread, one pair of UDP ports, and all the calls that share them.
//!
//! The thread does the same at each tick: it sends the packets whose turn has come, takes orders,
//! takes what has been received, gives up on what is missing, and wakes its teller once. With
//! many calls it sleeps from tick to tick by the clock, and a tick finds a batch of packets. With a
//! few it sleeps until a packet or a turn comes, and with none until somebody needs it.
//!
//! Nothing is allocated, locked or logged for a packet, and the clock is read a few times a tick and
//! once a batch. A shard that the system kept from its core catches up on up to three turns of a
//! call; more it leaves out and counts: a longer burst would only fill the far side's buffer.

mod call;
mod calls;
mod handle;
mod outbox;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    call::Opening,
    handle::{Handle, Place},
    outbox::{Key, Listener, News},
};
use self::{
    call::{Call, Gap, PACKET, Told},
    calls::{Calls, TURNS},
    handle::Door,
    outbox::Outbox,
};
use crate::{
    counters::Counters,
    leg::{Command, LegEvent},
    player::{Filled, MAX_BURST},
    system::{self, Datagram, Receiver, Sender},
};
use std::{
    io::Read,
    net::{SocketAddr, UdpSocket},
    os::unix::net::UnixStream,
    sync::{Arc, mpsc},
    thread::Thread,
    time::{Duration, Instant},
};

const MILLISECOND: u64 = 1_000_000;

/// Batches taken in one tick: a flood must not keep anybody from speaking.
const BATCHES_A_TICK: usize = 16;

/// Up to so many calls the shard waits for their packets; with more it would wake more often than
/// by the clock.
const FEW: usize = 8;

/// Ticks between two looks at the RTCP port, which is never in a hurry: Asterisk 22 sends no reports
/// for external media at all.
const TICKS_A_REPORT: u64 = 16;

/// Turns between two looks at what the kernel dropped: a second.
const TURNS_A_CHECK: u64 = 1000;

/// What a shard is told to do.
enum Order {
    Open { key: Key, peer: SocketAddr, opening: Opening, listener: Box<Listener> },
    Command(Key, Command),
    Close(Key),
    End,
}

/// The sockets of a shard.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) rtp: UdpSocket,
    /// The port above (RFC 3550 section 11).
    pub(crate) rtcp: UdpSocket,
}

/// What a shard is made of.
pub(crate) struct Setup {
    pub(crate) sockets: Sockets,
    /// From one tick to the next.
    pub(crate) tick: Duration,
    /// Calls at most.
    pub(crate) capacity: usize,
    pub(crate) ring: rtrb::Producer<News>,
    /// Who takes what is put into the ring.
    pub(crate) reader: Thread,
    pub(crate) counters: Arc<Counters>,
}

/// What the thread owns.
struct Shard {
    sockets: Sockets,
    orders: mpsc::Receiver<Order>,
    sleep: Sleep,
    calls: Calls,
    outbox: Outbox,
    counters: Arc<Counters>,
    receiver: Receiver,
    sender: Sender<Spoken, PACKET>,
    clock: Clock,
    /// Milliseconds of the clock whose turns are done.
    turns_done: u64,
}

/// What is known of a packet on its way out.
struct Spoken {
    key: Key,
    filled: Filled,
    /// When its turn was, in nanoseconds of the monotonic clock.
    due: u64,
}

/// How the thread sleeps, and is woken.
struct Sleep {
    /// From one tick to the next, in nanoseconds.
    tick: u64,
    /// Whether somebody who gives an order must ring.
    door: Arc<Door>,
    bell: UnixStream,
    /// Orders taken so far.
    taken: u64,
}

/// The clock of a shard: the same moment as an instant and in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Clock {
    instant: Instant,
    nanos: u64,
}

impl Clock {
    fn start() -> Clock {
        Clock { instant: Instant::now(), nanos: system::monotonic() }
    }

    fn instant(self, nanos: u64) -> Instant {
        self.instant + Duration::from_nanos(nanos.saturating_sub(self.nanos))
    }

    /// The last whole millisecond since the start.
    fn millisecond(self, nanos: u64) -> u64 {
        nanos.saturating_sub(self.nanos) / MILLISECOND
    }

    /// When a millisecond since the start begins.
    fn begins(self, millisecond: u64) -> u64 {
        self.nanos + millisecond * MILLISECOND
    }
}

/// Whether a shard goes on.
#[derive(PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

impl Shard {
    fn new(
        setup: Setup,
        orders: mpsc::Receiver<Order>,
        door: Arc<Door>,
        bell: UnixStream,
    ) -> Shard {
        let Setup { sockets, tick, capacity, ring, reader, counters } = setup;
        Shard {
            sockets,
            orders,
            sleep: Sleep { tick: tick.as_nanos() as u64, door, bell, taken: 0 },
            calls: Calls::new(capacity),
            outbox: Outbox::new(ring, reader),
            counters,
            receiver: Receiver::new(),
            sender: Sender::new(),
            clock: Clock::start(),
            turns_done: 0,
        }
    }

    /// Runs until told to end.
    fn run(mut self) {
        let mut ticks = 0_u64;
        loop {
            let now = system::monotonic();
            // Turns come first: those that are over do not concern a call that is opened now.
            self.take_turns(now);
            let sent = system::monotonic();
            if self.obey(now) == Then::End {
                return;
            }
            let obeyed = system::monotonic();
            self.listen(now);
            let received = system::monotonic();
            let by_the_clock = self.calls.len() > FEW;
            if !by_the_clock || ticks.is_multiple_of(TICKS_A_REPORT) {
                self.read_reports();
            }
            self.give_up_gaps(now);
            self.outbox.wake();
            self.counters.ticks.add(1);
            self.counters.sending_time.add(sent - now);
            self.counters.receiving_time.add(received - obeyed);
            self.counters.turning_time.add(obeyed - sent + system::monotonic() - received);
            self.counters.cpu.set(system::thread_cpu());
            ticks += 1;
            if by_the_clock { self.sleep_a_tick(now) } else { self.wait() }
        }
    }

    fn obey(&mut self, now: u64) -> Then {
        let instant = self.clock.instant(now);
        loop {
            let order = self.orders.try_recv();
            self.sleep.taken = self.sleep.taken.wrapping_add(u64::from(order.is_ok()));
            match order {
                Ok(Order::Open { key, peer, opening, listener }) => {
                    self.outbox.opened(key, listener);
                    if let Some((key, call)) = self.calls.open(key, peer, opening, instant) {
                        let text = format!("another leg has the peer's address {peer} now");
                        self.outbox.event(key, LegEvent::Failed(text));
                        self.outbox.closed(key, call.stats());
                    }
                }
                Ok(Order::Command(key, command)) => {
                    if let Some(call) = self.calls.get(key) {
                        call.command(command);
                    }
                }
                Ok(Order::Close(key)) => {
                    if let Some((key, call)) = self.calls.close(key) {
                        self.outbox.closed(key, call.stats());
                    }
                }
                Ok(Order::End) | Err(mpsc::TryRecvError::Disconnected) => return Then::End,
                Err(mpsc::TryRecvError::Empty) => break,
            }
        }
        self.counters.legs.set(self.calls.len() as u64);
        Then::GoOn
    }

    /// Sends the packets of all turns that have come; of more than [`MAX_BURST`] of a call only the
    /// last.
    fn take_turns(&mut self, now: u64) {
        let end = self.clock.millisecond(now) + 1;
        let round = TURNS as u64;
        let first = self.turns_done;
        let in_time = end.saturating_sub(first) <= u64::from(MAX_BURST) * round;
        let from = if in_time { first } else { end - round };
        for millisecond in from..end {
            let missed = if in_time { 0 } else { ((millisecond - first) / round) as u32 };
            let turn = (millisecond % round) as usize;
            for n in 0..self.calls.in_turn(turn) {
                let Some((key, call)) = self.calls.speaker(turn, n) else { continue };
                let (packet, filled) = call.speak(missed);
                self.counters.skipped.add(u64::from(missed));
                let due = self.clock.begins(millisecond);
                self.sender.push(packet, call.name(), Spoken { key, filled, due });
                if self.sender.is_full() {
                    self.send();
                }
            }
            if millisecond.is_multiple_of(TURNS_A_CHECK)
                && let Ok(drops) = system::kernel_drops(&self.sockets.rtp)
            {
                self.counters.kernel_drops.set(drops);
            }
        }
        self.send();
        self.turns_done = end.max(first);
    }

    fn send(&mut self) {
        let Shard { sender, sockets, calls, outbox, counters, clock, .. } = self;
        if sender.is_empty() {
            return;
        }
        let mut after = None;
        sender.send(&sockets.rtp, |spoken, sent| {
            let now = *after.get_or_insert_with(system::monotonic);
            let Spoken { key, filled, due } = spoken;
            counters.sent_late(Duration::from_nanos(now.saturating_sub(due)));
            match sent {
                Ok(()) => counters.sent.add(1),
                Err(_) => counters.send_failures.add(1),
            }
            if let Some(call) = calls.get(key) {
                let mut told = Told { key, outbox, counters };
                call.spoken(clock.instant(now), filled, sent, &mut told);
            }
        });
        counters.send_batches.add(1);
    }

    /// Takes what has been received.
    fn listen(&mut self, now: u64) {
        let Shard { receiver, sockets, calls, outbox, counters, clock, .. } = self;
        let now = clock.instant(now);
        for _ in 0..BATCHES_A_TICK {
            // An error of a socket that only receives is about memory, and is over or comes again.
            let count = receiver.receive(&sockets.rtp).unwrap_or(0);
            if count == 0 {
                break;
            }
            counters.receive_batches.add(1);
            counters.received.add(count as u64);
            for n in 0..count {
                let Datagram { from, bytes } = receiver.datagram(n);
                let Some((key, call)) = from.and_then(|from| calls.of_peer(&from)) else {
                    counters.wrong_source.add(1);
                    continue;
                };
                let mut told = Told { key, outbox, counters };
                if call.receive(now, bytes, &mut told) == Gap::Open {
                    calls.note_gap(key);
                }
            }
            if count < system::BATCH {
                break;
            }
        }
    }

    /// Takes what has come to the RTCP port. Reports are counted, and never answered.
    fn read_reports(&mut self) {
        let Shard { receiver, sockets, calls, counters, .. } = self;
        let count = receiver.receive(&sockets.rtcp).unwrap_or(0);
        for n in 0..count {
            let Datagram { from, bytes } = receiver.datagram(n);
            let peer =
                from.and_then(|from| Some(SocketAddr::new(from.ip(), from.port().checked_sub(1)?)));
            match peer.and_then(|peer| calls.of_peer(&peer)) {
                Some((_, call)) if bytes.is_some_and(is_rtcp) => {
                    call.report();
                    counters.reports.add(1);
                }
                _ => counters.wrong_reports.add(1),
            }
        }
    }

    fn give_up_gaps(&mut self, now: u64) {
        let Shard { calls, outbox, counters, clock, .. } = self;
        let now = clock.instant(now);
        calls.hear_gaps(|key, call: &mut Call| call.hear(now, &mut Told { key, outbox, counters }));
    }

    /// Sleeps until the next tick of the clock; ticks that are over already are left out.
    fn sleep_a_tick(&mut self, now: u64) {
        let tick = self.sleep.tick;
        let next = self.clock.nanos + ((now - self.clock.nanos) / tick + 1) * tick;
        system::sleep_until(next);
        self.woken(next);
    }

    /// Waits for a packet, an order, or the next turn of a call.
    fn wait(&mut self) {
        let next = self.next_turn();
        // From here on whoever gives an order rings; what was given before is seen now.
        if self.sleep.door.shut() == self.sleep.taken {
            let mut longest = next.map(|next| next.saturating_sub(system::monotonic()));
            if self.outbox.has_backlog() {
                // Nobody rings when the ring has room again.
                longest =
                    Some(longest.map_or(self.sleep.tick, |longest| longest.min(self.sleep.tick)));
            }
            let files = system::borrowed([&self.sockets.rtp, &self.sockets.rtcp, &self.sleep.bell]);
            system::wait(files, longest.map(Duration::from_nanos));
        }
        self.sleep.door.open();
        // The bell does not block; what is read is only that it rang.
        let _ = (&self.sleep.bell).read(&mut [0; 64]);
        if let Some(next) = next {
            self.woken(next);
        }
    }

    /// When the next call speaks, or looks for a missing packet.
    fn next_turn(&self) -> Option<u64> {
        let next = self.turns_done..self.turns_done + TURNS as u64;
        let speaks = |millisecond: &u64| {
            self.calls.has_gaps() || self.calls.in_turn((*millisecond % TURNS as u64) as usize) > 0
        };
        next.into_iter().find(speaks).map(|millisecond| self.clock.begins(millisecond))
    }

    fn woken(&self, planned: u64) {
        let late = system::monotonic().checked_sub(planned);
        if let Some(late) = late {
            self.counters.woke_late(Duration::from_nanos(late));
        }
    }
}

/// Whether a datagram begins as an RTCP packet does (RFC 3550 section 6.4, RFC 5761 section 4).
fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [flags, 192..=223, _, _, _, _, _, _, ..] if flags >> 6 == 2)
}
