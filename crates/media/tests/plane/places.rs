//! How legs come and go.

use super::*;
use media::PlaneError;
use std::num::NonZeroUsize;
use tokio::net::UdpSocket;

#[tokio::test]
async fn a_dropped_leg_leaves_no_sink_and_no_record() {
    let plane = plane();
    let (leg, mut peer, mut frames) = connected(&plane).await;
    peer.speak(&codes(0)).await;
    frames.recv().await.unwrap();
    assert_eq!(plane.counters()[0].legs, 1);
    drop(leg);
    assert_eq!(frames.recv().await, None, "the sink is dropped");
    assert_eq!(plane.counters()[0].legs, 0);
}

#[tokio::test]
async fn legs_that_come_and_go_leak_no_place() {
    let config = PlaneConfig { legs_a_shard: NonZeroUsize::new(3).unwrap(), ..Default::default() };
    let plane = Plane::start(&config).unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut kept = Vec::new();
    for n in 0..5000_u16 {
        let port = plane.port().unwrap();
        let addr = ([127, 1, (n >> 8) as u8, n as u8], peer.local_addr().unwrap().port());
        kept.push(port.start(addr.into(), |_: &Frame| {}));
        if kept.len() == 3 {
            assert!(matches!(plane.port(), Err(PlaneError::Full(3))));
            kept.swap_remove(usize::from(n) % 3);
        }
    }
    drop(kept);
    counters_when(&plane, |counters| counters.legs == 0).await;
    let places: Vec<RtpPort> = (0..3).map(|_| plane.port().unwrap()).collect();
    assert!(plane.port().is_err());
    drop(places);
    plane.port().unwrap();
}

#[tokio::test]
async fn a_port_is_of_the_shard_with_the_fewest_legs() {
    let config = PlaneConfig { shards: NonZeroUsize::new(3).unwrap(), ..Default::default() };
    let plane = Plane::start(&config).unwrap();
    let mut ports: Vec<RtpPort> = (0..6).map(|_| plane.port().unwrap()).collect();
    let at = |port: &RtpPort| port.local_addr();
    assert!((0..3).all(|n| at(&ports[n]) == at(&ports[n + 3])));
    assert!(at(&ports[0]) != at(&ports[1]) && at(&ports[1]) != at(&ports[2]));
    assert!(ports.iter().all(|port| at(port).port() % 2 == 0), "RTP has the even port");
    let freed = at(&ports.swap_remove(1));
    assert_eq!(at(&plane.port().unwrap()), freed);
}

#[tokio::test]
async fn who_gets_a_peers_address_again_takes_it_over() {
    let plane = plane();
    let (mut old, mut peer, mut old_frames) = connected(&plane).await;
    let (sink, mut frames) = frame_queue();
    let new = plane.port().unwrap().start(peer.addr(), sink);
    let Some(LegEvent::Failed(text)) = old.next_event().await else { panic!("not told") };
    assert!(text.contains(&peer.addr().to_string()), "{text}");
    assert_eq!(old.next_event().await, None);
    assert_eq!(old_frames.recv().await, None);
    peer.speak(&codes(1)).await;
    frames.recv().await.unwrap();
    drop(old);
    peer.speak(&codes(2)).await;
    frames.recv().await.expect("the old leg's end does not concern the new one");
    assert_eq!(new.close().await.heard.received, 2);
}

#[tokio::test]
async fn the_ports_are_free_when_the_plane_and_its_legs_are_gone() {
    let plane = plane();
    let (leg, peer, _frames) = connected(&plane).await;
    drop(plane);
    peer.hear().await;
    peer.hear().await;
    drop(leg);
    for port in [peer.leg.port(), peer.leg.port() + 1] {
        UdpSocket::bind((peer.leg.ip(), port)).await.expect("the port is free");
    }
    while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let nowhere = PlaneConfig { bind: [192, 0, 2, 1].into(), ..Default::default() };
    let text = Plane::start(&nowhere).unwrap_err().to_string();
    assert!(text.contains("30000 to 30999 can be opened at 192.0.2.1"), "{text}");
    let too_slow = PlaneConfig { tick: Duration::from_millis(6), ..Default::default() };
    assert!(matches!(Plane::start(&too_slow), Err(PlaneError::Tick(_))));
    let none = PlaneConfig { ports: 31_001..=31_001, ..Default::default() };
    assert!(matches!(Plane::start(&none), Err(PlaneError::Ports { .. })));
}

#[tokio::test]
async fn a_sink_that_panics_makes_only_its_own_leg_deaf() {
    let plane = plane();
    let port = plane.port().unwrap();
    let mut peer = Peer::of(&port).await;
    let mut leg = port.start(peer.addr(), |_: &Frame| panic!("a bug"));
    let (_other, mut other_peer, mut frames) = connected(&plane).await;
    peer.speak(&codes(1)).await;
    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstPacket { .. })));
    assert!(matches!(leg.next_event().await, Some(LegEvent::Failed(_))));
    other_peer.speak(&codes(1)).await;
    frames.recv().await.expect("the others are heard");
}
