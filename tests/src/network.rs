//! A bad network in virtual time: what is sent into it comes out late, out of order, twice or not at all, the same way
//! for the same seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// How bad it is. Shares are from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Conditions {
    /// What the fastest packet takes.
    pub delay: Duration,
    /// What a packet takes longer at most; evenly spread.
    pub jitter: Duration,
    /// What the jitter does to the order of packets.
    pub queueing: Queueing,
    /// The packets that never arrive.
    pub loss: Loss,
    /// The share of packets that are put behind those of the next 20 to 60 ms.
    pub reordering: f64,
    /// The share of packets that come again, up to 60 ms later.
    pub duplication: f64,
}

/// What jitter does to the order of packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Queueing {
    /// One queue: a packet that waits holds up those behind it.
    #[default]
    InOrder,
    /// Many paths: each packet takes its own time.
    Parallel,
}

/// Which packets are lost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// This share, each on its own.
    Random(f64),
    /// This share, all that is sent for so long.
    Bursts(f64, Duration),
}

/// One direction of a network.
#[derive(Debug)]
pub struct Network {
    conditions: Conditions,
    random: Random,
    /// By arrival, and then by the order of sending.
    on_the_way: BinaryHeap<Reverse<(Duration, u64, Vec<u8>)>>,
    sent: u64,
    /// When the last packet of the queue arrives.
    queue: Duration,
    /// When the last packet was sent, and until when all are lost.
    last: Duration,
    burst: Duration,
}

impl Network {
    /// A network that does the same each time to the same packets.
    pub fn new(conditions: Conditions, seed: u64) -> Network {
        let (queue, last, burst) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let on_the_way = BinaryHeap::new();
        Network { conditions, random: Random(seed), on_the_way, sent: 0, queue, last, burst }
    }

    /// Sends a datagram at `at`, which is not before the one sent last. Says whether it will arrive.
    pub fn send(&mut self, at: Duration, datagram: &[u8]) -> bool {
        let lost = self.loses(at);
        self.last = at;
        // The same numbers are drawn whatever becomes of the packet, so that one condition more leaves the others as
        // they were.
        let [slow, behind, how_far, again, when] = std::array::from_fn(|_| self.random.share());
        if lost {
            return false;
        }
        let mut arrives = at + self.conditions.delay + self.conditions.jitter.mul_f64(slow);
        if behind < self.conditions.reordering {
            arrives += Duration::from_millis(20) + Duration::from_millis(40).mul_f64(how_far);
        } else if self.conditions.queueing == Queueing::InOrder {
            arrives = arrives.max(self.queue);
            self.queue = arrives;
        }
        self.arrive(arrives, datagram);
        if again < self.conditions.duplication {
            self.arrive(arrives + Duration::from_millis(60).mul_f64(when), datagram);
        }
        true
    }

    /// The next datagram that arrives by `until`, with the time at which it does.
    pub fn receive(&mut self, until: Duration) -> Option<(Duration, Vec<u8>)> {
        let Reverse((at, ..)) = self.on_the_way.peek()?;
        if *at > until {
            return None;
        }
        self.on_the_way.pop().map(|Reverse((at, _, datagram))| (at, datagram))
    }

    fn arrive(&mut self, at: Duration, datagram: &[u8]) {
        self.on_the_way.push(Reverse((at, self.sent, datagram.to_vec())));
        self.sent += 1;
    }

    fn loses(&mut self, at: Duration) -> bool {
        let drawn = self.random.share();
        match self.conditions.loss {
            Loss::None => false,
            Loss::Random(share) => drawn < share,
            Loss::Bursts(share, length) => {
                if at >= self.burst {
                    // Bursts begin as often as makes their part of all time the share.
                    let since = (at - self.last).as_secs_f64() / length.as_secs_f64();
                    if drawn < share / (1.0 - share) * since {
                        self.burst = at + length;
                    }
                }
                at < self.burst
            }
        }
    }
}

/// Steele, Lea and Flood's SplitMix64: good enough for packets, and the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to but not 1.
    pub fn share(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.share() * end as f64) as u64
    }
}
