//! What the host costs before anybody does anything with a packet.

use super::{BenchError, Flow, Load, WARM_UP, far::Far};
use crate::{
    Histogram, Scheduling,
    counters::Recorder,
    system::{self, BATCH, Name, Rank, Receiver, Sender},
};
use audio::{FRAME, rtp::HEADER_LEN};
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

const PACKET: usize = HEADER_LEN + FRAME;
const TURNS: u64 = 20;
const MILLISECOND: u64 = 1_000_000;

/// Nanoseconds of a system call that does nothing: the least of fifty batches.
pub(super) fn system_call() -> f64 {
    const CALLS: u32 = 2000;
    let batch = || {
        let start = system::monotonic();
        for _ in 0..CALLS {
            system::nothing();
        }
        (system::monotonic() - start) as f64 / f64::from(CALLS)
    };
    (0..50).map(|_| batch()).fold(f64::INFINITY, f64::min)
}

/// How late this thread wakes when it does nothing but sleep from millisecond to millisecond.
pub(super) fn sleeper(time: Duration) -> Histogram {
    let recorder = Recorder::default();
    let start = system::monotonic();
    for tick in 1..=time.as_millis() as u64 {
        let planned = start + tick * MILLISECOND;
        system::sleep_until(planned);
        recorder.record(Duration::from_nanos(system::monotonic().saturating_sub(planned)));
    }
    recorder.snapshot()
}

/// What the bare loop was like.
#[derive(Debug, Clone)]
pub struct Floor {
    /// Nanoseconds of CPU a call-frame.
    pub cpu: f64,
    /// How much later than its turn each packet was with the kernel.
    pub send_lateness: Histogram,
}

/// Carries the load with a bare loop for `load.each`.
///
/// # Errors
/// [`BenchError::Far`].
pub fn carry(load: &Load) -> Result<Floor, BenchError> {
    let (calls, shards) = (load.calls.get(), load.shards.get());
    let open = |_| {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        system::enlarge_buffers(&socket, 4 << 20)?;
        Ok((socket.local_addr()?, socket))
    };
    let sockets = (0..shards).map(open).collect::<io::Result<Vec<_>>>()?;
    let peers: Vec<SocketAddr> = (0..calls).map(|n| sockets[n % shards].0).collect();
    let far = Far::on(Far::socket()?, &peers)?;
    if load.flow == Flow::BothWays {
        far.speak();
    }
    let (far_port, load) = (far.port(), *load);
    let start = |(n, (here, socket)): (usize, (SocketAddr, UdpSocket))| {
        let name = |n| Name::for_socket_at(here.ip(), (Far::ip(n), far_port).into());
        let peers: Vec<Name> = (n..calls).step_by(shards).map(name).collect();
        std::thread::spawn(move || exchange(&socket, &peers, &load))
    };
    let threads: Vec<_> = sockets.into_iter().enumerate().map(start).collect();
    let mut floor = Floor { cpu: 0.0, send_lateness: Histogram::default() };
    for thread in threads {
        // A panic there is one of this module.
        let carried = thread.join().unwrap_or(Floor { cpu: f64::NAN, ..floor.clone() });
        floor.cpu += carried.cpu / shards as f64;
        floor.send_lateness.add(&carried.send_lateness);
    }
    Ok(floor)
}

/// Wakes as a shard does, every millisecond by the clock, sends what is due in one batch, and takes
/// what is there.
fn exchange(socket: &UdpSocket, peers: &[Name], load: &Load) -> Floor {
    if load.scheduling == Scheduling::Realtime {
        // The plane says so where it may not.
        let _ = system::run_first(Rank::First);
    }
    let (mut sender, mut receiver) = (Sender::<u64, PACKET>::new(), Receiver::new());
    let packet = [0xFF; PACKET];
    let lateness = Recorder::default();
    let (from, until) = (WARM_UP.as_millis() as u64, (WARM_UP + load.each).as_millis() as u64);
    let start = system::monotonic();
    let send = |sender: &mut Sender<u64, PACKET>| {
        let mut after = None;
        sender.send(socket, |due, _| {
            let now = *after.get_or_insert_with(system::monotonic);
            lateness.record(Duration::from_nanos(now.saturating_sub(due)));
        });
    };
    let (mut done, mut cpu, mut packets) = (0, None, 0_usize);
    while done < until {
        let end = (system::monotonic() - start) / MILLISECOND + 1;
        if cpu.is_none() && end > from {
            (cpu, packets) = (Some(system::thread_cpu()), 0);
        }
        for turn in done.max(end.saturating_sub(TURNS))..end {
            for n in ((turn % TURNS) as usize..peers.len()).step_by(TURNS as usize) {
                sender.push(packet, peers[n], start + turn * MILLISECOND);
                packets += 1;
                if sender.is_full() {
                    send(&mut sender);
                }
            }
        }
        if !sender.is_empty() {
            send(&mut sender);
        }
        loop {
            let count = receiver.receive(socket).unwrap_or(0);
            packets += count;
            if count < BATCH {
                break;
            }
        }
        done = end;
        let next = (system::monotonic() - start) / MILLISECOND + 1;
        system::sleep_until(start + next * MILLISECOND);
    }
    let a_frame = match load.flow {
        Flow::BothWays => 2.0,
        Flow::OutOnly => 1.0,
    };
    let cpu = (system::thread_cpu() - cpu.unwrap_or_default()) as f64;
    Floor { cpu: cpu * a_frame / packets as f64, send_lateness: lateness.snapshot() }
}
