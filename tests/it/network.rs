//! Telephone sound and keys over bad networks, in virtual time: what comes out of the jitter buffer is in order and of
//! the right length, and each key is one digit.

use std::time::Duration;

use audio::jitter::{Frame, FrameKind, JitterBuffer, Patience, Stats};
use audio::rtp::{self, Header, Packet};
use audio::telephone_event::{Deduplicator, Digits, Event, Witness, code_of};
use audio::{FRAME, FRAME_TIME, g711};
use tests::network::{Conditions, Loss, Network, Queueing, Random};

const MINUTES: u64 = 5;
const TICKS: u64 = MINUTES * 60 * 50;

/// Every so many ticks a key is pressed, for five of them.
const PRESS: u64 = 40;
const HELD: u64 = 5;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn random_loss() {
    for share in [0.01, 0.03, 0.05, 0.1] {
        let call = Call::over(Conditions { loss: Loss::Random(share), ..lan() }, Patience::LAN);
        call.is_right();
        let lost = call.stats.lost as f64 / call.sent as f64;
        assert!((lost - share).abs() < 0.01, "{lost} of {share}");
        assert!(call.made_up() < share * 1.2 + 0.005, "{}", call.made_up());
    }
}

#[test]
fn bursts_of_100_ms() {
    for share in [0.01, 0.05] {
        let loss = Loss::Bursts(share, ms(100));
        let call = Call::over(Conditions { loss, ..lan() }, Patience::LAN);
        call.is_right();
        let burst = call.stats.lost as f64 / call.stats.gaps as f64;
        assert!((4.0..7.0).contains(&burst), "{burst}");
    }
}

#[test]
fn jitter_in_a_queue_costs_nothing() {
    for jitter in [20, 60, 120] {
        let call = Call::over(Conditions { jitter: ms(jitter), ..lan() }, Patience::LAN);
        call.is_right();
        assert_eq!((call.stats.lost, call.stats.concealed), (0, 0));
    }
}

#[test]
fn reordering_and_duplication() {
    let conditions = Conditions { reordering: 0.05, duplication: 0.05, ..lan() };
    for (patience, most) in [(Patience::LAN, 0.03), (Patience::WAN, 0.002)] {
        let call = Call::over(conditions, patience);
        call.is_right();
        let lost = call.stats.lost as f64 / call.sent as f64;
        assert!(lost < most, "{patience:?}: {lost}");
        assert!(call.stats.duplicate > call.sent / 30, "{:?}", call.stats);
    }
}

#[test]
fn jitter_over_many_paths_is_learnt() {
    let conditions = Conditions { jitter: ms(120), queueing: Queueing::Parallel, ..lan() };
    let lost = [Patience::LAN, Patience::WAN].map(|patience| {
        let call = Call::over(conditions, patience);
        call.is_right();
        call.stats.lost as f64 / call.sent as f64
    });
    assert!(lost[1] < 0.01 && lost[1] < lost[0] / 5.0, "{lost:?}");
}

#[test]
fn all_at_once() {
    for loss in [Loss::Random(0.1), Loss::Bursts(0.1, ms(100))] {
        for queueing in [Queueing::InOrder, Queueing::Parallel] {
            let jitter = ms(120);
            let all =
                Conditions { loss, jitter, queueing, reordering: 0.05, duplication: 0.05, ..lan() };
            for patience in [Patience::Fixed(0), Patience::LAN, Patience::WAN] {
                Call::over(all, patience).is_right();
            }
        }
    }
}

fn lan() -> Conditions {
    Conditions { delay: ms(10), ..Conditions::default() }
}

/// What became of a call.
struct Call {
    frames: Vec<Frame>,
    stats: Stats,
    sent: u64,
    /// The timestamp of the packet that began the stream here, in samples since the call's beginning.
    began: u64,
    /// Where the last packet ended that was played.
    ended: u64,
    pressed: String,
    /// By the media leg alone: those of which any report arrived, and what was made of them.
    arrived: String,
    heard: String,
    /// With what Asterisk told as well.
    told: String,
}

impl Call {
    fn over(conditions: Conditions, patience: Patience) -> Call {
        let mut network = Network::new(conditions, 4);
        let mut random = Random(5);
        let mut call = Call {
            frames: Vec::new(),
            stats: Stats::default(),
            sent: 0,
            began: 0,
            ended: 0,
            pressed: String::new(),
            arrived: String::new(),
            heard: String::new(),
            told: String::new(),
        };
        let mut receiver = Receiver::new(patience);
        let mut header = Header { sequence: 65_000, ssrc: 7, ..Header::default() };
        let start = u32::MAX - 40_000;
        let (mut asterisk, mut press_arrives) = (Vec::new(), false);
        for tick in 0..TICKS {
            let now = FRAME_TIME * tick as u32;
            let into = tick % PRESS;
            let in_press = tick >= PRESS && into < HELD;
            header.payload_type = if in_press { rtp::TELEPHONE_EVENT } else { rtp::PCMU };
            header.marker = in_press && into == 0;
            let of = if in_press { tick - into } else { tick };
            header.timestamp = start.wrapping_add((of * FRAME as u64) as u32);
            if in_press && into == 0 {
                let key = char::from(b"0123456789*#"[random.below(12) as usize]);
                call.pressed.push(key);
                press_arrives = false;
                asterisk.push((now + ms(100 + random.below(200)), key, now));
            }
            let payload = if in_press {
                let code =
                    code_of(call.pressed.chars().last().expect("just pressed")).expect("a key");
                let duration = (into as u16 + 1) * FRAME as u16;
                Event { code, end: into + 1 == HELD, volume: 10, duration }.to_bytes().to_vec()
            } else {
                (0..FRAME as u64).map(|n| spoken(tick * FRAME as u64 + n)).collect()
            };
            // The end of a key is told three times, at once.
            for _ in 0..if in_press && into + 1 == HELD { 3 } else { 1 } {
                let mut datagram = vec![0; rtp::HEADER_LEN];
                header.write(datagram.first_chunk_mut().expect("as long as a header"));
                datagram.extend(&payload);
                press_arrives |= network.send(now, &datagram);
                header.sequence = header.sequence.wrapping_add(1);
                call.sent += 1;
            }
            if in_press && into + 1 == HELD && press_arrives {
                call.arrived.extend(call.pressed.chars().last());
            }
            while let Some((at, datagram)) = network.receive(now) {
                let packet = Packet::parse(&datagram).expect("we wrote it");
                let sample = u64::from(packet.timestamp.wrapping_sub(start));
                if receiver.jitter.stats().received == 0 {
                    call.began = sample;
                }
                receiver.packet(at, &packet, &mut call);
            }
            asterisk.retain(|&(at, key, down)| {
                if at <= now && receiver.presses.is_new(Witness::Ari, key, down) {
                    call.told.push(key);
                }
                at > now
            });
            receiver.hear(now, &mut call);
        }
        call.stats = receiver.jitter.stats();
        call.ended = call.frames.last().map_or(0, |frame| frame.position + FRAME as u64);
        call
    }

    /// The share of frames that was made up.
    fn made_up(&self) -> f64 {
        self.stats.concealed as f64 / self.frames.len() as f64
    }

    fn is_right(&self) {
        for (n, frame) in self.frames.iter().enumerate() {
            assert_eq!(frame.position, (n * FRAME) as u64, "in order, without a gap");
            if frame.kind == FrameKind::Voice {
                let first = self.began + frame.position;
                let said =
                    std::array::from_fn(|n| g711::decode_ulaw_sample(spoken(first + n as u64)));
                assert_eq!(frame.samples, said, "the sound of its place");
            }
        }
        // All that was said is there, up to the packets that are still awaited.
        let missing = TICKS * FRAME as u64 - (self.began + self.ended);
        assert!(missing <= 60 * FRAME as u64, "{missing} samples");
        let sorted = |digits: &str| {
            let mut digits: Vec<char> = digits.chars().collect();
            digits.sort_unstable();
            digits
        };
        assert_eq!(self.heard, self.arrived, "each key that arrived is one digit");
        assert_eq!(
            sorted(&self.told),
            sorted(&self.pressed),
            "and no key is missed or doubled with both"
        );
    }
}

struct Receiver {
    jitter: JitterBuffer,
    digits: Digits,
    presses: Deduplicator,
}

impl Receiver {
    fn new(patience: Patience) -> Receiver {
        let jitter = JitterBuffer::with_patience(patience);
        Receiver { jitter, digits: Digits::default(), presses: Deduplicator::default() }
    }

    fn packet(&mut self, at: Duration, packet: &Packet<'_>, call: &mut Call) {
        if packet.payload_type == rtp::TELEPHONE_EVENT
            && let Some(digit) = self.digits.push(packet)
        {
            call.heard.push(digit);
            if self.presses.is_new(Witness::Media, digit, at) {
                call.told.push(digit);
            }
        }
        // What was due before this packet came is heard before it.
        if let Some(due) = self.jitter.deadline().filter(|due| *due <= at) {
            self.hear(due, call);
        }
        self.jitter.push(at, packet);
        self.hear(at, call);
    }

    fn hear(&mut self, now: Duration, call: &mut Call) {
        while let Some(frame) = self.jitter.pop(now) {
            call.frames.push(frame);
        }
    }
}

/// The code of a sample of the sender's.
fn spoken(sample: u64) -> u8 {
    0x80 + (sample * 7 % 96) as u8
}
