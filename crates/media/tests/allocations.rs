//! In steady state no packet allocates: not on the media thread, not on its way to the sink, and not into files either.
//!
//! The counting allocator sees the whole process, so this is its only test.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use audio::{
    FRAME,
    jitter::Frame,
    rtp::{HEADER_LEN, Header},
};
use media::{Leg, Plane, PlaneConfig, Playout, Recorder, RecordingPlan};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::{
    alloc::System,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Interval;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// More calls than a shard waits for by their packets.
const CALLS: u16 = 40;

struct Far {
    socket: UdpSocket,
    plane: SocketAddr,
    header: Header,
}

impl Far {
    fn speak(&mut self) {
        let mut packet = [0x55; HEADER_LEN + FRAME];
        self.header.write(packet.first_chunk_mut().unwrap());
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(FRAME as u32);
        self.socket.send_to(&packet, self.plane).unwrap();
        // What the leg says is taken, whatever it is.
        while self.socket.recv(&mut packet).is_ok() {}
    }
}

#[tokio::test]
async fn a_packet_in_steady_state_allocates_nothing() {
    let plane = Plane::start(&PlaneConfig::default()).unwrap();
    let heard = Arc::new(AtomicU64::new(0));
    let mut calls: Vec<(Leg, Far)> = (0..CALLS)
        .map(|_| {
            let port = plane.port().unwrap();
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            let far = Far {
                plane: port.local_addr(),
                header: Header { sequence: 65_500, ..Header::default() },
                socket,
            };
            let heard = heard.clone();
            let sink = move |_: &Frame| {
                heard.fetch_add(1, Relaxed);
            };
            let leg = port.start(far.socket.local_addr().unwrap(), sink);
            leg.play(Playout::forever(1, [4000; 1000]));
            (leg, far)
        })
        .collect();

    steadily_without_allocation(&plane, &mut calls, &heard).await;

    let folder = std::env::temp_dir().join(format!("allocations-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let recorder = Recorder::start().unwrap();
    let recordings = calls.iter().enumerate().map(|(n, (leg, _))| {
        let file = |ending: &str| Some(folder.join(format!("{n}.{ending}")));
        let (wav, mix, pcapng) = (file("wav"), file("mix.wav"), file("pcapng"));
        leg.record(&recorder, RecordingPlan { wav, mix, pcapng, ..RecordingPlan::default() })
    });
    let recordings: Vec<_> = recordings.collect();
    steadily_without_allocation(&plane, &mut calls, &heard).await;
    for recording in &recordings {
        recording.switch().pause(Duration::from_secs(20)).await.unwrap();
    }
    steadily_without_allocation(&plane, &mut calls, &heard).await;
    drop(calls);
    for recording in recordings {
        let recorded = recording.ended().await.unwrap();
        // Six seconds of both directions, as sound and as packets.
        assert!(recorded.bytes > 6 * 50 * 2 * (172 + 320), "{recorded:?}");
        assert_eq!(recorded.lost, 0);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

async fn steadily_without_allocation(plane: &Plane, calls: &mut [(Leg, Far)], heard: &AtomicU64) {
    // Every call's buffers have their size after its first packets, and every table too.
    let mut beat = tokio::time::interval(audio::FRAME_TIME);
    talk(calls, heard, &mut beat, 60).await;
    let counters = plane.counters().swap_remove(0);
    let region = Region::new(ALLOCATOR);
    talk(calls, heard, &mut beat, 100).await;
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0), "{change:?}");
    let after = plane.counters().swap_remove(0);
    assert_eq!(after.received - counters.received, 100 * u64::from(CALLS));
    assert_eq!(after.frames - counters.frames, 100 * u64::from(CALLS));
    assert!(after.sent > counters.sent + 1000, "and packets were sent");
}

/// Each far end speaks `packets` times, no faster than in life.
async fn talk(calls: &mut [(Leg, Far)], heard: &AtomicU64, beat: &mut Interval, packets: u64) {
    for _ in 0..packets {
        let before = heard.load(Relaxed);
        for (_, far) in calls.iter_mut() {
            far.speak();
        }
        while heard.load(Relaxed) < before + calls.len() as u64 {
            beat.tick().await;
        }
    }
}
