//! AudioSocket over real sockets on loopback, with Asterisk's side played by a plain connection.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use audio::{FRAME, jitter::Frame};
use media::{
    Leg, LegEvent, Playout,
    audiosocket::{
        Door, DoorConfig, MediaConfig, Rate, StreamId,
        wire::{HEADER_LEN, Message},
    },
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::mpsc,
    time::timeout,
};

/// How long anything may take before a test has failed.
const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<T>(wait: impl Future<Output = T>) -> T {
    timeout(PATIENCE, wait).await.expect("it happens in time")
}

async fn send(asterisk: &mut TcpStream, message: Message<'_>) {
    let mut bytes = Vec::new();
    message.write(&mut bytes);
    soon(asterisk.write_all(&bytes)).await.unwrap();
}

/// The next message's kind and payload; `None` when the connection is closed.
async fn next(asterisk: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut header = [0; HEADER_LEN];
    soon(asterisk.read_exact(&mut header)).await.ok()?;
    let mut payload = vec![0; usize::from(u16::from_be_bytes([header[1], header[2]]))];
    soon(asterisk.read_exact(&mut payload)).await.ok()?;
    Some((header[0], payload))
}

async fn until(leg: &mut Leg, wanted: impl Fn(&LegEvent) -> bool) -> LegEvent {
    loop {
        let event = soon(leg.next_event()).await.expect("the leg lives");
        if wanted(&event) {
            return event;
        }
    }
}

/// A leg with Asterisk's end and the frames that are heard.
async fn connected(rate: Rate) -> (Leg, TcpStream, mpsc::UnboundedReceiver<Frame>) {
    let door = Door::open("127.0.0.1:0", DoorConfig::default()).await.unwrap();
    let id = StreamId::random();
    let expected = door.expect(id);
    let (queue, frames) = mpsc::unbounded_channel();
    let config = MediaConfig { rate, ..MediaConfig::default() };
    let sink = move |frame: &Frame| drop(queue.send(frame.clone()));
    let leg = tokio::spawn(expected.leg(config, sink));
    // It has little room for what it does not read.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut asterisk = socket.connect(door.local_addr()).await.unwrap();
    send(&mut asterisk, Message::Uuid(id.0)).await;
    (soon(leg).await.unwrap().expect("the door is open"), asterisk, frames)
}

#[tokio::test]
async fn silence_is_sent_from_the_first_moment_on() {
    let (_leg, mut asterisk, _frames) = connected(Rate::Hz8000).await;
    for _ in 0..3 {
        assert_eq!(next(&mut asterisk).await, Some((0x10, vec![0; 320])));
    }
}

#[tokio::test]
async fn sound_goes_both_ways_at_its_rate() {
    for rate in [Rate::Hz8000, Rate::Hz16000, Rate::Hz44100] {
        let (mut leg, mut asterisk, mut frames) = connected(rate).await;
        leg.play(Playout::once(7, [7_932; 5 * FRAME]));
        until(&mut leg, |event| matches!(event, LegEvent::FirstAudioOut { id: 7, .. })).await;
        until(&mut leg, |event| *event == LegEvent::Finished { id: 7 }).await;
        let loud = async {
            loop {
                let (kind, payload) = next(&mut asterisk).await.unwrap();
                assert_eq!((kind, payload.len()), (rate.kind(), 2 * rate.frame()));
                let last = payload.last_chunk().map(|bytes| i16::from_le_bytes(*bytes));
                if last.is_some_and(|sample| (7_900..7_960).contains(&sample)) {
                    return;
                }
            }
        };
        soon(loud).await;

        let samples: Vec<u8> =
            (0..5 * rate.frame()).flat_map(|_| 1_000_i16.to_le_bytes()).collect();
        // In pieces, as TCP may have it.
        let mut bytes = Vec::new();
        Message::Sound(rate, &samples).write(&mut bytes);
        Message::Digit('#').write(&mut bytes);
        for piece in bytes.chunks(701) {
            soon(asterisk.write_all(piece)).await.unwrap();
        }
        until(&mut leg, |event| matches!(event, LegEvent::Digit { key: '#', .. })).await;
        let mut last = 0;
        for n in 0..4 {
            let frame = soon(frames.recv()).await.unwrap();
            assert_eq!(frame.position, n * FRAME as u64);
            last = frame.samples[FRAME - 1];
        }
        assert!((999..=1001).contains(&last), "{rate:?}: {last}");
        let stats = soon(leg.close()).await;
        assert_eq!((stats.heard.received, stats.malformed), (1, 0));
    }
}

#[tokio::test]
async fn both_sides_can_hang_up() {
    let (leg, mut asterisk, _frames) = connected(Rate::Hz8000).await;
    soon(leg.close()).await;
    let mut last = None;
    while let Some((kind, _)) = next(&mut asterisk).await {
        last = Some(kind);
    }
    assert_eq!(last, Some(0x00), "it is said");

    let (mut leg, mut asterisk, _frames) = connected(Rate::Hz8000).await;
    send(&mut asterisk, Message::HangUp).await;
    assert_eq!(soon(leg.next_event()).await, None);

    let (mut leg, asterisk, _frames) = connected(Rate::Hz8000).await;
    soon(leg.watch_stats().wait_for(|stats| stats.sent > 2)).await.unwrap();
    drop(asterisk);
    assert_eq!(soon(leg.next_event()).await, None, "gone without having read everything");

    let (mut leg, mut asterisk, _frames) = connected(Rate::Hz8000).await;
    send(&mut asterisk, Message::Error(Some(1))).await;
    assert!(matches!(soon(leg.next_event()).await, Some(LegEvent::Failed(_))));
    assert_eq!(soon(leg.next_event()).await, None);
}

#[tokio::test]
async fn what_does_not_belong_there_is_counted_and_the_rest_is_heard() {
    let (mut leg, mut asterisk, mut frames) = connected(Rate::Hz8000).await;
    send(&mut asterisk, Message::Sound(Rate::Hz16000, &[0; 640])).await;
    send(&mut asterisk, Message::Unknown(0x42)).await;
    soon(asterisk.write_all(&[0x10, 0, 1, 9])).await.unwrap();
    send(&mut asterisk, Message::Sound(Rate::Hz8000, &[0; 320])).await;
    soon(frames.recv()).await.unwrap();
    until(&mut leg, |event| matches!(event, LegEvent::FirstPacket { .. })).await;
    let stats = soon(leg.close()).await;
    assert_eq!((stats.malformed, stats.wrong_payload_type, stats.heard.received), (2, 1, 1));
}

#[tokio::test]
async fn strangers_are_shown_out() {
    let config =
        DoorConfig { handshake_timeout: Duration::from_millis(100), ..DoorConfig::default() };
    let door = Door::open("127.0.0.1:0", config).await.unwrap();
    let id = StreamId::random();
    let expected = door.expect(id);
    let knock = async |bytes: &[u8]| {
        let mut stranger = TcpStream::connect(door.local_addr()).await.unwrap();
        soon(stranger.write_all(bytes)).await.unwrap();
        next(&mut stranger).await
    };
    let mut wrong = Vec::new();
    Message::Uuid([9; 16]).write(&mut wrong);
    assert_eq!(knock(&wrong).await, None, "an unknown UUID");
    let mut sound = Vec::new();
    Message::Sound(Rate::Hz8000, &[0; 320]).write(&mut sound);
    assert_eq!(knock(&sound).await, None, "no UUID at all");
    assert_eq!(knock(&wrong[..7]).await, None, "half of one, and then nothing");
    assert_eq!(knock(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").await, None);

    let leg = tokio::spawn(expected.leg(MediaConfig::default(), |_: &Frame| {}));
    let mut asterisk = TcpStream::connect(door.local_addr()).await.unwrap();
    send(&mut asterisk, Message::Uuid(id.0)).await;
    let leg = soon(leg).await.unwrap().expect("the door is open");
    let mut again = Vec::new();
    Message::Uuid(id.0).write(&mut again);
    assert_eq!(knock(&again).await, None, "it has come already");
    drop(leg);
}

#[tokio::test]
async fn what_asterisk_does_not_read_is_left_out_and_no_frame_is_torn() {
    let (leg, mut asterisk, _frames) = connected(Rate::Hz192000).await;
    leg.play(Playout::forever(1, [7_932; FRAME]));
    soon(leg.watch_stats().wait_for(|stats| stats.skipped >= 5)).await.unwrap();
    let stats = leg.stats();
    // 16 KB of ours, doubled by the kernel, what it keeps for the other side, and what is in flight.
    assert!(stats.sent < 40, "{stats:?}");
    for _ in 0..stats.sent + 10 {
        let (kind, payload) = next(&mut asterisk).await.unwrap();
        assert_eq!((kind, payload.len()), (0x18, 2 * Rate::Hz192000.frame()));
    }
}
