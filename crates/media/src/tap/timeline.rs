//! Both sides of a call on one line in time, sample by sample.
//!
//! A packet's timestamp says where its sound stands among its own side's, and its arrival where that is
//! on our clock. As in a leg that plays whatever comes, the packets with the least delay tell: a side's
//! place is the least difference of the two over the last seconds. A sender's clock that is fast or slow
//! moves it by a sample a packet, which nobody hears; a new stream, or a jump of the clock, at once.

use super::Side;
use audio::{FRAME, SAMPLE_RATE, g711, rtp};
use std::{collections::VecDeque, ops::Range, time::Duration};

/// One moment: what the caller says, and what we say.
pub(super) type Both = [i16; 2];

/// Lays packets onto the line and gives out what cannot change any more.
#[derive(Debug)]
pub(super) struct Timeline {
    sides: [Placer; 2],
    /// From position `begin` on.
    samples: VecDeque<Both>,
    begin: i64,
    /// The latest time that was seen.
    now: i64,
}

/// How long a packet may be late and still find its place, in samples: half a second.
const HOLD: i64 = SAMPLE_RATE as i64 / 2;

/// A packet that would stand further ahead has no time that can be.
const AHEAD: i64 = 2 * SAMPLE_RATE as i64;

impl Timeline {
    pub(super) fn new() -> Timeline {
        let samples = VecDeque::with_capacity(2 * HOLD as usize);
        Timeline { sides: Default::default(), samples, begin: 0, now: 0 }
    }

    /// Lays the sound of a packet onto the line, after `give` has taken what its time has settled.
    pub(super) fn add(
        &mut self,
        at: Duration,
        side: Side,
        packet: &rtp::Packet<'_>,
        mut give: impl FnMut(Both),
    ) {
        let at = position_of(at);
        self.now = self.now.max(at);
        while self.begin < self.now - HOLD {
            give(self.samples.pop_front().unwrap_or_default());
            self.begin += 1;
        }
        let decode = match packet.payload_type {
            rtp::PCMU => g711::decode_ulaw_sample,
            rtp::PCMA => g711::decode_alaw_sample,
            _ => return,
        };
        let channel = side as usize;
        let (position, hole) = self.sides[channel].place(at, packet);
        if position - self.now > AHEAD {
            return;
        }
        // The hole that one sample more leaves is filled with the one behind it.
        let samples = packet.payload.iter().map(|code| decode(*code));
        let first = packet.payload.first().map_or(0, |code| decode(*code));
        let samples = std::iter::repeat_n(first, hole).chain(samples);
        for (position, sample) in (position - hole as i64..).zip(samples) {
            let Ok(index) = usize::try_from(position - self.begin) else { continue };
            if self.samples.len() <= index {
                self.samples.resize(index + 1, [0; 2]);
            }
            self.samples[index][channel] = sample;
        }
    }

    /// Up to which position all has been given out.
    pub(super) fn settled(&self) -> i64 {
        self.begin
    }

    /// Silences a side between two positions, as far as they have not been given out.
    pub(super) fn silence(&mut self, side: Side, span: Range<i64>) {
        let index = |position: i64| usize::try_from(position - self.begin).unwrap_or(0);
        let (from, to) = (index(span.start), index(span.end).min(self.samples.len()));
        if from < to {
            self.samples.range_mut(from..to).for_each(|both| both[side as usize] = 0);
        }
    }

    /// The rest, when nothing more comes.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = Both> {
        self.begin += self.samples.len() as i64;
        self.samples.drain(..)
    }
}

/// Where one side's packets stand.
#[derive(Debug, Default)]
struct Placer {
    stream: Option<Stream>,
    /// One after the last sample of the packet that stands last.
    end: i64,
}

/// A run of timestamps that belong together.
#[derive(Debug)]
struct Stream {
    ssrc: u32,
    timestamp: u32,
    /// The timestamp counted on over its wraps, from 0.
    count: i64,
    /// When it was `count`.
    at: i64,
    /// What is added to a count to have its position.
    offset: i64,
    least: Least,
}

/// A timestamp that differs by more than this from the time that has passed is a new beginning: 1 s.
const JUMP: i64 = SAMPLE_RATE as i64;

impl Placer {
    /// The position of a packet's first sample, and how many are missing just before it that are no
    /// pause.
    fn place(&mut self, at: i64, packet: &rtp::Packet<'_>) -> (i64, usize) {
        let position = match &mut self.stream {
            Some(stream) if stream.continues(at, packet) => stream.position(at, packet.timestamp),
            _ => {
                self.stream = Some(Stream::new(at, packet));
                at
            }
        };
        let hole = (position - self.end).clamp(0, FRAME as i64);
        let hole = if hole <= SLEW { hole as usize } else { 0 };
        self.end = self.end.max(position + packet.payload.len() as i64);
        (position, hole)
    }
}

/// How far a packet stands from where its clock would have it, in samples.
const SLEW: i64 = 1;

impl Stream {
    fn new(at: i64, packet: &rtp::Packet<'_>) -> Stream {
        let (ssrc, timestamp) = (packet.ssrc, packet.timestamp);
        Stream { ssrc, timestamp, count: 0, at, offset: at, least: Least::new(at) }
    }

    fn continues(&self, at: i64, packet: &rtp::Packet<'_>) -> bool {
        let passed = i64::from(packet.timestamp.wrapping_sub(self.timestamp) as i32);
        self.ssrc == packet.ssrc && (passed - (at - self.at)).abs() <= JUMP
    }

    fn position(&mut self, at: i64, timestamp: u32) -> i64 {
        let passed = i64::from(timestamp.wrapping_sub(self.timestamp) as i32);
        let count = self.count + passed;
        if passed > 0 {
            (self.timestamp, self.count, self.at) = (timestamp, count, at);
        }
        let least = self.least.of(at, at - count);
        let off = least - self.offset;
        // More than a frame is no clock that runs wrong.
        self.offset += if off.abs() > FRAME as i64 { off } else { off.clamp(-SLEW, SLEW) };
        count + self.offset
    }
}

/// The least of the values of the last seconds.
#[derive(Debug)]
pub(super) struct Least {
    before: i64,
    now: i64,
    since: i64,
}

/// How long a value counts, at least: 4 s. A clock that runs wrong by 200 ppm is off by 13 samples then.
const WINDOW: i64 = 4 * SAMPLE_RATE as i64;

impl Least {
    pub(super) fn new(at: i64) -> Least {
        Least { before: i64::MAX, now: i64::MAX, since: at }
    }

    /// Takes a value of the time `at`; gives the least.
    pub(super) fn of(&mut self, at: i64, value: i64) -> i64 {
        if at - self.since > WINDOW {
            (self.before, self.now, self.since) = (self.now, i64::MAX, at);
        }
        self.now = self.now.min(value);
        self.value()
    }

    /// The least until now.
    pub(super) fn value(&self) -> i64 {
        self.now.min(self.before)
    }
}

pub(super) fn position_of(at: Duration) -> i64 {
    (at.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::rtp::{HEADER_LEN, Header, Packet};

    const HOUR: u64 = 3600;
    const LOUD: i16 = 20_000;

    /// A side that clicks once in two seconds of our clock, whatever its own clock says.
    struct Talker {
        /// How much faster its clock runs than ours.
        ppm: i64,
        side: Side,
        rng: u64,
    }

    impl Talker {
        fn random(&mut self, below: u64) -> u64 {
            self.rng = self.rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.rng >> 33) % below
        }

        /// Its packets in order of arrival: when in µs, and which. Delays are those of `delay`.
        fn packets(
            &mut self,
            seconds: u64,
            mut delay: impl FnMut(&mut Talker, u64) -> Option<u64>,
        ) -> Packets {
            let mut packets = Vec::new();
            for n in 0.. {
                // When the packet is spoken, by our clock.
                let spoken = |samples: u64| {
                    (i128::from(samples) * 125 * 1_000_000 / i128::from(1_000_000 + self.ppm))
                        as u64
                };
                let from = spoken(n * FRAME as u64);
                if from > seconds * 1_000_000 {
                    break;
                }
                let mut bytes = vec![0xFF; HEADER_LEN + FRAME];
                let timestamp = (n as u32).wrapping_mul(160).wrapping_sub(50_000);
                let header = Header { sequence: n as u16, timestamp, ssrc: 9, ..Header::default() };
                header.write(bytes.first_chunk_mut().unwrap());
                for sample in 0..FRAME as u64 {
                    let at = spoken(n * FRAME as u64 + sample);
                    if at % 2_000_000 < 125 {
                        bytes[HEADER_LEN + sample as usize] = g711::encode_ulaw_sample(LOUD);
                    }
                }
                if let Some(delay) = delay(self, n) {
                    packets.push((from + delay, bytes));
                }
            }
            packets.sort_by_key(|(at, _)| *at);
            packets
        }
    }

    /// Packets and when they come, in µs.
    type Packets = Vec<(u64, Vec<u8>)>;

    /// Where each side clicks.
    fn clicks(talkers: [(Side, Packets); 2]) -> ([Vec<usize>; 2], usize) {
        let mut packets: Vec<(u64, Side, Vec<u8>)> = talkers
            .into_iter()
            .flat_map(|(side, packets)| packets.into_iter().map(move |(at, p)| (at, side, p)))
            .collect();
        packets.sort_by_key(|(at, ..)| *at);
        let (mut line, mut clicks, mut position) = (Timeline::new(), [vec![], vec![]], 0);
        let mut longest = 0;
        let mut take = |moment: Both| {
            for (clicks, sample) in clicks.iter_mut().zip(moment) {
                let apart = clicks.last().is_none_or(|last: &usize| position - last > 400);
                if sample > LOUD / 2 && apart {
                    clicks.push(position);
                }
            }
            position += 1;
        };
        for (at, side, bytes) in packets {
            line.add(Duration::from_micros(at), side, &Packet::parse(&bytes).unwrap(), &mut take);
            longest = longest.max(line.samples.len());
        }
        line.rest().for_each(&mut take);
        (clicks, longest)
    }

    #[test]
    fn an_hour_of_two_clocks_jitter_loss_and_pauses_stays_within_a_frame() {
        for ppm in [-200, 0, 200] {
            let mut caller = Talker { ppm, side: Side::Caller, rng: 7 };
            let mut us = Talker { ppm: 0, side: Side::Us, rng: 8 };
            let theirs = caller.packets(HOUR, |talker, n| {
                // Every minute six seconds without a packet, and a spell of half a second's delay.
                let pause = n % 3000 > 2700;
                let lost = talker.random(100) < 3;
                let late = if n % 3000 < 20 { 300_000 } else { 0 };
                (!pause && !lost).then(|| 15_000 + late + talker.random(60_000))
            });
            let ours = us.packets(HOUR, |talker, _| Some(talker.random(1_000)));
            let (sides, longest) = clicks([(caller.side, theirs), (us.side, ours)]);
            let [theirs, ours] = sides;
            assert!((ours.len() as u64).abs_diff(HOUR / 2) <= 1, "{} of ours", ours.len());
            for (n, at) in ours.iter().enumerate() {
                assert!(at.abs_diff(n * 16_000) <= 16, "ours at {at}, the {n}th");
            }
            assert!(theirs.len() > HOUR as usize * 2 / 5, "{} of theirs", theirs.len());
            for at in &theirs {
                // All packets have 15 ms of delay at least, and the line is that of arrivals.
                let off = (at + 8_000) % 16_000;
                assert!(off.abs_diff(8_000 + 120) <= 160, "{ppm} ppm: {at} is off by {off} - 8120");
            }
            assert!(longest < 8_000, "{longest} samples were held");
        }
    }

    #[test]
    fn a_new_stream_and_a_jump_stand_where_they_arrive() {
        let (mut line, mut all) = (Timeline::new(), Vec::new());
        let mut add = |ms, ssrc, timestamp| {
            let mut bytes = vec![g711::encode_ulaw_sample(LOUD); HEADER_LEN + FRAME];
            let header = Header { ssrc, timestamp, ..Header::default() };
            header.write(bytes.first_chunk_mut().unwrap());
            let (at, packet) = (Duration::from_millis(ms), Packet::parse(&bytes).unwrap());
            line.add(at, Side::Us, &packet, |both| all.push(both));
        };
        add(0, 1, 0);
        add(100, 2, 77);
        add(200, 2, 1_000_000);
        // What is said in place of something that was called back takes its place.
        add(220, 2, 1_000_160);
        add(210, 2, 1_000_080);
        all.extend(line.rest());
        let loud = |ms: usize| {
            all[ms * 8..][..FRAME].iter().all(|both| both[0] == 0 && both[1] > LOUD / 2)
        };
        assert!(loud(0) && loud(100) && loud(200) && loud(220) && !loud(20) && !loud(180));
        assert_eq!(all.len(), 240 * 8);
    }

    #[test]
    fn a_long_silence_takes_no_memory_and_its_whole_time() {
        let mut line = Timeline::new();
        let mut bytes = vec![0xFF; HEADER_LEN + FRAME];
        Header::default().write(bytes.first_chunk_mut().unwrap());
        let packet = Packet::parse(&bytes).unwrap();
        let mut settled = 0;
        line.add(Duration::ZERO, Side::Caller, &packet, |_| settled += 1);
        line.add(Duration::from_secs(600), Side::Caller, &packet, |_| settled += 1);
        assert_eq!(settled, 600 * 8_000 - HOLD as usize);
        assert_eq!(line.rest().count(), HOLD as usize + FRAME);
        assert!(line.samples.capacity() < 3 * HOLD as usize);
    }
}
