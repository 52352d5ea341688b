//! A leg over real sockets on loopback. Time is tokio's paused clock: it moves when every task
//! waits, so nothing here depends on how fast the machine is.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use audio::{
    FRAME, g711,
    jitter::{Frame, FrameKind},
    rtp::{self, Header, Packet},
    telephone_event::Event,
};
use media::{FrameSink, Leg, LegEvent, LegStats, Playout, RtpPort};
use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{net::UdpSocket, sync::mpsc};

const LOCALHOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// The far side of a leg, as Asterisk is.
struct Peer {
    socket: UdpSocket,
    leg: SocketAddr,
    header: Header,
}

impl Peer {
    async fn of(port: &RtpPort) -> Peer {
        let socket = UdpSocket::bind((LOCALHOST, 0)).await.unwrap();
        let header = Header { sequence: 65_530, ssrc: 7, ..Header::default() };
        Peer { socket, leg: port.local_addr(), header }
    }

    fn addr(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Sends one packet of sound and moves on.
    async fn speak(&mut self, codes: &[u8; FRAME]) {
        self.send(&datagram(self.header, codes)).await;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(FRAME as u32);
    }

    async fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.leg).await.unwrap();
    }

    /// The next packet of the leg: its header, and its sound.
    async fn hear(&self) -> (Header, [u8; FRAME]) {
        let mut bytes = [0; 2000];
        let (len, from) = self.socket.recv_from(&mut bytes).await.unwrap();
        assert_eq!(from, self.leg);
        let Packet { marker, payload_type, sequence, timestamp, ssrc, payload, .. } =
            Packet::parse(&bytes[..len]).unwrap();
        let header = Header { marker, payload_type, sequence, timestamp, ssrc };
        (header, payload.try_into().unwrap())
    }
}

fn datagram(header: Header, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [0; rtp::HEADER_LEN];
    header.write(&mut bytes);
    [&bytes, payload].concat()
}

fn codes(n: u8) -> [u8; FRAME] {
    std::array::from_fn(|index| 0x80 + (index as u8 ^ n) % 0x70)
}

fn decoded(codes: &[u8]) -> Vec<i16> {
    codes.iter().map(|code| g711::decode_ulaw_sample(*code)).collect()
}

fn bind() -> RtpPort {
    RtpPort::bind(LOCALHOST.into()).unwrap()
}

/// A leg with its peer and the frames that it hears.
async fn connected() -> (Leg, Peer, mpsc::UnboundedReceiver<Frame>) {
    let port = bind();
    let peer = Peer::of(&port).await;
    let (sink, frames) = frame_queue();
    (port.start(peer.addr(), sink), peer, frames)
}

fn frame_queue() -> (impl FrameSink, mpsc::UnboundedReceiver<Frame>) {
    let (queue, frames) = mpsc::unbounded_channel();
    (move |frame: &Frame| drop(queue.send(frame.clone())), frames)
}

async fn stats_when(leg: &Leg, condition: impl FnMut(&LegStats) -> bool) -> LegStats {
    *leg.watch_stats().wait_for(condition).await.unwrap()
}

/// A sender that is not the peer.
fn stranger(ip: [u8; 4]) -> std::net::UdpSocket {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::from(ip), 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

fn assert_got_nothing(socket: &std::net::UdpSocket) {
    let error = socket.recv_from(&mut [0; 10]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

#[tokio::test(start_paused = true)]
async fn a_stream_in_order_becomes_its_frames() {
    let (mut leg, mut peer, mut frames) = connected().await;
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
    assert_eq!(stats, LegStats { heard, sent: stats.sent, ..LegStats::default() });
}

#[tokio::test(start_paused = true)]
async fn a_lost_packet_is_made_up_without_another_arriving() {
    let (leg, mut peer, mut frames) = connected().await;
    peer.speak(&codes(0)).await;
    peer.header.sequence = peer.header.sequence.wrapping_add(1);
    peer.header.timestamp += 160;
    peer.speak(&codes(2)).await;
    let kinds = [frames.recv().await, frames.recv().await, frames.recv().await]
        .map(|frame| frame.unwrap().kind);
    assert_eq!(kinds, [FrameKind::Voice, FrameKind::Concealed, FrameKind::Voice]);
    assert_eq!(leg.close().await.heard.lost, 1);
}

#[tokio::test(start_paused = true)]
async fn only_the_peers_stream_is_heard_and_nobody_else_is_answered() {
    let (leg, mut peer, mut frames) = connected().await;
    let strangers = [stranger([127, 0, 0, 1]), stranger([127, 0, 0, 2])];
    let good = datagram(peer.header, &codes(1));
    let mut noise = 12345u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    })
    .take(300)
    .collect();
    // Once before the peer's first packet, once after it.
    for round in 1..=2 {
        for stranger in &strangers {
            stranger.send_to(&good, peer.leg).unwrap();
            stranger.send_to(&[], peer.leg).unwrap();
        }
        for len in [0, 1, 11] {
            peer.send(&good[..len]).await;
        }
        for chunk in noise.chunks(30).filter(|chunk| chunk[0] >> 6 != 2) {
            peer.send(chunk).await;
        }
        peer.send(&datagram(peer.header, &[0xFF; 1700])).await;
        for payload_type in [1, 8, 72, 96] {
            peer.send(&datagram(Header { payload_type, ..peer.header }, &codes(1))).await;
        }
        let malformed = 3 + noise.chunks(30).filter(|chunk| chunk[0] >> 6 != 2).count() as u64 + 1;
        let stats = stats_when(&leg, |stats| stats.wrong_payload_type == 4 * round).await;
        assert_eq!((stats.wrong_source, stats.malformed), (4 * round, malformed * round));
        assert_eq!(stats.heard.received, round - 1);
        peer.speak(&codes(9)).await;
        let frame = frames.recv().await.unwrap();
        assert_eq!(frame.position, (round - 1) * 160);
    }
    for sequence in [500, 600, 700] {
        peer.send(&datagram(Header { ssrc: 8, sequence, ..peer.header }, &codes(1))).await;
    }
    stats_when(&leg, |stats| stats.wrong_ssrc == 3).await;
    // Whatever the leg would have answered is sent by the time that the peer hears more.
    for _ in 0..20 {
        peer.hear().await;
    }
    strangers.iter().for_each(assert_got_nothing);
    assert!(frames.try_recv().is_err());
    drop(leg);
}

#[tokio::test(start_paused = true)]
async fn before_the_start_nothing_is_sent_and_nothing_is_trusted() {
    let port = bind();
    let (mut peer, stranger) = (Peer::of(&port).await, stranger([127, 0, 0, 1]));
    let stolen = datagram(Header { ssrc: 666, ..peer.header }, &codes(6));
    stranger.send_to(&stolen, port.local_addr()).unwrap();
    peer.speak(&codes(1)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_got_nothing(&stranger);
    assert_eq!(peer.socket.try_recv(&mut [0; 10]).unwrap_err().kind(), ErrorKind::WouldBlock);

    let (sink, mut frames) = frame_queue();
    let leg = port.start(peer.addr(), sink);
    assert_eq!(frames.recv().await.unwrap().samples[..], decoded(&codes(1)));
    assert_eq!(leg.close().await.wrong_source, 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_stream_of_the_peer_is_heard_after_three_packets() {
    let (leg, mut peer, mut frames) = connected().await;
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

#[tokio::test(start_paused = true)]
async fn a_prompt_arrives_whole_in_a_stream_without_gaps() {
    let (mut leg, peer, _frames) = connected().await;
    let prompt: Vec<i16> = (0..5 * 160 + 80).map(|n| 5000 + n * 20).collect();
    let (first, silence) = peer.hear().await;
    assert!(first.marker, "a stream begins with a talk spurt");
    assert_eq!((first.payload_type, silence), (rtp::PCMU, [g711::ULAW_SILENCE; FRAME]));
    leg.play(Playout::once(42, prompt.clone()));

    let (mut heard, mut marked, mut last) = (Vec::new(), Vec::new(), first);
    for _ in 0..20 {
        let (header, sound) = peer.hear().await;
        assert_eq!(header.ssrc, first.ssrc);
        assert_eq!(header.sequence, last.sequence.wrapping_add(1));
        assert_eq!(header.timestamp, last.timestamp.wrapping_add(160));
        if header.marker {
            marked.push(heard.len());
        }
        heard.extend(sound);
        last = header;
    }
    let start = heard.iter().position(|code| *code != g711::ULAW_SILENCE).unwrap();
    assert_eq!(marked, [start], "the prompt is the one talk spurt");
    let (spoken, after) = heard[start..].split_at(prompt.len());
    let expected: Vec<u8> = prompt.iter().map(|sample| g711::encode_ulaw_sample(*sample)).collect();
    assert_eq!(spoken, expected);
    assert!(after.iter().all(|code| *code == g711::ULAW_SILENCE));

    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstAudioOut { id: 42, .. })));
    assert_eq!(leg.next_event().await, Some(LegEvent::Finished { id: 42 }));
}

#[tokio::test(start_paused = true)]
async fn first_audio_out_is_told_when_silence_is_over() {
    let (mut leg, peer, _frames) = connected().await;
    let mut prompt = vec![0; 50 * FRAME];
    prompt.extend([8000; FRAME]);
    let start = tokio::time::Instant::now();
    leg.play(Playout::once(1, prompt));
    let Some(LegEvent::FirstAudioOut { id: 1, at }) = leg.next_event().await else {
        panic!("not the first event")
    };
    let silence = at - start;
    assert!((980..=1020).contains(&silence.as_millis()), "after {silence:?} by the paused clock");
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_playout_that_is_stopped_or_replaced_does_not_finish() {
    let (mut leg, peer, _frames) = connected().await;
    leg.play(Playout::forever(1, [8000; 100]));
    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstAudioOut { id: 1, .. })));
    leg.play(Playout::forever(2, [9000; 100]));
    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstAudioOut { id: 2, .. })));
    leg.stop(1);
    leg.stop(2);
    leg.play(Playout::once(3, [9000; FRAME]));
    assert!(matches!(leg.next_event().await, Some(LegEvent::FirstAudioOut { id: 3, .. })));
    assert_eq!(leg.next_event().await, Some(LegEvent::Finished { id: 3 }));
    leg.play(Playout::forever(4, [9000; FRAME]));
    leg.stop_all();
    leg.play(Playout::once(5, []));
    assert_eq!(leg.next_event().await, Some(LegEvent::Finished { id: 5 }));
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_one_digit_and_no_loss() {
    let (mut leg, mut peer, mut frames) = connected().await;
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
        assert_eq!(leg.next_event().await, Some(LegEvent::Digit(digit)));
    }
    for n in 0..11 {
        let kind = frames.recv().await.unwrap().kind;
        let expected = if matches!(n, 0 | 10) { FrameKind::Voice } else { FrameKind::Silence };
        assert_eq!(kind, expected, "frame {n}");
    }
    let heard = leg.close().await.heard;
    assert_eq!((heard.received, heard.lost, heard.late), (17, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_once_a_gap() {
    let port = bind().with_silent_after(Duration::from_secs(3));
    let mut peer = Peer::of(&port).await;
    let mut leg = port.start(peer.addr(), |_: &Frame| {});
    let second = Duration::from_secs(1);
    for round in 0..3 {
        let Some(LegEvent::Silent { gap }) = leg.next_event().await else { panic!("not silent") };
        assert!(gap >= 3 * second && gap < 4 * second, "{gap:?} by the paused clock");
        let more = tokio::time::timeout(10 * second, leg.next_event()).await;
        assert!(more.is_err(), "told twice: {more:?}");
        peer.speak(&codes(0)).await;
        if round == 0 {
            assert!(matches!(leg.next_event().await, Some(LegEvent::FirstPacket { .. })));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn arrivals_count_from_the_calls_own_zero() {
    let epoch = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let port = bind().with_epoch(epoch);
    let mut peer = Peer::of(&port).await;
    let (sink, mut frames) = frame_queue();
    let leg = port.start(peer.addr(), sink);
    peer.speak(&codes(0)).await;
    let arrived = frames.recv().await.unwrap().arrived;
    assert!((60..61).contains(&arrived.as_secs()), "{arrived:?} by the paused clock");
    assert_eq!(leg.epoch(), epoch);
}

#[tokio::test(start_paused = true)]
async fn a_leg_that_cannot_send_says_so_once_and_goes_on() {
    let mut leg = bind().start((LOCALHOST, 0).into(), |_: &Frame| {});
    let Some(LegEvent::Failed(text)) = leg.next_event().await else { panic!("not failed") };
    assert!(text.starts_with("sending RTP: "), "{text}");
    stats_when(&leg, |stats| stats.send_failures == 10).await;
    let more = tokio::time::timeout(Duration::from_secs(1), leg.next_event()).await;
    assert!(more.is_err(), "told twice: {more:?}");
}

#[tokio::test]
async fn a_dropped_leg_leaves_no_task_no_sink_and_no_socket() {
    let port = bind();
    let (addr, mut peer) = (port.local_addr(), Peer::of(&port).await);
    let (sink, mut frames) = frame_queue();
    let leg = port.start(peer.addr(), sink);
    peer.speak(&codes(0)).await;
    frames.recv().await.unwrap();
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 1);
    assert_eq!(UdpSocket::bind(addr).await.unwrap_err().kind(), ErrorKind::AddrInUse);

    drop(leg);
    assert_eq!(frames.recv().await, None, "the sink is dropped");
    while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
        tokio::task::yield_now().await;
    }
    UdpSocket::bind(addr).await.expect("the port is free");
}

#[tokio::test]
async fn a_closed_leg_has_freed_its_port() {
    let (leg, _peer, mut frames) = connected().await;
    let addr = leg.local_addr();
    leg.close().await;
    UdpSocket::bind(addr).await.expect("the port is free");
    assert_eq!(frames.recv().await, None, "the sink is dropped");
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}
