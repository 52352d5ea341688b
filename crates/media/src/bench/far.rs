//! The far ends of all calls: one thread, one socket, and an address of loopback for each.

use crate::system::{self, BATCH, Name, Receiver, Sender, Source};
use audio::{
    FRAME,
    rtp::{HEADER_LEN, Header},
};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};

/// A free address of loopback for each far end.
const FAR_NET: Ipv4Addr = Ipv4Addr::new(127, 64, 0, 0);

const PACKET: usize = HEADER_LEN + FRAME;
const ROUND: Duration = Duration::from_millis(20);
const TURNS: u64 = 20;
const MILLISECOND: u64 = 1_000_000;

/// When a far end sent its last packet, in nanoseconds of the monotonic clock.
pub(super) type SentAt = Arc<AtomicU64>;

/// The far ends of all calls. They are one thread with one socket, each with an address of loopback of its own;
/// while they [speak](Far::speak), each sends a packet of G.711 every 20 ms. Dropping it ends the thread.
#[derive(Debug)]
pub struct Far {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    port: u16,
    state: AtomicU8,
    sent: AtomicU64,
    received: AtomicU64,
    sent_at: Vec<SentAt>,
}

/// What the far ends do: only listen, speak too, or nothing any more.
const LISTENS: u8 = 0;
const SPEAKS: u8 = 1;
const ENDED: u8 = 2;

impl Far {
    /// A socket for [`on`](Far::on), for peers that want to know its port first.
    ///
    /// # Errors
    /// What the system says.
    pub fn socket() -> io::Result<UdpSocket> {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
    }

    /// One far end for each of `peers`, with the [addresses](Far::ip) in their order, on a socket that is bound to
    /// all addresses; they listen.
    ///
    /// # Errors
    /// When the socket takes no options, or there can be no thread.
    pub fn on(socket: UdpSocket, peers: &[SocketAddr]) -> io::Result<Far> {
        system::enlarge_buffers(&socket, 8 << 20)?;
        let shared = Arc::new(Shared {
            port: socket.local_addr()?.port(),
            state: AtomicU8::new(LISTENS),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            sent_at: peers.iter().map(|_| SentAt::default()).collect(),
        });
        let state = shared.clone();
        let name = |peer: &SocketAddr| Name::for_socket_at(Ipv4Addr::UNSPECIFIED.into(), *peer);
        let peers: Vec<Name> = peers.iter().map(name).collect();
        let thread = std::thread::Builder::new()
            .name("far ends".to_owned())
            .spawn(move || run(&state, &socket, &peers))?;
        Ok(Far { shared, thread: Some(thread) })
    }

    /// The address of a far end.
    pub fn ip(n: usize) -> Ipv4Addr {
        // The first address names the net.
        Ipv4Addr::from(u32::from(FAR_NET) + 1 + n as u32)
    }

    /// The port of all of them.
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// From now on each sends a packet every 20 ms.
    pub fn speak(&self) {
        self.shared.state.store(SPEAKS, Relaxed);
    }

    /// From now on they only listen.
    pub fn stop(&self) {
        self.shared.state.store(LISTENS, Relaxed);
    }

    /// Packets sent by all.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Relaxed)
    }

    /// Packets that have come to any of them.
    pub fn received(&self) -> u64 {
        self.shared.received.load(Relaxed)
    }

    pub(super) fn sent_at(&self, n: usize) -> SentAt {
        self.shared.sent_at[n].clone()
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.shared.state.store(ENDED, Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed, and shows as loss.
            let _ = thread.join();
        }
    }
}

/// A packet without its header, with something like a voice in it: no two codes alike.
pub(super) fn voice() -> [u8; PACKET] {
    let mut packet = [0; PACKET];
    for (n, code) in packet[HEADER_LEN..].iter_mut().enumerate() {
        *code = 0x80 ^ (n as u8).wrapping_mul(37);
    }
    packet
}

fn run(shared: &Shared, socket: &UdpSocket, peers: &[Name]) {
    let (mut sender, mut receiver) = (Sender::<(), PACKET>::new(), Receiver::new());
    let calls = peers.len();
    let sources: Vec<Source> = (0..calls).map(|n| Source::new(Far::ip(n))).collect();
    let mut packet = voice();
    let start = system::monotonic();
    let mut turn = 0;
    loop {
        let speaks = match shared.state.load(Relaxed) {
            ENDED => return,
            state => state == SPEAKS,
        };
        if speaks {
            let now = system::monotonic();
            let round = (turn / TURNS) as u32;
            for n in ((turn % TURNS) as usize..calls).step_by(ROUND.as_millis() as usize) {
                let header = Header {
                    sequence: round as u16,
                    timestamp: round.wrapping_mul(FRAME as u32),
                    ssrc: n as u32,
                    ..Header::default()
                };
                header.write(packet.first_chunk_mut().expect("longer than a header"));
                shared.sent_at[n].store(now, Relaxed);
                sender.push_from(Some(sources[n]), packet, peers[n], ());
                if sender.is_full() {
                    flush(&mut sender, socket, shared);
                }
            }
            flush(&mut sender, socket, shared);
        }
        // What is said to the far ends is counted; nobody listens to it.
        loop {
            let count = receiver.receive(socket).unwrap_or(0);
            shared.received.fetch_add(count as u64, Relaxed);
            if count < BATCH {
                break;
            }
        }
        turn += 1;
        system::sleep_until(start + turn * MILLISECOND);
    }
}

fn flush(sender: &mut Sender<(), PACKET>, socket: &UdpSocket, shared: &Shared) {
    let mut sent = 0;
    sender.send(socket, |(), result| sent += u64::from(result.is_ok()));
    shared.sent.fetch_add(sent, Relaxed);
}
