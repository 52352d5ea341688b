//! The far ends of all calls: one thread, one socket, and an address of loopback for each.

use super::FAR_NET;
use crate::system::{self, BATCH, Name, Receiver, Sender, Source};
use audio::{
    FRAME,
    rtp::{HEADER_LEN, Header},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};

const PACKET: usize = HEADER_LEN + FRAME;
const ROUND: Duration = Duration::from_millis(20);
const TURNS: u64 = 20;
const MILLISECOND: u64 = 1_000_000;

/// When a far end sent its last packet, in nanoseconds of the monotonic clock.
pub(super) type SentAt = Arc<AtomicU64>;

/// All far ends. Dropping it ends their thread.
pub(super) struct Far {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    port: u16,
    state: AtomicU8,
    sent: AtomicU64,
    sent_at: Vec<SentAt>,
}

/// What the far ends do: only listen, speak too, or nothing any more.
const LISTENS: u8 = 0;
const SPEAKS: u8 = 1;
const ENDED: u8 = 2;

impl Far {
    /// Far ends of `calls` calls with one socket at `peer`; they listen.
    pub(super) fn start(calls: usize, peer: SocketAddr) -> io::Result<Far> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        system::enlarge_buffers(&socket, 8 << 20)?;
        let shared = Arc::new(Shared {
            port: socket.local_addr()?.port(),
            state: AtomicU8::new(LISTENS),
            sent: AtomicU64::new(0),
            sent_at: (0..calls).map(|_| SentAt::default()).collect(),
        });
        let state = shared.clone();
        let thread = std::thread::Builder::new()
            .name("far ends".to_owned())
            .spawn(move || run(&state, &socket, peer))?;
        Ok(Far { shared, thread: Some(thread) })
    }

    /// The address of a far end.
    pub(super) fn ip(n: usize) -> IpAddr {
        // The first address names the net.
        Ipv4Addr::from(u32::from(FAR_NET) + 1 + n as u32).into()
    }

    /// The port of all of them.
    pub(super) fn port(&self) -> u16 {
        self.shared.port
    }

    pub(super) fn speak(&self) {
        self.shared.state.store(SPEAKS, Relaxed);
    }

    pub(super) fn stop(&self) {
        self.shared.state.store(LISTENS, Relaxed);
    }

    /// Packets sent by all.
    pub(super) fn sent(&self) -> u64 {
        self.shared.sent.load(Relaxed)
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

fn run(shared: &Shared, socket: &UdpSocket, peer: SocketAddr) {
    let to = Name::for_socket_at(Ipv4Addr::UNSPECIFIED.into(), peer);
    let (mut sender, mut receiver) = (Sender::<(), PACKET>::new(), Receiver::new());
    let calls = shared.sent_at.len();
    let sources: Vec<Source> = (0..calls)
        .map(|n| match Far::ip(n) {
            IpAddr::V4(ip) => Source::new(ip),
            IpAddr::V6(_) => unreachable!("far ends are IPv4"),
        })
        .collect();
    let mut packet = [0; PACKET];
    // Something like a voice: not two codes alike.
    for (n, code) in packet[HEADER_LEN..].iter_mut().enumerate() {
        *code = 0x80 ^ (n as u8).wrapping_mul(37);
    }
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
                sender.push_from(Some(sources[n]), packet, to, ());
                if sender.is_full() {
                    flush(&mut sender, socket, shared);
                }
            }
            flush(&mut sender, socket, shared);
        }
        // Every far end hears in its turn what is said to it; nobody listens.
        while matches!(receiver.receive(socket), Ok(BATCH)) {}
        turn += 1;
        system::sleep_until(start + turn * MILLISECOND);
    }
}

fn flush(sender: &mut Sender<(), PACKET>, socket: &UdpSocket, shared: &Shared) {
    let mut sent = 0;
    sender.send(socket, |(), result| sent += u64::from(result.is_ok()));
    shared.sent.fetch_add(sent, Relaxed);
}
