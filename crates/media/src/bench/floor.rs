//! What the host costs before anybody does anything with a packet.

use super::{BenchError, Load, WARM_UP, far::Far};
use crate::{
    Histogram,
    counters::Recorder,
    system::{self, BATCH, Name, Receiver, Sender},
};
use audio::{FRAME, rtp::HEADER_LEN};
use std::{net::UdpSocket, time::Duration};

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

/// Carries the load with a bare loop for `load.each`, and gives nanoseconds of CPU a call-frame: one packet received and
/// one sent.
///
/// # Errors
/// [`BenchError::Far`].
pub fn carry(load: &Load) -> Result<f64, BenchError> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    system::enlarge_buffers(&socket, 4 << 20)?;
    let here = socket.local_addr()?;
    let far = Far::start(load.calls.get(), here)?;
    let peers: Vec<Name> = (0..load.calls.get())
        .map(|n| Name::for_socket_at(here.ip(), (Far::ip(n), far.port()).into()))
        .collect();
    far.speak();
    let (warm_up, each) = (WARM_UP, load.each);
    let thread = std::thread::spawn(move || exchange(&socket, &peers, warm_up, each));
    // A panic there is one of this function.
    Ok(thread.join().unwrap_or(f64::NAN))
}

/// Wakes as a shard does, every millisecond by the clock, sends what is due in one batch, and takes
/// what is there.
fn exchange(socket: &UdpSocket, peers: &[Name], warm_up: Duration, each: Duration) -> f64 {
    let (mut sender, mut receiver) = (Sender::<(), PACKET>::new(), Receiver::new());
    let packet = [0xFF; PACKET];
    let (from, until) = (warm_up.as_millis() as u64, (warm_up + each).as_millis() as u64);
    let start = system::monotonic();
    let (mut done, mut cpu, mut packets) = (0, None, 0_usize);
    while done < until {
        let end = (system::monotonic() - start) / MILLISECOND + 1;
        if cpu.is_none() && end > from {
            (cpu, packets) = (Some(system::thread_cpu()), 0);
        }
        for turn in done.max(end.saturating_sub(TURNS))..end {
            for n in ((turn % TURNS) as usize..peers.len()).step_by(TURNS as usize) {
                sender.push(packet, peers[n], ());
                packets += 1;
                if sender.is_full() {
                    sender.send(socket, |(), _| ());
                }
            }
        }
        if !sender.is_empty() {
            sender.send(socket, |(), _| ());
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
    (system::thread_cpu() - cpu.unwrap_or_default()) as f64 * 2.0 / packets as f64
}
