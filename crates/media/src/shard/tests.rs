//! A shard whose time is given to it.

use super::*;
use crate::leg::Teller;
use audio::{
    FRAME,
    jitter::Frame,
    rtp::{HEADER_LEN, Header, Packet},
};
use tokio::sync::{mpsc as queue, watch};

struct Rig {
    shard: Shard,
    orders: mpsc::Sender<Order>,
    news: rtrb::Consumer<News>,
    peer: UdpSocket,
}

impl Rig {
    fn new() -> Rig {
        let bind = || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        let (ring, news) = rtrb::RingBuffer::new(1000);
        let setup = Setup {
            sockets: Sockets { rtp: bind(), rtcp: bind() },
            tick: Duration::from_millis(1),
            capacity: 100,
            ring,
            reader: std::thread::current(),
            counters: Arc::default(),
        };
        let (orders, order_queue) = mpsc::channel();
        let (_, bell) = UnixStream::pair().unwrap();
        let shard = Shard::new(setup, order_queue, Arc::default(), bell);
        Rig { shard, orders, news, peer: bind() }
    }

    /// Opens a call with `peer`.
    fn open(&mut self, index: u32, peer: SocketAddr, now: u64) -> Key {
        let key = Key { index, generation: 1 };
        let name = system::Name::for_socket_at(peer.ip(), peer);
        let silent_after = Duration::from_secs(2);
        let opening = Opening { name, epoch: self.shard.clock.instant, silent_after };
        let teller = Teller {
            events: queue::unbounded_channel().0,
            stats: watch::channel(Default::default()).0,
        };
        let listener = Box::new(Listener { sink: Box::new(|_: &Frame| {}), teller });
        self.orders.send(Order::Open { key, peer, opening, listener }).unwrap();
        assert!(self.shard.obey(now) == Then::GoOn);
        key
    }

    fn at(&self, milliseconds: u64) -> u64 {
        self.shard.clock.begins(milliseconds)
    }

    /// The headers of the packets that the peer has received.
    fn heard(&self) -> Vec<Header> {
        let mut bytes = [0; 2000];
        std::iter::from_fn(|| {
            let len = self.peer.recv(&mut bytes).ok()?;
            let Packet { marker, payload_type, sequence, timestamp, ssrc, .. } =
                Packet::parse(&bytes[..len]).unwrap();
            Some(Header { marker, payload_type, sequence, timestamp, ssrc })
        })
        .collect()
    }
}

#[test]
fn lateness_does_not_add_up() {
    let mut rig = Rig::new();
    rig.open(0, rig.peer.local_addr().unwrap(), rig.at(0));
    for round in 0..100 {
        rig.shard.take_turns(rig.at(20 * round + round % 19));
        assert_eq!(rig.heard().len(), 1);
        rig.shard.take_turns(rig.at(20 * round + 19));
        assert_eq!(rig.heard().len(), 0);
    }
}

#[test]
fn who_was_kept_from_a_few_turns_catches_up() {
    let mut rig = Rig::new();
    rig.open(0, rig.peer.local_addr().unwrap(), rig.at(0));
    rig.shard.take_turns(rig.at(0));
    let first = rig.heard()[0];
    rig.shard.take_turns(rig.at(59));
    let after = rig.heard();
    assert_eq!(after.len(), 2);
    for (n, packet) in (1..).zip(after) {
        assert_eq!(packet.sequence, first.sequence.wrapping_add(n));
        assert_eq!(packet.timestamp, first.timestamp.wrapping_add(160 * u32::from(n)));
        assert!(!packet.marker, "the stream goes on");
    }
    assert_eq!(rig.shard.counters.snapshot().skipped, 0);
    rig.shard.take_turns(rig.at(60));
    assert_eq!(rig.heard().len(), 1, "on the same grid");
}

#[test]
fn who_comes_far_too_late_leaves_turns_out_and_never_bursts() {
    let mut rig = Rig::new();
    rig.open(0, rig.peer.local_addr().unwrap(), rig.at(0));
    rig.shard.take_turns(rig.at(0));
    let first = rig.heard()[0];
    rig.shard.take_turns(rig.at(95));
    let after = rig.heard();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].sequence, first.sequence.wrapping_add(1));
    assert_eq!(after[0].timestamp, first.timestamp.wrapping_add(4 * 160), "time went on");
    assert!(after[0].marker);
    assert_eq!(rig.shard.counters.snapshot().skipped, 3);
    rig.shard.take_turns(rig.at(100));
    assert_eq!(rig.heard().len(), 1, "on the same grid");
}

#[test]
fn a_call_that_comes_after_a_long_rest_has_left_nothing_out() {
    let mut rig = Rig::new();
    let now = rig.at(10_007);
    rig.shard.take_turns(now);
    rig.open(0, rig.peer.local_addr().unwrap(), now);
    for millisecond in 10_007..10_028 {
        rig.shard.take_turns(rig.at(millisecond));
    }
    assert_eq!(rig.heard().len(), 1);
    assert_eq!(rig.shard.counters.snapshot().skipped, 0);
}

#[test]
fn calls_fill_the_turns_evenly_also_as_others_go() {
    let mut rig = Rig::new();
    let keys: Vec<Key> =
        (0..60).map(|n| rig.open(n, ([127, 0, 1, n as u8], 4000).into(), rig.at(0))).collect();
    let in_turns = |rig: &Rig| (0..TURNS).map(|turn| rig.shard.calls.in_turn(turn)).collect();
    let even: Vec<usize> = in_turns(&rig);
    assert_eq!(even, [3; TURNS]);
    for key in &keys[7..27] {
        rig.shard.calls.close(*key).unwrap();
        assert!(rig.shard.calls.close(*key).is_none(), "twice");
    }
    for n in 7..27 {
        rig.open(n, ([127, 0, 2, n as u8], 4000).into(), rig.at(0));
    }
    let even: Vec<usize> = in_turns(&rig);
    assert_eq!(even, [3; TURNS]);
}

#[test]
fn a_key_of_an_earlier_call_is_nobodys() {
    let mut rig = Rig::new();
    let old = rig.open(5, rig.peer.local_addr().unwrap(), rig.at(0));
    rig.shard.calls.close(old).unwrap();
    let new = Key { generation: 2, ..old };
    let peer = rig.peer.local_addr().unwrap();
    let opening = Opening {
        name: system::Name::for_socket_at(peer.ip(), peer),
        epoch: rig.shard.clock.instant,
        silent_after: Duration::from_secs(2),
    };
    assert!(rig.shard.calls.open(new, peer, opening, rig.shard.clock.instant).is_none());
    assert!(rig.shard.calls.get(old).is_none() && rig.shard.calls.close(old).is_none());
    assert!(rig.shard.calls.get(new).is_some());
}

#[test]
fn a_batch_of_anything_is_taken_by_the_peers_it_comes_from() {
    let mut rig = Rig::new();
    rig.open(0, rig.peer.local_addr().unwrap(), rig.at(0));
    let here = rig.shard.sockets.rtp.local_addr().unwrap();
    let mut packet = [0xFF; HEADER_LEN + FRAME];
    for sequence in 0..200 {
        let header = Header { sequence, timestamp: u32::from(sequence) * 160, ..Header::default() };
        header.write(packet.first_chunk_mut().unwrap());
        rig.peer.send_to(&packet, here).unwrap();
    }
    rig.shard.listen(rig.at(1));
    let mut positions = Vec::new();
    while let Ok(news) = rig.news.pop() {
        if let News::Frame(_, frame) = news {
            positions.push(frame.position);
        }
    }
    assert_eq!(positions, (0..200).map(|n| n * 160).collect::<Vec<u64>>());
}

/// What a call takes beside its sink: the record with the jitter buffer in it, its places in the
/// tables, and its share of the ring.
#[test]
fn a_call_is_small() {
    let ring = crate::plane::RING_A_LEG * size_of::<News>();
    let tables = size_of::<(SocketAddr, u32)>() * 2 + 3 * size_of::<u32>();
    let all = calls::RECORD + ring + tables;
    assert!(all <= 9 * 1024, "{} + {ring} + {tables} bytes", calls::RECORD);
}
