//! What is not the peer's voice: none of it is heard, none of it is answered.

use super::*;
use std::{
    io::ErrorKind,
    net::{Ipv4Addr, UdpSocket},
};

/// A sender that is not the peer.
fn stranger(ip: [u8; 4]) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::from(ip), 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

fn assert_got_nothing(socket: &UdpSocket) {
    let error = socket.recv_from(&mut [0; 10]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

/// Bytes of no meaning, the same at each run; none begins as RTP does.
fn noise() -> Vec<Vec<u8>> {
    let mut state = 12345_u32;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(6000)
    .collect();
    bytes.chunks(30).filter(|chunk| chunk[0] >> 6 != 2).map(<[u8]>::to_vec).collect()
}

#[tokio::test]
async fn only_the_peers_stream_is_heard_and_nobody_else_is_answered() {
    let plane = plane();
    let (leg, mut peer, mut frames) = connected(&plane).await;
    let strangers = [stranger([127, 0, 0, 1]), stranger([127, 0, 0, 2])];
    let good = datagram(peer.header, &codes(1));
    // Once before the peer's first packet, once after it.
    for round in 1..=2 {
        let mut malformed = 0;
        for stranger in &strangers {
            stranger.send_to(&good, peer.leg).unwrap();
            stranger.send_to(&[], peer.leg).unwrap();
        }
        let long = datagram(peer.header, &[0xFF; 1700]);
        let cut = [0, 1, 11].map(|len| good[..len].to_vec());
        for bytes in noise().into_iter().chain(cut).chain([long]) {
            peer.send(&bytes).await;
            malformed += 1;
        }
        for payload_type in [1, 8, 72, 96] {
            peer.send(&datagram(Header { payload_type, ..peer.header }, &codes(1))).await;
        }
        let done = |counters: &ShardCounters| counters.wrong_payload_type == 4 * round;
        let counters = counters_when(&plane, done).await;
        let dropped = (counters.wrong_source, counters.malformed, counters.frames);
        assert_eq!(dropped, (4 * round, malformed * round, round - 1));
        peer.speak(&codes(9)).await;
        let frame = frames.recv().await.unwrap();
        assert_eq!(frame.position, (round - 1) * 160);
    }
    for sequence in [500, 600, 700] {
        peer.send(&datagram(Header { ssrc: 8, sequence, ..peer.header }, &codes(1))).await;
    }
    counters_when(&plane, |counters| counters.wrong_ssrc == 3).await;
    // Whatever the leg would have answered is sent by the time that the peer hears more.
    for _ in 0..10 {
        peer.hear().await;
    }
    strangers.iter().for_each(assert_got_nothing);
    assert!(frames.try_recv().is_err());
    let stats = leg.close().await;
    assert_eq!((stats.wrong_payload_type, stats.wrong_ssrc, stats.heard.received), (8, 3, 2));
}

#[tokio::test]
async fn before_the_start_and_after_the_end_nothing_is_sent_and_nothing_is_trusted() {
    let plane = plane();
    let port = plane.port().unwrap();
    let mut peer = Peer::of(&port).await;
    peer.speak(&codes(1)).await;
    counters_when(&plane, |counters| counters.wrong_source == 1).await;
    assert_eq!(peer.socket.try_recv(&mut [0; 10]).unwrap_err().kind(), ErrorKind::WouldBlock);

    let (sink, mut frames) = frame_queue();
    let leg = port.start(peer.addr(), sink);
    peer.hear().await;
    peer.speak(&codes(2)).await;
    assert_eq!(frames.recv().await.unwrap().samples[..], decoded(&codes(2)));
    let sent = leg.close().await.sent;
    peer.speak(&codes(3)).await;
    counters_when(&plane, |counters| counters.wrong_source == 2).await;
    assert_eq!(frames.recv().await, None);
    for _ in 1..sent {
        peer.hear().await;
    }
    assert_eq!(peer.socket.try_recv(&mut [0; 10]).unwrap_err().kind(), ErrorKind::WouldBlock);
}
