//! What a leg hears.

use super::*;
use audio::{jitter::FrameKind, rtp, telephone_event::Event};
use std::collections::BTreeSet;
use tokio::time::Instant;

#[tokio::test]
async fn a_stream_in_order_becomes_its_frames() {
    let plane = plane();
    let (mut leg, mut peer, mut frames) = connected(&plane).await;
    for n in 0..50 {
        peer.speak(&codes(n)).await;
        let frame = frames.recv().await.unwrap();
        assert_eq!(frame.samples[..], decoded(&codes(n)));
        assert_eq!((frame.position, frame.kind), (u64::from(n) * 160, FrameKind::Voice));
    }
    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstPacket { .. })));
    let stats = leg.close().await;
    let heard =
        audio::jitter::Stats { received: 50, jitter: stats.heard.jitter, ..Default::default() };
    assert_eq!(
        stats,
        LegStats { heard, sent: stats.sent, skipped: stats.skipped, ..LegStats::default() }
    );
}

#[tokio::test]
async fn legs_on_one_port_are_told_apart_also_when_there_are_many() {
    let plane = plane();
    let mut legs = Vec::new();
    // More than a shard waits for by their packets, and more than a batch.
    for _ in 0..80 {
        legs.push(connected(&plane).await);
    }
    let ports: BTreeSet<_> = legs.iter().map(|(leg, ..)| leg.local_addr()).collect();
    assert_eq!(ports.len(), 1);
    for round in 0..5 {
        for (n, (_, peer, _)) in legs.iter_mut().enumerate() {
            peer.speak(&codes(n as u8 + round)).await;
        }
        for (n, (_, _, frames)) in legs.iter_mut().enumerate() {
            let frame = frames.recv().await.unwrap();
            assert_eq!(frame.samples[..], decoded(&codes(n as u8 + round)), "leg {n}");
        }
    }
    for (_, peer, _) in &legs {
        let (first, _) = peer.hear().await;
        assert_eq!(peer.hear().await.0.ssrc, first.ssrc);
    }
    let counters = counters_when(&plane, |counters| counters.received == 400).await;
    assert_eq!((counters.legs, counters.frames, counters.wrong_source), (80, 400, 0));
    assert!(counters.receive_batches < 400, "{counters:?}");
}

#[tokio::test]
async fn a_lost_packet_is_made_up_without_another_arriving() {
    let plane = plane();
    let (leg, mut peer, mut frames) = connected(&plane).await;
    peer.speak(&codes(0)).await;
    peer.header.sequence = peer.header.sequence.wrapping_add(1);
    peer.header.timestamp += 160;
    peer.speak(&codes(2)).await;
    let kinds = [frames.recv().await, frames.recv().await, frames.recv().await]
        .map(|frame| frame.unwrap().kind);
    assert_eq!(kinds, [FrameKind::Voice, FrameKind::Concealed, FrameKind::Voice]);
    assert_eq!(leg.close().await.heard.lost, 1);
}

#[tokio::test]
async fn a_new_stream_of_the_peer_is_heard_after_three_packets() {
    let plane = plane();
    let (leg, mut peer, mut frames) = connected(&plane).await;
    peer.speak(&codes(0)).await;
    peer.header = Header { ssrc: 99, sequence: 4, timestamp: 8, ..peer.header };
    for n in 1..5 {
        peer.speak(&codes(n)).await;
    }
    for expected in [0, 3, 4] {
        assert_eq!(frames.recv().await.unwrap().samples[..], decoded(&codes(expected)));
    }
    let stats = leg.close().await;
    assert_eq!((stats.wrong_ssrc, stats.heard.resyncs), (2, 1));
}

#[tokio::test]
async fn a_key_is_one_digit_and_no_loss() {
    let plane = plane();
    let (mut leg, mut peer, mut frames) = connected(&plane).await;
    peer.speak(&codes(0)).await;
    for code in [5, 5, 11] {
        for (duration, end) in [(160, false), (320, false), (480, true), (480, true), (480, true)] {
            let header = Header { payload_type: rtp::TELEPHONE_EVENT, ..peer.header };
            let event = Event { code, end, volume: 10, duration };
            peer.send(&datagram(header, &event.to_bytes())).await;
            peer.header.sequence = peer.header.sequence.wrapping_add(1);
        }
        peer.header.timestamp += 480;
    }
    peer.speak(&codes(1)).await;
    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstPacket { .. })));
    for digit in ['5', '5', '#'] {
        let told = leg.next_event().await;
        assert!(matches!(told, Some(LegEvent::Digit { key, .. }) if key == digit), "{told:?}");
    }
    for n in 0..11 {
        let kind = frames.recv().await.unwrap().kind;
        let expected = if matches!(n, 0 | 10) { FrameKind::Voice } else { FrameKind::Silence };
        assert_eq!(kind, expected, "frame {n}");
    }
    let heard = leg.close().await.heard;
    assert_eq!((heard.received, heard.lost, heard.late), (17, 0, 0));
}

#[tokio::test]
async fn silence_is_told_once_a_gap() {
    let plane = plane();
    let silent_after = Duration::from_millis(50);
    let port = plane.port().unwrap().with_silent_after(silent_after);
    let mut peer = Peer::of(&port).await;
    let mut leg = port.start(peer.addr(), |_: &Frame| {});
    for round in 0..3 {
        let Some(LegEvent::Silent { gap }) = leg.next_event().await else { panic!("not silent") };
        assert!(gap >= silent_after, "{gap:?}");
        // For longer than such a gap nothing more is told: whatever is told next is new.
        for _ in 0..5 {
            peer.hear().await;
        }
        peer.speak(&codes(0)).await;
        if round == 0 {
            assert!(matches!(leg.next_event().await, Some(LegEvent::FirstPacket { .. })));
        }
    }
}

#[tokio::test]
async fn arrivals_count_from_the_calls_own_zero() {
    let plane = plane();
    let epoch = Instant::now() - Duration::from_secs(60);
    let port = plane.port().unwrap().with_epoch(epoch);
    let mut peer = Peer::of(&port).await;
    let (sink, mut frames) = frame_queue();
    let leg = port.start(peer.addr(), sink);
    peer.speak(&codes(0)).await;
    let arrived = frames.recv().await.unwrap().arrived;
    assert!(arrived >= Duration::from_secs(60) && arrived <= epoch.elapsed(), "{arrived:?}");
    assert_eq!(leg.epoch(), epoch);
}

#[tokio::test]
async fn reports_of_the_peer_are_counted_and_not_answered() {
    let plane = plane();
    let (leg, peer, _frames) = connected(&plane).await;
    let above = |addr: std::net::SocketAddr| (addr.ip(), addr.port() + 1);
    let rtcp = match tokio::net::UdpSocket::bind(above(peer.addr())).await {
        Ok(socket) => socket,
        // Somebody else has the port; there is no other that would do.
        Err(_) => return,
    };
    let report = [&[0x80, 201, 0, 1][..], &[0; 4]].concat();
    for bytes in [&report[..], &report[..7], b"no report", &[]] {
        rtcp.send_to(bytes, above(leg.local_addr())).await.unwrap();
    }
    peer.socket.send_to(&report, above(leg.local_addr())).await.unwrap();
    let counters = counters_when(&plane, |counters| counters.wrong_reports == 4).await;
    assert_eq!(counters.reports, 1);
    assert_eq!(leg.close().await.reports, 1);
    assert!(rtcp.try_recv(&mut [0; 10]).is_err());
}

#[tokio::test]
async fn frames_that_nobody_takes_in_time_are_dropped_and_counted() {
    let config = PlaneConfig { legs_a_shard: std::num::NonZeroUsize::MIN, ..Default::default() };
    let plane = Plane::start(&config).unwrap();
    let port = plane.port().unwrap();
    let mut peer = Peer::of(&port).await;
    let (mut queue, mut frames) = frame_queue();
    let (release, stand) = std::sync::mpsc::channel::<()>();
    // It stands still at its first frame.
    let leg = port.start(peer.addr(), move |frame: &Frame| {
        queue.frame(frame);
        let _ = stand.recv();
    });
    peer.speak(&codes(0)).await;
    frames.recv().await.unwrap();
    let socket = peer.socket.into_std().unwrap();
    for n in 1..500_u16 {
        let sequence = peer.header.sequence.wrapping_add(n);
        let timestamp = u32::from(n) * 160;
        let header = Header { sequence, timestamp, ..peer.header };
        socket.send_to(&datagram(header, &codes(1)), peer.leg).unwrap();
    }
    while plane.counters()[0].received < 500 {
        std::thread::yield_now();
    }
    drop(release);
    let stats = leg.close().await;
    assert!(stats.untaken > 0, "{stats:?}");
    let mut taken = 1;
    while frames.recv().await.is_some() {
        taken += 1;
    }
    assert_eq!(taken + stats.untaken, stats.heard.received);
}
