//! The buffer as its user sees it: packets in, frames out.

use super::{store::SLOTS, *};
use crate::{FRAME_TIME, g711, telephone_event};
use proptest::prelude::*;

/// A sender whose every packet sounds different.
#[derive(Clone)]
struct Sender {
    header: rtp::Header,
    ptime: usize,
    sent: u64,
}

impl Sender {
    fn new(sequence: u16, timestamp: u32) -> Sender {
        let header = rtp::Header { sequence, timestamp, ssrc: 7, ..rtp::Header::default() };
        Sender { header, ptime: FRAME, sent: 0 }
    }

    /// The next packet as it goes over the wire.
    fn next(&mut self) -> Vec<u8> {
        let payload: Vec<u8> = (self.sent..).map(code).take(self.ptime).collect();
        self.sent += self.ptime as u64;
        let bytes = self.datagram(&payload);
        self.header.timestamp = self.header.timestamp.wrapping_add(self.ptime as u32);
        bytes
    }

    fn datagram(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut bytes = [0; rtp::HEADER_LEN];
        self.header.write(&mut bytes);
        self.header.sequence = self.header.sequence.wrapping_add(1);
        [&bytes[..], payload].concat()
    }

    fn take(&mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// The mu-law code that a [`Sender`] puts at a position; loud, and without silence or minus zero.
fn code(position: u64) -> u8 {
    0x80 + (position * 7 % 96) as u8
}

fn spoken(position: u64) -> [i16; FRAME] {
    std::array::from_fn(|n| g711::decode_ulaw_sample(code(position + n as u64)))
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Pushes a packet and pops all that it completes.
fn hear(buffer: &mut JitterBuffer, at: Duration, datagram: &[u8]) -> Vec<Frame> {
    buffer.push(at, &rtp::Packet::parse(datagram).unwrap());
    drain(buffer, at)
}

fn drain(buffer: &mut JitterBuffer, now: Duration) -> Vec<Frame> {
    std::iter::from_fn(|| buffer.pop(now)).collect()
}

/// Hears packets that arrive 20 ms apart, the first at 0.
fn hear_all<'a>(
    buffer: &mut JitterBuffer,
    datagrams: impl IntoIterator<Item = &'a Vec<u8>>,
) -> Vec<Frame> {
    let arrivals = (0..).map(|n| FRAME_TIME * n);
    arrivals.zip(datagrams).flat_map(|(at, bytes)| hear(buffer, at, bytes)).collect()
}

fn kinds(frames: &[Frame]) -> Vec<FrameKind> {
    frames.iter().map(|frame| frame.kind).collect()
}

fn assert_continuous(frames: &[Frame]) {
    for (n, frame) in frames.iter().enumerate() {
        assert_eq!(frame.position, frames[0].position + (n * FRAME) as u64);
    }
}

use FrameKind::{Concealed, Silence, Voice};

#[test]
fn packets_in_order_are_not_held() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 1000));
    for n in 0..500 {
        let at = ms(20 * n + 3);
        let frame = Frame { samples: spoken(n * 160), position: n * 160, kind: Voice, arrived: at };
        assert_eq!(hear(&mut buffer, at, &sender.next()), [frame]);
        assert_eq!(buffer.deadline(), None);
    }
    assert_eq!(buffer.stats(), Stats { received: 500, ..Stats::default() });
}

#[test]
fn sequence_and_timestamp_wrap_unseen() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(u16::MAX - 4, u32::MAX - 500));
    let frames = hear_all(&mut buffer, &sender.take(20));
    assert_eq!(frames.len(), 20);
    for frame in &frames {
        assert_eq!(frame.samples, spoken(frame.position));
    }
    assert_continuous(&frames);
    assert_eq!(buffer.stats(), Stats { received: 20, ..Stats::default() });
}

#[test]
fn any_packet_length_becomes_the_same_frames() {
    for ptime in [80, 100, 160, 240, 320, 480, 1, MAX_PAYLOAD] {
        let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
        sender.ptime = ptime;
        let frames = hear_all(&mut buffer, &sender.take(4800_usize.div_ceil(ptime)));
        assert_eq!(frames.len(), 4800_usize.next_multiple_of(ptime) / FRAME, "ptime {ptime}");
        for frame in &frames {
            assert_eq!((frame.kind, frame.samples), (Voice, spoken(frame.position)));
        }
        assert_continuous(&frames);
    }
}

#[test]
fn a_packet_overtaken_by_two_is_put_back() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    let p = sender.take(5);
    assert_eq!(hear(&mut buffer, ms(0), &p[0]).len(), 1);
    assert_eq!(hear(&mut buffer, ms(20), &p[2]), []);
    assert_eq!(buffer.deadline(), Some(ms(60)));
    assert_eq!(hear(&mut buffer, ms(40), &p[3]), []);
    let frames = hear(&mut buffer, ms(45), &p[1]);
    assert_eq!(kinds(&frames), [Voice; 3]);
    assert_eq!(frames[2].samples, spoken(480));
    assert_eq!(frames[0].arrived, ms(45));
    assert_eq!(hear(&mut buffer, ms(60), &p[4]).len(), 1);
    let stats = buffer.stats();
    assert_eq!((stats.reordered, stats.lost, stats.late), (1, 0, 0));
}

#[test]
fn a_lost_packet_is_waited_for_then_made_up() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    let p = sender.take(3);
    hear(&mut buffer, ms(0), &p[0]);
    assert_eq!(hear(&mut buffer, ms(40), &p[2]), []);
    assert_eq!(buffer.deadline(), Some(ms(80)));
    assert_eq!(drain(&mut buffer, ms(79)), []);
    let frames = drain(&mut buffer, ms(80));
    assert_eq!(kinds(&frames), [Concealed, Voice]);
    assert_eq!(frames[0].position, 160);
    assert_eq!(frames[0].arrived, ms(40), "the packet that ended the gap");
    assert_eq!(frames[1].samples, spoken(320));
    assert_eq!(buffer.deadline(), None);
    let stats = buffer.stats();
    assert_eq!((stats.lost, stats.concealed), (1, 1));
}

#[test]
fn a_third_packet_behind_the_gap_ends_the_wait() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    let p = sender.take(5);
    hear(&mut buffer, ms(0), &p[0]);
    hear(&mut buffer, ms(1), &p[2]);
    hear(&mut buffer, ms(2), &p[3]);
    assert_eq!(kinds(&hear(&mut buffer, ms(3), &p[4])), [Concealed, Voice, Voice, Voice]);
}

#[test]
fn a_loss_beyond_a_bridge_fades_to_silence() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    let p = sender.take(12);
    hear(&mut buffer, ms(0), &p[0]);
    hear(&mut buffer, ms(220), &p[11]);
    let frames = drain(&mut buffer, ms(260));
    assert_eq!(kinds(&frames[..5]), [Concealed, Concealed, Concealed, Silence, Silence]);
    assert_eq!(frames.len(), 11);
    let energy: Vec<u64> = frames
        .iter()
        .map(|frame| frame.samples.iter().map(|s| u64::from(s.unsigned_abs())).sum())
        .collect();
    assert!(energy[0] > energy[1] && energy[1] > energy[2] && energy[2] > 0, "{energy:?}");
    assert!(energy[3..10].iter().all(|&sum| sum == 0), "{energy:?}");
    assert_eq!(buffer.stats().lost, 10);
}

#[test]
fn late_and_duplicate_packets_are_dropped_and_told_apart() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    let p = sender.take(4);
    hear(&mut buffer, ms(0), &p[0]);
    assert_eq!(hear(&mut buffer, ms(1), &p[0]), [], "played already");
    hear(&mut buffer, ms(40), &p[2]);
    assert_eq!(hear(&mut buffer, ms(41), &p[2]), [], "held already");
    assert_eq!(drain(&mut buffer, ms(80)).len(), 2);
    assert_eq!(hear(&mut buffer, ms(81), &p[1]), [], "given up");
    assert_eq!(hear(&mut buffer, ms(82), &p[3]).len(), 1);
    let stats = buffer.stats();
    assert_eq!((stats.received, stats.duplicate, stats.late, stats.lost), (6, 2, 1, 1));
}

#[test]
fn a_pause_in_the_timestamps_is_silence() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    hear(&mut buffer, ms(0), &sender.next());
    sender.header.timestamp += 3 * 160;
    let frames = hear(&mut buffer, ms(80), &sender.next());
    assert_eq!(kinds(&frames), [Silence, Silence, Silence, Voice]);
    assert_eq!(frames[0].samples, [0; FRAME]);
    assert_eq!(frames[3].position, 640);
    let stats = buffer.stats();
    assert_eq!((stats.lost, stats.resyncs, stats.jitter), (0, 0, Duration::ZERO));
}

#[test]
fn a_jump_of_the_timestamp_lasts_as_long_as_it_took() {
    for jump in [MAX_GAP + 1000, 1 << 30, i32::MAX as u32, u32::MAX / 2 + 5, u32::MAX - 3000] {
        let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
        hear(&mut buffer, ms(0), &sender.next());
        sender.header.timestamp = sender.header.timestamp.wrapping_add(jump);
        assert_eq!(hear(&mut buffer, ms(20), &sender.next()).len(), 1, "no time went by");
        sender.header.timestamp = sender.header.timestamp.wrapping_add(jump);
        let frames = hear(&mut buffer, ms(140), &sender.next());
        assert_eq!(kinds(&frames), [Silence, Silence, Silence, Silence, Silence, Voice]);
        assert_continuous(&frames);
        assert_eq!(hear(&mut buffer, ms(160), &sender.next()).len(), 1, "in step again");
        assert_eq!(buffer.stats().resyncs, 2);
    }
}

#[test]
fn a_long_pause_is_filled_at_its_end_and_its_length_kept() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    sender.ptime = 100; // so that the pause begins within a frame
    hear(&mut buffer, ms(0), &sender.next());
    let pause = 3600 * SAMPLE_RATE + 60;
    sender.header.timestamp += pause;
    sender.ptime = FRAME;
    let frames = hear(&mut buffer, ms(3_600_020), &sender.next());
    assert_eq!((frames[0].position, frames[0].kind), (0, Silence));
    assert_eq!(frames.len(), 1 + MAX_GAP as usize / FRAME + 1);
    assert_continuous(&frames[1..]);
    assert_eq!(frames.last().unwrap().position, u64::from(pause) + 100);
    assert_eq!(buffer.stats().resyncs, 0);
}

#[test]
fn packets_that_come_at_once_after_a_delay_are_in_step() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    let p = sender.take(200);
    hear(&mut buffer, ms(0), &p[0]);
    let frames: Vec<Frame> = p[1..].iter().flat_map(|p| hear(&mut buffer, ms(4000), p)).collect();
    assert_eq!(kinds(&frames), [Voice; 199]);
    assert_eq!(frames[198].position, 199 * 160);
}

#[test]
fn a_loss_before_a_pause_is_made_up_only_as_far_as_it_went() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    hear(&mut buffer, ms(0), &sender.next());
    sender.next(); // lost
    sender.header.timestamp += 10 * 160;
    hear(&mut buffer, ms(240), &sender.next());
    let frames = drain(&mut buffer, ms(300));
    assert_eq!(kinds(&frames[..3]), [Concealed, Silence, Silence]);
    assert_eq!((frames.len(), frames[11].kind), (12, Voice));
}

#[test]
fn a_timestamp_that_goes_back_is_followed() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 1_000_000));
    hear(&mut buffer, ms(0), &sender.next());
    sender.header.timestamp -= 500_000;
    let packets = sender.take(3);
    let frames = hear_all(&mut buffer, &packets);
    assert_eq!(kinds(&frames), [Voice; 3]);
    assert_continuous(&frames);
    assert_eq!(buffer.stats().resyncs, 1);
}

#[test]
fn a_new_ssrc_is_picked_up_at_once() {
    let (mut buffer, mut old) = (JitterBuffer::new(), Sender::new(100, 5000));
    let p = old.take(3);
    hear(&mut buffer, ms(0), &p[0]);
    hear(&mut buffer, ms(40), &p[2]);
    let mut new = Sender::new(60_000, 12);
    new.header.ssrc = 8;
    let frames = hear_all(&mut buffer, &new.take(3));
    assert_eq!(kinds(&frames), [Voice; 3]);
    assert_eq!(frames[0].position, 160);
    assert_continuous(&frames);
    let stats = buffer.stats();
    assert_eq!((stats.resyncs, stats.discarded, stats.lost), (1, 1, 0));
}

#[test]
fn a_sequence_that_starts_over_is_believed_at_the_second_packet() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    hear(&mut buffer, ms(0), &sender.next());
    sender.header.sequence = 30_000;
    let frames = hear_all(&mut buffer, &sender.take(3));
    assert_eq!(kinds(&frames), [Voice; 2]);
    let stats = buffer.stats();
    assert_eq!((stats.stray, stats.resyncs), (1, 1));
}

#[test]
fn telephone_events_keep_their_place_but_have_no_sound() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    hear(&mut buffer, ms(0), &sender.next());
    sender.header.payload_type = rtp::TELEPHONE_EVENT;
    let event = telephone_event::Event { code: 5, end: false, volume: 10, duration: 160 };
    for n in 1..4 {
        assert_eq!(hear(&mut buffer, ms(20 * n), &sender.datagram(&event.to_bytes())), []);
    }
    sender.header.payload_type = rtp::PCMU;
    sender.header.timestamp += 3 * 160;
    let frames = hear(&mut buffer, ms(80), &sender.next());
    assert_eq!(kinds(&frames), [Silence, Silence, Silence, Voice]);
    let stats = buffer.stats();
    assert_eq!((stats.lost, stats.concealed, stats.jitter), (0, 0, Duration::ZERO));
}

#[test]
fn a_payload_beyond_the_limit_is_discarded() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    sender.ptime = MAX_PAYLOAD + 1;
    assert_eq!(hear(&mut buffer, ms(0), &sender.next()), []);
    assert_eq!(buffer.stats().discarded, 1);
}

#[test]
fn a_buffer_that_nobody_pops_is_bounded() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    for n in 0..200 {
        buffer.push(ms(20 * n), &rtp::Packet::parse(&sender.next()).unwrap());
    }
    assert_eq!(buffer.stats().discarded, 200 - SLOTS as u64);
    // The rest comes out as it was, after what was dropped (here: before it, nothing is known).
    let frames = drain(&mut buffer, ms(4000));
    assert_eq!(kinds(&frames), [Voice; SLOTS]);
    assert_continuous(&frames);
}

#[test]
fn a_law_is_heard_as_well() {
    let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, 0));
    sender.header.payload_type = rtp::PCMA;
    let frames = hear(&mut buffer, ms(0), &sender.next());
    assert_eq!(
        frames[0].samples,
        std::array::from_fn(|n| g711::decode_alaw_sample(code(n as u64)))
    );
}

#[test]
fn patience_is_what_was_asked_for() {
    let lose = |patience, behind: usize| {
        let (mut buffer, mut sender) = (JitterBuffer::with_patience(patience), Sender::new(1, 0));
        let p = sender.take(12);
        hear(&mut buffer, ms(0), &p[0]);
        let burst: Vec<Frame> =
            p[2..2 + behind].iter().flat_map(|p| hear(&mut buffer, ms(1), p)).collect();
        (burst.len(), buffer.deadline())
    };
    assert_eq!(lose(Patience::Fixed(0), 1), (2, None), "no wait at all");
    assert_eq!(lose(Patience::Fixed(1), 1), (0, Some(ms(21))));
    assert_eq!(lose(Patience::Fixed(1), 2), (3, None));
    assert_eq!(lose(Patience::Fixed(6), 6), (0, Some(ms(121))));
}

#[test]
fn a_wan_leg_learns_how_far_packets_are_overtaken() {
    let (mut buffer, mut sender) = (JitterBuffer::with_patience(Patience::WAN), Sender::new(1, 0));
    hear(&mut buffer, ms(0), &sender.next());
    let mut voiced = Vec::new();
    for round in 0..10 {
        let p = sender.take(6);
        // The first of six comes after the next four.
        for (n, index) in [1, 2, 3, 4, 0, 5].into_iter().enumerate() {
            voiced.extend(hear(&mut buffer, ms(20 + round * 120 + n as u64 * 20), &p[index]));
        }
    }
    let made_up = kinds(&voiced).into_iter().filter(|kind| *kind != Voice).count();
    assert_eq!((voiced.len(), made_up), (60, 1), "only the first");
    assert_eq!((buffer.stats().late, buffer.stats().reordered), (1, 9));
}

#[test]
fn clocks_that_drift_for_hours_change_nothing() {
    // Six hours, the sender's clock 200 ppm fast and slow, and a little jitter.
    for nanos_a_packet in [19_996_000_u64, 20_004_000] {
        let (mut buffer, mut sender) = (JitterBuffer::new(), Sender::new(1, u32::MAX - 1000));
        let mut next = 0;
        for n in 0..6 * 3600 * 50_u64 {
            let at = Duration::from_nanos(n * nanos_a_packet) + ms(n * 7919 % 13);
            let mut header = [0; rtp::HEADER_LEN + FRAME];
            header[rtp::HEADER_LEN..].fill(code(n));
            sender.header.write(header.first_chunk_mut().unwrap());
            sender.header.sequence = sender.header.sequence.wrapping_add(1);
            sender.header.timestamp = sender.header.timestamp.wrapping_add(FRAME as u32);
            buffer.push(at, &rtp::Packet::parse(&header).unwrap());
            let frame = buffer.pop(at).expect("no packet is held");
            assert_eq!((frame.position, frame.kind, frame.arrived), (next, Voice, at));
            next += FRAME as u64;
            assert!(buffer.pop(at).is_none() && buffer.deadline().is_none());
        }
        let stats = buffer.stats();
        assert_eq!((stats.received, stats.lost, stats.resyncs), (6 * 3600 * 50, 0, 0));
        assert!(stats.jitter < ms(8), "{:?}", stats.jitter);
    }
}

#[test]
fn a_buffer_is_one_small_piece_of_memory() {
    let size = size_of::<JitterBuffer>();
    assert!(size <= 6 * 1024, "{size} bytes");
    // What needs no drop owns nothing on the heap.
    const { assert!(!std::mem::needs_drop::<JitterBuffer>()) }
}

proptest! {
    #[test]
    fn whatever_arrives_the_frames_go_on_and_every_packet_is_accounted_for(
        packets in prop::collection::vec(
            (0u16..40, 0u32..6000, 0u32..3, prop_oneof![Just(0u8), Just(101)], 0usize..500,
             0u64..60, any::<bool>()),
            0..120,
        ),
        base in any::<(u16, u32)>(),
    ) {
        let (mut buffer, mut now, mut next) = (JitterBuffer::new(), Duration::ZERO, 0);
        let mut pushed = 0;
        for (sequence, timestamp, ssrc, payload_type, len, wait, wild) in packets {
            let spread = if wild { 977 } else { 1 };
            let mut sender = Sender::new(
                base.0.wrapping_add(sequence * spread),
                base.1.wrapping_add(timestamp.wrapping_mul(u32::from(spread).pow(2))),
            );
            (sender.header.ssrc, sender.header.payload_type, sender.ptime) =
                (ssrc / 2, payload_type, len);
            now += ms(wait);
            pushed += 1;
            for frame in hear(&mut buffer, now, &sender.next()) {
                prop_assert!(frame.position >= next);
                next = frame.position + FRAME as u64;
            }
            prop_assert!(buffer.store.held().len() <= 2);
            prop_assert!(buffer.deadline().is_none_or(|due| due > now && due <= now + ms(40)));
        }
        drain(&mut buffer, now + ms(40));
        prop_assert_eq!(buffer.deadline(), None);
        let stats = buffer.stats();
        prop_assert_eq!(stats.received, pushed);
        prop_assert!(stats.late + stats.duplicate + stats.stray + stats.discarded <= pushed);
    }

    #[test]
    fn disorder_within_the_limits_is_undone(
        swaps in prop::collection::vec(0usize..3, 60),
        start in any::<(u16, u32)>(),
    ) {
        let mut sender = Sender::new(start.0, start.1);
        let first = sender.next();
        let mut packets = sender.take(60);
        // Each packet may be put off behind up to two others; one at a time, so none further.
        let mut index = 0;
        for swap in swaps {
            if index + swap < packets.len() {
                packets[index..=index + swap].rotate_left(1);
            }
            index += swap + 1;
        }
        let mut buffer = JitterBuffer::new();
        let mut frames = hear(&mut buffer, ms(0), &first);
        for (n, bytes) in packets.iter().enumerate() {
            frames.extend(hear(&mut buffer, ms(n as u64 * 10), bytes));
        }
        prop_assert_eq!(frames.len(), 61);
        for frame in &frames {
            prop_assert_eq!((frame.kind, frame.samples), (Voice, spoken(frame.position)));
        }
        prop_assert_eq!(buffer.stats().lost, 0);
    }
}
